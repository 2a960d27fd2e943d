"""A map over blocks: the hash array mapped trie of Filecoin, version 3. (fvm.md section 2.10.)

A node is ``[bitfield, pointers]``: the bitfield is big-endian without leading zeros, a pointer is a link to a node or a bucket
of up to three ``[key, value]`` in the order of keys. Equal maps have equal blocks, whatever was done to them.
"""

from __future__ import annotations

from hashlib import sha256

from miden.errors import FormatError, InputError
from miden.ipld import dagcbor
from miden.ipld.blocks import load_block, store_block
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from miden.ipld.blocks import Blockstore
    from miden.ipld.dagcbor import Value

    Bucket: TypeAlias = list[tuple[bytes, Value]]
    Pointer: TypeAlias = "Bucket | Cid | _Node"

BIT_WIDTH = 5
"""Bits of a hash that choose a pointer of a node, unless told otherwise."""
BUCKET_SIZE = 3
HASH_BITS = 256


class _Node:
    """A node in memory: `bitmap` says which pointers there are, `cid` what it was read from or written as, if unchanged."""

    __slots__ = ("bitmap", "cid", "pointers")

    def __init__(self, bitmap: int = 0, pointers: list[Pointer] | None = None, cid: Cid | None = None) -> None:
        self.bitmap = bitmap
        self.pointers: list[Pointer] = [] if pointers is None else pointers
        self.cid = cid

    def position(self, bit: int) -> int:
        """Return the index among the pointers of the one that a bit stands for."""
        return (self.bitmap & (1 << bit) - 1).bit_count()


