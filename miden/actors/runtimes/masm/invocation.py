"""One invocation of an actor: its machine runs until it calls the kernel, is answered, and goes on.

The gas that is left decides how many cycles the machine may run; it is counted anew after each call. What the machine asks for
besides (its own code, events of the core library) is served as in any run.
"""

from __future__ import annotations

from struct import error as struct_error
from struct import pack, unpack

from miden.actors.codes import ErrorNumber, ExitCode, GuestTrap, SyscallError
from miden.actors.kernel import Cause
from miden.actors.runtimes.masm.boundary import CALLS, GIVE, MAX_GIVES
from miden.errors import ExecutionError
from miden.status import FIRST_FAULT, Status
from miden.vm.options import MAX_CYCLES, Limits
from miden.vm.processor import Processor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.actors.kernel import Kernel
    from miden.actors.runtimes.masm.boundary import Call
    from miden.actors.runtimes.masm.code import ActorCode
    from miden.vm.backends import Backend
    from miden.vm.machine import Code

LIMITS = Limits(max_cycles=MAX_CYCLES)
"""What one invocation may use, besides gas: among others 2^26 elements of memory, 512 MiB."""

ROOT_CONTEXT = 0
"""The context of the kernel."""

ADVICE_MULTIPLE = 8
"""Elements that `adv_pipe` takes: what is handed over is filled up to a multiple."""

_DONE, _BUDGET, _EVENT = int(Status.DONE), int(Status.BUDGET), int(Status.EVENT)


