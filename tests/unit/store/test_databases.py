"""SQLite, LMDB and fsspec: what goes wrong there has a kind, and costs nothing that was acknowledged."""

from __future__ import annotations

import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from miden.errors import BackendError, IntegrityError, MidenError, StorageError
from miden.store.provider import open_provider
from miden.store.providers import sqlite as sqlite_module
from miden.store.providers.fsspec import FsspecProvider
from miden.store.providers.lmdb import LmdbProvider
from miden.store.providers.sqlite import SqliteProvider
from tests.support.objects import block_forest, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.store.provider import Provider

OBJECTS = [stored(block_forest(number, length=20)) for number in range(60)]

MAKERS = [lambda path: SqliteProvider(f"{path}/a.sqlite"), lambda path: LmdbProvider(f"{path}/b")]
both = pytest.mark.parametrize("make", MAKERS, ids=["sqlite", "lmdb"])


@both
def test_what_raises_inside_a_transaction_leaves_nothing(make: Callable[[Path], Any], tmp_path: Path) -> None:
    provider = make(tmp_path)
    provider.put_many(OBJECTS[:3])

    def interrupted() -> Any:
        yield from OBJECTS[3:10]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        provider.put_many(interrupted())
    assert provider.stat().objects == 3

    def remove_and_stop() -> None:
        with provider.exclusive():
            provider.remove(OBJECTS[0].keys)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remove_and_stop()
    assert provider.get(OBJECTS[0].keys[0]) == OBJECTS[0].data
    provider.put_many(OBJECTS)
    assert provider.stat().objects == len(OBJECTS)
    provider.close()


@both
def test_a_closed_provider_says_so(make: Callable[[Path], Provider], tmp_path: Path) -> None:
    provider = make(tmp_path)
    provider.close()
    provider.close()
    with pytest.raises(StorageError) as caught:
        provider.get(OBJECTS[0].keys[0])
    assert caught.value.kind == "Closed"


@both
def test_a_place_opened_for_reading_refuses_to_write(make: Callable[[Path], Any], tmp_path: Path) -> None:
    provider = make(tmp_path)
    provider.put_many(OBJECTS[:3])
    provider.close()
    reader = type(provider)(provider.path, writable=False)
    assert reader.get(OBJECTS[0].keys[0]) == OBJECTS[0].data
    for write in (lambda: reader.put_many(OBJECTS), lambda: reader.remove(OBJECTS[0].keys), lambda: reader.exclusive().__enter__()):
        with pytest.raises(StorageError) as caught:
            write()
        assert caught.value.kind == "ReadOnly"
    reader.close()


@both
def test_a_place_that_cannot_be_opened_is_named(make: Callable[[Path], Provider], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError) as caught:
        make(tmp_path / "file")
    assert str(tmp_path) in caught.value.message


def test_a_damaged_database_is_damage_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    provider = SqliteProvider(str(path))
    provider.put_many(OBJECTS)
    provider.close()
    good = path.read_bytes()
    read, damaged = 0, 0
    for position in range(0, len(good), 997):
        path.write_bytes(good[:position] + bytes(byte ^ 0x55 for byte in good[position : position + 64]) + good[position + 64 :])
        try:
            with closing(SqliteProvider(str(path))) as again:
                for one in OBJECTS:
                    read += again.get(one.keys[0]) == one.data
                list(again.keys())
        except (IntegrityError, StorageError):
            damaged += 1
    assert damaged > 0 < read
    for content in (b"", b"x" * 5000, good[:3000]):
        for leftover in (f"{path}-wal", f"{path}-shm"):
            Path(leftover).unlink(missing_ok=True)
        path.write_bytes(content)
        try:
            SqliteProvider(str(path)).close()
        except MidenError as error:
            assert isinstance(error, IntegrityError)


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE precious (x)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(IntegrityError) as caught:
        SqliteProvider(str(path))
    assert caught.value.kind == "NotAStore"
    assert path.read_bytes() == before


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_module, "BUSY_SECONDS", 0.05)
    one, other = SqliteProvider(str(tmp_path / "a.sqlite")), SqliteProvider(str(tmp_path / "a.sqlite"))
    with one.exclusive():
        one.put_many(OBJECTS[:1])
        with pytest.raises(StorageError) as caught:
            other.put_many(OBJECTS[1:2])
        assert caught.value.kind == "Locked"
        assert other.get(OBJECTS[0].keys[0]) is None  # readers see what is committed, and do not wait
    other.put_many(OBJECTS[1:2])
    assert other.stat().objects == 2
    one.close()
    other.close()


