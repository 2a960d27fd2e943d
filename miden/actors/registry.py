"""The blocks of one invocation: handles from 1, and the set of what may be opened. (fvm.md sections 2.2 and 2.5.)

Both belong to one invocation and die with it. The set grows by what the invocation was given, opened, linked or asked for, and by
nothing else, so that no block comes into the state whose children are not there.
"""

from __future__ import annotations

from typing import NamedTuple

from miden.actors.codes import ErrorNumber, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NO_BLOCK = 0
"""The handle that stands for no block: no parameters, no return value."""
MAX_BLOCKS = (1 << 31) - 1
"""Handles of one invocation."""


class Block(NamedTuple):
    """A block: codec, bytes, and the CIDs (as bytes) that it links to directly. Shared between invocations, never changed."""

    codec: int
    data: bytes
    links: Sequence[bytes] = ()


class BlockRegistry:
    """The open blocks of an invocation by handle, and its reachable set.

    >>> blocks = BlockRegistry()
    >>> blocks.put_reachable(Block(0x55, b"hi")), blocks.get(1).data
    (1, b'hi')
    >>> blocks.get(2)
    Traceback (most recent call last):
    miden.actors.codes.SyscallError: INVALID_HANDLE: no block has handle 2
    """

    __slots__ = ("_blocks", "reachable")

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self.reachable: set[bytes] = set()
        """CIDs, as bytes, that may be opened, linked to, or made the root of the state."""

    def put_reachable(self, block: Block) -> int:
        """Add a block that is known to be reachable; its links become so."""
        handle = self._put(block)
        if block.links:
            self.reachable.update(block.links)
        return handle

    def put_checked(self, block: Block) -> int:
        """Add a block that an actor made; raises NOT_FOUND if it links to what is not reachable."""
        if block.links and not self.reachable.issuperset(block.links):
            self._check_room()
            raise SyscallError(ErrorNumber.NOT_FOUND, "a block links to one that is not reachable")
        return self._put(block)

    def get(self, handle: int) -> Block:
        """Return a block by its handle; raises INVALID_HANDLE."""
        if 0 < handle <= len(self._blocks):
            return self._blocks[handle - 1]
        raise SyscallError(ErrorNumber.INVALID_HANDLE, f"no block has handle {handle}")

    @property
    def is_full(self) -> bool:
        """Whether no handle is left."""
        return len(self._blocks) >= MAX_BLOCKS

    def __len__(self) -> int:
        return len(self._blocks)

    def _put(self, block: Block) -> int:
        self._check_room()
        self._blocks.append(block)
        return len(self._blocks)

    def _check_room(self) -> None:
        if len(self._blocks) >= MAX_BLOCKS:
            raise SyscallError(ErrorNumber.LIMIT_EXCEEDED, "too many blocks")
