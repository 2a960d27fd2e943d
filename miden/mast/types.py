"""Types and signatures that exports carry. They describe; nothing in the machine depends on them.

Types are immutable values, no deeper than `TYPE_DEPTH_LIMIT`, which is what makes their plain recursion safe.
(mast.md section 9.3.)
"""

from __future__ import annotations

from miden.errors import InputError
from miden.mast.layout import POINTER_LAYOUT, SCALAR_LAYOUTS, array_layout, struct_layout, transparent_layout
from miden.numbered import Numbered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.mast.layout import Layout

TYPE_DEPTH_LIMIT = 128
"""Levels of types inside types; the reference has no limit and dies of depth."""


class TypeKind(Numbered):
    """Kinds of types, numbered as in the file format."""

    UNKNOWN = 0
    NEVER = 1
    I1 = 2
    I8 = 3
    U8 = 4
    I16 = 5
    U16 = 6
    I32 = 7
    U32 = 8
    I64 = 9
    U64 = 10
    I128 = 11
    U128 = 12
    U256 = 13
    F64 = 14
    FELT = 15
    POINTER = 16
    STRUCT = 17
    ARRAY = 18
    LIST = 19
    FUNCTION = 20


class AddressSpace(Numbered):
    """What a pointer counts."""

    BYTE = 0
    ELEMENT = 1


class StructRepr(Numbered):
    """Layout of a struct, numbered as in the file format."""

    DEFAULT = 0
    ALIGN = 1
    PACKED = 2
    TRANSPARENT = 3
    BIG_ENDIAN = 4


class CallConvention(Numbered):
    """How a function is called, numbered as in the file format."""

    FAST = 0
    SYSTEM_V = 1
    WASM = 2
    CANON_LIFT = 3
    CANON_LOWER = 4
    KERNEL = 5


class Type:
    """A type: its kind, the types in it, and the numbers that go with it.

    Use the functions below and the constants to make one. `size_in_bits` and `alignment`, in bytes, are its layout.

    Raises `InputError` of kind ``TypeTooDeep`` or ``InvalidLayout``.

    >>> array_type(FELT, 4)
    array[felt; 4]
    """

    __slots__ = ("alignment", "depth", "kind", "numbers", "parts", "size_in_bits")

    def __init__(self, kind: TypeKind, parts: Iterable[Type] = (), numbers: tuple[int, ...] = ()) -> None:
        self.kind = kind
        self.parts = tuple(parts)
        """Pointee, element, fields, or parameters followed by results."""
        self.numbers = numbers
        """Pointer: address space. Array: length. Struct: representation, alignment. Function: convention, number of parameters."""
        self.depth: int = 1 + max((part.depth for part in self.parts), default=0)
        if self.depth > TYPE_DEPTH_LIMIT:
            raise InputError(f"types may nest {TYPE_DEPTH_LIMIT} deep", kind="TypeTooDeep")
        self.size_in_bits, self.alignment = self._layout()

    def _layout(self) -> Layout:
        """Return size in bits, None for a list, and alignment in bytes."""
        if self.kind < TypeKind.POINTER:
            return SCALAR_LAYOUTS[self.kind]
        if self.kind in (TypeKind.POINTER, TypeKind.FUNCTION):
            return POINTER_LAYOUT
        layouts = [(part.size_in_bits, part.alignment) for part in self.parts]
        if self.kind == TypeKind.ARRAY:
            return array_layout(layouts[0], self.numbers[0])
        if self.kind == TypeKind.LIST:
            return None, layouts[0][1]
        representation, alignment = self.numbers
        if representation == StructRepr.TRANSPARENT:
            return transparent_layout(layouts)
        if representation == StructRepr.PACKED:
            return struct_layout(layouts, packed=alignment)
        return struct_layout(layouts, align=alignment)

    @property
    def params(self) -> tuple[Type, ...]:
        """Parameters of a function."""
        return self.parts[: self.numbers[1]]

    @property
    def results(self) -> tuple[Type, ...]:
        """Results of a function."""
        return self.parts[self.numbers[1] :]

    @property
    def convention(self) -> CallConvention:
        """Call convention of a function."""
        return CallConvention(self.numbers[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and (self.kind, self.numbers, self.parts) == (other.kind, other.numbers, other.parts)

    def __hash__(self) -> int:
        return hash((self.kind, self.numbers, self.parts))

    def __repr__(self) -> str:
        parts = [repr(part) for part in self.parts]
        match self.kind:
            case TypeKind.POINTER:
                return f"ptr<{parts[0]}, addrspace({'felt' if self.numbers[0] else 'byte'})>"
            case TypeKind.ARRAY:
                return f"array[{parts[0]}; {self.numbers[0]}]"
            case TypeKind.LIST:
                return f"list<{parts[0]}>"
            case TypeKind.STRUCT:
                representation, alignment = self.numbers
                names = {StructRepr.ALIGN: f" @align({alignment})", StructRepr.PACKED: f" @packed({alignment})"}
                names |= {StructRepr.TRANSPARENT: " @transparent", StructRepr.BIG_ENDIAN: " @bigendian"}
                return f"struct{names.get(StructRepr(representation), '')} {{ {', '.join(parts)} }}"
            case TypeKind.FUNCTION:
                count = self.numbers[1]
                return f"fn({', '.join(parts[:count])}) -> ({', '.join(parts[count:])})"
        return self.kind.name.lower()


SCALARS: dict[TypeKind, Type] = {kind: Type(kind) for kind in TypeKind if kind < TypeKind.POINTER}
"""Types without parts, by kind."""

FELT = SCALARS[TypeKind.FELT]


def pointer_type(pointee: Type, space: AddressSpace = AddressSpace.BYTE) -> Type:
    """Return the type of a pointer."""
    return Type(TypeKind.POINTER, (pointee,), (AddressSpace(space),))


def struct_type(fields: Iterable[Type], representation: StructRepr = StructRepr.DEFAULT, alignment: int = 0) -> Type:
    """Return the type of a struct of at most 255 fields; names of fields are not part of it."""
    parts = tuple(fields)
    if len(parts) > 255:
        raise InputError(f"a struct has at most 255 fields, found {len(parts)}", kind="TooManyFields")
    if representation in (StructRepr.ALIGN, StructRepr.PACKED) and not 0 < alignment < 2**16:
        raise InputError(f"an alignment must be in [1, 65535], found {alignment}", kind="InvalidAlignment")
    return Type(TypeKind.STRUCT, parts, (StructRepr(representation), alignment))


def array_type(element: Type, length: int) -> Type:
    """Return the type of an array of `length` elements."""
    if not 0 <= length < 2**64:
        raise InputError(f"the length of an array must be in [0, 2**64), found {length}", kind="InvalidLength")
    return Type(TypeKind.ARRAY, (element,), (length,))


def list_type(element: Type) -> Type:
    """Return the type of a list."""
    return Type(TypeKind.LIST, (element,))


def function_type(params: Iterable[Type] = (), results: Iterable[Type] = (), convention: CallConvention = CallConvention.FAST) -> Type:
    """Return the type of a function: a signature.

    >>> function_type([FELT], [FELT, FELT])
    fn(felt) -> (felt, felt)
    """
    inputs = tuple(params)
    return Type(TypeKind.FUNCTION, (*inputs, *results), (CallConvention(convention), len(inputs)))
