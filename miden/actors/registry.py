"""The blocks of one invocation: handles from 1, and the set of what may be opened. (fvm.md sections 2.2 and 2.5.)

Both belong to one invocation and die with it. The set grows by what the invocation was given, opened, linked or asked for, and by
nothing else, so that no block comes into the state whose children are not there.
"""

from __future__ import annotations

from miden.actors.codes import ErrorNumber, SyscallError
from miden.ipld.links import dagcbor_link_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NO_BLOCK = 0
"""The handle that stands for no block: no parameters, no return value."""
MAX_BLOCKS = (1 << 31) - 1
"""Handles of one invocation."""


class Block:
    """A block: codec, bytes, and how many links in it count. Shared between invocations, never changed."""

    __slots__ = ("_links", "codec", "data", "link_count")

    def __init__(self, codec: int, data: bytes, links: Sequence[bytes] | None = (), link_count: int = 0) -> None:
        self.codec = codec
        self.data = data
        self._links = links
        self.link_count = link_count or (len(links) if links else 0)

    @property
    def links(self) -> Sequence[bytes]:
        """The CIDs (as bytes) that it links to directly, taken out of the bytes and not kept: thousands of blocks may be open."""
        return dagcbor_link_bytes(self.data)[0] if self._links is None else self._links

    def __eq__(self, other: object) -> bool:
        return (self.codec, self.data) == (other.codec, other.data) if isinstance(other, Block) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.codec, self.data))

    def __repr__(self) -> str:
        return f"Block({self.codec:#x}, {self.data!r})"


class BlockRegistry:
    """The open blocks of an invocation by handle, and its reachable set.

    >>> blocks = BlockRegistry()
    >>> blocks.put_reachable(Block(0x55, b"hi")), blocks.get(1).data
    (1, b'hi')
    >>> blocks.get(2)
    Traceback (most recent call last):
    miden.actors.codes.SyscallError: INVALID_HANDLE: no block has handle 2
    """

    __slots__ = ("_blocks", "_marked", "_unmarked")

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._marked: set[bytes] = set()
        self._unmarked: list[Block] = []
        """Blocks whose links are reachable, too; they go into the set when somebody asks for what is not in it yet."""

    def put_reachable(self, block: Block) -> int:
        """Add a block that is known to be reachable; its links become so."""
        handle = self._put(block)
        if block.link_count:
            self._unmarked.append(block)
        return handle

    def put_checked(self, block: Block) -> int:
        """Add a block that an actor made; raises NOT_FOUND if it links to what is not reachable."""
        if block.link_count:
            links = block.links
            if not (self._marked.issuperset(links) or self._all().issuperset(links)):
                self._check_room()
                raise SyscallError(ErrorNumber.NOT_FOUND, "a block links to one that is not reachable")
        return self._put(block)

    def mark_reachable(self, cid: bytes) -> None:
        """Make a CID, as bytes, reachable."""
        self._marked.add(cid)

    def is_reachable(self, cid: bytes) -> bool:
        """Tell whether a CID, as bytes, may be opened, linked to, or made the root of the state."""
        return cid in self._marked or (bool(self._unmarked) and cid in self._all())

    def _all(self) -> set[bytes]:
        for block in self._unmarked:
            self._marked.update(block.links)
        self._unmarked.clear()
        return self._marked

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
        blocks = self._blocks
        if len(blocks) >= MAX_BLOCKS:
            self._check_room()
        blocks.append(block)
        return len(blocks)

    def _check_room(self) -> None:
        if len(self._blocks) >= MAX_BLOCKS:
            raise SyscallError(ErrorNumber.LIMIT_EXCEEDED, "too many blocks")
