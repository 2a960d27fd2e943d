"""`miden new`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]


@pytest.mark.parametrize("kind", ["--lib", "--kernel", None])
def test_a_new_project_builds_and_is_documented(cli: Cli, tmp_path: Path, kind: str | None) -> None:
    folder = tmp_path / "my-project"
    assert cli("new", folder, *([kind] if kind else [])).code == 0
    assert cli("build", folder).code == 0
    assert cli("verify", folder / "target/my-project.masp").code == 0
    assert cli("doc", folder).out.startswith("# my-project 0.1.0")


def test_the_program_runs_with_its_inputs_and_with_others(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    outcome = cli("new", folder, "--json")
    assert outcome.json["files"] == ["miden-project.toml", "src/main.masm", "src/main.inputs", ".gitignore"]
    assert cli("run", folder / "src/main.masm", "--json").json["stack"][0] == 8
    assert cli("run", folder / "src/main.masm", "--stack", "3,4", "--json").json["stack"][0] == 7
    cli("build", folder)
    assert cli("run", folder / "target/hello.masp", "--stack", "3,4", "--json").json["stack"][0] == 7


def test_an_empty_folder_will_do(cli: Cli, tmp_path: Path) -> None:
    assert cli("new", tmp_path, "--name", "demo").code == 0
    assert 'name = "demo"' in (tmp_path / "miden-project.toml").read_text(encoding="utf-8")


def test_a_folder_with_files_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x", encoding="utf-8")
    outcome = cli("new", tmp_path, "--name", "demo")
    assert outcome.code == 3
    assert "not empty" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize("name", ["1st", "a b", "con", "..", "ä", "x" * 65])
def test_a_name_that_cannot_be_one_is_refused(cli: Cli, tmp_path: Path, name: str) -> None:
    outcome = cli("new", tmp_path / "new", "--name", name)
    assert outcome.code == 3
    assert not (tmp_path / "new").exists()
