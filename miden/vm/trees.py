"""Merkle structures to hold, change and open in Python: what programs meet in the advice. (processor.md section 5.3.)

Each can be given to a program: `AdviceInputs` takes it as one of its trees, and `advice_map` is what its library procedure
looks up besides. Levels are hashed whole, in batches.

>>> tree = Smt({Word((0, 0, 0, 7)): Word((1, 2, 3, 4))})
>>> tree.open(Word((0, 0, 0, 7))).verify(tree.root)
True
"""

from __future__ import annotations

from miden.errors import InputError
from miden.field import Word
from miden.hashing import elements_digest, merge_digest
from miden.vm.backends import get_backend
from miden.vm.merkle import DIGEST_SIZE, MAX_DEPTH, ZERO_DIGEST, check_full, nodes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from miden.vm.merkle import MergeMany, Node

__all__ = ["FullTree", "Mmr", "Opening", "Openings", "SimpleSmt", "Smt", "SmtOpening"]

MAX_PAIRS = 1024
"""Most pairs in a leaf of an `Smt`."""

MIN_PEAKS = 16
"""An `Mmr` is hashed with at least so many peaks, zero words for those it does not have."""

ZERO = Word((0, 0, 0, 0))


class Opening:
    """A leaf and the siblings on its way up, leaf first: a proof of what is at an index.

    >>> Opening(1, Word((2, 0, 0, 0)), (Word((1, 0, 0, 0)),)).root == FullTree([Word((n, 0, 0, 0)) for n in (1, 2)]).root
    True
    """

    __slots__ = ("index", "leaf", "path")

    def __init__(self, index: int, leaf: Word, path: Iterable[Word]) -> None:
        self.index = index
        self.leaf = leaf
        self.path = tuple(path)
        if not 0 <= index < 1 << len(self.path):
            raise InputError(f"a leaf at depth {len(self.path)} has no index {index}", kind="InvalidNodeIndex")

    @property
    def depth(self) -> int:
        """How far the leaf is below the root."""
        return len(self.path)

    @property
    def root(self) -> Word:
        """The root that leaf and siblings hash to."""
        nodes = list(self.nodes())
        return Word.from_bytes(nodes[-1][0]) if nodes else self.leaf

    def verify(self, root: Word) -> bool:
        """Tell whether this is a proof for a tree with such a root."""
        return self.root == root

    def nodes(self) -> Iterator[Node]:
        """Yield the nodes on the way up, the root last."""
        digest = self.leaf.to_bytes()
        for level, word in enumerate(self.path):
            sibling = word.to_bytes()
            left, right = (sibling, digest) if self.index >> level & 1 else (digest, sibling)
            digest = merge_digest(left, right, 0)
            yield digest, left, right

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Opening):
            return NotImplemented
        return (self.index, self.leaf, self.path) == (other.index, other.leaf, other.path)

    def __hash__(self) -> int:
        return hash((self.index, self.leaf, self.path))

    def __repr__(self) -> str:
        return f"<Opening of {self.index} at depth {self.depth}>"


class Openings:
    """Openings of one tree, as a set: what somebody knows of a tree of which he has the root.

    ``|`` joins what two know, ``&`` is what both know, ``-`` what only the first knows; `InputError` if the roots differ.
    """

    __slots__ = ("_openings", "root")

    def __init__(self, root: Word, openings: Iterable[Opening] = ()) -> None:
        self.root = root
        self._openings: dict[tuple[int, int], Opening] = {}
        for opening in openings:
            if not opening.verify(root):
                text = f"the opening of {opening.index} is of a tree with the root {opening.root.to_hex()}, not {root.to_hex()}"
                raise InputError(text, kind="ConflictingRoots")
            self._openings[opening.depth, opening.index] = opening

    def __len__(self) -> int:
        return len(self._openings)

    def __iter__(self) -> Iterator[Opening]:
        return iter(self._openings.values())

    def __contains__(self, place: tuple[int, int]) -> bool:
        return place in self._openings

    def __getitem__(self, place: tuple[int, int]) -> Opening:
        """Return the opening at (depth, index); `KeyError` if it is not known."""
        return self._openings[place]

    def __or__(self, other: Openings) -> Openings:
        return self._with(other, {**self._openings, **other._openings})

    def __and__(self, other: Openings) -> Openings:
        return self._with(other, {place: opening for place, opening in self._openings.items() if place in other})

    def __sub__(self, other: Openings) -> Openings:
        return self._with(other, {place: opening for place, opening in self._openings.items() if place not in other})

    def _with(self, other: Openings, openings: dict[tuple[int, int], Opening]) -> Openings:
        if self.root != other.root:
            text = f"openings of trees with the roots {self.root.to_hex()} and {other.root.to_hex()}"
            raise InputError(text, kind="ConflictingRoots")
        result = Openings(self.root)
        result._openings = openings
        return result

    def inner_nodes(self, merge_many: MergeMany) -> list[Node]:
        """Return the nodes that are known."""
        return list(dict.fromkeys(node for opening in self for node in opening.nodes()))

    def __repr__(self) -> str:
        return f"<Openings {len(self)} of {self.root.to_hex()}>"


