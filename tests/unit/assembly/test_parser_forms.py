"""Top-level forms and their documentation."""

from __future__ import annotations

import pytest

from miden.assembly.ast import AdviceMapEntry, Alias, Constant, DocComment, Form, Module, Procedure, TypeDecl
from miden.assembly.parser import parse_module
from miden.assembly.printer import dump, expression_text
from miden.assembly.source import SourceFile
from miden.errors import ParseError
from miden.field import Word

DIGEST = "0x" + "".join(f"{n:02x}" + "00" * 7 for n in (1, 2, 3, 4))


def module(text: str) -> Module:
    return parse_module(SourceFile(text))


def form(text: str) -> Form:
    (only,) = module(text).forms
    return only


def procedure(text: str) -> Procedure:
    found = form(text)
    assert isinstance(found, Procedure)
    return found


def test_begin_is_the_public_procedure_main() -> None:
    found = procedure("begin nop end")
    assert (found.name, found.public, found.locals, found.attributes, found.signature) == ("$main", True, 0, (), None)
    assert (found.start, found.end) == (0, 13)


def test_a_procedure_has_name_visibility_and_body() -> None:
    found = procedure("pub proc foo add mul end")
    assert (found.name, found.public, [op.name for op in found.body]) == ("foo", True, ["add", "mul"])  # type: ignore[union-attr]


def test_positions_are_those_of_the_definition_and_of_its_name() -> None:
    text = "@locals(4)\npub proc foo nop end"
    found = procedure(text)
    assert text[found.start : found.end] == "pub proc foo nop end"
    assert text[found.name_start : found.name_end] == "foo"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("foo", "foo"),
        ("begin", "begin"),
        ("end", "end"),
        ('"foo"', "foo"),
        ('"a-b"', '"a-b"'),
        ('"$main"', "$main"),
        ("$exec", "$exec"),
        ("exp.u", '"exp.u"'),
    ],
)
def test_names_are_canonical(written: str, name: str) -> None:
    assert procedure(f"proc {written} nop end").name == name


def test_locals_are_taken_out_of_the_attributes() -> None:
    found = procedure("@zeta @locals(0x10) @alpha(x, 1) proc f nop end")
    assert found.locals == 16
    assert [(attribute.name, attribute.form, attribute.items) for attribute in found.attributes] == [
        ("alpha", "list", (("ident", "x"), ("int", 1))),
        ("zeta", "marker", ()),
    ]


@pytest.mark.parametrize("text", ["@locals", "@locals(4, 5)", "@locals(n = 4)"])
def test_locals_of_another_form_are_an_ordinary_attribute(text: str) -> None:
    found = procedure(f"{text} proc f nop end")
    assert (found.locals, [attribute.name for attribute in found.attributes]) == (0, ["locals"])


def test_attribute_items_are_names_strings_numbers_and_words() -> None:
    (attribute,) = procedure('@a(b, "c d", 5, [1,2,3,4], add) proc f nop end').attributes
    assert attribute.items == (("ident", "b"), ("string", "c d"), ("int", 5), ("word", Word((1, 2, 3, 4))), ("ident", "add"))


def test_attributes_with_keys_merge_and_are_sorted() -> None:
    (attribute,) = procedure("@a(z = 1) @a(b = x) proc f nop end").attributes
    assert (attribute.form, attribute.items) == ("map", (("b", ("ident", "x")), ("z", ("int", 1))))


@pytest.mark.parametrize("written", ["fast", '"C"', "wasm", '"canon-lift"', '"canon-lower"'])
def test_a_calling_convention_is_part_of_the_signature(written: str) -> None:
    found = procedure(f"@callconv({written}) proc f() nop end")
    assert found.signature is not None
    assert (found.signature.callconv, found.attributes) == (written.strip('"'), ())


def test_a_signature_names_parameters_and_perhaps_results() -> None:
    signature = procedure("proc f(a: felt, b: u8,) -> (c: i1, word) nop end").signature
    assert signature is not None
    assert [(name, ty.form) for name, ty in signature.params] == [("a", "felt"), ("b", "u8")]
    assert [(name, ty.form) for name, ty in signature.results] == [("c", "i1"), (None, "array")]
    assert signature.callconv == "fast"


def test_a_single_result_needs_no_parentheses() -> None:
    signature = procedure("proc f() -> ptr<felt> add end").signature
    assert signature is not None
    assert [(name, ty.form) for name, ty in signature.results] == [(None, "ptr")]


def test_a_constant_has_name_expression_and_visibility() -> None:
    text = "pub const FOO = 5"
    found = form(text)
    assert isinstance(found, Constant)
    assert (found.name, found.public, expression_text(found.expr)) == ("FOO", True, "5")
    assert (text[found.name_start : found.name_end], found.start, found.end) == ("FOO", 0, len(text))


