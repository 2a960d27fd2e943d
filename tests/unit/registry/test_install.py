"""Transactions: what is installed, kept, let go of, and what installing never does. (R7, R36, R40.)"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

import miden
from miden.errors import FormatError, InputError, IntegrityError, MidenError, NotFoundError, StorageError
from miden.package.needs import Need
from miden.package.package import Dependency
from miden.registry.backends.indexed import IndexedRegistry
from miden.registry.install import OWNER, Installer
from miden.registry.installed import Home, InstalledSet
from miden.registry.planning import plan
from tests.support.packages import library, make_package

ROOT = Path(__file__).parents[3]


@pytest.fixture
def published(registry: IndexedRegistry) -> IndexedRegistry:
    """A base in three versions, two tools that were linked with the first."""
    base = make_package("base", value=5)
    registry.publish(base.to_bytes())
    registry.publish(make_package("base", "1.1.0", value=6).to_bytes())
    registry.publish(make_package("base", "2.0.0", value=7).to_bytes())
    linked = [Dependency("base", base.digest)]
    for name, value in (("hammer", 8), ("saw", 9)):
        registry.publish(make_package(name, needs={"base": "^1"}, value=value, linked=linked).to_bytes())
    registry.publish(make_package("saw", "1.0.1", needs={"base": "^1"}, value=10, linked=linked).to_bytes())
    return registry


def owners(installer: Installer) -> set[str]:
    assert installer.store is not None
    return {owner.removeprefix(OWNER).rpartition(" ")[0] for owner in installer.store.pins.all()}


def test_a_package_comes_with_what_it_was_linked_with(published: IndexedRegistry, installer: Installer) -> None:
    change = installer.install(["hammer"])
    assert change.added == (("base", "1.0.0"), ("hammer", "1.0.0"))
    state = installer.home.read()
    assert state.wanted[0].name == "hammer"
    assert state.packages["hammer", "1.0.0"].uses == (("base", "1.0.0"),)
    assert owners(installer) == {"base 1.0.0", "hammer 1.0.0"}
    assert installer.store is not None
    for item in state.packages.values():
        for root in item.entry.exports.values():
            assert installer.store.get(root).find_procedure_root(root) is not None
            assert state.provides(root) == item
    assert installer.install(["hammer"]).added == ()


def test_uninstall_keeps_what_others_use(published: IndexedRegistry, installer: Installer) -> None:
    installer.install(["hammer", "saw"])
    assert installer.uninstall(["hammer"]).removed == (("hammer", "1.0.0"),)
    assert installer.home.read().users(("base", "1.0.0")) == [("saw", "1.0.1")]
    assert installer.uninstall(["saw"]).removed == (("base", "1.0.0"), ("saw", "1.0.1"))
    assert owners(installer) == set()
    with pytest.raises(NotFoundError, match="there is no package saw"):
        installer.uninstall(["saw"])


def test_garbage_is_collected_and_nothing_else(published: IndexedRegistry, installer: Installer) -> None:
    assert installer.store is not None
    installer.install(["hammer", "saw"])
    installer.uninstall(["hammer"])
    [hammer] = published.versions("hammer")
    assert installer.home.collect() == 0
    assert installer.home.has(hammer)
    assert installer.home.collect(grace=0) == 1
    assert not installer.home.has(hammer)
    installer.store.gc(grace=0)
    assert not installer.store.contains(next(iter(hammer.exports.values())))
    for item in installer.home.read().packages.values():
        assert all(installer.store.contains(root) for root in item.entry.exports.values())
    assert installer.home.check() == []


def test_upgrade_stays_within_what_was_asked_for(published: IndexedRegistry, installer: Installer) -> None:
    installer.install(["saw@~1.0.0", "base@=1.0.0"])
    assert ("saw", "1.0.1") in installer.home.read().packages
    published.publish(make_package("saw", "1.0.2", value=11).to_bytes())
    published.publish(make_package("saw", "1.1.0", value=12).to_bytes())
    installer.sources.refresh()
    assert [tuple(row) for row in installer.outdated()] == [
        ("base", "1.0.0", "1.0.0", "2.0.0", "=1.0.0"),
        ("saw", "1.0.1", "1.0.2", "1.1.0", "~1.0.0"),
    ]
    change = installer.upgrade()
    assert (change.added, change.removed) == ((("saw", "1.0.2"),), (("saw", "1.0.1"),))
    assert ("base", "1.0.0") in change.kept
    with pytest.raises(NotFoundError):
        installer.upgrade(["hammer"])


def test_versions_that_are_not_there_are_told_with_those_that_are(published: IndexedRegistry, installer: Installer) -> None:
    with pytest.raises(InputError, match=r"needs base \^3, and there are 1.0.0, 1.1.0, 2.0.0"):
        installer.install(["base@^3"])
    with pytest.raises(NotFoundError) as caught:
        installer.install(["hamer"])
    assert caught.value.hint == "did you mean hammer?"
    assert installer.home.read() == InstalledSet()


def test_projects_and_people_ask_for_packages_apart(published: IndexedRegistry, installer: Installer) -> None:
    lock = plan([Need("saw", "^1")], installer.sources)
    installer.install_lock(lock, "one")
    installer.install_lock(lock, "two")
    installer.install(["saw"])
    installer.install_lock(plan([], installer.sources), "one")
    assert ("saw", "1.0.1") in installer.home.read().packages
    installer.uninstall(["saw"])
    assert ("saw", "1.0.1") in installer.home.read().packages
    assert installer.install_lock(plan([], installer.sources), "two").state.packages == {}


def test_what_came_for_a_run_or_a_project_that_is_gone_goes(published: IndexedRegistry, installer: Installer, tmp_path: Path) -> None:
    lock = plan([Need("saw", "^1")], installer.sources)
    (tmp_path / "here").mkdir()
    installer.install_lock(lock, str(tmp_path / "here"))
    installer.install_lock(lock, str(tmp_path / "gone"))
    installer.install(["hammer"], owner="run")
    installer.install(["base@=2.0.0"])
    assert installer.tidy().removed == (("hammer", "1.0.0"),)
    (tmp_path / "here").rmdir()
    (installer.home.path / "packages" / "stray").write_bytes(b"")
    assert installer.tidy().removed == (("base", "1.0.0"), ("base", "1.1.0"), ("saw", "1.0.1"))
    assert installer.home.collect(grace=0) == 4
    assert sorted(installer.home.read().packages) == [("base", "2.0.0")]


def test_a_failure_anywhere_changes_nothing(published: IndexedRegistry, installer: Installer, monkeypatch: pytest.MonkeyPatch) -> None:
    installer.install(["hammer"])
    before = installer.home.read()
    steps = [(IndexedRegistry, "fetch"), (Home, "put"), (type(installer.store), "insert"), (Home, "switch")]
    for owner, name in steps:
        with monkeypatch.context() as patch:

            def fail(*arguments: object, **more: object) -> None:
                raise OSError(28, "No space left on device")

            patch.setattr(owner, name, fail)
            with pytest.raises(OSError, match="No space left"):
                installer.install(["saw"])
        assert installer.home.read() == before
    assert installer.install(["saw"]).added == (("saw", "1.0.1"),)
    assert owners(installer) == {"base 1.0.0", "hammer 1.0.0", "saw 1.0.1"}
    assert installer.store is not None
    assert installer.store.fsck().findings == ()


def test_pins_of_a_transaction_that_was_cut_are_let_go_of_by_the_next(published: IndexedRegistry, installer: Installer) -> None:
    assert installer.store is not None
    installer.store.insert(make_package("ghost", value=77), pin=f"{OWNER}ghost 1.0.0 0000")
    installer.store.insert(make_package("mine", value=78), pin="mine")
    installer.install(["hammer"])
    assert "ghost 1.0.0" not in owners(installer)
    assert "mine" in installer.store.pins.all()


def test_damage_is_found_and_mended(published: IndexedRegistry, installer: Installer) -> None:
    installer.install(["saw"])
    [saw] = [path for path in installer.home.path.rglob("*.masp") if published.versions("saw")[1].blake3 in path.name]
    saw.chmod(0o600)
    data = bytearray(saw.read_bytes())
    data[100] ^= 1
    saw.write_bytes(data)
    assert [("saw" in problem, "blake3" in problem) for problem in installer.home.check()] == [(True, True)]
    with pytest.raises(IntegrityError):
        installer.home.data(published.versions("saw")[1])
    assert installer.restore() == ["saw"]
    assert installer.home.check() == []


def test_a_damaged_set_is_a_typed_error(published: IndexedRegistry, installer: Installer) -> None:
    installer.install(["saw"])
    path = installer.home.path / "installed.json"
    good = path.read_bytes()
    random = Random(3)
    for _ in range(200):
        data = bytearray(good)
        at = random.randrange(len(data))
        if random.random() < 0.5:
            data[at] ^= 1 << random.randrange(8)
        else:
            del data[at:]
        path.write_bytes(data)
        try:
            installer.home.read()
        except MidenError as error:
            assert isinstance(error, FormatError)
    path.write_bytes(b"[" * 10**5)
    with pytest.raises(FormatError, match="nests too deeply"):
        installer.home.read()


def test_two_writers_take_turns(published: IndexedRegistry, installer: Installer) -> None:
    other = Home(installer.home.path)
    with other.writing(), pytest.raises(StorageError) as caught, installer.home.writing(0.05):
        pytest.fail("both are writing")
    assert caught.value.kind == "LockTimeout"


def test_a_kernel_and_a_program_are_packages_like_others(registry: IndexedRegistry, installer: Installer) -> None:
    kernel = miden.Assembler().assemble_kernel("pub proc whoami caller end")
    registry.publish(make_package("system", artifact=kernel).to_bytes())
    program = miden.assemble("begin push.1 drop end")
    registry.publish(make_package("tool", artifact=program).to_bytes())
    assert registry.versions("system")[0].kind == "kernel"
    installer.install(["tool", "system"])
    assert installer.home.read().provides(program.hash) is not None


def test_a_package_without_a_procedure_is_installed_too(registry: IndexedRegistry, installer: Installer) -> None:
    constants = miden.Assembler().assemble_library({"facts": "pub const ONE = 1"})
    registry.publish(make_package("facts", artifact=constants).to_bytes())
    assert installer.install(["facts"]).added == (("facts", "1.0.0"),)


# installing runs nothing


WATCHED = """
import json, sys
from pathlib import Path
from miden.registry.backends.directory import DirectoryRegistry
from miden.registry.install import Installer
from miden.registry.installed import Home
from miden.registry.sources import Sources
from miden.store import open_store

