"""THE table of MAST versions: which hash a version uses, and in which domain it merges each kind of node.

A root means something only with the version it was made by: the identity of an object is the pair (MAST version,
root). What rebuilds digests takes them from here, so that another version is another row. (mast.md sections 2 and 5.)
"""

from __future__ import annotations

from miden.errors import FormatError
from miden.hashing import elements_digest, merge_digest
from miden.isa import NODE_DOMAINS, NodeKind
from miden.mast.batches import batch_operations, pair_operations
from miden.mast.digests import ZERO_DIGEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

try:
    from miden._core.forest import compute_digests as _compute_digests
except ImportError:
    _compute_digests = None  # type: ignore[assignment]


class MastVersion:
    """One way to hash nodes.

    Attributes
    ----------
    number
        What files carry.
    reference
        Release of the reference that hashes like this.
    hash_name
        Name of the hash function.
    domains
        Kind of a control-flow node -> domain its children's digests are merged in.
    merge
        Hash two digests of 32 bytes in a domain.
    hash_elements
        Hash felts, the groups of a basic block, into 32 bytes.
    whole
        Fast way to compute the digests of whole columns, with equal results, or None.
    """

    __slots__ = ("domains", "hash_elements", "hash_name", "merge", "number", "reference", "whole")

    def __init__(
        self,
        number: int,
        reference: str,
        hash_name: str,
        domains: Mapping[NodeKind, int],
        merge: Callable[[bytes, bytes, int], bytes],
        hash_elements: Callable[[Sequence[int]], bytes],
        whole: Callable[[bytes, bytes, bytes], bytes] | None = None,
    ) -> None:
        self.number = number
        self.reference = reference
        self.hash_name = hash_name
        self.domains = domains
        self.merge = merge
        self.hash_elements = hash_elements
        self.whole = whole

    def node_digest(self, kind: NodeKind, left: bytes = ZERO_DIGEST, right: bytes = ZERO_DIGEST) -> bytes:
        """Return the digest of a control-flow node from its children's, all of 32 bytes."""
        return self.merge(left, right, self.domains[kind])

    def block_digest(self, opcodes: bytes, immediates: Sequence[int]) -> bytes:
        """Return the digest of a basic block from its raw operations, as 32 bytes."""
        batches = batch_operations(pair_operations(opcodes, immediates))
        return self.hash_elements([group for batch in batches for group in batch.groups])

    def digests(self, nodes: bytes, operations: bytes, immediates: bytes) -> bytes:
        """Return the digests of all nodes of checked columns, 32 bytes each; those in the records are not looked at.

        Only external nodes keep theirs. Raises `FormatError` of kind ``CyclicForest``.
        """
        from miden.mast.checks import topological_order
        from miden.mast.forest import MastForest

        forest = MastForest(nodes, operations, immediates, b"")
        order = topological_order(forest)
        if self.whole is not None:
            return self.whole(nodes, operations, immediates)
        found = [b""] * len(forest)
        for node_id in order:
            kind = forest.kind(node_id)
            if kind == NodeKind.EXTERNAL:
                found[node_id] = forest.digest_bytes(node_id)
            elif kind == NodeKind.BLOCK:
                found[node_id] = self.block_digest(*forest.block_code(node_id))
            else:
                found[node_id] = self.node_digest(kind, *(found[child] for child in forest.children(node_id)))
        return b"".join(found)

    def __repr__(self) -> str:
        return f"<MastVersion {self.number} {self.hash_name}, as {self.reference}>"


RPO_0_20_6 = MastVersion(0, "0.20.6", "rpo256", NODE_DOMAINS, merge_digest, elements_digest, _compute_digests)

MAST_VERSIONS: Mapping[int, MastVersion] = {version.number: version for version in (RPO_0_20_6,)}
"""Number -> version."""

CURRENT = RPO_0_20_6
"""What the assembler and the machines of this release use."""


def mast_version(number: int, *, offset: int | None = None) -> MastVersion:
    """Return a row of the table; `FormatError` of kind ``UnsupportedMastVersion`` if there is none.

    >>> mast_version(0)
    <MastVersion 0 rpo256, as 0.20.6>
    """
    found = MAST_VERSIONS.get(number)
    if found is None:
        known = ", ".join(map(str, MAST_VERSIONS))
        raise FormatError(f"MAST version {number} is unknown, there is {known}", offset=offset, kind="UnsupportedMastVersion")
    return found
