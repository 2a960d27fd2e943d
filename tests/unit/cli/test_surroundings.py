"""What a terminal, a disk and a file may be like: other encodings, full, closed, missing, damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]
    Masm = Callable[..., Path]

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")


def run(*arguments: object, stdout: int = subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the installed command as a process of its own."""
    command = [sys.executable, "-c", "import sys; from miden.cli import start; sys.exit(start())", *map(str, arguments)]
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, env=where, check=False)


def test_a_terminal_without_the_letters_gets_them_spelled_out(masm: Masm) -> None:
    path = masm("begin push.1 drop end", name="größe.masm")
    ended = run("run", path, **ASCII)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"cycles" in ended.stdout
    shown = run("inspect", path, "--json", **ASCII)
    assert shown.returncode == 0
    assert shown.stdout.isascii()
    assert os.fsencode(json.loads(shown.stdout)["file"]) == os.fsencode(path)
    masm(b"begin push.1 nothing end", name="größe.masm")
    assert b"gr\\xf6\\xdfe.masm:1:14" in run("run", path, **ASCII).stderr


@pytest.mark.skipif(sys.platform != "linux", reason="file systems of other systems refuse such names")
def test_a_name_that_is_no_text(cli: Cli, tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.masm")
    Path(path).write_bytes(b"begin push.1 drop end")
    assert cli("inspect", path, "--json").code == 0
    assert cli("assemble", path, "-o", tmp_path / "out.masb").code == 0
    Path(path).write_bytes(b"begin nothing end")
    assert "\ufffd.masm:1:7" in cli("run", path).err


def test_a_narrow_terminal_gets_whole_roots(cli: Cli, masm: Masm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich", reason="tables in colour need rich: pip install 'miden[cli]'")
    store = tmp_path / "store"
    root = cli("store", "put", masm("begin push.1 drop end"), "--store", store, "--json").json["put"][0]["roots"][0]
    monkeypatch.setenv("COLUMNS", "40")
    shown = cli("store", "ls", "-l", "--color", "always", "--store", store).out
    assert root in shown
    assert "pins" in shown


@needs_full
@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["--version"], ["doctor"], ["completion", "bash"]])
def test_a_full_disk_is_told(words: list[str]) -> None:
    with FULL.open("wb") as full:
        ended = run(*words, stdout=full.fileno())
    assert (ended.returncode, ended.stderr) == (7, b"error[InputOutput]: No space left on device\n")


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["doctor"], ["completion", "bash"]])
def test_a_reader_that_left_early_is_no_error(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = run(*words, stdout=writing)
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_folder_that_is_not_there_is_named(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    path = masm("begin push.1 drop end")
    outcome = cli("assemble", path, "-o", tmp_path / "nowhere" / "out.masb", "--json")
    assert outcome.code == 4
    assert outcome.json["error"]["message"] == f"there is no folder '{tmp_path}/nowhere' to write '{tmp_path}/nowhere/out.masb' in"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_folder_that_may_not_be_written_is_told_by_the_name_of_the_file(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    path = masm("begin push.1 drop end")
    (tmp_path / "locked").mkdir(mode=0o500)
    outcome = cli("assemble", path, "-o", tmp_path / "locked" / "out.masb")
    assert outcome.code == 7
    assert outcome.err == f"error[InputOutput]: '{tmp_path}/locked/out.masb': Permission denied\n"


@pytest.mark.parametrize("verb", ["verify", "run", "inspect", "disasm", "size", "doc", "graph"])
def test_a_damaged_file_is_named(cli: Cli, masm: Masm, tmp_path: Path, verb: str) -> None:
    cli("assemble", masm("begin push.1 drop end"), "-o", tmp_path / "whole.masb")
    cut = tmp_path / "cut.masb"
    cut.write_bytes((tmp_path / "whole.masb").read_bytes()[:40])
    outcome = cli(verb, cut)
    assert outcome.code == 3
    assert f"{cut}: " in outcome.err


def test_of_two_files_the_damaged_one_is_named(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    cli("assemble", masm("begin push.1 drop end"), "-o", tmp_path / "a.masb")
    (tmp_path / "b.masb").write_bytes((tmp_path / "a.masb").read_bytes()[:40])
    assert f"{tmp_path}/b.masb: " in cli("diff", tmp_path / "a.masb", tmp_path / "b.masb").err
    for words in (["ls"], ["verify"], ["extract"], ["import", "--store", tmp_path / "store"]):
        assert f"{tmp_path}/b.masb: " in cli("car", *words, tmp_path / "b.masb").err


@pytest.mark.parametrize(
    ("words", "kind", "hint"),
    [
        (["run", "--root", "0x12", "--store", "nowhere"], "InvalidRoot", ""),
        (["block", "cat", "xyz", "--store", "nowhere"], "UnknownBase", "a CID such as bafk"),
        (["explain", "zzz"], "NotFoundError", "codes are like E0117"),
    ],
)
def test_what_was_mistyped_comes_before_what_is_missing(cli: Cli, words: list[str], kind: str, hint: str) -> None:
    outcome = cli(*words)
    assert outcome.err.startswith(f"error[{kind}]: ")
    assert hint in outcome.err


def test_looking_makes_no_folders(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that may only be read is enough for that."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    assert cli("list", "--home", home).out == "nothing is installed\n"
    assert cli("tree", "--home", home).code == 0
    assert not home.exists()
