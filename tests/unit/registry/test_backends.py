"""Registries in folders: one protocol, quick starts, and nothing believed that is damaged."""

from __future__ import annotations

import os
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from miden.errors import BackendError, FormatError, InputError, IntegrityError, MidenError, NotFoundError
from miden.field import Word
from miden.registry.backends import Registry, WritableRegistry, open_registry
from miden.registry.backends.directory import DirectoryRegistry
from miden.registry.backends.indexed import HEAD, TAIL, IndexedRegistry, IndexText
from miden.registry.index import IndexEntry, check_package, describe
from tests.support.packages import library, make_package, package_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANY = 10_000
RELEASES = (("math", "1.0.0"), ("math", "1.10.0"), ("math", "1.9.0"), ("math", "2.0.0-rc.1"), ("acme/math", "0.1.0"), ("Zeta_x", "1.0.0"))


def release_bytes(name: str, version: str) -> bytes:
    value = 10 + RELEASES.index((name, version))
    return package_bytes(name, version, value=value, description=f"About {name} and sums")


@pytest.fixture(params=["directory", "indexed"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Registry:
    """A registry of each kind, with the same packages."""
    folder = tmp_path / request.param
    if request.param == "indexed":
        registry = IndexedRegistry.create(folder, "demo")
        for name, version in RELEASES:
            registry.publish(release_bytes(name, version))
    else:
        folder.mkdir()
        for number, (name, version) in enumerate(RELEASES):
            (folder / f"file-{number}.masp").write_bytes(release_bytes(name, version))
    return open_registry(folder, "demo")


def test_it_keeps_to_the_protocol(opened: Registry) -> None:
    assert isinstance(opened, Registry)
    assert isinstance(opened, WritableRegistry) == opened.writable
    assert opened.names() == ["acme/math", "math", "Zeta_x"]
    assert [entry.version for entry in opened.versions("math")] == ["1.0.0", "1.9.0", "1.10.0", "2.0.0-rc.1"]
    assert opened.versions("nowhere") == opened.versions("mat") == opened.versions("zeta-x") == []
    assert opened.names("SUMS") == opened.names()
    assert opened.names("cme") == ["acme/math"]
    for name, version in RELEASES:
        data = release_bytes(name, version)
        [entry] = [entry for entry in opened.versions(name) if entry.version == version]
        assert entry == describe(data)
        assert opened.fetch(entry) == data
        check_package(entry, opened.fetch(entry))
        assert opened.provides(next(iter(entry.exports.values()))) == [entry]
    assert opened.provides(Word((1, 2, 3, 4))) == []
    with pytest.raises(NotFoundError):
        opened.fetch(entry.replace(version="9.9.9", blake3="0" * 64))
    opened.refresh()
    opened.close()


# publishing


def test_a_version_never_changes(registry: IndexedRegistry) -> None:
    entry = registry.publish(package_bytes("math"))
    assert registry.publish(package_bytes("math")) == entry
    for version in ("1.0.0", "1.0.0+other"):
        with pytest.raises(IntegrityError) as caught:
            registry.publish(package_bytes("math", version, value=2))
        assert caught.value.kind == "VersionExists"
    assert registry.versions("math") == [entry]


def test_yanking_changes_one_field_and_can_be_taken_back(registry: IndexedRegistry) -> None:
    entry = registry.publish(package_bytes("math"))
    registry.publish(package_bytes("math", "1.1.0"))
    assert registry.yank("math", "1.0.0", "unsound").yanked == "unsound"
    assert [item.yanked for item in registry.versions("math")] == ["unsound", None]
    assert registry.publish(package_bytes("math")).yanked == "unsound"
    assert registry.yank("math", "1.0.0", None) == entry
    with pytest.raises(NotFoundError):
        registry.yank("math", "3.0.0", "x")


def test_what_cannot_be_published_changes_nothing(registry: IndexedRegistry) -> None:
    package = make_package("math")
    no_version = type(package)("math", package.artifact).to_bytes()
    for data in (b"", b"MASP\0", no_version, package.to_bytes()[:-3], package.to_bytes() + b"\0"):
        with pytest.raises(MidenError):
            registry.publish(data)
    assert registry.names() == []


def test_another_process_sees_what_was_published(registry: IndexedRegistry, tmp_path: Path) -> None:
    other = open_registry(tmp_path / "registry", "local")
    assert other.versions("math") == []
    entry = registry.publish(package_bytes("math"))
    assert other.versions("math") == [entry]


@pytest.mark.property
def test_the_index_stays_in_order_whatever_comes_and_goes(registry: IndexedRegistry) -> None:
    random = Random(11)
    published: set[tuple[str, str]] = set()
    template = describe(package_bytes("x"))
    text = HEAD + TAIL
    for _ in range(300):
        name = random.choice(("a", "b-c", "b/c", "B1", "zz", "a/a", "a-a", "aa", "_", "Z")) + random.choice(("", "x", "_x", "0"))
        version = f"{random.randrange(3)}.{random.randrange(12)}.0"
        index = IndexText(text)
        from miden.registry.names import name_key

        others = index.entries(*index.span(name_key(name)))
        if any(other.name != name or other.version == version for other in others):
            continue
        published.add((name, version))
        text = index.with_entries(name_key(name), [*others, template.replace(name=name, version=version)])
    index = IndexText(text)
    assert set(index.names()) == {name for name, _ in published}
    for name in index.names():
        found = index.entries(*index.span(name_key(name)))
        assert {(entry.name, entry.version) for entry in found} == {item for item in published if item[0] == name}
    import json

    assert len(json.loads(text)["packages"]) == len(published)


# damage


def test_a_damaged_index_is_a_typed_error(registry: IndexedRegistry, tmp_path: Path) -> None:
    for name, version in RELEASES:
        registry.publish(release_bytes(name, version))
    path = tmp_path / "registry" / "packages.json"
    good = path.read_bytes()
    random = Random(1)
    for turn in range(150):
        data = bytearray(good)
        at = random.randrange(len(data))
        how = random.randrange(3)
        if how == 0:
            data[at] ^= 1 << random.randrange(8)
        elif how == 1:
            del data[at : at + random.randrange(1, 300)]
        else:
            data[at:at] = random.choice((b"\n", b"\0" * 9, b"[" * 5000, b'"', b"{}"))
        path.write_bytes(data)
        os.utime(path, ns=(turn, turn))
        for name, _ in RELEASES:
            try:
                for entry in registry.versions(name):
                    check_package(entry, registry.fetch(entry))
                registry.names()
            except MidenError as error:
                assert isinstance(error, (FormatError, IntegrityError, NotFoundError))


def test_a_damaged_package_is_not_what_the_index_says(registry: IndexedRegistry, tmp_path: Path) -> None:
    entry = registry.publish(package_bytes("math"))
    [path] = (tmp_path / "registry").rglob("*.masp")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"the blake3 of math 1\.0\.0"):
        check_package(entry, registry.fetch(entry))


def test_a_folder_leaves_out_what_is_no_package_and_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "good.masp").write_bytes(package_bytes("math"))
    (folder / "empty.masp").write_bytes(b"")
    (folder / "text.masp").write_bytes(b"begin end")
    (folder / "old.masp").write_bytes(make_package("old").to_bytes().replace(b"1.0.0", b"1.0.x"))
    (folder / "note.txt").write_text("hello")
    registry = DirectoryRegistry(folder, "folder")
    assert registry.names() == ["math"]
    assert sorted(registry.problems) == ["empty.masp", "old.masp", "text.masp"]


