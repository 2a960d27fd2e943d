"""Each attack is refused with its defence, and comes through without it: no defence is there for nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from miden.errors import MidenError
from miden.package.needs import Need
from miden.package.package import Dependency, Package
from miden.registry import folder as folders
from miden.registry import index, lockfile, names
from miden.registry.backends import indexed
from miden.registry.backends.indexed import IndexedRegistry
from miden.registry.install import Installer
from miden.registry.installed import Home
from miden.registry.lockfile import LINK, Lock, LockedPackage
from miden.registry.planning import plan
from miden.registry.resolver import Table
from miden.registry.sources import Bound, Sources
from tests.support.packages import library, make_package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Attack = Callable[[Path], None]
    Patch = pytest.MonkeyPatch


class Refused(Exception):  # noqa: N818  it is the outcome that is hoped for
    """The attack did not come through, and nobody complained either."""


def registry_in(path: Path, name: str = "local") -> IndexedRegistry:
    return IndexedRegistry.create(path / name, name)


# the attacks: each returns if it came through


def confuse_dependencies(path: Path) -> None:
    """Offer a higher version of a private name in a public registry."""
    private, public = registry_in(path, "private"), registry_in(path, "public")
    private.publish(make_package("acme/secret", value=1).to_bytes())
    public.publish(make_package("acme/secret", "9.9.9", value=666).to_bytes())
    bound = Sources([Bound(public), Bound(private, namespaces=frozenset(["acme"]))])
    if plan([Need("acme/secret", "*")], bound).versions()["acme/secret"] != "9.9.9":
        raise Refused


def publish_again(path: Path) -> None:
    """Publish other code under a version that is there."""
    registry = registry_in(path)
    registry.publish(make_package("math").to_bytes())
    evil = registry.publish(make_package("math", value=666).to_bytes())
    if evil not in registry.versions("math"):
        raise Refused


def clash_by_case(path: Path) -> None:
    """Publish a name that differs from another one only in case."""
    registry = registry_in(path)
    registry.publish(make_package("math").to_bytes())
    registry.publish(make_package("Math", "2.0.0", value=666).to_bytes())


def publish_hostile_name(path: Path) -> None:
    """Publish a name that leads out of folders."""
    registry_in(path).publish(Package("../../x", library("x"), version="1.0.0").to_bytes())


def follow_link(path: Path) -> None:
    """Put a link where packages are kept, to have them written elsewhere."""
    home = Home(path / "home")
    data = make_package("math").to_bytes()
    entry = index.describe(data)
    outside = path / "outside"
    outside.mkdir()
    (path / "home" / "packages" / entry.blake3[:2]).symlink_to(outside)
    home.put(entry, data)
    if not list(outside.iterdir()):
        raise Refused


def replace_locked_package(path: Path) -> None:
    """Serve another package under a locked name and version, with an index that fits it."""
    registry = registry_in(path)
    good, evil = make_package("math"), make_package("math", value=666)
    lock = Lock([LockedPackage(index.describe(good.to_bytes()), "local", LINK)])
    registry.publish(evil.to_bytes())
    change = Installer(Home(path / "home"), None, Sources.of(registry)).install_lock(lock, "project")
    assert change.added == (("math", "1.0.0"),)


def replace_bytes(path: Path) -> None:
    """Send other bytes than the index says, around the same code: no digest of code covers them."""
    registry = registry_in(path)
    registry.publish(make_package("math").to_bytes())
    [file] = path.rglob("*.masp")
    file.chmod(0o600)
    file.write_bytes(make_package("math", description="Trust me").to_bytes())
    Installer(Home(path / "home"), None, Sources.of(registry)).install(["math"])


def take_yanked(path: Path) -> None:
    """Have a version chosen that was taken back."""
    registry = registry_in(path)
    registry.publish(make_package("math").to_bytes())
    registry.yank("math", "1.0.0", "unsound")
    Installer(Home(path / "home"), None, Sources.of(registry)).install(["math"])


def swap_registry(path: Path) -> None:
    """Have a locked package come from a registry that it is not locked to."""
    mine, theirs = registry_in(path, "mine"), registry_in(path, "theirs")
    for registry in (mine, theirs):
        registry.publish(make_package("math").to_bytes())
    lock = plan([Need("math", "*")], Sources.of(mine))
    Installer(Home(path / "home"), None, Sources.of(theirs)).install_lock(lock, "project")


def answer_for_another(path: Path) -> None:
    """Answer a question about one package with another one."""
    registry = registry_in(path)
    registry.publish(make_package("evil", value=666).to_bytes())
    registry.versions = lambda name: IndexedRegistry.versions(registry, "evil")  # type: ignore[method-assign]
    assert [entry.name for entry in Sources.of(registry).versions("math")] == ["evil"]


def hide_in_two_registries(path: Path) -> None:
    """Have a name in two registries that nothing is bound to, and count on which one is asked first."""
    mine, theirs = registry_in(path, "mine"), registry_in(path, "theirs")
    mine.publish(make_package("math").to_bytes())
    theirs.publish(make_package("math", "9.9.9", value=666).to_bytes())
    Sources.of(theirs, mine).versions("math")


def lie_about_links(path: Path) -> None:
    """Say in an index that a package needs nothing to run, so that it traps later."""
    base = make_package("base", value=5)
    package = make_package("math", linked=[Dependency("base", base.digest)])
    data = package.to_bytes()
    index.check_package(index.describe(data).replace(linked=()), data)


def impersonate(path: Path) -> None:
    """Install a name one slip away from a known one without a word."""
    if names.similar_names("midne-core", ["miden-core"]):
        raise Refused


# the defences


def without(owner: object, name: str, value: object) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(owner, name, value)


def nothing(*arguments: object, **more: object) -> None:
    return None


def first_answer(self: Sources, name: str) -> tuple[object, tuple[object, ...]]:
    """Believe whoever answers first."""
    return next((registry, tuple(found)) for registry in self.candidates(name) if (found := registry.versions(name)))


def all_usable(patch: Patch) -> None:
    made = Table.__init__

    def init(self: Table, *arguments: object, **more: object) -> None:
        made(self, *arguments, **more)  # type: ignore[arg-type]
        self.usable = self.versions.everything

    patch.setattr(Table, "__init__", init)


def without_pins_of_the_lock(patch: Patch) -> None:
    patch.setattr(LockedPackage, "_compare", nothing)
    patch.setattr(lockfile, "check_bytes", nothing)


DEFENCES: dict[str, tuple[Attack, Callable[[Patch], None]]] = {
    "bindings of names": (confuse_dependencies, without(Sources, "candidates", lambda self, name: [self.bound[0].registry])),
    "no name in two unbound registries": (hide_in_two_registries, without(Sources, "_ask", first_answer)),
    "answers are about what was asked": (answer_for_another, without(Sources, "_ask", first_answer)),
    "versions never change": (publish_again, without(indexed, "find_published", nothing)),
    "one spelling of a name": (clash_by_case, without(indexed, "find_published", nothing)),
    "characters of names": (publish_hostile_name, without(names, "name_problem", lambda text: "")),
    "no link is followed": (follow_link, without(folders, "_FOLDER", os.O_RDONLY | os.O_DIRECTORY)),
    "pins of a lock": (replace_locked_package, without_pins_of_the_lock),
    "hashes of files": (replace_bytes, without(lockfile, "check_bytes", nothing)),
    "taken-back versions are not chosen": (take_yanked, all_usable),
    "registry of a lock": (swap_registry, without(Sources, "may_stand_for", lambda self, registry, name: True)),
    "every field of an entry is compared": (lie_about_links, without(index, "_compare", nothing)),
    "names that look alike": (impersonate, without(names, "_distance", lambda left, right, most: most + 1)),
}


@pytest.mark.parametrize("name", DEFENCES)
def test_an_attack_is_refused(name: str, tmp_path: Path) -> None:
    attack, _ = DEFENCES[name]
    with pytest.raises((MidenError, Refused)):
        attack(tmp_path)


@pytest.mark.parametrize("name", DEFENCES)
def test_without_its_defence_an_attack_comes_through(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attack, remove = DEFENCES[name]
    remove(monkeypatch)
    attack(tmp_path)
