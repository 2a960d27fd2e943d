"""What instructions become: every row of the table, and the odd cases. (assembly.md section 4.)"""

from __future__ import annotations

import random

import pytest

import miden
from miden.assembly.lowering import BODY_INSTRUCTIONS, FIXED, FORMS, Frame, NotLoweredError, home_of
from miden.assembly.lowering.batching import count_batches
from miden.assembly.lowering.sequences import EVENT_IDS, MACROS, push, sequence
from miden.assembly.mnemonics import MNEMONICS, Mnemonic
from miden.field import P, Word
from miden.hashing import event_id
from miden.isa import IMMEDIATE_OPS, OPERATIONS
from miden.mast.batches import batch_operations, pair_operations

NO_LOCALS = Frame(0)
HOMES = {home.__name__: home for home in (home_of(name) for name in MNEMONICS if name not in BODY_INSTRUCTIONS)}.values()
NOTATION = {name: text for home in HOMES for name, text in home.FIXED.items()}


def text_of(row: tuple[bytes, tuple[int, ...]]) -> str:
    """Return the notation of a sequence."""
    values = iter(row[1])
    return " ".join(OPERATIONS[op].name + (f"({next(values)})" if op in IMMEDIATE_OPS else "") for op in row[0])


def lower(name: str, *args: object, frame: Frame = NO_LOCALS) -> str:
    form, fixed = FORMS[name], FIXED[name]
    if args:
        assert form is not None
        return text_of(form(args, frame))
    assert fixed is not None
    return text_of(fixed)


def expand(notation: str) -> str:
    return text_of(sequence(notation))


@pytest.mark.parametrize("row", MNEMONICS.values(), ids=lambda row: row.name)
def test_every_form_of_the_table_has_a_lowering(row: Mnemonic) -> None:
    if row.name in BODY_INSTRUCTIONS:
        return
    tables = [FORMS if form or row.default else FIXED for form in row.forms if not (form and row.splits)]
    assert all(table[row.name] is not None for table in tables)


def test_no_lowering_is_missing_from_the_table() -> None:
    assert {*NOTATION, *(name for home in HOMES for name in home.FORMS), *BODY_INSTRUCTIONS} - set(MNEMONICS) == set()


def test_each_instruction_is_lowered_by_the_module_of_its_family() -> None:
    for name in MNEMONICS:
        if name not in BODY_INSTRUCTIONS:
            assert name in home_of(name).FIXED or name in home_of(name).FORMS


@pytest.mark.parametrize("name", sorted(BODY_INSTRUCTIONS))
def test_the_body_compiler_has_its_own(name: str) -> None:
    assert FIXED[name] is FORMS[name] is None


@pytest.mark.parametrize("name", NOTATION)
def test_the_table_counts_the_operations(name: str) -> None:
    row = MNEMONICS[name]
    if row.cycles is not None:
        assert len(sequence(NOTATION[name])[0]) == row.cycles


@pytest.mark.parametrize("name", NOTATION)
def test_a_sequence_has_a_value_for_every_operation_that_needs_one(name: str) -> None:
    opcodes, values = sequence(NOTATION[name])
    assert sum(opcode in IMMEDIATE_OPS for opcode in opcodes) == len(values)


def test_ids_of_system_events_are_hashes_of_their_names() -> None:
    assert {name: event_id(f"sys::{name}") for name in EVENT_IDS} == EVENT_IDS


def test_small_values_are_pushed_without_push() -> None:
    assert [text_of(push(value)) for value in (0, 1, 2, -1)] == ["PAD", "PAD INCR", "PUSH(2)", f"PUSH({P - 1})"]


P2 = MACROS["P2"]

