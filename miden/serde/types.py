"""Types and signatures in library files, read and written without recursion. (mast.md section 9.3.)"""

from __future__ import annotations

from miden.errors import FormatError, InputError
from miden.mast.types import SCALARS, TYPE_DEPTH_LIMIT, CallConvention, StructRepr, Type, TypeKind
from miden.serde.writer import u16, vint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.serde.reader import Reader


class _Open:
    """A type whose parts are being read."""

    __slots__ = ("kind", "missing", "numbers", "parts", "results")

    def __init__(self, kind: TypeKind, numbers: tuple[int, ...], missing: int) -> None:
        self.kind = kind
        self.numbers = numbers
        self.missing = missing
        self.parts: list[Type] = []
        self.results = False


def read_type(reader: Reader) -> Type:
    """Read a type."""
    return _read(reader, [])


def read_signature(reader: Reader) -> Type:
    """Read a signature: a function type without its tag."""
    return _read(reader, [_open_function(reader)])


def _read(reader: Reader, stack: list[_Open]) -> Type:
    while True:
        done = _close(reader, stack)  # what needs no more parts, an empty struct for one
        if done is not None:
            return done
        if len(stack) >= TYPE_DEPTH_LIMIT:
            reader.fail(f"types may nest {TYPE_DEPTH_LIMIT} deep", kind="TypeTooDeep")
        start = reader.pos
        tag = reader.u8()
        if tag > TypeKind.FUNCTION:
            reader.fail(f"there is no type with tag {tag}", pos=start, kind="InvalidType")
        kind = TypeKind(tag)
        if kind in SCALARS:
            if not stack:
                return SCALARS[kind]
            stack[-1].parts.append(SCALARS[kind])
            stack[-1].missing -= 1
        else:
            stack.append(_open(reader, kind))


def _close(reader: Reader, stack: list[_Open]) -> Type | None:
    """Finish the innermost types that have all their parts; return the outermost once it is finished."""
    while stack and stack[-1].missing == 0:
        top = stack[-1]
        if top.kind == TypeKind.FUNCTION and not top.results:
            top.results = True
            top.numbers = (*top.numbers, len(top.parts))
            top.missing = reader.count(1, "results")
            continue
        stack.pop()
        try:
            done = Type(top.kind, top.parts, top.numbers)
        except InputError as error:  # a struct without a layout
            raise FormatError(error.message, offset=reader.base + reader.pos, kind=error.kind) from error
        if not stack:
            return done
        stack[-1].parts.append(done)
        stack[-1].missing -= 1
    return None


def _open(reader: Reader, kind: TypeKind) -> _Open:
    start = reader.pos
    if kind == TypeKind.FUNCTION:
        return _open_function(reader)
    if kind == TypeKind.POINTER:
        space = reader.u8()
        if space > 1:
            reader.fail(f"there is no address space {space}", pos=start, kind="InvalidType")
        return _Open(kind, (space,), 1)
    if kind == TypeKind.ARRAY:
        return _Open(kind, (reader.vint(),), 1)
    if kind == TypeKind.LIST:
        return _Open(kind, (), 1)
    representation, alignment = reader.u8(), 0
    if representation > StructRepr.TRANSPARENT:
        reader.fail(f"there is no readable representation {representation} of a struct", pos=start, kind="InvalidType")
    if representation in (StructRepr.ALIGN, StructRepr.PACKED):
        alignment = reader.u16()
        if alignment == 0:
            reader.fail("an alignment must not be 0", pos=reader.pos - 2, kind="InvalidType")
    return _Open(kind, (representation, alignment), reader.u8())


def _open_function(reader: Reader) -> _Open:
    start = reader.pos
    convention = reader.u8()
    if convention > CallConvention.KERNEL:
        reader.fail(f"there is no call convention {convention}", pos=start, kind="InvalidType")
    return _Open(TypeKind.FUNCTION, (convention,), reader.count(1, "parameters"))


def encode_type(root: Type) -> bytes:
    """Write a type.

    >>> from miden.mast.types import FELT, CallConvention, function_type
    >>> encode_type(function_type([FELT], convention=CallConvention.KERNEL)).hex()
    '1405030f01'
    """
    parts: list[bytes] = []
    todo: list[Type | bytes] = [root]
    while todo:
        item = todo.pop()
        if isinstance(item, bytes):
            parts.append(item)
            continue
        parts.append(bytes((item.kind,)))
        if item.kind == TypeKind.FUNCTION:
            results = item.results
            todo += reversed(results)
            todo.append(vint(len(results)))
            parts += (bytes((item.convention,)), vint(len(item.params)))
            todo += reversed(item.params)
            continue
        if item.kind == TypeKind.POINTER:
            parts.append(bytes(item.numbers))
        elif item.kind == TypeKind.ARRAY:
            parts.append(vint(item.numbers[0]))
        elif item.kind == TypeKind.STRUCT:
            representation, alignment = item.numbers
            aligned = representation in (StructRepr.ALIGN, StructRepr.PACKED)
            parts += (bytes((representation,)), u16(alignment) if aligned else b"", bytes((len(item.parts),)))
        todo += reversed(item.parts)
    return b"".join(parts)


def encode_signature(signature: Type) -> bytes:
    """Write a signature: a function type without its tag."""
    return encode_type(signature)[1:]