def test_two_files_of_one_version_are_refused_if_they_differ(tmp_path: Path) -> None:
    (tmp_path / "a.masp").write_bytes(package_bytes("math"))
    (tmp_path / "b.masp").write_bytes(package_bytes("math"))
    registry = DirectoryRegistry(tmp_path, "folder")
    assert len(registry.versions("math")) == 1
    (tmp_path / "b.masp").write_bytes(package_bytes("math", value=2))
    registry.refresh()
    with pytest.raises(IntegrityError, match=r"a\.masp and b\.masp are both math 1\.0\.0"):
        registry.versions("math")


def test_a_header_longer_than_what_is_read_first_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.masp").write_bytes(package_bytes("math", description="x" * 10_000))
    registry = DirectoryRegistry(tmp_path, "folder")
    assert [len(entry.description) for entry in registry.versions("math")] == [1024]


def test_a_cache_that_is_wrong_is_no_cache(tmp_path: Path) -> None:
    folder, cache = tmp_path / "folder", tmp_path / "cache.json"
    folder.mkdir()
    (folder / "a.masp").write_bytes(package_bytes("math"))
    for content in (b"", b"{}", b"[]", b'{"format": 1}', b'{"format":"miden directory 1","folder":"x","time":1,"files":[]}', b"[" * 9999):
        cache.write_bytes(content)
        assert DirectoryRegistry(folder, "folder", cache=cache).names() == ["math"]
    (folder / "a.masp").write_bytes(package_bytes("other-name"))
    assert DirectoryRegistry(folder, "folder", cache=cache).names() == ["other-name"]


