"""The Merkle store and the trees that fill it (processor.md sections 5.3 and 5.4).

A store is one mapping: digest of an inner node -> its two children. Trees share nodes; nothing is ever removed.
Every fresh store knows the inner nodes of the all-zero trees. Digests are 32 bytes inside this module. The hash
function is handed in, so that the pure backend really computes everything itself.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from miden.errors import InputError
from miden.field import Word
from miden.vm.advice_error import AdviceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TypeAlias

    Merge: TypeAlias = Callable[[bytes, bytes], bytes]
    MergeMany: TypeAlias = Callable[[bytes], bytes]
    """Pairs of digests, one behind the other, to as many digests: a whole level of a tree at once."""
    Node: TypeAlias = tuple[bytes, bytes, bytes]
    """(digest, left child, right child)."""

MAX_DEPTH = 64
"""Deepest node that has an index."""

DIGEST_SIZE = 32
ZERO_DIGEST = bytes(DIGEST_SIZE)
_EMPTY_NODES = 255


class EmptySubtrees:
    """Inner nodes of the trees whose leaves are all zero: E(0) is the zero word, E(k + 1) = merge(E(k), E(k)).

    Computed on the first lookup that misses; one object serves all stores of a backend.
    """

    __slots__ = ("_merge", "_nodes")

    def __init__(self, merge: Merge) -> None:
        self._merge = merge
        self._nodes: dict[bytes, bytes] = {}

    @property
    def nodes(self) -> dict[bytes, bytes]:
        """Digest -> the two children, for depths 1 to 255."""
        if not self._nodes:
            digest = ZERO_DIGEST
            nodes = {}
            for _ in range(_EMPTY_NODES):
                parent = self._merge(digest, digest)
                nodes[parent] = digest + digest
                digest = parent
            self._nodes = nodes
        return self._nodes


class MerkleStore:
    """Inner nodes of many trees, by digest.

    Errors are `AdviceError` with the reference's texts.
    """

    __slots__ = ("_empty", "_merge", "_nodes")

    def __init__(self, merge: Merge, nodes: Iterable[Node] = (), empty: EmptySubtrees | None = None) -> None:
        self._merge = merge
        self._empty = empty or EmptySubtrees(merge)
        self._nodes: dict[bytes, bytes] = {}
        self.extend(nodes)

    def __reduce__(self) -> tuple[Any, ...]:
        return _pure_store, (list(self.nodes()),)

    def __len__(self) -> int:
        """Return the number of nodes beyond those of a fresh store (which may have been added again)."""
        return len(self._nodes)

    def children(self, digest: bytes) -> bytes | None:
        """Return left and right child of an inner node, 64 bytes, or None if it is not stored."""
        return self._nodes.get(digest) or self._empty.nodes.get(digest)

    def nodes(self) -> Iterator[Node]:
        """Yield the nodes beyond those of a fresh store, in the order of their insertion."""
        fresh = self._empty.nodes if self._nodes else {}
        for digest, pair in self._nodes.items():
            if fresh.get(digest) != pair:
                yield digest, pair[:32], pair[32:]

    def get_node(self, root: bytes, depth: int, index: int) -> bytes:
        """Return the digest of the node at (depth, index) under `root`; depth 0 is the root itself."""
        return self._walk(root, depth, index, None)

    def get_path(self, root: bytes, depth: int, index: int) -> tuple[bytes, bytes]:
        """Return the digest of a node and the siblings on its way up, leaf first, 32 bytes each."""
        siblings: list[bytes] = []
        digest = self._walk(root, depth, index, siblings)
        siblings.reverse()
        return digest, b"".join(siblings)

    def has_path(self, root: bytes, depth: int, index: int) -> bool:
        """Return whether the node at (depth, index) under `root` can be reached; a bad index is an error."""
        check_index(depth, index)
        try:
            self._walk(root, depth, index, None)
        except AdviceError:
            return False
        return True

    def has_root(self, root: bytes) -> bool:
        """Return whether `root` is a stored inner node."""
        return self.children(root) is not None

    def set_node(self, root: bytes, depth: int, index: int, value: bytes) -> bytes:
        """Add the tree that has `value` at (depth, index) and return the path; the old tree stays."""
        check_index(depth, index)
        try:
            old, path = self.get_path(root, depth, index)
        except AdviceError as error:
            raise error.as_update() from error
        if old != value:
            merge, nodes = self._merge, self._nodes
            digest = value
            for at in range(0, len(path), 32):
                sibling = path[at : at + 32]
                left, right = (sibling, digest) if index & 1 else (digest, sibling)
                digest = merge(left, right)
                nodes[digest] = left + right
                index >>= 1
        return path

    def proves(self, root: bytes, depth: int, index: int, value: bytes) -> bool:
        """Return whether this store has hashed the path from `value` up to `root` and found it right.

        This one keeps no account of it: the machine hashes the path that it is given.
        """
        return False

    def replace(self, root: bytes, depth: int, index: int, old: bytes, value: bytes) -> tuple[bytes, bytes | None]:
        """Do as `set_node`; return the path, and the new root if the store has proved that `old` leads to `root`, else None."""
        return self.set_node(root, depth, index, value), None

    def merge_roots(self, left: bytes, right: bytes) -> bytes:
        """Add the node over two roots, known or not, and return its digest."""
        digest = self._merge(left, right)
        self._nodes[digest] = left + right
        return digest

    def extend(self, nodes: Iterable[Node]) -> None:
        """Add nodes as they are: nothing is checked, equal digests are replaced."""
        for digest, left, right in nodes:
            self._nodes[digest] = left + right

    def copy(self) -> MerkleStore:
        """Return an independent store with the same nodes."""
        store = MerkleStore(self._merge, (), self._empty)
        store._nodes = dict(self._nodes)
        return store

    def _walk(self, root: bytes, depth: int, index: int, siblings: list[bytes] | None) -> bytes:
        check_index(depth, index)
        pair = self.children(root)
        if pair is None:
            raise lookup_failed(f"root {show_word(root)} is not in the store", reason="RootNotInStore", root=root)
        digest = root
        for bit in range(depth - 1, -1, -1):
            pair = self.children(digest)
            if pair is None:
                text = f"node {show_word(digest)} with index `depth={depth}, value={index}` not found in the store"
                raise lookup_failed(text, reason="NodeIndexNotFoundInStore", root=root)
            if index >> bit & 1:
                digest, sibling = pair[32:], pair[:32]
            else:
                digest, sibling = pair[:32], pair[32:]
            if siblings is not None:
                siblings.append(sibling)
        return digest

    def __repr__(self) -> str:
        return f"<MerkleStore {len(self._nodes)} nodes>"


def check_index(depth: int, index: int) -> None:
    """Raise `AdviceError` unless (depth, index) names a node: depth at most 64, index below 2**depth."""
    if depth > MAX_DEPTH or index >> depth:
        text = f"provided node index {index} is out of bounds for a merkle tree node at depth {depth}"
        raise AdviceError(text, reason="InvalidMerkleTreeNodeIndex", facts={"depth": depth, "index": index})


def lookup_failed(text: str, *, reason: str, root: bytes) -> AdviceError:
    """Return the error of a lookup, with the store's own text as its source."""
    facts = {"source": reason, "root": "0x" + root.hex()}
    return AdviceError(f"failed to lookup value in Merkle store: {text}", reason="MerkleStoreLookupFailed", facts=facts)


