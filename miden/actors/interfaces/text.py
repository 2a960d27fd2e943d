"""Interfaces as people write them: the language of IPLD schemas for types, with lines for methods, errors, events and the state.

::

    actor token                                   # a comment
    type Holder struct { id ActorID  balance Uint } representation tuple
    type Side enum { | Buy ("b") | Sell ("s") }                        # kept as texts; their names if there are none
    type Rank enum { | Low ("1") | High ("2") } representation int
    type Order union { | Limit "limit" | Market "market" } representation keyed
    type Ref union { | ActorID int | Address bytes } representation kinded
    state (supply Uint, balances &Any)
    method Constructor(supply Uint, owner ActorID)
    method Transfer(to ActorID, amount Uint)
    method BalanceOf(id ActorID) -> (balance Uint) readonly
    method Old = 7 (names [String], more optional {String: nullable Int}) -> Holder
    error 19 NotEnough "the sender has less than that"
    event from(from ActorID, to ActorID, amount Uint)

A method has the number of its name (FRC-0042) unless one is given; a result in parentheses is a list of fields. ``[T]`` is a list,
``{String: T}`` a map, ``&T`` a link.
"""

from __future__ import annotations

import json
import re

from miden.actors.interfaces.interface import Failure, Interface, Method
from miden.actors.interfaces.schema import (
    KINDS,
    MAX_DEPTH,
    WELL_KNOWN,
    EnumOf,
    Field,
    ListOf,
    MapOf,
    Name,
    Scalar,
    Schema,
    Struct,
    UnionOf,
    is_name,
)
from miden.actors.methods import method_number
from miden.errors import FormatError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeVar

    from miden.actors.interfaces.schema import Type

    V = TypeVar("V")

MAX_TEXT = 1 << 20
"""Characters of the longest text that is read."""

_TOKEN = re.compile(r'\s+|#[^\n]*|//[^\n]*|(?P<word>[A-Za-z_]\w*|\d+|->|"(?:[^"\\\n]|\\.)*"|[(){}\[\]:,=&|])', re.ASCII)
_SCALARS = {kind: Scalar(kind) for kind in KINDS.values()}