class Invocation(Processor):
    """A run of an actor's code that calls a kernel.

    Attributes
    ----------
    kernel
        The kernel that this invocation was given by the actor machine.
    """

    def __init__(self, kernel: Kernel, code: ActorCode, params: int, backend: Backend) -> None:
        super().__init__(code.program, (params,), host=code.host, backend=backend, limits=LIMITS, links=code.links)
        self.kernel = kernel
        self.stack_get = self._machine.stack_get
        self.stack_word = self._machine.stack_word
        self._closure = code.closure
        self._reached = False
        self._gives: list[tuple[int, int, int]] = []
        self._handed = self._since = 0

    def invoke(self) -> int:
        """Run the actor and return the handle of the block that it returns, 0 for none.

        Raises `Exit`, `OutOfGas`, `Fatal`, and `GuestTrap` for an actor that broke.
        """
        machine, gas, price, enter = self._machine, self.kernel.gas, self.kernel.prices.cycle, self.kernel.enter
        run, stack_get, largest, find_call = machine.run, machine.stack_get, self.backend.largest_slice, CALLS.get
        try:
            self._start()
            while True:
                handed = self._handed = gas.refuel()
                since = self._since = machine.clk
                rows = handed // price if price else MAX_CYCLES
                status = run(min(largest, rows))
                call = find_call(stack_get(0)) if status == _EVENT else None
                if call is None:
                    call = self._run_to_call(status, since + rows)
                    if call is None:
                        self._settle()
                        return stack_get(0)
                self._handed = 0
                gas.settle(handed - (machine.clk - since) * price)
                if machine.ctx != ROOT_CONTEXT:
                    raise GuestTrap("only the kernel may emit the events of the kernel")
                enter()
                try:
                    answer = call.serve(self)
                except SyscallError as error:
                    answer = call.refuse(error.number)
                    if self.kernel.last_error is None:  # it was refused on the way to the kernel
                        self.kernel.last_error = Cause("masm", call.name, error)
                if self._gives:
                    self._gives.clear()
                machine.advice_push(answer)
        except ExecutionError as error:
            self._settle()
            failed = error.kind == "FailedAssertion"
            raise GuestTrap(str(error), ExitCode.USR_ASSERTION_FAILED if failed else ExitCode.SYS_ILLEGAL_INSTRUCTION) from error

    def _run_to_call(self, status: int, end: int) -> Call | None:
        """Go on after a stop, to the next call of the kernel or to the end, None; raises `OutOfGas` at clock cycle `end`."""
        machine, largest = self._machine, self.backend.largest_slice
        while status != _DONE:
            if status == _EVENT:
                event = machine.stack_get(0)
                if event in CALLS:
                    return CALLS[event]
                if event == GIVE:
                    self._give(machine.ctx, machine.stack_get(1), machine.stack_get(2))
                else:
                    self._serve(status)
            elif status >= FIRST_FAULT:
                self._fault(status)
            elif status != _BUDGET:
                self._serve(status)
            elif machine.clk >= end:
                self._handed = 0
                self.kernel.gas.settle(-1)
            status = machine.run(min(end - machine.clk, largest))
        return None

    def _settle(self) -> None:
        """Pay for the cycles that ran, if they are not paid for."""
        handed, self._handed = self._handed, 0
        if handed:
            self.kernel.gas.settle(handed - (self._machine.clk - self._since) * self.kernel.prices.cycle)

    # -- bytes from and to the actor

    def _give(self, ctx: int, address: int, size: int) -> None:
        if len(self._gives) >= MAX_GIVES:
            raise GuestTrap(f"an actor gives at most {MAX_GIVES} pieces of memory to a call")
        self._gives.append((ctx, address, size))

    def given(self, index: int, most: int) -> bytes:
        """Return the bytes of a piece of memory that the actor gave to this call; `SyscallError` if they cannot be had."""
        ctx, address, size = self._piece(index, most)
        first = address // 4
        values = self._elements(ctx, first, (address + size + 3) // 4 - first)
        try:
            data = pack(f"<{len(values)}I", *values)
        except struct_error:
            raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, "four bytes are an element below 2^32") from None
        return data[address % 4 : address % 4 + size]

    def given_elements(self, index: int, most: int) -> bytes:
        """Return the elements of a piece of memory, as eight bytes each; address and size are those of elements."""
        ctx, address, count = self._piece(index, most)
        return pack(f"<{count}Q", *self._elements(ctx, address, count))

    @property
    def pieces(self) -> int:
        """How many pieces of memory the actor gave to this call."""
        return len(self._gives)

    def _piece(self, index: int, most: int) -> tuple[int, int, int]:
        if index >= len(self._gives):
            raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, f"the call takes more than the {len(self._gives)} pieces of memory given")
        if self._gives[index][2] > most:
            raise SyscallError(ErrorNumber.LIMIT_EXCEEDED, f"more than {most} at once")
        return self._gives[index]

    def _elements(self, ctx: int, address: int, count: int) -> list[int]:
        try:
            return self._machine.memory_range(ctx, address, count)
        except (ValueError, OverflowError):
            raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, "memory beyond the last address") from None

    def hand_over(self, data: bytes, form: str, size: int) -> None:
        """Put elements on the advice stack for the actor to take after the call: numbers of `size` bytes each, as `struct` has them."""
        whole = ADVICE_MULTIPLE * size
        data = data.ljust(-(-len(data) // whole) * whole, b"\0")
        self._advice.push(unpack(f"<{len(data) // size}{form}", data))

    def hand_over_bytes(self, data: bytes) -> None:
        """Put bytes on the advice stack, four to an element."""
        self.hand_over(data, "I", 4)

    def hand_over_elements(self, data: bytes) -> None:
        """Put elements on the advice stack that are eight bytes each; `SyscallError` if one of them is p or more."""
        try:
            self.hand_over(data, "Q", 8)
        except ValueError:
            raise SyscallError(ErrorNumber.SERIALIZATION, "eight bytes of the block are p or more") from None

    # -- code

    def _fetch(self, digest: bytes, *, external: bool) -> tuple[Code, int]:
        """Ask for code: what is not the actor's own must be in its closure, which is paid for once."""
        if not self._reached and not self._closure.is_known(digest):
            self._reached = True
            nodes = self._closure.load(self.kernel.machine.blocks)
            self.kernel.gas.charge("OnCodeReach", nodes * self.kernel.prices.on_block_open_base().total)
        return super()._fetch(digest, external=external)