def show_word(digest: bytes) -> str:
    """Write a digest as the reference's debug output does: elements in decimal."""
    return f"Word([{', '.join(map(str, Word.from_bytes(digest)))}])"


def nodes_of(digests: bytes, pairs: bytes) -> list[Node]:
    """Return a node for every pair, with its digest; digests beyond the last pair are not looked at."""
    return [(digests[at // 2 : at // 2 + 32], pairs[at : at + 32], pairs[at + 32 : at + 64]) for at in range(0, len(pairs), 64)]


def _pure_store(nodes: list[Node]) -> MerkleStore:
    from miden.vm.backends import get_backend

    return get_backend("pure").merkle_store(nodes)


def check_full(count: int) -> None:
    """Raise `InputError` unless a full tree can have so many leaves: a power of two, at least two."""
    if count < 2:
        raise InputError(f"a Merkle tree has at least 2 leaves, found {count}", kind="DepthTooSmall")
    if count & (count - 1):
        raise InputError(f"the number of leaves of a Merkle tree must be a power of two, found {count}", kind="NumLeavesNotPowerOfTwo")


class MerkleTree:
    """A full tree: leaves in order, a power of two of them, at least two.

    >>> MerkleTree([Word((n, 0, 0, 0)) for n in range(4)]).depth
    2
    """

    __slots__ = ("leaves",)

    def __init__(self, leaves: Iterable[Word]) -> None:
        self.leaves = tuple(leaves)
        check_full(len(self.leaves))

    @property
    def depth(self) -> int:
        return len(self.leaves).bit_length() - 1

    def inner_nodes(self, merge_many: MergeMany) -> list[Node]:
        """Return the inner nodes; the root is the last one."""
        nodes: list[Node] = []
        layer = b"".join([leaf.to_bytes() for leaf in self.leaves])
        while len(layer) > DIGEST_SIZE:
            parents = merge_many(layer)
            nodes += nodes_of(parents, layer)
            layer = parents
        return nodes

    def root(self, merge_many: MergeMany) -> bytes:
        """Return the digest of the root."""
        return self.inner_nodes(merge_many)[-1][0]


class SparseMerkleTree:
    """A tree of depth 64 whose leaves are zero where nothing was set: (index, leaf) pairs."""

    __slots__ = ("entries",)

    depth = MAX_DEPTH

    def __init__(self, entries: Iterable[tuple[int, Word]]) -> None:
        self.entries: dict[int, Word] = {}
        for index, leaf in entries:
            if not 0 <= index < 2**64:
                raise InputError(f"a leaf index of a sparse Merkle tree is in [0, 2**64), found {index}", kind="InvalidNodeIndex")
            if index in self.entries:
                raise InputError(f"multiple values provided for Merkle tree index {index}", kind="DuplicateValuesForIndex")
            self.entries[index] = leaf

    def inner_nodes(self, merge_many: MergeMany) -> list[Node]:
        """Return the inner nodes that are not roots of empty subtrees; the root, if any, is the last one."""
        return self._levels(merge_many)[0]

    def _levels(self, merge_many: MergeMany) -> tuple[list[Node], bytes]:
        """Return the inner nodes and the root of an empty tree."""
        nodes: list[Node] = []
        layer = {index: leaf.to_bytes() for index, leaf in self.entries.items() if any(leaf)}
        empty = ZERO_DIGEST
        for _ in range(MAX_DEPTH):
            places = list(dict.fromkeys([index >> 1 for index in layer]))
            pairs = b"".join([layer.get(2 * place, empty) + layer.get(2 * place + 1, empty) for place in places])
            digests = merge_many(pairs + empty + empty)
            found = nodes_of(digests, pairs)
            nodes += found
            layer = {place: node[0] for place, node in zip(places, found, strict=True)}
            empty = digests[-DIGEST_SIZE:]
        return nodes, empty

    def root(self, merge_many: MergeMany) -> bytes:
        """Return the digest of the root."""
        nodes, empty = self._levels(merge_many)
        return nodes[-1][0] if nodes else empty


class PartialMerkleTree:
    """Some nodes of a tree, enough to compute its root: ((depth, index), digest) entries.

    As in the reference a later entry for the same node replaces an earlier one, and a node that is given keeps its
    value even if nodes below it are given as well.
    """

    __slots__ = ("entries",)

    def __init__(self, entries: Iterable[tuple[tuple[int, int], Word]]) -> None:
        self.entries: dict[tuple[int, int], Word] = {}
        for (depth, index), digest in entries:
            if not 0 <= depth <= MAX_DEPTH:
                raise InputError(f"the depth of a Merkle tree node is at most {MAX_DEPTH}, found {depth}", kind="DepthTooBig")
            if index < 0 or index >> depth:
                raise InputError(f"node index {index} is not valid for depth {depth}", kind="InvalidNodeIndex")
            self.entries[depth, index] = digest
        if not self.entries:
            raise InputError("a partial Merkle tree has at least one node", kind="DepthTooSmall")
        self._plan()

    @property
    def depth(self) -> int:
        return max(depth for depth, _ in self.entries)

    def _plan(self) -> list[tuple[int, int]]:
        """Return the nodes to compute, deepest first; `InputError` if a sibling is missing."""
        layers: dict[int, list[int]] = {}
        for depth, index in self.entries:
            layers.setdefault(depth, []).append(index)
        plan: list[tuple[int, int]] = []
        for depth in range(self.depth, 0, -1):
            layer = layers.get(depth, [])
            known = set(layer)
            parents = layers.setdefault(depth - 1, [])
            seen = set(parents)
            for index in layer:
                if index >> 1 in seen:
                    continue
                if index ^ 1 not in known:
                    text = f"node `depth={depth}, value={index ^ 1}` of the Merkle tree is missing"
                    raise InputError(text, kind="NodeIndexNotFoundInTree")
                seen.add(index >> 1)
                parents.append(index >> 1)
                plan.append((depth - 1, index >> 1))
        return plan

    def inner_nodes(self, merge_many: MergeMany) -> list[Node]:
        """Return the computed nodes; the root, unless it was given, is the last one."""
        digests = {place: digest.to_bytes() for place, digest in self.entries.items()}
        nodes: list[Node] = []
        for depth, group in groupby(self._plan(), key=itemgetter(0)):
            places = list(group)
            pairs = b"".join([digests[depth + 1, 2 * index] + digests[depth + 1, 2 * index + 1] for _, index in places])
            found = nodes_of(merge_many(pairs), pairs)
            nodes += found
            digests.update((place, node[0]) for place, node in zip(places, found, strict=True))
        return nodes

    def root(self, merge_many: MergeMany) -> bytes:
        """Return the digest of the root."""
        given = self.entries.get((0, 0))
        return given.to_bytes() if given is not None else self.inner_nodes(merge_many)[-1][0]


class MerkleNodes:
    """Nodes as they are, unchecked: (digest, left child, right child)."""

    __slots__ = ("entries",)

    def __init__(self, entries: Iterable[tuple[Word, Word, Word]]) -> None:
        self.entries = tuple((digest.to_bytes(), left.to_bytes(), right.to_bytes()) for digest, left, right in entries)

    def inner_nodes(self, merge_many: MergeMany) -> tuple[Node, ...]:
        """Return the nodes."""
        return self.entries
