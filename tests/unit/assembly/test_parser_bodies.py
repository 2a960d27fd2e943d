"""Bodies: control flow, instructions, and where each comes from."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from miden.assembly.ast import ConstRef, If, Instruction, Op, Procedure, Repeat, Target, While
from miden.assembly.parser import parse_module
from miden.assembly.printer import body_text, dump
from miden.assembly.source import SourceFile
from miden.field import P, Word


def body(text: str) -> Sequence[Op]:
    (form,) = parse_module(SourceFile(f"begin {text} end")).forms
    assert isinstance(form, Procedure)
    return form.body


def only(text: str) -> Instruction:
    (op,) = body(text)
    assert isinstance(op, Instruction)
    return op


def shape(ops: Sequence[Op]) -> list[object]:
    """Return names and nested lists."""
    result: list[object] = []
    for op in ops:
        if isinstance(op, If):
            result.append(("if", shape(op.then_body), shape(op.else_body)))
        elif isinstance(op, While):
            result.append(("while", shape(op.body)))
        elif isinstance(op, Repeat):
            result.append(("repeat", op.count, shape(op.body)))
        else:
            result.append(op.name)
    return result


@pytest.mark.parametrize(
    ("text", "branches"),
    [
        ("if.true add else mul end", (["add"], ["mul"])),
        ("if.true add end", (["add"], ["nop"])),
        ("if.true add else end", (["add"], ["nop"])),
        ("if.true else mul end", (["nop"], ["mul"])),
        ("if.false add else mul end", (["mul"], ["add"])),
        ("if.false add end", (["nop"], ["add"])),
        ("if.false else mul end", (["mul"], ["nop"])),
        ("if.true add.0 end", ([], ["nop"])),
        ("if.true add else mul.1 end", (["add"], [])),
    ],
)
def test_branches_are_those_that_run(text: str, branches: tuple[list[str], list[str]]) -> None:
    assert shape(body(text)) == [("if", *branches)]


def test_the_no_op_of_a_missing_branch_covers_the_whole_if() -> None:
    text = "begin add if.true mul end end"
    (form,) = parse_module(SourceFile(text)).forms
    branch = form.body[1]  # type: ignore[union-attr]
    assert isinstance(branch, If)
    assert [text[op.start : op.end] for op in (branch, *branch.else_body)] == ["if.true mul end"] * 2


def test_blocks_nest_in_any_order() -> None:
    text = "while.true repeat.3 if.true while.true add end else repeat.1 mul end end end end drop"
    assert shape(body(text)) == [
        ("while", [("repeat", 3, [("if", [("while", ["add"])], [("repeat", 1, ["mul"])])])]),
        "drop",
    ]


def test_blocks_cover_their_text_from_keyword_to_end() -> None:
    text = "begin drop while.true repeat.2 add end end drop end"
    (form,) = parse_module(SourceFile(text)).forms
    loop = form.body[1]  # type: ignore[union-attr]
    assert isinstance(loop, While)
    assert text[loop.start : loop.end] == "while.true repeat.2 add end end"
    assert text[loop.body[0].start : loop.body[0].end] == "repeat.2 add end"


@pytest.mark.parametrize("count", [1, 2**32 - 1])
def test_a_block_is_repeated_up_to_4294967295_times(count: int) -> None:
    assert shape(body(f"repeat.{count} nop end")) == [("repeat", count, ["nop"])]


# --- instructions ---------------------------------------------------------------------------------------------


def args(text: str) -> list[tuple[str, tuple[object, ...]]]:
    return [(op.name, op.args) for op in body(text) if isinstance(op, Instruction)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dup dupw swap swapw", [("dup", (0,)), ("dupw", (0,)), ("swap", (1,)), ("swapw", (1,))]),
        ("dup.15 movup.2", [("dup", (15,)), ("movup", (2,))]),
        ("push.1.0x10.007", [("push", (1,)), ("push", (16,)), ("push", (7,))]),
        ("push.[1,2,3,0x4]", [("push", (Word((1, 2, 3, 4)),))]),
        ("push.[1,2,3,4][2]", [("push_slice", (Word((1, 2, 3, 4)), 2, 3))]),
        ("push.[1,2,3,4][1..9]", [("push_slice", (Word((1, 2, 3, 4)), 1, 9))]),
        ("exp.u0 exp.u63 exp exp.7", [("exp.u", (0,)), ("exp.u", (63,)), ("exp", ()), ("exp", (7,))]),
        (f"add.{P - 1}", [("add", (P - 1,))]),
        ("mem_load.0b101 mem_load.0xff mem_load", [("mem_load", (5,)), ("mem_load", (255,)), ("mem_load", ())]),
        ("lt.5 u32lt.5", [("push", (5,)), ("lt", ()), ("push", (5,)), ("u32lt", ())]),
        ("u32not.0 u32min.0", [("push", (0,)), ("u32not", ()), ("push", (0,)), ("u32min", ())]),
        ("mul.0 u32and.0", [("drop", ()), ("push", (0,)), ("drop", ()), ("push", (0,))]),
        ("add.0 sub.0 mul.1 div.1 u32shl.0 u32or.0 u32div.1", []),
        ("add.1 add.0x1", [("incr", ()), ("incr", ())]),
        ("u32mod.1 eq.0", [("u32mod", (1,)), ("eq", (0,))]),
        ('assert assert.err="a b" assertz.err="x"', [("assert", ()), ("assert", ("a b",)), ("assertz", ("x",))]),
        ('emit emit.event("a::b")', [("emit", ()), ("emit", ("event", "a::b"))]),
        ("adv.push_mapvaln adv.push_mapvaln.8", [("adv.push_mapvaln", (0,)), ("adv.push_mapvaln", (8,))]),
        ("adv.insert_hdword_d adv_push.16", [("adv.insert_hdword_d", ()), ("adv_push", (16,))]),
        ("debug.stack debug.stack.4", [("debug.stack", ()), ("debug.stack", (4,))]),
        ("debug.mem debug.mem.4 debug.mem.4.5", [("debug.mem", ()), ("debug.mem", (4, 4)), ("debug.mem", (4, 5))]),
        ("debug.local debug.local.4 debug.local.4.5", [("debug.local", ()), ("debug.local", (4,)), ("debug.local", (4, 5))]),
        ("debug.adv_stack debug.adv_stack.2", [("debug.adv_stack", (0,)), ("debug.adv_stack", (2,))]),
        ("trace.0xff breakpoint", [("trace", (255,)), ("breakpoint", ())]),
    ],
)
def test_instructions_have_checked_and_folded_arguments(text: str, expected: list[tuple[str, tuple[object, ...]]]) -> None:
    assert args(f"{text} nop")[:-1] == expected


@pytest.mark.parametrize(
    "text",
    ["push.C", "add.C", "u32shl.C", "mem_load.C", "loc_load.C", "trace.C", "emit.C", "assert.err=C", "debug.stack.C", "eq.C"],
)
def test_a_named_constant_stays_a_reference(text: str) -> None:
    (argument,) = only(text).args
    assert isinstance(argument, ConstRef)
    assert (argument.path, argument.end - argument.start) == ("C", 1)


def test_a_named_constant_is_not_folded_but_still_split() -> None:
    assert dump_args("add.C u32lt.C lt.C") == ["add(C)", "push(C)", "u32lt()", "push(C)", "lt()"]


def dump_args(text: str) -> list[str]:
    found = []
    for op in body(text):
        assert isinstance(op, Instruction)
        found.append(f"{op.name}({', '.join(arg.path if isinstance(arg, ConstRef) else str(arg) for arg in op.args)})")
    return found


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("exec.f", "f"),
        ("call.a::f", "a::f"),
        ("syscall.f", "f"),
        ("procref.::a::f", "::a::f"),
        ("exec.add", "add"),
        ('exec."a-b"::c', '"a-b"::c'),
        ("exec.$kernel::f", "::$kernel::f"),
        ('exec.""::f', "f"),
        ("exec . a\n:: b", "a::b"),
    ],
)
def test_targets_are_canonical_paths(text: str, path: str) -> None:
    (target,) = only(text).args
    assert isinstance(target, Target)
    assert (target.path, target.digest) == (path, None)


def test_a_target_may_be_a_digest() -> None:
    (target,) = only("exec.0x" + "".join(f"{n:02x}" + "00" * 7 for n in (1, 2, 3, 4))).args
    assert isinstance(target, Target)
    assert (target.path, target.digest) == ("", Word((1, 2, 3, 4)))


def test_instructions_cover_their_text() -> None:
    text = 'begin add . 5 mul.0 u32lt.7 assert.err="x y" exec.a::b emit.event("n") debug.mem.1.2 push.[1,2,3,4][0] end'
    (form,) = parse_module(SourceFile(text)).forms
    assert [text[op.start : op.end] for op in form.body] == [  # type: ignore[union-attr]
        "add . 5",
        "mul.0",
        "mul.0",
        "u32lt.7",
        "u32lt.7",
        'assert.err="x y"',
        "exec.a::b",
        'emit.event("n")',
        "debug.mem.1.2",
        "push.[1,2,3,4][0]",
    ]


def test_the_items_of_a_push_cover_their_own_text_and_the_first_the_keyword_too() -> None:
    text = "begin push.1.FOO.0x3 end"
    (form,) = parse_module(SourceFile(text)).forms
    assert [text[op.start : op.end] for op in form.body] == ["push.1", "FOO", "0x3"]  # type: ignore[union-attr]


def test_positions_count_characters_not_bytes() -> None:
    text = "# äöü 漢字\nbegin add end"
    (form,) = parse_module(SourceFile(text)).forms
    assert text[form.body[0].start : form.body[0].end] == "add"  # type: ignore[union-attr]


def test_a_parsed_body_prints_and_parses_to_itself() -> None:
    text = "if.true add.0 else repeat.3 push.1.2 swap.4 end end exec.f"
    assert [dump(op) for op in body(text)] == [dump(op) for op in body(body_text(body(text)))]
