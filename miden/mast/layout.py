"""Size and alignment of types: what a reader of the reference computes, and refuses where there is none.

Sizes are in bits of the byte-addressed memory of compilers to Miden, where an element takes four bytes. A struct
must have a layout, so its fields must have sizes; a list has none. (mast.md section 9.3.)
"""

from __future__ import annotations

from miden.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    Layout: TypeAlias = tuple[int | None, int]
    """Size in bits, None where a type has none; alignment in bytes."""

SIZE_LIMIT = 2**32
"""Bytes; a type must be smaller."""

SCALAR_LAYOUTS: tuple[Layout, ...] = (
    *((0, 1), (0, 1), (1, 1), (8, 1), (8, 1), (16, 2), (16, 2), (32, 4), (32, 4)),
    *((64, 4), (64, 4), (128, 16), (128, 16), (256, 16), (64, 4), (32, 4)),
)
"""Layouts of the types without parts, by kind."""

POINTER_LAYOUT: Layout = (32, 4)
"""Layout of pointers and functions."""


def array_layout(element: Layout, length: int) -> Layout:
    """Return the layout of an array: all elements but the last are padded to their alignment.

    >>> array_layout((1, 1), 8)
    (57, 1)
    """
    size, alignment = element
    if length == 0:
        return 0, alignment
    if size is None or length == 1:
        return size, alignment
    return size + align_up(size, 8 * alignment) * (length - 1), alignment


def struct_layout(fields: Sequence[Layout], *, align: int = 0, packed: int = 0) -> Layout:
    """Return the layout of a struct with natural, at least `align` or at most `packed` alignment of its fields.

    >>> struct_layout([(8, 1), (32, 4)])
    (64, 4)
    >>> struct_layout([(8, 1), (32, 4)], packed=1)
    (40, 1)
    """
    natural = max((alignment for _, alignment in fields), default=1)
    whole = min(packed, natural) if packed else max(align, natural)
    offset = 0
    for field in fields:
        alignment = min(packed, field[1]) if packed else field[1]
        offset = align_up(offset, alignment) + field_size(field)
    size = 8 * align_up(offset, whole)
    _check_size(size)
    return size, align or packed or natural


def transparent_layout(fields: Sequence[Layout]) -> Layout:
    """Return the layout of a struct that is laid out as its only field that takes space."""
    sizes = [field_size(field) for field in fields]
    if sum(size > 0 for size in sizes) > 1:
        raise InputError("a transparent struct has at most one field that takes space", kind="InvalidLayout")
    return 8 * sum(sizes), max((field[1] for field, size in zip(fields, sizes, strict=True) if size), default=1)


def field_size(field: Layout) -> int:
    """Return the size in bytes that a field of a struct takes."""
    size = field[0]
    if size is None:
        raise InputError("a list has no size, so it cannot be a field of a struct", kind="InvalidLayout")
    _check_size(size)
    return (size + 7) // 8


def align_up(value: int, alignment: int) -> int:
    """Return the least multiple of `alignment`, a power of two, that is not less than `value`."""
    if alignment & (alignment - 1):
        raise InputError(f"an alignment must be a power of two, found {alignment}", kind="InvalidLayout")
    return (value + alignment - 1) & -alignment


def _check_size(bits: int) -> None:
    if bits >= 8 * SIZE_LIMIT:
        raise InputError(f"a type must be smaller than 2**32 bytes, found {bits // 8}", kind="InvalidLayout")
