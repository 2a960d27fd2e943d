"""An interface: methods with types for what they take and give, errors, events; and the checks that follow from it."""

from __future__ import annotations

from typing import NamedTuple

from miden.actors.codes import FIRST_USER_EXIT_CODE, exit_name
from miden.actors.interfaces.schema import EnumOf, Name, Schema, Struct, UnionOf, is_name, parts, read_type, type_form
from miden.actors.interfaces.values import from_data, to_data
from miden.actors.messages import U64
from miden.actors.methods import SEND
from miden.errors import FormatError, InputError, NotFoundError
from miden.ipld import dagcbor
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from miden.actors.interfaces.schema import Type
    from miden.ipld.dagcbor import Value

VERSIONS = (1, 2)
"""Versions of the block: the second has enums and unions, and is written only for an interface that uses them."""

MAX_METHODS = 1024
MAX_SIZE = 1 << 20
"""Bytes of the largest block of an interface."""


class Method(NamedTuple):
    """A method: its number, the struct of its parameters, the type of its result (None for none).

    >>> Method("Get", 7, result=Name("Int"), read_only=True).form()["readOnly"]
    True
    """

    name: str
    number: int
    params: Struct = Struct(())
    result: Type | None = None
    read_only: bool = False
    """Whether it changes nothing, so that it can be called so."""

    def form(self) -> Value:
        """Return the method as a value of dag-cbor."""
        return {
            "name": self.name,
            "number": self.number,
            "params": type_form(self.params),
            "result": None if self.result is None else type_form(self.result),
            "readOnly": self.read_only,
        }


class Failure(NamedTuple):
    """An exit code that an actor declares."""

    name: str
    code: int
    help: str = ""


