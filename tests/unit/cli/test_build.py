"""`miden build`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]


@pytest.fixture
def library(cli: Cli, tmp_path: Path) -> Path:
    folder = tmp_path / "mathx"
    cli("new", "--lib", folder)
    return folder


def test_the_second_build_says_that_nothing_changed(cli: Cli, library: Path) -> None:
    first, second = cli("build", library), cli("build", library)
    assert first.out.startswith("built      mathx  0x")
    assert second.out.startswith("unchanged  mathx  0x")
    assert "mathx.masl" in first.out


def test_facts_as_json(cli: Cli, library: Path) -> None:
    facts = cli("build", library, "--json").json
    [target] = facts["targets"]
    assert (target["name"], target["kind"], target["exports"], target["cached"], target["warnings"]) == ("mathx", "library", 1, False, [])
    assert target["files"] == [str(library / "target/mathx.masp"), str(library / "target/mathx.masl")]


def test_the_project_around_a_folder_is_built(cli: Cli, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(library / "src")
    assert cli("build").code == 0
    assert (library / "target/mathx.masp").is_file()


def test_a_folder_without_a_project_is_not_found(cli: Cli, library: Path) -> None:
    outcome = cli("build", library / "src")
    assert outcome.code == 4
    assert "miden new" in outcome.err


def test_a_release_has_no_debug_information(cli: Cli, library: Path) -> None:
    cli("build", library, "--release")
    facts = cli("inspect", library / "target/release/mathx.masp", "--json").json
    assert facts["forest"]["decorators"] == 0
    assert cli("build", library, "--release", "--profile", "dev").code == 2


def test_folders_can_be_chosen(cli: Cli, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("build", library, "--target-dir", tmp_path / "out", "--cache", tmp_path / "one")
    assert (tmp_path / "out/mathx.masp").is_file()
    assert (tmp_path / "one/CACHEDIR.TAG").is_file()
    monkeypatch.setenv("MIDEN_BUILD_CACHE", str(tmp_path / "two"))
    cli("build", library)
    assert (tmp_path / "two").is_dir()
    assert not (library / "target/cache").exists()


def test_without_a_cache_everything_is_built(cli: Cli, library: Path) -> None:
    for _ in range(2):
        assert cli("build", library, "--no-cache").out.startswith("built")
    assert not (library / "target/cache").exists()


def test_a_wrong_project_file_shows_the_line(cli: Cli, library: Path) -> None:
    file = library / "miden-project.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("namespace", "namspace"), encoding="utf-8")
    outcome = cli("build", library)
    assert outcome.code == 3
    assert 'namspace = "mathx"' in outcome.err
    assert "did you mean namespace?" in outcome.err
    error = cli("build", library, "--json").json["error"]
    assert (error["kind"], error["line"], error["field"]) == ("UnknownField", 6, "lib.namspace")


def test_warnings_are_shown_each_time(cli: Cli, library: Path) -> None:
    (library / "src/more.masm").write_text("use mathx::double\npub proc f nop end\n", encoding="utf-8")
    for _ in range(2):
        assert "warning" in cli("build", library).err
    assert cli("build", library, "--json").json["targets"][0]["warnings"]
    assert cli("build", library, "--warnings-as-errors").code == 3
