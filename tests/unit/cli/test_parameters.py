"""The reader of plain command lines: it agrees with click, or leaves the line to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.cli.commands import Command
from miden.cli.parameters import Choice, FilePath, IntRange, Number, argument, flag, option, read_words
from tests.support.verbs import all_verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

PARAMETERS = (
    argument("file", FilePath(allow_dash=True)),
    argument("folder", FilePath(), default="."),
    option("-i", "--inputs", type=FilePath(), help=""),
    option("-l", "--library", name="libraries", type=FilePath(), multiple=True, help=""),
    option("-n", "--count", type=IntRange(0, 16), default=16, help=""),
    option("--max-cycles", type=IntRange(1), help=""),
    option("--deadline", type=Number(), help=""),
    option("--backend", type=Choice(["core", "pure"]), default="core", help=""),
    flag("--json", help=""),
    flag("--lib", name="kind", flag_value="library", help=""),
    flag("--kernel", name="kind", flag_value="kernel", help=""),
)
DEFAULTS = {
    "file": "a.masm",
    "folder": ".",
    "inputs": None,
    "libraries": (),
    "count": 16,
    "max_cycles": None,
    "deadline": None,
    "backend": "core",
    "json": False,
    "kind": None,
}


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("a.masm", {}),
        ("a.masm b", {"folder": "b"}),
        ("--json a.masm", {"json": True}),
        ("a.masm -n 3 --max-cycles=70 --deadline 1.5", {"count": 3, "max_cycles": 70, "deadline": 1.5}),
        ("-l x a.masm --library=y", {"libraries": ("x", "y")}),
        ("a.masm --kernel --backend pure -i -", {"kind": "kernel", "backend": "pure", "inputs": "-"}),
    ],
)
def test_what_a_plain_line_means(line: str, changed: dict[str, object]) -> None:
    assert read_words(PARAMETERS, line.split()) == {**DEFAULTS, **changed}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a b c",
        "a --help",
        "a -h",
        "a -n3",
        "a -n=3",
        "a -n 17",
        "a -n -1",
        "a -n",
        "a -n \u0663",
        "a --max-cycles 0",
        "a --deadline nan",
        "a --deadline 1e3",
        "a --backend jit",
        "a --backen core",
        "a --json=yes",
        "a --inputs=",
        "a --lib --kernel",
        "a -n 1 -n 2",
        "a --inputs --json",
        "-- a",
    ],
)
def test_what_is_left_to_click(line: str) -> None:
    assert read_words(PARAMETERS, line.split()) is None


def test_a_file_that_cannot_be_read_is_left_to_click(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.masm"
    path.write_text("")
    monkeypatch.setattr("os.access", lambda *_: False)
    assert read_words(PARAMETERS, [str(path)]) is None


ALL_VERBS = all_verbs()


def as_click_reads(verb: str, words: Sequence[str]) -> dict[str, object] | None:
    """Return what click makes of a line, or None for a line that it answers itself."""
    try:
        return Command(ALL_VERBS[verb]).make_context(verb, list(words)).params
    except (click.ClickException, click.exceptions.Exit):
        return None


@st.composite
def command_lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Return a verb, and words that are mostly its own."""
    verb = draw(st.sampled_from(sorted(ALL_VERBS)))
    flags = [word for parameter in ALL_VERBS[verb].parameters for word in parameter.flags]
    values = ["a", "-", "3", "0", "17", "1.5", ".", "core", "own", "never", "bash", "", "x=y", "--", "-n3", "-1", "--col"]
    word = (
        st.sampled_from(flags) | st.sampled_from(values) | st.builds("=".join, st.tuples(st.sampled_from(flags), st.sampled_from(values)))
    )
    return verb, draw(st.lists(word, max_size=5))


@given(command_lines())
def test_the_reader_agrees_with_click(line: tuple[str, list[str]]) -> None:
    verb, words = line
    values = read_words(ALL_VERBS[verb].parameters, words)
    assert values is None or values == as_click_reads(verb, words)


def test_a_misuse_is_shown_as_a_usage_error_of_its_verb(cli: Cli) -> None:
    plain = cli("build", "--release", "--profile", "dev")
    assert plain.code == 2
    assert plain.err.startswith("Usage: miden build [OPTIONS] [PATH]")
    assert "ask for different things" in plain.err
    through_click = cli("build", "--profile", "dev", "--profile", "dev", "--release")
    assert (through_click.code, through_click.err) == (plain.code, plain.err)


def test_completion_is_asked_for_by_the_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_MIDEN_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "miden run --back")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit):  # click ends the process when the words are printed
        cli("run", "a.masm")
