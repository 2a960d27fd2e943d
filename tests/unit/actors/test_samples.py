"""The three sample actors in Python: what they do, what they refuse and with which exit code, what they tell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miden.actors.codes import ExitCode
from miden.actors.genesis import DeployError
from miden.actors.messages import Message
from miden.actors.methods import method_number
from miden.actors.runtimes.native import native_code
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks
from miden.ipld.hamt import Hamt
from tests.support.actor_machines import FOUNDINGS, call, deploy, machine_with, returned, sample, state_of

COUNTER, APPROVALS, TOKEN = sample("Counter"), sample("Approvals"), sample("Token")
TOP = (1 << 63) - 1


def told(receipt: Any) -> list[dict[str, Any]]:
    """Return events as dictionaries; all entries are indexed CBOR."""
    found = []
    for event in receipt.events:
        assert all(entry.flags == 3 and entry.codec == 0x51 for entry in event.entries)
        found.append({entry.key: dagcbor.decode(entry.value) for entry in event.entries})
    return found


def start_counter(*params: Any) -> tuple[Any, Any, Any]:
    machine = machine_with(COUNTER)
    account = machine.create_account(10**24)
    return machine, account, deploy(machine, COUNTER, *params)


def test_a_counter_counts_and_tells() -> None:
    machine, account, counter = start_counter(5)
    receipt = call(machine, account, counter, "Increment", 3)
    assert returned(receipt) == [8]
    assert told(receipt) == [{"count": 8}]
    assert returned(machine.call_readonly(counter, method_number("Get"))) == [8]
    assert state_of(machine, counter) == [8]


def test_a_counter_starts_at_0_without_parameters() -> None:
    machine, _, counter = start_counter()
    assert state_of(machine, counter) == [0]


NO_PARAMETERS = ["", "80", "820102", "8120", "816161", "811801", "810100", "01", "811bffffffffffffffff", "ff"]


@pytest.mark.parametrize("raw", [bytes.fromhex(text) for text in NO_PARAMETERS])
def test_a_counter_refuses_parameters_that_are_none(raw: bytes) -> None:
    machine, account, counter = start_counter(5)
    assert call(machine, account, counter, "Increment", raw=raw).exit_code == ExitCode.USR_SERIALIZATION
    assert state_of(machine, counter) == [5]


def test_a_counter_refuses_what_it_should() -> None:
    machine, account, counter = start_counter(TOP)
    receipt = call(machine, account, counter, "Increment", 1)
    assert receipt.exit_code == ExitCode.USR_ILLEGAL_STATE
    assert receipt.events == ()
    assert returned(call(machine, account, counter, "Increment", 0)) == [TOP]
    assert call(machine, account, counter, 7).exit_code == ExitCode.USR_UNHANDLED_MESSAGE
    assert call(machine, account, counter, "Constructor", 1).exit_code == ExitCode.USR_FORBIDDEN
    assert call(machine, account, counter, "Constructor", raw=b"\xff").exit_code == ExitCode.USR_FORBIDDEN
    assert machine.call_readonly(counter, method_number("Increment"), b"\x81\x00").exit_code == ExitCode.USR_READ_ONLY
    assert returned(call(machine, account, counter, "Get", raw=b"\xff")) == [TOP]
    with pytest.raises(DeployError) as refused:
        machine.deploy(native_code(COUNTER), b"\x81\x20")
    assert refused.value.receipt.exit_code == ExitCode.USR_SERIALIZATION
    assert refused.value.kind == "USR_SERIALIZATION"


class Group:
    """Approvals with three signers and a threshold, some funds, and somebody to send them to."""

    def __init__(self, threshold: int, balance: int = 100) -> None:
        self.machine = machine_with(APPROVALS)
        self.signers = sorted((self.machine.create_account(10**24) for _ in range(3)), key=lambda address: address.id or 0)
        self.stranger = self.machine.create_account(10**24)
        self.actor = deploy(self.machine, APPROVALS, threshold, [signer.id for signer in self.signers])
        call(self.machine, self.stranger, self.actor, 0, value=balance)
        self.payee = self.machine.create_account(0)

    def call(self, who: int, method: str, *params: Any) -> Any:
        return call(self.machine, self.signers[who], self.actor, method, *params)

    def balance(self, address: Any) -> int:
        state = self.machine.tree.get(address.id)
        assert state is not None
        return state.balance


def test_two_of_three_send() -> None:
    group = Group(2)
    proposed = group.call(0, "Propose", group.payee.id, 60)
    assert returned(proposed) == [0]
    assert told(proposed) == [{"proposed": 0}]
    assert returned(group.call(0, "Pending")) == [[0, group.payee.id, 60, [group.signers[0].id]]]
    assert group.call(0, "Approve", 0).exit_code == ExitCode.USR_FORBIDDEN
    executed = group.call(1, "Approve", 0)
    assert returned(executed) == [1]
    assert told(executed) == [{"executed": 0}]
    assert group.balance(group.payee) == 60
    assert group.call(2, "Approve", 0).exit_code == ExitCode.USR_NOT_FOUND
    assert state_of(group.machine, group.actor) == [2, [signer.id for signer in group.signers], 1, []]


def test_three_of_three_and_one_of_three() -> None:
    group = Group(3)
    group.call(0, "Propose", group.payee.id, 1)
    second = group.call(1, "Approve", 0)
    assert (returned(second), told(second)) == ([0], [{"approved": 0}])
    assert returned(group.call(2, "Approve", 0)) == [1]
    alone = Group(1)
    at_once = alone.call(0, "Propose", alone.payee.id, 7)
    assert (returned(at_once), told(at_once)) == ([0], [{"proposed": 0}, {"executed": 0}])
    assert alone.balance(alone.payee) == 7


def test_approvals_refuse_what_they_should() -> None:
    group = Group(2)
    assert call(group.machine, group.stranger, group.actor, "Propose", 1, 1).exit_code == ExitCode.USR_FORBIDDEN
    assert call(group.machine, group.stranger, group.actor, "Approve", 9).exit_code == ExitCode.USR_FORBIDDEN
    assert group.call(0, "Approve", 9).exit_code == ExitCode.USR_NOT_FOUND
    for _ in range(16):
        assert returned(group.call(0, "Propose", group.payee.id, 1000))
    assert group.call(0, "Propose", group.payee.id, 1).exit_code == ExitCode.USR_ILLEGAL_STATE
    # more than there is, and nobody to send to: taken back, so that it still waits
    assert group.call(1, "Approve", 3).exit_code == ExitCode.USR_INSUFFICIENT_FUNDS
    assert len(returned(group.call(0, "Pending"))) == 16
    nobody = Group(1)
    assert nobody.call(0, "Propose", 10**9, 0).exit_code == ExitCode.USR_INSUFFICIENT_FUNDS


@pytest.mark.parametrize(("threshold", "signers", "code"), [row for row in FOUNDINGS if row[2]])
def test_approvals_are_founded_on_rules(threshold: int, signers: Any, code: int) -> None:
    machine = machine_with(APPROVALS)
    with pytest.raises(DeployError) as refused:
        deploy(machine, APPROVALS, threshold, signers)
    assert refused.value.receipt.exit_code == code


def test_a_token_moves() -> None:
    machine = machine_with(TOKEN)
    owner, other = machine.create_account(10**24), machine.create_account(10**24)
    token = deploy(machine, TOKEN, 1000, owner.id)
    moved = call(machine, owner, token, "Transfer", other.id, 10)
    assert returned(moved) is None
    assert told(moved) == [{"from": owner.id, "to": other.id, "amount": 10}]
    assert list(told(moved)[0]) == ["from", "to", "amount"]
    for holder, balance in ((owner.id, 990), (other.id, 10), (5, 0)):
        assert returned(call(machine, other, token, "BalanceOf", holder)) == [balance]
    assert returned(call(machine, other, token, "Supply")) == [1000]
    before = state_of(machine, token)
    assert told(call(machine, owner, token, "Transfer", owner.id, 990)) == [{"from": owner.id, "to": owner.id, "amount": 990}]
    assert state_of(machine, token) == before
    assert call(machine, owner, token, "Transfer", owner.id, 991).exit_code == ExitCode.USR_INSUFFICIENT_FUNDS
    assert call(machine, other, token, "Transfer", owner.id, 11).exit_code == ExitCode.USR_INSUFFICIENT_FUNDS


def test_a_token_with_2000_holders_is_the_map_of_their_balances() -> None:
    machine = machine_with(TOKEN)
    owner = machine.create_account(10**30)
    token = deploy(machine, TOKEN, TOP, owner.id)
    number = method_number("Transfer")
    balances = {owner.id: TOP}
    for index in range(2000):
        holder, amount = 1000 + 7 * index, index * index
        params = dagcbor.encode([holder, amount])
        assert machine.implicit(Message(owner, token, method=number, params=params)).exit_code == 0
        balances[holder] = amount
        balances[owner.id] -= amount
    table = Hamt(MemoryBlocks(), bit_width=8)
    for holder, balance in balances.items():
        assert holder is not None
        table.set(holder.to_bytes(8), balance.to_bytes(8))
    assert state_of(machine, token) == [TOP, table.flush()]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 600)), max_size=12))
def test_tokens_are_neither_made_nor_lost(moves: list[tuple[int, int, int]]) -> None:
    machine = machine_with(TOKEN)
    accounts = [machine.create_account(10**24) for _ in range(4)]
    token = deploy(machine, TOKEN, 1000, accounts[0].id)
    balances = {account.id: 0 for account in accounts} | {accounts[0].id: 1000}
    for who, to, amount in moves:
        sender, receiver = accounts[who].id, accounts[to].id if to < 4 else 77
        receipt = call(machine, accounts[who], token, "Transfer", receiver, amount)
        assert receipt.ok == (balances[sender] >= amount)
        if receipt.ok:
            balances[sender] -= amount
            balances[receiver] = balances.get(receiver, 0) + amount
    found = {holder: returned(call(machine, accounts[0], token, "BalanceOf", holder))[0] for holder in balances}
    assert found == balances
    assert sum(found.values()) == 1000
