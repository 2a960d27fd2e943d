"""The core library in the default store: put there by itself once, kept, brought up to date, and left out on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import miden
from miden.corelib import core_forest, core_library
from miden.corelib.keeping import OWNER
from miden.store.keys import ObjectKey
from miden.store.objects import served_keys
from miden.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]
    Masm = Callable[..., Path]

PROGRAM = "use miden::core::math::u64 begin exec.u64::wrapping_mul exec.u64::wrapping_add swapw dropw end"
STACK = "0,3,0,5,0,7"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the place of the user's own store: nothing names one."""
    for name in ("MIDEN_STORE", "MIDEN_CONFIG", "MIDEN_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "data" / "miden" / "store"


def pinned(place: Path) -> set[ObjectKey]:
    with open_store(place, writable=False) as store:
        return store.pins.of(OWNER)


CORE = served_keys(core_forest())


@pytest.mark.parametrize("policy", ["whole", "procedures"])
def test_init_puts_the_core_library_into_the_default_store(cli: Cli, place: Path, policy: str) -> None:
    assert cli("store", "init", "--policy", policy).code == 0
    assert pinned(place) == CORE
    facts = cli("store", "stat", "--json").json
    assert [stat["objects"] for stat in facts["providers"].values()] == [1 if policy == "whole" else len(CORE)]
    assert cli("store", "gc", "--grace", "0", "--json").json["removed"] == 0
    assert cli("store", "fsck").code == 0
    with open_store(place) as store:
        for key in CORE:
            assert store.get(key).find_procedure_root(key.digest) is not None


def test_whatever_puts_something_into_a_new_default_store_puts_it_there_as_well(cli: Cli, masm: Masm, place: Path) -> None:
    outcome = cli("store", "put", masm(PROGRAM), "--json")
    assert outcome.json["added"]["objects"] == 1  # what was asked for
    assert pinned(place) == CORE
    names = {path.name for path in place.rglob("*")}
    assert cli("store", "put", masm(PROGRAM)).code == 0
    assert {path.name for path in place.rglob("*")} == names


def test_reading_makes_nothing_and_a_run_without_a_store_looks_for_none(cli: Cli, masm: Masm, place: Path) -> None:
    assert cli("run", masm(PROGRAM), "--stack", STACK).code == 0
    assert cli("store", "ls").code == 4
    assert not place.exists()


def test_a_closure_is_whole_and_runs_where_there_is_no_core_library(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    [root] = cli("store", "put", masm(PROGRAM), "--json").json["put"][0]["roots"]
    assert cli("store", "export", root, "-o", tmp_path / "main.mibdl", "--json").json["objects"] == 2
    assert cli("store", "import", tmp_path / "main.mibdl", "--store", tmp_path / "there", "--json").json["missing"] == []
    expected = cli("run", masm(PROGRAM), "--stack", STACK, "--json").json["stack"]
    with open_store(tmp_path / "there") as store:
        assert store.pins.of(OWNER) == set()
        host = miden.Host(store=store, core=False)
        output = miden.execute(store.get_program(root), stack=[0, 3, 0, 5, 0, 7], host=host)
    assert list(output.stack) == expected
    assert expected[:2] == [0, 22]


def test_a_library_of_another_version_stays_beside_the_one_of_this(cli: Cli, masm: Masm, place: Path) -> None:
    old = miden.Assembler().assemble_library({"miden::core::math::u64": "pub proc wrapping_add push.1 drop add end"})
    with open_store(place, create=True) as store:
        before = {ObjectKey.code(root) for root in store.insert(old, pin=OWNER)}
    assembler = miden.Assembler()
    assembler.link_library(old, kind="dynamic")
    program = assembler.assemble_program("begin exec.::miden::core::math::u64::wrapping_add end")
    (place.parent / "old.masb").write_bytes(program.to_bytes())
    assert not before & CORE
    assert cli("store", "put", masm(PROGRAM)).code == 0
    assert pinned(place) == before | CORE
    assert cli("store", "gc", "--grace", "0", "--json").json["removed"] == 0
    assert cli("run", place.parent / "old.masb", "--store", place, "--stack", "4,5", "--json").json["stack"][0] == 9


def test_nobody_has_to_have_it(cli: Cli, masm: Masm, place: Path, tmp_path: Path) -> None:
    assert cli("store", "init").code == 0
    assert cli("store", "init", "--core-library", "no", "--json").json == {"store": str(place), "core_library": False}
    assert pinned(place) == set()
    [root] = cli("store", "put", masm("begin add end"), "--json").json["put"][0]["roots"]
    assert pinned(place) == set()
    assert cli("store", "gc", "--grace", "0", "--json").json["removed"] == 1
    assert cli("store", "ls").out == f"{root}\n"
    named = tmp_path / "named"
    assert cli("store", "init", named).code == 0
    assert pinned(named) == set()
    assert cli("store", "init", named, "--core-library", "yes").code == 0
    assert pinned(named) == CORE
    assert cli("store", "init", f"sqlite:{tmp_path}/a.sqlite", "--core-library", "yes").code == 3


def test_a_program_that_is_kept_keeps_what_it_links_to_of_a_library_that_is_let_go(cli: Cli, masm: Masm, place: Path) -> None:
    [root] = cli("store", "put", masm(PROGRAM), "--json").json["put"][0]["roots"]
    assert cli("store", "init", "--core-library", "no").code == 0
    assert pinned(place) == set()
    assert cli("store", "gc", "--grace", "0", "--json").json["removed"] == 0
    assert cli("store", "unpin", root).code == 0
    assert cli("store", "gc", "--grace", "0", "--json").json["removed"] == 2


# -- packages


OLD = {"miden::core::math::u64": "pub proc wrapping_add push.1 drop add end"}


@pytest.fixture
def package(cli: Cli, tmp_path: Path) -> Path:
    """Return a package of a program that was linked with a core library of another version."""
    old = miden.Assembler().assemble_library(OLD)
    (tmp_path / "old.masl").write_bytes(old.to_bytes())
    folder = tmp_path / "app"
    (folder / "src").mkdir(parents=True)
    (folder / "miden-project.toml").write_text('[package]\nname = "app"\nversion = "0.1.0"\n[[bin]]\npath = "src/main.masm"\n')
    (folder / "src" / "main.masm").write_text("begin exec.::miden::core::math::u64::wrapping_add end")
    assert cli("build", folder, "--core", tmp_path / "old.masl").code == 0
    return folder / "target" / "app.masp"


def test_a_package_of_another_core_library_runs_with_its_file_or_out_of_the_default_store(
    cli: Cli, package: Path, place: Path, tmp_path: Path
) -> None:
    old = miden.Library.from_bytes((tmp_path / "old.masl").read_bytes())
    assert cli("inspect", package, "--json").json["package"]["dependencies"] == [{"name": "miden::core", "digest": old.digest.to_hex()}]
    missing = cli("run", package, "--stack", "4,5")
    assert missing.code == 1
    assert f"linked with another core library, {old.digest.to_hex()}" in missing.err
    assert "--core" in missing.err
    assert not place.exists()
    given = cli("run", package, "--stack", "4,5", "--core", tmp_path / "old.masl", "--json").json
    assert (given["stack"][0], "store" in given) == (9, False)
    with open_store(place, create=True) as store:
        store.insert(old, pin=OWNER)
    kept = cli("run", package, "--stack", "4,5", "--json").json
    assert kept["stack"] == given["stack"]
    assert kept["store"][str(place)]["found"] == 1


def test_a_bundle_of_modules_says_so_too(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "wide.masm").write_text("use miden::core::math::u64\npub proc add exec.u64::wrapping_add end")
    assert cli("bundle", tmp_path / "lib", "-o", tmp_path / "lib.masp", "--version", "1.0.0").code == 0
    found = cli("inspect", tmp_path / "lib.masp", "--json").json["package"]["dependencies"]
    assert found == [{"name": "miden::core", "digest": core_library().digest.to_hex()}]
