"""The three samples in WAT: whatever is sent to them, they answer as those in Python do, and leave the same state."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime

from miden.actors.genesis import DeployError
from miden.actors.machine import Machine
from miden.actors.messages import Message
from miden.actors.methods import method_number
from miden.actors.runtimes.native import NativeRuntime, native_code
from miden.actors.runtimes.wasm.runtime import WasmRuntime
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks
from miden.ipld.cid import RAW, Cid
from miden.ipld.hamt import Hamt
from tests.support.actor_machines import EXAMPLES, FOUNDINGS, call, sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.actors.address import Address

TOP = (1 << 63) - 1


def wat(name: str) -> bytes:
    return bytes(wasmtime.wat2wasm((EXAMPLES / f"{name}.wat").read_text(encoding="utf-8")))


class Pair:
    """A sample in both languages, on a machine each, that get the same messages."""

    def __init__(self, name: str, wasm: WasmRuntime, *, accounts: int = 4) -> None:
        actor, code = sample(name.title()), wat(name)
        machines = Machine.genesis(MemoryBlocks(), runtimes=[NativeRuntime([actor])]), Machine.genesis(MemoryBlocks(), runtimes=[wasm])
        self.codes = native_code(actor), Cid.of(code, RAW)
        machines[1].blocks.put(self.codes[1], code)
        self.machines = machines
        for _ in range(accounts):
            same(*(machine.create_account(10**24) for machine in machines))
        self.accounts = [100 + index for index in range(accounts)]
        self.addresses: list[Address] = []

    def deploy(self, *params: Any, raw: bytes | None = None, **options: Any) -> int:
        """Create the actor and return 0, or the exit code with which it refuses."""
        encoded = raw if raw is not None else dagcbor.encode(list(params)) if params else b""
        results = []
        for machine, code in zip(self.machines, self.codes, strict=True):
            try:
                self.addresses.append(machine.deploy(code, encoded, **options))
                results.append(0)
            except DeployError as refused:
                results.append(refused.receipt.exit_code)
        same(*results)
        return results[0]

    def call(self, sender: int, method: str | int, *params: Any, raw: bytes | None = None, **fields: Any) -> Any:
        """Send a message to both, and return the receipt of the one in Wasm."""
        from miden.actors.address import Address

        receipts = [
            call(machine, Address.of(sender), address, method, *params, raw=raw, **fields)
            for machine, address in zip(self.machines, self.addresses, strict=True)
        ]
        same(*((receipt.exit_code, receipt.return_data, receipt.return_codec, receipt.events_root) for receipt in receipts))
        same(*map(self.state, (0, 1)))
        return receipts[1]

    def read_only(self, method: str, params: bytes = b"") -> Any:
        receipts = [
            machine.call_readonly(address, method_number(method), params)
            for machine, address in zip(self.machines, self.addresses, strict=True)
        ]
        same(*((receipt.exit_code, receipt.return_data) for receipt in receipts))
        return receipts[1]

    def state(self, index: int) -> tuple[Cid, int]:
        """The state and the balance of one of the two."""
        machine = self.machines[index]
        actor_id = machine.tree.lookup(self.addresses[index])
        assert actor_id is not None
        state = machine.tree.get(actor_id)
        assert state is not None
        return state.state, state.balance


def same(one: object, other: object) -> None:
    assert one == other


@pytest.fixture(scope="module")
def wasm() -> WasmRuntime:
    return WasmRuntime()


@pytest.fixture(scope="module")
def pair(wasm: WasmRuntime) -> Callable[..., Pair]:
    return lambda name, **options: Pair(name, wasm, **options)


BAD_PARAMETERS = "80 820102 8120 816161 811801 810100 01 811bffffffffffffffff ff 81 8118 9801 8119"


@pytest.mark.parametrize("raw", [b"", *map(bytes.fromhex, BAD_PARAMETERS.split())])
def test_bad_parameters(pair: Callable[..., Pair], raw: bytes) -> None:
    counter = pair("counter")
    assert counter.deploy(raw=raw) == (21 if raw else 0)
    counter.addresses.clear()
    counter.deploy(5)
    assert counter.call(100, "Increment", raw=raw).exit_code == 21


def test_a_counter(pair: Callable[..., Pair]) -> None:
    counter = pair("counter")
    counter.deploy(TOP - 400)
    for by in (0, 1, 23, 24, 255, 97, 1, TOP):
        counter.call(100, "Increment", by)
    assert counter.call(100, "Increment", 1).exit_code == 20
    assert dagcbor.decode(counter.call(101, "Get", raw=b"\xff").return_data) == [TOP]
    assert counter.call(100, "Constructor", 1).exit_code == 18
    assert counter.call(100, 77).exit_code == 22
    assert counter.read_only("Get").exit_code == 0
    assert counter.read_only("Increment", b"\x81\x00").exit_code == 25
    for start in (0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, TOP):
        other = pair("counter", accounts=1)
        other.deploy(start)
        same(other.state(0), other.state(1))


@pytest.mark.parametrize(("threshold", "signers", "code"), FOUNDINGS)
def test_approvals_are_founded_on_rules(pair: Callable[..., Pair], threshold: int, signers: Any, code: int) -> None:
    assert pair("approvals").deploy(threshold, signers) == code


@pytest.mark.parametrize("threshold", [1, 2, 3])
def test_approvals(pair: Callable[..., Pair], threshold: int) -> None:
    group = pair("approvals", accounts=5)
    group.deploy(threshold, [100, 101, 102])
    group.call(104, 0, value=1000)
    rng = random.Random(threshold)
    for _ in range(150):
        who = rng.choice((100, 101, 102, 103))
        if rng.random() < 0.4:
            to = rng.choice((104, 104, 100, 10**12, TOP, 1))
            group.call(who, "Propose", to, rng.choice((0, 1, 7, 10**9)))
        else:
            group.call(who, "Approve", rng.randrange(8 + 30 * rng.randrange(2)))
    assert group.call(100, "Pending").exit_code == 0
    assert group.read_only("Pending").exit_code == 0


def test_a_token(pair: Callable[..., Pair]) -> None:
    token = pair("token")
    token.deploy(1000, 100)
    moves = ((100, 101, 10), (101, 100, 11), (100, 100, 990), (100, 100, 991), (102, 103, 0), (101, 5, 10), (100, TOP, 1))
    for sender, to, amount in moves:
        token.call(sender, "Transfer", to, amount)
    for holder in (100, 101, 5, 102, 103, 77, TOP):
        token.call(100, "BalanceOf", holder)
    token.call(100, "Supply")
    assert token.read_only("Transfer", dagcbor.encode([1, 0])).exit_code == 25


def test_a_token_with_2000_holders(wasm: WasmRuntime) -> None:
    machine = Machine.genesis(MemoryBlocks(), runtimes=[wasm])
    code = wat("token")
    machine.blocks.put(Cid.of(code, RAW), code)
    owner = machine.create_account(10**30)
    token = machine.deploy(Cid.of(code, RAW), dagcbor.encode([TOP, owner.id]))
    balances = {owner.id: TOP}
    number = method_number("Transfer")
    for index in range(2000):
        holder, amount = 1000 + 7 * index, index * index
        receipt = machine.implicit(Message(owner, token, method=number, params=dagcbor.encode([holder, amount]), gas_limit=10**10))
        assert receipt.exit_code == 0
        balances[holder] = amount
        balances[owner.id] -= amount
    table = Hamt(MemoryBlocks(), bit_width=8)
    for holder, balance in balances.items():
        assert holder is not None
        table.set(holder.to_bytes(8), balance.to_bytes(8))
    actor_id = machine.tree.lookup(token)
    assert actor_id is not None
    state = machine.tree.get(actor_id)
    assert state is not None
    assert dagcbor.decode(machine.blocks.get(state.state) or b"") == [TOP, table.flush()]
