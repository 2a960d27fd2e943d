"""IPLD: links, values and names of blocks, blocks in the store and in CAR files, and maps of up to a million keys.

The blocks are recorded states of a public chain, if they are beside this checkout, else the nodes of a map of our own. The other side
is cbrrr, a library in C that knows dag-cbor and nothing else; it finds links by reading the value and walking it.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import ROOT, Case, Series, nanoseconds

from miden.ipld import dagcbor
from miden.ipld.blocks import BufferedBlocks, MemoryBlocks
from miden.ipld.car import CarReader, write_car
from miden.ipld.cid import DAG_CBOR, RAW, Cid
from miden.ipld.hamt import Hamt
from miden.ipld.links import dagcbor_link_bytes, links
from miden.ipld.objects import StoreBlocks
from miden.store.opening import open_store
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore

try:
    import cbrrr
except ImportError:
    cbrrr = None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Setting

TITLE = "IPLD: blocks, links and maps"
RECORDINGS = ROOT.parent / "shared" / "data" / "fvm-vectors"
BLOCK = 2048


def collect(setting: Setting) -> Iterator[Case | Series]:
    """Yield all cases; the folder lives as long as the process."""
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="miden-ipld-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    blocks = state(setting.size(10_000, 50))
    yield from codecs(blocks)
    yield from places(setting, folder)
    yield from files(blocks)
    yield from maps(setting)


def state(most: int) -> list[bytes]:
    """Return blocks of recorded state, each once, or the nodes of a map of our own."""
    found: dict[Cid, bytes] = {}
    for path in sorted(RECORDINGS.glob("*.json")):
        car = json.loads(path.read_text(encoding="utf-8"))["car"]
        found |= {section.cid: section.data for section in CarReader(io.BytesIO(gzip.decompress(base64.b64decode(car))))}
    if not found:
        places = MemoryBlocks(found)
        table = Hamt(places)
        for number in range(20_000):
            table.set(number.to_bytes(8), [Cid.of(number.to_bytes(8)), number, b"\0" * 9, None])
        table.flush()
    return list(found.values())[:most]


def walk(value: Any) -> list[Any]:
    """Return the links in a value that cbrrr has read."""
    found, pending = [], [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += reversed(item)
        elif isinstance(item, dict):
            pending += reversed(list(item.values()))
        elif isinstance(item, cbrrr.CID):
            found.append(item)
    return found


def codecs(blocks: list[bytes]) -> Iterator[Case]:
    """Yield finding links, reading and writing values, and naming blocks."""

    def each(work: Callable[[Any], object], items: list[Any]) -> Callable[[], float]:
        def once() -> None:
            for item in items:
                work(item)

        return lambda: nanoseconds(once, 9)

    values = [dagcbor.decode(data) for data in blocks]
    total = sum(map(len, blocks))
    yield Case("links, a byte (0.8 GB/s)", each(dagcbor_link_bytes, blocks), measure="absolute", bar=1.25, count=total, against="cbrrr")
    theirs: list[Any] = [None, None, None]
    if cbrrr is not None:
        read = [cbrrr.decode_dag_cbor(data) for data in blocks]
        for data, value in zip(blocks, read, strict=True):
            if dagcbor_link_bytes(data)[0] != list(map(bytes, walk(value))):
                raise SystemExit("the links of a block differ")
        theirs = [
            each(lambda data: walk(cbrrr.decode_dag_cbor(data)), blocks),
            each(cbrrr.decode_dag_cbor, blocks),
            each(cbrrr.encode_dag_cbor, read),
        ]
    count = len(blocks)
    yield Case(
        f"links of a block, {total // count:,} bytes",
        each(lambda data: links(DAG_CBOR, data), blocks),
        theirs[0],
        count=count,
        against="cbrrr",
    )
    yield Case("a block to a value", each(dagcbor.decode, blocks), theirs[1], count=count, against="cbrrr")
    yield Case("a value to a block", each(dagcbor.encode, values), theirs[2], count=count, against="cbrrr")
    yield Case("the CID of a block", each(Cid.of, blocks), measure="absolute", count=count, against="cbrrr")


def places(setting: Setting, folder: Path) -> Iterator[Case]:
    """Yield blocks of 2 KB from memory, from the store, and into it."""
    count = setting.size(5_000, 50)
    data = [number.to_bytes(8) * (BLOCK // 8) for number in range(count)]
    cids = [Cid.of(block, RAW) for block in data]
    pairs = list(zip(cids, data, strict=True))

    def read(blocks: Any, fresh: Callable[[], StoreBlocks] | None = None) -> Callable[[], float]:
        def once() -> float:
            place = blocks if fresh is None else fresh()
            return nanoseconds(lambda: [place.get(cid) for cid in cids], 1 if fresh else 9)

        return once

    def write() -> float:
        path = folder / "written"
        shutil.rmtree(path, ignore_errors=True)
        with open_store(path, create=True) as store:
            return nanoseconds(lambda: StoreBlocks(store).put_many(pairs), 1)

    hot = StoreBlocks(ObjectStore([MemoryProvider()]))
    hot.put_many(pairs)
    hot.get_many(cids)
    stored = open_store(folder / "read", create=True)
    StoreBlocks(stored).put_many(pairs)
    for name, work, bar in (
        ("a block from memory", read(MemoryBlocks(dict(pairs))), None),
        ("a block from the store, hot", read(hot), 6000.0),
        ("a block from the disk, sealed", read(None, lambda: StoreBlocks(stored)), None),
        ("a block to the disk, many at once", write, None),
    ):
        yield Case(name, work, measure="absolute", bar=bar, count=count, against="cbrrr")


def files(blocks: list[bytes]) -> Iterator[Case]:
    """Yield writing a CAR file, and reading it with every block hashed."""
    pairs = [(Cid.of(data), data) for data in blocks]
    file = io.BytesIO()
    write_car(file, [], pairs, version=2)
    written = file.getvalue()
    for name, work in (
        ("a block to a CAR file with an index", lambda: write_car(io.BytesIO(), [], pairs, version=2)),
        ("a block from a CAR file, hashed", lambda: list(CarReader(io.BytesIO(written)))),
    ):
        yield Case(name, lambda work=work: nanoseconds(work), measure="absolute", count=len(blocks), against="cbrrr")  # type: ignore[misc]


def maps(setting: Setting) -> Iterator[Series]:
    """Yield what is done with a map as it grows."""
    names = ("setting all keys of a map", "writing it", "getting 1,000 keys of a map that was just opened", "getting them again")
    names += ("setting 1,000 keys of it", "writing what changed")
    found = [Series(name, "keys") for name in names]
    for size in (10**power for power in (range(3, 7) if not setting.quick else range(2, 4))):
        keys = [number.to_bytes(8) for number in range(size)]
        some = random.Random(1).sample(keys, min(size, 1000))
        blocks = BufferedBlocks(MemoryBlocks())
        table = Hamt(blocks)
        times = [nanoseconds(lambda table=table, keys=keys: put(table, keys, b"first"), 1)]  # type: ignore[misc]
        times.append(nanoseconds(lambda table=table, blocks=blocks: blocks.flush(table.flush()), 1))  # type: ignore[misc]
        opened = Hamt(blocks, table.flush())
        for work, runs in ((look, 1), (look, 3), (lambda table, keys: put(table, keys, b"other"), 1)):
            times.append(nanoseconds(lambda work=work, opened=opened, some=some: work(opened, some), runs))  # type: ignore[misc]
        times.append(nanoseconds(lambda opened=opened, blocks=blocks: blocks.flush(opened.flush()), 1))  # type: ignore[misc]
        for series, taken in zip(found, times, strict=True):
            series.points.append((size, taken, None))
    yield from found


def put(table: Hamt, keys: list[bytes], value: bytes) -> None:
    """Set keys of a map."""
    for key in keys:
        table.set(key, value)


def look(table: Hamt, keys: list[bytes]) -> None:
    """Get keys of a map."""
    for key in keys:
        table.get(key)
