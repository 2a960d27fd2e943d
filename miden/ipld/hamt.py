"""A map over blocks: the hash array mapped trie of Filecoin, version 3. (fvm.md section 2.10.)

A node is ``[bitfield, pointers]``: the bitfield is big-endian without leading zeros, a pointer is a link to a node or a bucket
of up to three ``[key, value]`` in the order of keys. Equal maps have equal blocks, whatever was done to them.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

from miden.errors import FormatError
from miden.ipld import dagcbor
from miden.ipld.blocks import check_bit_width, load_block, store_block
from miden.ipld.cid import Cid

try:
    from miden._core.dagcbor import freeze_pointers as _core_freeze
except ImportError:
    _core_freeze = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from miden.ipld.blocks import Blockstore
    from miden.ipld.dagcbor import Value

    Entry: TypeAlias = tuple[bytes, Value]
    Bucket: TypeAlias = tuple[Entry, ...]
    """Entries in the order of their keys. Tuples, which the garbage collector stops to look at when they hold no references."""
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
        check_bit_width(bit_width)
        self._blocks = blocks
        self._width = bit_width
        self._shifts = range(HASH_BITS - bit_width, -1, -bit_width)
        """By how much the hash of a key is shifted for its bits at each level, from the root on."""
        self._root = _Node() if root is None else self._load(root)

    def get(self, key: bytes, default: Value = None) -> Value:
        """Return the value of a key, or the default."""
        node, number, width = self._root, _hash(key), self._width
        mask = (1 << width) - 1
        for shift in self._shifts:
            bit = number >> shift & mask
            bitmap = node.bitmap
            if not bitmap >> bit & 1:
                return default
            pointer = self._pointer(node, (bitmap & (1 << bit) - 1).bit_count())
            if type(pointer) is tuple:
                for other, value in pointer:
                    if other == key:
                        return value
                return default
            node = pointer  # type: ignore[assignment]  # a bucket is a tuple and nothing else is
        raise FormatError("a map is deeper than its hashes are long", kind="HamtTooDeep")

    def __contains__(self, key: bytes) -> bool:
        missing = object()
        return self.get(key, missing) is not missing

    def set(self, key: bytes, value: Value) -> None:
        """Set the value of a key."""
        key = bytes(key)
        self._insert(self._root, 0, _hash(key), (key, value))

    def _insert(self, node: _Node, depth: int, number: int, entry: Entry) -> None:
        """Put an entry below a node that is so many levels below the root; `number` is the hash of its key."""
        mask = (1 << self._width) - 1
        key = entry[0]
        for level in range(depth, len(self._shifts)):
            bit = number >> self._shifts[level] & mask
            node.cid = None
            index = node.position(bit)
            if not node.bitmap >> bit & 1:
                node.bitmap |= 1 << bit
                node.pointers.insert(index, (entry,))
                return
            pointer = self._pointer(node, index)
            if isinstance(pointer, _Node):
                node = pointer
                continue
            entries = [other for other in pointer if other[0] != key]
            if len(entries) < BUCKET_SIZE:
                entries.append(entry)
                entries.sort(key=_key)
                node.pointers[index] = tuple(entries)
                return
            child = node.pointers[index] = _Node()
            for other in entries:
                self._insert(child, level + 1, _hash(other[0]), other)
            node = child
        raise FormatError("too many keys have hashes that start alike", kind="HamtTooDeep")

    def delete(self, key: bytes) -> bool:
        """Remove a key and return whether it was there."""
        trail: list[tuple[_Node, int, int]] = []
        node, number = self._root, _hash(key)
        for shift in self._shifts:
            bit = number >> shift & (1 << self._width) - 1
            if not node.bitmap >> bit & 1:
                return False
            index = node.position(bit)
            pointer = self._pointer(node, index)
            trail.append((node, bit, index))
            if isinstance(pointer, _Node):
                node = pointer
                continue
            entries = tuple(entry for entry in pointer if entry[0] != key)
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
            if len(stack) > len(self._shifts):
                raise FormatError("a map is deeper than its hashes are long", kind="HamtTooDeep")
            while index < len(node.pointers):
                pointer = node.pointers[index]
                index += 1
                if isinstance(pointer, tuple):
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

    def _pointer(self, node: _Node, index: int) -> Bucket | _Node:
        """Return a pointer of a node, with a link followed and kept."""
        pointer = node.pointers[index]
        if isinstance(pointer, Cid):
            pointer = node.pointers[index] = self._load(pointer)
        return pointer

    def _load(self, cid: Cid) -> _Node:
        value = dagcbor.decode(load_block(self._blocks, cid))
        if type(value) is not list or len(value) != 2 or type(value[0]) is not bytes or type(value[1]) is not list:
            raise FormatError(f"block {cid} is no node of a map", kind="InvalidHamt")
        field, pointers = value
        if not _freeze(pointers):
            raise FormatError(f"block {cid} is no node of a map", kind="InvalidHamt")
        bitmap = int.from_bytes(field)
        if field[:1] == b"\0" or bitmap >> (1 << self._width) or bitmap.bit_count() != len(pointers):
            raise FormatError(f"the bitfield of node {cid} does not fit its pointers", kind="InvalidHamt")
        return _Node(bitmap, pointers, cid)


def _hash(key: bytes) -> int:
    return int.from_bytes(sha256(key).digest())


def _key(entry: Entry) -> bytes:
    return entry[0]


def _freeze(pointers: list[Value]) -> bool:
    if _core_freeze is not None:
        return _core_freeze(pointers, Cid, BUCKET_SIZE)
    return readable_freeze(pointers, Cid, BUCKET_SIZE)  # type: ignore[unreachable]  # without the core


def readable_freeze(pointers: list[Value], cls: type, bucket_size: int) -> bool:
    """Make tuples of the buckets among what was read as pointers, and return whether all are pointers.

    Those are links, and lists of one to three pairs in the order of keys that differ.
    """
    for index, pointer in enumerate(pointers):
        if type(pointer) is cls:
            continue
        if type(pointer) is not list or not 1 <= len(pointer) <= bucket_size:
            return False
        if not all(type(entry) is list and len(entry) == 2 and type(entry[0]) is bytes for entry in pointer):
            return False
        if not all(one[0] < other[0] for one, other in pairwise(pointer)):
            return False
        pointers[index] = tuple(map(tuple, pointer))
    return True


def _as_bucket(node: _Node) -> Bucket | None:
    """Return what a node holds as one bucket, or None if it holds more or has links."""
    entries: list[Entry] = []
    for pointer in node.pointers:
        if not isinstance(pointer, tuple) or len(entries) + len(pointer) > BUCKET_SIZE:
            return None
        entries += pointer
    return tuple(sorted(entries, key=_key))


def _encode(node: _Node) -> bytes:
    field = node.bitmap.to_bytes(-(-node.bitmap.bit_length() // 8))
    return dagcbor.encode([field, node.pointers])