CASES = [
    ("add", (0,), "NOOP"),
    ("add", (1,), "INCR"),
    ("add", (2,), "INCR INCR"),
    ("add", (3,), "PUSH(3) ADD"),
    ("sub", (0,), "NOOP"),
    ("sub", (1,), f"PUSH({P - 1}) ADD"),
    ("mul", (0,), "DROP PAD"),
    ("mul", (1,), "NOOP"),
    ("mul", (2,), "PUSH(2) MUL"),
    ("div", (1,), "NOOP"),
    ("div", (2,), f"PUSH({(P + 1) // 2}) MUL"),
    ("exp", (0,), "DROP PAD INCR"),
    ("exp", (1,), "NOOP"),
    ("exp", (2,), "DUP0 MUL"),
    ("exp", (7,), "DUP0*6 MUL*6"),
    ("exp", (8,), "PUSH(8) PAD INCR MOVUP2 PAD EXPACC*4 DROP DROP SWAP EQZ ASSERT(0)"),
    ("exp", (255,), "PUSH(255) PAD INCR MOVUP2 PAD EXPACC*8 DROP DROP SWAP EQZ ASSERT(0)"),
    ("exp", (256,), "PUSH(256) PAD INCR MOVUP2 PAD EXPACC*9 DROP DROP SWAP EQZ ASSERT(0)"),
    ("exp.u", (0,), "PAD INCR MOVUP2 PAD DROP DROP SWAP EQZ ASSERT(0)"),
    ("exp.u", (63,), "PAD INCR MOVUP2 PAD EXPACC*63 DROP DROP SWAP EQZ ASSERT(0)"),
    ("eq", (0,), "EQZ"),
    ("eq", (1,), "PUSH(1) EQ"),
    ("neq", (0,), "EQZ NOT"),
    ("neq", (5,), "PUSH(5) EQ NOT"),
    ("assert_eqw", (9,), "MOVUP4 EQ ASSERT(9) MOVUP3 EQ ASSERT(9) MOVUP2 EQ ASSERT(9) EQ ASSERT(9)"),
    ("u32wrapping_add", (0,), "PAD U32ADD DROP"),
    ("u32overflowing_mul", (1,), "PAD INCR U32MUL"),
    ("u32mod", (1,), "PAD INCR U32DIV SWAP DROP"),
    ("u32shl", (0,), "NOOP"),
    ("u32shl", (1,), "PUSH(2) U32MUL DROP"),
    ("u32shr", (31,), "PUSH(2147483648) U32DIV DROP"),
    ("u32rotl", (8,), "PUSH(256) U32MUL ADD"),
    ("u32rotr", (1,), "PUSH(2147483648) U32MUL ADD"),
    ("dup", (8,), "PAD DUP9 ADD"),
    ("dup", (15,), "DUP15"),
    ("swap", (2,), "SWAP MOVUP2"),
    ("swap", (10,), "MOVDN8 SWAPDW SWAP MOVUP2 SWAPDW MOVUP8"),
    ("swap", (15,), "MOVDN8 SWAPDW MOVDN6 MOVUP7 SWAPDW MOVUP8"),
    ("movup", (9,), "SWAPDW SWAP SWAPDW MOVUP8"),
    ("movdn", (15,), "MOVDN8 SWAPDW MOVDN7 SWAPDW"),
    ("movupw", (3,), "SWAPW SWAPW2 SWAPW3"),
    ("movdnw", (3,), "SWAPW3 SWAPW2 SWAPW"),
    ("push", (0,), "PAD"),
    ("push", (Word((1, 0, 7, 8)),), "PAD INCR PAD PUSH(7) PUSH(8)"),
    ("push_slice", (Word((5, 6, 7, 8)), 1, 3), "PUSH(6) PUSH(7)"),
    ("emit", (1,), "PUSH(1) EMIT DROP"),
    ("adv_push", (3,), "ADVPOP*3"),
    ("adv.push_mapvaln", (8,), "EV(map_value_to_stack_n_8)"),
    ("mem_load", (0,), "PAD MLOAD"),
    ("mem_storew_le", (8,), "RW PUSH(8) MSTOREW RW"),
    ("mem_loadw_le", (4,), "PUSH(4) MLOADW RW"),
]


@pytest.mark.parametrize(("name", "args", "expected"), CASES)
def test_immediates_become(name: str, args: tuple[object, ...], expected: str) -> None:
    assert lower(name, *args) == expand(expected)