class _Layers:
    """Levels of full trees side by side, leaves first; level k has one node for each 2^k leaves that are there."""

    __slots__ = ("levels",)

    def __init__(self, leaves: Iterable[Word]) -> None:
        layer = bytearray(b"".join([leaf.to_bytes() for leaf in leaves]))
        self.levels = [layer]
        merge_many = get_backend(None).merge_many
        while len(layer) >= 2 * DIGEST_SIZE:
            layer = bytearray(merge_many(bytes(layer[: len(layer) // (2 * DIGEST_SIZE) * 2 * DIGEST_SIZE])))
            self.levels.append(layer)

    def __len__(self) -> int:
        return len(self.levels[0]) // DIGEST_SIZE

    def node(self, level: int, index: int) -> bytes:
        return bytes(self.levels[level][DIGEST_SIZE * index : DIGEST_SIZE * (index + 1)])

    def path(self, index: int, height: int) -> list[Word]:
        return [Word.from_bytes(self.node(level, index >> level ^ 1)) for level in range(height)]

    def append(self, leaf: Word) -> None:
        digest, level = leaf.to_bytes(), 0
        while True:
            if level == len(self.levels):
                self.levels.append(bytearray())
            layer = self.levels[level]
            layer += digest
            if len(layer) // DIGEST_SIZE % 2:
                return
            digest = merge_digest(bytes(layer[-2 * DIGEST_SIZE : -DIGEST_SIZE]), digest, 0)
            level += 1

    def set(self, index: int, leaf: Word) -> None:
        digest = leaf.to_bytes()
        for level, layer in enumerate(self.levels):
            if DIGEST_SIZE * index >= len(layer):
                return
            layer[DIGEST_SIZE * index : DIGEST_SIZE * (index + 1)] = digest
            sibling = self.node(level, index ^ 1)
            digest = merge_digest(sibling, digest, 0) if index & 1 else merge_digest(digest, sibling, 0) if sibling else b""
            index >>= 1

    def inner_nodes(self) -> list[Node]:
        nodes: list[Node] = []
        for below, layer in zip(self.levels, self.levels[1:], strict=False):
            nodes += nodes_of(bytes(layer), bytes(below[: 2 * len(layer)]))
        return nodes


class FullTree:
    """A tree with a leaf at every index: a power of two of them, at least two.

    >>> tree = FullTree([Word((n, 0, 0, 0)) for n in range(4)])
    >>> tree.set(2, Word((9, 9, 9, 9))), tree.open(2).verify(tree.root)
    (Word(2, 0, 0, 0), True)
    """

    __slots__ = ("_layers",)

    def __init__(self, leaves: Iterable[Word]) -> None:
        self._layers = _Layers(leaves)
        check_full(len(self._layers))

    def __len__(self) -> int:
        return len(self._layers)

    @property
    def depth(self) -> int:
        """How far the leaves are below the root."""
        return len(self).bit_length() - 1

    @property
    def root(self) -> Word:
        """The root."""
        return Word.from_bytes(self._layers.node(self.depth, 0))

    def get(self, index: int) -> Word:
        """Return a leaf; `InputError` if there is none."""
        return Word.from_bytes(self._layers.node(0, _checked(index, len(self))))

    def set(self, index: int, leaf: Word) -> Word:
        """Replace a leaf; return the old one."""
        old = self.get(index)
        self._layers.set(index, leaf)
        return old

    def open(self, index: int) -> Opening:
        """Return a leaf with its path."""
        return Opening(index, self.get(index), self._layers.path(index, self.depth))

    def inner_nodes(self, merge_many: MergeMany) -> list[Node]:
        """Return the inner nodes, the root last."""
        return self._layers.inner_nodes()


class SimpleSmt:
    """A tree whose leaves are zero where nothing was set; `depth` is 1 to 64.

    >>> tree = SimpleSmt(8, {3: Word((1, 0, 0, 0))})
    >>> tree.set(3, Word((0, 0, 0, 0))), tree.root == SimpleSmt(8).root
    (Word(1, 0, 0, 0), True)
    """

    __slots__ = ("_empty", "_levels", "depth")

    def __init__(self, depth: int = MAX_DEPTH, entries: Mapping[int, Word] | Iterable[tuple[int, Word]] = ()) -> None:
        if not 1 <= depth <= MAX_DEPTH:
            raise InputError(f"the depth of a sparse Merkle tree is 1 to {MAX_DEPTH}, found {depth}", kind="InvalidDepth")
        self.depth = depth
        merge_many = get_backend(None).merge_many
        layer: dict[int, bytes] = {}
        for index, leaf in dict(entries).items():
            if any(leaf):
                layer[_checked(index, 1 << depth)] = leaf.to_bytes()
        self._levels, self._empty = [layer], [ZERO_DIGEST]
        for _ in range(depth):
            empty = self._empty[-1]
            places = list(dict.fromkeys([index >> 1 for index in layer]))
            pairs = b"".join([layer.get(2 * place, empty) + layer.get(2 * place + 1, empty) for place in places])
            digests = merge_many(pairs + empty + empty)
            layer = {place: digests[DIGEST_SIZE * at : DIGEST_SIZE * (at + 1)] for at, place in enumerate(places)}
            self._levels.append(layer)
            self._empty.append(digests[-DIGEST_SIZE:])

    def __len__(self) -> int:
        """Return the number of leaves that are not zero."""
        return len(self._levels[0])

    @property
    def root(self) -> Word:
        """The root."""
        return Word.from_bytes(self._node(self.depth, 0))

    def get(self, index: int) -> Word:
        """Return a leaf; `InputError` if the tree has no such index."""
        return Word.from_bytes(self._node(0, _checked(index, 1 << self.depth)))

    def set(self, index: int, leaf: Word) -> Word:
        """Replace a leaf, the zero word removes it; return the old one."""
        old, digest = self.get(index), leaf.to_bytes()
        for level in range(self.depth + 1):
            layer = self._levels[level]
            if digest == self._empty[level]:
                layer.pop(index, None)
            else:
                layer[index] = digest
            if level < self.depth:
                sibling = self._node(level, index ^ 1)
                digest = merge_digest(sibling, digest, 0) if index & 1 else merge_digest(digest, sibling, 0)
                index >>= 1
        return old

    def open(self, index: int) -> Opening:
        """Return a leaf with its path, whether it is zero or not."""
        path = [Word.from_bytes(self._node(level, index >> level ^ 1)) for level in range(self.depth)]
        return Opening(index, self.get(index), path)

    def items(self) -> Iterator[tuple[int, Word]]:
        """Yield index and leaf where it is not zero."""
        return ((index, Word.from_bytes(leaf)) for index, leaf in self._levels[0].items())

    def inner_nodes(self, merge_many: MergeMany) -> list[Node]:
        """Return the inner nodes that are not roots of empty subtrees; the root, if any, is the last one."""
        return [
            (digest, self._node(level, 2 * index), self._node(level, 2 * index + 1))
            for level in range(self.depth)
            for index, digest in self._levels[level + 1].items()
        ]

    def _node(self, level: int, index: int) -> bytes:
        return self._levels[level].get(index, self._empty[level])


class SmtOpening:
    """The pairs of a leaf of an `Smt`, and the leaf with its path: a proof of the value of each key that belongs there."""

    __slots__ = ("opening", "pairs")

    def __init__(self, pairs: Iterable[tuple[Word, Word]], opening: Opening) -> None:
        self.pairs = tuple(pairs)
        self.opening = opening

    def verify(self, root: Word) -> bool:
        """Tell whether this is a proof for a tree with such a root."""
        belong = all(key[3] == self.opening.index for key, _ in self.pairs)
        return belong and self.opening.depth == MAX_DEPTH and _leaf_of(self.pairs) == self.opening.leaf and self.opening.verify(root)

    def get(self, key: Word) -> Word:
        """Return the value of a key, zeros if it has none; `InputError` if it belongs to another leaf."""
        if key[3] != self.opening.index:
            raise InputError(f"the key {key.to_hex()} is not in the leaf {self.opening.index}", kind="InvalidKey")
        return dict(self.pairs).get(key, ZERO)


class Smt:
    """A sparse Merkle tree that is a map from words to words, as `miden::core::collections::smt` has it.

    A key is in the leaf that its last element numbers, a value that is zero is none.
    """

    __slots__ = ("_leaves", "_tree")

    def __init__(self, entries: Mapping[Word, Word] | Iterable[tuple[Word, Word]] = ()) -> None:
        self._leaves: dict[int, dict[Word, Word]] = {}
        for key, value in dict(entries).items():
            if any(value):
                self._leaves.setdefault(key[3], {})[key] = value
        for index in self._leaves:
            _check_pairs(index, len(self._leaves[index]))
        self._tree = SimpleSmt(MAX_DEPTH, {index: _leaf_of(self.leaf(index)) for index in self._leaves})

    def __len__(self) -> int:
        """Return the number of keys."""
        return sum(map(len, self._leaves.values()))

    @property
    def root(self) -> Word:
        """The root."""
        return self._tree.root

    def get(self, key: Word) -> Word:
        """Return the value of a key, zeros if it has none."""
        return self._leaves.get(key[3], {}).get(key, ZERO)

    def set(self, key: Word, value: Word) -> Word:
        """Set the value of a key, zeros remove it; return the old one."""
        index, old = key[3], self.get(key)
        pairs = {other: kept for other, kept in self._leaves.get(index, {}).items() if other != key}
        if any(value):
            pairs[key] = value
            _check_pairs(index, len(pairs))
        self._leaves[index] = pairs
        if not pairs:
            del self._leaves[index]
        self._tree.set(index, _leaf_of(self.leaf(index)))
        return old

    def leaf(self, index: int) -> list[tuple[Word, Word]]:
        """Return the pairs of a leaf in their order: the last element of a key is the most significant one."""
        return sorted(self._leaves.get(index, {}).items(), key=lambda pair: pair[0][::-1])

    def open(self, key: Word) -> SmtOpening:
        """Return a proof of the value of a key, or that it has none."""
        return SmtOpening(self.leaf(key[3]), self._tree.open(key[3]))

    def items(self) -> Iterator[tuple[Word, Word]]:
        """Yield keys and values."""
        return (pair for pairs in self._leaves.values() for pair in pairs.items())

    def inner_nodes(self, merge_many: MergeMany) -> list[Node]:
        """Return the inner nodes that are not roots of empty subtrees; the root, if any, is the last one."""
        return self._tree.inner_nodes(merge_many)

    def advice_map(self) -> dict[Word, list[int]]:
        """Return leaf -> elements of its pairs: what the procedures of the library look up."""
        return {self._tree.get(index): _elements(self.leaf(index)) for index in self._leaves}


class Mmr:
    """A Merkle mountain range: a list that only grows, kept as full trees, as `miden::core::collections::mmr` has it.

    >>> mmr = Mmr([Word((n, 0, 0, 0)) for n in range(7)])
    >>> len(mmr.peaks), mmr.open(4).depth, mmr.open(4).root == mmr.peaks[1]
    (3, 1, True)
    """

    __slots__ = ("_layers",)

    def __init__(self, leaves: Iterable[Word] = ()) -> None:
        self._layers = _Layers(leaves)

    def __len__(self) -> int:
        """Return the number of leaves."""
        return len(self._layers)

    def add(self, leaf: Word) -> None:
        """Append a leaf."""
        self._layers.append(leaf)

    def get(self, position: int) -> Word:
        """Return a leaf; `InputError` if there is none."""
        return Word.from_bytes(self._layers.node(0, _checked(position, len(self))))

    @property
    def peaks(self) -> list[Word]:
        """The roots of the full trees, the largest first."""
        count = len(self)
        heights = [height for height in range(count.bit_length() - 1, -1, -1) if count >> height & 1]
        return [Word.from_bytes(self._layers.node(height, (count >> height) - 1)) for height in heights]

    def hash_peaks(self) -> Word:
        """Return the hash of the peaks, filled up with zero words to an even number, at least 16."""
        return Word.from_bytes(elements_digest(self._message()))

    def open(self, position: int) -> Opening:
        """Return a leaf with its path in its own tree, whose root is a peak."""
        leaf, height = self.get(position), (position ^ len(self)).bit_length() - 1
        return Opening(position & (1 << height) - 1, leaf, self._layers.path(position, height))

    def inner_nodes(self, merge_many: MergeMany) -> list[Node]:
        """Return the inner nodes of all trees."""
        return self._layers.inner_nodes()

    def advice_map(self) -> dict[Word, list[int]]:
        """Return what `unpack` of the library looks up: hash of the peaks -> number of leaves and what was hashed."""
        return {self.hash_peaks(): [len(self), 0, 0, 0, *self._message()]}

    def _message(self) -> list[int]:
        peaks = self.peaks
        words = max(MIN_PEAKS, len(peaks) + len(peaks) % 2)
        return [element for peak in peaks for element in peak] + [0] * (4 * (words - len(peaks)))


def _checked(index: int, count: int) -> int:
    if not 0 <= index < count:
        raise InputError(f"a leaf has an index in [0, {count}), found {index}", kind="InvalidNodeIndex")
    return index


def _check_pairs(index: int, count: int) -> None:
    if count > MAX_PAIRS:
        raise InputError(f"a leaf has at most {MAX_PAIRS} pairs, leaf {index} would have {count}", kind="TooManyLeafEntries")


def _elements(pairs: Iterable[tuple[Word, Word]]) -> list[int]:
    return [element for pair in pairs for word in pair for element in word]


def _leaf_of(pairs: Iterable[tuple[Word, Word]]) -> Word:
    elements = _elements(pairs)
    return Word.from_bytes(elements_digest(elements)) if elements else ZERO
