"""Names from outside: none leads out of a folder, none can be mistaken for another without a word. (R32, R39.)"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import FormatError, InputError, MidenError, NotFoundError
from miden.package.package import Package
from miden.package.project import valid_package_name
from miden.registry.backends.directory import DirectoryRegistry
from miden.registry.backends.indexed import IndexedRegistry
from miden.registry.index import IndexEntry, describe
from miden.registry.installed import InstalledSet
from miden.registry.lockfile import Lock
from miden.registry.names import PackageName, PackageReference, find_clash, name_key, name_problem, similar_names
from miden.serde.json_text import canonical_json
from tests.support.hostile_names import HOSTILE
from tests.support.packages import library, make_package

if TYPE_CHECKING:
    from pathlib import Path

    from miden.registry.install import Installer


PROGRAMS = [name for name in HOSTILE if re.fullmatch(r"([a-z]+/)?[A-Za-z]:[a-z]", name)]
"""What a project may call a program of its own, such as x:y; a registry calls it x-y. It is no name to ask for."""


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_there_are_five_hundred_hostile_names() -> None:
    assert len(HOSTILE) >= 500


def test_no_hostile_name_is_a_name() -> None:
    assert [name for name in HOSTILE if not name_problem(name)] == []


def test_the_error_says_what_is_wrong_in_ascii() -> None:
    for name in HOSTILE:
        with pytest.raises(InputError) as caught:
            PackageName(name)
        assert caught.value.kind == "InvalidName"
        assert caught.value.message.isascii()
        assert len(caught.value.message) < 1200


def test_no_hostile_name_is_published_or_writes_a_file(tmp_path: Path) -> None:
    registry = IndexedRegistry.create(tmp_path / "registry", "local")
    before = tree(tmp_path)
    artifact = library("demo")
    accepted = []
    for name in HOSTILE:
        data = Package(name, artifact, version="1.0.0").to_bytes()
        try:
            registry.publish(data)
            accepted.append(name)
        except InputError as error:
            assert error.kind == "InvalidName"
    assert accepted == PROGRAMS
    assert registry.names() == sorted((name.replace(":", "-") for name in PROGRAMS), key=name_key)
    written = tree(tmp_path) - before
    assert {path for path in written if not path.startswith(("registry/files/", "registry/.lock"))} == set()


def test_no_hostile_name_is_installed_or_writes_a_file(tmp_path: Path, installer: Installer) -> None:
    before = tree(tmp_path)
    for name in HOSTILE:
        with pytest.raises((InputError, NotFoundError)):
            installer.install([name])
    assert tree(tmp_path) == before


def test_no_hostile_name_is_read_from_an_index_a_lock_or_a_set(installer: Installer) -> None:
    registry = installer.sources.by_name("local")
    assert isinstance(registry, IndexedRegistry)
    entry = registry.publish(make_package("math").to_bytes())
    installer.install(["math"])
    state = installer.home.read().to_bytes()
    lock = b'version = 1\n[[package]]\nname = "math"\nversion = "1.0.0"\nkind = "library"\nuse = "link"\nregistry = "local"\nmast = 0\n'
    for name in HOSTILE:
        with pytest.raises(FormatError):
            IndexEntry.from_json({**entry.to_json(), "name": name})
        with pytest.raises(MidenError):
            InstalledSet.from_bytes(state.replace(b'"name":"math"', b'"name":' + canonical_json(name)))
        with pytest.raises(MidenError):
            Lock.from_bytes(lock.replace(b'"math"', canonical_json(name).replace(b"\\u", b"\\\\u")))
        assert registry.versions(name) == []


def test_a_folder_leaves_packages_with_hostile_names_out(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    artifact = library("demo")
    for number, name in enumerate(HOSTILE):
        (folder / f"{number}.masp").write_bytes(Package(name, artifact, version="1.0.0").to_bytes())
    (folder / "good.masp").write_bytes(Package("good", artifact, version="1.0.0").to_bytes())
    registry = DirectoryRegistry(folder, "folder")
    assert registry.names() == sorted(["good", *(name.replace(":", "-") for name in PROGRAMS)], key=name_key)
    assert len(registry.problems) == len(HOSTILE) - len(PROGRAMS)


@given(st.text(max_size=80))
def test_what_is_a_name_is_what_projects_take(text: str) -> None:
    assert (name_problem(text) == "") == valid_package_name(text)


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,20}(/[A-Za-z_][A-Za-z0-9_-]{0,20})?", fullmatch=True))
def test_the_key_of_a_name_is_its_own_key(text: str) -> None:
    if not name_problem(text):
        key = name_key(text)
        assert name_key(key) == key
        assert PackageName(text).key == key


# names beside others


@pytest.mark.parametrize(("first", "second"), [("Math", "math"), ("big_math", "big-math"), ("acme/Math", "ACME/math")])
def test_a_registry_has_one_spelling_of_a_name(first: str, second: str, tmp_path: Path) -> None:
    registry = IndexedRegistry.create(tmp_path / "registry", "local")
    registry.publish(make_package(first).to_bytes())
    with pytest.raises(InputError) as caught:
        registry.publish(make_package(second, "2.0.0").to_bytes())
    assert caught.value.kind == "NameClash"
    assert find_clash(second, registry.names()) == first
    assert registry.versions(second) == []


@pytest.mark.parametrize(
    ("name", "known", "similar"),
    [
        ("midne-core", "miden-core", True),
        ("rniden-core", "miden-core", True),
        ("miden-c0re", "miden-core", True),
        ("miden_c0re", "miden-core", True),
        ("midencore", "miden-core", True),
        ("miden-cores", "miden-core", True),
        ("acme/mathx", "acme/math", True),
        ("acrne/math", "acme/math", True),
        ("vvallet", "wallet", True),
        ("lnk", "ink", True),
        ("math", "path", True),
        ("abc", "xyz", False),
        ("ab", "cd", False),
        ("miden-core", "miden-stdlib", False),
        ("Miden-Core", "miden_core", False),
        ("u64", "u256", False),
    ],
)
def test_names_that_look_alike_are_found(name: str, known: str, similar: bool) -> None:
    assert similar_names(name, ["something", known, "else"]) == ([known] if similar else [])


@pytest.mark.parametrize("text", ["math@", "math@ ", "math::", "@1", "::x", "", "a b@1"])
def test_a_reference_that_ends_too_early_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        PackageReference(text)


def test_the_name_in_a_package_is_the_name_in_the_index() -> None:
    assert describe(make_package("acme/big-math", artifact=library("big_math")).to_bytes()).name == "acme/big-math"
