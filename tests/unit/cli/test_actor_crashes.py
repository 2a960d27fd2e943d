"""Processes that call the same machine at once, and processes that are killed while they do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from miden.cli import main
from miden.ipld.blocks import reachable
from miden.ipld.cid import Cid
from miden.ipld.objects import StoreBlocks, key_of
from miden.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, so that a kill comes in the middle of the work")

EXAMPLES = Path(__file__).parents[3] / "examples" / "actors"
WORKERS = 4
CALLS = 3
KILLS = int(os.environ.get("MIDEN_EXAMPLES", "12"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIDEN_STORE", str(tmp_path / "store"))
    (tmp_path / "user.toml").touch()
    monkeypatch.setenv("MIDEN_CONFIG", str(tmp_path / "user.toml"))
    monkeypatch.chdir(tmp_path)
    for name in ("counter.py", "counter.interface"):
        shutil.copy(EXAMPLES / name, tmp_path)
    assert main(["actor", "init"]) == 0
    assert main(["actor", "deploy", "counter.py", "--interface", "counter.interface"]) == 0
    return tmp_path


def forked(work: Callable[[], int]) -> int:
    """Do something in a child process and return its ID; the child exits with what it returns."""
    child = os.fork()
    if child:
        return child
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)


def increment(times: int) -> int:
    return max(main(["actor", "call", "f0101", "Increment", "by=1"]) for _ in range(times))


def count(capfd: pytest.CaptureFixture[str]) -> int:
    capfd.readouterr()
    assert main(["actor", "call", "f0101", "Get", "--json"]) == 0
    found: int = json.loads(capfd.readouterr().out)["result"]["count"]
    return found


def test_processes_wait_for_each_other(capfd: pytest.CaptureFixture[str]) -> None:
    children = [forked(lambda: increment(CALLS)) for _ in range(WORKERS)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * WORKERS
    assert count(capfd) == WORKERS * CALLS


def test_a_kill_leaves_the_state_before_or_the_one_after(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Calls are killed at any moment: the machine has a whole, pinned state, in which all calls that ended are."""
    rng = Random(7)
    began = time.monotonic()
    assert increment(1) == 0
    usual = time.monotonic() - began
    done = count(capfd)
    killed = 0
    for _ in range(KILLS):
        child = forked(lambda: increment(1))
        time.sleep(rng.uniform(0, usual))
        os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        killed += code < 0
        found = count(capfd)
        assert found in ((done, done + 1) if code < 0 else (done + 1,))
        done = found
        root = Cid.parse(json.loads((folder / "machine.json").read_text(encoding="utf-8"))["root"])
        with open_store(folder / "store") as store:
            assert key_of(root) in {key for keys in store.pins.all().values() for key in keys}
            assert sum(1 for _ in reachable(StoreBlocks(store), [root])) > 10
    assert killed, "no kill came in time"
    assert main(["store", "fsck"]) == 0
