"""All files that the reference wrote: read, compared, written again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import FormatError, IntegrityError
from miden.field import Word
from miden.isa import NodeKind
from miden.mast.exports import (
    Attribute,
    ConstantExport,
    ConstantKind,
    ConstantValue,
    MetaKind,
    MetaValue,
    ProcedureExport,
    TypeExport,
)
from miden.mast.forest import MastForest
from miden.mast.library import KernelLibrary, Library
from miden.mast.program import Kernel, Program
from miden.mast.types import (
    FELT,
    SCALARS,
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
from miden.serde.program import kernel_to_bytes, stack_from_bytes, stack_to_bytes
from miden.serde.reader import Reader
from miden.serde.types import encode_type, read_type
from tests.strategies.mast import FELTS, WORDS, mast_forests
from tests.support.mast_vectors import FILES, VECTORS

CLASSES: dict[str, Any] = {"program": Program, "library": Library, "kernel": KernelLibrary}


@pytest.mark.parametrize(("kind", "data", "facts"), [file[1:] for file in FILES], ids=[file[0] for file in FILES])
def test_a_file_of_the_reference_is_read_and_written_back(kind: str, data: bytes, facts: dict[str, Any]) -> None:
    read = CLASSES[kind].from_bytes(data)
    assert read.to_bytes() == data
    trusted = CLASSES[kind].from_trusted_bytes(data)
    assert trusted == read
    if "hash" in facts:
        assert read.hash.to_hex() == "0x" + facts["hash"]
    if "digest" in facts:
        assert read.digest.to_hex() == "0x" + facts["digest"]
    if "exports" in facts:
        exports = {path.removeprefix("::"): word and word.to_hex()[2:] for path, word in read.exports.items()}
        assert exports == {path.removeprefix("::"): digest for path, digest in facts["exports"].items()}
    if "nodes" in facts:
        assert [digest.to_hex()[2:] for digest in read.forest.digests] == [node[1] for node in facts["nodes"]]
        assert [read.forest.kind(node).name.lower() for node in range(len(read.forest))] == [node[0] for node in facts["nodes"]]
    if "roots" in facts:
        assert list(read.forest.roots) == facts["roots"]
    if "entrypoint" in facts:
        assert read.entrypoint == facts["entrypoint"]
    if "stripped_forest" in facts:
        assert read.forest.strip_debug_info().to_bytes().hex() == facts["stripped_forest"]


def test_there_are_files_of_every_kind() -> None:
    assert {file[1] for file in FILES} == set(CLASSES)


@pytest.mark.parametrize("name", ["forest1_hex", "forest2_hex", "forest2_stripped_hex"])
def test_a_forest_of_the_reference_is_read_and_written_back(name: str) -> None:
    data = bytes.fromhex(VECTORS[name])
    assert MastForest.from_bytes(data).to_bytes() == data


def test_stripping_gives_the_bytes_of_the_reference() -> None:
    forest = MastForest.from_bytes(bytes.fromhex(VECTORS["forest2_hex"]))
    assert forest.strip_debug_info().to_bytes().hex() == VECTORS["forest2_stripped_hex"]


def test_the_empty_forest_is_eight_bytes_of_header_and_twelve_ones() -> None:
    data = b"MAST" + bytes(4) + b"\x01" * 12
    forest = MastForest.from_bytes(data)
    assert (len(forest), forest.to_bytes()) == (0, data)


@given(mast_forests())
def test_any_forest_comes_back(forest: MastForest) -> None:
    data = forest.to_bytes()
    assert MastForest.from_bytes(data) == forest
    assert MastForest.from_bytes(data).to_bytes() == data


@given(mast_forests(), st.lists(WORDS, max_size=3, unique=True))
def test_any_program_comes_back(forest: MastForest, kernel: list[Word]) -> None:
    program = Program(forest, forest.roots[-1], Kernel(kernel))
    assert Program.from_bytes(program.to_bytes()) == program


ALIGNED = st.sampled_from([StructRepr.ALIGN, StructRepr.PACKED])
SCALAR_TYPES = st.sampled_from(list(SCALARS.values()))


def has_size(made: Type) -> bool:
    """Tell whether a type may be a field of a struct, with others beside it."""
    return made.size_in_bits is not None and made.size_in_bits < 2**24


TYPES: st.SearchStrategy[Type] = st.recursive(
    SCALAR_TYPES,
    lambda inner: st.one_of(
        st.builds(pointer_type, inner, st.sampled_from(list(AddressSpace))),
        st.builds(struct_type, st.lists(inner.filter(has_size), max_size=3)),
        st.builds(struct_type, st.lists(inner.filter(has_size), max_size=1), st.just(StructRepr.TRANSPARENT)),
        st.builds(struct_type, st.lists(inner.filter(has_size), max_size=3), ALIGNED, st.integers(0, 15).map(lambda bits: 1 << bits)),
        st.builds(array_type, inner, st.one_of(st.integers(0, 20), st.just(2**64 - 1))),
        st.builds(list_type, inner),
        st.builds(function_type, st.lists(inner, max_size=3), st.lists(inner, max_size=2), st.sampled_from(list(CallConvention))),
    ),
    max_leaves=8,
)
SIGNATURES = st.builds(function_type, st.lists(TYPES, max_size=3), st.lists(TYPES, max_size=2), st.sampled_from(list(CallConvention)))
NAMES = st.text("abcXYZ09_-$é", min_size=1, max_size=8)
METAS = st.one_of(
    st.builds(MetaValue, st.just(MetaKind.IDENTIFIER), NAMES),
    st.builds(MetaValue, st.just(MetaKind.INTEGER), FELTS),
    st.builds(MetaValue, st.just(MetaKind.WORD), WORDS),
    st.builds(MetaValue, st.just(MetaKind.STRING), st.text(st.characters(codec="utf-8"), max_size=5)),
)
ATTRIBUTES = st.one_of(
    st.builds(Attribute.marker, NAMES),
    st.builds(Attribute.list, NAMES, st.lists(METAS, max_size=3)),
    st.builds(Attribute.key_value, NAMES, st.dictionaries(NAMES, METAS, max_size=3)),
)
CONSTANTS = st.one_of(
    st.builds(ConstantValue, st.just(ConstantKind.INTEGER), FELTS),
    st.builds(ConstantValue, st.just(ConstantKind.WORD), WORDS),
    st.builds(ConstantValue, st.sampled_from([ConstantKind.STRING, ConstantKind.HASH_WORD, ConstantKind.HASH_EVENT]), NAMES),
)


@given(TYPES)
def test_any_type_comes_back(made: Type) -> None:
    reader = Reader(encode_type(made))
    assert read_type(reader) == made
    reader.finish()


@pytest.mark.parametrize(
    ("made", "data"),
    [
        (struct_type([SCALARS[TypeKind.U32], SCALARS[TypeKind.U8]], StructRepr.ALIGN, 8), "110108000208 04"),
        (struct_type([SCALARS[TypeKind.U32], SCALARS[TypeKind.U8]], StructRepr.PACKED, 1), "110201000208 04"),
        (list_type(SCALARS[TypeKind.I1]), "1302"),
        (pointer_type(SCALARS[TypeKind.U256], AddressSpace.ELEMENT), "10010d"),
        (function_type([FELT], convention=CallConvention.KERNEL), "1405030f01"),
    ],
)
def test_types_are_encoded_as_in_the_reference(made: Type, data: str) -> None:
    assert encode_type(made) == bytes.fromhex(data)


@given(st.data())
def test_any_library_comes_back(data: st.DataObject) -> None:
    forest = data.draw(mast_forests(max_nodes=5))
    paths = data.draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    makers = [
        lambda path: st.builds(
            ProcedureExport,
            st.sampled_from(forest.roots),
            st.just(path),
            st.none() | SIGNATURES,
            st.lists(ATTRIBUTES, max_size=3, unique_by=lambda attribute: attribute.name),
        ),
        lambda path: st.builds(ConstantExport, st.just(path), CONSTANTS),
        lambda path: st.builds(TypeExport, st.just(path), TYPES),
    ]
    library = Library(forest, [data.draw(data.draw(st.sampled_from(makers))(f"::lib::{path}")) for path in paths])
    assert Library.from_bytes(library.to_bytes()) == library
    assert Library.from_bytes(library.to_bytes()).to_bytes() == library.to_bytes()


def test_the_library_of_the_specification_is_what_its_source_says() -> None:
    library = Library.from_bytes(bytes.fromhex(VECTORS["library"]["bytes_hex"]))
    assert library.items["::mylib::mod::FOO"] == ConstantExport("::mylib::mod::FOO", ConstantValue(ConstantKind.INTEGER, 5))
    assert library.items["::mylib::mod::W"] == ConstantExport("::mylib::mod::W", ConstantValue(ConstantKind.WORD, Word((1, 2, 3, 4))))
    foo = library.items["::mylib::mod::foo"]
    assert isinstance(foo, ProcedureExport)
    assert foo.signature == function_type([SCALARS[TypeKind.U32], FELT], [SCALARS[TypeKind.U64]])
    assert [attribute.name for attribute in foo.attributes] == ["foo", "inline", "kv"]


def test_a_big_endian_struct_is_written_but_not_read_as_in_the_reference() -> None:
    with pytest.raises(FormatError):
        read_type(Reader(encode_type(struct_type([FELT], StructRepr.BIG_ENDIAN))))


def test_a_string_constant_with_a_space_is_written_but_not_read_as_in_the_reference() -> None:
    forest = Library.from_bytes(bytes.fromhex(VECTORS["library"]["bytes_hex"])).forest
    library = Library(forest, [ConstantExport("::lib::A", ConstantValue(ConstantKind.STRING, "a b"))])
    with pytest.raises(FormatError, match="no identifier"):
        Library.from_bytes(library.to_bytes())


def test_stacks_are_encoded_as_in_the_reference() -> None:
    assert stack_to_bytes([3, 2, 1]).hex() == VECTORS["stack_inputs_1_2_3"]
    assert stack_to_bytes([1, 0, 3, *[0] * 13]).hex() == VECTORS["stack_outputs_1_0_3"]
    assert kernel_to_bytes(Kernel([(number, 0, 0, 0) for number in (256, 1, 2)])).hex() == VECTORS["kernel_sort"]


@given(st.lists(FELTS, max_size=16))
def test_any_stack_comes_back(values: list[int]) -> None:
    assert stack_from_bytes(stack_to_bytes(values)) == values + [0] * (16 - len(values))


def test_a_stack_of_17_is_refused() -> None:
    with pytest.raises(FormatError):
        stack_from_bytes(bytes([17]) + bytes(8 * 17))


def test_debug_information_is_decoded_when_it_is_asked_for() -> None:
    forest = MastForest.from_trusted_bytes(bytes.fromhex(VECTORS["forest2_hex"]))
    assert forest.debug_info._tables is None
    assert len(forest.debug_info.decorators) == 9
    assert forest.debug_info._tables is not None


def test_a_wrong_digest_is_found_unless_it_is_trusted() -> None:
    data = bytearray.fromhex(VECTORS["forest1_hex"])
    at = data.index(bytes.fromhex("63c2b2b5"))
    data[at] ^= 1
    with pytest.raises(IntegrityError) as caught:
        MastForest.from_bytes(bytes(data))
    assert caught.value.expected == "0x62" + "c2b2b5cf6abd6414fb93cc7af4ad22fed1c8d3182ea1a01d3aba005c453c57"
    assert MastForest.from_trusted_bytes(bytes(data)).kind(0) == NodeKind.BLOCK
