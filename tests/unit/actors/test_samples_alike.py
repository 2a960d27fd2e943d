"""The sample actors behave alike, whatever they are written in: same states, same receipts, same events."""

from __future__ import annotations

import functools
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime

from miden.actors.methods import CONSTRUCTOR, method_number
from miden.actors.runtimes.masm import MasmRuntime
from miden.actors.runtimes.masm.library import assemble_actor
from miden.actors.runtimes.native import NativeRuntime, native_code
from miden.actors.runtimes.wasm.runtime import WasmRuntime
from miden.actors.state import INIT_ID
from miden.ipld import dagcbor
from miden.ipld.blocks import store_block
from miden.ipld.cid import RAW
from miden.ipld.hamt import Hamt
from tests.support.actor_machines import sample
from tests.support.actor_world import ALICE, BOB, CAROL, DAVE, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.actors.messages import Receipt
    from miden.ipld.cid import Cid
    from miden.mast.library import Library

SAMPLES = Path(__file__).parents[3] / "examples" / "actors"
MOST = 2**63 - 1


Made = tuple[World, Any]
"""A world that can run a sample, and the sample's code."""


@functools.cache
def masm_code(name: str) -> Library:
    return assemble_actor(SAMPLES / f"{name}.masm")


def in_masm(name: str) -> Made:
    return World([MasmRuntime()]), masm_code(name)


def in_python(name: str) -> Made:
    actor = sample(name.capitalize())
    return World([NativeRuntime([actor])]), native_code(actor)


@functools.cache
def wasm_code(name: str) -> bytes:
    return bytes(wasmtime.wat2wasm((SAMPLES / f"{name}.wat").read_text()))


def in_wat(name: str) -> Made:
    world = World([WasmRuntime()])
    return world, store_block(world.blocks, wasm_code(name), RAW)


def languages(name: str) -> dict[str, Callable[[str], Made]]:
    """Return what a sample is written in, with a function that makes a world for it."""
    makers = {"masm": in_masm, "py": in_python, "wat": in_wat}
    return {suffix: make for suffix, make in makers.items() if (SAMPLES / f"{name}.{suffix}").is_file()}


class Script:
    """Calls one sample in every language, and compares everything that can be seen."""

    def __init__(self, name: str, *, balance: int = 0) -> None:
        self.runs = [(*make(name), language) for language, make in languages(name).items()]
        self.actors = [world.put(code, balance=balance) for world, code, _ in self.runs]
        assert len(set(self.actors)) == 1

    def __call__(self, method: str, params: object = None, *, sender: int = ALICE, **options: Any) -> tuple[int, Any]:
        """Call a method; return exit code and result, decoded."""
        number = CONSTRUCTOR if method == "Constructor" else method_number(method)
        sender = INIT_ID if method == "Constructor" and "anyone" not in options else sender
        options.pop("anyone", None)
        seen = []
        for (world, _, _), actor in zip(self.runs, self.actors, strict=True):
            receipt: Receipt = world.call(actor, number, params, sender=sender, **options)
            told = (receipt.exit_code, receipt.return_data, receipt.events_root, receipt.events)
            seen.append((*told, world.state(actor), world.balance(actor)))
        for (_, _, language), other in zip(self.runs, seen, strict=True):
            assert other == seen[0], f"{language} differs from {self.runs[0][2]} after {method}({params!r})"
        self.events = [{entry.key: dagcbor.decode(entry.value) for entry in event.entries} for event in seen[0][3]]
        assert all(entry.flags == 3 and entry.codec == 0x51 for event in seen[0][3] for entry in event.entries)
        return seen[0][0], dagcbor.decode(seen[0][1]) if seen[0][1] else None

    @property
    def world(self) -> World:
        return self.runs[0][0]

    @property
    def state(self) -> Any:
        return self.world.value(self.actors[0])

    @property
    def root(self) -> Cid:
        return self.world.state(self.actors[0])


