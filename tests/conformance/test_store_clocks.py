"""A clock that jumps, forward and back, by decades and to before 1970: nothing that is pinned goes, nothing is damaged.

Time is only asked for the grace period of what nobody pinned. So whatever the clock says, a collection may take what is not
pinned sooner or later than it should, and nothing else. MIDEN_EXAMPLES=2000 makes the long run.
"""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from miden.store.opening import open_store
from miden.store.provider import open_provider
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from tests.support.disks import HastyDisk
from tests.support.objects import block_forest, calling_forest, root_of, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from miden.field import Word
    from miden.mast.forest import MastForest

STEPS = 120 if int(os.environ.get("MIDEN_EXAMPLES", "0")) < 2000 else 3000
YEAR = 365.25 * 86400
NOW = 1.8e9
TIMES = (0.0, -3.0, -40 * YEAR, 1.0, 2.0**31 - 1, 2.0**31, 2.0**32 + 0.5, NOW - 10 * YEAR, NOW, NOW + 1, NOW + 10 * YEAR, 200 * YEAR)


class Clock:
    """What `time.time` says in these tests; `NOW` until it is moved."""

    def __init__(self) -> None:
        self.seconds = NOW

    def time(self) -> float:
        return self.seconds

    def time_ns(self) -> int:
        return int(self.seconds * 1e9)


class ClockedDisk(HastyDisk):
    """Gives files the times of a clock, as a system would of which it is the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def rename(self, source: str, target: str) -> None:
        os.utime(source, (self.clock.seconds, self.clock.seconds))
        super().rename(source, target)

    def touch(self, path: str) -> None:
        os.utime(path, (self.clock.seconds, self.clock.seconds), follow_symlinks=False)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "time", made.time)
    monkeypatch.setattr(time, "time_ns", made.time_ns)
    return made


@pytest.fixture(params=["filesystem", "sqlite", "lmdb", "memory", "fsspec"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Callable[[], ObjectStore]:
    """Return what opens the store, the one that is there if there is one."""
    kind: str = request.param
    if kind == "filesystem":
        return lambda: open_store(tmp_path / "store", create=True, fs=ClockedDisk(clock))
    if kind == "memory":
        kept = ObjectStore([MemoryProvider()])
        return lambda: kept
    options = {"local": True} if kind == "fsspec" else {}
    store = ObjectStore([open_provider(kind, f"file://{tmp_path}/store" if kind == "fsspec" else f"{tmp_path}/store", **options)])
    return lambda: ObjectStore(store.chain.providers, pins=store.pins, seals=store.seals)


def test_a_clock_that_jumps_takes_nothing_that_is_needed(clock: Clock, reopen: Callable[[], ObjectStore]) -> None:
    rng = random.Random(9)
    store = reopen()
    foreign = "fsspec" in type(store.home).__module__
    """The times of its files are not of this clock."""
    pinned: dict[Word, MastForest] = {}
    young: dict[Word, MastForest] = {}
    """Inserted since the clock was last moved, and no collection since then may take them."""
    for number in range(STEPS):
        kind = rng.random()
        if kind < 0.25:
            clock.seconds = rng.choice(TIMES)
            young = {}
        elif kind < 0.6:
            forest = calling_forest(number, rng.sample(sorted(pinned), min(len(pinned), 2)))
            keep = rng.random() < 0.4
            store.insert(forest, pin=keep)
            (pinned if keep else young)[root_of(forest)] = forest
        elif kind < 0.8:
            assert store.gc(grace=rng.choice((60.0, 3600.0, 50 * YEAR))).missing == ()
        elif kind < 0.9:
            store = reopen()
        elif hasattr(store.home, "repack"):
            store.repack(full=rng.random() < 0.5)
        for root, forest in {**pinned, **({} if foreign else young)}.items():
            assert store.get(root) == forest
    assert store.fsck().findings == ()
    clock.seconds = NOW
    store.gc(grace=0)
    assert {key.root for key in store.roots()} >= set(pinned)
    clock.seconds = 300 * YEAR  # later than anything that was written
    store.gc(grace=0)
    assert {key.root for key in store.roots()} == set(pinned)
    assert store.fsck().findings == ()


def test_what_is_damaged_is_set_aside_and_fetched_again_whatever_the_time_is(clock: Clock, tmp_path: Path) -> None:
    forests = [block_forest(number) for number in range(len(TIMES))]
    copy = MemoryProvider("copy", local=False)
    copy.put_many(map(stored, forests))
    store = open_store(tmp_path / "store", create=True, remotes=[copy], fs=ClockedDisk(clock))
    seen: set[Path] = set()
    for forest, seconds in zip(forests, TIMES, strict=True):
        clock.seconds = seconds
        store.insert(forest, pin=True)
        [path] = [path for path in (tmp_path / "store" / "objects").rglob("*") if path.is_file() and path not in seen]
        seen.add(path)
        path.chmod(0o644)
        path.write_bytes(b"damaged")
        assert store.get_bytes(root_of(forest)) == stored(forest).data
    assert len(list((tmp_path / "store" / "quarantine").iterdir())) == 2 * len(TIMES)  # each with its reason
    assert store.fsck().findings == ()
