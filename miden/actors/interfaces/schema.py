"""Types of values, as IPLD schemas describe them, and what they accept. (fvm.md section 1, item 24; the IPLD schema specification.)

Supported are the kinds of the data model, links, lists, maps with text keys, structs as lists (``representation tuple``) or as maps,
enums as texts or integers, unions told apart by a key (``keyed``) or by their kinds (``kinded``), other names of types, optional and
nullable fields. A schema is a block: types in the form that IPLD calls the DMT.

Four names have a meaning beyond their kind, in schemas that declare them as here: ``Address`` (bytes: an address), ``TokenAmount``
(bytes: an amount), ``ActorID`` (an int of 64 bits), ``Uint`` (an int from 0 to 2^63 - 1).
"""

from __future__ import annotations

from typing import NamedTuple

from miden.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TypeAlias

    from miden.ipld.dagcbor import Value

    Type: TypeAlias = "Scalar | Name | ListOf | MapOf | Struct | EnumOf | UnionOf"
    Plain: TypeAlias = "Scalar | ListOf | MapOf | Struct | EnumOf | UnionOf"

MAX_DEPTH = 64
"""Levels to which types and values may nest."""
MAX_TYPES = 1024


class Scalar(NamedTuple):
    """A kind without parts: bool, int, float, string, bytes, link, any or null."""

    kind: str


class Name(NamedTuple):
    """A type by its name."""

    name: str


class ListOf(NamedTuple):
    """A list of values of one type."""

    item: Type
    nullable: bool = False


class MapOf(NamedTuple):
    """A map from texts to values of one type."""

    value: Type
    nullable: bool = False


class Field(NamedTuple):
    """A field of a struct; one that is optional may be missing (in a list: at the end), one that is nullable may be null."""

    name: str
    type: Type
    optional: bool = False
    nullable: bool = False


class Struct(NamedTuple):
    """Named fields, kept as a list, or as a map if `as_map`."""

    fields: tuple[Field, ...]
    as_map: bool = False

    @property
    def required(self) -> int:
        """How many fields at the start a list must have."""
        return max((index for index, field in enumerate(self.fields, 1) if not field.optional), default=0)


class EnumOf(NamedTuple):
    """One of some names, each kept as a text, or each as an integer: pairs of the two."""

    members: tuple[tuple[str, str | int], ...]

    @property
    def as_int(self) -> bool:
        """Whether integers are kept."""
        return bool(self.members) and type(self.members[0][1]) is int


class UnionOf(NamedTuple):
    """A value of one of several types: pairs of a type's name and what tells it, the one key of a map or, `by_kind`, its own kind."""

    members: tuple[tuple[str, str], ...]
    by_kind: bool = False


KINDS = {"Bool": "bool", "Int": "int", "Float": "float", "String": "string", "Bytes": "bytes", "Link": "link", "Any": "any", "Null": "null"}
"""Names that all schemas have -> their kinds."""

RESERVED = frozenset((*KINDS, *KINDS.values(), "struct", "enum", "union", "nullable", "optional"))
"""Words of the language of schemas, which no type is named by."""

WELL_KNOWN: Mapping[str, Type] = {
    "Address": Scalar("bytes"),
    "TokenAmount": Scalar("bytes"),
    "ActorID": Scalar("int"),
    "Uint": Scalar("int"),
}
"""Names with a meaning, and how a schema declares them."""

RANGES = {"ActorID": 1 << 64, "Uint": 1 << 63}
"""Names of integers -> what they stay below."""


def is_name(text: object) -> bool:
    """Tell whether something can be the name of a type, field, method or error."""
    return isinstance(text, str) and 0 < len(text) <= 128 and text.isascii() and text.isidentifier()