PLAIN = [
    ("mem_storew_le", "MOVDN4 RW MOVUP4 MSTOREW RW"),
    ("reversedw", "RW SWAPW RW"),
    ("u32rotr", "PUSH(32) SWAP U32SUB DROP P2 MUL U32SPLIT ADD"),
    ("pow2", P2),
    ("is_odd", "U32SPLIT DROP PAD INCR U32AND"),
    ("assert", "ASSERT(0)"),
    ("mtree_merge", "EV(merkle_node_merge) PAD*4 SWAPW2 SWAPW HPERM DROP*4 SWAPW DROP*4"),
]


@pytest.mark.parametrize(("name", "expected"), PLAIN)
def test_instructions_become(name: str, expected: str) -> None:
    assert lower(name) == expand(expected)


def test_a_local_lies_below_the_frame_pointer() -> None:
    assert lower("loc_load", 4, frame=Frame(5)) == expand(f"PUSH({P - 4}) FMP MLOAD")


def test_a_word_of_locals_is_stored_reversed() -> None:
    assert lower("loc_storew_le", 0, frame=Frame(4)) == expand(f"RW PUSH({P - 4}) FMP MSTOREW RW")


@pytest.mark.parametrize(
    ("name", "index", "declared", "kind"),
    [
        ("loc_load", 0, 0, "InvalidLocalReference"),
        ("loc_load", 5, 5, "InvalidLocalIndex"),
        ("locaddr", 6, 5, "InvalidLocalIndex"),
        ("loc_loadw_be", 0, 3, "InvalidLocalReference"),
        ("loc_loadw_be", 2, 8, "InvalidLocalWordIndex"),
        ("loc_storew_le", 4, 7, "InvalidLocalIndex"),
    ],
)
def test_only_declared_locals_may_be_used(name: str, index: int, declared: int, kind: str) -> None:
    with pytest.raises(NotLoweredError) as caught:
        lower(name, index, frame=Frame(declared))
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("name", "args", "kind"),
    [
        ("div", (0,), "DivisionByZero"),
        ("u32div", (0,), "DivisionByZero"),
        ("u32mod", (0,), "DivisionByZero"),
        ("u32divmod", (0,), "DivisionByZero"),
        ("u32shl", (32,), "InvalidArgument"),
        ("u32rotr", (255,), "InvalidArgument"),
        ("push_slice", (Word((1, 2, 3, 4)), 3, 5), "InvalidRange"),
        ("push_slice", (Word((1, 2, 3, 4)), 2, 1), "InvalidRange"),
        ("push_slice", (Word((1, 2, 3, 4)), 2, 2), "EmptySlice"),
    ],
)
def test_constants_that_do_not_fit_are_refused(name: str, args: tuple[object, ...], kind: str) -> None:
    with pytest.raises(NotLoweredError) as caught:
        lower(name, *args)
    assert caught.value.kind == kind


def test_counting_batches_agrees_with_batching() -> None:
    rng = random.Random(7)
    for _ in range(500):
        share = rng.random() ** 2
        opcodes = bytes(91 if rng.random() < share else 34 for _ in range(rng.randint(1, 300)))
        assert count_batches(opcodes) == len(batch_operations(pair_operations(opcodes, [0] * opcodes.count(91))))


@pytest.mark.parametrize(
    ("declared", "index", "root"),
    [
        (65532, 65531, "515ec790d67dfc2e8c0442f21d8c03db13031f3133c0a58c2c94c50c23e70be7"),
        (65533, 1, "db5f9f4f9c59854e4e0b7258a7a26ecb4033b5660db8c08cd669df0bd3a0d0de"),
        (65535, 65534, "6b64fad1901ef4d395c041972527fa8ac9dacd2e0b4ffd1d352f7341b66b995e"),
    ],
)
def test_the_size_of_a_frame_wraps_at_16_bits_as_in_the_reference(declared: int, index: int, root: str) -> None:
    body = f"push.1 loc_store.{index} loc_load.{index} locaddr.{index} drop drop"
    program = miden.assemble(f"@locals({declared})\nproc f {body} end begin exec.f end")
    assert program.hash.to_hex() == "0x" + root