@pytest.mark.parametrize(
    ("text", "name", "target"),
    [
        ("use a::b", "b", "a::b"),
        ("use ::a::b", "b", "::a::b"),
        ("use a::b->c", "c", "a::b"),
        ("use a::B", "B", "a::B"),
        ('use a::B->"D"', "D", "a::B"),
        ('use a::"b-c"', '"b-c"', 'a::"b-c"'),
        ("use $kernel::f", "f", "::$kernel::f"),
        ("use a::$kernel", "$kernel", "a::$kernel"),
        ('use a::""::b', "b", "a::b"),
        ("use add::mul", "mul", "add::mul"),
    ],
)
def test_an_import_binds_the_last_component_or_a_new_name(text: str, name: str, target: str) -> None:
    found = form(text)
    assert isinstance(found, Alias)
    assert (found.name, found.target.path, found.target.digest) == (name, target, None)


def test_an_import_by_digest_has_a_name() -> None:
    found = form(f"pub use {DIGEST} -> f")
    assert isinstance(found, Alias)
    assert (found.name, found.public, found.target.digest) == ("f", True, Word((1, 2, 3, 4)))


def test_an_advice_map_entry_has_values_and_perhaps_a_key() -> None:
    first, second = module(f"adv_map A = [1, 0x2] adv_map B({DIGEST}) = [3]").forms
    assert isinstance(first, AdviceMapEntry)
    assert isinstance(second, AdviceMapEntry)
    assert (first.name, first.key, first.values) == ("A", None, (1, 2))
    assert (second.name, second.key, second.values) == ("B", Word((1, 2, 3, 4)), (3,))


def test_an_enum_spells_out_the_values_of_its_variants() -> None:
    found = form("pub enum e : u8 { A, B, C = 2 * 3, D, }")
    assert isinstance(found, TypeDecl)
    assert found.variants is not None
    assert [(v.name, expression_text(v.expr), v.public) for v in found.variants] == [
        ("A", "0", True),
        ("B", "A + 1", True),
        ("C", "6", True),
        ("D", "C + 1", True),
    ]
    assert found.ty.form == "u8"


def test_an_enum_may_be_empty() -> None:
    found = form("enum e : felt {}")
    assert isinstance(found, TypeDecl)
    assert found.variants == []


# --- documentation --------------------------------------------------------------------------------------------


def test_a_doc_comment_on_the_first_line_documents_the_module() -> None:
    found = module("#! one\n#! two\nbegin nop end")
    assert found.docs == "one\ntwo\n"
    assert found.forms[0].docs is None  # type: ignore[union-attr]


def test_a_doc_comment_further_down_documents_the_next_form() -> None:
    found = module("\n#! doc\nproc f nop end begin nop end")
    assert (found.docs, found.forms[0].docs) == (None, "doc\n")  # type: ignore[union-attr]


def test_a_comment_before_it_makes_a_doc_comment_one_of_a_form() -> None:
    assert module("# c\n#! doc\nbegin nop end").docs is None


def test_a_doc_comment_behind_a_form_on_the_first_line_documents_the_module() -> None:
    assert module("begin nop end #! doc\n").docs == "doc\n"


def test_a_doc_comment_of_many_lines_that_ends_the_text_documents_no_module() -> None:
    found = module("#! one\n#! two")
    assert found.docs is None
    assert [item.text for item in found.forms if isinstance(item, DocComment)] == ["one\ntwo"]
    assert module("#! one").docs == "one"


def test_doc_comments_that_document_nothing_are_forms() -> None:
    found = module("\n#! a\n\n#! b\nbegin nop end\n#! c")
    assert [item.text if isinstance(item, DocComment) else type(item).__name__ for item in found.forms] == ["a\n", "Procedure", "c"]
    assert found.forms[1].docs == "b\n"  # type: ignore[union-attr]


def test_a_doc_comment_inside_a_body_or_behind_an_attribute_is_an_error() -> None:
    for text in ("begin nop\n#! doc\nend", "@a\n#! doc\nproc f nop end"):
        with pytest.raises(ParseError) as caught:
            module(text)
        assert caught.value.kind == "UnrecognizedToken"


@pytest.mark.parametrize(("text", "fits"), [("a" * 65534, True), ("a" * 65535, False), ("ä" * 32767, True), ("ä" * 32768, False)])
def test_a_doc_comment_has_at_most_65535_bytes(text: str, fits: bool) -> None:
    source = f"\n#! {text}\nbegin nop end"  # the line break counts
    if fits:
        module(source)
        return
    with pytest.raises(ParseError) as caught:
        module(source)
    assert caught.value.kind == "DocsTooLarge"


def test_white_space_and_comments_make_no_difference() -> None:
    dense = "const A=[1,2,3,4]*B proc f(a:felt)->felt push.A[0..1] if.true add.1 else exec.a::b end end"
    spaced = dense.replace("=", " = # c\n").replace(".", "\n.\t").replace("::", " :: ").replace("(", " ( ").replace("\n.\t\n.\t", "..")
    assert dump(module(dense)) == dump(module(spaced))
