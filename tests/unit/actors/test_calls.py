"""Messages and calls: what is checked before, who is created on the way, how calls end, what is paid."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.actors.address import Address
from miden.actors.codes import ErrorNumber, Exit, ExitCode, Fatal, GuestTrap, SyscallError
from miden.actors.context import MachineContext, Manifest
from miden.actors.executor import settle
from miden.actors.machine import Machine
from miden.actors.messages import Message
from miden.actors.methods import method_number
from miden.actors.runtimes.native import Actor, constructor, method, native_code
from miden.actors.trace import Call, InvokeActor
from miden.errors import InputError, IntegrityError, MidenError, NetworkError, NotFoundError, StorageError
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks
from miden.ipld.cid import RAW, Cid
from tests.support.actor_machines import call, deploy, machine_with, returned

F1 = Address(b"\x01" + bytes(range(20)))
F2 = Address(b"\x02" + bytes(20))
F3 = Address.from_bls(bytes(range(48)))
F4 = Address.delegated(10, b"a name")
EVERYTHING = 10**24


class Echo(Actor):
    """Ends in all the ways there are."""

    name = "echo"

    @constructor
    def start(self) -> None:
        self.state = [0]

    @method
    def end(self, code: int) -> None:
        self.state = [code]
        self.emit({"code": code})
        self.abort(code, "as told")

    @method
    def end_with_block(self, code: int, handle: int) -> None:
        self.kernel.block_create(RAW, b"why")
        raise Exit(code, handle)

    @method
    def count(self) -> list[int]:
        self.state = [self.state[0] + 1]
        return self.state  # type: ignore[no-any-return]

    @method
    def break_down(self, code: int) -> None:
        raise GuestTrap("broken", ExitCode(code))

    @method
    def spend(self) -> None:
        while True:
            self.kernel.enter()

    @method
    def pass_on(self, to: Any, name: str, params: Any, gas: int, value: int, flags: int) -> list[Any]:
        """Call another method and return how that ended: an error number, or an exit code with a value."""
        kernel = self.kernel
        handle = 0 if params is None else kernel.block_create(0x71, dagcbor.encode(params))
        number = 0 if name == "" else method_number(name)
        try:
            code, result, _, size = kernel.send(to, number, handle, value, gas or None, flags)
        except SyscallError as error:
            return ["error", error.number.value]
        return ["exit", code, dagcbor.decode(kernel.block_read(result, 0, size)[0]) if result else None]


class Wrong:
    """A runtime that returns a handle that is none."""

    def claims(self, code: Cid, blocks: Any) -> bool:
        return code == Cid.of(b"wrong", RAW)

    def invoke(self, kernel: Any, code: Cid, params: int) -> int:
        return 0 if kernel.method == 1 else 9


def world(**options: Any) -> tuple[Machine, Address, Address]:
    machine = machine_with(Echo, **options)
    account = machine.create_account(EVERYTHING)
    return machine, account, deploy(machine, Echo)


def total(machine: Machine) -> int:
    return sum(actor.balance for _, actor in machine.tree.items())


def balance(machine: Machine, address: Address) -> int:
    actor_id = machine.tree.lookup(address)
    assert actor_id is not None
    actor = machine.tree.get(actor_id)
    assert actor is not None
    return actor.balance


def ask(machine: Machine, account: Address, echo: Address, to: Any, name: str = "", params: Any = None, **more: int) -> Any:
    raw = to.to_bytes() if isinstance(to, Address) else to
    wanted = [raw, name, params, more.get("gas", 0), more.get("value", 0), more.get("flags", 0)]
    return returned(call(machine, account, echo, "PassOn", *wanted))


# before a message runs


def test_a_message_is_checked_before_it_runs() -> None:
    machine, account, echo = world(context=MachineContext(base_fee=100))
    before = total(machine)

    def code(**fields: Any) -> int:
        message = Message(**{"sender": account, "to": echo, "method": 0, "fee_cap": 100, "gas_limit": 10**7, **fields})
        receipt = machine.apply(message)
        assert receipt.gas_used == 0
        assert receipt.failure
        return receipt.exit_code

    assert code(gas_limit=1000) == ExitCode.SYS_OUT_OF_GAS
    assert code(sender=F1) == ExitCode.SYS_SENDER_INVALID
    assert code(sender=Address.of(987654)) == ExitCode.SYS_SENDER_INVALID
    assert code(sender=echo) == ExitCode.SYS_SENDER_INVALID
    assert code(nonce=1) == ExitCode.SYS_SENDER_STATE_INVALID
    assert code(fee_cap=EVERYTHING) == ExitCode.SYS_SENDER_STATE_INVALID
    assert total(machine) == before
    for wrong in ({"gas_limit": 0}, {"gas_limit": 1 << 63}, {"fee_cap": -1}, {"premium": -1}):
        with pytest.raises(InputError):
            machine.apply(Message(account, echo, **wrong))
    assert machine.implicit(Message(F1, echo)).exit_code == ExitCode.SYS_SENDER_INVALID
    assert machine.implicit(Message(Address.of(987654), echo)).exit_code == ExitCode.OK


def test_a_message_pays() -> None:
    machine, account, echo = world(context=MachineContext(base_fee=100))
    before = total(machine)
    receipt = call(machine, account, echo, "Count", fee_cap=300, premium=7, gas_limit=10**7, value=5)
    fees = settle(receipt.gas_used, 10**7, 100, 300, 7)
    assert balance(machine, Address.of(99)) == fees.base_fee_burn + fees.over_estimation_burn
    assert balance(machine, Address.of(2)) == fees.tip == 7 * 10**7
    assert balance(machine, account) == EVERYTHING - 300 * 10**7 + fees.refund - 5
    assert balance(machine, echo) == 5
    assert total(machine) == before


@given(st.integers(0, 10**6), st.integers(1, 10**7), st.integers(0, 100), st.integers(0, 200), st.integers(0, 50))
def test_what_is_put_up_goes_somewhere(used: int, limit: int, base_fee: int, fee_cap: int, premium: int) -> None:
    fees = settle(min(used, limit), limit, base_fee, fee_cap, premium)
    assert fees.base_fee_burn + fees.tip + fees.over_estimation_burn + fees.refund == fee_cap * limit
    assert min(fees) >= 0


@pytest.mark.parametrize(
    ("used", "limit", "burnt"),
    [(100, 200, 90), (100, 150, 20), (1000, 1300, 60), (500, 700, 60), (200, 200, 0), (20_000, 21_000, 0), (0, 2000, 2000), (500, 651, 30)],
)
def test_asking_too_much_is_burnt_as_on_the_network(used: int, limit: int, burnt: int) -> None:
    assert settle(used, limit, 1, 1, 0).over_estimation_burn == burnt


def test_a_machine_needs_a_state() -> None:
    with pytest.raises(NotFoundError):
        Machine(MemoryBlocks(), Cid.of(b"nothing"))
    with pytest.raises(InputError):
        Machine.genesis(MemoryBlocks(), profile="other")
    with pytest.raises(InputError):
        Machine.genesis(MemoryBlocks(), prices="other")
    with pytest.raises(InputError):
        machine_with().create_account(5, F2)
    machine = machine_with()
    machine.create_account(5, F1)
    with pytest.raises(InputError, match="already"):
        machine.create_account(5, F1)
    assert Manifest().code_of(1) is None
    assert machine.manifest.code_of(1) == machine.manifest.code("system")
    assert machine.manifest.type_of(machine.manifest.code("init")) == 2
    assert machine.manifest.name_of(machine.manifest.code("init")) == "init"
    with pytest.raises(InputError):
        machine.manifest.code("cron")


def test_a_machine_goes_on_from_what_it_flushed() -> None:
    blocks = MemoryBlocks()
    machine = machine_with(Echo, blocks=blocks)
    account = machine.create_account(EVERYTHING)
    echo = deploy(machine, Echo)
    assert returned(call(machine, account, echo, "Count")) == [1]
    root = machine.flush()
    assert returned(call(machine, account, echo, "Count")) == [2]
    again = Machine(blocks, root, runtimes=machine.runtimes)
    assert returned(call(again, account, echo, "Count")) == [2]
    assert again.flush() == machine.flush()


# who is created on the way


@pytest.mark.parametrize("key", [F1, F3])
def test_a_key_that_receives_gets_an_account(key: Address) -> None:
    machine, account, echo = world(context=MachineContext(tracing=True))
    receipt = call(machine, account, key, 0, value=7)
    assert receipt.ok
    assert balance(machine, key) == 7
    made = machine.tree.lookup(key)
    assert made is not None
    state = machine.tree.get(made)
    assert state is not None
    assert machine.manifest.name_of(state.code) == "account"
    # its constructor runs, but is in no trace: one call, one actor
    assert [type(entry) for entry in receipt.trace if isinstance(entry, (Call, InvokeActor))] == [Call, InvokeActor]
    assert "OnMethodInvocation" in [entry.name for entry in receipt.trace if hasattr(entry, "compute")]
    # and it may send
    assert machine.apply(Message(key, echo, gas_limit=10**7)).ok


def test_an_f4_address_that_receives_gets_a_placeholder_that_becomes_an_account() -> None:
    machine, account, echo = world()
    assert call(machine, account, F4, 0, value=7).ok
    made = machine.tree.lookup(F4)
    assert made is not None
    state = machine.tree.get(made)
    assert state is not None
    assert (machine.manifest.name_of(state.code), state.delegated) == ("placeholder", F4)
    assert call(machine, account, F4, "Whatever").ok
    assert machine.apply(Message(F4, echo, gas_limit=10**7)).ok
    after = machine.tree.get(made)
    assert after is not None
    assert (machine.manifest.name_of(after.code), after.nonce) == ("ethaccount", 1)


@pytest.mark.parametrize(
    ("to", "code"),
    [
        (F2, ExitCode.SYS_INVALID_RECEIVER),
        (Address.of(987654), ExitCode.SYS_INVALID_RECEIVER),
        (Address.delegated(11, b"a name"), ExitCode.SYS_INVALID_RECEIVER),
        (Address.from_bls(b"\xc0" + bytes(47)), ExitCode.SYS_ASSERTION_FAILED),
    ],
)
def test_others_that_are_not_there_cannot_receive(to: Address, code: ExitCode) -> None:
    machine, account, _ = world()
    before = machine.tree.init_state()
    assert call(machine, account, to, 0, value=7).exit_code == code
    assert machine.tree.init_state() == before


def test_nothing_is_created_by_reading_or_without_funds() -> None:
    machine, account, echo = world()
    assert ask(machine, account, echo, F1, flags=1) == ["error", ErrorNumber.READ_ONLY]
    assert ask(machine, account, echo, F4, flags=1) == ["error", ErrorNumber.READ_ONLY]
    assert ask(machine, account, echo, F1, value=1) == ["error", ErrorNumber.INSUFFICIENT_FUNDS]
    assert machine.tree.lookup(F1) is None
    assert call(machine, account, F1, 0, value=2 * EVERYTHING).exit_code == ExitCode.SYS_INSUFFICIENT_FUNDS
    assert machine.tree.lookup(F1) is None


# how calls end


def test_an_exit_code_takes_back_state_and_events() -> None:
    machine, account, echo = world()
    for code in (16, 255, 1 << 31):
        receipt = call(machine, account, echo, "End", code, value=3)
        assert (receipt.exit_code, receipt.events, receipt.events_root) == (code, (), None)
        assert "as told" in receipt.failure
    for code in range(1, 16):
        assert call(machine, account, echo, "End", code).exit_code == ExitCode.SYS_ILLEGAL_EXIT_CODE
    # an exit with code 0 is a success that returns nothing
    assert call(machine, account, echo, "End", 0).ok
    assert balance(machine, echo) == 0
    assert returned(call(machine, account, echo, "Count")) == [1]


def test_an_exit_may_carry_a_block() -> None:
    machine, account, echo = world()
    receipt = call(machine, account, echo, "EndWithBlock", 40, 2)
    assert (receipt.exit_code, receipt.return_data, receipt.return_codec) == (40, b"why", RAW)
    fatal = call(machine, account, echo, "EndWithBlock", 40, 99, gas_limit=10**8)
    assert (fatal.exit_code, fatal.gas_used) == (ExitCode.SYS_ASSERTION_FAILED, 10**8)
    assert "fatal" in fatal.failure
    assert returned(call(machine, account, echo, "Count")) == [1]


def test_a_trap_and_an_unknown_return() -> None:
    machine, account, echo = world()
    for code in (4, 24):
        assert call(machine, account, echo, "BreakDown", code).exit_code == code
    wrong = Machine(machine.blocks, machine.flush(), runtimes=[*machine.runtimes, Wrong()])
    actor = wrong.deploy(Cid.of(b"wrong", RAW))
    assert call(wrong, account, actor, 5).exit_code == ExitCode.SYS_MISSING_RETURN


def test_code_that_nobody_runs() -> None:
    machine, account, echo = world()
    made = machine.tree.get(echo.id or 0)
    assert made is not None
    machine.tree.set(500, made._replace(code=Cid.of(b"unknown", RAW)))
    assert call(machine, account, Address.of(500), 5).exit_code == ExitCode.SYS_INVALID_RECEIVER
    assert call(machine, account, Address.of(500), 0, value=1).ok
    assert ask(machine, account, echo, Address.of(500), "Count") == ["error", ErrorNumber.NOT_FOUND]


def test_a_missing_block_of_the_state_is_fatal() -> None:
    machine, account, echo = world()
    made = machine.tree.get(echo.id or 0)
    assert made is not None
    machine.tree.set(500, made._replace(state=Cid.of(b"gone")))
    receipt = call(machine, account, Address.of(500), "Count", gas_limit=10**8)
    assert (receipt.exit_code, receipt.gas_used) == (ExitCode.SYS_ASSERTION_FAILED, 10**8)
    nested = call(machine, account, echo, "PassOn", Address.of(500).to_bytes(), "Count", None, 0, 0, 0, gas_limit=10**8)
    assert (nested.exit_code, nested.gas_used) == (ExitCode.SYS_ASSERTION_FAILED, 10**8)
    assert machine.tree.depth == 0
    assert returned(call(machine, account, echo, "Count")) == [1]


class FailingBlocks(MemoryBlocks):
    """A store that fails when it is told to."""

    failure: MidenError | None = None

    def get(self, cid: Cid) -> bytes | None:
        if self.failure is not None:
            raise self.failure
        return super().get(cid)


@pytest.mark.parametrize(
    "failure", [StorageError("the disk is gone"), NetworkError("no answer"), IntegrityError("x", expected="", found="")]
)
def test_a_store_that_fails_is_no_end_of_a_message(failure: MidenError) -> None:
    blocks = FailingBlocks()
    machine = machine_with(Echo, blocks=blocks)
    account = machine.create_account(EVERYTHING)
    echo = deploy(machine, Echo)
    root = machine.flush()
    for wanted in (["Count"], ["PassOn", echo.to_bytes(), "Count", None, 0, 0, 0]):
        again = Machine(blocks, root, runtimes=machine.runtimes)
        again.tree.get(account.id or 0)
        if len(wanted) > 1:
            again.tree.get(echo.id or 0)
        blocks.failure = failure
        with pytest.raises(type(failure)):
            call(again, account, echo, *wanted)
        blocks.failure = None
        state = again.tree.get(account.id or 0)
        assert state is not None
        assert (state.nonce, again.tree.depth) == (0, 0)
        assert call(again, account, echo, *wanted).ok


def test_fees_that_cannot_be_paid_out_change_nothing() -> None:
    machine, account, echo = world(context=MachineContext(base_fee=1))
    machine.tree.delete(99)
    before = machine.tree.get(account.id or 0)
    with pytest.raises(Fatal):
        call(machine, account, echo, "Count", fee_cap=1)
    assert machine.tree.get(account.id or 0) == before


def test_sends_that_cannot_be_made_are_errors() -> None:
    machine, account, echo = world()
    for to in (b"", b"\x05\x01", b"\x00", b"\x00\x80\x00"):
        assert ask(machine, account, echo, to) == ["error", ErrorNumber.ILLEGAL_ARGUMENT]
    assert ask(machine, account, echo, echo, flags=2) == ["error", ErrorNumber.ILLEGAL_ARGUMENT]
    assert ask(machine, account, echo, echo, flags=1, value=1) == ["error", ErrorNumber.READ_ONLY]
    assert ask(machine, account, echo, F2) == ["error", ErrorNumber.NOT_FOUND]
    assert ask(machine, account, echo, account, value=1) == ["error", ErrorNumber.INSUFFICIENT_FUNDS]


def test_sends_that_fail_inside_are_exit_codes() -> None:
    machine, account, echo = world()
    assert ask(machine, account, echo, echo, "End", [40]) == ["exit", 40, None]
    assert ask(machine, account, echo, echo, "Count", flags=1) == ["exit", 25, None]
    assert ask(machine, account, echo, echo, "Nothing") == ["exit", 22, None]
    assert ask(machine, account, echo, echo, "Count") == ["exit", 0, [1]]


def test_a_limit_of_gas_holds_inside_and_only_there() -> None:
    machine, account, echo = world()
    limit = 3_000_000
    receipt = call(machine, account, echo, "PassOn", echo.to_bytes(), "Spend", None, limit, 0, 0, gas_limit=10**8)
    assert returned(receipt) == ["exit", ExitCode.SYS_OUT_OF_GAS, None]
    plain = call(machine, account, echo, "PassOn", echo.to_bytes(), "", None, 0, 0, 0, gas_limit=10**8)
    assert limit < receipt.gas_used < limit + plain.gas_used + 20_000
    # without a limit of its own, the message ends
    spent = call(machine, account, echo, "PassOn", echo.to_bytes(), "Spend", None, 0, 0, 0, gas_limit=10**7)
    assert (spent.exit_code, spent.gas_used) == (ExitCode.SYS_OUT_OF_GAS, 10**7)
    # a limit above what there is is no limit
    spent = call(machine, account, echo, "PassOn", echo.to_bytes(), "Spend", None, 10**9, 0, 0, gas_limit=10**7)
    assert (spent.exit_code, spent.gas_used) == (ExitCode.SYS_OUT_OF_GAS, 10**7)


def test_a_read_only_call_reads() -> None:
    machine, account, echo = world()
    number = method_number("Count")
    assert machine.call_readonly(echo, number).exit_code == ExitCode.USR_READ_ONLY
    assert machine.call_readonly(F1, 0).exit_code == ExitCode.SYS_ASSERTION_FAILED
    assert machine.tree.lookup(F1) is None
    assert returned(call(machine, account, echo, "Count")) == [1]


def test_init_gives_every_actor_its_own_address() -> None:
    machine = machine_with(Echo)
    made = {deploy(machine, Echo) for _ in range(3)}
    assert len(made) == 3
    account = machine.create_account(EVERYTHING)
    params = dagcbor.encode([native_code(Echo), b""])
    receipts = [machine.apply(Message(account, Address.of(1), method=2, params=params, nonce=nonce)) for nonce in range(2)]
    pairs = [[Address(raw) for raw in returned(receipt)] for receipt in receipts]
    for number, (actor_id, robust) in enumerate(pairs):
        assert machine.tree.lookup(robust) == actor_id.id
        assert robust == Address.for_creation(account, number, 0)
    for wrong in (b"", b"\x80", dagcbor.encode([b"", b""]), dagcbor.encode([native_code(Echo), 5])):
        state = machine.tree.get(account.id or 0)
        assert state is not None
        receipt = machine.apply(Message(account, Address.of(1), method=2, params=wrong, nonce=state.nonce))
        assert receipt.exit_code == ExitCode.USR_SERIALIZATION
