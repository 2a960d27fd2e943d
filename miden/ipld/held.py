"""Forests in memory, found by any of their nodes: an inner node is in no provider under its own name, only in its forest."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from miden.isa import NodeKind
from miden.store.store import memory_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.mast.forest import MastForest

NODE_WEIGHT = 250
"""Bytes of a node in the indices, beside its forest."""


class HeldForest:
    """A forest, and where its nodes are, those aside that it only names."""

    __slots__ = ("forest", "nodes", "weight")

    def __init__(self, forest: MastForest) -> None:
        self.forest = forest
        self.nodes: dict[bytes, int] = {}
        for node in range(len(forest)):
            if forest.kind(node) != NodeKind.EXTERNAL:
                self.nodes.setdefault(forest.digest_bytes(node), node)
        self.weight = memory_of(forest) + NODE_WEIGHT * len(self.nodes)


class HeldForests:
    """Forests within a budget of bytes; what was used longest ago is dropped, but never what was used last.

    Parameters
    ----------
    budget
        Bytes of memory; None for no limit.
    """

    def __init__(self, budget: int | None) -> None:
        self.budget = budget
        self.bytes = 0
        self._queue: OrderedDict[HeldForest, None] = OrderedDict()
        self._index: dict[bytes, HeldForest | dict[HeldForest, None]] = {}
        """Who has a node: mostly one forest, else all of them in a dictionary, so that each can be taken out again."""
        self._lock = Lock()

    def find(self, digest: bytes) -> HeldForest | None:
        """Return a forest that has a node with this digest, or None."""
        with self._lock:
            found = self._index.get(digest)
            if isinstance(found, dict):
                found = next(reversed(found))
            if found is not None:
                self._queue.move_to_end(found)
            return found

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._index

    def __len__(self) -> int:
        """Return the number of forests."""
        return len(self._queue)

    def hold(self, held: HeldForest) -> None:
        """Take a forest in, and drop others if there is no room."""
        with self._lock:
            if held in self._queue:
                return
            self._queue[held] = None
            self.bytes += held.weight
            for digest in held.nodes:
                others = self._index.setdefault(digest, held)
                if isinstance(others, dict):
                    others[held] = None
                elif others is not held:
                    self._index[digest] = {others: None, held: None}
            while self.budget is not None and self.bytes > self.budget and len(self._queue) > 1:
                self._drop(self._queue.popitem(last=False)[0])

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._queue.clear()
            self._index.clear()
            self.bytes = 0

    def _drop(self, held: HeldForest) -> None:
        self.bytes -= held.weight
        for digest in held.nodes:
            others = self._index[digest]
            if isinstance(others, dict):
                del others[held]
                if len(others) == 1:
                    self._index[digest] = next(iter(others))
            else:
                del self._index[digest]
