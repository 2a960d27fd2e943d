"""What a run leaves behind: stack, cycles, memory, advice, precompile requests."""

from __future__ import annotations

from miden.field import Word
from miden.isa import MIN_STACK_DEPTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from miden.vm.advice import AdviceProvider, PrecompileRequest
    from miden.vm.machine import Machine
    from miden.vm.merkle import MerkleStore


class ExecutionOutput:
    """The result of a program that ran to its end.

    Memory, advice and transcript are read from the machine when they are asked for.

    Attributes
    ----------
    stack
        The 16 elements, top first.
    cycles
        Clock cycles: rows of the core trace.
    backend
        Name of the backend that ran.
    wall_seconds
        Wall-clock time spent running.

    Examples
    --------
    >>> import miden
    >>> output = miden.execute(miden.assemble("begin push.2 push.3 add swap drop end"))
    >>> output.stack[0], output.cycles
    (5, 14)
    """

    __slots__ = ("_advice", "_machine", "backend", "cycles", "stack", "wall_seconds")

    def __init__(
        self, machine: Machine | KeptMachine, advice: Callable[[], AdviceProvider | KeptAdvice], backend: str, wall_seconds: float
    ) -> None:
        self._machine = machine
        self._advice = advice
        self.stack: list[int] = machine.stack()[:MIN_STACK_DEPTH]
        self.cycles: int = machine.clk
        self.backend = backend
        self.wall_seconds = wall_seconds

    @property
    def transcript(self) -> Word:
        """State word of the precompile transcript."""
        return Word(self._machine.transcript)

    def memory(self, ctx: int = 0) -> dict[int, int]:
        """Return address -> value of a context: all four cells of every word that was written, ascending."""
        return self._machine.memory(ctx)

    @property
    def contexts(self) -> list[int]:
        """Contexts that have memory, ascending; 0 is the program's own."""
        return self._machine.contexts()

    @property
    def advice_stack(self) -> list[int]:
        """What is left on the advice stack, next popped first."""
        return self._machine.advice_stack()

    @property
    def advice_map(self) -> dict[Word, tuple[int, ...]]:
        """The advice map, in the order of the reference's sorted maps."""
        return self._advice().map()

    @property
    def merkle_store(self) -> MerkleStore:
        """The Merkle store."""
        return self._advice().store

    @property
    def precompile_requests(self) -> tuple[PrecompileRequest, ...]:
        """Precompile requests, in the order they were made."""
        return tuple(self._advice().requests)

    @property
    def mhz(self) -> float:
        """Million cycles per second of wall-clock time."""
        return self.cycles / self.wall_seconds / 1e6 if self.wall_seconds else 0.0

    def snapshot(self) -> bytes:
        """Return an image of the machine's state, equal for equal states: what backends are compared by."""
        return self._machine.snapshot()

    def to_dict(self, *, memory: bool = False) -> dict[str, Any]:
        """Return JSON-ready facts; with `memory`, all contexts as [address, value] pairs of what is not zero."""
        facts: dict[str, Any] = {
            "stack": self.stack,
            "cycles": self.cycles,
            "advice_stack": self.advice_stack,
            "precompile_requests": [{"event_id": made.event_id, "calldata": made.calldata.hex()} for made in self.precompile_requests],
            "transcript": list(self.transcript),
            "backend": self.backend,
            "wall_seconds": self.wall_seconds,
        }
        if memory:
            memories = self._machine.memories()
            facts["memory"] = {str(ctx): [list(cell) for cell in cells.items() if cell[1]] for ctx, cells in memories.items()}
        return facts

    def __repr__(self) -> str:
        return f"<ExecutionOutput stack={_trimmed(self.stack)} cycles={self.cycles} backend={self.backend}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the machine would say, and not the machine."""
        machine, advice = self._machine, self._advice()
        transcript = tuple(machine.transcript)
        kept = KeptMachine(self.stack, self.cycles, transcript, machine.memories(), machine.advice_stack(), machine.snapshot())
        return _restored, (kept, KeptAdvice(advice.map(), advice.store, tuple(advice.requests)), self.backend, self.wall_seconds)

    def __rich_repr__(self) -> Iterator[tuple[str, object]]:
        yield "stack", self.stack
        yield "cycles", self.cycles
        yield "contexts", self.contexts
        yield "advice_stack", self.advice_stack
        yield "backend", self.backend
        yield "wall_seconds", self.wall_seconds


class KeptMachine:
    """What a machine says after its end, without the machine: an output that was copied, or comes from another process."""

    def __init__(
        self,
        stack: list[int],
        clk: int,
        transcript: tuple[int, ...],
        memory: dict[int, dict[int, int]],
        advice_stack: list[int],
        snapshot: bytes,
    ) -> None:
        self.clk = clk
        self.transcript = transcript
        self._stack = stack
        self._memory = memory
        self._advice_stack = advice_stack
        self._snapshot = snapshot

    def stack(self) -> list[int]:
        """Return the elements, top first."""
        return list(self._stack)

    def memory(self, ctx: int) -> dict[int, int]:
        """Return address -> value of a context."""
        return dict(self._memory.get(ctx, {}))

    def memories(self) -> dict[int, dict[int, int]]:
        """Return context -> what `memory` has of it, of all contexts that have memory, ascending."""
        return self._memory

    def contexts(self) -> list[int]:
        """Return the contexts that have memory, ascending."""
        return list(self._memory)

    def advice_stack(self) -> list[int]:
        """Return what is left on the advice stack."""
        return list(self._advice_stack)

    def snapshot(self) -> bytes:
        """Return the image of the state."""
        return self._snapshot


class KeptAdvice:
    """What an advice provider says after a run, without it."""

    def __init__(self, entries: dict[Word, tuple[int, ...]], store: MerkleStore, requests: tuple[PrecompileRequest, ...]) -> None:
        self.store = store
        self.requests = requests
        self._entries = entries

    def map(self) -> dict[Word, tuple[int, ...]]:
        """Return the advice map."""
        return dict(self._entries)


def _restored(machine: KeptMachine, advice: KeptAdvice, backend: str, wall_seconds: float) -> ExecutionOutput:
    return ExecutionOutput(machine, lambda: advice, backend, wall_seconds)


def _trimmed(stack: list[int]) -> str:
    used = max((position + 1 for position, value in enumerate(stack) if value), default=0)
    rest = ", 0 ..." if used < len(stack) else ""
    return f"[{', '.join(map(str, stack[:used])) or '0'}{rest}]"
