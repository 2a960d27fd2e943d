"""Processes that use one store at once, and are killed.

``python -m tests.support.store_load kills FOLDER COUNT SEED`` kills workers at random moments and checks after each time.
``python -m tests.support.store_load crowd FOLDER SECONDS SEED`` runs 8 processes of 4 threads that put, get, collect, repack.
``python -m tests.support.store_load inserts FOLDER COUNT SEED`` lets 8 processes insert overlapping sets, one killed half-way.
``python -m tests.support.store_load full FOLDER MEGABYTES SEED`` fills the small disk that the folder is on.
Each prints what happened as JSON; a broken promise ends it with an error.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from miden.errors import NotFoundError, StorageError
from miden.field import Word
from miden.store.opening import open_store
from tests.support.objects import block_forest, calling_forest, root_of, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.store.store import ObjectStore

WORKERS = 3
PROCESSES, THREADS = 8, 4


def fork(work: Callable[[int], None]) -> tuple[int, int]:
    """Run `work` in another process; return its id and a pipe with the roots it acknowledges."""
    source, sink = os.pipe()
    child = os.fork()
    if child:
        os.close(sink)
        return child, source
    os.close(source)
    status = 1
    try:
        work(sink)
        status = 0
    except BaseException:  # noqa: BLE001 (this is the whole of the child)
        traceback.print_exc()
    os._exit(status)


def change(store: ObjectStore, rng: random.Random, sink: int) -> None:
    """Make one random change, and acknowledge pinned roots."""
    number = rng.getrandbits(60)
    kind = rng.random()
    if kind < 0.55:
        acknowledge(sink, store.insert(block_forest(number, length=rng.randint(1, 40)), pin=True))
    elif kind < 0.65:
        acknowledge(sink, store.insert(block_forest(*(number ^ one for one in range(12))), pin=f"package {number % 7}"))
    elif kind < 0.75:
        store.insert(block_forest(number))
    elif kind < 0.87:
        store.gc(grace=0)
    else:
        store.repack(full=kind > 0.96)


def acknowledge(sink: int, roots: list[Word]) -> None:
    os.write(sink, b"".join(root.to_bytes() for root in roots))


def kills(folder: Path, count: int, seed: int) -> dict[str, object]:
    """Kill workers, all of a round at one moment, and check the store after each round."""
    rng = random.Random(seed)
    open_store(folder, create=True)
    acknowledged: set[bytes] = set()
    killed = rounds = 0
    while killed < count:
        rounds += 1
        began = [fork(lambda sink, number=number: worker(folder, rng.getrandbits(32) + number, sink)) for number in range(WORKERS)]
        if rng.random() < 0.9:  # else they are killed while they open the store
            select.select([source for _, source in began], [], [], 2.0)
        wait(rng.uniform(0.0, 0.08))
        for child, _ in began:
            os.kill(child, signal.SIGKILL)
        fresh: set[bytes] = set()
        for child, source in began:
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status), f"a worker failed by itself: {status}"
            killed += 1
            with os.fdopen(source, "rb") as pipe:
                data = pipe.read()
            fresh |= {data[at : at + 32] for at in range(0, len(data) - len(data) % 32, 32)}
        acknowledged |= fresh
        store = open_store(folder)
        for root in fresh if rounds % 10 else acknowledged:
            store.get(Word.from_bytes(root))
        if rounds % 10 == 0 or killed >= count:
            found = store.fsck()
            assert found.findings == (), found.findings
    store = open_store(folder)
    for root in acknowledged:
        store.get(Word.from_bytes(root))
    left = len(list((folder / "tmp").iterdir()))
    store.gc(grace=0)
    assert list((folder / "tmp").iterdir()) == []
    for root in acknowledged:
        assert store.contains(Word.from_bytes(root))
    assert store.fsck().findings == ()
    return {"kills": killed, "rounds": rounds, "acknowledged": len(acknowledged), "lost": 0, "temporary files left": left}


def worker(folder: Path, seed: int, sink: int) -> None:
    """Change the store until killed."""
    rng = random.Random(seed)
    store = open_store(folder)
    while True:
        change(store, rng, sink)


def wait(seconds: float) -> None:
    """Wait; the moment of a kill is random, nothing is waited for."""
    select.select([], [], [], seconds)


def crowd(folder: Path, seconds: float, seed: int) -> dict[str, object]:
    """Let processes of threads work for a while; everything acknowledged is read by others at once."""
    open_store(folder, create=True)
    acks = folder.with_name(f"{folder.name}.acks")
    acks.write_bytes(b"")  # what an earlier crowd put is not in this store
    end = time.monotonic() + seconds
    children = [fork(lambda sink, number=number: member(folder, acks, end, seed + number, sink)) for number in range(PROCESSES)]
    operations = 0
    longest = 0.0
    for child, source in children:
        with os.fdopen(source, "rb") as pipe:
            lines = pipe.read().decode().split()
        _, status = os.waitpid(child, 0)
        assert status == 0, f"a process ended with {status}"
        operations += int(lines[0])
        longest = max(longest, float(lines[1]))
    data = acks.read_bytes()
    roots = {data[at : at + 32] for at in range(0, len(data), 32)}
    store = open_store(folder)
    for root in roots:
        store.get(Word.from_bytes(root))
    found = store.fsck()
    assert found.findings == (), found.findings
    return {"operations": operations, "acknowledged": len(roots), "lost": 0, "stale": 0, "longest operation": round(longest, 2)}


def member(folder: Path, acks: Path, end: float, seed: int, sink: int) -> None:
    """Run the threads of one process."""
    store = open_store(folder)
    done: list[tuple[int, float]] = []
    threads = [
        threading.Thread(target=lambda number=number: done.append(busy(store, folder, acks, end, seed * 100 + number)))
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == THREADS, "a thread ended with an error"
    os.write(sink, f"{sum(count for count, _ in done)} {max(longest for _, longest in done)}".encode())


def busy(store: ObjectStore, folder: Path, acks: Path, end: float, seed: int) -> tuple[int, float]:
    """Put, get, collect and repack until the end; return how many operations there were, and the longest."""
    rng = random.Random(seed)
    count, longest = 0, 0.0
    with acks.open("ab", buffering=0) as out, acks.open("rb") as known:
        while time.monotonic() < end:
            began = time.monotonic()
            kind, number = rng.random(), rng.getrandbits(60)
            if kind < 0.3:
                roots = store.insert(block_forest(number, length=rng.randint(1, 30)), pin=f"thread {seed % 5}")
                out.write(b"".join(root.to_bytes() for root in roots))
                store.get_bytes(roots[0])
            elif kind < 0.9:
                size = known.seek(0, 2) // 32
                if size:
                    known.seek(32 * rng.randrange(max(0, size - 20), size))
                    root = Word.from_bytes(known.read(32))
                    store.get_bytes(root)  # as this process sees the store
                    if kind < 0.35:
                        open_store(folder, writable=False).get_bytes(root)  # as a new one does
            elif kind < 0.93:
                [root] = store.insert(block_forest(number))
                store.remove(root)
                for reader in (store, open_store(folder, writable=False)):
                    try:
                        reader.get_bytes(root)
                    except NotFoundError:
                        continue
                    raise AssertionError("a removed object was read")
            elif kind < 0.97:
                store.gc(grace=0)
            else:
                store.repack(full=kind > 0.99)
            longest = max(longest, time.monotonic() - began)
            count += 1
    return count, longest


def inserts(folder: Path, count: int, seed: int) -> dict[str, object]:
    """Let processes insert overlapping sets of objects; one is killed in the middle and must leave no lock behind."""
    open_store(folder, create=True)
    base = block_forest(1)
    open_store(folder).insert(base, pin=True)
    began = time.monotonic()

    def insert(number: int) -> None:
        rng = random.Random(seed + number)
        store = open_store(folder)
        for _ in range(count):
            store.insert(calling_forest(rng.randrange(3 * count), [root_of(base)]), pin="overlap")

    children = [fork(lambda _, number=number: insert(number))[0] for number in range(PROCESSES)]
    wait(0.3)
    os.kill(children[0], signal.SIGKILL)
    for child in children:
        _, status = os.waitpid(child, 0)
        assert status == 0 or child == children[0], f"a process ended with {status}"
    expected = set()
    for number in range(1, PROCESSES):
        rng = random.Random(seed + number)
        expected |= {root_of(calling_forest(rng.randrange(3 * count), [root_of(base)])) for _ in range(count)}
    store = open_store(folder)
    for root in expected:
        store.get(root)
    stat = store.home.stat()
    assert stat.objects == stat.keys, "an object is there twice"
    assert store.fsck().findings == ()
    return {"inserts": count * PROCESSES, "objects": stat.objects, "lost": 0, "seconds": round(time.monotonic() - began, 1)}


def full(folder: Path, megabytes: int, seed: int) -> dict[str, object]:
    """Fill the disk that a store is on to the last byte, and collect its garbage."""
    store = open_store(folder, create=True)
    kept = [block_forest(number, length=100) for number in range(100)]
    for forest in kept:
        store.insert(forest, pin=True)
    for number in range(1000, 1200):
        store.insert(block_forest(number, length=100))
    store.home.put_many(stored(block_forest(number, length=100)) for number in range(2000, 6000))
    before = store.home.stat()
    with (folder.parent / "filler").open("wb", buffering=0) as filler:
        piece = 2**20
        while piece:
            try:
                filler.write(bytes(piece))
            except OSError:
                piece //= 2
    space = os.statvfs(folder)
    try:
        store.insert(block_forest(seed, length=5000))
    except StorageError as error:
        assert error.kind == "DiskFull"
    else:
        raise AssertionError("there was room on a full disk")
    reader = open_store(folder)
    for forest in kept:
        assert reader.get(root_of(forest)) == forest
    assert reader.fsck().findings == ()
    done = reader.gc(grace=0)
    after = store.home.stat()
    assert (done.removed, after.objects) == (4200, 100)
    for forest in kept:
        assert open_store(folder).get(root_of(forest)) == forest
    garbage = before.bytes * 4200 / 4300
    return {"free before": space.f_bfree, "garbage": round(garbage), "garbage freed": (before.bytes - after.bytes) / garbage}


if __name__ == "__main__":
    what, where, amount, chance = sys.argv[1:5]
    run = {"kills": kills, "crowd": crowd, "inserts": inserts, "full": full}[what]
    sys.stdout.write(json.dumps(run(Path(where), int(amount), int(chance))) + "\n")
