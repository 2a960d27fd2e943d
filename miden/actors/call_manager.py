"""The calls of one message: who calls whom, in transactions, at what depth, for what gas. (fvm.md section 2.6.)

The order of checks and charges is the network's. A call that fails, by an exit code or otherwise, takes back what it changed: the
state tree, the events, and what it paid for access; gas stays used.
"""

from __future__ import annotations

from typing import NamedTuple

from miden.actors.access import AccessTracker
from miden.actors.address import DELEGATED, Address
from miden.actors.codes import ErrorNumber, Exit, ExitCode, Fatal, GuestTrap, OutOfGas, SyscallError
from miden.actors.gas import MILLIGAS, GasTracker, round_up
from miden.actors.kernel import Cause, Kernel
from miden.actors.methods import CONSTRUCTOR, SEND
from miden.actors.registry import NO_BLOCK, Block, BlockRegistry
from miden.actors.stacks import run_deep
from miden.actors.state import SYSTEM_ID, ActorState
from miden.actors.trace import Call, CallError, CallReturn, InvokeActor, Ipld, Log
from miden.ipld import dagcbor
from miden.ipld.cid import CBOR, Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from miden.actors.events import Event
    from miden.actors.machine import Machine
    from miden.actors.runtimes import Runtime
    from miden.actors.trace import TraceEntry

    Result: TypeAlias = "tuple[int, Block | None]"
    """Exit code and return value of a call."""

EAM_ID = 10
"""The actor whose f4 addresses may be sent to before there is an actor."""
_BLS_ZERO = Address.from_bls(b"\xc0" + bytes(47))


class Frame(NamedTuple):
    """An actor that a failure went through."""

    actor: int
    method: int
    code: int
    message: str

    def __str__(self) -> str:
        return f"f0{self.actor} (method {self.method}) -- {self.message} ({self.code})"


class Backtrace:
    """The way of a failure: `cause`, the last call of the kernel that failed before, and `frames`, innermost first."""

    def __init__(self) -> None:
        self.cause: object = None
        self.frames: list[Frame] = []

    def begin(self, cause: object) -> None:
        """Start anew with a cause."""
        self.cause = cause
        self.frames.clear()

    def __bool__(self) -> bool:
        return bool(self.frames) or self.cause is not None

    def __str__(self) -> str:
        lines = [f"{index:02}: {frame}" for index, frame in enumerate(reversed(self.frames))]
        if self.cause is not None:
            lines.append(f"--> caused by: {self.cause}")
        return "\n".join(lines)


