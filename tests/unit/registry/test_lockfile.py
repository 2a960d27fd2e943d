"""Locks: the same text for the same choice, and authority over what is installed. (R36, R37.)"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from miden.errors import FormatError, IntegrityError, MidenError, NotFoundError, ProjectError
from miden.package.needs import Need
from miden.package.package import Dependency, Section
from miden.registry.backends.indexed import IndexedRegistry
from miden.registry.index import IndexEntry, check_package, describe
from miden.registry.install import Installer
from miden.registry.installed import Home
from miden.registry.lockfile import Lock
from miden.registry.planning import plan
from miden.registry.sources import Sources
from miden.store import open_store
from tests.support.packages import library, make_package

if TYPE_CHECKING:
    from pathlib import Path

    from miden.field import Word

MIRRORS = 100


class Mirror:
    """A registry whose answers can be changed."""

    writable = False

    def __init__(self, registry: IndexedRegistry) -> None:
        self._registry = registry
        self.name = registry.name
        self.location = registry.location
        self.bytes: dict[tuple[str, str], bytes] = {}
        self.entries: dict[tuple[str, str], IndexEntry] = {}

    def names(self, search: str | None = None) -> list[str]:
        return self._registry.names(search)

    def versions(self, name: str) -> list[IndexEntry]:
        return [self.entries.get(entry.id, entry) for entry in self._registry.versions(name)]

    def fetch(self, entry: IndexEntry) -> bytes:
        return self.bytes.get(entry.id) or self._registry.fetch(entry)

    def provides(self, root: Word) -> list[IndexEntry]:
        return self._registry.provides(root)

    def refresh(self) -> None:
        self._registry.refresh()

    def close(self) -> None:
        self._registry.close()


@pytest.fixture
def published(registry: IndexedRegistry) -> IndexedRegistry:
    base = make_package("base", value=5)
    registry.publish(base.to_bytes())
    registry.publish(make_package("base", "1.1.0", value=6).to_bytes())
    registry.publish(make_package("acme/mid", needs={"base": "^1"}, value=7, linked=[Dependency("base", base.digest)]).to_bytes())
    registry.publish(make_package("top", needs={"acme/mid": "*", "base": ">=1.1"}, value=8).to_bytes())
    return registry


def lock_of(registry: object) -> Lock:
    return plan([Need("top", "^1")], Sources.of(registry))  # type: ignore[arg-type]


def test_the_text_is_the_same_for_the_same_choice(published: IndexedRegistry, tmp_path: Path) -> None:
    first = lock_of(published)
    other = IndexedRegistry.create(tmp_path / "elsewhere", "local")
    for name in reversed(published.names()):
        for entry in reversed(published.versions(name)):
            other.publish(published.fetch(entry))
    text = first.to_bytes()
    assert lock_of(other).to_bytes() == text
    assert Lock.from_bytes(text) == first
    assert Lock.from_bytes(text).to_bytes() == text
    assert str(tmp_path).encode() not in text


def test_code_that_was_built_before_runs_with_what_it_was_linked_with(published: IndexedRegistry) -> None:
    lock = lock_of(published)
    assert [(item.name, item.version, item.use) for item in lock.packages] == [
        ("acme/mid", "1.0.0", "link"),
        ("base", "1.0.0", "run"),
        ("base", "1.1.0", "link"),
        ("top", "1.0.0", "link"),
    ]
    assert lock.linked()["acme/mid"].needs == (("base", "1.0.0"), ("base", "1.1.0"))


def test_what_was_linked_with_something_nobody_has_is_refused(registry: IndexedRegistry) -> None:
    registry.publish(make_package("lone", linked=[Dependency("base", library("x", 77).digest)]).to_bytes())
    with pytest.raises(NotFoundError) as caught:
        plan([Need("lone", "*")], Sources.of(registry))
    assert caught.value.kind == "LinkedNotFound"


def tampered(registry: IndexedRegistry, entry: IndexEntry, random: Random) -> tuple[bytes, IndexEntry]:
    """Return other bytes for a version, or another entry, or both so that they fit each other."""
    data = registry.fetch(entry)
    how = random.randrange(6)
    if how == 0:  # a flipped bit
        at = random.randrange(len(data) * 8)
        data = data[: at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1 :]
    elif how == 1:  # cut or grown
        data = random.choice((data[: random.randrange(len(data))], data + b"\0"))
    elif how == 2:  # another package of the same name and version, with an index that fits
        data = make_package(entry.name, entry.version, value=random.randrange(100, 10**6)).to_bytes()
        entry = describe(data)
    elif how == 3:  # the same code, other bytes around it, with an index that fits
        package = make_package(entry.name, entry.version, description=f"changed {random.random()}")
        data = package.to_bytes()
        entry = describe(data)
    elif how == 4:  # an index that lies about one field
        field = random.choice(("blake3", "sha256", "code", "roots", "content", "size"))
        other = describe(make_package("other", value=random.randrange(100, 10**6)).to_bytes())
        entry = entry.replace(**{field: entry.size + 1 if field == "size" else getattr(other, field)})
    else:  # the bytes of another version
        data = make_package(entry.name, "9.9.9", value=9).to_bytes()
    return data, entry


def test_a_hundred_tampered_mirrors_get_nothing_in(published: IndexedRegistry, tmp_path: Path) -> None:
    lock = lock_of(published)
    random = Random(37)
    for number in range(MIRRORS):
        mirror = Mirror(published)
        victim = random.choice(lock.packages)
        data, entry = tampered(published, next(e for e in published.versions(victim.name) if e.version == victim.version), random)
        mirror.bytes[victim.id], mirror.entries[victim.id] = data, entry
        home, store = Home(tmp_path / f"home-{number}"), open_store(tmp_path / f"store-{number}", create=True)
        with pytest.raises((IntegrityError, FormatError)):
            Installer(home, store, Sources.of(mirror)).install_lock(lock, "project")
        assert list(store.roots()) == []
        assert [path for path in home.path.rglob("*") if path.is_file() and path.name != ".lock"] == []
        assert home.read().packages == {}
        store.close()
        home.close()


def test_a_lock_needs_no_index_where_the_packages_are_here(published: IndexedRegistry, tmp_path: Path) -> None:
    lock = lock_of(published)
    home = Home(tmp_path / "home")
    Installer(home, None, Sources.of(published)).install_lock(lock, "one")
    again = Installer(home).install_lock(lock, "two")
    assert again.added == ()
    assert len(again.kept) == 4


def test_a_package_locked_to_another_registry_is_refused(published: IndexedRegistry, installer: Installer) -> None:
    lock = lock_of(published)
    text = lock.to_bytes().replace(b'registry = "local"', b'registry = "other"')
    with pytest.raises(IntegrityError) as caught:
        installer.install_lock(Lock.from_bytes(text), "project")
    assert caught.value.kind == "RegistryMismatch"


def test_a_yanked_version_that_is_locked_is_installed_and_not_chosen_anew(published: IndexedRegistry, installer: Installer) -> None:
    lock = lock_of(published)
    published.yank("top", "1.0.0", "unsound")
    installer.sources.refresh()
    assert ("top", "1.0.0") in installer.install_lock(lock, "project").added
    assert plan([Need("top", "^1")], installer.sources, locked=lock.versions()) == lock
    with pytest.raises(MidenError, match="taken back"):
        plan([Need("top", "^1")], installer.sources)


def test_a_version_that_was_published_again_with_other_bytes_is_refused_here_too(published: IndexedRegistry, installer: Installer) -> None:
    """The registry refuses it; a registry that does not, is refused by whoever has seen the version before."""
    installer.install(["top"])
    other = make_package("top", needs={"acme/mid": "*"}, value=99)
    with pytest.raises(IntegrityError) as caught:
        published.publish(other.to_bytes())
    assert caught.value.kind == "VersionExists"
    mirror = Mirror(published)
    mirror.entries["top", "1.0.0"] = describe(other.to_bytes())
    mirror.bytes["top", "1.0.0"] = other.to_bytes()
    with pytest.raises(IntegrityError) as caught:
        Installer(installer.home, installer.store, Sources.of(mirror)).install(["top"])
    assert caught.value.kind == "LockMismatch"
    assert installer.home.check() == []


def test_a_lock_says_which_needs_it_does_not_meet(published: IndexedRegistry) -> None:
    lock = lock_of(published)
    assert lock.unmet([Need("top", "^1"), Need("base", "^1.1")]) == []
    needs = [Need("top", "^2"), Need("nowhere"), Need("base", "^1", features=["fast"]), Need("x", optional=True)]
    assert [need.name for need in lock.unmet(needs)] == ["top", "nowhere", "base"]
    assert [item.id for item in lock.superfluous([Need("base")])] == [("acme/mid", "1.0.0"), ("base", "1.0.0"), ("top", "1.0.0")]
    assert [item.id for item in lock.without_superfluous([Need("base")]).packages] == [("base", "1.1.0")]


@pytest.mark.fuzz
def test_damaged_locks_are_typed_errors(published: IndexedRegistry) -> None:
    text = lock_of(published).to_bytes()
    random = Random(5)
    accepted = 0
    for _ in range(500):
        data = bytearray(text)
        for _ in range(random.randrange(1, 4)):
            at = random.randrange(len(data))
            how = random.randrange(3)
            if how == 0:
                data[at] ^= 1 << random.randrange(8)
            elif how == 1:
                del data[at : at + random.randrange(1, 60)]
            else:
                data[at:at] = random.choice((b"\0", b'"', b"[", b"[[package]]\n", b"\xff", b"1e999", b"{" * 400))
        try:
            Lock.from_bytes(bytes(data))
            accepted += 1
        except ProjectError as error:
            assert error.kind in ("InvalidLock", "InvalidToml")
    assert accepted < 375


# what an entry tells is all checked


def test_every_field_of_an_entry_is_compared_with_the_package(registry: IndexedRegistry) -> None:
    package = make_package("math", needs={"base": "^1"}, features={"fast": []}, linked=[Dependency("b", library("y", 3).digest)])
    data = package.to_bytes()
    entry = describe(data)
    assert check_package(entry, data) == package
    other = describe(make_package("other", "2.0.0", value=9, description="else").to_bytes())
    changes = {name: getattr(other, name) for name in entry.__slots__ if name not in ("kind", "mast", "yanked")}
    changes |= {"kind": "kernel", "mast": 1}
    for name, value in changes.items():
        assert value != getattr(entry, name)
        with pytest.raises(IntegrityError) as caught:
            check_package(entry.replace(**{name: value}), data)
        assert caught.value.kind == "PackageMismatch"
        assert name in str(caught.value) or name == "needs"
    assert check_package(entry.with_yanked("unsound"), data) == package


def test_neither_decorators_nor_sections_can_be_changed(registry: IndexedRegistry) -> None:
    """The root of a package does not cover them; the commitment to its content and the hash of the file do."""
    package = make_package("math")
    entry = describe(package.to_bytes())
    stripped = package.strip_debug_info()
    assert stripped.digest == package.digest
    more = package._with(package.artifact, kind=package.kind, exports=package.exports.values(), sections=[Section("notes", b"x")])
    for changed in (stripped, more):
        with pytest.raises(IntegrityError):
            check_package(entry, changed.to_bytes())
    lying = describe(stripped.to_bytes()).replace(content=entry.content)
    with pytest.raises(IntegrityError, match="content"):
        check_package(lying, stripped.to_bytes())
