"""The object store: a hot look-up, objects from the disk, objects to the disk, calls into the store, size on disk.

What others hold are the same bytes: git as blobs, SQLite and LMDB as rows. Their answers are bytes; ours are bytes where the name
says so, and otherwise forests whose seals were checked. Files are in the system's cache on both sides.
"""

from __future__ import annotations

import functools
import io
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import Case, Figure, nanoseconds

import miden
from miden.isa import OP
from miden.store.cache import make_cache
from miden.store.objects import envelopes_of
from miden.store.opening import open_store
from miden.store.provider import StoredObject
from miden.store.providers.filesystem.provider import FilesystemProvider
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from miden.store.virtual_machine import VirtualMachine
from miden.store.zstd import compress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Setting

TITLE = "The object store, against other places for the same bytes"
GIT = ("git", "-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync", "-c", "gc.auto=0", "-c", "user.name=x", "-c", "user.email=x@x")


def collect(setting: Setting) -> Iterator[Case | Figure]:
    """Yield all cases; the folder lives as long as the process."""
    folder = Path(tempfile.mkdtemp(prefix="miden-store-bench-"))
    import atexit

    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    objects = procedures(setting.size(10_000, 200))
    yield from hot(setting)
    yield from cold(folder, objects)
    yield from writes(folder, objects)
    yield from calls(setting)
    yield from sizes(setting, folder)


def procedures(count: int) -> list[StoredObject]:
    """Return objects of one procedure each, of 20 to 420 operations."""
    found = []
    for number in range(count):
        builder = miden.ForestBuilder()
        length = 10 + number * 7919 % 200
        builder.add_root(builder.add_block(bytes([OP["PUSH"], OP["DROP"]]) * length, [number * 1000 + at for at in range(length)]))
        [envelope] = envelopes_of(builder.build())
        found.append(StoredObject(envelope.keys, envelope.to_bytes()))
    return found


def hot(setting: Setting) -> Iterator[Case]:
    """Yield one look-up of what is in memory."""
    count = setting.size(20_000, 500)
    store = ObjectStore([MemoryProvider()])
    store.home.put_many(procedures(100))
    keys = list(store.roots())
    wanted = [keys[number % 100] for number in range(count)]
    plain = {key: store.get(key) for key in keys}
    cached = functools.lru_cache(maxsize=None)(lambda key: plain[key])
    for name, theirs in (("a dict", plain.__getitem__), ("functools.lru_cache", cached)):
        yield Case(
            f"hot get, against {name}",
            ours=lambda: nanoseconds(lambda: [store.get(key) for key in wanted]),
            theirs=lambda theirs=theirs: nanoseconds(lambda: [theirs(key) for key in wanted]),  # type: ignore[misc]
            measure="of its time",
            count=count,
            unit="get",
            against=name,
        )


