"""Depth and size: limits with typed errors, time and memory in proportion to the text."""

from __future__ import annotations

import random
import sys
import time
import tracemalloc
from contextlib import suppress

import pytest

from miden.assembly.ast import If, Procedure, While
from miden.assembly.parser import MAX_DEPTH, parse_module
from miden.assembly.printer import body_text, dump, expression_text, type_text
from miden.assembly.source import SourceFile
from miden.errors import ParseError

NESTED = [
    ("begin {}nop{} end", "if.true ", " end"),
    ("begin {}nop{} end", "while.true ", " end"),
    ("begin {}nop{} end", "repeat.2 ", " end"),
    ("begin {}nop{} end", "if.true else ", " end"),
    ("const A = {}1{}", "(", ")"),
    ("const A = {}B{}", "(1+", ")"),
    ("enum e : u8 {{ A = {}1{} }}", "(", ")"),
    ("type t = {}u8{}", "ptr<", ">"),
    ("type t = {}u8{}", "[", "; 2]"),
    ("type t = {}u8{}", "struct { a: ", " }"),
    ("proc f({}u8{}) nop end", "a: ptr<", ">"),
]


def nested(template: str, before: str, after: str, depth: int) -> SourceFile:
    if template.startswith("proc"):
        return SourceFile(template.format("a: " + "ptr<" * depth, after * depth))
    return SourceFile(template.format(before * depth, after * depth))


@pytest.mark.parametrize(("template", "before", "after"), NESTED)
def test_depth_is_limited_by_the_limit_only(template: str, before: str, after: str) -> None:
    parse_module(nested(template, before, after, 20), max_depth=20)
    with pytest.raises(ParseError) as caught:
        parse_module(nested(template, before, after, 21), max_depth=20)
    assert caught.value.kind == "NestingLimitExceeded"


@pytest.mark.slow
@pytest.mark.parametrize(("template", "before", "after"), NESTED)
def test_the_default_limit_is_far_beyond_the_stack_of_the_interpreter(template: str, before: str, after: str) -> None:
    depth = MAX_DEPTH
    assert depth > 10 * sys.getrecursionlimit()
    parse_module(nested(template, before, after, depth))
    with pytest.raises(ParseError) as caught:
        parse_module(nested(template, before, after, depth + 1))
    assert caught.value.kind == "NestingLimitExceeded"


def test_blocks_nested_deeper_than_the_default_parse_dump_and_vanish_if_the_limit_allows() -> None:
    depth = 100_000
    module = parse_module(nested("begin {}nop{} end", "while.true ", " end", depth), max_depth=depth)
    main = module.forms[0]
    assert isinstance(main, Procedure)
    op = main.body[0]
    while isinstance(op, While):
        depth -= 1
        op = op.body[0]
    assert depth == 0
    assert repr(main).startswith("Procedure(")
    assert len(dump(main)) > 100_000


def test_deep_trees_are_printed_without_recursion() -> None:
    depth = 5000
    block = parse_module(nested("begin {}nop{} end", "if.true ", " end", depth)).forms[0]
    assert isinstance(block, Procedure)
    assert isinstance(block.body[0], If)
    assert body_text(block.body).count("if.true") == depth
    constant = parse_module(nested("const A = {}B{}", "(1+", ")", depth)).forms[0]
    assert expression_text(constant.expr).count("1 + ") == depth  # type: ignore[union-attr]
    ty = parse_module(nested("type t = {}u8{}", "ptr<", ">", depth)).forms[0]
    assert type_text(ty.ty).count("ptr<") == depth  # type: ignore[union-attr]


def test_a_long_chain_of_operators_is_not_deep() -> None:
    parse_module(SourceFile("const A = B" + "+B" * 100_000), max_depth=2)


TEN_MEGABYTES = 10 * 2**20


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["if.true ", "repeat.9 "])
def test_ten_megabytes_of_open_blocks_end_soon(unit: str) -> None:
    source = SourceFile("begin " + unit * (TEN_MEGABYTES // len(unit)))
    start = time.process_time()
    with pytest.raises(ParseError) as caught:
        parse_module(source)
    assert caught.value.kind == "NestingLimitExceeded"
    assert time.process_time() - start < 20


HOSTILE_UNITS = ["(", "[", "ptr<", "a::", "@a ", '"', '"\\', "0x", "a=", "1+", "::", "$kernel", "_", "\\", ".", "push.", "é"]


@pytest.mark.parametrize("unit", HOSTILE_UNITS)
@pytest.mark.parametrize("prefix", ["", "begin ", "const A = ", "type t = ", "use ", "@a(", "proc f("])
def test_any_unit_repeated_for_long_ends_soon_with_a_typed_error(prefix: str, unit: str) -> None:
    source = SourceFile(prefix + unit * (100_000 // len(unit)))
    start = time.process_time()
    with pytest.raises(ParseError):
        parse_module(source)
    assert time.process_time() - start < 2


def flat(size: int) -> SourceFile:
    procedure = "proc f{}\n" + "    push.1 add.2 mem_load.3 # comment\n" * 400 + "end\n"
    count = size // len(procedure)
    return SourceFile("".join(procedure.format(number) for number in range(count)))


@pytest.mark.slow
def test_time_is_linear_in_the_text() -> None:
    def seconds(source: SourceFile) -> float:
        start = time.process_time()
        parse_module(source)
        return time.process_time() - start

    small, large = flat(TEN_MEGABYTES // 10), flat(TEN_MEGABYTES)
    assert seconds(large) < 40 * min(seconds(small) for _ in range(3))


@pytest.mark.slow
def test_memory_is_a_small_multiple_of_the_text() -> None:
    source = flat(2**20)
    tracemalloc.start()
    try:
        parse_module(source)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60 * len(source)


def test_every_prefix_of_a_program_parses_or_fails_with_a_parse_error() -> None:
    text = (
        "#! d\nuse a::b->c const A = (1+2)*B adv_map M([1,2,3,4]) = [5] @locals(4) pub proc f(a: ptr<felt>) -> word\n"
        'push.[1,2,3,4][0..2] if.true assert.err="x y" else exec.a::b end repeat.3 emit.event("e") end end'
    )
    for end in range(len(text)):
        with suppress(ParseError):
            parse_module(SourceFile(text[:end]))


def test_random_bytes_are_a_typed_error() -> None:
    generator = random.Random(20)
    for _ in range(500):
        data = generator.randbytes(generator.randrange(1, 60))
        with pytest.raises(ParseError):
            parse_module(SourceFile.from_bytes(data))
