"""Memory: for every context a map from word address to four elements (processor.md section 1.4).

A cell that was never written reads as 0 and a read never creates an entry; writing one element creates its whole
aligned word. The limit counts the elements of all written words over all contexts, four a word, and includes the
word of the frame pointer that opening a context writes.
"""

from __future__ import annotations

from miden.pure.stops import Fault
from miden.status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ADDRESS_END = 2**32
"""One past the last valid address."""

_ZEROS = (0, 0, 0, 0)


def check_address(address: int) -> None:
    """Fault with ADDRESS_OUT_OF_BOUNDS unless `address` is below 2**32."""
    if address >= ADDRESS_END:
        raise Fault(Status.ADDRESS_OUT_OF_BOUNDS, address)


def check_word_address(address: int) -> None:
    """Fault unless `address` is below 2**32 and, checked second, a multiple of 4."""
    check_address(address)
    if address % 4:
        raise Fault(Status.UNALIGNED_WORD_ACCESS, address)


class Memory:
    """The words written so far, by context and by address of element 0."""

    __slots__ = ("contexts", "elements", "limit")

    def __init__(self, limit: int) -> None:
        self.contexts: dict[int, dict[int, list[int]]] = {}
        self.elements = 0
        self.limit = limit

    def read_element(self, ctx: int, address: int) -> int:
        """Return one element; ADDRESS_OUT_OF_BOUNDS."""
        check_address(address)
        words = self.contexts.get(ctx)
        if words is None:
            return 0
        return words.get(address - address % 4, _ZEROS)[address % 4]

    def read_word(self, ctx: int, address: int) -> Sequence[int]:
        """Return the word at an aligned address; ADDRESS_OUT_OF_BOUNDS, UNALIGNED_WORD_ACCESS."""
        check_word_address(address)
        words = self.contexts.get(ctx)
        return _ZEROS if words is None else words.get(address, _ZEROS)

    def reserve(self, ctx: int, addresses: Iterable[int]) -> None:
        """Fault with MEMORY_LIMIT if writing the words at these aligned, distinct addresses would pass the limit."""
        words = self.contexts.get(ctx, ())
        new = sum(4 for address in addresses if address not in words)
        if new and self.elements + new > self.limit:
            raise Fault(Status.MEMORY_LIMIT, self.limit)

    def write_element(self, ctx: int, address: int, value: int) -> None:
        """Store one element; ADDRESS_OUT_OF_BOUNDS, then MEMORY_LIMIT."""
        check_address(address)
        self._word(ctx, address - address % 4)[address % 4] = value

    def write_word(self, ctx: int, address: int, word: Sequence[int]) -> None:
        """Store a word; ADDRESS_OUT_OF_BOUNDS, UNALIGNED_WORD_ACCESS, then MEMORY_LIMIT."""
        check_word_address(address)
        self._word(ctx, address)[:] = word

    def _word(self, ctx: int, address: int) -> list[int]:
        """Return the word at an aligned address, created if it does not exist."""
        words = self.contexts.get(ctx)
        word = None if words is None else words.get(address)
        if word is None:
            self.reserve(ctx, (address,))
            self.elements += 4
            word = self.contexts.setdefault(ctx, {})[address] = [0, 0, 0, 0]
        return word
