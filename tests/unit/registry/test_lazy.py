"""Packages that come when a run first meets a root of theirs, on both machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import miden
from miden.errors import ExecutionError, IntegrityError, NotFoundError
from miden.package.package import Dependency, Package
from miden.registry.lazy import RegistryProvider, find_export, with_registries
from miden.store import Provider
from miden.store.keys import ObjectKey
from tests.support.packages import make_package

if TYPE_CHECKING:
    from miden.registry.backends.indexed import IndexedRegistry
    from miden.registry.install import Installer


@pytest.fixture
def caller(registry: IndexedRegistry) -> miden.Program:
    """A program that calls a procedure of one package, which calls one of another; a third is published and not needed."""
    base = miden.Assembler().assemble_library({"base": "pub proc five push.5 add end pub proc other push.6 add end"})
    assembler = miden.Assembler()
    assembler.link_library(base, kind="dynamic")
    middle = assembler.assemble_library({"middle": "pub proc ten exec.::base::five exec.::base::five end"})
    linked = [Dependency("base", base.digest)]
    registry.publish(make_package("base", artifact=base).to_bytes())
    registry.publish(make_package("middle", artifact=middle, linked=linked).to_bytes())
    registry.publish(make_package("bystander", value=3).to_bytes())
    assembler = miden.Assembler()
    assembler.link_library(middle, kind="dynamic")
    return assembler.assemble_program("begin exec.::middle::ten end")


def test_a_run_installs_exactly_what_it_meets(caller: miden.Program, installer: Installer, backend: str) -> None:
    assert installer.store is not None
    provider = RegistryProvider(installer)
    assert isinstance(provider, Provider)
    store = with_registries(installer.store, provider)
    output = miden.execute(caller, stack=[1], host=miden.Host(store=store), backend=backend)
    assert output.stack[0] == 11
    assert provider.installed == [("middle", "1.0.0"), ("base", "1.0.0")]
    assert sorted(installer.home.read().packages) == [("base", "1.0.0"), ("middle", "1.0.0")]
    again = RegistryProvider(installer)
    assert miden.execute(caller, stack=[2], host=miden.Host(store=with_registries(installer.store, again)), backend=backend).stack[0] == 12
    assert again.installed == []
    assert miden.execute(caller, stack=[3], host=miden.Host(store=installer.store), backend=backend).stack[0] == 13


def test_a_root_that_no_package_has_is_a_trap_that_names_the_places(installer: Installer, backend: str) -> None:
    assert installer.store is not None
    store = with_registries(installer.store, RegistryProvider(installer))
    lone = miden.Assembler().assemble_library({"lone": "pub proc one push.1 add end"})
    assembler = miden.Assembler()
    assembler.link_library(lone, kind="dynamic")
    program = assembler.assemble_program("begin exec.::lone::one end")
    with pytest.raises(ExecutionError) as caught:
        miden.execute(program, host=miden.Host(store=store), backend=backend)
    assert caught.value.kind == "ObjectNotFound"
    assert "registries" in caught.value.facts["asked"]


def test_a_package_that_was_changed_on_the_way_is_not_run(
    caller: miden.Program, registry: IndexedRegistry, installer: Installer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert installer.store is not None
    monkeypatch.setattr(type(registry), "fetch", lambda self, entry: make_package(entry.name, value=999).to_bytes())
    store = with_registries(installer.store, RegistryProvider(installer))
    with pytest.raises((ExecutionError, IntegrityError)):
        miden.execute(caller, host=miden.Host(store=store))
    assert installer.home.read().packages == {}


def test_a_root_of_another_mast_version_is_not_looked_for(caller: miden.Program, registry: IndexedRegistry, installer: Installer) -> None:
    provider = RegistryProvider(installer)
    root = next(iter(registry.versions("middle")[0].exports.values()))
    assert provider.contains([ObjectKey(0, root.to_bytes()), ObjectKey(1, root.to_bytes())]) == {ObjectKey(0, root.to_bytes())}
    assert provider.get(ObjectKey(1, root.to_bytes())) is None


def test_what_a_package_was_linked_with_is_installed_before_a_run(
    caller: miden.Program, registry: IndexedRegistry, installer: Installer
) -> None:
    [middle] = registry.versions("middle")
    program = Package("app", caller, dependencies=[Dependency("middle", middle.code)])
    assert installer.install_linked(program).added == (("base", "1.0.0"), ("middle", "1.0.0"))
    assert installer.install_linked(program).added == ()
    assert miden.execute(caller, stack=[1], host=miden.Host(store=installer.store)).stack[0] == 11
    with pytest.raises(NotFoundError, match="app was linked with 'middle'"):
        installer.install_linked(Package("app", caller, dependencies=[Dependency("middle", caller.hash)]))


@pytest.mark.parametrize("asked", ["five", "base::five", "::base::five"])
def test_a_procedure_is_found_by_its_path_or_the_end_of_it(asked: str, caller: miden.Program, registry: IndexedRegistry) -> None:
    [base] = registry.versions("base")
    assert find_export(base, asked) == "::base::five"


@pytest.mark.parametrize("asked", ["fiv", "ive", "::five", "x::five", "", "::"])
def test_what_is_no_procedure_is_told_with_what_there_is(asked: str, caller: miden.Program, registry: IndexedRegistry) -> None:
    [base] = registry.versions("base")
    with pytest.raises(NotFoundError) as caught:
        find_export(base, asked)
    assert "::base::" in (caught.value.hint or "")
