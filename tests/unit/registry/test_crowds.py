"""Killed at any moment, watched while it changes, used by many at once: what is installed is one whole state. (R7, R8.)

The counts of the promises (300 kills, 500 upgrades, 8 times 500 installs) are run with MIDEN_CROWDS=full.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FULL = os.environ.get("MIDEN_CROWDS") == "full"
COUNTS = {"kill": 300, "readers": 500, "writers": 500} if FULL else {"kill": 30, "readers": 15, "writers": 4}


def crowd(what: str, folder: Path) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.support.crowds", what, str(COUNTS[what]), "1", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stderr
    figures: dict[str, int] = json.loads(done.stdout)
    return figures


@pytest.mark.timeout(3000)
def test_a_kill_at_any_moment_leaves_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    figures = crowd("kill", tmp_path)
    assert figures["kills"] == COUNTS["kill"]
    assert figures["old"] > 0
    assert figures["new"] > 0


@pytest.mark.timeout(3000)
def test_readers_see_a_package_and_what_it_needs_in_one_version(tmp_path: Path) -> None:
    figures = crowd("readers", tmp_path)
    assert figures["failed"] == 0
    assert figures["views"] > 0


@pytest.mark.timeout(3000)
def test_writers_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    figures = crowd("writers", tmp_path)
    assert figures["failed"] == 0
    assert figures["installs"] == 8 * COUNTS["writers"]
