"""The table of instructions against the lexer, the parser and the lowering."""

from __future__ import annotations

import pytest

import miden
from miden.assembly.lexer import KEYWORDS
from miden.assembly.mnemonics import IMMEDIATES, MNEMONICS, REMOVED, SYNTHETIC, Mnemonic
from miden.assembly.parser import parse_module
from miden.assembly.parser.instructions import HANDLERS, PLAIN
from miden.assembly.source import SourceFile
from miden.isa import NOOP, NodeKind

ROWS = list(MNEMONICS.values())
SAMPLES = {
    "U8": "3",
    "U16": "4",
    "SH": "5",
    "U32": "6",
    "F": "7",
    "I": "8",
    "ITEM": "9",
    "SLICE": "[1,2,3,4][1..3]",
    "ERR": 'err="text"',
    "EVENT": 'event("name")',
    "T": "lib::item",
}


def written(row: Mnemonic, form: tuple[str, ...]) -> str:
    """Return the instruction as MASM writes it, with sample immediates."""
    if row.name in SYNTHETIC:
        return {"incr": "add.1", "push_slice": "push.[1,2,3,4][1..3]"}[row.name]
    parts = [str(row.bounds[1]) if row.bounds and cls == "D8" else SAMPLES[cls] for cls in form]
    return row.name + "".join(parts) if row.name == "exp.u" else ".".join((row.name, *parts))


def operations(text: str) -> list[tuple[str, tuple[object, ...]]]:
    procedure = parse_module(SourceFile(f"begin {text} end")).forms[0]
    return [(op.name, op.args) for op in procedure.body]  # type: ignore[union-attr]


CASES = [pytest.param(row, form, id=".".join((row.name, *form))) for row in ROWS for form in row.forms]


@pytest.mark.parametrize(("row", "form"), CASES)
def test_the_parser_accepts_every_form_of_the_table(row: Mnemonic, form: tuple[str, ...]) -> None:
    found = operations(written(row, form))
    assert found[-1][0] == row.name
    if row.splits and form:
        assert found == [("push", (int(SAMPLES[form[0]]),)), (row.name, ())]
    elif not form:
        assert found == [(row.name, row.default)]


def test_every_first_token_of_an_instruction_is_reserved() -> None:
    assert {*PLAIN, *HANDLERS} <= KEYWORDS
    assert {row.name.partition(".")[0] for row in ROWS if row.name not in SYNTHETIC} <= KEYWORDS


def test_every_handler_belongs_to_a_row() -> None:
    names = {row.name for row in ROWS}
    assert {*PLAIN, *HANDLERS} - names == {*REMOVED, "adv", "debug"}


@pytest.mark.parametrize("row", [row for row in ROWS if row.fold], ids=lambda row: row.name)
def test_folding_replaces_the_literal_form(row: Mnemonic) -> None:
    for value, replacement in row.fold.items():
        assert operations(f"{row.name}.{value} nop") == [*replacement, ("nop", ())]


@pytest.mark.parametrize("row", [row for row in ROWS if row.rejects_zero], ids=lambda row: row.name)
def test_a_literal_divisor_of_zero_is_rejected(row: Mnemonic) -> None:
    with pytest.raises(miden.ParseError) as caught:
        operations(f"{row.name}.0")
    assert caught.value.kind == "DivisionByZero"


@pytest.mark.parametrize("row", [row for row in ROWS if row.bounds], ids=lambda row: row.name)
def test_indices_are_checked_at_both_bounds(row: Mnemonic) -> None:
    least, most = row.bounds or (0, 0)
    for value in (least - 1, most + 1):
        if value >= 0:
            with pytest.raises(miden.ParseError):
                operations(row.name + ("" if row.name == "exp.u" else ".") + str(value))


@pytest.mark.parametrize("row", [row for row in ROWS if row.takes_constants and row.family != "calls"], ids=lambda row: row.name)
def test_constants_are_accepted_where_the_table_says_so(row: Mnemonic) -> None:
    (form,) = [form for form in row.forms if form][:1]
    immediate = {"ERR": "err=NAME", "SLICE": "NAME[1]"}.get(form[0], "NAME")
    if row.name in SYNTHETIC:
        return
    assert "NAME" in repr(operations(f"{row.name}.{immediate}"))


def test_every_immediate_class_of_a_form_is_described() -> None:
    assert {cls for row in ROWS for form in row.forms for cls in form} == set(IMMEDIATES)


def test_every_row_says_what_it_does() -> None:
    assert [row.name for row in ROWS if not (row.doc and row.effect and row.family)] == []


def operation_count(body: str) -> int:
    """Return the number of operations, padding aside, of a procedure with eight locals and this body."""
    source = f"@locals(8) pub proc f clk {body} end pub proc lib_item clk end"
    forest = miden.Assembler().assemble_library({"m": source}).forest
    blocks = [node for node in range(len(forest)) if forest.kind(node) == NodeKind.BLOCK]
    return max(sum(opcode != NOOP for opcode, _ in forest.block_operations(node)) for node in blocks)


UNTIMED = {"breakpoint", "nop", "procref", "exec", "call", "syscall", "dynexec", "dyncall"}
TIMED = [row for row in ROWS if row.cycles is not None and row.name not in UNTIMED]


@pytest.mark.parametrize("row", TIMED, ids=lambda row: row.name)
def test_the_cycles_of_the_table_are_those_of_the_lowering(row: Mnemonic) -> None:
    assert operation_count(written(row, row.forms[0])) - operation_count("") == row.cycles


def test_no_op_and_breakpoint_are_one_operation_and_a_procedure_reference_four() -> None:
    assert operation_count("procref.lib_item") - operation_count("") == MNEMONICS["procref"].cycles
    assert (MNEMONICS["nop"].cycles, MNEMONICS["breakpoint"].cycles) == (1, 1)