def test_a_full_environment_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    provider = LmdbProvider(str(tmp_path / "b"), map_size=2**16)
    provider.put_many(OBJECTS[:5])
    with pytest.raises(StorageError) as caught:
        provider.put_many([stored(block_forest(number, length=200)) for number in range(1000, 1100)])
    assert caught.value.kind == "DiskFull"
    assert provider.get(OBJECTS[4].keys[0]) == OBJECTS[4].data
    provider.close()


def test_two_providers_of_one_process_share_an_environment(tmp_path: Path) -> None:
    one, other = LmdbProvider(str(tmp_path / "b")), LmdbProvider(f"{tmp_path}/x/../b")
    one.put_many(OBJECTS[:1])
    one.close()
    assert other.get(OBJECTS[0].keys[0]) == OBJECTS[0].data
    other.close()
    third = LmdbProvider(str(tmp_path / "b"))
    assert third.stat().objects == 1
    third.close()


@pytest.mark.parametrize(("kind", "library"), [("lmdb", "lmdb"), ("fsspec", "fsspec"), ("http", "httpx")])
def test_a_missing_library_is_named_with_its_extra(kind: str, library: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(BackendError) as caught:
        open_provider(kind, f"http://{tmp_path}")
    assert caught.value.hint == f"pip install 'miden[{kind}]'"
    assert caught.value.exit_code == 2


def test_fsspec_says_what_it_cannot_reach(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        FsspecProvider("nowhere://x")
    assert caught.value.kind == "UnknownLocation"
    (tmp_path / "file").touch()
    provider = FsspecProvider(f"file://{tmp_path}/file")
    with pytest.raises(StorageError):
        provider.put_many(OBJECTS[:1])
    reader = FsspecProvider(f"memory://{tmp_path}", writable=False)
    with pytest.raises(StorageError) as caught:
        reader.put_many(OBJECTS[:1])
    assert caught.value.kind == "ReadOnly"


def test_fsspec_notices_keys_that_lead_nowhere(tmp_path: Path) -> None:
    provider = FsspecProvider(f"file://{tmp_path}/c")
    provider.put_many(OBJECTS[:2])
    [first, second] = sorted((tmp_path / "c" / "objects").rglob("*" * 1 + "[0-9a-f]" * 62))
    first.unlink()
    results: list[object] = []
    for one in OBJECTS[:2]:
        try:
            results.append(provider.get(one.keys[0]) == one.data)
        except IntegrityError as error:
            results.append(error.kind)
    assert sorted(map(str, results)) == ["DanglingKey", "True"]
    [key, _] = sorted(path for path in (tmp_path / "c" / "keys").rglob("*") if path.is_file())
    key.write_bytes(b"short")
    kinds = set()
    for one in OBJECTS[:2]:
        try:
            provider.get(one.keys[0])
        except IntegrityError as error:
            kinds.add(error.kind)
    assert "DamagedKey" in kinds
    assert second.exists()


@both
def test_crowds_of_threads_lose_nothing(make: Callable[[Path], Any], tmp_path: Path) -> None:
    provider = make(tmp_path)
    problems: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for number in range(first, len(OBJECTS), 4):
                provider.put_many([OBJECTS[number]])
                provider.put_many(OBJECTS[: number // 8])
                assert provider.get(OBJECTS[number].keys[0]) == OBJECTS[number].data
        except BaseException as problem:  # noqa: BLE001 (shown below)
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert problems == []
    assert provider.stat().objects == len(OBJECTS)
    provider.close()
