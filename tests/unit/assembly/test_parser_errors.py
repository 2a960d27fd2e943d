"""What is reported, where, and with which hint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miden.assembly.parser import parse_module
from miden.assembly.source import SourceFile
from miden.errors import ParseError

if TYPE_CHECKING:
    from miden.assembly.diagnostics import Diagnostic


def problem(text: str) -> Diagnostic:
    with pytest.raises(ParseError) as caught:
        parse_module(SourceFile(text, "demo.masm"))
    (diagnostic,) = caught.value.diagnostics
    assert (caught.value.kind, caught.value.message, caught.value.hint) == (diagnostic.kind, diagnostic.message, diagnostic.hint)
    return diagnostic


# «» marks what the diagnostic points at
PLACES = [
    ("InvalidToken", "begin «?» end"),
    ("InvalidToken", "begin push.1 «_» end"),
    ("InvalidToken", "begin exec.«$foo»::bar end"),
    ("InvalidToken", "«\ufeff»begin nop end"),
    ("UnclosedQuote", 'begin assert.err=«"»abc\n end'),
    ("UnrecognizedToken", "«end»"),
    ("UnrecognizedToken", "begin «end»"),
    ("UnrecognizedToken", "begin «foo» end"),
    ("UnrecognizedToken", "begin push «end»"),
    ("UnrecognizedToken", "begin add.1«.»2 end"),
    ("UnrecognizedToken", "begin repeat.«0x2» nop end end"),
    ("UnrecognizedToken", "begin while.«false» nop end end"),
    ("UnrecognizedToken", "begin if.true «end» end"),
    ("UnrecognizedToken", "begin if.true else «end» end"),
    ("UnrecognizedToken", "begin if.true add else mul «else» end end"),
    ("UnrecognizedToken", "begin while.true add «else» end end"),
    ("UnrecognizedToken", "begin push.[1,2,3«]» end"),
    ("UnrecognizedToken", "begin push.[1,2,3,4]«.»5 end"),
    ("UnrecognizedToken", "begin push.1.A«[»0] end"),
    ("UnrecognizedToken", "begin push.«0b1» end"),
    ("UnrecognizedToken", "begin u32shl.«0x1» end"),
    ("UnrecognizedToken", "begin assert.err=«5» end"),
    ("UnrecognizedToken", "begin emit.«5» end"),
    ("UnrecognizedToken", "begin exec.a::«B» end"),
    ("UnrecognizedToken", 'begin exec.«"a b"» end'),
    ("UnrecognizedToken", "begin exp.«u8» end".replace("exp.", "exp. ")),
    ("UnrecognizedToken", "begin adv.«nope» end"),
    ("UnrecognizedToken", "begin debug.«nope» end"),
    ("UnrecognizedToken", "begin trace «end»"),
    ("UnrecognizedToken", "proc «1» nop end"),
    ("UnrecognizedToken", "proc «A» nop end"),
    ("UnrecognizedToken", "proc «export» nop end"),
    ("UnrecognizedToken", "pub «begin» nop end"),
    ("UnrecognizedToken", "pub «adv_map» A = [1]"),
    ("UnrecognizedToken", "@a «const» A = 1"),
    ("UnrecognizedToken", "@a pub «use» b::c"),
    ("UnrecognizedToken", "@a(«)» proc f nop end"),
    ("UnrecognizedToken", "@callconv(«C») proc f nop end"),
    ("UnrecognizedToken", "@a(b, c «=» 1) proc f nop end"),
    ("UnrecognizedToken", "@a(b = 1, c«)» proc f nop end"),
    ("UnrecognizedToken", "const «a» = 1"),
    ("UnrecognizedToken", "use a::B->«C»"),
    ("UnrecognizedToken", "use a::B«::»C"),
    ("UnrecognizedToken", "type «T» = felt"),
    ("UnrecognizedToken", "enum e : «word» { A }"),
    ("UnrecognizedToken", "enum e : u8 { «a» }"),
    ("UnrecognizedToken", "enum e : u8 { A «B» }"),
    ("UnrecognizedToken", "adv_map A = [«]»"),
    ("UnrecognizedToken", "adv_map A = [1«;» 2]"),
    ("UnrecognizedToken", "adv_map A = [«B»]"),
    ("UnrecognizedToken", "proc f(«add»: felt) nop end"),
    ("UnrecognizedToken", "proc f(a «felt») nop end"),
    ("UnrecognizedToken", "begin nop end«;»"),
    ("UnrecognizedEof", "«»"),
    ("UnrecognizedEof", "# comment«»"),
    ("UnrecognizedEof", "begin add«»  "),
    ("UnrecognizedEof", "begin if.true add end«»"),
    ("UnrecognizedEof", "const A =«»\n\n"),
    ("InvalidIdentifier", 'proc «""» nop end'),
    ("InvalidIdentifier", 'use a::b->«"c#"»'),
    ("InvalidIdentifier", 'begin exec.«""» end'),
    ("InvalidIdentifier", f"begin exec.«a::{'b' * 256}» end"),
    ("InvalidLiteral", "begin push.«18446744069414584321» end"),
    ("InvalidLiteral", "begin push.«99999999999999999999» end"),
    ("InvalidLiteral", "begin push.«0xffffffff00000001» end"),
    ("InvalidLiteral", "begin mem_load.«4294967296» end"),
    ("InvalidLiteral", "begin mem_load.«0x100000000» end"),
    ("InvalidLiteral", "begin exp.u«64» end"),
    ("InvalidLiteral", "begin push.«0x»zz end"),
    ("InvalidHexLiteral", "begin push.«0x11111111111111111» end"),
    ("InvalidHexLiteral", f"begin push.«0x{'0' * 65}» end"),
    ("InvalidBinaryLiteral", f"begin mem_load.«0b{'0' * 33}» end"),
    ("InvalidMastRoot", "begin exec.«0x12» end"),
    ("InvalidMastRoot", "use «0x12»->a"),
    ("ImmediateOutOfRange", "begin dup.«16» end"),
    ("ImmediateOutOfRange", "begin dup.«256» end"),
    ("ImmediateOutOfRange", "begin u32rotl.«32» end"),
    ("ImmediateOutOfRange", "begin adv_push.«0» end"),
    ("ImmediateOutOfRange", "begin exp.u«256» end"),
    ("ImmediateOutOfRange", "begin loc_load.«65536» end"),
    ("ImmediateOutOfRange", "begin debug.stack.«256» end"),
    ("ImmediateOutOfRange", "begin «repeat.0 nop end» end"),
    ("ImmediateOutOfRange", "begin «repeat.4294967296 nop end» end"),
    ("ImmediateOutOfRange", "@locals(«65536») proc f nop end"),
    ("PushOverflow", f"begin «push{'.1' * 17}» end"),
    ("DivisionByZero", "begin «div.0» end"),
    ("DivisionByZero", "begin «u32divmod.0x0» end"),
    ("DivisionByZero", "const A = 1 + «2/0»"),
    ("StringInArithmeticExpression", 'const A = 1 + «"a"»'),
    ("UnqualifiedImport", "use «a»"),
    ("UnqualifiedImport", "use «::a»"),
    ("UnqualifiedImport", "begin exec.«::a» end"),
    ("UnnamedReexportOfMastRoot", f"«pub use 0x{'0' * 64}»"),
    ("AttributeConflict", "@a «@a(b)» proc f nop end"),
    ("AttributeConflict", "@a(b = 1) «@a» proc f nop end"),
    ("AttributeKeyValueConflict", "@a(b = 1, «b» = 2) proc f nop end"),
    ("AttributeKeyValueConflict", "@a(b = 1) @a(«b» = 2) proc f nop end"),
    ("UnrecognizedCallConv", "@callconv(«slow») proc f nop end"),
    ("UnrecognizedCallConv", "@callconv(«5») proc f nop end"),
    ("InvalidLocalsAttr", "@locals(«four») proc f nop end"),
    ("InvalidStructAnnotation", "type t = struct «@tight» {}"),
    ("InvalidStructRepr", "type t = struct @align(«0») {}"),
    ("DeprecatedInstruction", "begin «mem_storew.4» end"),
    ("DeprecatedInstruction", "begin «loc_loadw.A» end"),
    ("InvalidPadValue", "begin adv.push_mapvaln.«3» end"),
]


@pytest.mark.parametrize(("kind", "marked"), PLACES)
def test_errors_have_a_kind_and_point_at_their_cause(kind: str, marked: str) -> None:
    start = marked.index("«")
    end = marked.index("»") - 1
    diagnostic = problem(marked.replace("«", "").replace("»", ""))
    assert (diagnostic.kind, diagnostic.start, diagnostic.end) == (kind, start, end)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("begin push.18446744069414584321 end", "FeltOverflow"),
        ("begin push.99999999999999999999 end", "FeltOverflow"),
        ("begin trace.4294967296 end", "U32Overflow"),
        ("begin exp.u64 end", "InvalidBitSize"),
        ("begin push.0x end", "Empty"),
        (f"begin push.0x{'0' * 65} end", "TooLong"),
        ("begin push.0x00000000000000000 end", "Invalid"),
    ],
)
def test_literal_errors_say_which(text: str, detail: str) -> None:
    assert problem(text).detail == detail


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("begin u32wraping_add end", "did you mean `u32wrapping_add`?"),
        ("begin whle.true nop end end", "did you mean `while`?"),
        ("prc f nop end", "did you mean `proc`?"),
        ("begin adv.push_mapvla end", "did you mean `push_mapval`?"),
        ("begin ADD end", "instructions are written in lower case: `add`"),
        ("begin foo end", "to run a procedure write `exec.foo`"),
        ("begin u64::wrapping_add end", "to run a procedure write `exec.u64::wrapping_add`"),
        ("begin u32add end", "say what happens on overflow: `u32wrapping_add` or `u32overflowing_add`"),
        ("begin drop.1 end", "`drop` takes no immediate"),
        ("begin push.-1 end", "there are no negative literals: write p - x, or negate with `neg`"),
        ("begin assert.err=5 end", 'an error message is a string: `err="message"`'),
        ("begin push.1 proc f nop end", "a block before this point may lack its `end`"),
        ("push.1", "instructions belong between `begin` and `end`, or in a procedure"),
        ("export.foo nop end", "write `pub proc NAME`, or `pub use PATH` to re-export"),
        ("proc.foo nop end", "write `proc NAME`, without a dot"),
        ("proc foo.4 nop end", "declare locals before the procedure: `@locals(n)`"),
        ("use.std::foo", "write `use NAME`, without a dot"),
        ("begin assert.err='x' end", 'strings are written in straight double quotes: "text"'),
        ("\ufeffbegin nop end", "the file starts with a byte order mark: save it without one"),
        ("use foo", "name the module it comes from: `use MODULE::foo`"),
        ("begin mem_loadw end", "use `mem_loadw_be`, or `mem_loadw_le` for a word with element 0 on top"),
        ("begin xyzzyxyzzy.1 end", "to run a procedure write `exec.xyzzyxyzzy`"),
        ("const a = 5", None),
        ("begin push.] end", None),
    ],
)
def test_hints_help_where_they_can(text: str, hint: str | None) -> None:
    assert problem(text).hint == hint


def test_the_message_says_what_was_expected_and_what_was_found() -> None:
    assert problem("begin dup.99 end").message == "the immediate must be in 0..=15, found 99"
    assert problem("begin push.foo end").message == "expected a number, a word or a constant, found identifier `foo`"
    assert problem('begin "a" end').message == 'expected an instruction, found quoted identifier "a"'


def test_a_long_token_is_shortened_in_the_message() -> None:
    assert len(problem(f"begin {'a' * 10_000} end").message) < 120


def test_an_open_block_is_pointed_out_at_the_end_of_the_text() -> None:
    text = "begin\n  add\n  while.true\n    mul\n"
    (related,) = problem(text).related
    assert (related.start, related.label) == (text.index("while"), "this is still open")


def test_the_earlier_attribute_is_pointed_out() -> None:
    (related,) = problem("@a @a proc f nop end").related
    assert (related.start, related.end) == (0, 2)


def test_the_token_after_a_construct_is_looked_at_before_the_construct_is_judged() -> None:
    assert problem("begin dup.16 ] end").kind == "UnrecognizedToken"
    assert problem("begin dup.16 ? end").kind == "InvalidToken"
    assert problem("begin dup.16").kind == "UnrecognizedEof"
    assert problem("begin dup.16 add ] end").kind == "ImmediateOutOfRange"
    assert problem("@locals(70000) proc f nop end ]").kind == "UnrecognizedToken"
    assert problem("@locals(70000) proc f nop end begin ] end").kind == "ImmediateOutOfRange"


def test_the_first_of_two_failed_checks_is_reported() -> None:
    assert problem("begin repeat.0 dup.16 end div.0 end").start == len("begin repeat.0 dup.")


def test_what_would_be_right_elsewhere_after_a_construct_does_not_keep_it_from_being_judged() -> None:
    for text in ("begin add.18446744069414584321.5 end", "begin loc_load.65536.5 end", "begin mem_load.4294967296.5 end"):
        assert problem(text).kind in ("InvalidLiteral", "ImmediateOutOfRange")
    assert problem("begin push.18446744069414584321").kind == "InvalidLiteral"
    assert problem("const A = 18446744069414584321 add").kind == "InvalidLiteral"
    assert problem("type a = ::b add").kind == "UnqualifiedImport"


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("dup.16", "ImmediateOutOfRange"),
        ("mem_load.4294967296", "InvalidLiteral"),
        ("exp.u64", "InvalidLiteral"),
        ("adv.push_mapvaln.3", "InvalidPadValue"),
        ("div.0", "DivisionByZero"),
        ("exec.0x12", "InvalidMastRoot"),
        ("mem_loadw", "DeprecatedInstruction"),
        ("push" + ".1" * 17, "PushOverflow"),
        ("repeat.0 nop end", "ImmediateOutOfRange"),
    ],
)
def test_an_else_that_belongs_to_nothing_does_not_keep_the_operation_before_it_from_being_judged(operation: str, kind: str) -> None:
    for text in ("begin {} else end", "begin while.true {} else end end", "begin if.true nop else {} else end end"):
        assert problem(text.format(operation)).kind == kind
    assert problem(f"begin {operation} foo").kind == "UnrecognizedToken"
    assert problem("begin nop else end").kind == "UnrecognizedToken"


def test_an_else_that_belongs_to_nothing_ends_a_nested_block_that_is_too_big_but_no_body() -> None:
    adds = " add" * 65536
    assert problem(f"begin while.true{adds} else end end").kind == "CodeBlockTooBig"
    assert problem(f"begin{adds} else end").kind == "UnrecognizedToken"


def test_an_error_prints_with_its_excerpt() -> None:
    with pytest.raises(ParseError) as caught:
        parse_module(SourceFile("begin\n    dup.16\nend\n", "demo.masm"))
    assert str(caught.value) == (
        "error[E0116]: the immediate must be in 0..=15, found 16\n"
        "  --> demo.masm:2:9\n"
        "   |\n"
        " 2 |     dup.16\n"
        "   |         ^^ out of range"
    )


def test_a_block_may_have_65535_operations() -> None:
    parse_module(SourceFile("begin" + " add" * 65535 + " add.0 end"))
    diagnostic = problem("begin" + " add" * 65536 + " end")
    assert (diagnostic.kind, diagnostic.start, diagnostic.end) == ("CodeBlockTooBig", 6, 5 + 4 * 65536)


def test_a_nested_block_counts_as_one_operation_and_has_its_own_limit() -> None:
    parse_module(SourceFile("begin" + " add" * 65534 + " if.true" + " add" * 65535 + " end end"))
    assert problem("begin if.true add else" + " add" * 65536 + " end end").kind == "CodeBlockTooBig"
