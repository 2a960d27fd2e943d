"""Values of types: from Python to what a block holds, and back, with the place in the value in every complaint.

Structs are read as named tuples, and written from dictionaries, tuples or lists. Members of enums are texts, those of unions are a
`Case`, written also as a dictionary with one entry, the name of the member and its value. Addresses are `Address`, or on the way in
also text and IDs; amounts are integers. Links are `Cid`. Nothing here goes deeper than the limit of `schema`.
"""

from __future__ import annotations

import re
from collections import namedtuple
from functools import lru_cache
from keyword import iskeyword
from typing import Any, NamedTuple

from miden.actors.address import Address, to_address
from miden.actors.interfaces.schema import MAX_DEPTH, RANGES, EnumOf, ListOf, MapOf, Name, Scalar, Struct, UnionOf
from miden.actors.messages import decode_amount, encode_amount
from miden.errors import FormatError, InputError
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.actors.interfaces.schema import Field, Schema, Type
    from miden.ipld.dagcbor import Value

_CLASSES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float,),
    "string": (str,),
    "bytes": (bytes,),
    "link": (Cid,),
    "null": (type(None),),
}
_SAID = {
    "bool": "true or false",
    "int": "an integer",
    "float": "a float",
    "string": "a text",
    "bytes": "bytes",
    "link": "a link",
    "null": "null",
}


class Case(NamedTuple):
    """A value of a union: the name of the member that it is of, and the value itself.

    >>> Case("Limit", 5)
    Case(name='Limit', value=5)
    """

    name: str
    value: Any


def _mismatch(where: str, expected: str, found: object) -> InputError:
    return InputError(f"{where}: expected {expected}, found {_shown(found)}", kind="SchemaMismatch")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def to_data(schema: Schema, declared: Type, value: Any, where: str = "value", depth: int = 0) -> Value:
    """Return the data for a Python value of a type; raises `InputError` of kind ``SchemaMismatch`` that says where and why.

    >>> from miden.actors.interfaces.schema import Field, Schema
    >>> pair = Struct((Field("to", Name("ActorID")), Field("amount", Name("Uint"))))
    >>> schema = Schema({"ActorID": Scalar("int"), "Uint": Scalar("int")})
    >>> to_data(schema, pair, {"to": "f0100", "amount": 5})
    [100, 5]
    """
    if depth > MAX_DEPTH:
        raise InputError(f"{where}: nested deeper than {MAX_DEPTH} levels", kind="NestingLimitExceeded")
    meaning = schema.meaning(declared)
    if meaning:
        return _meant_data(meaning, value, where)
    found = schema.resolve(declared)
    if isinstance(found, Scalar):
        return _scalar(found, value, where)
    if isinstance(found, ListOf):
        if not isinstance(value, (list, tuple)):
            raise _mismatch(where, "a list", value)
        return [_nullable(schema, found.item, found.nullable, item, f"{where}[{index}]", depth) for index, item in enumerate(value)]
    if isinstance(found, MapOf):
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise _mismatch(where, "a map with texts as keys", value)
        return {key: _nullable(schema, found.value, found.nullable, item, f"{where}.{key}", depth) for key, item in value.items()}
    if isinstance(found, EnumOf):
        kept = dict(found.members).get(value) if isinstance(value, str) else None
        if kept is None:
            raise _mismatch(where, f"one of {', '.join(name for name, _ in found.members)}", value)
        return kept
    if isinstance(found, UnionOf):
        return _union_data(schema, found, value, where, depth)
    return _struct_data(schema, found, value, where, depth)


def _union_data(schema: Schema, found: UnionOf, value: Any, where: str, depth: int) -> Value:
    given = {value.name: value.value} if isinstance(value, Case) else value
    keys = dict(found.members)
    if not isinstance(given, dict) or len(given) != 1 or next(iter(given)) not in keys:
        raise _mismatch(where, f"one entry, named {' or '.join(keys)}", value)
    [(name, item)] = given.items()
    data = to_data(schema, Name(name), item, f"{where}.{name}", depth + 1)
    return data if found.by_kind else {keys[name]: data}


def _nullable(schema: Schema, declared: Type, nullable: bool, value: Any, where: str, depth: int) -> Value:
    return None if nullable and value is None else to_data(schema, declared, value, where, depth + 1)