def test_unknown_places_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no folder"):
        open_registry(tmp_path / "nowhere")
    with pytest.raises(InputError) as caught:
        open_registry("gopher://example/x")
    assert caught.value.kind == "UnknownScheme"


PLUGIN = """
class Shelf:
    writable = False

    def __init__(self, location, name, **options):
        self.name, self.location, self.options = name, location, options

    def names(self, search=None):
        return ["on-the-shelf"]

    def versions(self, name):
        return []

    def fetch(self, entry):
        raise AssertionError

    def provides(self, root):
        return []

    def refresh(self):
        pass

    def close(self):
        pass


def broken(location, name, **options):
    return object()
"""


def test_others_add_kinds_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real distribution, as a package manager would have installed it."""
    (tmp_path / "shelf_plugin.py").write_text(PLUGIN)
    info = tmp_path / "shelf_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[miden.registries]\nshelf = shelf_plugin:Shelf\nbroken = shelf_plugin:broken\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = open_registry("shelf://upper/left", cache=tmp_path / "cache", depth=3)
    assert (found.name, found.location, found.names()) == ("left", "shelf://upper/left", ["on-the-shelf"])
    assert found.options == {"cache": tmp_path / "cache", "depth": 3}  # type: ignore[attr-defined]
    with pytest.raises(BackendError, match="returned no registry but object"):
        open_registry("broken://x")


# entries from outside


@pytest.mark.fuzz
def test_damaged_entries_are_typed_errors() -> None:
    line = describe(package_bytes("acme/math", needs={"base": "^1"}, features={"fast": []})).to_line()
    assert IndexEntry.from_line(line).to_line() == line
    random = Random(9)
    parts = (b"", b"null", b"[]", b"{}", b"1e400", b"-1", b'"\\ud800"', b"9" * 5000)
    for _ in range(3000):
        data = bytearray(line)
        for _ in range(random.randrange(1, 4)):
            at = random.randrange(len(data))
            if random.random() < 0.6:
                data[at] = random.randrange(256)
            else:
                data[at : at + random.randrange(30)] = random.choice(parts)
        try:
            IndexEntry.from_line(bytes(data))
        except FormatError:
            continue


# must be quick


def test_ten_thousand_packages_open_quickly(tmp_path: Path, measure: Callable[[Callable[[], object]], float]) -> None:
    """An index opens in 50 ms; a folder in 2 s the first time and 200 ms the second: of processor time."""
    template = describe(make_package("demo", artifact=library("demo")).to_bytes())
    entries = sorted(template.replace(name=f"package-{number:05}").to_line() for number in range(MANY))
    indexed, folder, cache = tmp_path / "indexed", tmp_path / "folder", tmp_path / "cache.json"
    indexed.mkdir()
    (indexed / "packages.json").write_bytes(HEAD + b",\n".join(entries) + b"\n" + TAIL)
    folder.mkdir()
    package = make_package("package-00000", artifact=library("demo")).to_bytes()
    for number in range(MANY):
        (folder / f"{number}.masp").write_bytes(package.replace(b"package-00000", f"package-{number:05}".encode()))
    assert measure(lambda: IndexedRegistry(indexed, "indexed").versions("package-07777")) < 0.05
    started = time.process_time()
    DirectoryRegistry(folder, "folder")
    assert time.process_time() - started < 2.0
    for path in folder.iterdir():
        os.utime(path, ns=(1, 1))
    time.sleep(2.1)  # files that changed just now are looked at again, for their times may not tell
    first = DirectoryRegistry(folder, "folder", cache=cache)
    assert len(first.names()) == MANY
    assert measure(lambda: DirectoryRegistry(folder, "folder", cache=cache)) < 0.2
    assert DirectoryRegistry(folder, "folder", cache=cache).names() == first.names()
