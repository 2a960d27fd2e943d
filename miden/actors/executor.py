"""From a message to its receipt: checks before it runs, the run, and what it pays. (fvm.md sections 2.6 and 2.8.)"""

from __future__ import annotations

from typing import NamedTuple

from miden.actors.call_manager import EAM_ID, CallManager
from miden.actors.codes import ExitCode, Fatal, OutOfGas, SyscallError
from miden.actors.events import store_events
from miden.actors.gas import round_up
from miden.actors.messages import Receipt
from miden.actors.methods import SEND
from miden.actors.registry import Block
from miden.actors.state import BURNT_FUNDS_ID
from miden.errors import InputError
from miden.ipld.blocks import MemoryBlocks
from miden.ipld.cid import CBOR, RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.actors.gas import GasCharge
    from miden.actors.machine import Machine
    from miden.actors.messages import Message

REWARD_ID = 2
"""The actor that tips go to, for those who make blocks."""

_I64_MAX = (1 << 63) - 1
_TEN_PERCENT_MORE = (11, 10)


class Fees(NamedTuple):
    """Where the funds go that a message put up: `fee_cap` for each gas of its limit."""

    base_fee_burn: int
    tip: int
    over_estimation_burn: int
    refund: int
    penalty: int
    """What the maker of the block owes for a message whose fee cap is below the base fee; nothing here collects it."""


def settle(gas_used: int, gas_limit: int, base_fee: int, fee_cap: int, premium: int) -> Fees:
    """Return what a message pays: the base fee for what it used, a tip for its whole limit, and part of what it asked too much.

    >>> settle(gas_used=500, gas_limit=700, base_fee=1, fee_cap=3, premium=1)
    Fees(base_fee_burn=500, tip=700, over_estimation_burn=60, refund=840, penalty=0)
    """
    paid = min(base_fee, fee_cap)
    burnt_gas = _over_estimation(gas_used, gas_limit)
    tip = min(premium, fee_cap - paid) * gas_limit
    burn, over = paid * gas_used, paid * burnt_gas
    return Fees(burn, tip, over, fee_cap * gas_limit - burn - tip - over, (base_fee - paid) * (gas_used + burnt_gas))


