"""Calls inside calls: what fails leaves nothing behind, what succeeds leaves what it did, by a model and by running it again."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from miden.actors.codes import ExitCode, SyscallError
from miden.actors.context import MachineContext
from miden.actors.gas import GasCharge
from miden.actors.messages import Message
from miden.actors.methods import method_number
from miden.actors.runtimes.native import Actor, constructor, method
from miden.actors.trace import Call, CallError, CallReturn, entry_to_dict
from miden.ipld import dagcbor
from miden.ipld.cid import DAG_CBOR, RAW, Cid
from tests.support.actor_machines import deploy, machine_with, state_of


class Puppet(Actor):
    """Does what it is told, step by step, and keeps count of what it may have seen."""

    name = "puppet"

    @constructor
    def start(self) -> None:
        self.state = [0]

    @method
    def act(self, steps: list[Any], fail: int) -> list[int]:
        kernel = self.kernel
        refused = 0
        for step in steps:
            name, *args = step
            try:
                if name == "set":
                    self.state = [args[0]]
                elif name == "event":
                    self.emit({"n": args[0]})
                elif name == "pay":
                    self.send(args[0], 0, value=args[1])
                elif name == "call":
                    self.send(args[0], "Act", [args[1], args[2]], gas_limit=args[3] or None)
                elif name == "peek":
                    kernel.block_open(Cid.of(dagcbor.encode([args[0]]), DAG_CBOR))
                elif name == "handle":
                    kernel.block_stat(args[0])
                elif name == "touch":
                    kernel.balance_of(args[0])
                else:
                    kernel.block_create(RAW, b"block")
            except SyscallError:
                refused += 1
        self.require(not fail, 70, "as told")
        return [refused]


PUPPETS = st.integers(101, 103)
STEP = st.one_of(
    st.tuples(st.just("set"), st.integers(0, 5)),
    st.tuples(st.just("event"), st.integers(0, 5)),
    st.tuples(st.just("pay"), st.integers(100, 104), st.integers(0, 40)),
    st.tuples(st.just("peek"), st.integers(0, 5)),
    st.tuples(st.just("handle"), st.integers(0, 5)),
    st.tuples(st.just("touch"), st.integers(99, 105)),
    st.tuples(st.just("make")),
)
LIMITS = st.sampled_from([0, 0, 0, 900_000, 4_000_000])
STEPS = st.lists(STEP, max_size=3)
for _ in range(3):
    STEPS = st.lists(STEP | st.tuples(st.just("call"), PUPPETS, STEPS, st.integers(0, 1), LIMITS), max_size=4)


def plain(steps: Any) -> list[Any]:
    return [[plain(item) if isinstance(item, list) else item for item in step] for step in steps]


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 1))
def test_a_call_that_fails_leaves_nothing_and_costs_the_same_again(steps: Any, fail: int) -> None:
    """What failed is as if it had not been: the state, the events, and what accesses cost afterwards."""
    machine = machine_with(Puppet, context=MachineContext(tracing=True))
    account = machine.create_account(1000)
    puppets = [deploy(machine, Puppet) for _ in range(3)]
    for puppet in puppets:
        assert machine.implicit(Message(account, puppet, value=100)).ok
    start = machine.flush()
    message = Message(account, puppets[0], method=method_number("Act"), params=dagcbor.encode([plain(steps), fail]))
    first = machine.implicit(message)
    opens, balances = 0, sum(actor.balance for _, actor in machine.tree.items())
    assert balances == 1000
    for entry in first.trace:
        opens += isinstance(entry, Call)
        opens -= isinstance(entry, (CallReturn, CallError))
        assert opens >= 0
    assert opens == 0
    # a charge that was refused is told in full, so that the sum says nothing where gas ran out
    charged = -(-sum(entry.total for entry in first.trace if isinstance(entry, GasCharge)) // 1000)
    ran_out = any(isinstance(entry, CallReturn) and entry.exit_code == ExitCode.SYS_OUT_OF_GAS for entry in first.trace)
    assert charged >= first.gas_used if ran_out else charged == first.gas_used
    after = machine.flush()
    if not first.ok:
        assert (after, first.events) == (start, ())
        again = machine.implicit(message)
        assert again == first
        assert list(map(entry_to_dict, again.trace)) == list(map(entry_to_dict, first.trace))
    assert machine.tree.depth == 0


class Model:
    """What is there by definition: states, balances and events, copied before each call and put back if it fails."""

    def __init__(self) -> None:
        self.states = {101: 0, 102: 0, 103: 0}
        self.balances = {100: 700, 101: 100, 102: 100, 103: 100}
        self.events: list[tuple[int, int]] = []

    def act(self, me: int, steps: Any, fail: int) -> bool:
        before = copy.deepcopy((self.states, self.balances, self.events))
        for name, *args in steps:
            if name == "set":
                self.states[me] = args[0]
            elif name == "event":
                self.events.append((me, args[0]))
            elif name == "pay" and args[0] in self.balances and self.balances[me] >= args[1]:
                self.balances[me] -= args[1]
                self.balances[args[0]] += args[1]
            elif name == "call":
                self.act(args[0], args[1], args[2])
        if fail:
            self.states, self.balances, self.events = before
        return not fail


def without_limits(steps: Any) -> list[Any]:
    return [["call", step[1], without_limits(step[2]), step[3], 0] if step[0] == "call" else list(step) for step in steps]


@settings(max_examples=100, deadline=None)
@given(STEPS, st.integers(0, 1))
def test_calls_do_what_they_do_by_definition(steps: Any, fail: int) -> None:
    machine = machine_with(Puppet)
    account = machine.create_account(1000)
    puppets = [deploy(machine, Puppet) for _ in range(3)]
    for puppet in puppets:
        assert machine.implicit(Message(account, puppet, value=100)).ok
    model, wanted = Model(), without_limits(steps)
    message = Message(account, puppets[0], method=method_number("Act"), params=dagcbor.encode([wanted, fail]))
    receipt = machine.implicit(message)
    assert receipt.ok == model.act(101, wanted, fail)
    assert {puppet.id: state_of(machine, puppet)[0] for puppet in puppets} == model.states
    found = {actor_id: actor.balance for actor_id, actor in machine.tree.items() if actor_id >= 100}
    assert found == model.balances
    told = [(event.emitter, dagcbor.decode(event.entries[0].value)) for event in receipt.events]
    assert told == model.events
