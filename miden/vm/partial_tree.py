"""`PartialTree`: some leaves of a Merkle tree with their paths, to look up, prove and change without the rest of the tree."""

from __future__ import annotations

from miden.errors import InputError
from miden.field import Word
from miden.hashing import merge_digest
from miden.vm.merkle import nodes_of
from miden.vm.trees import Opening, Openings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from miden.vm.merkle import MergeMany, Node

__all__ = ["PartialTree"]


class PartialTree:
    """A tree of which only the leaves are known that somebody opened; they may be at any depth.

    Parameters
    ----------
    root
        The root of the whole tree: what is opened must be of that one.
    openings
        What is known at first.

    Raises
    ------
    InputError
        Of kind ``ConflictingRoots`` for an opening of another tree.

    Examples
    --------
    >>> from miden.vm.trees import FullTree
    >>> whole = FullTree([Word((n, 0, 0, 0)) for n in range(8)])
    >>> part = PartialTree(whole.root, [whole.open(2), whole.open(5)])
    >>> part.set(3, 5, Word((9, 9, 9, 9))), whole.set(5, Word((9, 9, 9, 9)))
    (Word(5, 0, 0, 0), Word(5, 0, 0, 0))
    >>> part.root == whole.root, part.open(3, 2) == whole.open(2)
    (True, True)
    """

    __slots__ = ("_leaves", "_nodes")

    def __init__(self, root: Word, openings: Iterable[Opening] = ()) -> None:
        self._nodes: dict[tuple[int, int], bytes] = {(0, 0): root.to_bytes()}
        """(depth, index) -> digest, for leaves, the nodes above them, and the siblings of all of these."""
        self._leaves: dict[tuple[int, int], None] = {}
        for opening in openings:
            self.add(opening)

    @property
    def root(self) -> Word:
        """The root, as the changes have made it."""
        return Word.from_bytes(self._nodes[0, 0])

    def __len__(self) -> int:
        """Return the number of leaves that are known."""
        return len(self._leaves)

    def __contains__(self, place: tuple[int, int]) -> bool:
        return place in self._leaves

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Iterate over depth and index of the leaves that are known."""
        return iter(self._leaves)

    def add(self, opening: Opening) -> None:
        """Get to know a leaf.

        Raises `InputError` of kind ``ConflictingRoots`` if it is of another tree.
        """
        if not opening.verify(self.root):
            text = f"the opening of {opening.index} is of a tree with the root {opening.root.to_hex()}, not {self.root.to_hex()}"
            raise InputError(text, kind="ConflictingRoots")
        digest, nodes, depth, index = opening.leaf.to_bytes(), opening.nodes(), opening.depth, opening.index
        for sibling in opening.path:
            self._nodes[depth, index] = digest
            self._nodes[depth, index ^ 1] = sibling.to_bytes()
            digest, _, _ = next(nodes)
            depth, index = depth - 1, index >> 1
        self._leaves[opening.depth, opening.index] = None

    def get(self, depth: int, index: int) -> Word:
        """Return a leaf; `InputError` of kind ``UnknownLeaf`` if it is not known."""
        return Word.from_bytes(self._nodes[self._known(depth, index)])

    def open(self, depth: int, index: int) -> Opening:
        """Return a leaf with its path; raises as `get`."""
        leaf = self.get(depth, index)
        path = [Word.from_bytes(self._nodes[depth - level, index >> level ^ 1]) for level in range(depth)]
        return Opening(index, leaf, path)

    def openings(self) -> Openings:
        """Return all that is known, as a set."""
        return Openings(self.root, (self.open(*place) for place in self))

    def set(self, depth: int, index: int, leaf: Word) -> Word:
        """Replace a leaf; return the old one.

        Raises `InputError` of kind ``UnknownLeaf`` if it is not known, or if something below it is.
        """
        old = self.get(depth, index)
        if (depth + 1, 2 * index) in self._nodes:
            raise InputError(f"the node {index} at depth {depth} has known leaves below it", kind="UnknownLeaf", hint="change these")
        digest = leaf.to_bytes()
        while depth:
            self._nodes[depth, index] = digest
            sibling = self._nodes[depth, index ^ 1]
            digest = merge_digest(sibling, digest, 0) if index & 1 else merge_digest(digest, sibling, 0)
            depth, index = depth - 1, index >> 1
        self._nodes[0, 0] = digest
        return old

    def inner_nodes(self, merge_many: MergeMany) -> list[Node]:
        """Return the inner nodes that are known, the root first."""
        above = [(depth, index) for depth, index in self._nodes if (depth + 1, 2 * index) in self._nodes]
        above.sort()
        pairs = b"".join([self._nodes[depth + 1, 2 * index] + self._nodes[depth + 1, 2 * index + 1] for depth, index in above])
        return nodes_of(b"".join([self._nodes[place] for place in above]), pairs)

    def _known(self, depth: int, index: int) -> tuple[int, int]:
        if (depth, index) not in self._leaves:
            raise InputError(f"the leaf {index} at depth {depth} is not known", kind="UnknownLeaf", hint="add an opening of it")
        return depth, index

    def __repr__(self) -> str:
        return f"<PartialTree {len(self)} leaves of {self.root.to_hex()}>"
