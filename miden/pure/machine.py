"""The protocol of `miden.vm.machine` around the state, the operations and the traversal.

Rules that processor.md leaves open, the same in both backends:

- A budget, and the cycle limit, are noticed when a row is needed and cannot be executed: a program of n rows is DONE
  after ``run(n)`` and within ``max_cycles=n``. At the cycle limit CYCLE_LIMIT wins over BUDGET, and over any fault that
  the row itself would have had.
- Every stop leaves the state as it was before the row that stopped, also where the reference would already have
  changed something: a fault changes nothing but `fault_values`.
- `max_stack` counts the elements of the current operand stack and of the overflow that callers have put aside.
- `max_memory` counts four elements for every word written, in all contexts.
- EXTERNAL and DYN are asked once for a digest from a code in a run; later passes use the same answer.
- After a fault and after DONE, `run` returns the same status again. After a request it may be called without an
  answer: EVENT and DECORATOR need none, the others are asked again.
- The end of the program stands at the entrypoint: `node_id` of OUTPUT_STACK_OVERFLOW and DONE.
- `op_index` is -1 for the SPAN, RESPAN and END rows of a block as for the rows of other nodes.
"""

from __future__ import annotations

import struct

from miden.field import P
from miden.isa import MIN_STACK_DEPTH
from miden.pure import traversal
from miden.pure.memory import ADDRESS_END
from miden.pure.state import State
from miden.pure.stops import Fault, Request
from miden.status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.pure.code import Code

    Frame = tuple[list[int], int, tuple[int, ...]]


def _check_felts(what: str, values: Sequence[int]) -> None:
    for value in values:
        if not 0 <= value < P:
            raise ValueError(f"{what} holds {value}, which is not in [0, p)")