def cold(folder: Path, objects: list[StoredObject]) -> Iterator[Case]:
    """Yield reading every object once, in an order that is not that of the files."""
    keys = [stored.keys[0] for stored in objects]
    order = sorted(range(len(keys)), key=lambda number: keys[number].digest)
    wanted, expected = [keys[number] for number in order], [objects[number].data for number in order]
    path = folder / "cold"
    with open_store(path, create=True) as store:
        store.home.put_many(objects)
        store.seals.add([store.seals.mark(stored.data) for stored in objects])
        store.repack(full=True)
    provider = FilesystemProvider(path)

    def ours_bytes() -> float:
        return nanoseconds(lambda: [provider.get(key) for key in wanted], 1)

    def ours_at_once() -> float:
        return nanoseconds(lambda: provider.get_many(wanted), 1)

    def ours_forests() -> float:
        with open_store(path) as fresh:
            return nanoseconds(lambda: [fresh.get(key) for key in wanted], 1)

    names = git_blobs(folder / "git", expected)
    feed = "".join(f"{name}\n" for name in names).encode()

    def git() -> float:
        command = [*GIT, "-C", folder / "git", "cat-file", "--batch"]
        return nanoseconds(lambda: subprocess.run(command, input=feed, capture_output=True, check=True), 1)

    database = sqlite3.connect(folder / "cold.sqlite")
    database.execute("CREATE TABLE objects (key BLOB PRIMARY KEY, data BLOB) WITHOUT ROWID")
    database.executemany("INSERT INTO objects VALUES (?, ?)", ((key.to_bytes(), data) for key, data in zip(wanted, expected, strict=True)))
    database.commit()

    def sqlite() -> float:
        query = "SELECT data FROM objects WHERE key = ?"
        return nanoseconds(lambda: [database.execute(query, (key.to_bytes(),)).fetchone() for key in wanted], 1)

    others = {"git cat-file --batch": git, "SQLite": sqlite}
    try:
        import lmdb
    except ImportError:
        pass
    else:
        environment = lmdb.open(str(folder / "cold.lmdb"), map_size=2**32)
        with environment.begin(write=True) as transaction:
            for key, data in zip(wanted, expected, strict=True):
                transaction.put(key.to_bytes(), data)

        def read_lmdb() -> float:
            def work() -> None:
                for key in wanted:
                    with environment.begin() as transaction:
                        transaction.get(key.to_bytes())

            return nanoseconds(work, 1)

        others["LMDB"] = read_lmdb
    if [provider.get(key) for key in wanted] != expected:
        raise SystemExit("the store has other bytes than were put")
    for name, theirs in others.items():
        for what, ours in (("bytes", ours_bytes), ("bytes, one call", ours_at_once), ("forests", ours_forests)):
            yield Case(f"cold get of {what}, against {name}", ours, theirs, "of its time", count=len(wanted), unit="object", against=name)


def git_blobs(path: Path, contents: list[bytes]) -> list[str]:
    """Make a repository with a blob for each content, packed, and return their names."""
    subprocess.run([*GIT, "init", "-q", path], check=True)
    marks = path / "marks"
    subprocess.run([*GIT, "-C", path, "fast-import", "--quiet", f"--export-marks={marks}"], input=blob_stream(contents), check=True)
    return [row.split()[1] for row in sorted(marks.read_text(encoding="ascii").splitlines(), key=lambda row: int(row[1:].split()[0]))]


def blob_stream(contents: list[bytes]) -> bytes:
    """Return what `git fast-import` reads."""
    return b"".join(b"blob\nmark :%d\ndata %d\n%s\n" % (number + 1, len(data), data) for number, data in enumerate(contents))


