"""Traces and observers: every call of every kind is seen, in the network's order, while it happens and afterwards."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from miden.actors.address import Address
from miden.actors.context import MachineContext
from miden.actors.gas import GasCharge
from miden.actors.messages import Message
from miden.actors.methods import method_number
from miden.actors.runtimes.native import Actor, constructor, method
from miden.actors.trace import Call, CallError, CallReturn, InvokeActor, Ipld, JsonLines, Log, Observer, Recorder, entry_to_dict
from miden.ipld import dagcbor
from tests.support.actor_machines import call, deploy, machine_with


class Caller(Actor):
    """Calls others, itself, and nobody."""

    name = "caller"

    @constructor
    def start(self) -> None:
        self.state = [0]

    @method
    def go(self, depth: int) -> list[int]:
        self.log(f"depth {depth}")
        self.state = [depth]
        if depth:
            self.send(self.receiver, "Go", [depth - 1])
            self.send(self.receiver, "Fail")
            self.send(100, 0, value=1)
        return [depth]

    @method
    def fail(self) -> None:
        self.kernel.block_stat(99)


def world(*observers: Observer, **facts: Any) -> tuple[Any, Any, Any]:
    machine = machine_with(Caller, observers=observers, context=MachineContext(debugging=True, **facts))
    account = machine.create_account(10**24)
    caller = deploy(machine, Caller)
    call(machine, account, caller, 0, value=100)
    return machine, account, caller


def shape(entries: Any) -> list[str]:
    return [type(entry).__name__ for entry in entries]


def test_one_call_in_the_order_of_the_network() -> None:
    machine, account, caller = world(tracing=True)
    receipt = call(machine, account, caller, "Go", 0)
    first_charges = ["OnChainMessage"]
    names = [entry.name if isinstance(entry, GasCharge) else type(entry).__name__ for entry in receipt.trace]
    assert names == [
        *first_charges,
        "Call",
        "InvokeActor",
        "OnMethodInvocation",
        *("OnSyscall", "OnBlockStat", "OnSyscall", "OnBlockRead"),
        "OnSyscall",
        "Log",
        *("OnSyscall", "OnScanIpldLinks", "OnBlockCreate", "OnSyscall", "OnBlockLink", "Ipld"),
        *("OnSyscall", "OnActorSetRoot", "OnActorUpdate"),
        *("OnSyscall", "OnScanIpldLinks", "OnBlockCreate", "OnChainReturnValue"),
        "CallReturn",
    ]
    made = receipt.trace[1]
    assert isinstance(made, Call)
    assert (made.sender, made.to, made.method, made.value, made.read_only) == (account.id, caller, method_number("Go"), 0, False)
    assert made.params is not None
    assert (made.params.codec, made.params.data) == (0x51, b"\x81\x00")
    inclusion = receipt.trace[0]
    assert isinstance(inclusion, GasCharge)
    assert made.gas_limit == (10_000_000_000_000 - inclusion.total + 999) // 1000
    put = next(entry for entry in receipt.trace if isinstance(entry, Ipld))
    assert (put.operation, put.size) == ("put", 2)
    assert receipt.trace[-1] == CallReturn(0, receipt.trace[-1].value)  # type: ignore[union-attr]


def test_calls_are_brackets_with_all_that_happens_inside() -> None:
    recorder = Recorder()
    machine, account, caller = world(recorder)
    recorder.entries.clear()
    receipt = call(machine, account, caller, "Go", 3)
    assert [entry for _, entry in recorder.entries] == list(receipt.trace)
    assert [entry.text for entry in receipt.trace if isinstance(entry, Log)] == [f"depth {depth}" for depth in (3, 2, 1, 0)]
    # each level calls itself, what fails, and the account; the last does not
    assert sum(isinstance(entry, Call) for entry in receipt.trace) == 1 + 3 * 3
    assert sum(isinstance(entry, InvokeActor) for entry in receipt.trace) == 1 + 3 * 3
    open_calls: list[int] = []
    for depth, entry in recorder.entries:
        if isinstance(entry, Call):
            assert depth == len(open_calls)
            open_calls.append(depth)
        elif isinstance(entry, (CallReturn, CallError)):
            assert depth == open_calls.pop()
        else:
            assert depth == len(open_calls)
    assert not open_calls
    ends = [entry.exit_code for entry in receipt.trace if isinstance(entry, CallReturn)]
    assert ends == [0, 24, 0, 0, 24, 0, 0, 24, 0, 0]


def test_calls_that_never_run_are_seen() -> None:
    machine, account, caller = world(tracing=True)
    receipt = call(machine, account, caller, 0, value=10**25)
    assert shape(entry for entry in receipt.trace if not isinstance(entry, GasCharge)) == ["Call", "InvokeActor", "CallError"]
    error = receipt.trace[-1]
    assert isinstance(error, CallError)
    assert entry_to_dict(error)["name"] == "INSUFFICIENT_FUNDS"
    nobody = call(machine, account, Address.of(987), 0)
    assert shape(entry for entry in nobody.trace if not isinstance(entry, GasCharge)) == ["Call", "CallError"]


def test_observers_see_messages_of_every_kind() -> None:
    seen: list[Any] = []

    class Watcher(Observer):
        def on_message(self, message: Message, *, implicit: bool) -> None:
            seen.append(("message", message.method, implicit))

        def on_receipt(self, message: Message, receipt: Any) -> None:
            seen.append(("receipt", receipt.exit_code))

    machine, account, caller = world(Watcher())
    seen.clear()
    call(machine, account, caller, "Go", 0)
    machine.implicit(Message(account, caller, method=5))
    machine.call_readonly(caller, method_number("Go"), b"\x81\x00")
    machine.apply(Message(account, caller, nonce=99))
    number = method_number("Go")
    assert seen == [
        *(("message", number, False), ("receipt", 0)),
        *(("message", 5, True), ("receipt", 22)),
        *(("message", number, True), ("receipt", 25)),
        *(("message", 0, False), ("receipt", 2)),
    ]


def test_traces_are_lines_of_json_as_they_happen() -> None:
    file = io.StringIO()
    quiet = io.StringIO()
    machine, account, caller = world(JsonLines(file), JsonLines(quiet, gas=False))
    file.truncate(0)
    file.seek(0)
    receipt = call(machine, account, caller, "Go", 1, value=2)
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [line["entry"] for line in lines[:3]] == ["message", "gas", "call"]
    assert lines[-1]["entry"] == "receipt"
    assert lines[-1]["gas_used"] == receipt.gas_used
    assert {line["entry"] for line in lines} == {"message", "gas", "call", "invoke", "log", "ipld", "return", "receipt"}
    assert len(lines) == len(receipt.trace) + 2
    assert -(-sum(line["compute"] + line["other"] for line in lines if line["entry"] == "gas") // 1000) == receipt.gas_used
    assert not any(json.loads(line)["entry"] == "gas" for line in quiet.getvalue().splitlines())
    returned = [line for line in lines if line["entry"] == "return"]
    assert returned[-1]["value"] == {"codec": 0x71, "data": dagcbor.encode([1]).hex()}


def test_nobody_watching_costs_no_trace() -> None:
    machine, account, caller = world()
    assert call(machine, account, caller, "Go", 1).trace == ()


@pytest.mark.parametrize("traced", [False, True])
def test_watching_changes_nothing(traced: bool) -> None:
    machine, account, caller = world(tracing=traced)
    receipt = call(machine, account, caller, "Go", 4)
    plain, other, same = world()
    assert call(plain, other, same, "Go", 4) == receipt
    assert plain.flush() == machine.flush()


def test_a_backtrace_has_the_cause_and_the_way() -> None:
    machine, account, caller = world()
    receipt = call(machine, account, caller, "Fail")
    first, last = receipt.failure.splitlines()
    assert first.startswith(f"00: {caller} (method {method_number('Fail')}) -- INVALID_HANDLE")
    assert last == "--> caused by: ipld::block_stat: INVALID_HANDLE: no block has handle 99"
