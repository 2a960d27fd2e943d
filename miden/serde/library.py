"""The file format of libraries, and what exports are made of. (mast.md section 9.)"""

from __future__ import annotations

from miden.errors import FormatError, InputError
from miden.field import Word
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
from miden.mast.paths import check_path, identifier_problem
from miden.mast.types import TypeKind
from miden.serde.forest import forest_to_bytes, read_forest
from miden.serde.reader import Reader
from miden.serde.types import encode_signature, encode_type, read_signature, read_type
from miden.serde.writer import felts, text, u16, u32, u64, vint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    from miden.mast.exports import Export
    from miden.mast.forest import MastForest
    from miden.mast.library import Library
    from miden.mast.types import Type

    AnyLibrary = TypeVar("AnyLibrary", bound=Library)

PROCEDURE = 0
CONSTANT = 1
TYPE = 2

_KNOWN_SIGNATURES = 32

_HASH = 4
"""Tag of the two kinds of constants that are hashes of strings; a byte that tells which follows it."""


def library_from_bytes(cls: type[AnyLibrary], data: bytes, *, verify: bool = True) -> AnyLibrary:
    """Read a library, or a kernel library, that is all of `data`."""
    reader = Reader(bytes(data))
    library = read_library(cls, reader, verify=verify)
    reader.finish()
    return library


def read_library(cls: type[AnyLibrary], reader: Reader, *, verify: bool = True) -> AnyLibrary:
    """Read a library and leave the reader behind it; paths may come in any order, but only once."""
    return read_exports(cls, reader, read_forest(reader, verify=verify))


def read_exports(cls: type[AnyLibrary], reader: Reader, forest: MastForest) -> AnyLibrary:
    """Read what a library says about the forest before it."""
    start = reader.pos
    count = reader.count(5, "exports")
    if count == 0:
        reader.fail("a library must export something", pos=start, kind="NoExport")
    items: dict[str, Export] = {}
    signatures: dict[bytes, Type] = {}
    node_count = len(forest)
    for _ in range(count):
        at = reader.pos
        item = _read_export(reader, node_count, signatures)
        if item.path in items:
            reader.fail(f"{item.path} is exported twice", pos=at, kind="DuplicateKey")
        items[item.path] = item
    try:
        return cls.from_checked(forest, items.values())
    except InputError as error:  # what makes a library no kernel
        raise FormatError(error.message, offset=reader.base + start, kind=error.kind) from error


def _read_export(reader: Reader, node_count: int, signatures: dict[bytes, Type]) -> Export:
    start = reader.pos
    tag = reader.u8()
    if tag > TYPE:
        reader.fail(f"there is no export with tag {tag}", pos=start, kind="InvalidExport")
    path = read_path(reader)
    if tag == PROCEDURE:
        node = reader.u32()
        if node >= node_count:
            reader.fail(f"{path} is node {node}, there are {node_count}", pos=reader.pos - 4, kind="InvalidNodeId")
        signature = _read_known_signature(reader, signatures) if reader.flag() else None
        return ProcedureExport(node, path, signature, read_attributes(reader))
    if tag == CONSTANT:
        return ConstantExport(path, read_constant(reader))
    return TypeExport(path, read_type(reader))


def _read_known_signature(reader: Reader, known: dict[bytes, Type]) -> Type:
    """Read a signature; `known` are the first few by their bytes: in a library many procedures have the same."""
    start = reader.pos
    for encoded, signature in known.items():
        if reader.data.startswith(encoded, start, reader.end):
            reader.pos = start + len(encoded)
            return signature
    signature = read_signature(reader)
    if len(known) < _KNOWN_SIGNATURES:
        known[reader.data[start : reader.pos]] = signature
    return signature


def library_to_bytes(library: Library) -> bytes:
    """Write a library."""
    parts = [forest_to_bytes(library.forest), vint(len(library.items))]
    for path, item in library.items.items():
        if isinstance(item, ProcedureExport):
            parts += (bytes((PROCEDURE,)), encode_path(path), u32(item.node))
            parts += (encode_optional_signature(item.signature), encode_attributes(item.attributes))
        elif isinstance(item, ConstantExport):
            parts += (bytes((CONSTANT,)), encode_path(path), encode_constant(item.value))
        else:
            parts += (bytes((TYPE,)), encode_path(path), encode_type(item.type))
    return b"".join(parts)


# what exports are made of


def read_path(reader: Reader) -> str:
    """Read a path: two bytes of length, then UTF-8."""
    start = reader.pos
    path = reader.utf8(reader.u16())
    try:
        check_path(path)
    except InputError as error:
        raise FormatError(error.message, offset=reader.base + start, kind=error.kind) from error
    return path


