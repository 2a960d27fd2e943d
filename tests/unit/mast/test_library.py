"""Libraries, kernel libraries, their exports, paths and types."""

from __future__ import annotations

import pytest

from miden.errors import InputError
from miden.field import Word
from miden.hashing import hash_elements
from miden.isa import OP
from miden.mast.advice_map import AdviceMap
from miden.mast.builder import ForestBuilder
from miden.mast.exports import (
    Attribute,
    AttributeKind,
    ConstantExport,
    ConstantKind,
    ConstantValue,
    MetaKind,
    MetaValue,
    ProcedureExport,
    TypeExport,
)
from miden.mast.library import KernelLibrary, Library
from miden.mast.paths import identifier_problem, is_in_kernel, item_name, parent_path, split_path, to_absolute
from miden.mast.types import (
    FELT,
    SCALARS,
    TYPE_DEPTH_LIMIT,
    AddressSpace,
    CallConvention,
    StructRepr,
    Type,
    TypeKind,
    array_type,
    function_type,
    list_type,
    pointer_type,
    struct_type,
)
from tests.support.mast_vectors import VECTORS


def forest_builder() -> ForestBuilder:
    builder = ForestBuilder()
    builder.add_root(builder.add_block(bytes([OP["ADD"]])))
    builder.add_root(builder.add_block(bytes([OP["PAD"], OP["INCR"], OP["ADD"]])))
    builder.add_root(builder.add_external((1, 2, 3, 4)))
    builder.add_block(bytes([OP["MUL"]]))
    return builder


def library(*exports: ProcedureExport | ConstantExport | TypeExport) -> Library:
    return Library(forest_builder().build(), exports)


FIVE = ConstantExport("::lib::FIVE", ConstantValue(ConstantKind.INTEGER, 5))


def test_exports_are_in_the_order_of_their_paths() -> None:
    made = library(ProcedureExport(1, "::lib::b"), FIVE, ProcedureExport(0, "::lib::a"))
    assert list(made.items) == ["::lib::FIVE", "::lib::a", "::lib::b"]
    assert dict(made.exports) == {"::lib::FIVE": None, "::lib::a": made.forest.digests[0], "::lib::b": made.forest.digests[1]}
    assert [item.path for item in made.procedures] == ["::lib::a", "::lib::b"]


def test_the_digest_counts_every_path_and_no_constant() -> None:
    one = library(ProcedureExport(0, "::lib::a"))
    assert one.digest == library(ProcedureExport(0, "::lib::z"), FIVE).digest == hash_elements(one.forest.digests[0])
    assert one.digest != library(ProcedureExport(0, "::lib::a"), ProcedureExport(0, "::lib::b")).digest
    assert library(FIVE).digest == (0, 0, 0, 0)


def test_the_digest_is_that_of_the_reference() -> None:
    made = library(ProcedureExport(1, "::mylib::mod::bar"), ProcedureExport(0, "::mylib::mod::foo"))
    assert made.digest.to_hex() == VECTORS["library"]["digest"]


def test_procedures_are_found_by_path_absolute_or_not() -> None:
    made = library(ProcedureExport(0, "::lib::a"), ProcedureExport(2, "::lib::x"), FIVE)
    assert made.find_procedure("lib::a") == made.find_procedure("::lib::a") == made.forest.digests[0]
    assert made.find_procedure("lib::FIVE") is None
    assert made.find_procedure("lib::none") is None
    assert made.is_reexport("lib::x")
    assert not made.is_reexport("lib::a")


def test_modules_group_exports_by_parent() -> None:
    made = library(ProcedureExport(0, "::lib::b::f"), ProcedureExport(1, "::lib::a::g"), ProcedureExport(0, "::lib::b::e"), FIVE)
    assert {path: [item.path for item in items] for path, items in made.modules.items()} == {
        "::lib": ["::lib::FIVE"],
        "::lib::a": ["::lib::a::g"],
        "::lib::b": ["::lib::b::e", "::lib::b::f"],
    }


@pytest.mark.parametrize(
    ("exports", "kind"),
    [
        ([], "NoExport"),
        ([ProcedureExport(3, "::lib::a")], "NoProcedureRootForExport"),
        ([ProcedureExport(9, "::lib::a")], "NoProcedureRootForExport"),
        ([ProcedureExport(0, "::lib::a"), ProcedureExport(1, "::lib::a")], "DuplicateExport"),
        ([ProcedureExport(0, "::lib:: a")], "InvalidPath"),
    ],
)
def test_exports_that_make_no_library_are_refused(exports: list[ProcedureExport], kind: str) -> None:
    with pytest.raises(InputError) as caught:
        library(*exports)
    assert caught.value.kind == kind


