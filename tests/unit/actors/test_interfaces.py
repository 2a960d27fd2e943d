"""Interfaces: as text, as blocks, what calls they let through, and Python clients made from them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miden.actors.address import Address
from miden.actors.codes import ActorError
from miden.actors.interfaces import Interface, Method, parse_interface, print_interface
from miden.actors.interfaces.client import Client
from miden.actors.interfaces.derive import interface_of_class
from miden.actors.interfaces.directory import find, interface_of, publish
from miden.actors.interfaces.schema import (
    MAX_DEPTH,
    EnumOf,
    Field,
    ListOf,
    MapOf,
    Name,
    Scalar,
    Schema,
    Struct,
    UnionOf,
    read_type,
    type_form,
)
from miden.actors.interfaces.values import MISSING, Case, from_data, snake, to_data, to_json
from miden.actors.machine import Machine
from miden.actors.methods import method_number
from miden.actors.runtimes.native import Actor, NativeRuntime, constructor, method, native_block, native_code
from miden.actors.state import EMPTY_LIST_CID, StateTree
from miden.errors import FormatError, InputError, MidenError, NotFoundError
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks, reachable, store_block
from miden.ipld.cid import RAW, Cid

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "actors").glob("*.interface"))

FULL = """
actor everything   # comments
type Pair struct { a Int  b optional nullable String } representation tuple
type Options struct {
  deep optional {String: nullable [Int]}   // the other kind of comment
  link &Pair
} representation map
type Alias = Pair
type Raw bytes
type Amounts [TokenAmount]
state Options
method Go(pair Alias, raw Raw, options optional Options, last optional Any)
method old = 7 (to Address, _from ActorID) -> Amounts readonly
method Twice() -> (x Float, y Bool, z Null, w Link)
error 30 Bad "with \\"quotes\\""
error 31 Worse
event go(go Uint)
"""


def test_text_and_block_say_the_same() -> None:
    interface = parse_interface(FULL)
    text = print_interface(interface)
    assert print_interface(parse_interface(text)) == text
    assert parse_interface(text).to_block() == interface.to_block()
    again = Interface.from_block(interface.to_block())
    assert again.form() == interface.form()
    assert print_interface(again) == text
    assert again.cid == interface.cid
    assert interface.method("Go").number == method_number("Go")
    assert interface.method(7).name == "old"
    assert [interface.exit_name(code) for code in (30, 22, 99)] == ["Bad", "USR_UNHANDLED_MESSAGE", "99"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_interfaces_of_the_samples_are_read_and_printed(path: Path) -> None:
    interface = parse_interface(path.read_text(encoding="utf-8"))
    assert interface.name == path.stem
    assert parse_interface(print_interface(interface)).cid == interface.cid
    assert interface.method("Constructor").number == 1


def test_there_are_three_samples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1, column 1: expected actor, found the end"),
        ("actor", "expected the name of the actor"),
        ("actor 7", "expected the name of the actor, found 7"),
        ("actor a\nmethod", "line 2, column 7: expected the name of a method, found the end"),
        ("actor a method Go", "expected (, found the end"),
        ("actor a method Go(x", "expected a type, found the end"),
        ("actor a method Go(x Nothing)", "no type is named Nothing"),
        ("actor a method go()", "starts with a capital letter"),
        ("actor a method Go() method Go()", "Go is declared twice"),
        ("actor a method A = 7 () method B = 7 ()", "two methods have one number"),
        ("actor a method A = 0 ()", "'A' with number 0 is no method"),
        ("actor a method A = 99999999999999999999 ()", "is no method"),
        ("actor a method A = 999999999999999999999 ()", "expected a number"),
        ("actor a method A(x optional Int, y Int)", "optional fields come last"),
        ("actor a method A(x Int, x Int)", "a field has the name of another"),
        ("actor a type A = B type B = A", "stands only for other names"),
        ("actor a type Int int", "Int is a word of the language"),
        ("actor a type nullable int", "nullable is a word of the language"),
        ("actor a type A struct { x Int } representation listpairs", "expected map or tuple"),
        ("actor a type A {Int: Int}", "expected String, found Int"),
        ("actor a type A enum { B }", "expected |, found B"),
        ("actor a type A enum { | B | B }", "two members cannot be told apart"),
        ('actor a type A enum { | B ("x") | x }', "two members cannot be told apart"),
        ("actor a type A enum {}", "a member at least"),
        ("actor a type A enum { | B } representation int", "expected a number in parentheses behind B"),
        ('actor a type A enum { | B ("9223372036854775808") } representation int', "at most 64 bits"),
        ('actor a type A enum { | B ("' + "9" * 5000 + '") } representation int', "expected a number in parentheses behind B"),
        ("actor a type A enum { | B } representation keyed", "expected string or int"),
        ("actor a type A enum { | B (x) }", "expected a number, found x"),
        ("actor a type A union { | Int }", "expected a key or a kind, found }"),
        ('actor a type A union { | Nothing "n" }', "no type is named Nothing"),
        ('actor a type A union { | Int "n" | Bool "n" }', "two members cannot be told apart"),
        ("actor a type A union { | Int bool } representation kinded", "member Int is not told by kind bool, it is of kind int"),
        ("actor a type A union { | Any any | A any } representation kinded", "two members cannot be told apart"),
        ("actor a error 15 Bad", "those of actors start at 16"),
        ("actor a error 16 Bad error 17 Bad", "Bad is declared twice"),
        ('actor a error 16 Bad "\\q"', "expected a text as JSON has it"),
        ("actor a §", "line 1, column 9: unexpected '§'"),
        ("actor a nonsense", "expected type, state, method, error or event"),
        ("actor a method A(x " + "[" * 100 + "Int" + "]" * 100 + ")", "nested deeper than 64"),
        ("#" * (1 << 20 | 1), "at most 1048576 characters"),
    ],
)
def test_text_that_is_no_interface(text: str, complaint: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_interface(text)
    assert complaint in str(caught.value)


def test_a_comment_ends_with_its_line() -> None:
    assert list(parse_interface("actor a #\nmethod Go()\n//\nmethod Do()").methods) == ["Go", "Do"]


def changed(path: str, value: object) -> bytes:
    """Return the block of a good interface with one thing changed."""
    form = parse_interface(FULL).form()
    inner = form
    *way, last = path.split("/")
    for step in way:
        inner = inner[int(step) if step.isdigit() else step]
    inner[int(last) if last.isdigit() else last] = value
    return dagcbor.encode(form)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("interface", 2),
        ("name", 7),
        ("name", "no name"),
        ("schema", None),
        ("schema", {"types": {"a b": {"int": {}}}}),
        ("schema/types/Pair", "Missing"),
        ("schema/types/Pair", {"union": {}}),
        ("schema/types/Pair", {"union": {"members": ["Int"], "representation": {"keyed": {}}}}),
        ("schema/types/Pair", {"union": {"members": ["Int"], "representation": {"keyed": {"n": "Bool"}}}}),
        ("schema/types/Pair", {"union": {"members": ["Int"], "representation": {"envelope": {"n": "Int"}}}}),
        ("schema/types/Pair", {"union": {"members": [{"copy": {}}], "representation": {"keyed": {"n": "Int"}}}}),
        ("schema/types/Pair", {"union": {"members": ["Int"], "representation": {"keyed": {"n": ["Int"]}}}}),
        ("schema/types/Pair", {"enum": {"members": "A", "representation": {"string": {}}}}),
        ("schema/types/Pair", {"enum": {"members": ["A", "A"], "representation": {"string": {}}}}),
        ("schema/types/Pair", {"enum": {"members": ["A"], "representation": {"int": {}}}}),
        ("schema/types/Pair", {"enum": {"members": ["A"], "representation": {"int": {"A": True}}}}),
        ("schema/types/Pair", {"enum": {"members": ["A"], "representation": {"string": {"A": "a", "B": "b"}}}}),
        ("schema/types/Pair", {"enum": {"members": ["A"], "representation": "string"}}),
        ("schema/types/Pair", {"int": {}, "bool": {}}),
        ("schema/types/Pair", {"int": 1}),
        ("schema/types/Pair", {"map": {"keyType": "Int", "valueType": "Int"}}),
        ("schema/types/Pair", {"struct": {"fields": {}}}),
        ("schema/types/Pair", {"struct": {"fields": [{"name": 1, "type": "Int"}]}}),
        ("schema/types/Pair", {"struct": {"fields": [], "representation": {"listpairs": {}}}}),
        ("schema/types/Pair", 7),
        ("methods", {}),
        ("methods/0", None),
        ("methods/1/name", "Go"),
        ("methods/1/name", "a b"),
        ("methods/0/number", -1),
        ("methods/0/number", "7"),
        ("methods/0/readOnly", 1),
        ("methods/0/params", "Pair"),
        ("methods/0/params", {"struct": {"fields": []}}),
        ("methods/0/result", 7),
        ("errors/0", 30),
        ("errors/0/code", 3),
        ("events/0", "Int"),
        ("events/0/entries", "Int"),
        ("state", "Missing"),
    ],
)
def test_blocks_that_are_no_interface(path: str, value: object) -> None:
    with pytest.raises(FormatError):
        Interface.from_block(changed(path, value))


def test_the_size_of_an_interface_is_bounded() -> None:
    with pytest.raises(FormatError, match="at most 1048576 bytes"):
        Interface.from_block(bytes((1 << 20) + 1))
    with pytest.raises(FormatError, match="at most 1024 types"):
        Schema({f"T{index}": Scalar("int") for index in range(1025)})
    with pytest.raises(FormatError, match="at most 1024 methods"):
        Interface("a", [Method(f"M{index}", index + 2) for index in range(1025)])
    nested: object = "Int"
    for _ in range(MAX_DEPTH + 2):
        nested = {"list": {"valueType": nested}}
    with pytest.raises(FormatError, match="nested deeper"):
        read_type(nested)


SCALARS = st.sampled_from(("Bool", "Int", "Float", "String", "Bytes", "Link", "Any", "Null", "Address", "TokenAmount", "ActorID", "Uint"))


def structs(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    def build(types: list[tuple[object, bool]], optional: int, as_map: bool) -> Struct:
        fields = [
            Field(f"f{index}", kind, optional=index >= len(types) - optional, nullable=nullable)  # type: ignore[arg-type]
            for index, (kind, nullable) in enumerate(types)
        ]
        return Struct(tuple(fields), as_map)

    return st.builds(build, st.lists(st.tuples(inner, st.booleans()), max_size=4), st.integers(0, 3), st.booleans())


DECLARED = """actor a method A(a Address, b TokenAmount, c ActorID, d Uint)
type Pair (left Int, right String)
type Side enum { | Buy ("b") | Sell }
type Rank enum { | Low ("-1") | High (2) } representation int
type Order union { | Pair "p" | Side "some side" | Rank "" | Order "again" } representation keyed
type Ref union { | Pair list | Side string | Rank int | Order map | Link link | Bool bool | Float float | Bytes bytes }
  representation kinded
