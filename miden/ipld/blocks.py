"""Where blocks are: the protocol of a block store, one in memory, and a buffer in front of another. (fvm.md section 2.11.)"""

from __future__ import annotations

from copy import copy

from miden.errors import FormatError, InputError, NotFoundError
from miden.ipld.cid import DAG_CBOR, Cid
from miden.ipld.links import COMMITMENTS, links

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    class Blockstore(Protocol):
        """Blocks by CID. Who puts a block promises that it hashes to its CID; who gets one from outside verifies it."""

        def get(self, cid: Cid) -> bytes | None:
            """Return a block, or None."""

        def put(self, cid: Cid, data: bytes) -> None:
            """Keep a block."""

        def put_many(self, blocks: Iterable[tuple[Cid, bytes]]) -> int:
            """Keep blocks, and return how many."""
            ...

        def __contains__(self, cid: Cid) -> bool: ...


class MemoryBlocks:
    """Blocks in a dictionary.

    >>> blocks = MemoryBlocks()
    >>> cid = store_block(blocks, b"hi", codec=0x55)
    >>> load_block(blocks, cid)
    b'hi'
    """

    def __init__(self, blocks: dict[Cid, bytes] | None = None) -> None:
        self._blocks: dict[Cid, bytes] = {} if blocks is None else blocks

    def get(self, cid: Cid) -> bytes | None:
        """Return a block, or None."""
        return self._blocks.get(cid)

    def put(self, cid: Cid, data: bytes) -> None:
        """Keep a block."""
        self._blocks[cid] = data

    def put_many(self, blocks: Iterable[tuple[Cid, bytes]]) -> int:
        """Keep blocks, and return how many."""
        return _put_each(self, blocks)

    def __contains__(self, cid: Cid) -> bool:
        return cid in self._blocks

    def __len__(self) -> int:
        return len(self._blocks)

    def __iter__(self) -> Iterator[Cid]:
        return iter(self._blocks)


def load_block(blocks: Blockstore, cid: Cid) -> bytes:
    """Return a block; the data of an identity CID is in the CID. Raises `NotFoundError`."""
    data = cid.digest if cid.is_identity else blocks.get(cid)
    if data is None:
        raise NotFoundError(f"no block {cid}", kind="BlockNotFound")
    return data


def store_block(blocks: Blockstore, data: bytes, codec: int = DAG_CBOR) -> Cid:
    """Keep a block under its blake2b-256 CID and return that."""
    cid = Cid.of(data, codec)
    blocks.put(cid, data)
    return cid


def walking(blocks: Blockstore) -> Blockstore:
    """Return a place of blocks as one walk should use it, from blocks to what they link to: some forget what would be needed again.

    >>> blocks = MemoryBlocks()  # forgets nothing
    >>> walking(blocks) is blocks
    True
    """
    walk: Callable[[], Blockstore] | None = getattr(blocks, "walk", None)
    return blocks if walk is None else walk()


def check_bit_width(width: int) -> None:
    """Raise `InputError` unless a trie of blocks can have nodes of 2^width slots."""
    if not 1 <= width <= 8:
        raise InputError(f"a bit width is from 1 to 8, not {width}", kind="BitWidth")


class BufferedBlocks:
    """New blocks in memory before another store, until `flush` writes those that are still reachable."""

    def __init__(self, below: Blockstore) -> None:
        self.below = below
        self._new: dict[Cid, bytes] = {}

    def get(self, cid: Cid) -> bytes | None:
        """Return a new block, or one of the store below."""
        found = self._new.get(cid)
        return self.below.get(cid) if found is None else found

    def put(self, cid: Cid, data: bytes) -> None:
        """Buffer a block."""
        self._new[cid] = data

    def put_many(self, blocks: Iterable[tuple[Cid, bytes]]) -> int:
        """Buffer blocks, and return how many."""
        return _put_each(self, blocks)

    def walk(self) -> BufferedBlocks:
        """Return the same blocks, buffer and all, for one walk (`walking`)."""
        made = copy(self)
        made.below = walking(self.below)
        return made

    def __contains__(self, cid: Cid) -> bool:
        return cid in self._new or cid in self.below

    def __len__(self) -> int:
        return len(self._new)

    def flush(self, root: Cid) -> int:
        """Write the new blocks that `root` reaches, children before their parents, and forget the others.

        What is not in the buffer is taken to be below, with all that it reaches. Returns how many blocks were written.
        """
        count = self.below.put_many(self._reached(root))
        self._new.clear()
        return count

    def _reached(self, root: Cid) -> Iterator[tuple[Cid, bytes]]:
        written: set[Cid] = set()
        stack = [(root, False)]
        while stack:
            cid, left = stack.pop()
            if left:
                if cid not in written:
                    written.add(cid)
                    yield cid, self._new[cid]
                continue
            data = cid.digest if cid.is_identity else self._new.get(cid)
            if data is None or cid in written:
                continue
            if not cid.is_identity:
                stack.append((cid, True))
            stack += [(child, False) for child in links(cid.codec, data) if child in self._new or child.is_identity]


def _put_each(blocks: Blockstore, found: Iterable[tuple[Cid, bytes]]) -> int:
    count = 0
    for cid, data in found:
        blocks.put(cid, data)
        count += 1
    return count


def reachable(
    blocks: Blockstore,
    roots: list[Cid],
    *,
    verify: bool = True,
    missing: bool = False,
    ahead: Callable[[list[Cid]], object] | None = None,
) -> Iterator[tuple[Cid, bytes]]:
    """Yield every block that `roots` reach, parents first, each once; commitments name no block.

    `ahead` is called with the links of each block before they are asked for one by one: a place far away can fetch them together.

    Raises `NotFoundError` for a block that is not there, unless `missing` are passed over, `IntegrityError` for one that does
    not hash to its CID, `FormatError` for one that does not decode.
    """
    blocks = walking(blocks)
    seen: set[Cid] = set()
    stack = list(reversed(roots))
    while stack:
        cid = stack.pop()
        if cid in seen:
            continue
        seen.add(cid)
        data = cid.digest if cid.is_identity else blocks.get(cid)
        if data is None:
            if missing:
                continue
            raise NotFoundError(f"no block {cid}", kind="BlockNotFound")
        if verify:
            cid.verify(data)
        try:
            children = links(cid.codec, data)
        except FormatError as problem:
            raise FormatError(f"block {cid}: {problem.message}", kind=problem.kind) from problem
        if not cid.is_identity:
            yield cid, data
        fresh = [child for child in reversed(children) if child.codec not in COMMITMENTS and child not in seen]
        if ahead is not None and len(fresh) > 1:
            ahead(fresh)
        stack += fresh