def _over_estimation(used: int, limit: int) -> int:
    """Return the gas that is burnt for a limit far above what was used: all of the rest if the limit is twice that."""
    if not used:
        return limit
    numerator, denominator = _TEN_PERCENT_MORE
    over = min(max(limit - numerator * used // denominator, 0), used)
    return max(limit - used, 0) * over // used


class _Refusal(Exception):  # noqa: N818 - it ends in a receipt
    """A message that is not run at all."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def execute(machine: Machine, message: Message, raw_size: int | None, *, implicit: bool, read_only: bool = False) -> Receipt:
    """Run a message and return its receipt; an explicit one pays, an implicit one is the system's own.

    Raises
    ------
    InputError
        For a gas limit of 0 or above 2^63 - 1, or a negative amount.
    Fatal
        When the state itself cannot be read before the message is run.
    """
    _check(message)
    machine.tree.begin()
    broken = True
    try:
        receipt = _execute(machine, message, raw_size, implicit=implicit, read_only=read_only)
        broken = False
    finally:
        # what leaves here is no receipt, such as an interrupt: then not even the nonce has changed
        machine.tree.end(revert=broken)
    return receipt


def _execute(machine: Machine, message: Message, raw_size: int | None, *, implicit: bool, read_only: bool) -> Receipt:
    try:
        sender, inclusion = _preflight(machine, message, raw_size, implicit=implicit)
    except _Refusal as refusal:
        return Receipt(int(refusal.code), b"", 0, failure=str(refusal))
    premium = max(min(message.premium, message.fee_cap - machine.context.base_fee), 0)
    calls = CallManager(
        machine,
        gas_limit=message.gas_limit,
        origin=sender,
        origin_address=message.sender,
        to=message.to,
        nonce=message.nonce,
        premium=premium,
    )
    if inclusion is not None:
        calls.gas.charge(*inclusion)
    receipt = _run(calls, message, sender, read_only=read_only)
    if not implicit:
        fees = settle(receipt.gas_used, message.gas_limit, machine.context.base_fee, message.fee_cap, message.premium)
        _deposit(machine, BURNT_FUNDS_ID, fees.base_fee_burn)
        _deposit(machine, REWARD_ID, fees.tip)
        _deposit(machine, BURNT_FUNDS_ID, fees.over_estimation_burn)
        _deposit(machine, sender, fees.refund)
    return receipt


def _check(message: Message) -> None:
    if not 0 < message.gas_limit <= _I64_MAX:
        raise InputError(f"a message has a gas limit of 1 to 2^63 - 1, not {message.gas_limit}", kind="GasLimit")
    if min(message.fee_cap, message.premium) < 0:
        raise InputError("the fees of a message are not negative", kind="NegativeFee")


def _preflight(machine: Machine, message: Message, raw_size: int | None, *, implicit: bool) -> tuple[int, GasCharge | None]:
    """Return the sender's ID and what it costs to have the message in the chain; the sender has put up its fees."""
    inclusion = None
    if not implicit:
        size = len(message.to_cbor()) if raw_size is None else raw_size
        inclusion = machine.prices.on_chain_message(size)
        needed = round_up(inclusion.total)
        if needed > message.gas_limit:
            raise _Refusal(ExitCode.SYS_OUT_OF_GAS, f"the message alone needs {needed} gas, its limit is {message.gas_limit}")
    tree, manifest = machine.tree, machine.manifest
    sender = tree.lookup(message.sender)
    if sender is None:
        raise _Refusal(ExitCode.SYS_SENDER_INVALID, f"no actor has the sender's address {message.sender}")
    if implicit:
        return sender, None
    state = tree.get(sender)
    if state is None:
        raise _Refusal(ExitCode.SYS_SENDER_INVALID, f"there is no sender {message.sender}")
    is_placeholder = manifest.placeholder is not None and state.code == manifest.placeholder
    has_eam_address = state.delegated is not None and state.delegated.namespace == EAM_ID
    if is_placeholder and has_eam_address and not state.nonce and manifest.ethaccount is not None:
        state = state._replace(code=manifest.ethaccount)
    if state.code not in (manifest.account, manifest.ethaccount):
        raise _Refusal(ExitCode.SYS_SENDER_INVALID, f"{message.sender} is no account, which alone sends messages")
    if message.nonce != state.nonce:
        raise _Refusal(ExitCode.SYS_SENDER_STATE_INVALID, f"expected nonce {state.nonce}, found {message.nonce}")
    cost = message.fee_cap * message.gas_limit
    if state.balance < cost:
        raise _Refusal(ExitCode.SYS_SENDER_STATE_INVALID, f"the sender has {state.balance}, its message may cost {cost}")
    tree.set(sender, state._replace(nonce=state.nonce + 1, balance=state.balance - cost))
    return sender, inclusion


def _run(calls: CallManager, message: Message, sender: int, *, read_only: bool) -> Receipt:
    # what comes from outside has no links that count: nothing that it names becomes reachable
    params = Block(RAW if message.method == SEND else CBOR, message.params) if message.params else None
    backtrace = calls.backtrace
    result = None
    fatal = False
    try:
        code, result = calls.send(sender, message.to, message.method, params, message.value, None, read_only)
    except OutOfGas:
        code = ExitCode.SYS_OUT_OF_GAS
    except SyscallError as error:
        code = error.number.exit_code
        backtrace.begin(f"send::send: {error}")
    except Fatal as problem:
        code, fatal = ExitCode.SYS_ASSERTION_FAILED, True
        backtrace.cause = f"fatal: {problem}"
    calls.finish()
    return Receipt(
        exit_code=int(code),
        return_data=b"" if result is None else result.data,
        gas_used=message.gas_limit if fatal else round_up(calls.gas.used),
        events_root=store_events(MemoryBlocks(), calls.events) if calls.events else None,
        events=tuple(calls.events),
        return_codec=0 if result is None else result.codec,
        failure=str(backtrace) if code else "",
        trace=tuple(calls.trace),
    )


def _deposit(machine: Machine, actor_id: int, amount: int) -> None:
    if not amount:
        return
    state = machine.tree.get(actor_id)
    if state is None:
        raise Fatal(f"there is no actor {actor_id} to receive fees", kind="NoFeeActor")
    machine.tree.set(actor_id, state._replace(balance=state.balance + amount))