class Schema:
    """Types by name. Raises `FormatError` for names that stand for nothing, or only for each other.

    >>> schema = Schema({"Pair": Struct((Field("a", Name("Int")), Field("b", Name("String"), optional=True)))})
    >>> Schema.read(schema.form()).types == schema.types
    True
    """

    def __init__(self, types: Mapping[str, Type]) -> None:
        self.types = dict(sorted(types.items()))
        if len(self.types) > MAX_TYPES:
            raise FormatError(f"a schema has at most {MAX_TYPES} types, not {len(self.types)}", kind="SchemaTooLarge")
        for name, declared in self.types.items():
            if name in RESERVED:
                raise FormatError(f"{name} is a word of the language and cannot be declared", kind="InvalidSchema")
            self._check_names(declared, name)
        for name in self.types:
            self.resolve(Name(name))
        for name, declared in self.types.items():
            self._check_kinds(declared, name)

    def check(self, declared: Type, where: str) -> None:
        """Raise `FormatError` unless all names in a type stand for something, and all its parts can be told apart."""
        self._check_names(declared, where)
        self._check_kinds(declared, where)

    def _check_names(self, declared: Type, where: str) -> None:
        for found in parts(declared):
            if isinstance(found, Name) and found.name not in self.types and found.name not in KINDS:
                raise FormatError(f"{where}: no type is named {found.name}", kind="UnknownType")
            if isinstance(found, Struct):
                _distinct((field.name for field in found.fields), f"{where}: a field has the name of another")
                if not found.as_map and any(field.optional for field in found.fields[: found.required]):
                    raise FormatError(f"{where}: in a list, optional fields come last", kind="InvalidSchema")
            elif isinstance(found, (EnumOf, UnionOf)):
                if not found.members:
                    raise FormatError(f"{where}: an enum or a union has a member at least", kind="InvalidSchema")
                if isinstance(found, EnumOf) and found.as_int and not all(-(1 << 63) <= int(value) < 1 << 63 for _, value in found.members):
                    raise FormatError(f"{where}: an integer of an enum has at most 64 bits", kind="InvalidSchema")
                for side in zip(*found.members, strict=True):
                    _distinct(side, f"{where}: two members cannot be told apart")

    def _check_kinds(self, declared: Type, where: str) -> None:
        """Raise `FormatError` unless the members of a union are of the kinds that tell them."""
        for found in parts(declared):
            if isinstance(found, UnionOf) and found.by_kind:
                for name, kind in found.members:
                    of = self.kind(Name(name))
                    if of != kind:
                        raise FormatError(f"{where}: member {name} is not told by kind {kind}, it is of kind {of}", kind="InvalidSchema")

    def kind(self, declared: Type) -> str:
        """Return the kind of the data model that values of a type are kept as; ``any`` for several."""
        found = self.resolve(declared)
        if isinstance(found, Scalar):
            return found.kind
        if isinstance(found, EnumOf):
            return "int" if found.as_int else "string"
        if isinstance(found, UnionOf):
            return "any" if found.by_kind else "map"
        return "list" if isinstance(found, ListOf) or (isinstance(found, Struct) and not found.as_map) else "map"

    def resolve(self, declared: Type) -> Plain:
        """Return what a type is, names followed."""
        for _ in range(MAX_DEPTH):
            if not isinstance(declared, Name):
                return declared
            kind = KINDS.get(declared.name)
            declared = Scalar(kind) if kind else self.types[declared.name]
        raise FormatError(f"type {declared} stands only for other names", kind="InvalidSchema")

    def meaning(self, declared: Type) -> str:
        """Return the name in `WELL_KNOWN` that a type goes by, or nothing."""
        for _ in range(MAX_DEPTH):
            if not isinstance(declared, Name) or declared.name in KINDS:
                return ""
            if declared.name in WELL_KNOWN and self.types[declared.name] == WELL_KNOWN[declared.name]:
                return declared.name
            declared = self.types[declared.name]
        return ""

    def form(self) -> Value:
        """Return the schema as a value of dag-cbor: ``{"types": {...}}``."""
        return {"types": {name: type_form(declared) for name, declared in self.types.items()}}

    @classmethod
    def read(cls, value: Value) -> Schema:
        """Return the schema for a value of dag-cbor; raises `FormatError`."""
        if type(value) is not dict or type(value.get("types")) is not dict:
            raise FormatError("expected types in a schema", kind="InvalidSchema")
        for name in value["types"]:
            if not is_name(name):
                raise FormatError(f"{name!r} is no name of a type", kind="InvalidSchema")
        return cls({name: read_type(declared) for name, declared in value["types"].items()})


def parts(declared: Type) -> Iterator[Type]:
    """Yield a type and all types in it, names as they are."""
    pending = [declared]
    while pending:
        found = pending.pop()
        yield found
        if isinstance(found, ListOf):
            pending.append(found.item)
        elif isinstance(found, MapOf):
            pending.append(found.value)
        elif isinstance(found, Struct):
            pending += [field.type for field in found.fields]
        elif isinstance(found, UnionOf):
            pending += [Name(name) for name, _ in found.members]


def _distinct(items: Iterable[object], complaint: str) -> None:
    found = list(items)
    if len(set(found)) != len(found):
        raise FormatError(complaint, kind="InvalidSchema")


