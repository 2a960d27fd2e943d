"""What handlers may look at while the machine waits for them (processor.md section 4.3)."""

from __future__ import annotations

from miden.errors import ExecutionError
from miden.field import Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.vm.advice import AdviceProvider
    from miden.vm.machine import Machine

ADDRESS_SPACE = 2**32
"""Addresses of every context are below this."""


class AdviceView:
    """The advice provider, to read only."""

    __slots__ = ("_advice",)

    def __init__(self, advice: AdviceProvider) -> None:
        self._advice = advice

    def stack(self) -> list[int]:
        """Return the advice stack, next popped first."""
        return self._advice.stack()

    def get(self, key: Word) -> tuple[int, ...] | None:
        """Return the value of a key of the advice map, or None."""
        values = self._advice.get(_digest(key))
        return None if values is None else tuple(values)

    def map(self) -> dict[Word, tuple[int, ...]]:
        """Return a copy of the advice map."""
        return self._advice.map()

    def get_node(self, root: Word, depth: int, index: int) -> Word:
        """Return a node of a tree in the Merkle store; `AdviceError` if it cannot be reached."""
        return Word.from_bytes(self._advice.node(_digest(root), depth, index))

    def get_path(self, root: Word, depth: int, index: int) -> list[Word]:
        """Return the siblings on the way from a node to the root, leaf first; `AdviceError` if it cannot be reached."""
        path = self._advice.path(_digest(root), depth, index)
        return [Word.from_bytes(path[i : i + 32]) for i in range(0, len(path), 32)]

    def has_root(self, root: Word) -> bool:
        """Return whether the Merkle store has an inner node with this digest."""
        return self._advice.store.has_root(_digest(root))


class ProcessState:
    """The process as an event handler sees it; good until the handler returns.

    Attributes
    ----------
    advice
        The advice provider, to read only.
    """

    __slots__ = ("_machine", "_provider", "advice")

    def __init__(self, machine: Machine, advice: AdviceProvider) -> None:
        self._machine = machine
        self._provider = advice
        self.advice = AdviceView(advice)

    @property
    def clk(self) -> int:
        """Clock cycle of the operation that asked."""
        return self._machine.clk

    @property
    def ctx(self) -> int:
        """Memory context."""
        return self._machine.ctx

    @property
    def depth(self) -> int:
        """Depth of the operand stack of the current context."""
        return self._machine.depth

    @property
    def advice_depth(self) -> int:
        """Number of elements on the advice stack."""
        return self._machine.advice_depth

    def stack_get(self, index: int) -> int:
        """Return stack element `index`, 0 is the top; 0 below the stack."""
        return self._machine.stack_get(index)

    def stack_word(self, index: int) -> Word:
        """Return the word at stack position `index`: its last element is the one nearest the top."""
        get = self._machine.stack_get
        return Word((get(index + 3), get(index + 2), get(index + 1), get(index)))

    def stack(self) -> list[int]:
        """Return the operand stack of the current context, top first."""
        return self._machine.stack()

    def memory_get(self, address: int, ctx: int | None = None) -> int | None:
        """Return an element of the current (or another) context, None if its word was never written."""
        _check_address(address)
        return self._machine.memory_get(self._machine.ctx if ctx is None else ctx, address)

    def memory_word(self, address: int, ctx: int | None = None) -> Word | None:
        """Return an aligned word, None if it was never written."""
        _check_address(address)
        ctx = self._machine.ctx if ctx is None else ctx
        if address % 4:
            text = f"word access at memory address {address} in context {ctx} is unaligned"
            raise memory_error(text, "UnalignedWordAccessNoClk", address=address)
        values = [self._machine.memory_get(ctx, address + i) for i in range(4)]
        return None if values[0] is None else Word(value or 0 for value in values)

    def memory_range(self, start_position: int, end_position: int) -> range:
        """Return the addresses from stack element `start_position` up to stack element `end_position`, checked."""
        return address_range(self._machine.stack_get(start_position), self._machine.stack_get(end_position))

    def memory(self, ctx: int | None = None) -> dict[int, int]:
        """Return address -> value of all cells of written words of a context, ascending."""
        return self._machine.memory(self._machine.ctx if ctx is None else ctx)

    def hash_elements(self, elements: Sequence[int]) -> Word:
        """Hash felts with the backend that runs."""
        return Word.from_bytes(self._provider.backend.hash_elements(elements))

    def __repr__(self) -> str:
        return f"<ProcessState clk={self.clk} ctx={self.ctx} depth={self.depth}>"


def address_range(start: int, end: int) -> range:
    """Return start..end as addresses; ``MemoryError`` if one is 2**32 or more or they are the wrong way round."""
    _check_address(start)
    _check_address(end)
    if start > end:
        text = f"memory range start address cannot exceed end address, but was ({start}, {end})"
        raise memory_error(text, "InvalidMemoryRange", start=start, end=end)
    return range(start, end)


def memory_error(text: str, reason: str, **facts: int) -> ExecutionError:
    """Return an error of kind ``MemoryError``."""
    return ExecutionError(text, kind="MemoryError", facts={"reason": reason, **facts})


def _check_address(address: int) -> None:
    if not 0 <= address < ADDRESS_SPACE:
        raise memory_error(f"memory address cannot exceed 2^32 but was {address}", "AddressOutOfBounds", address=address)


def _digest(word: Word) -> bytes:
    return Word(word).to_bytes()
