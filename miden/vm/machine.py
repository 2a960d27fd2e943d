"""The protocol that both machines implement: `miden._core` in C and `miden.pure` in Python.

Exit and resume, never call back. A machine runs until it needs something it does not own; it then returns a
request status, the driver (`miden.vm.processor`) serves it and calls `run` again. State a handler may see is
exact at every exit: `clk` is the row of the operation that asked, and that operation has not finished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Code(Protocol):
    """A forest as a machine wants it: validated, blocks batched and padded. Built once per forest, cached there.

    Constructed as ``Code(nodes, operations, immediates, roots)`` from the four columns of a `MastForest`:
    `nodes` are 64-byte records (`miden.mast.nodes.NODE_FORMAT`), `operations` raw opcodes, `immediates` u64
    little-endian, `roots` u32 little-endian. `FormatError`-like problems raise ValueError with a reason.
    `owner` is free for the driver: the forest this code was made from.
    """

    owner: object

    def find_root(self, digest: bytes) -> int:
        """Return the first root with this 32-byte digest, or -1."""
        ...

    def set_decorators(self, node_flags: bytes) -> None:
        """Say which nodes have decorators to run, one byte a node: 1 before it, 2 after it, 4 before operations."""
        ...


class Machine(Protocol):
    """State of one run. Constructed as::

        Machine(code, entrypoint, kernel, stack, advice_stack,
                max_cycles, max_stack, max_memory, max_continuations, debug)

    `kernel` is the digests' bytes concatenated; `stack` at most 16 felts, top first; `advice_stack` felts, first
    popped first; `max_memory` counts elements over all contexts; `debug` makes decorators visible.
    """

    code: Code
    """Code that is executing: changes at external nodes."""
    status: int
    """What `run` returned last; BUDGET before the first run."""
    clk: int
    """Row of the current operation; after DONE, the number of cycles."""
    ctx: int
    depth: int
    """Depth of the operand stack, at least 16."""
    advice_depth: int
    """Number of elements on the advice stack."""
    node_id: int
    """Node of the last request or fault, in `code`."""
    op_index: int
    """Padded operation index in that node; -1 for a control-flow node. For DECORATOR see `decorator_slot`."""
    decorator_slot: int
    """At DECORATOR: 0 before_enter of node_id, 1 before operation op_index, 2 after_exit of node_id."""
    fault_values: tuple[int, ...]
    """Operands of the fault, named by `miden.status.FAULTS`."""
    request_digest: bytes
    """At EXTERNAL and DYN: 32 bytes of the digest wanted."""
    transcript: tuple[int, int, int, int]
    """State of the precompile transcript."""

    def run(self, cycles: int) -> int:
        """Run for at most `cycles` rows (BUDGET when they are used up) and return a `miden.status.Status`."""
        ...

    def enter(self, code: Code, root: int) -> None:
        """Answer EXTERNAL or DYN: go on at node `root` of `code`."""
        ...

    def supply_path(self, path: bytes) -> None:
        """Answer MERKLE_VERIFY or MERKLE_UPDATE: sibling digests, leaf first, 32 bytes each."""
        ...

    def supply_root(self, root: bytes) -> None:
        """Answer MERKLE_VERIFY by the root that the value on the stack leads to, MERKLE_UPDATE by the new root.

        Only for a backend whose Merkle store knows which of its nodes are right (`MerkleStore.proves`).
        """
        ...

    def stack_get(self, index: int) -> int:
        """Return stack element `index` (0 is the top); 0 below the stack."""
        ...

    def stack_word(self, index: int) -> bytes:
        """Return the word at a stack position as 32 bytes; its last element is the one nearest the top."""
        ...

    def stack(self) -> list[int]:
        """Return the whole stack, top first."""
        ...

    def memory_get(self, ctx: int, address: int) -> int | None:
        """Return an element; None if its word was never written."""
        ...

    def memory_range(self, ctx: int, address: int, count: int) -> list[int]:
        """Return `count` elements from an address on, 0 where nothing was written; ValueError outside the address space."""
        ...

    def memory(self, ctx: int) -> dict[int, int]:
        """Return address -> value for all four cells of every written word of `ctx`, ascending."""
        ...

    def memories(self) -> dict[int, dict[int, int]]:
        """Return context -> what `memory` has of it, of all contexts that have memory, ascending: one pass for all."""
        ...

    def contexts(self) -> list[int]:
        """Return the contexts that have memory, ascending."""
        ...

    def advice_push(self, values: Sequence[int]) -> None:
        """Put values on the advice stack so that values[0] is popped first."""
        ...

    def advice_stack(self) -> list[int]:
        """Return the advice stack, next popped first."""
        ...

    def continuations(self) -> list[tuple[int, Code, int]]:
        """Return what is left to do, next first: (kind, code, node id), kinds by `miden.status.CONTINUATIONS`.

        The first record is the one in progress. ENTER_FOREST has the code that becomes current again, and node 0.
        """
        ...

    def snapshot(self) -> bytes:
        """Return a digestible image of the whole state, equal for equal states: for tests and checkpoints."""
        ...