folder, loaded, seen = Path(sys.argv[1]), 0, set()
FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.system", "ctypes.", "pickle.")

def forbidden(event):
    return event.startswith(FORBIDDEN) or event in ("compile", "exec")

def watch(event, arguments):
    if watching and forbidden(event):
        seen.add(event)

def install(place, names):
    registry = DirectoryRegistry(folder / "packages", "local")
    installer = Installer(Home(folder / place), open_store(folder / f"{place}-store", create=True), Sources.of(registry))
    return registry, installer.install(names).added

install("before", ["pkg-0"])  # imports our own modules, which runs their code
watching = True
sys.addaudithook(watch)
registry, installed = install("home", [f"pkg-{number}" for number in range(20)])
for name in registry.names():
    loaded += len(registry.versions(name))
print(json.dumps({"loaded": loaded, "installed": len(installed), "seen": sorted(seen)}))
"""


def test_loading_and_installing_packages_opens_no_socket_starts_no_process_and_runs_no_code(tmp_path: Path) -> None:
    count = int(os.environ.get("MIDEN_PACKAGES", "500"))
    (tmp_path / "packages").mkdir()
    artifact = library("demo")
    for number in range(count):
        (tmp_path / "packages" / f"{number}.masp").write_bytes(make_package(f"pkg-{number}", artifact=artifact).to_bytes())
    done = subprocess.run([sys.executable, "-c", WATCHED, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"loaded": count, "installed": 20, "seen": []}


def test_no_module_can_run_what_it_reads() -> None:
    import ast

    forbidden = {"eval", "exec", "compile", "__import__"}
    modules = {"pickle", "marshal", "shelve", "subprocess", "runpy", "code", "ctypes", "yaml", "dill"}
    found = []
    for folder in ("registry", "package", "serde", "store"):
        for path in (ROOT / "miden" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in forbidden:
                    found.append(f"{path.name}:{node.lineno} {node.func.id}")
                names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
                if isinstance(node, ast.ImportFrom):
                    names.append(node.module or "")
                found += [f"{path.name}:{node.lineno} {name}" for name in names if name.partition(".")[0] in modules]
    assert found == []