BAD_NUMBERS = (
    b"",
    b"\x80",
    b"\x82\x05\x05",
    b"\x05",
    b"\x81\x05\x00",
    b"\x81\x18\x05",
    b"\x81\x19\x00\x05",
    b"\x81\x1a\x00\x00\x00\x05",
    b"\x81\x1b\x00\x00\x00\x00\x00\x00\x00\x05",
    b"\x81\x1b\x80\x00\x00\x00\x00\x00\x00\x00",
    b"\x81\x20",
    b"\x81\x41\x05",
    b"\x81\xf6",
    b"\x81\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00",
    b"\x81",
    b"\x81\x1c",
    b"\x98\x01\x05",
    b"\x9f\x05\xff",
    b"\xff" * 500,
)
"""Parameters that are not a list of one number from 0 to 2^63 - 1 in its one encoding."""


def test_counter() -> None:
    counter = Script("counter")
    assert counter("Constructor", anyone=True)[0] == 18
    assert counter("Constructor", [5, 6])[0] == 21
    assert counter("Constructor") == (0, None)
    assert counter.state == [0]
    assert counter("Increment", [5]) == (0, [5])
    assert counter.events == [{"count": 5}]
    assert counter("Get") == (0, [5])
    assert counter("Get", [1]) == (0, [5])
    assert counter("Increment", [0], sender=BOB) == (0, [5])
    assert counter("Increment", [MOST - 5]) == (0, [MOST])
    assert counter("Increment", [1])[0] == 20
    assert counter("Increment", [MOST])[0] == 20
    assert counter("Decrement", [1])[0] == 22
    for params in BAD_NUMBERS:
        assert counter("Increment", params or None)[0] == 21, params
    assert counter.state == [MOST]
    assert Script("counter")("Constructor", [MOST]) == (0, None)


def test_counter_in_a_call_that_may_change_nothing() -> None:
    for make in languages("counter").values():
        world, code = make("counter")
        actor = world.construct(code, [3])
        assert world.machine.call_readonly(actor, method_number("Get")).return_data == b"\x81\x03"
        receipt = world.machine.call_readonly(actor, method_number("Increment"), dagcbor.encode([1]))
        assert receipt.exit_code == 25
        assert world.value(actor) == [3]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ([1, [ALICE]], 0),
        ([2, [ALICE, BOB, CAROL]], 0),
        ([16, list(range(16))], 0),
        ([0, [ALICE]], 16),
        ([2, [ALICE]], 16),
        ([1, []], 16),
        ([1, [BOB, ALICE]], 16),
        ([1, [ALICE, ALICE]], 16),
        ([1, list(range(17))], 16),
        ([1, list(range(1000))], 16),
        ([1, [*range(17), "x"]], 21),
        ([1, [ALICE, 2**63]], 21),
        ([MOST, [0, MOST]], 16),
        ([1, [0, MOST]], 0),
        ([1, [ALICE], 5], 21),
        ([1, ALICE], 21),
        ([[1], [ALICE]], 21),
        (b"\x82\x01\x9b\x3f\xff\xff\xff\xff\xff\xff\xff", 21),
        (b"\x82\x01\x9a\x00\x10\x00\x00\x05", 21),
        (b"\x82\x01\x81\x18\x05", 21),
        (None, 21),
    ],
)
def test_approvals_are_set_up(params: object, code: int) -> None:
    approvals = Script("approvals")
    assert approvals("Constructor", params)[0] == code
    if code == 0:
        assert approvals.state == [params[0], params[1], 0, []]  # type: ignore[index]