"""
NAMES = SCALARS | st.sampled_from(("Pair", "Side", "Rank", "Order", "Ref"))
TYPES = st.recursive(
    NAMES.map(Name),
    lambda inner: st.builds(ListOf, inner, st.booleans()) | st.builds(MapOf, inner, st.booleans()) | structs(inner),
    max_leaves=8,
)
SCHEMA = Schema(parse_interface(DECLARED).schema.types)

PLAIN = {
    "Bool": st.booleans(),
    "Int": st.integers(-(2**63), 2**64 - 1),
    "Float": st.floats(allow_nan=False, allow_infinity=False),
    "String": st.text(max_size=5),
    "Bytes": st.binary(max_size=5),
    "Link": st.binary(max_size=5).map(Cid.of),
    "Any": st.none() | st.integers(0, 9) | st.lists(st.integers(0, 3), max_size=2),
    "Null": st.none(),
    "Address": st.integers(0, 2**64 - 1).map(Address.of),
    "TokenAmount": st.integers(-(2**70), 2**70),
    "ActorID": st.integers(0, 2**64 - 1),
    "Uint": st.integers(0, 2**63 - 1),
}


def values(declared: object) -> st.SearchStrategy[object]:
    """Return Python values of a type; structs as tuples, with what is optional sometimes missing at the end."""
    if isinstance(declared, Name) and declared.name == "Order":  # the one that is in itself
        return st.recursive(
            st.one_of(*(values(Name(name)).map(partial(Case, name)) for name in ("Pair", "Side", "Rank"))),
            lambda inner: inner.map(partial(Case, "Order")),
            max_leaves=4,
        )
    if isinstance(declared, Name):
        return PLAIN[declared.name] if declared.name in PLAIN else values(SCHEMA.types[declared.name])
    if isinstance(declared, EnumOf):
        return st.sampled_from([name for name, _ in declared.members])
    if isinstance(declared, UnionOf):
        return st.one_of(*(values(Name(name)).map(partial(Case, name)) for name, _ in declared.members))
    if isinstance(declared, (ListOf, MapOf)):
        inner = values(declared.item if isinstance(declared, ListOf) else declared.value)
        inner = inner | st.none() if declared.nullable else inner
        return st.lists(inner, max_size=3) if isinstance(declared, ListOf) else st.dictionaries(st.text(max_size=3), inner, max_size=3)
    assert isinstance(declared, Struct)
    fields = [values(field.type) | st.none() if field.nullable else values(field.type) for field in declared.fields]
    optional = sum(field.optional for field in declared.fields)
    return st.integers(0, optional).flatmap(lambda missing: st.tuples(*fields[: len(fields) - missing], *[st.just(MISSING)] * missing))


@settings(max_examples=200)
@given(TYPES.flatmap(lambda declared: st.tuples(st.just(declared), values(declared))))
def test_values_survive_the_way_into_a_block_and_back(pair: tuple[object, object]) -> None:
    declared, value = pair
    data = dagcbor.decode(dagcbor.encode(to_data(SCHEMA, declared, value)))  # type: ignore[arg-type]
    found = from_data(SCHEMA, declared, data)  # type: ignore[arg-type]
    assert found == value
    assert to_data(SCHEMA, declared, found) == data  # type: ignore[arg-type]
    to_json(found)


def test_enums_and_unions_are_kept_as_schemas_say() -> None:
    cases = {
        ("Side", "Buy"): "b",
        ("Side", "Sell"): "Sell",
        ("Rank", "Low"): -1,
        ("Order", Case("Pair", (1, "x"))): {"p": [1, "x"]},
        ("Order", Case("Order", Case("Rank", "High"))): {"again": {"": 2}},
        ("Ref", Case("Rank", "High")): 2,
        ("Ref", Case("Side", "Sell")): "Sell",
        ("Ref", Case("Pair", (1, "x"))): [1, "x"],
        ("Ref", Case("Bool", True)): True,
    }
    for (name, value), data in cases.items():
        assert to_data(SCHEMA, Name(name), value) == data
        assert from_data(SCHEMA, Name(name), data) == value
    assert to_data(SCHEMA, Name("Order"), {"Pair": {"left": 1, "right": "x"}}) == {"p": [1, "x"]}
    assert to_json(Case("Pair", Case("Link", Cid.of(b"")))) == {"Pair": {"Link": str(Cid.of(b""))}}


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("Side", "b", "value: expected one of Buy, Sell, found 'b'"),
        ("Rank", 2, "value: expected one of Low, High, found 2"),
        ("Order", 2, "value: expected one entry, named Pair or Side or Rank or Order, found 2"),
        ("Order", {"p": [1, "x"]}, "value: expected one entry, named Pair or Side or Rank or Order, found {'p': [1, 'x']}"),
        ("Order", {"Rank": "Low", "Side": "Buy"}, "found {'Rank': 'Low', 'Side': 'Buy'}"),
        ("Order", {"Pair": [1, 2]}, "value.Pair.right: expected a text, found 2"),
        ("Ref", {"Bool": 1}, "value.Bool: expected true or false, found 1"),
    ],
)
def test_what_is_no_member_is_refused(name: str, value: object, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        to_data(SCHEMA, Name(name), value)
    assert complaint in caught.value.message


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("Side", "Buy", "value: expected one of b, Sell, found 'Buy'"),
        ("Rank", 3, "value: expected one of -1, 2, found 3"),
        ("Rank", True, "found True"),
        ("Order", {"Pair": [1, "x"]}, "value: expected p or some side or  or again, found Pair"),
        ("Order", {"p": [1, "x"], "": 2}, "value: expected one entry, found 2"),
        ("Order", [1], "value: expected a map, found [1]"),
        ("Order", {"again": {"p": [1]}}, "value.Order.Pair: expected 2 fields, found 1"),
    ],
)
def test_data_of_no_member_is_refused(name: str, data: object, complaint: str) -> None:
    with pytest.raises(FormatError) as caught:
        from_data(SCHEMA, Name(name), data)  # type: ignore[arg-type]
    assert complaint in caught.value.message


def test_enums_and_unions_need_the_second_version_and_others_stay_in_the_first() -> None:
    text = 'actor shop\n\ntype Side enum {\n  | Buy ("b")\n  | Sell\n} representation string\n\nmethod Trade(side Side)\n'
    interface = parse_interface(text)
    assert print_interface(interface) == text
    for second in (interface, parse_interface("actor a method A(x [enum {| B}])"), parse_interface("actor a state union {| Int int}")):
        block = second.to_block()
        assert second.version == dagcbor.decode(block)["interface"] == 2
        assert Interface.from_block(block).to_block() == block
        assert parse_interface(print_interface(second)).cid == second.cid
        with pytest.raises(FormatError, match="version 1 with what version 2 is for"):
            Interface.from_block(dagcbor.encode({**dagcbor.decode(block), "interface": 1}))
    first = parse_interface("actor a method A(x Int)")
    assert first.version == 1
    with pytest.raises(FormatError, match="version 2 with what version 1 is for"):
        Interface.from_block(dagcbor.encode({**dagcbor.decode(first.to_block()), "interface": 2}))


@given(TYPES)
def test_types_survive_as_data(declared: object) -> None:
    assert read_type(dagcbor.decode(dagcbor.encode(type_form(declared)))) == declared  # type: ignore[arg-type]


@given(
    TYPES,
    st.recursive(
        st.none() | st.integers(-5, 2**64 - 1) | st.binary(max_size=4) | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3)
    ),
)
def test_data_of_another_type_is_refused_with_a_reason(declared: object, data: object) -> None:
    try:
        value = from_data(SCHEMA, declared, data)  # type: ignore[arg-type]
    except FormatError as error:
        assert str(error).startswith("value")
    else:
        to_data(SCHEMA, declared, value)  # type: ignore[arg-type]


def test_values_nested_too_deep_are_refused_not_followed() -> None:
    """A type that has itself in it follows a value as deep as it goes."""
    schema = Schema({"Nest": ListOf(Name("Nest"))})
    value: list[object] = []
    for _ in range(900):
        value = [value]
    for convert in (to_data, from_data):
        with pytest.raises(MidenError) as caught:
            convert(schema, Name("Nest"), value)  # type: ignore[operator]
        assert caught.value.kind == "NestingLimitExceeded"


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        ({"to": 1}, "Transfer: amount is missing"),
        ({"to": 1, "amount": -1}, "Transfer.amount: expected an integer from 0 to 2^63 - 1, found -1"),
        ({"to": 1, "amount": 1 << 63}, "Transfer.amount: expected an integer from 0 to 2^63 - 1"),
        ({"to": 1, "amount": True}, "Transfer.amount: expected an integer"),
        ({"to": 1, "amount": "5"}, "Transfer.amount: expected an integer"),
        (
            {"to": "f2gfvuyh7v2sx3patm5k23wdzmhyhtmqctasbr23y", "amount": 1},
            "Transfer.to: expected an integer from 0 to 2^64 - 1, found None",
        ),
        ({"to": "f0x", "amount": 1}, "Transfer.to: expected the ID of an actor"),
        ({"to": 1, "amount": 1, "memo": "x"}, "Transfer: no field is named memo"),
    ],
)
def test_calls_that_do_not_fit_are_refused_before_they_are_sent(named: dict[str, object], complaint: str) -> None:
    token = parse_interface("actor token method Transfer(to ActorID, amount Uint)")
    with pytest.raises(InputError) as caught:
        token.encode_params("Transfer", **named)
    assert complaint in str(caught.value)


def test_parameters_and_results_of_the_wrong_shape() -> None:
    token = parse_interface(
        "actor t method A(x Uint, y optional String) method B() -> (x Uint) method C() -> [Uint] method D(x {String: Uint})"
    )
    assert token.encode_params("A", 1).hex() == "8101"
    assert token.encode_params("A", 1, y="z") == token.encode_params("A", x=1, y="z")
    assert token.encode_params("B") == b""
    assert token.check_params("A", bytes.fromhex("8101")) == (1, MISSING)
    assert to_json(token.check_params("A", bytes.fromhex("8101"))) == {"x": 1}
    assert token.decode_result("C", bytes.fromhex("820102")) == [1, 2]
    for broken in ("", "80", "83010203", "820101", "8120", "8141ff", "01", "ff"):
        with pytest.raises(FormatError):
            token.check_params("A", bytes.fromhex(broken))
    for name, data in (("A", b"\1"), ("B", b""), ("B", b"\x81\x41\0"), ("C", b"\xa0"), ("C", b"\x81\x20")):
        with pytest.raises(FormatError):
            token.decode_result(name, data)
    for call in (
        lambda: token.encode_params("A", 1, "z", 3),
        lambda: token.encode_params("A", 1, x=1),
        lambda: token.encode_params("D", x=[]),
    ):
        with pytest.raises(InputError):
            call()
    with pytest.raises(NotFoundError, match="t has no method Z") as caught:
        token.encode_params("Z")
    assert "A, B, C, D" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "python"),
    [("BalanceOf", "balance_of"), ("InvokeEVM", "invoke_evm"), ("Get", "get"), ("_Private", "_private"), ("A1b2C3", "a1b2_c3")],
)
def test_names_as_python_writes_them(name: str, python: str) -> None:
    assert snake(name) == python


# on a machine


class Till(Actor):
    """Keeps one number; its method has parameters with the names that calls have themselves."""

    name = "till"

    @constructor
    def start(self) -> None:
        self.state = [0]

    @method
    def put(self, value: int) -> list[int]:
        self.require(value < 1000, 40, "too much")
        self.state = [self.state[0] + value]
        return [self.state[0]]

    @method
    def count(self) -> list[int]:
        return self.state

    @method
    def lie(self) -> str:
        return "no number"


TILL = parse_interface(
    """
    actor till
    state (sum Uint)
    method Constructor()
    method Put(value Uint) -> (sum Uint)
    method Count() -> (sum Uint) readonly
    method Lie() -> Uint
    error 40 TooMuch
    """
)


@pytest.fixture
def machine() -> Machine:
    blocks = MemoryBlocks()
    store_block(blocks, native_block(Till), RAW)
    return Machine.genesis(blocks, runtimes=[NativeRuntime([Till])])


def test_python_calls_actors_by_the_names_of_their_methods(machine: Machine) -> None:
    owner = machine.create_account(balance=10**18)
    address = machine.deploy(native_code(Till))
    publish(machine.tree, machine.blocks, native_code(Till), TILL)
    till = Client(machine, address, sender=owner)
    assert till.put(value=5).sum == 5
    assert till.put(6) == (11,)
    assert till.receipt is not None
    assert till.receipt.gas_used > 0
    assert till.count() == (11,)
    assert {"put", "count", "lie", "using"} <= set(dir(till))
    assert till.put.__doc__ == "method Put(value Uint) -> (sum Uint)."
    with pytest.raises(InputError, match=r"Put.value: expected an integer"):
        till.put(value="five")
    with pytest.raises(ActorError) as caught:
        till.put(value=1000)
    assert (caught.value.kind, caught.value.receipt.exit_code) == ("TooMuch", 40)
    assert "ended with exit code 40, TooMuch" in str(caught.value)
    assert caught.value.to_dict()["receipt"]["exit_code"] == 40
    with pytest.raises(FormatError, match="Lie: expected an integer"):
        till.lie()
    with pytest.raises(AttributeError, match="the interface has no method steal; it has constructor, put, count, lie"):
        till.steal()
    with pytest.raises(ActorError) as caught:
        till.using(gas_limit=1).put(value=1)
    assert caught.value.kind == "SYS_OUT_OF_GAS"
    with pytest.raises(ActorError, match="exit code 25, USR_READ_ONLY"):
        till.using(read_only=True).put(value=1)
    with pytest.raises(ActorError, match=r"method 99 of f0[0-9]+ ended with exit code 22"):
        till.send(99)
    assert till.using(value=7).put(value=1) == (12,)
    actor = machine.tree.get(address.id or 0)
    assert actor is not None
    assert actor.balance == 7
    assert TILL.decode_state(machine.blocks.get(actor.state) or b"") == (12,)


def test_an_interface_goes_with_the_state(machine: Machine) -> None:
    """It is found after a flush, by its block; the block is reached from the root, and another one takes its place."""
    address = machine.deploy(native_code(Till))
    assert machine.tree.info == EMPTY_LIST_CID
    assert find(machine.tree, machine.blocks, native_code(Till)) is None
    with pytest.raises(NotFoundError, match="advertises no interface"):
        interface_of(machine.tree, machine.blocks, address)
    first = publish(machine.tree, machine.blocks, native_code(Till), parse_interface("actor old"))
    second = publish(machine.tree, machine.blocks, native_code(Till), TILL)
    root = machine.flush()
    below = machine.blocks.below
    tree = StateTree(below, root)
    assert interface_of(tree, below, address).cid == TILL.cid == second
    reached = {cid for cid, _ in reachable(below, [root], missing=True)}
    assert second in reached
    assert first not in reached
    with pytest.raises(NotFoundError, match="there is no actor f0999999"):
        interface_of(tree, below, Address.of(999999))
    with pytest.raises(NotFoundError, match="there is no actor f2"):
        Client(machine, Address.for_actor(b"nobody"), sender=address)


def test_broken_directories_are_told(machine: Machine) -> None:
    blocks = machine.blocks
    code = native_code(Till)
    machine.tree.set_info(store_block(blocks, dagcbor.encode([1])))
    with pytest.raises(FormatError, match="expected links by name"):
        find(machine.tree, blocks, code)
    machine.tree.set_info(store_block(blocks, dagcbor.encode({"interfaces": code})))
    with pytest.raises(MidenError):
        find(machine.tree, blocks, code)


def test_the_interface_of_a_class_follows_its_annotations() -> None:
    derived = interface_of_class(Till)
    assert print_interface(derived).splitlines()[2:] == [
        "method Constructor()",
        "method Put(value Uint) -> [Uint]",
        "method Count() -> [Uint]",
        "method Lie() -> String",
    ]
