"""Promises R1 and R8, and the crowd: processes that share a store, and are killed at random moments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.disks import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("MIDEN_EXAMPLES", "90"))
"""Processes that are killed; the promise asks for 1,000."""

SECONDS = 4 if KILLS < 500 else 60
INSERTS = 40 if KILLS < 500 else 500


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as scratch:
        yield scratch / "store"


def load(what: str, folder: Path, amount: int, *before: str) -> dict[str, Any]:
    """Run a load in a process of its own, started by another command if there is one before, and return what it says."""
    command = [*before, sys.executable, "-m", "tests.support.store_load", what, str(folder), str(amount), "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_no_kill_loses_what_was_acknowledged(folder: Path) -> None:
    found = load("kills", folder, KILLS)
    assert found["kills"] >= KILLS
    assert found["acknowledged"] > KILLS / 4
    assert found["lost"] == 0


@pytest.mark.slow
def test_a_crowd_loses_nothing_and_sees_nothing_stale(folder: Path) -> None:
    found = load("crowd", folder, SECONDS)
    assert found["acknowledged"] > 20
    assert found["longest operation"] < 30


@pytest.mark.slow
def test_writers_wait_for_each_other_and_lose_nothing(folder: Path) -> None:
    found = load("inserts", folder, INSERTS)
    assert found["lost"] == 0
    assert found["objects"] <= 3 * INSERTS + 1


MOUNT = 'mount -t tmpfs -o size=16m,mode=700 miden-test "$0" && exec "$@"'


def test_a_disk_that_is_really_full_is_read_checked_and_freed(folder: Path) -> None:
    own = ("unshare", "--user", "--map-root-user", "--mount")
    folder.mkdir()
    if subprocess.run([*own, "sh", "-c", MOUNT, folder, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a small disk of his own")
    found = load("full", folder / "store", 16, *own, "sh", "-c", MOUNT, str(folder))
    assert found["free before"] == 0
    assert found["garbage freed"] >= 0.9