class _Reader:
    """The words of a text, one after the other."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_TEXT:
            raise FormatError(f"an interface has at most {MAX_TEXT} characters, not {len(text)}", kind="InterfaceTooLarge")
        self._text = text
        self._words = list(self._split(text))
        self._index = 0
        self.named: set[str] = set()
        """Names of types that were used."""

    def _split(self, text: str) -> Iterator[tuple[str, int]]:
        offset = 0
        while offset < len(text):
            match = _TOKEN.match(text, offset)
            if match is None:
                raise self.problem(f"unexpected {text[offset]!r}", offset)
            if match["word"]:
                yield match["word"], offset
            offset = match.end()

    def problem(self, message: str, offset: int | None = None) -> FormatError:
        """Return the error for what is wrong at an offset, by default at the present word; it counts lines and columns from 1."""
        if offset is None:
            offset = self._words[self._index][1] if self._index < len(self._words) else len(self._text)
        line = self._text.count("\n", 0, offset) + 1
        column = offset - (self._text.rfind("\n", 0, offset) + 1) + 1
        return FormatError(f"line {line}, column {column}: {message}", offset=offset, kind="InvalidInterface")

    @property
    def word(self) -> str:
        """The present word, nothing at the end."""
        return self._words[self._index][0] if self._index < len(self._words) else ""

    def take(self) -> str:
        """Return the present word and go on."""
        word = self.word
        if not word:
            raise self.problem("the text ends too early")
        self._index += 1
        return word

    def accept(self, word: str) -> bool:
        """Go on if the present word is this, and tell whether it was."""
        found = self.word == word
        self._index += found
        return found

    def expect(self, word: str) -> None:
        """Go on if the present word is this."""
        if not self.accept(word):
            raise self.problem(f"expected {word}, found {self.word or 'the end'}")

    def name(self, what: str) -> str:
        """Return the present word, a name."""
        if not is_name(self.word):
            raise self.problem(f"expected {what}, found {self.word or 'the end'}")
        return self.take()

    def number(self) -> int:
        """Return the present word, a number."""
        if not self.word.isdigit() or len(self.word) > 20:
            raise self.problem(f"expected a number, found {self.word or 'the end'}")
        return int(self.take())

    def type(self, depth: int = 0) -> Type:
        """Read a type where it is used."""
        if depth > MAX_DEPTH:
            raise self.problem(f"types nested deeper than {MAX_DEPTH} levels")
        if self.accept("["):
            nullable = self.accept("nullable")
            item = self.type(depth + 1)
            self.expect("]")
            return ListOf(item, nullable)
        if self.accept("{"):
            self.expect("String")
            self.expect(":")
            nullable = self.accept("nullable")
            value = self.type(depth + 1)
            self.expect("}")
            return MapOf(value, nullable)
        if self.accept("&"):
            self.type(depth + 1)
            return Name("Link")
        if self.accept("("):
            return Struct(self.fields(")", depth + 1))
        if self.accept("struct"):
            self.expect("{")
            return Struct(self.fields("}", depth + 1), self._is_map())
        if self.word in ("enum", "union"):
            return self._enum() if self.take() == "enum" else self._union()
        if self.word in _SCALARS:
            return _SCALARS[self.take()]
        name = self.name("a type")
        self.named.add(name)
        return Name(name)

    def fields(self, end: str, depth: int = 0) -> tuple[Field, ...]:
        """Read fields up to a closing word; commas between them are welcome."""
        found = []
        while not self.accept(end):
            name = self.name("the name of a field")
            optional = self.accept("optional")
            nullable = self.accept("nullable")
            found.append(Field(name, self.type(depth), optional, nullable))
            self.accept(",")
        return tuple(found)

    def _enum(self) -> EnumOf:
        members: list[tuple[str, str | None]] = []
        self.expect("{")
        while not self.accept("}"):
            self.expect("|")
            name, value = self.name("the name of a member"), None
            if self.accept("("):
                value = self.quoted() if self.word.startswith('"') else str(self.number())
                self.expect(")")
            members.append((name, value))
        if self._representation("string", "int") == "string":
            return EnumOf(tuple((name, name if value is None else value) for name, value in members))
        for name, value in members:
            if value is None or not value.isascii() or not value.removeprefix("-").isdigit() or len(value) > 20:
                raise self.problem(f"expected a number in parentheses behind {name}, which is kept as an integer")
        return EnumOf(tuple((name, int(value or 0)) for name, value in members))

    def _union(self) -> UnionOf:
        members = []
        self.expect("{")
        while not self.accept("}"):
            self.expect("|")
            name = self.name("the type of a member")
            self.named.add(name)
            members.append((name, self.quoted() if self.word.startswith('"') else self.name("a key or a kind")))
        return UnionOf(tuple(members), self._representation("keyed", "kinded") == "kinded")

    def quoted(self) -> str:
        """Return the present word, a text as JSON has it."""
        try:
            found = json.loads(self.word, strict=False)
        except ValueError:
            found = None
        if not isinstance(found, str):
            raise self.problem(f"expected a text as JSON has it, found {self.word or 'the end'}")
        self.take()
        return found

    def _is_map(self) -> bool:
        return self._representation("map", "tuple") == "map"

    def _representation(self, usual: str, other: str) -> str:
        """Read how values of a type are kept, in the usual way unless told otherwise."""
        if not self.accept("representation"):
            return usual
        if self.word not in (usual, other):
            raise self.problem(f"expected {usual} or {other} as the representation")
        return self.take()


def parse_interface(text: str) -> Interface:
    """Read an interface from text; raises `FormatError` with line and column.

    >>> parse_interface("actor counter  method Get() -> (count Uint) readonly").method("Get").read_only
    True
    """
    reader = _Reader(text)
    reader.expect("actor")
    name = reader.name("the name of the actor")
    types: dict[str, Type] = {}
    methods: dict[str, Method] = {}
    failures: dict[str, Failure] = {}
    events: dict[str, Struct] = {}
    state: Type | None = None
    while reader.word:
        statement = reader.take()
        if statement == "type":
            key = reader.name("the name of a type")
            reader.accept("=")
            _add(reader, types, key, reader.type())
        elif statement == "state":
            state = reader.type()
        elif statement == "method":
            method = _method(reader)
            _add(reader, methods, method.name, method)
        elif statement == "error":
            failure = _failure(reader)
            _add(reader, failures, failure.name, failure)
        elif statement == "event":
            key = reader.name("the name of an event")
            _add(reader, events, key, _fields(reader))
        else:
            raise reader.problem(f"expected type, state, method, error or event before this, found {statement}")
    types.update({known: WELL_KNOWN[known] for known in sorted(reader.named) if known in WELL_KNOWN and known not in types})
    return Interface(name, methods.values(), schema=Schema(types), failures=failures.values(), events=events, state=state)


def _add(reader: _Reader, table: dict[str, V], key: str, value: V) -> None:
    if key in table:
        raise reader.problem(f"{key} is declared twice, the second time before this")
    table[key] = value


def _fields(reader: _Reader) -> Struct:
    reader.expect("(")
    return Struct(reader.fields(")"))


def _method(reader: _Reader) -> Method:
    name = reader.name("the name of a method")
    number = reader.number() if reader.accept("=") else None
    params = _fields(reader)
    result = reader.type() if reader.accept("->") else None
    if number is None:
        try:
            number = method_number(name)
        except InputError as problem:
            raise reader.problem(problem.message) from problem
    return Method(name, number, params, result, reader.accept("readonly"))


def _failure(reader: _Reader) -> Failure:
    code = reader.number()
    name = reader.name("the name of an error")
    return Failure(name, code, reader.quoted()) if reader.word.startswith('"') else Failure(name, code)


def print_interface(interface: Interface) -> str:
    """Return an interface as text that is read as the same interface.

    >>> text = print_interface(parse_interface("actor a method Get() -> (n Uint) readonly error 16 Bad"))
    >>> print(text, end="")
    actor a
    <BLANKLINE>
    method Get() -> (n Uint) readonly
    <BLANKLINE>
    error 16 Bad
    """
    types = {name: declared for name, declared in interface.schema.types.items() if WELL_KNOWN.get(name) != declared}
    parts = [
        [f"actor {interface.name}"],
        [f"type {name} {_declared(declared)}" for name, declared in types.items()],
        [] if interface.state is None else [f"state {_shown(interface.state)}"],
        [method_line(method) for method in interface.methods.values()],
        [_failure_line(failure) for failure in interface.failures],
        [f"event {name}{_shown(entries)}" for name, entries in interface.events.items()],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def method_line(method: Method) -> str:
    """Return the line that declares a method."""
    own = method_number(method.name) if method.name[:1].isupper() or method.name[:1] == "_" else None
    number = "" if own == method.number else f" = {method.number} "
    result = "" if method.result is None else f" -> {_shown(method.result)}"
    return f"method {method.name}{number}{_shown(method.params)}{result}{' readonly' if method.read_only else ''}"


def _failure_line(failure: Failure) -> str:
    return f"error {failure.code} {failure.name}{f' {json.dumps(failure.help)}' if failure.help else ''}"


def _declared(declared: Type) -> str:
    if isinstance(declared, Struct):
        fields = "".join(f"  {_field(field)}\n" for field in declared.fields)
        return f"struct {{\n{fields}}} representation {'map' if declared.as_map else 'tuple'}"
    if isinstance(declared, (EnumOf, UnionOf)):
        return _members(declared, "\n  ", "\n")
    return f"= {declared.name}" if isinstance(declared, Name) else _shown(declared)


def _members(declared: EnumOf | UnionOf, before: str, after: str) -> str:
    if isinstance(declared, EnumOf):
        lines = [f"| {name}{'' if name == value else f' ({json.dumps(str(value))})'}" for name, value in declared.members]
        kind, way = "enum", "int" if declared.as_int else "string"
    else:
        lines = [f"| {name} {key if declared.by_kind else json.dumps(key)}" for name, key in declared.members]
        kind, way = "union", "kinded" if declared.by_kind else "keyed"
    return f"{kind} {{{''.join(before + line for line in lines)}{after}}} representation {way}"


def _field(field: Field) -> str:
    flags = "".join(f"{flag} " for flag in ("optional", "nullable") if getattr(field, flag))
    return f"{field.name} {flags}{_shown(field.type)}"


def _shown(declared: Type) -> str:
    """Return a type where it is used."""
    if isinstance(declared, Name):
        return declared.name
    if isinstance(declared, Scalar):
        return declared.kind
    if isinstance(declared, ListOf):
        return f"[{'nullable ' if declared.nullable else ''}{_shown(declared.item)}]"
    if isinstance(declared, MapOf):
        return f"{{String: {'nullable ' if declared.nullable else ''}{_shown(declared.value)}}}"
    if isinstance(declared, (EnumOf, UnionOf)):
        return _members(declared, " ", " ")
    fields = ", ".join(map(_field, declared.fields))
    return f"struct {{{fields}}} representation map" if declared.as_map else f"({fields})"
