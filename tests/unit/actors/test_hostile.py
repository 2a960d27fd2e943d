"""Actors that mean no good: calls to the limit of depth, gas that ends at every single charge. The machine goes on, the state stays."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from miden.actors.codes import ErrorNumber, ExitCode, SyscallError
from miden.actors.context import MachineContext
from miden.actors.gas import GasCharge
from miden.actors.kernel import SYSCALLS
from miden.actors.messages import Message
from miden.actors.methods import method_number
from miden.actors.runtimes.native import Actor, constructor, method
from miden.actors.stacks import run_deep
from miden.actors.trace import Call, CallError, CallReturn, entry_to_dict
from miden.ipld.cid import Cid
from miden.ipld.hamt import Hamt
from miden.ipld.multihash import BLAKE2B_256
from tests.support.actor_machines import call, deploy, machine_with, returned, state_of
from tests.unit.actors.test_kernel_calls import KEY, World


class Digger(Actor):
    """Calls itself, as deep as it is told to, and as it can."""

    name = "digger"

    @constructor
    def start(self) -> None:
        self.state = [0]

    @method
    def dig(self, depth: int, fail_at_the_end: int) -> list[int]:
        """Return how many levels there were below."""
        self.state = [self.state[0] + 1]
        self.emit({"depth": depth})
        if not depth:
            self.require(not fail_at_the_end, 60, "the end")
            return [0]
        try:
            reply = self.send(self.receiver, "Dig", [depth - 1, fail_at_the_end])
        except SyscallError as error:
            if fail_at_the_end:
                self.abort(60, str(error))
            return [0]
        if not reply.ok:
            self.abort(reply.exit_code, "from below")
        return [reply.value[0] + 1]

    @method
    def split(self, depth: int) -> list[int]:
        """Call itself twice at every level, and fail every other time."""
        self.state = [self.state[0] + 1]
        made = 1
        if depth:
            made += sum(reply.value[0] for reply in (self.send(self.receiver, "Split", [depth - 1]) for _ in range(2)) if reply.ok)
        self.require(self.state[0] % 2, 61, "unlucky")
        return [made]

    @method
    def recurse(self) -> list[int]:
        """Never come to an end in Python itself."""
        return self.recurse()  # type: ignore[no-any-return]

    @method
    def everything(self) -> list[Any]:
        """Make every call of the kernel once."""
        kernel = self.kernel
        table = Hamt(self.blocks)
        for index in range(20):
            table.set(bytes((index,)) * 8, index)
        self.state = [self.state[0] + 1, table.flush()]
        self.emit({"made": 1})
        made: list[Any] = [self.balance, self.epoch, self.send(KEY, 0, value=1).exit_code]
        calls: list[tuple[str, tuple[Any, ...]]] = [
            ("resolve_address", (KEY,)),
            ("get_actor_code_cid", (0,)),
            ("balance_of", (100,)),
            ("lookup_delegated_address", (1,)),
            ("next_actor_address", ()),
            ("get_builtin_actor_type", (Cid.of(b"none"),)),
            ("get_code_cid_for_type", (1,)),
            ("hash", (BLAKE2B_256, bytes(100))),
            ("verify_signature", (1, b"", KEY, b"")),
            ("verify_bls_aggregate", (b"", [], b"", [])),
            ("recover_secp_public_key", (b"", b"")),
            ("compute_unsealed_sector_cid", (1, b"\x80")),
            ("verify_consensus_fault", (b"", b"", b"")),
            ("verify_post", (b"\x84\x01\x02\x80\x03",)),
            ("verify_aggregate_seals", (b"\x85\x01\x02\x03\x04\x80",)),
            ("verify_replica_update", (b"\x80",)),
            ("batch_verify_seals", (b"\x81\x01",)),
            ("enabled", ()),
            ("log", ("here",)),
            ("store_artifact", ("name", b"")),
            ("emit_event_cbor", (b"\x80",)),
            ("charge", ("mine", 1000)),
            ("available", ()),
            ("message_context", ()),
            ("total_fil_circ_supply", ()),
            ("tipset_cid", (1,)),
            ("get_chain_randomness", (1,)),
            ("get_beacon_randomness", (1,)),
            ("create_actor", (Cid.of(b"none"), 9)),
            ("block_stat", (1,)),
            ("self_destruct", ()),
        ]
        seen = {"block_open", "block_create", "block_read", "block_link", "root", "set_root", "send", "emit_event", "exit"}
        assert {name for name, _ in calls} | seen | {"current_balance", "network_context"} == set(SYSCALLS)
        for name, args in calls:
            kernel.enter()
            try:
                made.append(type(getattr(kernel, name)(*args)).__name__)
            except SyscallError as error:
                made.append(error.number.name)
        return made


def world(**options: Any) -> tuple[Any, Any, Any]:
    machine = machine_with(Digger, externs=World(), **options)
    account = machine.create_account(10**24)
    digger = deploy(machine, Digger)
    call(machine, account, digger, 0, value=1000)
    return machine, account, digger


def test_calls_go_as_deep_as_the_limit_and_no_deeper() -> None:
    machine, account, digger = world(context=MachineContext(tracing=True, epoch=5))
    limit = sys.getrecursionlimit()
    receipt = call(machine, account, digger, "Dig", 5000, 0, gas_limit=10**12)
    # the message itself is the first of 1,024
    assert returned(receipt) == [1023]
    assert state_of(machine, digger) == [1024]
    assert len(receipt.events) == 1024
    assert sys.getrecursionlimit() == limit
    made = [entry for entry in receipt.trace if isinstance(entry, Call)]
    assert len(made) == 1025
    errors = [entry.error.number for entry in receipt.trace if isinstance(entry, CallError)]
    assert errors == [ErrorNumber.LIMIT_EXCEEDED]
    assert sum(isinstance(entry, CallReturn) for entry in receipt.trace) == 1024
    # and again, and not one call less
    assert returned(call(machine, account, digger, "Dig", 1023, 1 - 1, gas_limit=10**12)) == [1023]


def test_a_failure_at_the_bottom_takes_everything_back() -> None:
    machine, account, digger = world()
    root = machine.flush()
    before = state_of(machine, digger)
    for depth in (5000, 1023, 1):
        receipt = call(machine, account, digger, "Dig", depth, 1, gas_limit=10**12)
        assert (receipt.exit_code, receipt.events, state_of(machine, digger)) == (60, (), before)
        assert receipt.failure.count("\n") >= min(depth, 1023)
    assert machine.tree.depth == 0
    assert returned(call(machine, account, digger, "Dig", 3, 0)) == [3]
    assert machine.flush() != root


def test_deep_calls_need_no_deep_stack_of_their_caller() -> None:
    found: list[Any] = []

    def work() -> None:
        machine, account, digger = world()
        found.append(returned(call(machine, account, digger, "Dig", 5000, 0, gas_limit=10**12)))

    before = threading.stack_size(256 << 10)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert threading.stack_size() == 256 << 10
    finally:
        threading.stack_size(before)
    assert found == [[1023]]


def test_what_is_raised_on_another_stack_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        run_deep(24, lambda: 1 // 0)
    assert run_deep(23, threading.get_ident) == threading.get_ident() != run_deep(48, threading.get_ident)


def test_endless_recursion_in_python_is_a_trap() -> None:
    machine, account, digger = world()
    receipt = call(machine, account, digger, "Recurse")
    assert receipt.exit_code == ExitCode.USR_ASSERTION_FAILED
    assert "RecursionError" in receipt.failure
    assert returned(call(machine, account, digger, "Dig", 3, 0)) == [3]


def test_a_tree_of_calls_that_fail_now_and_then() -> None:
    machine, account, digger = world()
    receipt = call(machine, account, digger, "Split", 7, gas_limit=10**12)
    expected = returned(receipt)[0] if receipt.ok else 0
    # every call that succeeded, with all calls around it, has counted once
    assert state_of(machine, digger) == [expected]


@pytest.mark.parametrize("version", [18, 21])
def test_gas_that_ends_at_any_charge_ends_the_message_and_nothing_else(version: int) -> None:
    machine, account, digger = world(context=MachineContext(tracing=True, epoch=5, network_version=version))
    number = method_number("Everything")
    start = machine.flush()
    whole = machine.implicit(Message(account, digger, method=number))
    assert whole.exit_code == 0, whole.failure
    charges = [entry for entry in whole.trace if isinstance(entry, GasCharge) and entry.total]
    assert len(charges) > 80
    fresh, account, digger = world(context=MachineContext(tracing=True, epoch=5, network_version=version))
    assert fresh.flush() == start
    spent = 0
    for charge in charges:
        limit = spent // 1000
        spent += charge.total
        if not 0 < limit < spent // 1000:
            continue
        receipt = fresh.implicit(Message(account, digger, method=number, gas_limit=limit))
        assert (receipt.exit_code, receipt.gas_used, receipt.events) == (ExitCode.SYS_OUT_OF_GAS, limit, ()), charge
        assert fresh.tree.depth == 0
        assert fresh.flush() == start, charge
    again = fresh.implicit(Message(account, digger, method=number))
    assert again == whole
    assert list(map(entry_to_dict, again.trace)) == list(map(entry_to_dict, whole.trace))
    assert whole.gas_used == -(-spent // 1000)


def test_explicit_messages_that_run_out_pay_and_change_nothing_else() -> None:
    machine, account, digger = world(context=MachineContext(base_fee=5, epoch=5))
    whole = call(machine, account, digger, "Everything", fee_cap=5, gas_limit=10**9)
    assert whole.ok
    record = machine.tree.get(digger.id)
    for limit in range(2_000_000, whole.gas_used, whole.gas_used // 23):
        receipt = call(machine, account, digger, "Everything", fee_cap=5, gas_limit=limit)
        assert (receipt.exit_code, receipt.gas_used) == (ExitCode.SYS_OUT_OF_GAS, limit)
        assert machine.tree.get(digger.id) == record
    assert call(machine, account, digger, "Everything", fee_cap=5, gas_limit=10**9).ok