def test_approvals() -> None:
    approvals = Script("approvals", balance=1000)
    assert approvals("Constructor", [2, [ALICE, BOB, CAROL]]) == (0, None)
    assert approvals("Propose", [DAVE, 70], sender=DAVE)[0] == 18
    assert approvals("Propose", [DAVE, 70]) == (0, [0])
    assert approvals.events == [{"proposed": 0}]
    assert approvals("Propose", [DAVE, 10**9], sender=BOB) == (0, [1])
    assert approvals("Propose", [DAVE, 30], sender=CAROL) == (0, [2])
    assert approvals("Pending") == (0, [[0, DAVE, 70, [ALICE]], [1, DAVE, 10**9, [BOB]], [2, DAVE, 30, [CAROL]]])
    assert approvals("Approve", [0])[0] == 18
    assert approvals("Approve", [0], sender=DAVE)[0] == 18
    assert approvals("Approve", [9], sender=BOB)[0] == 17
    assert approvals("Approve", [1])[0] == 19, "there is not as much"
    before = approvals.world.balance(DAVE)
    assert approvals("Approve", [0], sender=BOB) == (0, [1])
    assert approvals.events == [{"executed": 0}]
    assert approvals.world.balance(DAVE) == before + 70
    assert approvals("Approve", [0], sender=CAROL)[0] == 17
    assert approvals("Approve", [2], sender=BOB) == (0, [1])
    assert approvals.state == [2, [ALICE, BOB, CAROL], 3, [[1, DAVE, 10**9, [BOB]]]]
    assert approvals("Propose", [424242, 1]) == (0, [3])
    assert approvals("Approve", [3], sender=BOB)[0] == 19, "there is no such actor"
    for params in BAD_NUMBERS:
        assert approvals("Approve", params or None)[0] == 21, params
    for params in ([DAVE], [DAVE, -1], [DAVE, 1, 2], [DAVE, 2**63], None):
        assert approvals("Propose", params)[0] == 21, params
    assert approvals("Reject", [1])[0] == 22


def test_approvals_of_three_and_of_one() -> None:
    approvals = Script("approvals", balance=1000)
    approvals("Constructor", [3, [ALICE, BOB, CAROL, DAVE]])
    assert approvals("Propose", [DAVE, 1]) == (0, [0])
    assert approvals("Approve", [0], sender=BOB) == (0, [0])
    assert approvals.events == [{"approved": 0}]
    assert approvals("Approve", [0], sender=BOB)[0] == 18
    assert approvals("Approve", [0], sender=DAVE) == (0, [1])
    alone = Script("approvals", balance=1000)
    alone("Constructor", [1, [ALICE]])
    assert alone("Propose", [BOB, 999]) == (0, [0])
    assert alone.events == [{"proposed": 0}, {"executed": 0}]
    assert alone("Propose", [BOB, 2])[0] == 19
    assert alone("Propose", [BOB, 1]) == (0, [1])
    assert alone.state == [1, [ALICE], 2, []]


def test_approvals_are_full_and_go_on() -> None:
    approvals = Script("approvals", balance=10**6)
    approvals("Constructor", [2, [ALICE, BOB]])
    for index in range(16):
        assert approvals("Propose", [DAVE, 2**62 if index == 3 else index]) == (0, [index])
    assert approvals("Propose", [DAVE, 1])[0] == 20
    assert approvals("Approve", [7], sender=BOB) == (0, [1])
    assert approvals("Propose", [DAVE, 1]) == (0, [16])
    code, pending = approvals("Pending")
    assert code == 0
    assert [proposal[0] for proposal in pending] == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16]


def holdings(script: Script) -> dict[int, int]:
    table = Hamt(script.world.machine.blocks, script.state[1], bit_width=8)
    return {int.from_bytes(key): int.from_bytes(value) for key, value in table.items()}


