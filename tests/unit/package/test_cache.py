"""The build cache: entries are whole or absent, and the directory is nobody's treasure."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

import miden
from miden.package.cache import BuildCache, content_key
from miden.package.cached import CachedAssembler

if TYPE_CHECKING:
    from pathlib import Path

KEY = content_key("a")


@pytest.fixture
def cache(tmp_path: Path) -> BuildCache:
    return BuildCache(tmp_path / "cache")


def test_what_is_put_is_found_with_its_facts(cache: BuildCache) -> None:
    assert cache.get(KEY) is None
    cache.put(KEY, b"data", {"warnings": ["é"]})
    entry = cache.get(KEY)
    assert entry is not None
    assert (entry.data, entry.facts) == (b"data", {"warnings": ["é"]})
    assert (cache.hits, cache.misses) == (1, 1)


def test_every_damage_is_a_miss(cache: BuildCache) -> None:
    cache.put(KEY, b"data")
    [path] = [path for path in cache.directory.rglob("*") if path.is_file() and path.name != "CACHEDIR.TAG"]
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert cache.get(KEY) is None
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :])
        assert cache.get(KEY) is None


def test_the_directory_may_go_at_any_time(cache: BuildCache) -> None:
    cache.put(KEY, b"data")
    cache.clear()
    assert cache.get(KEY) is None
    cache.put(KEY, b"data")
    assert cache.get(KEY) is not None


def test_a_directory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory", encoding="utf-8")
    cache = BuildCache(blocked / "cache")
    cache.put(KEY, b"data")
    assert cache.get(KEY) is None


def test_the_directory_is_tagged_as_a_cache(cache: BuildCache) -> None:
    cache.put(KEY, b"data")
    assert (cache.directory / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")


def test_writers_at_once_leave_whole_entries(cache: BuildCache) -> None:
    def write(number: int) -> None:
        for _ in range(20):
            cache.put(KEY, bytes([number]) * 10_000)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entry = cache.get(KEY)
    assert entry is not None
    assert len(set(entry.data)) == 1
    assert [path.name for path in cache.directory.rglob(".miden-*")] == []


def test_parts_of_keys_are_told_apart() -> None:
    keys = [content_key("ab"), content_key("a", "b"), content_key("a", None, "b"), content_key("a", "b", None), content_key()]
    assert len(set(keys)) == len(keys)


def test_keys_of_other_releases_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    before = content_key("a")
    monkeypatch.setattr("miden.package.cache.__version__", "99")
    assert content_key("a") != before


MODULES = {"demo::a": "pub proc f push.1 drop end", "demo::b": "use demo::a\npub proc g exec.a::f end"}


def assemblers(cache: BuildCache) -> list[CachedAssembler]:
    return [CachedAssembler(cache), CachedAssembler(cache)]


def test_a_library_from_the_cache_equals_the_assembled_one(cache: BuildCache) -> None:
    first, second = (assembler.assemble_library(MODULES) for assembler in assemblers(cache))
    assert first == second == miden.Assembler().assemble_library(MODULES)
    assert {name: source.text for name, source in second.sources.items()} == {name: source.text for name, source in first.sources.items()}  # type: ignore[attr-defined]
    assert (cache.hits, cache.misses) == (1, 1)


def test_a_program_from_the_cache_equals_the_assembled_one(cache: BuildCache) -> None:
    library = miden.Assembler().assemble_library(MODULES)
    for assembler in assemblers(cache):
        assembler.link_library(library, kind="static")
        assembler.link_source({"more::m": "pub proc h push.2 drop end"})
        assert miden.execute(assembler.assemble_program("use demo::b use more::m begin exec.b::g exec.m::h end")).cycles
    assert cache.hits == 1


def test_a_kernel_from_the_cache_is_a_kernel(cache: BuildCache) -> None:
    first, second = (assembler.assemble_kernel("pub proc k caller end") for assembler in assemblers(cache))
    assert first == second
    assert second.kernel == first.kernel
    program = "begin syscall.k end"
    assert CachedAssembler(cache, kernel=first).assemble_program(program) == CachedAssembler(cache, kernel=second).assemble_program(program)


def test_everything_that_matters_is_in_the_key(cache: BuildCache) -> None:
    library = miden.Assembler().assemble_library(MODULES)
    source = "begin push.1 drop end"
    CachedAssembler(cache).assemble_program(source)
    for options in ({"warnings_as_errors": True}, {"compat": "0.20.6"}, {"max_operations": 1000}):
        CachedAssembler(cache, **options).assemble_program(source)  # type: ignore[arg-type]
    for kind in ("static", "dynamic"):
        assembler = CachedAssembler(cache)
        assembler.link_library(library, kind=kind)
        assembler.assemble_program(source)
    CachedAssembler(cache).assemble_program(source + " ")
    assert cache.hits == 0


def test_warnings_are_told_again(cache: BuildCache) -> None:
    source = "use demo::a begin push.1 drop end"
    library = miden.Assembler().assemble_library(MODULES)
    seen = []
    for assembler in assemblers(cache):
        assembler.link_library(library)
        assembler.assemble_program(source)
        seen.append(assembler.warnings)
    assert seen[0] == seen[1]
    assert len(seen[0]) == 1
