"""The driver: runs a program on a machine and serves what the machine asks for.

A machine runs until it needs something it does not own and then returns a request (`miden.status`). The driver
answers from the advice provider and the host and lets the machine go on. Between slices of a few milliseconds it
looks at the deadline and at Ctrl-C, so that a run can be stopped, looked at, and resumed.
"""

from __future__ import annotations

from time import perf_counter

from miden.errors import ExecutionError, InputError, LimitError, MidenError
from miden.isa import NodeKind
from miden.status import CONTINUATIONS, FIRST_FAULT, Status
from miden.vm.backends import get_backend
from miden.vm.fetches import Fetches
from miden.vm.inputs import NO_ADVICE, StackInputs
from miden.vm.interrupts import Interrupts
from miden.vm.options import DEFAULT_LIMITS
from miden.vm.outputs import ExecutionOutput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

    from miden.assembly.source import SourceFile
    from miden.mast.forest import MastForest
    from miden.mast.program import Program
    from miden.vm.advice import AdviceProvider
    from miden.vm.backends import Backend
    from miden.vm.decorators import DecoratorTable
    from miden.vm.events import SystemEvent
    from miden.vm.host import Host
    from miden.vm.inputs import AdviceInputs
    from miden.vm.links import Links
    from miden.vm.machine import Code
    from miden.vm.mutations import Mutation
    from miden.vm.options import Limits
    from miden.vm.state import ProcessState

FIRST_SLICE = 2**15
"""Cycles of the first slice, if the backend allows so many; later ones are sized by the time they take.

A block that does not fit into what is left of a slice is run row by row: long blocks that run once should fit.
"""

SLICE_SECONDS = 0.01
"""Longest time a slice should take."""

_DONE = int(Status.DONE)
_BUDGET = int(Status.BUDGET)