class Interface:
    """What an actor offers. Immutable in spirit: everything is checked when it is made.

    Raises
    ------
    FormatError
        For two methods with one number, names that stand for nothing, and numbers that are none.

    Examples
    --------
    >>> from miden.actors.interfaces import parse_interface
    >>> counter = parse_interface("actor counter   method Increment(by Uint) -> (count Uint)   error 20 Overflow")
    >>> counter.encode_params("Increment", by=3).hex(), counter.decode_result("Increment", bytes([0x81, 7]))
    ('8103', IncrementResult(count=7))
    >>> Interface.from_block(counter.to_block()).cid == counter.cid
    True
    """

    def __init__(
        self,
        name: str,
        methods: Iterable[Method],
        *,
        schema: Schema | None = None,
        failures: Iterable[Failure] = (),
        events: Mapping[str, Struct] | None = None,
        state: Type | None = None,
    ) -> None:
        self.name = name
        self.schema = schema or Schema({})
        self.methods = {method.name: method for method in methods}
        self.failures = tuple(failures)
        self.events = dict(events or {})
        """Key of the first entry of an event -> all its entries."""
        self.state = state
        """The type of the state's root block, if it is told."""
        self.numbers = {method.number: method for method in self.methods.values()}
        self._check()

    def _check(self) -> None:
        if not is_name(self.name):
            raise FormatError(f"{self.name!r} is no name of an interface", kind="InvalidInterface")
        if len(self.methods) > MAX_METHODS:
            raise FormatError(f"an interface has at most {MAX_METHODS} methods, not {len(self.methods)}", kind="InvalidInterface")
        if len(self.numbers) != len(self.methods):
            raise FormatError("two methods have one number", kind="InvalidInterface")
        for method in self.methods.values():
            if not is_name(method.name) or not SEND < method.number < U64:
                raise FormatError(f"{method.name!r} with number {method.number} is no method", kind="InvalidInterface")
            if method.params.as_map:
                raise FormatError(f"{method.name}: parameters are a list of fields", kind="InvalidInterface")
            self.schema.check(method.params, method.name)
            if method.result is not None:
                self.schema.check(method.result, method.name)
        for failure in self.failures:
            if not is_name(failure.name) or not FIRST_USER_EXIT_CODE <= failure.code < 1 << 32:
                text = f"error {failure.name!r} has code {failure.code}; those of actors start at {FIRST_USER_EXIT_CODE}"
                raise FormatError(text, kind="InvalidInterface")
        for name, entries in self.events.items():
            self.schema.check(entries, f"event {name}")
        if self.state is not None:
            self.schema.check(self.state, "state")

    # finding

    def method(self, asked: str | int) -> Method:
        """Return a method by name or number; raises `NotFoundError` that says which there are."""
        found = self.methods.get(asked) if isinstance(asked, str) else self.numbers.get(asked)
        if found is None:
            names = ", ".join(self.methods) or "none"
            raise NotFoundError(f"{self.name} has no method {asked}", kind="UnknownMethod", hint=f"there are {names}")
        return found

    def exit_name(self, code: int) -> str:
        """Return what an exit code is called here; declared names come first."""
        return next((failure.name for failure in self.failures if failure.code == code), exit_name(code))

    # calls

    def encode_params(self, asked: str | int, *args: Any, **named: Any) -> bytes:
        """Return the parameters of a call, empty if there are none; raises `InputError` that says what does not fit."""
        method = self.method(asked)
        names = [field.name for field in method.params.fields]
        if len(args) > len(names):
            raise InputError(f"{method.name} takes {len(names)} values, not {len(args)}", kind="SchemaMismatch")
        given = dict(zip(names, args, strict=False))
        twice = [name for name in named if name in given]
        if twice:
            raise InputError(f"{method.name}: {twice[0]} is given twice", kind="SchemaMismatch")
        data = to_data(self.schema, method.params, {**given, **named}, method.name)
        return dagcbor.encode(data) if data else b""

    def check_params(self, asked: str | int, params: bytes) -> Any:
        """Return the parameters of a call as Python values; raises `FormatError` for bytes that the method does not take."""
        method = self.method(asked)
        data = dagcbor.decode(params) if params else []
        return from_data(self.schema, method.params, data, method.name)

    def decode_result(self, asked: str | int, data: bytes) -> Any:
        """Return the result of a call as Python values, None if the method gives none; raises `FormatError`."""
        method = self.method(asked)
        if method.result is None:
            if data:
                raise FormatError(f"{method.name} gives no result, found {len(data)} bytes", kind="SchemaMismatch")
            return None
        if not data:
            raise FormatError(f"{method.name} gives a result, found none", kind="SchemaMismatch")
        if isinstance(method.result, Struct):
            named = Schema({**self.schema.types, f"{method.name}Result": method.result})
            return from_data(named, Name(f"{method.name}Result"), dagcbor.decode(data), method.name)
        return from_data(self.schema, method.result, dagcbor.decode(data), method.name)

    def decode_state(self, data: bytes) -> Any:
        """Return the root block of a state as Python values, or as plain data if the interface says nothing of it."""
        value = dagcbor.decode(data)
        if self.state is None:
            return value
        named = Schema({**self.schema.types, "State": self.state}) if isinstance(self.state, Struct) else self.schema
        return from_data(named, Name("State") if isinstance(self.state, Struct) else self.state, value, "state")

    def __eq__(self, other: object) -> bool:
        return self.to_block() == other.to_block() if isinstance(other, Interface) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.to_block())

    def __repr__(self) -> str:
        return f"<Interface {self.name}: {', '.join(self.methods) or 'no methods'}>"

    # as a block

    @property
    def version(self) -> int:
        """The version of the block that it is written as: the lowest that can say all of it."""
        types = [*self.schema.types.values(), *self.events.values()]
        for method in self.methods.values():
            types += [method.params, Struct(()) if method.result is None else method.result]
        if self.state is not None:
            types.append(self.state)
        return VERSIONS[any(isinstance(part, (EnumOf, UnionOf)) for declared in types for part in parts(declared))]

    def form(self) -> Value:
        """Return the interface as a value of dag-cbor."""
        return {
            "interface": self.version,
            "name": self.name,
            "schema": self.schema.form(),
            "methods": [method.form() for method in self.methods.values()],
            "errors": [{"name": failure.name, "code": failure.code, "help": failure.help} for failure in self.failures],
            "events": [{"name": name, "entries": type_form(entries)} for name, entries in self.events.items()],
            "state": None if self.state is None else type_form(self.state),
        }

    def to_block(self) -> bytes:
        """Return the interface as a block of dag-cbor."""
        return dagcbor.encode(self.form())

    @property
    def cid(self) -> Cid:
        """The name of the block."""
        return Cid.of(self.to_block())

    @classmethod
    def from_block(cls, data: bytes) -> Interface:
        """Read an interface; raises `FormatError`."""
        if len(data) > MAX_SIZE:
            raise FormatError(f"an interface has at most {MAX_SIZE} bytes, not {len(data)}", kind="InterfaceTooLarge")
        value = dagcbor.decode(data)
        if type(value) is not dict or type(value.get("interface")) is not int or value["interface"] not in VERSIONS:
            raise FormatError(f"expected an interface of version {' or '.join(map(str, VERSIONS))}", kind="InvalidInterface")
        if not isinstance(value.get("name"), str):
            raise FormatError("expected the name of an interface", kind="InvalidInterface")
        methods, failures, events = (_section(value, name) for name in ("methods", "errors", "events"))
        found = cls(
            value["name"],
            [_read_method(name, method) for name, method in methods.items()],
            schema=Schema.read(value.get("schema")),
            failures=[_read_failure(name, failure) for name, failure in failures.items()],
            events={name: _read_struct(event.get("entries"), f"event {name}") for name, event in events.items()},
            state=None if value.get("state") is None else read_type(value["state"]),
        )
        if found.version != value["interface"]:
            text = f"an interface of version {value['interface']} with what version {found.version} is for"
            raise FormatError(text, kind="InvalidInterface")
        return found


def _section(value: Value, section: str) -> dict[str, dict[str, Value]]:
    """Return the entries of a section by their names, in their order."""
    entries = value.get(section, [])
    if type(entries) is not list or not all(type(entry) is dict and is_name(entry.get("name")) for entry in entries):
        raise FormatError(f"expected a list of {section} with names in an interface", kind="InvalidInterface")
    found = {entry["name"]: entry for entry in entries}
    if len(found) != len(entries):
        raise FormatError(f"two {section} of an interface have one name", kind="InvalidInterface")
    return found


def _read_method(name: str, value: dict[str, Value]) -> Method:
    if type(value.get("number")) is not int or type(value.get("readOnly")) is not bool:
        raise FormatError(f"method {name}: expected a number, and whether it is read-only", kind="InvalidInterface")
    result = value.get("result")
    declared = None if result is None else read_type(result)
    return Method(name, value["number"], _read_struct(value.get("params"), name), declared, value["readOnly"])


def _read_struct(value: Value, where: str) -> Struct:
    declared = read_type(value)
    if not isinstance(declared, Struct):
        raise FormatError(f"{where}: expected fields", kind="InvalidInterface")
    return declared


def _read_failure(name: str, value: dict[str, Value]) -> Failure:
    if type(value.get("code")) is not int or type(value.get("help")) is not str:
        raise FormatError(f"error {name}: expected a code and a text", kind="InvalidInterface")
    return Failure(name, value["code"], value["help"])
