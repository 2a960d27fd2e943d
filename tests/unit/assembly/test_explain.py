"""Error codes and their explanations."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import miden
from miden.assembly.explain import EXPLANATIONS, Explanation, code_of, explain
from miden.assembly.parser import parse_module
from miden.assembly.source import SourceFile
from miden.errors import AssemblyError, NotFoundError, ParseError

PACKAGE = Path(miden.__file__).parent
PARSING = [row for row in EXPLANATIONS.values() if row.code < "E02" and row.example]
ASSEMBLING = [row for row in EXPLANATIONS.values() if "E02" < row.code < "E05" and row.example]


def ids(row: Explanation) -> str:
    return row.kind


@pytest.mark.parametrize("row", PARSING, ids=ids)
def test_the_example_of_a_parsing_error_has_that_error(row: Explanation) -> None:
    with pytest.raises(ParseError) as caught:
        parse_module(SourceFile(row.example))
    assert caught.value.kind == row.kind


@pytest.mark.parametrize("row", ASSEMBLING, ids=ids)
def test_the_example_of_an_assembly_error_has_that_error(row: Explanation) -> None:
    with pytest.raises(AssemblyError) as caught:
        miden.assemble(row.example)
    assert row.kind in [caught.value.kind, *(problem.kind for problem in caught.value.diagnostics)]


def test_codes_are_a_letter_and_four_digits() -> None:
    assert [code for code in EXPLANATIONS if not re.fullmatch(r"[EW]\d{4}", code)] == []


def test_every_kind_that_the_parser_can_raise_has_a_code() -> None:
    files = [*(PACKAGE / "assembly" / "parser").glob("*.py"), PACKAGE / "assembly" / "lexer.py"]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    kinds = set(re.findall(r'(?:defer|error)\(\s*"([A-Z]\w+)"', text)) | set(re.findall(r'return \(?"([A-Z]\w+)", ', text))
    assert len(kinds) > 20
    assert sorted(kind for kind in kinds if code_of(kind) == kind) == []


def test_every_kind_of_the_other_phases_of_the_assembler_has_a_code() -> None:
    raising = re.compile(r'(?:link_error|report\.error|report\.warning|LoweringIssue)\(\s*"([A-Z]\w+)"')
    files = (PACKAGE / "assembly").rglob("*.py")
    kinds = {kind for path in files for kind in raising.findall(path.read_text(encoding="utf-8"))}
    assert sorted(kind for kind in kinds if code_of(kind) == kind) == []


def test_codes_and_kinds_are_found_in_any_case() -> None:
    assert explain("E0116") is explain("e0116") is explain(" immediateoutofrange ")


def test_an_unknown_code_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(NotFoundError) as caught:
        explain("ImediateOutOfRange")
    assert caught.value.hint == "did you mean ImmediateOutOfRange?"


def test_an_explanation_prints_code_meaning_text_and_example() -> None:
    text = str(explain("E0116"))
    assert text.startswith("E0116 ImmediateOutOfRange: ")
    assert text.endswith("\n\n    begin dup.16 end")


def test_a_kind_without_a_code_stands_for_itself() -> None:
    assert code_of("NoSuchKind") == "NoSuchKind"


def test_the_messages_of_faults_are_part_of_their_explanation() -> None:
    assert "division by zero at clock cycle {clk}" in explain("DivideByZero").text
