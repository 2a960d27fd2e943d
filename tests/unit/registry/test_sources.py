"""A name comes from the registry that it is bound to, and from nowhere else. (R33.)"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from miden.errors import IntegrityError, NotFoundError, ProjectError
from miden.package.needs import Need
from miden.registry.backends.indexed import IndexedRegistry
from miden.registry.planning import plan
from miden.registry.sources import Bound, Sources
from tests.support.packages import library, make_package

if TYPE_CHECKING:
    from pathlib import Path

    from miden.field import Word
    from miden.registry.index import IndexEntry

REGISTRIES = ("private", "partner", "public")
NAMES = tuple(f"{namespace}{base}" for namespace, base in product(("acme/", "partner/", "other/", ""), ("a", "b", "c", "d", "e")))


class Watched:
    """A registry that remembers which names it was asked about."""

    writable = False

    def __init__(self, registry: IndexedRegistry) -> None:
        self._registry = registry
        self.name = registry.name
        self.location = registry.location
        self.asked: set[str] = set()

    def names(self, search: str | None = None) -> list[str]:
        return self._registry.names(search)

    def versions(self, name: str) -> list[IndexEntry]:
        self.asked.add(name)
        return self._registry.versions(name)

    def fetch(self, entry: IndexEntry) -> bytes:
        self.asked.add(entry.name)
        return self._registry.fetch(entry)

    def provides(self, root: Word) -> list[IndexEntry]:
        return self._registry.provides(root)

    def refresh(self) -> None:
        self._registry.refresh()

    def close(self) -> None:
        self._registry.close()


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, IndexedRegistry]:
    """Three registries that all have all twenty names; the later one, the higher its versions."""
    found = {}
    for number, name in enumerate(REGISTRIES, 1):
        registry = found[name] = IndexedRegistry.create(tmp_path_factory.mktemp(name), name)
        for value, package in enumerate(NAMES):
            artifact = library(package.rpartition("/")[2], 100 * number + value)
            registry.publish(make_package(package, f"{number}.0.0", artifact=artifact).to_bytes())
    return found


def bound_to(name: str) -> str:
    return {"acme": "private", "partner": "partner"}.get(name.partition("/")[0], "private" if name in ("a", "b") else "public")


@pytest.fixture
def watched(registries: dict[str, IndexedRegistry]) -> dict[str, Watched]:
    return {name: Watched(registry) for name, registry in registries.items()}


@pytest.fixture
def sources(watched: dict[str, Watched]) -> Sources:
    return Sources(
        [
            Bound(watched["public"]),
            Bound(watched["partner"], namespaces=frozenset(["partner"])),
            Bound(watched["private"], namespaces=frozenset(["acme"]), packages=frozenset(["a", "b"])),
        ]
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_looked_up_where_it_is_not_bound(name: str, sources: Sources, watched: dict[str, Watched]) -> None:
    lock = plan([Need(name, "*")], sources)
    assert [item.registry for item in lock.packages] == [bound_to(name)]
    assert {registry.name for registry in watched.values() if name in registry.asked} == {bound_to(name)}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_missing_where_it_is_bound_is_nowhere(name: str, sources: Sources, watched: dict[str, Watched]) -> None:
    with pytest.raises(NotFoundError) as caught:
        sources.registry_of(f"{name}-nowhere")
    assert caught.value.kind == "PackageNotFound"
    asked = {registry.name for registry in watched.values() if f"{name}-nowhere" in registry.asked}
    assert asked == {bound_to(name if "/" in name else "z")}


def test_spelling_a_name_otherwise_does_not_lead_out_of_its_binding(sources: Sources) -> None:
    for name in ("Acme/A", "ACME/a", "A", "aCmE/zzz"):
        assert [registry.name for registry in sources.candidates(name)] == ["private"]


def test_roots_are_only_taken_from_the_registry_of_a_name(sources: Sources, registries: dict[str, IndexedRegistry]) -> None:
    for registry in registries.values():
        for name in NAMES:
            [entry] = registry.versions(name)
            [root] = entry.exports.values()
            found = {(item.name, item.version) for item in sources.provides(root)}
            assert found == ({entry.id} if bound_to(name) == registry.name else set())


def test_a_name_that_two_unbound_registries_have_is_refused(registries: dict[str, IndexedRegistry]) -> None:
    sources = Sources.of(registries["private"], registries["public"])
    with pytest.raises(IntegrityError, match="both private and public have a package a") as caught:
        sources.versions("a")
    assert caught.value.kind == "AmbiguousPackage"


def test_the_first_of_the_registries_listed_for_a_namespace_answers_alone(registries: dict[str, IndexedRegistry]) -> None:
    both = frozenset(["acme"])
    sources = Sources([Bound(registries["private"], namespaces=both), Bound(registries["public"], namespaces=both)])
    assert [entry.version for entry in sources.versions("acme/a")] == ["1.0.0"]


def test_a_registry_out_of_reach_is_an_error_and_not_an_unknown_name(watched: dict[str, Watched]) -> None:
    class Down(Watched):
        def versions(self, name: str) -> list[IndexEntry]:
            raise ConnectionError("down")

    down = Down(watched["private"]._registry)
    acme = frozenset(["acme"])
    sources = Sources([Bound(down, namespaces=acme), Bound(watched["public"], namespaces=acme)])
    with pytest.raises(ConnectionError):
        sources.versions("acme/a")
    assert watched["public"].asked == set()


def test_an_answer_about_another_package_is_refused(watched: dict[str, Watched]) -> None:
    class Liar(Watched):
        def versions(self, name: str) -> list[IndexEntry]:
            return super().versions("acme/b")

    with pytest.raises(IntegrityError, match="answered for acme/a with another package"):
        Sources.of(Liar(watched["private"]._registry)).versions("acme/a")


# the file


FILE = b"""
[[registry]]
name = "acme"
location = "acme"
namespaces = ["Acme_Corp"]
packages = ["tools"]

[[registry]]
name = "public"
location = "public"
"""


def test_a_file_of_registries_binds_names(tmp_path: Path) -> None:
    for name in ("acme", "public"):
        IndexedRegistry.create(tmp_path / name, name)
    sources = Sources.from_toml(FILE, tmp_path / "miden-registries.toml")
    assert [registry.name for registry in sources.candidates("acme-corp/x")] == ["acme"]
    assert [registry.name for registry in sources.candidates("tools")] == ["acme"]
    assert [registry.name for registry in sources.candidates("other")] == ["public"]
    assert sources.by_name("public").location == str(tmp_path / "public")


@pytest.mark.parametrize(
    "text",
    [
        "[registry]",
        "[[registry]]",
        '[[registry]]\nname = "a"',
        '[[registry]]\nname = "a b"\nlocation = "x"',
        '[[registry]]\nname = "a"\nlocation = "x"\nnamespaces = "acme"',
        '[[registry]]\nname = "a"\nlocation = "x"\nnamespaces = ["../x"]',
        '[[registry]]\nname = "a"\nlocation = "x"\nother = 1',
        '[[registry]]\nname = "a"\nlocation = "x"\n[[registry]]\nname = "a"\nlocation = "y"',
        "other = 1",
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(ProjectError) as caught:
        Sources.from_toml(text.encode(), tmp_path / "miden-registries.toml")
    assert caught.value.kind == "InvalidRegistries"