def test_libraries_are_values() -> None:
    one, two = library(ProcedureExport(0, "::lib::a")), library(ProcedureExport(0, "::lib::a"))
    assert one == two
    assert len({one, two, library(FIVE)}) == 2
    assert one != library(FIVE)
    assert one != 5
    assert "1 exports" in repr(one)
    assert dict(one.__rich_repr__())["digest"] == one.digest.to_hex()


def test_stripping_and_extending_keep_the_exports() -> None:
    made = library(ProcedureExport(0, "::lib::a"), FIVE)
    assert made.strip_debug_info() == made
    extended = made.with_advice_map(AdviceMap({(1, 0, 0, 0): [1]}))
    assert (extended.items, len(extended.forest.advice_map)) == (made.items, 1)


def test_a_kernel_library_has_a_kernel() -> None:
    made = KernelLibrary(forest_builder().build(), [ProcedureExport(0, "::$kernel::b"), ProcedureExport(1, "::$kernel::a"), FIVE])
    assert set(made.kernel) == {made.forest.digests[0], made.forest.digests[1]}
    assert KernelLibrary.from_library(Library(made.forest, made.items)) == made
    assert made != Library(made.forest, made.items)
    assert isinstance(made.strip_debug_info(), KernelLibrary)


@pytest.mark.parametrize("path", ["::lib::a", "::$kernel::sub::a"])
def test_a_kernel_procedure_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(InputError) as caught:
        KernelLibrary(forest_builder().build(), [ProcedureExport(0, path)])
    assert caught.value.kind == "InvalidKernelExport"


def test_two_kernel_procedures_with_one_digest_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        KernelLibrary(forest_builder().build(), [ProcedureExport(0, "$kernel::a"), ProcedureExport(0, "$kernel::b")])
    assert caught.value.kind == "DuplicatedProcedures"


# paths


@pytest.mark.parametrize(
    ("text", "components"),
    [
        ("::lib::mod::name", ("::", "lib", "mod", "name")),
        ("name", ("name",)),
        ("::$kernel::f", ("::", "$kernel", "f")),
        ('lib::"a b::c"::d', ("lib", '"a b::c"', "d")),
        ("a:b::c", ("a:b", "c")),
        ("größe::x", ("größe", "x")),
        ('"a"', ('"a"',)),
        ("a" * 255, ("a" * 255,)),
    ],
)
def test_paths_split_into_components(text: str, components: tuple[str, ...]) -> None:
    assert split_path(text) == components


@pytest.mark.parametrize(
    "text",
    [
        *("", "::", '""', "a::", "::a::", "a::::b", "a:: b", "a#b", "a\n", '"a', 'a::"b', '"a"b', '"a"::""'),
        *("a" * 256, '"' + "a" * 256 + '"', "::" + "ab::" * 20_000 + "c"),
    ],
)
def test_texts_that_are_no_paths_are_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        split_path(text)
    assert caught.value.kind == "InvalidPath"


def test_parts_of_paths() -> None:
    assert (parent_path("::a::b"), parent_path("a::b"), parent_path("a"), parent_path("::a")) == ("::a", "a", "", "::")
    assert (item_name('a::"b c"'), item_name("a::b")) == ("b c", "b")
    assert (to_absolute("a"), to_absolute("::a")) == ("::a", "::a")
    assert [is_in_kernel(path) for path in ("::$kernel", "$kernel::a", "$kernel::a::b", "lib::a")] == [True, True, False, False]


def test_identifier_problems_are_named() -> None:
    assert identifier_problem("") == "it is empty"
    assert "'#'" in identifier_problem("a#")
    assert identifier_problem("$main-1!é") == ""


# types and attributes


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (FELT, "felt"),
        (pointer_type(FELT), "ptr<felt, addrspace(byte)>"),
        (pointer_type(SCALARS[TypeKind.U8], AddressSpace.ELEMENT), "ptr<u8, addrspace(felt)>"),
        (struct_type([FELT, SCALARS[TypeKind.I1]]), "struct { felt, i1 }"),
        (struct_type([FELT], StructRepr.ALIGN, 8), "struct @align(8) { felt }"),
        (struct_type([FELT], StructRepr.PACKED, 1), "struct @packed(1) { felt }"),
        (struct_type([FELT], StructRepr.TRANSPARENT), "struct @transparent { felt }"),
        (array_type(list_type(FELT), 3), "array[list<felt>; 3]"),
        (function_type([FELT], [FELT, FELT]), "fn(felt) -> (felt, felt)"),
    ],
)
def test_types_print_as_what_they_are(made: Type, text: str) -> None:
    assert repr(made) == text


