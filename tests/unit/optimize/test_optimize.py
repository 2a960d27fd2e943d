"""Shorter sequences do the same: proved on symbols, and seen again on the machine."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from hypothesis import strategies as st

import miden
from miden.field import P
from miden.isa import IMMEDIATE_OPS, OP
from miden.mast.builder import ForestBuilder
from miden.optimize.blocks import operations_of, optimize, rows
from miden.optimize.effects import Runner, UnsupportedError, same_effect
from miden.optimize.meanings import MEANINGS, MOVES
from miden.optimize.rules import apply_rules, rules
from miden.optimize.values import Values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from miden.optimize.effects import Operation

WIDTH = 15
EDGES = (0, 0, 1, 1, 2, 3, 2**32 - 1, 2**32, 2**63, P - 1)
PLAIN = [name for name in (*MOVES, *MEANINGS, "PAD") if not name.startswith(("ADV", "M", "PIPE"))]
ADVICE = {"advice_stack": [str(value) for value in range(1, 40)]}


def outcome(operations: Sequence[Operation], stack: Sequence[int]) -> tuple[object, ...]:
    """Run operations on a stack and return what they leave, however deep, or that they fail."""
    builder = ForestBuilder()
    opcodes = bytes([*(opcode for opcode, _ in operations), OP["NOOP"]])
    node = builder.add_block(opcodes, [value or 0 for opcode, value in operations if opcode in IMMEDIATE_OPS])
    builder.add_root(node)
    program = miden.Program(builder.build(), node)
    processor = miden.Processor(program, list(stack), miden.AdviceInputs.from_json(ADVICE))
    try:
        processor.run()
    except miden.ExecutionError as error:
        if error.kind != "OutputStackOverflow":
            return ("failed",)
    left = processor.state.stack()
    while left and left[-1] == 0:
        left.pop()
    return tuple(left), tuple(processor.state.memory(0).items()), tuple(processor.state.advice.stack())


def agree(before: Sequence[Operation], after: Sequence[Operation], seed: int) -> None:
    """Compare two sequences on a few stacks."""
    rng = random.Random(seed)
    for _ in range(6):
        stack = [rng.choice(EDGES) if rng.random() < 0.7 else rng.randrange(P) for _ in range(16)]
        assert outcome(before, stack) == outcome(after, stack)


def plain(name: str, value: int = 7) -> Operation:
    """Return an operation with an immediate if it has one."""
    return OP[name], value if name == "PUSH" else 0 if name in ("ASSERT", "U32ASSERT2") else None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("movup.2 movup.2", "movdn.2"),
        ("u32wrapping_add", "u32overflowing_add drop"),
        ("u32assert2 mul u32split", "u32overflowing_mul"),
        ("dup.1 dup.1 u32and neg add add", "dup.1 dup.1 u32xor movdn.2 u32and add"),
        ("neg neg", ""),
        ("cdrop", "cswap drop"),
        ("push.3 push.4 add", "push.7"),
        ("eq.0", "push.0 eq"),
        ("push.1 swap pow2 mul", "pow2"),
        ("sub", "neg add"),
    ],
)
def test_equal_effects_are_recognised(before: str, after: str) -> None:
    first, second = operations_of(f"{before} nop"), operations_of(f"{after} nop")
    assert same_effect(first, second)
    agree(first, second, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("u32wrapping_add", "add u32split drop"),  # another check
        ("and", "mul"),
        ("assert", "drop"),
        ('assert.err="a"', 'assert.err="b"'),
        ("swap", "nop"),
        ("inv mul", "drop drop push.1"),
        ("adv_push.1 adv_push.1 swap", "adv_push.2"),
        ("mem_store.0 mem_store.4", "swap mem_store.4 mem_store.0"),
        ("push.1 drop", "drop push.0"),
        ("u32overflowing_sub", "swap u32overflowing_sub"),
    ],
)
def test_other_effects_are_told_apart(before: str, after: str) -> None:
    assert not same_effect(operations_of(before), operations_of(after))


def test_what_depends_on_clock_depth_or_host_is_left_alone() -> None:
    for text in ("clk", "sdepth", 'emit.event("a")', "caller"):
        with pytest.raises(UnsupportedError):
            Runner(Values()).run(operations_of(text))
    found = optimize('swap swap sdepth swap swap emit.event("a") movup.2 movup.2', WIDTH)
    assert len(found.after) == 5
    assert found.instructions == ("sdepth", "push.16654219142014839049", "emit", "drop", "movdn.2") or found.instructions[0] == "sdepth"


def test_every_rule_is_proved() -> None:
    table = rules()
    assert len(table) > 300
    for longer, shorter in table.items():
        before, after = ([(opcode, 0 if opcode == OP["U32ASSERT2"] else None) for opcode in side] for side in (longer, shorter))
        assert len(after) < len(before)
        assert same_effect(before, after)


def test_rules_are_seen_on_the_machine() -> None:
    for number, (longer, shorter) in enumerate(random.Random(5).sample(sorted(rules().items()), 60)):
        before, after = ([(opcode, 0 if opcode == OP["U32ASSERT2"] else None) for opcode in side] for side in (longer, shorter))
        agree(before, after, number)


def test_rules_leave_error_codes_alone() -> None:
    operations = [(OP["SWAP"], None), (OP["SWAP"], None), (OP["ASSERT"], 5)]
    assert apply_rules(operations) == [(OP["ASSERT"], 5)]


@hypothesis.settings(max_examples=20)
@hypothesis.given(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=6), st.integers(0, 2**32))
def test_what_is_found_does_the_same(names: list[str], seed: int) -> None:
    before = [plain(name, seed % 5) for name in names]
    found = optimize(before, WIDTH)
    assert len(found.after) <= len(before)
    agree(before, found.after, seed)


@hypothesis.settings(max_examples=60)
@hypothesis.given(st.lists(st.sampled_from(PLAIN), max_size=5), st.lists(st.sampled_from(PLAIN), max_size=5), st.integers(0, 2**32))
def test_sequences_that_are_proved_equal_are_equal(first: list[str], second: list[str], seed: int) -> None:
    before, after = [plain(name) for name in first], [plain(name) for name in second]
    if same_effect(before, after):
        agree(before, after, seed)


def test_exponentiations_stay_whole() -> None:
    found = optimize("push.2 swap exp.u5 swap swap dup.1 swap drop", WIDTH)
    assert any("exp.u5" in text for text in found.instructions)
    assert operations_of(" ".join(found.instructions)) == list(found.after)


def test_messages_of_errors_are_kept() -> None:
    found = optimize('swap swap assert.err="no"', WIDTH)
    assert found.instructions == ('assert.err="no"',)
    assert operations_of(found.instructions[0]) == list(found.after)


def test_blocks_and_calls_are_refused() -> None:
    with pytest.raises(miden.InputError, match="straight-line"):
        optimize("if.true push.1 else push.2 end")


def test_rows_count_padding() -> None:
    assert rows(operations_of("add")) == 1
    assert rows(operations_of("push.2 push.3 add")) == 4
    assert rows([plain("SWAP")] * 73) == 74


def test_the_verb_looks_at_text_and_files(cli: Callable[..., Any], tmp_path: Any) -> None:
    assert "movdn.2" in cli("optimize", "-e", "movup.2 movup.2").out
    program = tmp_path / "p.masm"
    program.write_text("begin swap swap add if.true push.1 push.1 drop drop else drop push.0 end swap drop end", encoding="utf-8")
    facts = cli("optimize", program, "--json").json
    assert facts["operations"][1] < facts["operations"][0]
    assert facts["looked_at"] >= 3
    assert cli("optimize").code == 2
    assert cli("optimize", "-e", "if.true nop end").code == 3