class Hamt:
    """A map from bytes to values of dag-cbor, kept in blocks. Changes stay in memory until `flush`.

    Parameters
    ----------
    blocks
        Where nodes are read and written.
    root
        The CID of a map, None for an empty one.
    bit_width
        1 to 8: 2^bit_width pointers of a node.

    Raises
    ------
    NotFoundError, FormatError
        When a node that is needed is missing or is no node.

    Examples
    --------
    >>> from miden.ipld.blocks import MemoryBlocks
    >>> blocks = MemoryBlocks()
    >>> table = Hamt(blocks)
    >>> table.set(b"apple", 3)
    >>> root = table.flush()
    >>> Hamt(blocks, root).get(b"apple")
    3
    """

    def __init__(self, blocks: Blockstore, root: Cid | None = None, *, bit_width: int = BIT_WIDTH) -> None:
        if not 1 <= bit_width <= 8:
            raise InputError(f"a bit width is from 1 to 8, not {bit_width}", kind="BitWidth")
        self._blocks = blocks
        self._width = bit_width
        self._root = _Node() if root is None else self._load(root)

    def get(self, key: bytes, default: Value = None) -> Value:
        """Return the value of a key, or the default."""
        node, path = self._root, self._path(key)
        for bit in path:
            if not node.bitmap >> bit & 1:
                return default
            pointer = self._pointer(node, node.position(bit))
            if isinstance(pointer, _Node):
                node = pointer
                continue
            return next((value for other, value in pointer if other == key), default)
        raise FormatError("a map is deeper than its hashes are long", kind="HamtTooDeep")

    def __contains__(self, key: bytes) -> bool:
        missing = object()
        return self.get(key, missing) is not missing

    def set(self, key: bytes, value: Value) -> None:
        """Set the value of a key."""
        self._insert(self._root, self._path(key), bytes(key), value)

    def _insert(self, node: _Node, path: Iterator[int], key: bytes, value: Value) -> None:
        """Put an entry below a node; the path continues where the node is."""
        for bit in path:
            node.cid = None
            index = node.position(bit)
            if not node.bitmap >> bit & 1:
                node.bitmap |= 1 << bit
                node.pointers.insert(index, [(key, value)])
                return
            pointer = self._pointer(node, index)
            if isinstance(pointer, _Node):
                node = pointer
                continue
            entries = [entry for entry in pointer if entry[0] != key]
            if len(entries) < BUCKET_SIZE:
                entries.append((key, value))
                entries.sort(key=_key)
                node.pointers[index] = entries
                return
            child = _Node()
            depth = self._depth(key, path)
            for other, held in entries:
                child_path = self._path(other)
                for _ in range(depth):
                    next(child_path)
                self._insert(child, child_path, other, held)
            node.pointers[index] = child
            node = child
        raise FormatError("too many keys have hashes that start alike", kind="HamtTooDeep")

    def _depth(self, key: bytes, path: Iterator[int]) -> int:
        """Return how many bits of its path a key has used."""
        return HASH_BITS // self._width - path.__length_hint__()  # type: ignore[attr-defined,no-any-return]  # a list iterator

    def delete(self, key: bytes) -> bool:
        """Remove a key and return whether it was there."""
        trail: list[tuple[_Node, int, int]] = []
        node = self._root
        for bit in self._path(key):
            if not node.bitmap >> bit & 1:
                return False
            index = node.position(bit)
            pointer = self._pointer(node, index)
            trail.append((node, bit, index))
            if isinstance(pointer, _Node):
                node = pointer
                continue
            entries = [entry for entry in pointer if entry[0] != key]
            if len(entries) == len(pointer):
                return False
            self._shrink(trail, entries)
            return True
        raise FormatError("a map is deeper than its hashes are long", kind="HamtTooDeep")

    def _shrink(self, trail: list[tuple[_Node, int, int]], entries: Bucket) -> None:
        """Replace the last bucket of a trail, and take back nodes that a bucket can stand for."""
        node, bit, index = trail.pop()
        if entries:
            node.pointers[index] = entries
        else:
            del node.pointers[index]
            node.bitmap &= ~(1 << bit)
        node.cid = None
        for parent, _, position in reversed(trail):
            parent.cid = None
            child = parent.pointers[position]
            if isinstance(child, _Node):
                collapsed = _as_bucket(child)
                if collapsed is not None:
                    parent.pointers[position] = collapsed

    def items(self) -> Iterator[tuple[bytes, Value]]:
        """Yield keys and values in the order of the hashes."""
        stack: list[tuple[_Node, int]] = [(self._root, 0)]
        while stack:
            node, index = stack.pop()
            if len(stack) > HASH_BITS // self._width:
                raise FormatError("a map is deeper than its hashes are long", kind="HamtTooDeep")
            while index < len(node.pointers):
                pointer = node.pointers[index]
                index += 1
                if isinstance(pointer, list):
                    yield from pointer
                    continue
                stack += [(node, index), (self._load(pointer) if isinstance(pointer, Cid) else pointer, 0)]
                break

    def __iter__(self) -> Iterator[bytes]:
        return (key for key, _ in self.items())

    def flush(self) -> Cid:
        """Write what changed, children first, and return the CID of the map."""
        stack: list[tuple[_Node, int]] = [(self._root, 0)]
        while stack:
            node, index = stack.pop()
            while index < len(node.pointers):
                pointer = node.pointers[index]
                if isinstance(pointer, _Node):
                    if pointer.cid is None:
                        stack += [(node, index), (pointer, 0)]
                        break
                    node.pointers[index] = pointer.cid
                index += 1
            else:
                if node.cid is None:
                    node.cid = store_block(self._blocks, _encode(node))
        assert self._root.cid is not None
        return self._root.cid

    def _path(self, key: bytes) -> Iterator[int]:
        """Return the bits of the hash of a key as pointers of nodes, from the root on."""
        number, width = int.from_bytes(sha256(key).digest()), self._width
        mask = (1 << width) - 1
        return iter([number >> HASH_BITS - width * step & mask for step in range(1, HASH_BITS // width + 1)])

    def _pointer(self, node: _Node, index: int) -> Bucket | _Node:
        """Return a pointer of a node, with a link followed and kept."""
        pointer = node.pointers[index]
        if isinstance(pointer, Cid):
            pointer = node.pointers[index] = self._load(pointer)
        return pointer

    def _load(self, cid: Cid) -> _Node:
        value = dagcbor.decode(load_block(self._blocks, cid))
        try:
            field, raw = value
            bitmap = int.from_bytes(field)
            pointers: list[Pointer] = [pointer if isinstance(pointer, Cid) else _bucket(pointer) for pointer in raw]
        except (TypeError, ValueError):
            raise FormatError(f"block {cid} is no node of a map", kind="InvalidHamt") from None
        if field[:1] == b"\0" or bitmap >> (1 << self._width) or bitmap.bit_count() != len(pointers):
            raise FormatError(f"the bitfield of node {cid} does not fit its pointers", kind="InvalidHamt")
        return _Node(bitmap, pointers, cid)


def _key(entry: tuple[bytes, Value]) -> bytes:
    return entry[0]


def _bucket(raw: Value) -> Bucket:
    """Check a bucket that was read; raises `TypeError` or `ValueError` for another shape."""
    entries = [(key, value) for key, value in raw]
    keys = [key for key, _ in entries]
    if not 1 <= len(entries) <= BUCKET_SIZE or any(type(key) is not bytes for key in keys) or sorted(set(keys)) != keys:
        raise ValueError(raw)
    return entries


def _as_bucket(node: _Node) -> Bucket | None:
    """Return what a node holds as one bucket, or None if it holds more or has links."""
    entries: Bucket = []
    for pointer in node.pointers:
        if not isinstance(pointer, list) or len(entries) + len(pointer) > BUCKET_SIZE:
            return None
        entries += pointer
    return sorted(entries, key=_key)


def _encode(node: _Node) -> bytes:
    field = node.bitmap.to_bytes(-(-node.bitmap.bit_length() // 8))
    pointers = [[list(entry) for entry in pointer] if isinstance(pointer, list) else pointer for pointer in node.pointers]
    return dagcbor.encode([field, pointers])
