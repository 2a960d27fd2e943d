"""The Merkle store of the core: the interface of `miden.vm.merkle.MerkleStore` over a table in C.

The table remembers which nodes have been hashed, because it made them or has checked them. A path over such nodes is
known to be right, so the machine is told the outcome and hashes nothing again.
"""

from __future__ import annotations

from miden._core.merkle import fresh_table
from miden.vm.merkle import MerkleStore, check_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from miden._core.merkle import NodeTable
    from miden.vm.merkle import Node


class CoreMerkleStore(MerkleStore):
    """Inner nodes of many trees, by digest; `MerkleStore` says what the methods do."""

    __slots__ = ("_table",)

    _table: NodeTable

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._table = fresh_table()
        self.extend(nodes)

    def __reduce__(self) -> tuple[Any, ...]:
        return CoreMerkleStore, (list(self.nodes()),)

    def __len__(self) -> int:
        return len(self._table)

    def children(self, digest: bytes) -> bytes | None:
        return self._table.children(digest)

    def nodes(self) -> Iterator[Node]:
        return iter(self._table.nodes())

    def get_path(self, root: bytes, depth: int, index: int) -> tuple[bytes, bytes]:
        check_index(depth, index)
        return self._table.path(root, depth, index) or super().get_path(root, depth, index)

    def set_node(self, root: bytes, depth: int, index: int, value: bytes) -> bytes:
        return self.replace(root, depth, index, value, value)[0]

    def proves(self, root: bytes, depth: int, index: int, value: bytes) -> bool:
        check_index(depth, index)
        return self._table.proves(root, depth, index, value)

    def replace(self, root: bytes, depth: int, index: int, old: bytes, value: bytes) -> tuple[bytes, bytes | None]:
        check_index(depth, index)
        # a path that is not there fails with the error of the definition
        return self._table.replace(root, depth, index, old, value) or (super().set_node(root, depth, index, value), None)

    def merge_roots(self, left: bytes, right: bytes) -> bytes:
        return self._table.merge(left, right)

    def extend(self, nodes: Iterable[Node]) -> None:
        put = self._table.put
        for digest, left, right in nodes:
            put(digest, left, right)

    def copy(self) -> CoreMerkleStore:
        store = CoreMerkleStore()
        store._table = self._table.copy()
        return store

    def _walk(self, root: bytes, depth: int, index: int, siblings: list[bytes] | None) -> bytes:
        check_index(depth, index)
        found = self._table.find(root, depth, index) if siblings is None else None
        return super()._walk(root, depth, index, siblings) if found is None else found

    def __repr__(self) -> str:
        return f"<MerkleStore {len(self)} nodes>"
