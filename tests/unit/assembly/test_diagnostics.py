"""Diagnostics: layout, markers, and text that must not do harm."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.assembly.diagnostics import Diagnostic, Related, render_all, render_ansi, render_html, render_plain
from miden.assembly.excerpt import visible
from miden.assembly.source import SourceFile


def diagnostic(text: str, start: int, end: int, **facts: object) -> Diagnostic:
    return Diagnostic("TestKind", "error", "something is wrong", SourceFile(text, "demo.masm"), start, end, **facts)  # type: ignore[arg-type]


def test_the_plain_layout_is_header_place_excerpt_marker_and_footers() -> None:
    text = "begin\n    dup.16\nend\n"
    shown = render_plain(diagnostic(text, 14, 16, label="out of range", hint="at most 15", notes=["one", "two"]))
    assert shown == (
        "error[TestKind]: something is wrong\n"
        "  --> demo.masm:2:9\n"
        "   |\n"
        " 2 |     dup.16\n"
        "   |         ^^ out of range\n"
        "   |\n"
        "   = help: at most 15\n"
        "   = note: one\n"
        "   = note: two"
    )


def test_the_code_is_shown_where_the_kind_has_one() -> None:
    assert render_plain(Diagnostic("UnrecognizedToken", "error", "no", None, 0, 0)) == "error[E0104]: no"


def test_without_a_source_only_header_and_footers_are_shown() -> None:
    assert render_plain(Diagnostic("TestKind", "warning", "no", None, 0, 0, hint="h")) == "warning[TestKind]: no\n  = help: h"


def test_an_empty_span_gets_a_marker_of_one_column() -> None:
    assert render_plain(diagnostic("begin", 5, 5)).splitlines()[-1] == "   |      ^"


def test_a_span_outside_of_the_text_is_moved_into_it() -> None:
    assert render_plain(diagnostic("begin", 50, 99)).splitlines()[-1] == "   |      ^"


def test_a_span_over_many_lines_shows_its_first_and_last_line() -> None:
    lines = render_plain(diagnostic("a\n  if.true\n    add\n    mul\n  end b", 4, 33, label="here")).splitlines()
    assert lines[2:] == ["   |", " 2 |   if.true", "   |   ^^^^^^^", " ...", " 5 |   end b", "   |   ^^^ here"]


def test_a_span_over_two_lines_leaves_nothing_out() -> None:
    assert " ..." not in render_plain(diagnostic("ab\ncd", 1, 4))


def test_tabs_are_expanded_and_the_marker_follows() -> None:
    lines = render_plain(diagnostic("\ta\tb", 3, 4)).splitlines()
    assert lines[-2:] == [" 1 |     a   b", "   |         ^"]


def test_wide_characters_take_two_columns_and_combining_ones_none() -> None:
    lines = render_plain(diagnostic("漢字e\u0301x", 4, 5)).splitlines()
    assert lines[-1] == "   |      ^"


def test_a_long_line_is_clipped_around_the_span() -> None:
    lines = render_plain(diagnostic("x" * 100_000 + "ERROR" + "y" * 100_000, 100_000, 100_005), width=40).splitlines()
    assert len(lines[-2]) < 60
    column = lines[-1].index("^")
    assert lines[-2][column : column + 5] == "ERROR"


def test_a_long_span_in_a_long_line_is_clipped_too() -> None:
    assert max(map(len, render_plain(diagnostic("x" * 1000, 0, 1000), width=40).splitlines())) < 60


def test_related_places_follow_with_markers_of_their_own() -> None:
    source = SourceFile("const A = 1\nconst A = 2", "demo.masm")
    shown = render_plain(Diagnostic("TestKind", "error", "twice", source, 18, 19, related=[Related(source, 6, 7, "first")]))
    assert shown.splitlines()[5:] == ["  ::: demo.masm:1:7", "   |", " 1 | const A = 1", "   |       - first"]


def test_the_gutter_fits_the_largest_line_number() -> None:
    lines = render_plain(diagnostic("\n" * 9999 + "x", 9999, 10000)).splitlines()
    assert lines[1:] == ["      --> demo.masm:10000:1", "       |", " 10000 | x", "       | ^"]


def test_control_and_formatting_characters_become_visible() -> None:
    assert visible("a\x1b[2J\x7f\x9b\u202e\u200b\u2028\ufeff\ud800") == "a␛[2J␡<U+009B><U+202E><U+200B><U+2028><U+FEFF><U+D800>"


LIKELY = st.sampled_from("\x1b\x9b\u202e<>&\"'\n\t\r\x00\x07")
HOSTILE = st.text(alphabet=st.one_of(st.characters(exclude_categories=()), LIKELY), max_size=40)


@given(HOSTILE, HOSTILE, HOSTILE, st.integers(0, 40), st.integers(0, 40))
def test_no_renderer_passes_anything_that_a_terminal_acts_on(text: str, name: str, message: str, start: int, length: int) -> None:
    text = text.encode(errors="replace").decode()
    source = SourceFile(text, name)
    problem = Diagnostic(message, "error", message, source, start, start + length, label=message, hint=message, notes=[message])
    plain = render_plain(problem)
    assert [char for char in plain if char != "\n" and category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")] == []
    uncoloured = re.sub(r"\x1b\[[0-9;]*m", "", render_ansi(problem))
    assert [line.rstrip() for line in uncoloured.split("\n")] == plain.split("\n")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(HOSTILE)
def test_html_holds_our_own_tags_only_and_says_what_plain_text_says(text: str) -> None:
    source = SourceFile(text.encode(errors="replace").decode(), "<script>")
    problem = Diagnostic("Kind", "error", text, source, 0, 3, label=text, hint="<b>")
    parser = _Tags()
    parser.feed(render_html(problem))
    assert {tag for tag, _ in parser.tags} <= {"pre", "span"}
    assert all(name == "class" and str(value).startswith("miden-") for _, attributes in parser.tags for name, value in attributes)
    assert [line.rstrip() for line in parser.text.split("\n")] == render_plain(problem).split("\n")


def test_the_dictionary_is_json_with_offsets_bytes_lines_and_columns() -> None:
    facts = diagnostic("ä\nadd", 2, 5, label="l", hint="h", notes=["n"], detail="d").to_dict()
    assert json.loads(json.dumps(facts)) == {
        "kind": "TestKind",
        "code": "TestKind",
        "severity": "error",
        "message": "something is wrong",
        "detail": "d",
        "file": "demo.masm",
        "start": {"offset": 2, "byte": 3, "line": 2, "column": 1},
        "end": {"offset": 5, "byte": 6, "line": 2, "column": 4},
        "label": "l",
        "hint": "h",
        "notes": ["n"],
    }


def test_related_places_are_in_the_dictionary() -> None:
    source = SourceFile("add", "m")
    facts = Diagnostic("K", "error", "m", source, 0, 1, related=[Related(source, 1, 2, "there")]).to_dict()
    assert (facts["related"][0]["label"], facts["related"][0]["start"]["column"]) == ("there", 2)


def test_several_diagnostics_are_separated_by_an_empty_line() -> None:
    assert render_all([Diagnostic("A", "error", "one", None, 0, 0), Diagnostic("B", "warning", "two", None, 0, 0)]) == (
        "error[A]: one\n\nwarning[B]: two"
    )


def test_a_diagnostic_prints_as_its_plain_form_and_shows_its_place_in_its_repr() -> None:
    problem = diagnostic("add", 1, 2)
    assert str(problem) == render_plain(problem)
    assert repr(problem) == "<error TestKind demo.masm:1:2: something is wrong>"


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_colours_surround_the_severity(severity: str) -> None:
    assert re.match(rf"\x1b\[1;3[13]m{severity}\[K\]\x1b\[0m", render_ansi(Diagnostic("K", severity, "m", None, 0, 0)))