def writes(folder: Path, objects: list[StoredObject]) -> Iterator[Case]:
    """Yield keeping objects so that they survive a loss of power: all in one call of each side, and a tenth of them file by file."""
    numbers = iter(range(10**6))
    few = objects[: len(objects) // 10]
    stream = blob_stream([stored.data for stored in objects])

    def ours(pack_above: int | None) -> float:
        path = folder / f"put-{next(numbers)}"
        provider = FilesystemProvider(path, create=True, pack_above=pack_above)
        took = nanoseconds(lambda: provider.put_many(few if pack_above is None else objects), 1)
        provider.close()
        shutil.rmtree(path)
        return took

    def git() -> float:
        path = folder / f"put-{next(numbers)}"
        subprocess.run([*GIT, "init", "-q", path], check=True)
        took = nanoseconds(lambda: subprocess.run([*GIT, "-C", path, "fast-import", "--quiet"], input=stream, check=True), 1)
        shutil.rmtree(path)
        return took

    def loose() -> float:
        path = folder / f"put-{next(numbers)}"

        def work() -> None:
            for stored in few:
                name = stored.keys[0].digest.hex()
                home = path / name[:2]
                home.mkdir(parents=True, exist_ok=True)
                handle = os.open(home / f"{name}.tmp", os.O_WRONLY | os.O_CREAT)
                os.write(handle, stored.data)
                os.fsync(handle)
                os.close(handle)
                (home / f"{name}.tmp").rename(home / name)
                handle = os.open(home, os.O_RDONLY)
                os.fsync(handle)
                os.close(handle)

        took = nanoseconds(work, 1)
        shutil.rmtree(path)
        return took

    options: dict[str, Any] = {"measure": "of its time", "unit": "object"}
    yield Case("put, packed, against git fast-import", lambda: ours(0), git, count=len(objects), against="git", **options)
    yield Case("put, loose, against a sync for each file", lambda: ours(None), loose, count=len(few), against="loose files", **options)


CALLS = "dup mul add.7 " * 100
"""What each procedure does: 400 cycles or so, as much as a wide multiplication of the core library."""


def calls(setting: Setting) -> Iterator[Case]:
    """Yield a program of 1,000 external calls, each to another stored procedure, against the same one linked statically."""
    count = setting.size(1000, 20)
    source = "\n".join(f"pub proc p{number} push.{number + 3} mul {CALLS} end" for number in range(count))
    library = miden.Assembler().assemble_library({"l::m": source})
    text = "use l::m begin " + " ".join(f"exec.m::p{number}" for number in range(count)) + " end"
    programs = {}
    for kind in ("static", "dynamic"):
        assembler = miden.Assembler()
        assembler.link_library(library, kind=kind)
        programs[kind] = assembler.assemble_program(text)
    provider = MemoryProvider()
    store = ObjectStore([provider], policy="procedures")
    store.insert(library)
    machine = VirtualMachine(store)
    static = functools.partial(miden.execute, programs["static"], [2])
    if list(static().stack) != list(machine.run(programs["dynamic"], [2]).stack):
        raise SystemExit("the program leaves something else when its procedures are in the store")

    def cold_run() -> float:
        fresh = ObjectStore([provider], policy="procedures", seals=store.seals)
        return nanoseconds(lambda: VirtualMachine(fresh).run(programs["dynamic"], [2]), 1)

    def hot_run() -> float:
        return nanoseconds(lambda: machine.run(programs["dynamic"], [2]), 7)

    options: dict[str, Any] = {"measure": "of its time", "count": count, "unit": "call", "against": "static"}
    yield Case("external calls, hot", hot_run, lambda: nanoseconds(static, 7), bar=1.1, **options)
    yield Case("external calls, cold", cold_run, lambda: nanoseconds(static, 7), **options)


def sizes(setting: Setting, folder: Path) -> Iterator[Figure]:
    """Yield the bytes on disk of packages that share half of their code: plain, in the store, in git, as tar.zst."""
    count = setting.size(100, 5)
    files = {}
    for number in range(count):
        chosen = [*range(20), *range(20 + 20 * number, 40 + 20 * number)]
        body = [f"push.{at * 17 + 3} mul {f'dup mul add.{at % 50 + 2} ' * 15} mem_store.{at % 90}" for at in chosen]
        source = "\n".join(f"pub proc p{at} {text} end" for at, text in zip(chosen, body, strict=True))
        files[f"package{number}.masl"] = miden.Assembler().assemble_library({f"pkg{number}::m": source}).strip_debug_info().to_bytes()
    yield Figure(f"{count} packages, plain files", float(sum(map(len, files.values()))), "bytes")
    for policy in ("whole", "procedures"):
        with open_store(folder / f"size-{policy}", create=True, policy=policy, cache=make_cache("lru", 1)) as store:
            for data in files.values():
                store.insert(miden.Library.from_bytes(data))
            store.repack(full=True)
        yield Figure(f"{count} packages in the store, {policy}, repacked", float(used(folder / f"size-{policy}")), "bytes")
    repository = folder / "size-git"
    git_blobs(repository, list(files.values()))
    list_all = ["cat-file", "--batch-check=%(objectname)", "--batch-all-objects"]
    names = subprocess.run([*GIT, "-C", repository, *list_all], capture_output=True, check=True)
    shutil.rmtree(repository / ".git" / "objects" / "pack", ignore_errors=True)
    (repository / ".git" / "objects" / "pack").mkdir()
    for data in files.values():
        subprocess.run([*GIT, "-C", repository, "hash-object", "-w", "--stdin"], input=data, capture_output=True, check=True)
    pack = ["pack-objects", "--window=250", "--depth=50", "--compression=9", "-q", ".git/objects/pack/pack"]
    subprocess.run([*GIT, "-C", repository, *pack], input=names.stdout, capture_output=True, check=True)
    yield Figure(f"{count} packages in a git pack", float(used(repository / ".git" / "objects" / "pack")), "bytes")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    yield Figure(f"{count} packages as tar.zst, level 19", float(len(compress(archive.getvalue(), level=19))), "bytes")


def used(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