def test_types_are_values() -> None:
    assert struct_type([FELT]) == struct_type([FELT])
    assert struct_type([FELT]) != struct_type([FELT], StructRepr.TRANSPARENT)
    assert function_type([FELT]) != function_type([], [FELT])
    assert len({list_type(FELT), list_type(FELT), FELT}) == 2


def test_a_signature_knows_its_parts() -> None:
    signature = function_type([FELT, FELT], [list_type(FELT)], CallConvention.KERNEL)
    assert (signature.params, signature.results, signature.convention) == ((FELT, FELT), (list_type(FELT),), CallConvention.KERNEL)


def test_types_nest_to_a_limit() -> None:
    made = FELT
    for _ in range(TYPE_DEPTH_LIMIT - 1):
        made = list_type(made)
    assert made.depth == TYPE_DEPTH_LIMIT
    with pytest.raises(InputError) as caught:
        list_type(made)
    assert caught.value.kind == "TypeTooDeep"


@pytest.mark.parametrize(
    ("made", "size", "alignment"),
    [
        (FELT, 32, 4),
        (SCALARS[TypeKind.U256], 256, 16),
        (pointer_type(list_type(FELT)), 32, 4),
        (list_type(FELT), None, 4),
        (struct_type([]), 0, 1),
        (struct_type([SCALARS[TypeKind.U32], SCALARS[TypeKind.U8]]), 64, 4),
        (struct_type([SCALARS[TypeKind.U32], SCALARS[TypeKind.U8]], StructRepr.ALIGN, 8), 64, 8),
        (struct_type([SCALARS[TypeKind.U8], SCALARS[TypeKind.U32]], StructRepr.PACKED, 1), 40, 1),
        (struct_type([SCALARS[TypeKind.NEVER], FELT], StructRepr.TRANSPARENT), 32, 4),
        (struct_type([], StructRepr.PACKED, 3), 0, 3),
        (array_type(SCALARS[TypeKind.I1], 8), 57, 1),
        (array_type(list_type(FELT), 0), 0, 4),
        (array_type(list_type(FELT), 2), None, 4),
    ],
)
def test_types_have_a_layout(made: Type, size: int | None, alignment: int) -> None:
    assert (made.size_in_bits, made.alignment) == (size, alignment)


@pytest.mark.parametrize(
    "make",
    [
        lambda: struct_type([list_type(FELT)]),
        lambda: struct_type([SCALARS[TypeKind.U16]], StructRepr.ALIGN, 3),
        lambda: struct_type([FELT], StructRepr.PACKED, 3),
        lambda: struct_type([FELT, FELT], StructRepr.TRANSPARENT),
        lambda: struct_type([array_type(FELT, 2**30)]),
        lambda: struct_type([array_type(FELT, 2**29), array_type(FELT, 2**29)]),
        lambda: array_type(struct_type([], StructRepr.PACKED, 3), 2),
        lambda: struct_type([FELT] * 256),
        lambda: struct_type([FELT], StructRepr.ALIGN, 0),
        lambda: struct_type([FELT], StructRepr.PACKED, 65536),
        lambda: array_type(FELT, -1),
        lambda: array_type(FELT, 2**64),
    ],
)
def test_types_that_no_file_can_hold_are_refused(make: object) -> None:
    with pytest.raises(InputError):
        make()  # type: ignore[operator]


def test_attributes_are_sorted_by_name_and_key() -> None:
    one = MetaValue(MetaKind.INTEGER, 1)
    attributes = [Attribute.marker("inline"), Attribute.key_value("kv", {"b": one, "a": one}), Attribute.list("foo", [one])]
    made = ProcedureExport(0, "::a::b", None, attributes)
    assert [attribute.name for attribute in made.attributes] == ["foo", "inline", "kv"]
    assert [key for key, _ in made.attributes[2].items] == ["a", "b"]
    assert made.attributes[0] == Attribute(AttributeKind.LIST, "foo", [("", one)])
    assert len({one, MetaValue(MetaKind.INTEGER, 1), MetaValue(MetaKind.WORD, Word())}) == 2
    assert repr(one) == "MetaValue(kind=<MetaKind.INTEGER: 1>, value=1)"