def test_token() -> None:
    token = Script("token")
    assert token("Constructor", [1000], sender=INIT_ID)[0] == 21
    assert token("Constructor", [1000, ALICE]) == (0, None)
    assert token("Supply") == (0, [1000])
    assert token("BalanceOf", [ALICE]) == (0, [1000])
    assert token("BalanceOf", [BOB]) == (0, [0])
    assert token("Transfer", [BOB, 300]) == (0, None)
    assert token.events == [{"from": ALICE, "to": BOB, "amount": 300}]
    assert token("Transfer", [CAROL, 301], sender=BOB)[0] == 19
    assert token("Transfer", [CAROL, 1], sender=DAVE)[0] == 19
    root = token.root
    assert token("Transfer", [BOB, 300], sender=BOB) == (0, None)
    assert token.events == [{"from": BOB, "to": BOB, "amount": 300}]
    assert token.root == root, "sent to oneself, nothing changes"
    assert token("Transfer", [CAROL, 0]) == (0, None)
    assert token("Transfer", [MOST, 300], sender=BOB) == (0, None)
    assert holdings(token) == {ALICE: 700, BOB: 0, CAROL: 0, MOST: 300}
    for params in BAD_NUMBERS:
        assert token("BalanceOf", params or None)[0] == 21, params
    for params in ([BOB], [BOB, 2**63], [BOB, -1], [BOB, 1, 1], {"to": 1}, None):
        assert token("Transfer", params)[0] == 21, params
    assert token("Mint", [1])[0] == 22


HOLDERS = int(os.environ.get("MIDEN_EXAMPLES", "250"))
"""Holders of the token in a test: 2,000 for a long run, which fill the root and make nodes below every pointer of it."""


def test_token_with_many_holders() -> None:
    """Buckets overflow, nodes fill up, and all is as a map in Python has it."""
    token = Script("token")
    token("Constructor", [10**9, ALICE])
    choose = random.Random(7)
    holders = [3000 + index for index in range(HOLDERS)]
    expected = dict.fromkeys(holders, 0)
    for index, holder in enumerate(holders):
        amount = choose.randrange(1000)
        expected[holder] += amount
        assert token("Transfer", [holder, amount])[0] == 0
        if index % 50 == 0:
            assert token("BalanceOf", [holder]) == (0, [amount])
    expected[ALICE] = 10**9 - sum(expected.values())
    assert holdings(token) == expected
    table = Hamt(token.world.machine.blocks, bit_width=8)
    for holder, amount in expected.items():
        table.set(holder.to_bytes(8), amount.to_bytes(8))
    assert token.state == [10**9, table.flush()]


NUMBERS = (0, 1, 2, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**62, MOST, 2**63)
PEOPLE = (ALICE, BOB, CAROL, DAVE)


@pytest.mark.parametrize("seed", range(max(4, HOLDERS // 60)))
def test_anything_that_is_asked_is_answered_alike(seed: int) -> None:
    """Random calls, right and wrong, in no order: what one language answers, and leaves, all of them do."""
    choose = random.Random(seed)
    number, person = functools.partial(choose.choice, NUMBERS), functools.partial(choose.choice, PEOPLE)
    small = functools.partial(choose.randrange, 12)
    counter, approvals, token = Script("counter"), Script("approvals", balance=10**5), Script("token")
    counter("Constructor", choose.choice([None, [number()], [small()]]))
    approvals("Constructor", [choose.randrange(1, 4), sorted(choose.sample(PEOPLE, choose.randrange(1, 5)))])
    token("Constructor", [choose.choice([1000, MOST]), person()])
    asked: list[tuple[Script, str, Callable[[], Any]]] = [
        (counter, "Increment", lambda: [choose.choice([number(), small()])]),
        (counter, "Get", lambda: None),
        (approvals, "Propose", lambda: [choose.choice([person(), number()]), choose.choice([small(), number()])]),
        (approvals, "Approve", lambda: [small()]),
        (approvals, "Approve", lambda: [choose.choice([small(), number()])]),
        (approvals, "Pending", lambda: None),
        (token, "Transfer", lambda: [choose.choice([person(), number()]), choose.choice([small(), small(), number()])]),
        (token, "BalanceOf", lambda: [choose.choice([person(), number()])]),
        (token, "Supply", lambda: None),
        (token, "Constructor", lambda: [1, 2]),
    ]
    for _ in range(60):
        script, method, params = choose.choice(asked)
        given = params()
        if choose.random() < 0.1:
            given = bytearray(dagcbor.encode(given))
            place = choose.randrange(len(given))
            given[place] = choose.choice([given[place] ^ 1 << choose.randrange(8), 0, 0xFF])
            given = bytes(given)
        script(method, given, sender=person(), anyone=True)
