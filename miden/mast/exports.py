"""What a library exports: procedures, constants and types, with their attributes. (mast.md section 9.)"""

from __future__ import annotations

from miden.numbered import Numbered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    from miden.field import Word
    from miden.mast.types import Type


class MetaKind(Numbered):
    """Kinds of values in attributes, numbered as in the file format."""

    IDENTIFIER = 0
    INTEGER = 1
    WORD = 2
    STRING = 3


class ConstantKind(Numbered):
    """Kinds of constant values, numbered as in the file format."""

    INTEGER = 1
    STRING = 2
    WORD = 3
    HASH_WORD = 4
    HASH_EVENT = 5
    """In the file format 4 as well, followed by 1."""


class AttributeKind(Numbered):
    """Kinds of attributes, numbered as in the file format."""

    MARKER = 0
    LIST = 1
    KEY_VALUE = 2


class _Value:
    """Equality, hash and repr of a plain value with slots."""

    __slots__: tuple[str, ...] = ()

    def _fields(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in type(self).__slots__)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in zip(type(self).__slots__, self._fields(), strict=True))
        return f"{type(self).__name__}({shown})"


class MetaValue(_Value):
    """One value of an attribute: a str, an int or a `Word`, as `kind` says."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: MetaKind, value: str | int | Word) -> None:
        self.kind = MetaKind(kind)
        self.value = value


class Attribute(_Value):
    """An attribute of a procedure: ``@name``, ``@name(values)`` or ``@name(key = value)``.

    `items` holds pairs (key, value), sorted by key; the keys of a list are empty strings, in order.
    """

    __slots__ = ("kind", "name", "items")  # noqa: RUF023  # the order of the constructor, which repr shows

    def __init__(self, kind: AttributeKind, name: str, items: Iterable[tuple[str, MetaValue]] = ()) -> None:
        self.kind = AttributeKind(kind)
        self.name = name
        self.items = tuple(sorted(items, key=lambda item: item[0]))

    @classmethod
    def marker(cls, name: str) -> Attribute:
        """Make ``@name``."""
        return cls(AttributeKind.MARKER, name)

    @classmethod
    def list(cls, name: str, values: Iterable[MetaValue]) -> Attribute:
        """Make ``@name(value, ...)``."""
        return cls(AttributeKind.LIST, name, (("", value) for value in values))

    @classmethod
    def key_value(cls, name: str, values: Mapping[str, MetaValue]) -> Attribute:
        """Make ``@name(key = value, ...)``."""
        return cls(AttributeKind.KEY_VALUE, name, values.items())


class ConstantValue(_Value):
    """Value of an exported constant: an int, a str, a `Word`, or the str that ``word("...")``, ``event("...")`` name."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: ConstantKind, value: str | int | Word) -> None:
        self.kind = ConstantKind(kind)
        self.value = value


class ProcedureExport(_Value):
    """A procedure of a library: a procedure root of its forest under a path."""

    __slots__ = ("node", "path", "signature", "attributes")  # noqa: RUF023

    def __init__(self, node: int, path: str, signature: Type | None = None, attributes: Iterable[Attribute] = ()) -> None:
        self.node = node
        self.path = path
        self.signature = signature
        self.attributes = tuple(sorted(attributes, key=lambda attribute: attribute.name)) if attributes else ()


class ConstantExport(_Value):
    """A constant of a library."""

    __slots__ = ("path", "value")

    def __init__(self, path: str, value: ConstantValue) -> None:
        self.path = path
        self.value = value


class TypeExport(_Value):
    """A type of a library."""

    __slots__ = ("path", "type")

    def __init__(self, path: str, type: Type) -> None:
        self.path = path
        self.type = type


if TYPE_CHECKING:
    Export: TypeAlias = ProcedureExport | ConstantExport | TypeExport
