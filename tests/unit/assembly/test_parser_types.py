"""Types as written."""

from __future__ import annotations

import pytest

from miden.assembly.ast import TypeDecl, TypeExpr
from miden.assembly.parser import parse_module
from miden.assembly.printer import type_text
from miden.assembly.source import SourceFile
from miden.errors import ParseError


def parsed(text: str) -> TypeExpr:
    (form,) = parse_module(SourceFile(f"type t = {text}")).forms
    assert isinstance(form, TypeDecl)
    return form.ty


@pytest.mark.parametrize("name", ["i1", "i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128", "felt"])
def test_primitive_types_are_known_by_name(name: str) -> None:
    assert (parsed(name).form, parsed(name).args) == (name, ())
    assert parsed(f'"{name}"').form == name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("word", "[felt; 4]"),
        ("ptr<u8>", "ptr<u8>"),
        ("ptr<u8, addrspace(byte)>", "ptr<u8, addrspace(byte)>"),
        ("ptr<ptr<felt,addrspace(felt)>>", "ptr<ptr<felt, addrspace(felt)>>"),
        ("[[u8; 3]; 0]", "[[u8; 3]; 0]"),
        ("struct {}", "struct { }"),
        ("struct { a: felt }", "struct { a: felt, }"),
        ("struct { a: felt, begin: [b::c; 2], }", "struct { a: felt, begin: [b::c; 2], }"),
        ("struct @packed { a: struct @align(16) { b: word } }", "struct @packed { a: struct @align(16) { b: [felt; 4], }, }"),
        ("struct @transparent { a: foo }", "struct @transparent { a: foo, }"),
        ("struct @bigendian {}", "struct @bigendian { }"),
        ("foo", "foo"),
        ("ptr", "ptr"),
        ("::a::b", "::a::b"),
        ("word::felt", "word::felt"),
    ],
)
def test_types_keep_their_structure(text: str, shown: str) -> None:
    assert type_text(parsed(text)) == shown
    assert type_text(parsed(shown)) == shown


def test_the_address_space_and_length_are_arguments() -> None:
    assert parsed("ptr<u8>").args[1] is None
    assert parsed("ptr<u8, addrspace(felt)>").args[1] == "felt"
    assert parsed("[u8; 18446744073709551615]").args[1] == 2**64 - 1


def test_a_type_covers_its_text() -> None:
    text = "type t = ptr<[u8; 4]> begin nop end"
    form = parse_module(SourceFile(text)).forms[0]
    assert isinstance(form, TypeDecl)
    inner = form.ty.args[0]
    assert isinstance(inner, TypeExpr)
    assert [text[ty.start : ty.end] for ty in (form.ty, inner)] == ["ptr<[u8; 4]>", "[u8; 4]"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("struct @tight {}", "InvalidStructAnnotation"),
        ("struct @tight(1) {}", "InvalidStructAnnotation"),
        ("struct @packed(1) {}", "InvalidStructAnnotation"),
        ("struct @align(n = 1) {}", "InvalidStructAnnotation"),
        ("struct @align {}", "InvalidStructRepr"),
        ("struct @align(1, 2) {}", "InvalidStructRepr"),
        ("struct @align(x) {}", "InvalidStructRepr"),
        ("struct @align(0) {}", "InvalidStructRepr"),
        ("struct @align(65536) {}", "InvalidStructRepr"),
        ("struct @align(65535) {}", ""),
        ("ptr<u8", "UnrecognizedEof"),
        ("ptr<u8, 5>", "UnrecognizedToken"),
        ("ptr<u8, addrspace(word)>", "UnrecognizedToken"),
        ("[u8, 4]", "UnrecognizedToken"),
        ("[u8; 0x4]", "UnrecognizedToken"),
        ("[u8; A]", "UnrecognizedToken"),
        ("struct { a: felt b: felt }", "UnrecognizedToken"),
        ("struct { , }", "UnrecognizedToken"),
        ("struct { A: felt }", "UnrecognizedToken"),
        ("Foo::BAR", "UnrecognizedToken"),
        ("::foo", "UnqualifiedImport"),
        ("struct", "UnrecognizedEof"),
    ],
)
def test_types_that_are_none_are_errors(text: str, kind: str) -> None:
    if not kind:
        parsed(text)
        return
    with pytest.raises(ParseError) as caught:
        parsed(text)
    assert caught.value.kind == kind