class Machine(State):
    """One run of a program; see `miden.vm.machine.Machine` for the protocol.

    ValueError for an entrypoint outside the code, more than 16 stack inputs, values not below p, kernel bytes that
    are not whole digests, a negative limit, or a stack limit below 16.

    >>> from miden.isa import OP, NodeKind
    >>> from miden.pure.code import NODE_FORMAT, Code
    >>> code = Code(NODE_FORMAT.pack(NodeKind.BLOCK, 0, 0, 0, 1, 0, 0, 0, *[0] * 4), bytes([OP["ADD"]]), b"", bytes(4))
    >>> machine = Machine(code, 0, b"", [3, 4], [], 100, 1000, 1000, 100, False)
    >>> Status(machine.run(2)), machine.clk, machine.stack()[:2]
    (<Status.BUDGET: 1>, 2, [7, 0])
    >>> Status(machine.run(2)), machine.clk
    (<Status.DONE: 0>, 3)
    """

    __slots__ = (
        "_entrypoint",
        "_final",
        "_last",
        "answer",
        "callers",
        "calls",
        "code",
        "debug",
        "decorated",
        "decorator_slot",
        "fault_values",
        "kernel",
        "max_continuations",
        "max_cycles",
        "node_id",
        "op_index",
        "records",
        "request_digest",
        "resolutions",
        "row",
        "row_limit",
    )

    def __init__(
        self,
        code: Code,
        entrypoint: int,
        kernel: bytes,
        stack: Sequence[int],
        advice_stack: Sequence[int],
        max_cycles: int,
        max_stack: int,
        max_memory: int,
        max_continuations: int,
        debug: bool,
    ) -> None:
        if not 0 <= entrypoint < len(code):
            raise ValueError(f"entrypoint {entrypoint} is not among the {len(code)} nodes")
        if len(kernel) % 32:
            raise ValueError(f"the kernel is {len(kernel)} bytes long, not a multiple of 32")
        if len(stack) > MIN_STACK_DEPTH:
            raise ValueError(f"at most {MIN_STACK_DEPTH} stack inputs are possible, found {len(stack)}")
        for what, limit in (("cycles", max_cycles), ("stack", max_stack), ("memory", max_memory), ("records", max_continuations)):
            if limit < 0:
                raise ValueError(f"the limit of {what} must not be negative, found {limit}")
        if max_stack < MIN_STACK_DEPTH:
            raise ValueError(f"the stack limit must be at least {MIN_STACK_DEPTH}, found {max_stack}")
        _check_felts("the kernel", struct.unpack(f"<{len(kernel) // 8}Q", kernel))
        _check_felts("the stack", stack)
        _check_felts("the advice stack", advice_stack)
        super().__init__(stack, advice_stack, max_stack, max_memory)
        self.code = code
        self.kernel = frozenset(kernel[i : i + 32] for i in range(0, len(kernel), 32))
        self.debug = bool(debug)
        self.max_cycles = max_cycles
        self.max_continuations = max_continuations
        self.records: list[int] = [traversal.record(traversal.START_NODE, entrypoint)]
        self.calls: list[Frame] = []
        """Contexts to return to: overflow of the stack, ctx, fn_hash."""
        self.callers: list[Code] = []
        """Codes to return to, one for each ENTER_FOREST record."""
        self.row = 0
        """Next row of the block in progress, RESPAN rows counted."""
        self.row_limit = 0
        """No row at or after this clock in the current call of `run`."""
        self.decorated = False
        """True when the driver has run the decorators that stand before the next row."""
        self.answer: tuple[Code, int] | None = None
        """What the driver found for the current EXTERNAL or DYN."""
        self.resolutions: dict[tuple[Code, Status, bytes], tuple[Code, int]] = {}
        """What it found so far in this run, by the code that asked, the request and the digest."""
        self.node_id = entrypoint
        self.op_index = -1
        self.decorator_slot = 0
        self.fault_values: tuple[int, ...] = ()
        self.request_digest = b""
        self._entrypoint = entrypoint
        self._last = Status.BUDGET
        self._final: Status | None = None

    def run(self, cycles: int) -> int:
        """Execute at most `cycles` rows and return a `miden.status.Status`; the state is exact at every return."""
        if cycles < 0:
            raise ValueError(f"a budget of {cycles} cycles is negative")
        if self._final is not None:
            return self._final
        if self._last == Status.EVENT:
            self.event_served = True
        elif self._last == Status.DECORATOR:
            self.decorated = True
        self.row_limit = min(self.clk + cycles, self.max_cycles)
        try:
            traversal.advance(self)
            depth = len(self.operands)
            if depth > MIN_STACK_DEPTH:
                raise Fault(Status.OUTPUT_STACK_OVERFLOW, depth)
            self._last = self._final = Status.DONE
        except Request as request:
            self._last = request.status
        except Fault as fault:
            self._last = self._final = fault.status
            self.fault_values = fault.values
        self._locate()
        return self._last

    def _locate(self) -> None:
        """Set `node_id` and `op_index` from the record in progress."""
        self.op_index = -1
        if not self.records:
            self.node_id = self._entrypoint
            return
        self.node_id, kind = divmod(self.records[-1], traversal.KINDS)
        if kind == traversal.IN_BLOCK:
            self.op_index = self.code.block(self.node_id).op_index(self.row)
        elif kind == traversal.AFTER_BLOCK:
            self.op_index = self.code.block(self.node_id).operation_count

    def enter(self, code: Code, root: int) -> None:
        """Answer EXTERNAL or DYN: the next `run` goes on at node `root` of `code`."""
        if self._last not in (Status.EXTERNAL, Status.DYN):
            raise ValueError("no procedure was asked for")
        if not 0 <= root < len(code):
            raise ValueError(f"root {root} is not among the {len(code)} nodes")
        self.answer = (code, root)

    def supply_path(self, path: bytes) -> None:
        """Answer MERKLE_VERIFY or MERKLE_UPDATE: sibling digests, leaf first, 32 bytes each, as many as the depth asked for."""
        if self._last not in (Status.MERKLE_VERIFY, Status.MERKLE_UPDATE):
            raise ValueError("no Merkle path was asked for")
        if len(path) % 32:
            raise ValueError(f"a Merkle path is whole digests of 32 bytes, found {len(path)} bytes")
        if len(path) // 32 != self.stack_get(4):
            raise ValueError(f"the Merkle path has {len(path) // 32} levels, expected {self.stack_get(4)}")
        words = [list(word) for word in struct.iter_unpack("<4Q", path)]
        for word in words:
            _check_felts("the Merkle path", word)
        self.path = words

    @property
    def status(self) -> int:
        """What `run` returned last; BUDGET before the first run."""
        return self._last

    @property
    def depth(self) -> int:
        """Depth of the operand stack of the current context."""
        return len(self.operands)

    @property
    def advice_depth(self) -> int:
        """Number of elements on the advice stack."""
        return len(self.advice)

    def stack_get(self, index: int) -> int:
        """Return stack element `index`, 0 the top; 0 below the stack."""
        return self.operands[-1 - index] if 0 <= index < len(self.operands) else 0

    def stack_word(self, index: int) -> bytes:
        """Return four stack elements from `index` on as 32 bytes, the deepest first."""
        return struct.pack("<4Q", *(self.stack_get(position) for position in range(index + 3, index - 1, -1)))

    def stack(self) -> list[int]:
        """Return the stack of the current context, top first."""
        return self.operands[::-1]

    def memory_get(self, ctx: int, address: int) -> int | None:
        """Return an element, or None if its word was never written."""
        word = self.memory_words(ctx).get(address - address % 4)
        return None if word is None else word[address % 4]

    def memory_range(self, ctx: int, address: int, count: int) -> list[int]:
        """Return `count` elements from an address on, 0 where nothing was written."""
        if address < 0 or count < 0 or address + count > ADDRESS_END:
            raise ValueError("the range leaves the address space")
        words = self.memory_words(ctx)
        return [words.get(cell - cell % 4, (0, 0, 0, 0))[cell % 4] for cell in range(address, address + count)]

    def memory(self, ctx: int) -> dict[int, int]:
        """Return address -> value of all four cells of every written word of `ctx`, ascending."""
        return {address + i: value for address, word in sorted(self.memory_words(ctx).items()) for i, value in enumerate(word)}

    def memories(self) -> dict[int, dict[int, int]]:
        """Return context -> what `memory` has of it, of all contexts that have memory, ascending."""
        return {ctx: self.memory(ctx) for ctx in self.contexts()}

    def contexts(self) -> list[int]:
        """Return the contexts that have memory, ascending."""
        return sorted(self.cells.contexts)

    def advice_push(self, values: Sequence[int]) -> None:
        """Put values on the advice stack so that values[0] is popped first; ValueError if one is not below p."""
        _check_felts("the advice", values)
        self.advice.extend(reversed(values))

    def advice_stack(self) -> list[int]:
        """Return the advice stack, next popped first."""
        return self.advice[::-1]

    def continuations(self) -> list[tuple[int, Code, int]]:
        """Return what is left to do, next first: (kind, code, node id), kinds by `miden.status.CONTINUATIONS`.

        ENTER_FOREST has the code that becomes current again, and node 0.
        """
        found = []
        code, callers = self.code, reversed(self.callers)
        for record in reversed(self.records):
            node_id, kind = divmod(record, traversal.KINDS)
            if kind == traversal.ENTER_FOREST:
                code, node_id = next(callers), 0
            found.append((kind, code, node_id))
        return found

    def snapshot(self) -> bytes:
        """Return an image of the state, the same bytes from both backends for equal states.

        Unsigned 64-bit little-endian numbers, in this order: clk; ctx; fn_hash (4); transcript (4); depth and the stack of
        the current context, top first; number of advice elements and these, next popped first; for each context that
        has memory, ascending: ctx, number of written words, and for each of them, ascending, the address of its element 0
        and its 4 elements. Continuations, saved contexts, and answers not yet used are not part of it.
        """
        numbers = [self.clk, self.ctx, *self.fn_hash, *self.transcript, self.depth, *self.stack(), len(self.advice), *self.advice_stack()]
        for ctx in self.contexts():
            words = self.memory_words(ctx)
            numbers += (ctx, len(words))
            for address, word in sorted(words.items()):
                numbers += (address, *word)
        return struct.pack(f"<{len(numbers)}Q", *numbers)

    def memory_words(self, ctx: int) -> dict[int, list[int]]:
        """Return the written words of a context by address of element 0."""
        return self.cells.contexts.get(ctx, {})