def type_form(declared: Type) -> Value:
    """Return a type as a value of dag-cbor, a name as a text."""
    if isinstance(declared, Name):
        return declared.name
    if isinstance(declared, Scalar):
        return {declared.kind: {}}
    if isinstance(declared, ListOf):
        return {"list": {"valueType": type_form(declared.item), **({"valueNullable": True} if declared.nullable else {})}}
    if isinstance(declared, MapOf):
        nullable = {"valueNullable": True} if declared.nullable else {}
        return {"map": {"keyType": "String", "valueType": type_form(declared.value), **nullable}}
    if isinstance(declared, EnumOf):
        values = dict(declared.members)
        kept = {name: value for name, value in values.items() if name != value}  # a text is the name unless told otherwise
        return {"enum": {"members": list(values), "representation": {"int" if declared.as_int else "string": kept}}}
    if isinstance(declared, UnionOf):
        told = {key: name for name, key in declared.members}
        return {"union": {"members": list(told.values()), "representation": {"kinded" if declared.by_kind else "keyed": told}}}
    fields = [{"name": field.name, **_field_form(field)} for field in declared.fields]
    return {"struct": {"fields": fields, "representation": {"map" if declared.as_map else "tuple": {}}}}


def _field_form(field: Field) -> Value:
    flags = {name: True for name in ("optional", "nullable") if getattr(field, name)}
    return {"type": type_form(field.type), **flags}


def read_type(value: Value, depth: int = 0) -> Type:
    """Return the type for a value of dag-cbor; raises `FormatError`, of kind ``UnknownKind`` for what is not supported."""
    if depth > MAX_DEPTH:
        raise FormatError(f"types nested deeper than {MAX_DEPTH} levels", kind="NestingLimitExceeded")
    if isinstance(value, str):
        if not is_name(value):
            raise FormatError(f"{value!r} is no name of a type", kind="InvalidSchema")
        return Name(value)
    if type(value) is not dict or len(value) != 1:
        raise FormatError("expected a name or one kind with its details for a type", kind="InvalidSchema")
    kind, details = next(iter(value.items()))
    if type(details) is not dict:
        raise FormatError(f"expected the details of a {kind}", kind="InvalidSchema")
    if kind in KINDS.values():
        return Scalar(kind)
    if kind == "copy":
        return read_type(details.get("fromType"), depth + 1)
    if kind in ("list", "map"):
        item, nullable = read_type(details.get("valueType"), depth + 1), details.get("valueNullable") is True
        if kind == "list":
            return ListOf(item, nullable)
        if details.get("keyType", "String") != "String":
            raise FormatError("expected texts as the keys of a map", kind="InvalidSchema")
        return MapOf(item, nullable)
    if kind == "struct":
        return _read_struct(details, depth)
    if kind in ("enum", "union"):
        return _read_members(kind, details)
    hint = "use structs, enums, unions, lists, maps and scalars"
    raise FormatError(f"types of kind {kind} are not supported", kind="UnknownKind", hint=hint)


def _read_struct(details: Value, depth: int) -> Struct:
    fields, representation = details.get("fields"), details.get("representation", {"map": {}})
    if type(fields) is not list or type(representation) is not dict or list(representation) not in (["tuple"], ["map"]):
        raise FormatError("expected a list of fields, and a list or a map as their representation", kind="InvalidSchema")
    read = []
    for field in fields:
        if type(field) is not dict or not is_name(field.get("name")):
            raise FormatError("expected a name in every field of a struct", kind="InvalidSchema")
        declared = read_type(field.get("type"), depth + 1)
        read.append(Field(field["name"], declared, field.get("optional") is True, field.get("nullable") is True))
    return Struct(tuple(read), "map" in representation)


def _read_members(kind: str, details: Value) -> EnumOf | UnionOf:
    """Read an enum or a union: names in an order, and a map that says how they are told apart."""
    names, representation = details.get("members"), details.get("representation")
    if type(names) is not list or not all(is_name(name) for name in names) or len(set(names)) != len(names):
        raise FormatError(f"expected a list of names as the members of a {kind}", kind="InvalidSchema")
    if type(representation) is not dict or len(representation) != 1 or type(told := next(iter(representation.values()))) is not dict:
        raise FormatError(f"expected one way in which the members of a {kind} are told apart", kind="InvalidSchema")
    [way] = representation
    if kind == "enum" and way in ("string", "int"):
        values = {**{name: name for name in names if way == "string"}, **told}
        if set(values) != set(names) or not all(type(value) is (str if way == "string" else int) for value in values.values()):
            raise FormatError(f"expected one {way} for each member of an enum", kind="InvalidSchema")
        return EnumOf(tuple((name, values[name]) for name in names))
    if kind == "union" and way in ("keyed", "kinded"):
        keys = {name: key for key, name in told.items() if isinstance(name, str)}
        if len(keys) != len(told) or set(keys) != set(names):
            raise FormatError("expected one key for each member of a union", kind="InvalidSchema")
        return UnionOf(tuple((name, keys[name]) for name in names), way == "kinded")
    raise FormatError(f"a {kind} told apart by {way} is not supported", kind="UnknownKind", hint="use string, int, keyed or kinded")