def _scalar(found: Scalar, value: Value, where: str) -> Value:
    if found.kind != "any" and type(value) not in _CLASSES[found.kind]:
        raise _mismatch(where, _SAID[found.kind], value)
    return value


def _meant_data(meaning: str, value: Any, where: str) -> Value:
    """Return the data for a value of one of the names with a meaning."""
    if meaning == "TokenAmount":
        if type(value) is not int:
            raise _mismatch(where, "an amount", value)
        return encode_amount(value)
    if meaning in ("Address", "ActorID") and isinstance(value, (str, Address, bytes)):
        try:
            address = to_address(value)
        except FormatError as problem:
            raise InputError(f"{where}: {problem.message}", kind=problem.kind, hint=problem.hint) from problem
        value = address if meaning == "Address" else address.id
    if meaning == "Address" and type(value) is int:
        value = to_address(value)
    if meaning == "Address":
        if not isinstance(value, Address):
            raise _mismatch(where, "an address", value)
        return value.to_bytes()
    if type(value) is not int or not 0 <= value < RANGES[meaning]:
        raise _mismatch(where, f"an integer from 0 to 2^{RANGES[meaning].bit_length() - 1} - 1", value)
    return value


def _struct_data(schema: Schema, found: Struct, value: Any, where: str, depth: int) -> Value:
    given = _by_name(found, value, where)
    data: dict[str, Value] = {}
    for field in found.fields:
        if field.name in given:
            data[field.name] = _nullable(schema, field.type, field.nullable, given[field.name], f"{where}.{field.name}", depth)
        elif not field.optional:
            raise InputError(f"{where}: {field.name} is missing", kind="SchemaMismatch")
        elif not found.as_map and any(later.name in given for later in found.fields[len(data) :]):
            raise InputError(f"{where}: {field.name} is missing before a field that is there", kind="SchemaMismatch")
    return data if found.as_map else list(data.values())


def _by_name(found: Struct, value: Any, where: str) -> dict[str, Any]:
    names = [field.name for field in found.fields]
    if isinstance(value, dict):
        unknown = [name for name in value if name not in names]
        if unknown:
            text = f"{where}: no field is named {unknown[0]}"
            raise InputError(text, kind="SchemaMismatch", hint=f"there are {', '.join(names) or 'none'}")
        return value
    if not isinstance(value, (list, tuple)):
        raise _mismatch(where, "fields", value)
    if len(value) > len(names):
        raise _mismatch(where, f"at most {len(names)} fields", value)
    return {name: item for name, item in zip(names, value, strict=False) if item is not MISSING}


