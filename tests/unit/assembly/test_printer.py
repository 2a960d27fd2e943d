"""Printing: canonical instruction text, and modules that parse back to the same tree."""

from __future__ import annotations

import pytest

from miden.assembly.ast import Instruction
from miden.assembly.parser import parse_module
from miden.assembly.printer import dump, form_text, instruction_text, module_text
from miden.assembly.source import SourceFile
from miden.field import Word

WORD = Word((1, 2, 3, 4))


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("add", (), "add"),
        ("add", (5,), "add.5"),
        ("incr", (), "add.1"),
        ("dup", (0,), "dup.0"),
        ("swapw", (1,), "swapw.1"),
        ("exp.u", (8,), "exp.u8"),
        ("push", (2**64 - 2**32,), "push.18446744069414584320"),
        ("push", (WORD,), "push.[1,2,3,4]"),
        ("push_slice", (WORD, 1, 3), "push.[1,2,3,4][1..3]"),
        ("assert", (), "assert"),
        ("assert", ("a b",), 'assert.err="a b"'),
        ("emit", (77,), "emit.77"),
        ("emit", ("event", "n"), 'emit.event("n")'),
        ("exec", ("::lib::f",), "exec.::lib::f"),
        ("call", (WORD.to_hex(),), "call.0x0100000000000000020000000000000003000000000000000400000000000000"),
        ("adv.push_mapvaln", (0,), "adv.push_mapvaln.0"),
        ("adv.insert_hdword", (), "adv.insert_hdword"),
        ("adv.insert_hperm", (), "adv.insert_hperm\n"),
        ("debug.mem", (1, 1), "debug.mem.1.1"),
        ("debug.adv_stack", (0,), "debug.adv_stack.0"),
        ("breakpoint", (), "breakpoint"),
    ],
)
def test_instructions_have_the_canonical_text_of_debug_information(name: str, args: tuple[object, ...], text: str) -> None:
    assert instruction_text(Instruction(name, args, 0, 0)) == text
    assert instruction_text(Instruction(name, (), 0, 0), args) == text


MODULES = [
    "begin nop end",
    "#! module\n#! docs\n\n#! form docs\nproc f add.0 end\n#! unused\n\n#! begin docs\nbegin exec.f end",
    "\n#! first\n#!\n#! third\nconst A = 1",
    "use a::b use ::a::b->c use a::B->\"C\" pub use $kernel::f use 0x" + "01" * 31 + "00->d",
    'const A = (1+B)*(C-2)/D//3 const W = [1,2,3,4] const H = word("a b") const E = (event("x"))+1 const S = "\\"q"',
    'pub const Q = a::"b-c"::D const R = ::"if"::E use a::"1b"->"2" use $exec->x use ::a::""->y proc "if"() nop end',
    'begin exec."FOO" exec.::"if"::"1" call."a::b" procref.$kernel end type exp.u = struct { exp.u: "2" } type t = $exec',
    "type t = struct @packed { a: ptr<u8, addrspace(felt)>, b: [word; 3] } pub type u = a::b enum e : u8 { A, B = 2, C } enum f : i64 {}",
    "adv_map A = [1,2] adv_map B([1,2,3,4]) = [0x5]",
    '@a @b(c, "d", 5, [1,2,3,4]) @e(f = g, h = 2) @locals(3) @callconv("C") pub proc "x-y"(a: felt, b: ptr<t>) -> (c: u8, word) nop end',
    'proc "$main"() add end',
    "begin if.false add end if.true else mul end if.true add.0 else mul.1 end while.true repeat.3 nop end end end",
    'begin push.1.A.0x2 push.[1,2,3,4] push.A[1] lt.5 u32and.0 u32and.C mul.0 assert.err="a\\"b" assertz.err=E emit.C emit.event("n") end',
    "begin exec.f call.a::b syscall.g procref.::c::d exec.0x" + "02" * 31 + "00 dynexec dyncall end",
    "begin debug.stack debug.mem debug.mem.1 debug.local debug.local.1.2 debug.adv_stack trace.5 breakpoint adv.push_mapvaln.4 end",
    "begin dup swap dup.15 movup.3 exp.u7 exp.A exp.5 mem_load.0b1 loc_load.C adv_push.2 adv.insert_hperm end",
]


@pytest.mark.parametrize("text", MODULES)
def test_a_printed_module_parses_to_the_same_tree(text: str) -> None:
    module = parse_module(SourceFile(text))
    assert dump(parse_module(SourceFile(module_text(module)))) == dump(module)


@pytest.mark.parametrize("text", MODULES)
def test_printing_is_stable(text: str) -> None:
    printed = module_text(parse_module(SourceFile(text)))
    assert module_text(parse_module(SourceFile(printed))) == printed


def test_forms_print_one_by_one() -> None:
    (form,) = parse_module(SourceFile("\n#! doc\npub proc f push.1 end")).forms
    assert form_text(form) == "#! doc\npub proc f\n    push.1\nend\n"


def test_a_dump_tells_trees_apart_and_ignores_positions() -> None:
    dumps = [dump(parse_module(SourceFile(text))) for text in ("begin add end", "begin  add\nend", "begin mul end", "begin push.1 end")]
    assert dumps[0] == dumps[1]
    assert len(set(dumps)) == 3
