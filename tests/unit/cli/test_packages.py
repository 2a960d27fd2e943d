"""Verbs about packages: what they say, what they change, and how they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miden.registry.backends.indexed import IndexedRegistry
from miden.registry.lockfile import Lock
from tests.support.packages import package_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

MANIFEST = """\
# my project
[package]
name = "app"      # its name
version = "0.1.0"

[[bin]]
path = "src/main.masm"
"""
SOURCE = "begin push.1 drop end"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MIDEN_STORE", "MIDEN_CONFIG", "MIDEN_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MIDEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IndexedRegistry:
    made = IndexedRegistry.create(tmp_path / "registry", "demo")
    monkeypatch.setenv("MIDEN_REGISTRY", str(tmp_path / "registry"))
    made.publish(package_bytes("base", value=5))
    made.publish(package_bytes("base", "1.1.0", value=6))
    made.publish(package_bytes("base", "2.0.0", value=7))
    made.publish(package_bytes("top", needs={"base": "^1"}, value=8))
    made.publish(package_bytes("acme/math", "0.3.0", value=9))
    return made


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "app"
    (folder / "src").mkdir(parents=True)
    (folder / "miden-project.toml").write_text(MANIFEST)
    (folder / "src" / "main.masm").write_text(SOURCE)
    monkeypatch.chdir(folder)
    return folder


def locked(folder: Path) -> dict[str, str]:
    lock = Lock.read(folder)
    assert lock is not None
    return lock.versions()


def test_add_writes_the_need_and_keeps_every_comment(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    outcome = cli("add", "top", "acme/math@0.3", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["added"] == [
        {"name": "top", "requirement": "^1.0.0", "version": "1.0.0"},
        {"name": "acme/math", "requirement": "0.3", "version": "0.3.0"},
    ]
    text = (project / "miden-project.toml").read_text()
    assert text == MANIFEST + '\n[dependencies]\ntop = "^1.0.0"\n"acme/math" = "0.3"\n'
    assert locked(project) == {"acme/math": "0.3.0", "base": "1.1.0", "top": "1.0.0"}
    assert outcome.json["installed"]["added"] == ["acme/math@0.3.0", "base@1.1.0", "top@1.0.0"]
    assert cli("add", "top@=1.0.0", "--static").code == 0
    assert 'top = {version = "=1.0.0", linkage = "static"}' in (project / "miden-project.toml").read_text()


@pytest.mark.parametrize("arguments", [("base@^9",), ("nowhere",), ("top", "base@2"), ("b@se",), ("../base",), ("base@",)])
def test_add_that_fails_changes_nothing(arguments: tuple[str, ...], cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    assert cli("add", "acme/math").code == 0
    before = {path.name: path.read_bytes() for path in project.iterdir() if path.is_file()}
    outcome = cli("add", *arguments, "--json")
    assert outcome.code in (3, 4)
    assert outcome.json["error"]["kind"] in ("NoSolution", "PackageNotFound", "InvalidName", "InvalidReference", "InvalidRequirement")
    assert {path.name: path.read_bytes() for path in project.iterdir() if path.is_file()} == before


def test_add_says_what_a_dry_run_would_do(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    assert "base ^2.0.0, now 2.0.0" in cli("add", "base", "--dry-run").out
    assert (project / "miden-project.toml").read_text() == MANIFEST
    assert not (project / "miden.lock").exists()


def test_a_name_like_another_is_warned_of_once(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    registry.publish(package_bytes("bsae", value=66))
    outcome = cli("install", "bsae")
    assert "bsae is new here, and its name is very like base" in outcome.err
    assert cli("install", "bsae", "--json").json.get("warnings") is None
    assert [row["kind"] for row in cli("add", "base", "--json").json["warnings"]] == ["SimilarName"]


def test_remove_takes_what_only_it_needed_along(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    cli("add", "top", "acme/math")
    outcome = cli("remove", "top", "--json")
    assert outcome.json["installed"]["removed"] == ["base@1.1.0", "top@1.0.0"]
    assert locked(project) == {"acme/math": "0.3.0"}
    assert "top" not in (project / "miden-project.toml").read_text()
    outcome = cli("remove", "top", "--json")
    assert (outcome.code, outcome.json["error"]["kind"]) == (3, "DependencyNotFound")


def test_update_takes_what_is_asked_for_or_only_what_is_named(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    cli("add", "base@^1", "acme/math")
    registry.publish(package_bytes("base", "1.2.0", value=60))
    registry.publish(package_bytes("acme/math", "0.3.1", value=61))
    rows = cli("outdated", "--json").json["packages"]
    assert [(row["name"], row["version"], row["compatible"], row["latest"]) for row in rows] == [
        ("acme/math", "0.3.0", "0.3.1", "0.3.1"),
        ("base", "1.1.0", "1.2.0", "2.0.0"),
    ]
    assert [row["name"] for row in cli("update", "--dry-run", "--json").json["changed"]] == ["acme/math", "base"]
    assert locked(project) == {"acme/math": "0.3.0", "base": "1.1.0"}
    assert cli("update", "base").out == "base 1.1.0 -> 1.2.0\n"
    assert locked(project) == {"acme/math": "0.3.0", "base": "1.2.0"}
    assert cli("update").out == "acme/math 0.3.0 -> 0.3.1\n"
    assert cli("update").out == "everything is up to date\n"
    assert cli("update", "nowhere", "--json").json["error"]["kind"] == "PackageNotFound"


def test_locked_refuses_a_lock_that_does_not_meet_the_needs(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    cli("add", "base@^1")
    lock = (project / "miden.lock").read_bytes()
    manifest = (project / "miden-project.toml").read_text()
    (project / "miden-project.toml").write_text(manifest.replace('"^1"', '"^2"'))
    for arguments in (("install", "--locked"), ("install", "--frozen"), ("build", "--locked"), ("vendor", "--locked")):
        outcome = cli(*arguments, "--json")
        assert (outcome.code, outcome.json["error"]["kind"]) == (3, "LockOutdated"), outcome.out
    assert (project / "miden.lock").read_bytes() == lock
    (project / "miden-project.toml").write_text(MANIFEST)
    assert cli("install", "--locked", "--json").json["error"]["kind"] == "LockOutdated"
    (project / "miden-project.toml").write_text(manifest)
    assert cli("install", "--frozen").code == 0


def test_build_chooses_locks_and_installs(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    (project / "miden-project.toml").write_text(f'{MANIFEST}\n[dependencies]\nbase = "^1"\n')
    (project / "src" / "main.masm").write_text("begin exec.::base::value end")
    assert cli("build").code == 0
    assert locked(project) == {"base": "1.1.0"}
    outcome = cli("run", "target/app.masp", "--json")
    assert outcome.json["stack"][0] == 6
    registry.publish(package_bytes("base", "1.2.0", value=60))
    assert [row["cached"] for row in cli("build", "--json").json["targets"]] == [True]
    assert cli("build", "--frozen").code == 0


def test_features_turn_optional_needs_on(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    needs = '\n[dependencies]\nbase = { version = "^1", optional = true }\n"acme/math" = "*"\n\n[features]\nfast = ["dep:base"]\n'
    (project / "miden-project.toml").write_text(MANIFEST + needs)
    assert cli("build").code == 0
    assert locked(project) == {"acme/math": "0.3.0"}
    assert cli("build", "--features", "fast").code == 0
    assert locked(project) == {"acme/math": "0.3.0", "base": "1.1.0"}
    outcome = cli("build", "--features", "slow", "--json")
    assert (outcome.code, outcome.json["error"]["kind"]) == (3, "UnknownFeature")


def test_install_list_and_uninstall(cli: Cli, registry: IndexedRegistry) -> None:
    assert cli("list").out == "nothing is installed\n"
    assert cli("install", "top", "base@=1.0.0", "--json").json["added"] == ["base@1.0.0", "top@1.0.0"]
    rows = cli("list", "--json").json["packages"]
    assert [(row["name"], row["version"], row["registry"], row["wanted_by"]) for row in rows] == [
        ("base", "1.0.0", "registry", ["user"]),
        ("top", "1.0.0", "registry", ["user"]),
    ]
    assert [row["name"] for row in cli("list", "--available", "--json").json["packages"]] == ["acme/math", "base", "top"]
    assert cli("install", "--upgrade").code == 0
    assert cli("uninstall", "top", "base", "--collect", "--json").json["files_removed"] == 2
    assert cli("uninstall", "top", "--json").json["error"]["kind"] == "PackageNotFound"


def test_run_takes_packages_and_their_procedures(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    outcome = cli("run", "base@1.0::value", "--json")
    assert (outcome.json["stack"][0], outcome.json["installed"]) == (5 + 1, ["base@1.1.0"])
    assert "installed" not in cli("run", "base@^1::base::value", "--json").json
    assert cli("run", "base@=2.0.0::value", "-n", "1").out.split("\n")[1] == "stack   7"
    for reference, kind in (("base", "NotAProgram"), ("base::nothing", "ProcedureNotFound"), ("nowhere@1", "PackageNotFound")):
        assert cli("run", reference, "--json").json["error"]["kind"] == kind
    assert cli("run", "missing.masm", "--json").json["error"]["kind"] == "FileNotFound"


def test_tree_and_why_draw_a_project_and_what_is_installed(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    cli("add", "top", "acme/math")
    assert cli("tree").out.splitlines() == ["app 0.1.0", "├── acme/math 0.3.0", "└── top 1.0.0", "    └── base 1.1.0"]
    assert cli("tree", "--depth", "1").out.splitlines()[-1] == "└── top 1.0.0"
    assert cli("why", "base").out == "app 0.1.0 -> top 1.0.0 -> base 1.1.0\n"
    assert cli("why", "nowhere", "--json").json["error"]["kind"] == "PackageNotFound"
    cli("install", "top")
    assert cli("why", "top", "--installed", "--json").json["chains"] == [["installed", "top 1.0.0"]]
    assert cli("tree", "top", "--json").json["starts"] == ["top 1.0.0"]


def test_outside_a_project_everything_installed_is_drawn(
    cli: Cli, registry: IndexedRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    cli("install", "acme/math", "base@=1.0.0")
    assert cli("tree").out.splitlines() == ["installed", "├── acme/math 0.3.0", "└── base 1.0.0"]
    assert cli("add", "base", "--json").json["error"]["kind"] == "ProjectNotFound"


def test_files_in_a_folder_are_a_registry(cli: Cli, tmp_path: Path, project: Path) -> None:
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "any.masp").write_bytes(package_bytes("book", "3.1.4"))
    for _ in range(2):
        assert cli("list", "--available", "--registry", tmp_path / "shelf", "--json").json["packages"][0]["name"] == "book"
    assert cli("add", "book", "--registry", tmp_path / "shelf").code == 0
    assert locked(project) == {"book": "3.1.4"}
    assert [path.suffix for path in (tmp_path / "home" / "cache" / "folders").iterdir()] == [".json"]


def test_vendor_makes_a_registry_that_needs_no_other(cli: Cli, registry: IndexedRegistry, project: Path, tmp_path: Path) -> None:
    cli("add", "top")
    assert cli("vendor", "copies", "--json").json["packages"] == ["base@1.1.0", "top@1.0.0"]
    outcome = cli("install", "--frozen", "--registry", "copies", "--home", tmp_path / "other", "--json")
    assert outcome.json["added"] == ["base@1.1.0", "top@1.0.0"]
    listed = '[[registry]]\nname = "copies"\nlocation = "copies"\nmirror = true\n'
    (project / "miden-registries.toml").write_text(listed)
    outcome = cli("install", "--frozen", "--registry", "copies", "--home", tmp_path / "third", "--json")
    assert outcome.json["added"] == ["base@1.1.0", "top@1.0.0"]


def test_registries_are_taken_from_the_project_and_from_the_user(
    cli: Cli, registry: IndexedRegistry, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MIDEN_REGISTRY")
    outcome = cli("add", "base", "--json")
    assert (outcome.code, outcome.json["error"]["kind"]) == (4, "NoRegistry")
    (tmp_path / "home" / "miden-registries.toml").write_text('[[registry]]\nname = "mine"\nlocation = "../registry"\n')
    assert cli("add", "base").code == 0
    assert [item.registry for item in Lock.read(project).packages] == ["mine"]  # type: ignore[union-attr]
    text = '[[registry]]\nname = "theirs"\nlocation = "../registry"\nnamespaces = ["acme"]\n'
    (project / "miden-registries.toml").write_text(text)
    assert cli("add", "acme/math", "--json").json["error"]["kind"] == "NoSolution"  # base is in the lock, and bound to nothing now
    assert cli("remove", "base").code == 0
    assert cli("add", "acme/math").code == 0
    assert cli("add", "base", "--json").json["error"]["kind"] == "PackageNotFound"


def test_a_program_runs_with_what_it_was_linked_with(cli: Cli, registry: IndexedRegistry, project: Path, tmp_path: Path) -> None:
    (project / "src" / "main.masm").write_text("begin exec.::base::value exec.::top::value end")
    assert cli("add", "base@=1.0.0", "top").code == 0
    assert cli("build").code == 0
    for number, options in enumerate(([], ["--lazy"])):
        home = tmp_path / f"fresh-{number}"
        outcome = cli("run", "target/app.masp", "--home", home, "--json", *options)
        assert outcome.code == 0, outcome.out
        assert outcome.json["stack"][0] == 8
        assert sorted(outcome.json["installed"]) == ["base@1.0.0", "top@1.0.0"]


def test_publishing_what_was_built_keeps_its_needs(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    cli("add", "base@^1", "--features", "")
    cli("build")
    entry = registry.publish((project / "target" / "app.masp").read_bytes())
    assert [(need.name, need.requirement.text) for need in entry.needs.needs] == [("base", "^1")]
    assert [item.name for item in entry.linked] == ["base"]


def test_a_package_that_calls_the_core_library_needs_no_registry_for_it(cli: Cli, registry: IndexedRegistry, project: Path) -> None:
    (project / "src" / "main.masm").write_text("use miden::core::math::u64 begin exec.u64::wrapping_mul swapw dropw end")
    assert cli("build").code == 0
    data = (project / "target" / "app.masp").read_bytes()
    assert registry.publish(data).linked == ()
    outcome = cli("run", "app@0.1.0", "--stack", "0,6,0,7", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["stack"][:2] == [0, 42]
    assert outcome.json["installed"] == ["app@0.1.0"]
