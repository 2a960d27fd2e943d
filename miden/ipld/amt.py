"""A list over blocks: the array mapped trie of Filecoin, version 3. (fvm.md section 2.7.)

The root is ``[bit width, height, count, node]``, a node ``[bitmap, links, values]``; the bitmap is little-endian bit by bit.
"""

from __future__ import annotations

from miden.errors import FormatError, InputError
from miden.ipld import dagcbor
from miden.ipld.blocks import check_bit_width, load_block, store_block
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from miden.ipld.blocks import Blockstore
    from miden.ipld.dagcbor import Value

BIT_WIDTH = 3
MAX_INDEX = 2**64 - 2


class _Node:
    """A node in memory: slot -> child (a node or its CID) above the ground, slot -> value on it."""

    __slots__ = ("cid", "slots")

    def __init__(self, slots: dict[int, Value] | None = None, cid: Cid | None = None) -> None:
        self.slots: dict[int, Value] = {} if slots is None else slots
        self.cid = cid


class Amt:
    """A sparse list of values of dag-cbor, kept in blocks. Changes stay in memory until `flush`.

    Parameters
    ----------
    blocks
        Where nodes are read and written.
    root
        The CID of a list, None for an empty one.
    bit_width
        1 to 8: 2^bit_width slots of a node; a list that is read says its own, which has to be this one.

    Raises
    ------
    NotFoundError, FormatError
        When a node that is needed is missing or is no node.

    Examples
    --------
    >>> from miden.ipld.blocks import MemoryBlocks
    >>> blocks = MemoryBlocks()
    >>> rows = Amt(blocks)
    >>> rows.set(70, "far")
    >>> Amt(blocks, rows.flush()).get(70)
    'far'
    """

    def __init__(self, blocks: Blockstore, root: Cid | None = None, *, bit_width: int = BIT_WIDTH) -> None:
        check_bit_width(bit_width)
        self._blocks = blocks
        self._width = bit_width
        self._height = 0
        self._count = 0
        self._root = _Node()
        if root is not None:
            self._open(root)

    def _open(self, root: Cid) -> None:
        value = dagcbor.decode(load_block(self._blocks, root))
        if type(value) is not list or len(value) != 4 or any(type(number) is not int or number < 0 for number in value[:3]):
            raise FormatError(f"block {root} is no root of a list", kind="InvalidAmt")
        width, self._height, self._count, node = value
        if width != self._width:
            raise FormatError(f"expected a list of bit width {self._width}, found {width}", kind="InvalidAmt")
        if self._height * width > 64:
            raise FormatError(f"a list {self._height} levels high holds more than 64 bits number", kind="InvalidAmt")
        self._root = self._parse(node, self._height, root)
        self._root.cid = None  # it is part of the block of the root, not a block of its own

    def __len__(self) -> int:
        return self._count

    def get(self, index: int, default: Value = None) -> Value:
        """Return the value at an index, or the default."""
        if not 0 <= index <= MAX_INDEX:
            raise InputError(f"an index is from 0 to 2^64 - 2, not {index}", kind="IndexRange")
        if index >> self._width * (self._height + 1):
            return default
        node = self._root
        for level in range(self._height, 0, -1):
            slot = self._slot(index, level)
            if slot not in node.slots:
                return default
            node = self._child(node, slot, level - 1)
        return node.slots.get(self._slot(index, 0), default)

    def set(self, index: int, value: Value) -> None:
        """Set the value at an index."""
        if not 0 <= index <= MAX_INDEX:
            raise InputError(f"an index is from 0 to 2^64 - 2, not {index}", kind="IndexRange")
        while index >> self._width * (self._height + 1):
            if self._root.slots:
                self._root = _Node({0: self._root})
            self._height += 1
        node = self._root
        for level in range(self._height, 0, -1):
            node.cid = None
            slot = self._slot(index, level)
            if slot not in node.slots:
                node.slots[slot] = _Node()
            node = self._child(node, slot, level - 1)
        node.cid = None
        self._count += self._slot(index, 0) not in node.slots
        node.slots[self._slot(index, 0)] = value

    def append(self, value: Value) -> int:
        """Set the value behind `len` entries, for lists without holes, and return its index."""
        index = self._count
        self.set(index, value)
        return index

    def delete(self, index: int) -> bool:
        """Remove an index and return whether it was there."""
        if not 0 <= index <= MAX_INDEX or index >> self._width * (self._height + 1):
            return False
        trail = [self._root]
        for level in range(self._height, 0, -1):
            slot = self._slot(index, level)
            if slot not in trail[-1].slots:
                return False
            trail.append(self._child(trail[-1], slot, level - 1))
        if self._slot(index, 0) not in trail[-1].slots:
            return False
        for level, node in enumerate(reversed(trail)):
            node.cid = None
            if level == 0 or not node.slots[self._slot(index, level)].slots:
                del node.slots[self._slot(index, level)]
        self._count -= 1
        while self._height and set(self._root.slots) <= {0}:
            if self._root.slots:
                self._root = self._child(self._root, 0, self._height - 1)
            self._height = self._height - 1 if self._root.slots else 0
        return True

    def items(self) -> Iterator[tuple[int, Value]]:
        """Yield indices and values, ascending."""
        stack: list[tuple[_Node | Cid, int, int]] = [(self._root, self._height, 0)]
        while stack:
            node, level, base = stack.pop()
            if isinstance(node, Cid):
                node = self._load(node, level)
            if not level:
                yield from ((base + slot, node.slots[slot]) for slot in sorted(node.slots))
                continue
            size = self._width * level
            stack += [(node.slots[slot], level - 1, base + (slot << size)) for slot in sorted(node.slots, reverse=True)]

    def flush(self) -> Cid:
        """Write what changed, children first, and return the CID of the list."""
        stack = [(self._root, self._height, False)]
        while stack:
            node, level, ready = stack.pop()
            if ready:
                node.slots = {slot: child.cid if isinstance(child, _Node) else child for slot, child in node.slots.items()}
            elif level:
                stack.append((node, level, True))
                stack += [(child, level - 1, False) for child in node.slots.values() if isinstance(child, _Node) and child.cid is None]
                continue
            if node is not self._root:
                node.cid = store_block(self._blocks, dagcbor.encode(self._form(node, level)))
        root = [self._width, self._height, self._count, self._form(self._root, self._height)]
        return store_block(self._blocks, dagcbor.encode(root))

    def _form(self, node: _Node, level: int) -> Value:
        slots = sorted(node.slots)
        bitmap = sum(1 << slot for slot in slots).to_bytes(-(-(1 << self._width) // 8), "little")
        held = [node.slots[slot] for slot in slots]
        return [bitmap, held if level else [], [] if level else held]

    def _slot(self, index: int, level: int) -> int:
        return index >> self._width * level & (1 << self._width) - 1

    def _child(self, node: _Node, slot: int, level: int) -> _Node:
        child = node.slots[slot]
        if isinstance(child, Cid):
            child = node.slots[slot] = self._load(child, level)
        return child  # type: ignore[no-any-return]  # above the ground all slots are children

    def _load(self, cid: Cid, level: int) -> _Node:
        return self._parse(dagcbor.decode(load_block(self._blocks, cid)), level, cid)

    def _parse(self, value: Value, level: int, cid: Cid) -> _Node:
        if type(value) is not list or len(value) != 3 or type(value[0]) is not bytes or any(type(part) is not list for part in value[1:]):
            raise FormatError(f"block {cid} is no node of a list", kind="InvalidAmt")
        bitmap, links, values = value
        held = links if level else values
        bits = int.from_bytes(bitmap, "little")
        slots = [slot for slot in range(1 << self._width) if bits >> slot & 1]
        if len(bitmap) != -(-(1 << self._width) // 8) or bits >> (1 << self._width) or len(slots) != len(held):
            raise FormatError(f"the bitmap of node {cid} does not fit its entries", kind="InvalidAmt")
        if (values if level else links) or (level and not all(isinstance(link, Cid) for link in links)):
            raise FormatError(f"node {cid} has entries of the wrong kind", kind="InvalidAmt")
        return _Node(dict(zip(slots, held, strict=True)), cid)