class _Missing:
    """What an optional field reads as when it is not there."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()

_named_tuple: Any = namedtuple  # noqa: PYI024 - its fields are known only when it is made
"""To type checkers, classes of named tuples are known before they run."""


def from_data(schema: Schema, declared: Type, data: Value, where: str = "value", depth: int = 0) -> Any:
    """Return the Python value for the data of a type; raises `FormatError` of kind ``SchemaMismatch`` that says where and why."""
    if depth > MAX_DEPTH:
        raise FormatError(f"{where}: nested deeper than {MAX_DEPTH} levels", kind="NestingLimitExceeded")
    found = schema.resolve(declared)
    if isinstance(found, Scalar):
        return _read_scalar(schema.meaning(declared), found, data, where)
    if isinstance(found, ListOf):
        _expect(list, data, where)
        return [_read_nullable(schema, found.item, found.nullable, item, f"{where}[{index}]", depth) for index, item in enumerate(data)]
    if isinstance(found, MapOf):
        _expect(dict, data, where)
        return {key: _read_nullable(schema, found.value, found.nullable, item, f"{where}.{key}", depth) for key, item in data.items()}
    if isinstance(found, EnumOf):
        for name, kept in found.members:
            if type(data) is type(kept) and data == kept:
                return name
        raise FormatError(
            f"{where}: expected one of {', '.join(str(kept) for _, kept in found.members)}, found {_shown(data)}", kind="SchemaMismatch"
        )
    if isinstance(found, UnionOf):
        return _read_union(schema, found, data, where, depth)
    _expect(dict if found.as_map else list, data, where)
    return _read_struct(schema, found, data, where, depth, declared.name if isinstance(declared, Name) else "Fields")


def _read_union(schema: Schema, found: UnionOf, data: Value, where: str, depth: int) -> Case:
    names = {key: name for name, key in found.members}
    if found.by_kind:
        key, item = _kind_of(data), data
    else:
        _expect(dict, data, where)
        if len(data) != 1:
            raise FormatError(f"{where}: expected one entry, found {len(data)}", kind="SchemaMismatch")
        [(key, item)] = data.items()
    if key not in names:
        raise FormatError(f"{where}: expected {' or '.join(names)}, found {key}", kind="SchemaMismatch")
    return Case(names[key], from_data(schema, Name(names[key]), item, f"{where}.{names[key]}", depth + 1))


def _kind_of(data: Value) -> str:
    """Return the kind of the data model that data is of."""
    if isinstance(data, (list, dict)):
        return "list" if isinstance(data, list) else "map"
    return next(kind for kind, classes in _CLASSES.items() if type(data) in classes)


def _expect(kind: type, data: Value, where: str) -> None:
    if type(data) is not kind:
        raise FormatError(f"{where}: expected a {'map' if kind is dict else 'list'}, found {_shown(data)}", kind="SchemaMismatch")


def _read_scalar(meaning: str, found: Scalar, data: Value, where: str) -> Any:
    try:
        _scalar(found, data, where)
        if meaning in RANGES:
            return _meant_data(meaning, data, where)
        return Address(data) if meaning == "Address" else decode_amount(data) if meaning else data
    except InputError as problem:
        raise FormatError(problem.message, kind="SchemaMismatch") from None
    except FormatError as problem:
        raise FormatError(f"{where}: {problem.message}", kind=problem.kind) from None


def _read_nullable(schema: Schema, declared: Type, nullable: bool, data: Value, where: str, depth: int) -> Any:
    return None if nullable and data is None else from_data(schema, declared, data, where, depth + 1)


def _read_struct(schema: Schema, found: Struct, data: Value, where: str, depth: int, name: str) -> Any:
    names = [field.name for field in found.fields]
    if not found.as_map:
        if not found.required <= len(data) <= len(names):
            count = f"{len(names)}" if found.required == len(names) else f"{found.required} to {len(names)}"
            raise FormatError(f"{where}: expected {count} fields, found {len(data)}", kind="SchemaMismatch")
        data = dict(zip(names, data, strict=False))
    unknown = [key for key in data if key not in names]
    if unknown:
        raise FormatError(f"{where}: no field is named {unknown[0]}", kind="SchemaMismatch")
    return record(name, tuple(names))(*(_read_field(schema, field, data, where, depth) for field in found.fields))


def _read_field(schema: Schema, field: Field, data: dict[str, Value], where: str, depth: int) -> Any:
    if field.name in data:
        return _read_nullable(schema, field.type, field.nullable, data[field.name], f"{where}.{field.name}", depth)
    if field.optional:
        return MISSING
    raise FormatError(f"{where}: {field.name} is missing", kind="SchemaMismatch")


@lru_cache(maxsize=256)
def record(name: str, names: tuple[str, ...]) -> Any:
    """Return the class of named tuples for the fields of a struct; see `python_name`.

    >>> record("Pair", ("from", "to"))(1, 2)
    Pair(from_=1, to=2)
    """
    made: Any = _named_tuple(python_name(name), [python_name(field) for field in names], rename=True)
    made.field_names = names
    made.__reduce__ = lambda self: (_remade, (name, names, tuple(self)))  # its class is in no module where pickle would find it
    return made


def _remade(name: str, names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return record(name, names)(*values)


def python_name(name: str) -> str:
    """Return a name, with an underscore behind it if Python keeps it for itself."""
    return f"{name}_" if iskeyword(name) else name


def snake(name: str) -> str:
    """Return the name of a method as Python writes it.

    >>> snake("BalanceOf"), snake("InvokeEVM")
    ('balance_of', 'invoke_evm')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def to_json(value: Any) -> Any:
    """Return a value that was read as JSON-ready facts.

    Structs and members of unions are objects, addresses and links texts, bytes hexadecimal digits.
    """
    if isinstance(value, Case):
        return {value.name: to_json(value.value)}
    if isinstance(value, tuple) and hasattr(value, "field_names"):
        return {name: to_json(item) for name, item in zip(value.field_names, value, strict=True) if item is not MISSING}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (Address, Cid)):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value