class Processor:
    """One run of a program, which can be stopped and resumed.

    Parameters
    ----------
    program
        An assembled program.
    stack
        `StackInputs`, or felts, top first.
    advice
        `AdviceInputs`.
    host
        Serves forests, events and decorators. Without one there are none but the program's own, and decorators
        print to standard output.
    backend
        ``core``, ``pure``, a `Backend`, or None for the best there is.
    limits
        `Limits` of the run.
    debug
        Run debug and trace decorators.
    links
        Procedures that need not be asked for, see `miden.vm.links`; with `debug` they are.

    Raises
    ------
    InputError
        For inputs that are not acceptable.
    BackendError
        If the backend cannot be had.

    Examples
    --------
    >>> import miden
    >>> processor = Processor(miden.assemble("begin push.2 push.3 add swap drop end"))
    >>> processor.run(cycles=4), processor.clk
    (False, 4)
    >>> processor.run(), processor.clk
    (True, 14)
    >>> processor.output().stack[0]
    5
    """

    def __init__(
        self,
        program: Program,
        stack: StackInputs | Iterable[int] | None = None,
        advice: AdviceInputs | None = None,
        host: Host | None = None,
        backend: str | Backend | None = None,
        limits: Limits | None = None,
        debug: bool = False,
        *,
        links: Links | None = None,
    ) -> None:
        inputs = stack if isinstance(stack, StackInputs) else StackInputs(stack or ())
        self.program = program
        self.backend = get_backend(backend)
        self.limits = limits or DEFAULT_LIMITS
        self.debug = bool(debug)
        self._given = advice or NO_ADVICE
        # what many a run never needs is made when it is asked for: see the properties
        self._host = host
        self._provider: AdviceProvider | None = None
        self._view: ProcessState | None = None
        self._check: Callable[[object], list[Mutation]] | None = None
        self._decorators: dict[int, DecoratorTable] = {}
        self._fetched: dict[bytes, tuple[Code, int]] = {}
        self._fetches = Fetches(self.limits)
        self._merged: set[int] = set()
        self._machine = self.backend.machine(
            self._load(program.forest),
            program.entrypoint,
            program.kernel.digest_bytes,
            inputs.values,
            self._given.stack,
            self.limits,
            self.debug,
        )
        if links is not None and not self.debug:
            self._machine.link(links.table, self.limits.max_fetches, self.limits.max_fetched_bytes)  # type: ignore[attr-defined]
            self._fetches.machine = self._machine
        self._interrupts = Interrupts()
        self._slice = min(FIRST_SLICE, self.backend.largest_slice)
        self._pending = _BUDGET
        self._error: ExecutionError | None = None
        self._started = False
        self._seconds = 0.0

    # -- running

    def run(self, cycles: int | None = None) -> bool:
        """Run for at most `cycles` more cycles, or to the end; return whether the program has ended.

        After a KeyboardInterrupt the state is consistent and `run` goes on where it stopped. After an error it raises
        the same error again.

        Raises
        ------
        ExecutionError
            If the program traps.
        LimitError
            If it reaches one of its limits.
        """
        if self._error is not None:
            raise self._error
        if cycles is not None and cycles < 0:
            raise InputError(f"cycles must not be negative, found {cycles}", kind="InvalidInput")
        target = None if cycles is None else self._machine.clk + cycles
        begin = perf_counter()
        try:
            if not self._started:
                self._start()
                self._run_first_slice(target)
                if self._pending == _DONE:
                    return True
            with self._interrupts:
                return self._drive(target, begin)
        except ExecutionError as error:
            self._error = error
            raise
        finally:
            self._seconds += perf_counter() - begin

    def _start(self) -> None:
        """Merge the program's own advice map, before cycle 0."""
        forest = self.program.forest
        if forest.advice_map:
            try:
                self._advice.merge(forest.advice_map, given=True)
            except ExecutionError as error:
                self._fail(error)
        self._merged.add(id(forest))
        if self._host is not None and self._fetches.machine is None:
            self._host.prefetch(forest, self.limits.max_fetches)
        self._started = True

    def _run_first_slice(self, target: int | None) -> None:
        """Run a few cycles with SIGINT as it is: holding it back takes longer than many a program runs."""
        machine = self._machine
        try:
            self._pending = machine.run(self._slice if target is None else min(self._slice, target - machine.clk))
        except KeyboardInterrupt:  # raised between the machine's return and here
            self._pending = machine.status
            raise

    def _drive(self, target: int | None, begin: float) -> bool:
        machine, interrupts = self._machine, self._interrupts
        run, largest = machine.run, self.backend.largest_slice
        deadline = self.limits.deadline
        last = float("inf") if deadline is None else begin + deadline - self._seconds
        now = perf_counter()
        size = self._slice
        while True:
            status = self._pending
            if status == _DONE:
                return True
            if status >= FIRST_FAULT:
                self._fault(status)
            if status != _BUDGET:
                self._serve(status)
            elif target is not None and machine.clk >= target:
                return False
            if interrupts.pending:
                interrupts.check()
            before, now = now, perf_counter()
            if now >= last:
                text = f"the run took longer than {deadline} seconds"
                self._fail(LimitError(text, kind="DeadlineExceeded", facts={"limit": deadline}, hint="raise Limits.deadline"))
            if status == _BUDGET:
                # quick to shrink, slow to grow: the next cycles may be far more expensive than these
                size = max(1, size // 4) if now - before > SLICE_SECONDS else min(2 * size, largest)
                self._slice = size
            self._pending = run(size if target is None else min(size, target - machine.clk))

    def _serve(self, status: int) -> None:
        """Answer a request. It stays pending until it is answered, so that it is asked again if this is interrupted."""
        try:
            _SERVERS[status](self)
        except ExecutionError as error:
            self._fail(error)
        self._pending = _BUDGET

    # -- requests

    def _serve_event(self) -> None:
        event_id = self._machine.stack_get(0)
        if not _SYSTEM_EVENTS:
            from miden.vm.events import SYSTEM_EVENTS

            _SYSTEM_EVENTS.update(SYSTEM_EVENTS)
        system = _SYSTEM_EVENTS.get(event_id)
        if system is not None:
            system.handler(self._machine, self._advice)
            return
        interrupts = self._interrupts
        interrupts.immediate = True
        try:
            interrupts.check()
            answer = self.host.on_event(self.state)
            if answer is None or (type(answer) is list and not answer):
                return
            if self._check is None:  # importing it each time takes a third of an event
                from miden.vm.mutations import checked_mutations

                self._check = checked_mutations
            mutations = self._check(answer)
        except Exception as error:
            raise self._event_error(event_id, error) from error
        finally:
            interrupts.immediate = False
        for mutation in mutations:
            mutation.apply(self._advice)

    def _event_error(self, event_id: int, cause: Exception) -> ExecutionError:
        name = self.host.resolve_event(event_id)
        which = f"with ID: {event_id}" if name is None else f"'{name}' (ID: {event_id})"
        # a LookupError of a handler, KeyError say, shows its key only: name the class as well
        text = str(cause) if isinstance(cause, MidenError) or type(cause) in _PLAIN else f"{type(cause).__name__}: {cause}"
        return ExecutionError(
            f"error during processing of event {which}: {text}",
            kind="EventError", hint=getattr(cause, "hint", None),
            facts={"event_id": event_id, "event_name": name, "cause": type(cause).__name__},
        )

    def _serve_external(self) -> None:
        self._enter(external=True)

    def _serve_dyn(self) -> None:
        self._enter(external=False)

    def _enter(self, *, external: bool) -> None:
        digest = self._machine.request_digest
        found = self._fetched.get(digest)
        if found is None:
            found = self._fetched[digest] = self._fetch(digest, external=external)
        code, root = found
        forest: MastForest = code.owner  # type: ignore[assignment]  # set when the code was made
        if id(forest) not in self._merged:
            self._advice.merge(forest.advice_map)
            self._merged.add(id(forest))
        if external and forest.kind(root) == NodeKind.EXTERNAL:
            text = f"external node with mast root 0x{digest.hex()} resolved to an external node"
            raise ExecutionError(text, kind="CircularExternalNode", facts={"digest": "0x" + digest.hex()})
        self._machine.enter(code, root)

    def _fetch(self, digest: bytes, *, external: bool) -> tuple[Code, int]:
        """Ask the host for the forest of a procedure root."""
        interrupts = self._interrupts
        interrupts.immediate = True
        try:
            interrupts.check()
            forest = self._fetches.ask(self.host, digest, external=external)
            self.host.prefetch(forest, self.limits.max_fetches - self._fetches.count)
        finally:
            interrupts.immediate = False
        code = self._load(forest)
        root = code.find_root(digest)
        if root < 0:
            text = f"MAST forest in host indexed by procedure root 0x{digest.hex()} doesn't contain that root"
            raise ExecutionError(text, kind="MalformedMastForestInHost", facts={"digest": "0x" + digest.hex()})
        return code, root

    def _load(self, forest: MastForest) -> Code:
        code = self.backend.load(forest)
        if self.debug and id(forest) not in self._decorators:
            from miden.vm.decorators import DecoratorTable

            table = self._decorators[id(forest)] = DecoratorTable(forest)
            if table:
                code.set_decorators(bytes(table.flags))
        return code

    def _serve_path(self) -> None:
        machine, advice = self._machine, self._advice
        root, depth, index = machine.stack_word(6), machine.stack_get(4), machine.stack_get(5)
        if advice.proves(root, depth, index, machine.stack_word(0)):
            machine.supply_root(root)
        else:
            machine.supply_path(advice.path(root, depth, index))

    def _serve_update(self) -> None:
        machine = self._machine
        root, depth, index = machine.stack_word(6), machine.stack_get(4), machine.stack_get(5)
        path, new_root = self._advice.update_node(root, depth, index, machine.stack_word(0), machine.stack_word(10))
        if new_root is not None:
            machine.supply_root(new_root)
        else:
            machine.supply_path(path)

    def _serve_decorators(self) -> None:
        from miden.mast.decorators import DebugOp

        machine, interrupts = self._machine, self._interrupts
        found = self._decorators[id(machine.code.owner)].at(machine.node_id, machine.decorator_slot, machine.op_index)
        interrupts.immediate = True
        try:
            interrupts.check()
            for decorator in found:
                if isinstance(decorator, DebugOp):
                    what = "debug handler error"
                    suffix = ""
                    self.host.on_debug(self.state, decorator)
                else:
                    what = "trace handler error"
                    suffix = f" for trace ID {decorator.id}"
                    self.host.on_trace(self.state, decorator.id)
        except Exception as error:
            kind = "DebugHandlerError" if what.startswith("debug") else "TraceHandlerError"
            raise ExecutionError(f"{what} at clock cycle {machine.clk}{suffix}: {error}", kind=kind) from error
        finally:
            interrupts.immediate = False

    # -- failing

    def _fault(self, status: int) -> NoReturn:
        from miden.vm.faults import fault_error

        machine = self._machine
        error = fault_error(status, machine)
        if status == Status.FAILED_ASSERTION:
            said = self.host.on_assert_failed(self.state, machine.fault_values[0])
            if said:
                error.message += f" (host error: {said})"
                error.facts["host"] = said
        self._fail(error)

    def _fail(self, error: ExecutionError) -> NoReturn:
        from miden.vm.advice_error import AdviceError
        from miden.vm.faults import locate

        cause = error.__cause__
        if isinstance(error, AdviceError):
            error.message = f"advice provider error at clock cycle {self._machine.clk}: {error.message}"
        raise locate(error, self._machine, self.find_source) from cause

    def find_source(self, uri: str) -> SourceFile | None:
        """Return the source text that a location in debug information names, if it is at hand."""
        sources = getattr(self.program, "sources", None) or {}
        return sources.get(uri) or self.host.source(uri)

    # -- looking

    @property
    def done(self) -> bool:
        """Whether the program has run to its end."""
        return self._pending == _DONE

    @property
    def clk(self) -> int:
        """Row of the next operation; at the end, the number of cycles."""
        return self._machine.clk

    @property
    def host(self) -> Host:
        """The host that was given, or one that knows nothing."""
        if self._host is None:
            from miden.vm.host import Host

            self._host = Host()
        return self._host

    @property
    def state(self) -> ProcessState:
        """The state as an event handler would see it."""
        if self._view is None:
            from miden.vm.state import ProcessState

            self._view = ProcessState(self._machine, self._advice)
        return self._view

    @property
    def _advice(self) -> AdviceProvider:
        if self._provider is None:
            from miden.vm.advice import AdviceProvider

            self._provider = AdviceProvider(self._given, self.backend, self._machine, self.limits.max_advice)
        return self._provider

    @property
    def position(self) -> tuple[MastForest, int, int]:
        """Forest, node id and padded operation index of the row that runs next; the index is -1 for a row of the node itself."""
        machine = self._machine
        return machine.code.owner, machine.node_id, machine.op_index  # type: ignore[return-value]  # the owner is set when the code was made

    @property
    def fetched(self) -> tuple[MastForest, ...]:
        """The forests that the host was asked for and gave, each once."""
        return tuple(self._fetches.forests.values())

    def continuations(self) -> list[tuple[str, MastForest, int]]:
        """Return what is left to do, next first: kind of record (`miden.status.CONTINUATIONS`), forest, node id.

        The first is the record in progress. One of kind ENTER_FOREST names the forest that becomes current again.
        """
        return [(CONTINUATIONS[kind], code.owner, node) for kind, code, node in self._machine.continuations()]  # type: ignore[misc]  # as above

    def snapshot(self) -> bytes:
        """Return an image of the machine's state, equal for equal states."""
        return self._machine.snapshot()

    def output(self) -> ExecutionOutput:
        """Return the result; `InputError` before the program has ended."""
        if not self.done:
            raise InputError("the program has not ended", kind="NotFinished")
        return ExecutionOutput(self._machine, lambda: self._advice, self.backend.name, self._seconds)

    def __repr__(self) -> str:
        state = "ended" if self.done else "failed" if self._error else "running"
        return f"<Processor {self.backend.name} {state} clk={self.clk}>"


_SERVERS: dict[int, Callable[[Processor], None]] = {
    Status.EVENT: Processor._serve_event,
    Status.EXTERNAL: Processor._serve_external,
    Status.DYN: Processor._serve_dyn,
    Status.MERKLE_VERIFY: Processor._serve_path,
    Status.MERKLE_UPDATE: Processor._serve_update,
    Status.DECORATOR: Processor._serve_decorators,
}

_SYSTEM_EVENTS: dict[int, SystemEvent] = {}
"""The table of `miden.vm.events`, once a program has raised an event."""

_PLAIN = (ValueError, LookupError, RuntimeError, Exception)
"""Exceptions whose text says all: their class is not added to the message."""


def execute(
    program: Program,
    stack: StackInputs | Iterable[int] | None = None,
    advice: AdviceInputs | None = None,
    host: Host | None = None,
    backend: str | Backend | None = None,
    limits: Limits | None = None,
    debug: bool = False,
) -> ExecutionOutput:
    """Run a program to its end and return what it leaves; parameters and errors as for `Processor`.

    >>> import miden
    >>> miden.execute(miden.assemble("begin add end"), stack=[2, 3]).stack[0]
    5
    """
    processor = Processor(program, stack, advice, host, backend, limits, debug)
    processor.run()
    return processor.output()