def encode_path(path: str) -> bytes:
    """Write a path."""
    data = path.encode()
    return u16(len(data)) + data


def encode_optional_signature(signature: Type | None) -> bytes:
    """Write a flag and, if there is one, a signature."""
    if signature is None:
        return b"\0"
    if signature.kind != TypeKind.FUNCTION:
        raise InputError(f"a signature must be a function type, found {signature!r}", kind="InvalidType")
    return b"\x01" + encode_signature(signature)


def read_identifier(reader: Reader) -> str:
    """Read a string that must be an identifier."""
    start = reader.pos
    name = reader.text()
    problem = identifier_problem(name)
    if problem:
        reader.fail(f"{name[:80]!r} is no identifier: {problem}", pos=start, kind="InvalidIdentifier")
    return name


def read_attributes(reader: Reader) -> list[Attribute]:
    """Read the attributes of a procedure, which must be in the order of their names."""
    attributes: list[Attribute] = []
    for _ in range(reader.count(2, "attributes")):
        start = reader.pos
        tag = reader.u8()
        if tag > AttributeKind.KEY_VALUE:
            reader.fail(f"there is no attribute with tag {tag}", pos=start, kind="InvalidAttribute")
        kind = AttributeKind(tag)
        name = read_identifier(reader)
        items: list[tuple[str, MetaValue]] = []
        if kind == AttributeKind.LIST:
            items = [("", _read_meta(reader)) for _ in range(reader.count(2, "values"))]
        elif kind == AttributeKind.KEY_VALUE:
            items = [(read_identifier(reader), _read_meta(reader)) for _ in range(reader.count(4, "values"))]
            if len({key for key, _ in items}) != len(items):
                reader.fail(f"a key of attribute {name!r} occurs twice", pos=start, kind="DuplicateKey")
        if attributes and attributes[-1].name >= name:
            reader.fail(f"attribute {name!r} is out of order", pos=start, kind="InvalidAttribute")
        attributes.append(Attribute(kind, name, items))
    return attributes


def _read_meta(reader: Reader) -> MetaValue:
    start = reader.pos
    tag = reader.u8()
    if tag > MetaKind.STRING:
        reader.fail(f"there is no attribute value with tag {tag}", pos=start, kind="InvalidAttribute")
    if tag == MetaKind.IDENTIFIER:
        return MetaValue(MetaKind.IDENTIFIER, read_identifier(reader))
    if tag == MetaKind.INTEGER:
        return MetaValue(MetaKind.INTEGER, reader.felt())
    if tag == MetaKind.WORD:
        return MetaValue(MetaKind.WORD, Word(reader.felts(4)))
    return MetaValue(MetaKind.STRING, reader.text())


def encode_attributes(attributes: Sequence[Attribute]) -> bytes:
    """Write the attributes of a procedure."""
    parts = [vint(len(attributes))]
    for attribute in attributes:
        parts += (bytes((attribute.kind,)), text(attribute.name))
        if attribute.kind != AttributeKind.MARKER:
            parts.append(vint(len(attribute.items)))
        for key, value in attribute.items:
            if attribute.kind == AttributeKind.KEY_VALUE:
                parts.append(text(key))
            parts += (bytes((value.kind,)), _encode_value(value.value))
    return b"".join(parts)


def _encode_value(value: str | int | Word) -> bytes:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        return u64(value)
    return felts(value)


def read_constant(reader: Reader) -> ConstantValue:
    """Read the value of a constant; strings must be identifiers, as for the reference."""
    start = reader.pos
    tag = reader.u8()
    if not 1 <= tag <= _HASH:
        reader.fail(f"there is no constant with tag {tag}", pos=start, kind="InvalidConstant")
    if tag == ConstantKind.INTEGER:
        return ConstantValue(ConstantKind.INTEGER, reader.felt())
    if tag == ConstantKind.STRING:
        return ConstantValue(ConstantKind.STRING, read_identifier(reader))
    if tag == ConstantKind.WORD:
        return ConstantValue(ConstantKind.WORD, Word(reader.felts(4)))
    is_event = reader.flag()
    return ConstantValue(ConstantKind.HASH_EVENT if is_event else ConstantKind.HASH_WORD, read_identifier(reader))


def encode_constant(value: ConstantValue) -> bytes:
    """Write the value of a constant."""
    if value.kind >= ConstantKind.HASH_WORD:
        return bytes((_HASH, value.kind - ConstantKind.HASH_WORD)) + _encode_value(value.value)
    return bytes((value.kind,)) + _encode_value(value.value)