class CallManager:
    """Runs the calls of one message, one inside the other."""

    def __init__(
        self, machine: Machine, *, gas_limit: int, origin: int, origin_address: Address, to: Address, nonce: int, premium: int
    ) -> None:
        self.machine = machine
        self.prices = machine.prices
        self.tree = machine.tree
        self.tracing = machine.tracing
        self.gas = GasTracker(gas_limit * MILLIGAS, tracing=self.tracing)
        self.events: list[Event] = []
        self.trace: list[TraceEntry] = []
        self.backtrace = Backtrace()
        self.origin = origin
        self.origin_address = origin_address
        self.nonce = nonce
        self.premium = premium
        self.depth = 0
        self.actors_created = 0
        self.invocations = 0
        self.access = AccessTracker(machine.prices.preloaded_actors)
        # who sends pays for neither, and the receiver was looked up before
        self.access.record_update(origin)
        self.access.record_address(origin_address)
        receiver = self.tree.lookup(to)
        if receiver is not None:
            self.access.record_read(receiver)
        self.access.record_address(to)

    # records of actors, paid for once

    def resolve(self, address: Address) -> int | None:
        """Return the ID that an address stands for, or None."""
        if address.id is not None:
            return address.id
        if not self.access.knows_address(address):
            self._free("OnResolveAddress")
        found = self.tree.lookup(address)
        if found is not None:
            self.access.record_address(address)
        return found

    def get_actor(self, actor_id: int) -> ActorState | None:
        """Return the record of an actor, or None."""
        if actor_id not in self.access.actors:
            self.gas.charge(*self.prices.on_actor_lookup())
            found = self.tree.get(actor_id)
            self.access.record_read(actor_id)
            return found
        return self.tree.get(actor_id)

    def _pay_update(self, actor_id: int) -> None:
        updated = self.access.actors.get(actor_id)
        if updated is None:
            self.gas.charge(*self.prices.on_actor_lookup())
        if not updated:
            self.gas.charge(*self.prices.on_actor_update())

    def set_actor(self, actor_id: int, state: ActorState) -> None:
        """Set the record of an actor."""
        self._pay_update(actor_id)
        self.tree.set(actor_id, state)
        self.access.record_update(actor_id)

    def delete_actor(self, actor_id: int) -> None:
        """Remove an actor."""
        self._pay_update(actor_id)
        self.tree.delete(actor_id)
        self.access.record_update(actor_id)

    def transfer(self, sender: int, to: int, value: int) -> None:
        """Move value; raises ILLEGAL_ARGUMENT, INSUFFICIENT_FUNDS, NOT_FOUND without a receiver."""
        if value < 0:
            raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, f"a transfer of {value}")
        payer = self.get_actor(sender)
        if payer is None or payer.balance < value:
            balance = 0 if payer is None else payer.balance
            raise SyscallError(ErrorNumber.INSUFFICIENT_FUNDS, f"actor {sender} has {balance}, a transfer needs {value}")
        if sender == to:
            return
        payee = self.get_actor(to)
        if payee is None:
            raise SyscallError(ErrorNumber.NOT_FOUND, f"there is no actor {to} to transfer to")
        self.set_actor(sender, payer._replace(balance=payer.balance - value))
        self.set_actor(to, payee._replace(balance=payee.balance + value))

    def next_actor_address(self) -> Address:
        """Return the f2 address that the next actor would have."""
        return Address.for_creation(self.origin_address, self.nonce, self.actors_created)

    def create_actor(self, code: Cid, actor_id: int, delegated: Address | None) -> None:
        """Create an actor, or put code where a placeholder is; raises FORBIDDEN."""
        manifest = self.machine.manifest
        if code == manifest.placeholder:
            raise SyscallError(ErrorNumber.FORBIDDEN, "a placeholder is not made on purpose")
        actor = self.get_actor(actor_id)
        if actor is None:
            self.gas.charge(*self.prices.on_create_actor(False))
            made = ActorState(code, delegated=delegated)
        elif manifest.placeholder is None or actor.code != manifest.placeholder:
            raise SyscallError(ErrorNumber.FORBIDDEN, f"there is an actor {actor_id} already")
        elif actor.delegated is None:
            raise Fatal(f"placeholder {actor_id} has no f4 address", kind="InvalidPlaceholder")
        elif actor.delegated != delegated:
            raise SyscallError(ErrorNumber.FORBIDDEN, f"placeholder {actor_id} has another f4 address")
        else:
            made = actor._replace(code=code)
        self.set_actor(actor_id, made)
        self.actors_created += 1

    # calls

    def send(
        self, sender: int, to: Address, method: int, params: Block | None, value: int, gas_limit: int | None, read_only: bool
    ) -> Result:
        """Make a call in a transaction; `gas_limit` in milligas. Raises `SyscallError`, `OutOfGas`, `Fatal`."""
        tree, access, events = self.tree, self.access, len(self.events)
        tree.begin()
        mark = access.begin()
        revert = True
        try:
            result = self._call(sender, to, method, params, value, gas_limit, read_only)
            revert = result[0] != ExitCode.OK
        finally:
            tree.end(revert=revert)
            if revert:
                del self.events[events:]
                access.revert(mark)
        return result

    def _call(
        self, sender: int, to: Address, method: int, params: Block | None, value: int, gas_limit: int | None, read_only: bool
    ) -> Result:
        gas = self.gas
        if self.tracing:
            limit = gas.available if gas_limit is None else min(gas_limit, gas.available)
            self._trace(Call(sender, to, method, params, value, round_up(limit), read_only))
        pushed = gas.depth
        if gas_limit is not None:
            gas.push_limit(gas_limit)
        try:
            result = self._descend(sender, to, method, params, value, read_only)
        except OutOfGas:
            self._pop_limits(pushed)
            if self.tracing:
                self._trace(CallReturn(ExitCode.SYS_OUT_OF_GAS, None))
            if not gas.available:
                raise
            return ExitCode.SYS_OUT_OF_GAS, None
        except SyscallError as error:
            self._pop_limits(pushed)
            if self.tracing:
                self._trace(CallError(error))
            raise
        except Fatal:
            self._pop_limits(pushed)
            if self.tracing:
                self._trace(CallError(SyscallError(ErrorNumber.FORBIDDEN, "fatal")))
            raise
        self._pop_limits(pushed)
        if self.tracing:
            self._trace(CallReturn(*result))
        return result

    def _pop_limits(self, depth: int) -> None:
        while self.gas.depth > depth:
            self.gas.pop_limit()

    def _descend(self, sender: int, to: Address, method: int, params: Block | None, value: int, read_only: bool) -> Result:
        """Go one level deeper, on a fresh stack now and then."""
        limit = self.machine.context.max_call_depth
        if self.depth >= limit:
            raise SyscallError(ErrorNumber.LIMIT_EXCEEDED, f"more than {limit} calls inside each other")
        self.depth += 1
        try:
            return run_deep(self.depth, self._call_address, sender, to, method, params, value, read_only)
        finally:
            if self.tracing:
                self._tell_charges()
            self.depth -= 1

    def _call_address(self, sender: int, to: Address, method: int, params: Block | None, value: int, read_only: bool) -> Result:
        receiver = self.resolve(to)
        if receiver is None:
            receiver = self._create_on_send(to, read_only)
        return self._call_actor(sender, receiver, method, params, value, read_only)

    def _create_on_send(self, to: Address, read_only: bool) -> int:
        """Create the actor that a key or an f4 address may have without asking."""
        manifest = self.machine.manifest
        code = manifest.account if to.is_key else manifest.placeholder
        if not (to.is_key or (to.protocol == DELEGATED and to.namespace == EAM_ID)) or code is None:
            raise SyscallError(ErrorNumber.NOT_FOUND, f"no actor has address {to}, and none can be created for it")
        if read_only:
            raise SyscallError(ErrorNumber.READ_ONLY, f"a read-only call creates no actor for {to}")
        if to == _BLS_ZERO:
            raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, "no account has the BLS key of all zeros")
        self.gas.charge(*self.prices.on_create_actor(True))
        actor_id = self.tree.register(to)
        self.access.record_address(to)
        self.set_actor(actor_id, ActorState(code, delegated=None if to.is_key else to))
        if to.is_key:
            params = Block(CBOR, dagcbor.encode(to.to_bytes()))
            self._call_actor(SYSTEM_ID, actor_id, CONSTRUCTOR, params, 0, False, implicit=True)
        return actor_id

    def _call_actor(
        self, sender: int, receiver: int, method: int, params: Block | None, value: int, read_only: bool, *, implicit: bool = False
    ) -> Result:
        """Call an actor by its ID; an implicit call, of a constructor, is in no trace."""
        state = self.get_actor(receiver)
        if state is None:
            raise SyscallError(ErrorNumber.NOT_FOUND, f"there is no actor {receiver}")
        if self.tracing and not implicit:
            self._trace(InvokeActor(receiver, state))
        if value:
            self.gas.charge(*self.prices.on_value_transfer())
            self.transfer(sender, receiver, value)
        if method == SEND and not implicit:
            return ExitCode.OK, None
        self.gas.charge(*self.prices.on_method_invocation(0 if params is None else params.link_count))
        registry = BlockRegistry()
        handle = NO_BLOCK if params is None else registry.put_reachable(params)
        self.invocations += 1
        runtime = self.machine.runtime_for(state.code)
        if runtime is None:
            raise SyscallError(ErrorNumber.NOT_FOUND, f"no runtime runs code {state.code}")
        kernel = Kernel(self, registry, caller=sender, receiver=receiver, method=method, value=value, read_only=read_only)
        exit_code, result = self._run(runtime, kernel, state.code, handle, implicit)
        if result is not None:
            self.gas.charge(*self.prices.on_method_return(self.depth, len(result.data), result.link_count))
        return exit_code, result

    def _run(self, runtime: Runtime, kernel: Kernel, code: Cid, params: int, implicit: bool) -> Result:
        """Run the code of an actor; every way in which a guest can end becomes an exit code, but for the end of gas and of all."""
        try:
            returned = runtime.invoke(kernel, code, params)
            if returned == NO_BLOCK:
                return ExitCode.OK, None
            try:
                return ExitCode.OK, kernel.registry.get(returned)
            except SyscallError:
                message = "returned block does not exist"
                exit_code: int = ExitCode.SYS_MISSING_RETURN
                result = None
        except Exit as end:
            exit_code, message, result = end.code, end.message, None
            if end.block != NO_BLOCK:
                try:
                    result = kernel.registry.get(end.block)
                except SyscallError as problem:
                    self._failed(kernel, ExitCode.SYS_MISSING_RETURN, "error getting exit data block", implicit)
                    raise Fatal(f"an exit with a block that is not there: {problem.message}", kind="MissingExitBlock") from problem
        except GuestTrap as trap:
            exit_code, message, result = trap.code, trap.message, None
        except OutOfGas:
            self._failed(kernel, ExitCode.SYS_OUT_OF_GAS, "out of gas", implicit)
            raise
        except Fatal:
            self._failed(kernel, ExitCode.SYS_ASSERTION_FAILED, "fatal error", implicit)
            raise
        if exit_code != ExitCode.OK:
            self._failed(kernel, exit_code, message, implicit)
        return exit_code, result

    def _failed(self, kernel: Kernel, code: int, message: str, implicit: bool) -> None:
        if implicit:
            return
        cause: Cause | None = kernel.last_error
        if cause is not None:
            self.backtrace.begin(cause)
        self.backtrace.frames.append(Frame(kernel.receiver, kernel.method, int(code), message))

    # traces

    def _trace(self, entry: TraceEntry) -> None:
        self._tell_charges()
        self._tell(entry)

    def _tell_charges(self) -> None:
        for charge in self.gas.drain():
            self._tell(charge)

    def _tell(self, entry: TraceEntry) -> None:
        self.trace.append(entry)
        for observer in self.machine.observers:
            observer.on_entry(self.depth, entry)

    def trace_ipld(self, operation: str, cid: Cid, size: int) -> None:
        """Tell that a block was read or put."""
        self._trace(Ipld(operation, cid, size))

    def trace_log(self, text: str) -> None:
        """Tell what an actor logs."""
        if self.tracing:
            self._trace(Log(text))

    def finish(self) -> None:
        """Tell the last charges."""
        self._tell_charges()

    def _free(self, name: str) -> None:
        if self.tracing:
            self.gas.charge(name, 0)
