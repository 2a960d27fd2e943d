"""The root command and the smaller verbs."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

import miden
from miden.cli import artifacts, files, store
from miden.cli.app import VERBS
from miden.cli.commands import app
from tests.support.programs import EXAMPLES, ROOT
from tests.support.verbs import all_verbs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]
    Masm = Callable[..., Path]


def test_help_lists_every_verb_and_the_exit_codes(cli: Cli) -> None:
    outcome = cli("--help")
    assert outcome.code == 0
    assert [verb for verb in VERBS if f"\n  {verb} " not in outcome.out] == []
    assert "130 interrupted" in outcome.out


@pytest.mark.parametrize("verb", sorted(all_verbs()))
def test_every_verb_has_help(cli: Cli, verb: str) -> None:
    outcome = cli(*verb.split(), "--help")
    assert outcome.code == 0
    assert "--json" in outcome.out


def test_a_group_lists_its_verbs(cli: Cli) -> None:
    outcome = cli("store", "--help")
    assert outcome.code == 0
    assert [verb for verb in store.VERBS if f"\n  {verb} " not in outcome.out] == []
    assert "'fsck'" in cli("store", "fsk").err


def test_version_is_that_of_the_package(cli: Cli) -> None:
    assert cli("--version").out == f"miden {miden.__version__}\n"


def test_an_unknown_verb_suggests_the_nearest(cli: Cli) -> None:
    outcome = cli("asemble")
    assert outcome.code == 2
    assert "'assemble'" in outcome.err


@pytest.mark.parametrize("columns", ["30", "57", "60", "80", "97", "200"])
def test_the_first_page_of_help_is_laid_out_as_click_would(cli: Cli, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    context = app.make_context("miden", [], resilient_parsing=True)
    expected = click.Group.get_help(app, context) + "\n"
    assert cli("--help").out == cli("-h").out == expected
    assert cli("--help", "hash").out == expected  # which click reads


def test_no_arguments_show_help(cli: Cli) -> None:
    outcome = cli()
    assert outcome.code == 2
    assert "Commands:" in outcome.out + outcome.err


def test_an_error_of_our_own_exits_with_70_and_a_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake")

    assert artifacts.load_program is files.load_program  # what is imported now is not bound to the broken one for good
    monkeypatch.setattr(files, "load_program", broken)
    outcome = cli("hash", EXAMPLES / "add.masm")
    assert outcome.code == 70
    assert "ZeroDivisionError" in outcome.err


def test_the_module_runs_as_a_program() -> None:
    result = subprocess.run([sys.executable, "-m", "miden", "--version"], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout == f"miden {miden.__version__}\n"


# --- hash and assemble ----------------------------------------------------------------------------------------


def test_hash_prints_the_hash_of_source_and_of_bytes(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    source = masm("begin add end")
    expected = miden.assemble("begin add end").hash.to_hex()
    assert cli("hash", source).out == expected + "\n"
    assert cli("assemble", source, "-o", tmp_path / "out.masb").code == 0
    assert cli("hash", tmp_path / "out.masb").out == expected + "\n"
    assert cli("hash", source, "--json").json["hash"] == expected


def test_assemble_writes_what_the_api_writes(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    out = tmp_path / "out.masb"
    outcome = cli("assemble", masm("begin add end"), "-o", out, "--json")
    program = miden.Program.from_bytes(out.read_bytes())
    assert program.hash == miden.assemble("begin add end").hash
    assert outcome.json == {
        "file": str(tmp_path / "program.masm"),
        "output": str(out),
        "hash": program.hash.to_hex(),
        "bytes": out.stat().st_size,
        "nodes": 1,
    }


def test_assemble_writes_beside_the_source_by_default(cli: Cli, masm: Masm) -> None:
    source = masm("begin add end")
    assert cli("assemble", source).code == 0
    assert source.with_suffix(".masb").is_file()


def test_assemble_without_debug_information_is_smaller_and_means_the_same(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    source = masm("begin push.1 push.2 add drop end")
    cli("assemble", source, "-o", tmp_path / "full.masb")
    cli("assemble", source, "-o", tmp_path / "small.masb", "--strip")
    assert (tmp_path / "small.masb").stat().st_size < (tmp_path / "full.masb").stat().st_size
    assert cli("hash", tmp_path / "small.masb").out == cli("hash", tmp_path / "full.masb").out


def test_assemble_to_standard_output_writes_bytes_only(masm: Masm) -> None:
    command = [sys.executable, "-m", "miden", "assemble", str(masm("begin add end")), "-o", "-"]
    result = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    assert miden.Program.from_bytes(result.stdout).hash == miden.assemble("begin add end").hash


def test_a_failing_assemble_leaves_the_old_file_alone(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    out = tmp_path / "out.masb"
    out.write_bytes(b"old")
    assert cli("assemble", masm("begin frob end"), "-o", out).code == 3
    assert out.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.masb", "program.masm"]


def test_an_interrupted_write_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.masb"
    out.write_bytes(b"old")

    def broken(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="no space left"):
        files.write_atomically(str(out), b"new")
    assert out.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.masb"]


def test_written_files_have_the_usual_permissions(tmp_path: Path) -> None:
    path = tmp_path / "out"
    files.write_atomically(str(path), b"content")
    plain = tmp_path / "plain"
    plain.write_bytes(b"content")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_assemble_into_a_folder_that_is_not_there_exits_with_4(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    assert cli("assemble", masm("begin add end"), "-o", tmp_path / "nowhere" / "out.masb").code == 4


def test_warnings_are_shown_and_can_be_errors(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    source = masm("begin nop end\n#! belongs to nothing\n")
    outcome = cli("assemble", source, "-o", tmp_path / "out.masb")
    assert outcome.code == 0
    assert outcome.err.startswith("warning")
    assert cli("assemble", source, "-o", tmp_path / "out.masb", "--json").json["warnings"][0]["kind"] == "UnusedDocstring"
    assert cli("assemble", source, "--warnings-as-errors").code == 3


# --- disasm, explain, doctor, completion ----------------------------------------------------------------------


def test_disasm_prints_nodes_in_order_with_their_operations(cli: Cli, masm: Masm) -> None:
    source = masm("begin push.7 if.true add else mul end end")
    program = miden.assemble(source.read_text(encoding="utf-8"))
    outcome = cli("disasm", source)
    assert outcome.code == 0
    assert "push(7)" in outcome.out
    assert [digest.to_hex() in outcome.out for digest in program.forest.digests] == [True] * len(program.forest)
    facts = cli("disasm", source, "--json").json
    assert facts["entrypoint"] == program.entrypoint
    assert [node["kind"] for node in facts["nodes"]] == ["block", "block", "block", "split", "join"]
    assert facts["nodes"][3]["children"] == list(program.forest.children(3))


def test_disasm_breaks_long_lines(cli: Cli, masm: Masm) -> None:
    outcome = cli("disasm", masm("begin repeat.100 push.123456789 drop end end"))
    assert max(len(line) for line in outcome.out.splitlines()) < 120


def test_explain_takes_a_code_or_a_kind(cli: Cli) -> None:
    outcome = cli("explain", "FailedAssertion")
    assert outcome.code == 0
    code = outcome.out.split()[0]
    assert cli("explain", code.lower()).out == outcome.out
    assert cli("explain", code, "--json").json["kind"] == "FailedAssertion"


def test_explain_exits_with_4_for_a_code_that_is_not_there(cli: Cli) -> None:
    outcome = cli("explain", "E9999", "--json")
    assert (outcome.code, outcome.json["error"]["exit_code"]) == (4, 4)


def test_doctor_says_which_backend_runs_and_checks_it(cli: Cli) -> None:
    outcome = cli("doctor", "--json")
    facts = outcome.json
    assert outcome.code == 0
    assert facts["backends"]["pure"]["check"] == "ok"
    assert facts["default"] in facts["backends"]
    text = cli("doctor").out
    assert facts["version"] in text
    assert facts["why"] in text


@pytest.mark.parametrize(("shell", "marks"), [("bash", "complete -o"), ("zsh", "#compdef miden"), ("fish", "complete --no-files")])
def test_completion_prints_a_script_for_each_shell(cli: Cli, shell: str, marks: str) -> None:
    outcome = cli("completion", shell)
    assert outcome.code == 0
    assert marks in outcome.out
    assert "_MIDEN_COMPLETE" in outcome.out


def test_completion_completes_verbs() -> None:
    environment = {**os.environ, "_MIDEN_COMPLETE": "bash_complete", "COMP_WORDS": "miden dis", "COMP_CWORD": "1"}
    result = subprocess.run([sys.executable, "-m", "miden"], capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    assert "disasm" in result.stdout


def test_every_verb_answers_a_missing_file_with_json(cli: Cli, tmp_path: Path) -> None:
    for verb in ("run", "assemble", "hash", "disasm"):
        outcome = cli(verb, tmp_path / "nowhere.masm", "--json")
        assert (verb, outcome.code, outcome.json["error"]["kind"]) == (verb, 4, "FileNotFound")
        assert json.loads(outcome.out)
