"""Commitments: one word that stands for many nodes, or for every byte of a forest. (mast.md section 6.4.)

A procedure digest covers neither decorators nor what is behind external nodes nor which procedures there are
beside it. `roots_commitment` covers the set of procedures, `content_commitment` everything.
"""

from __future__ import annotations

from miden.field import Word
from miden.hashing import hash_bytes, packed_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.mast.forest import MastForest


def nodes_commitment(forest: MastForest, node_ids: Iterable[int]) -> Word:
    """Hash the digests of nodes, repeated ones too, in the order of their elements from the last to the first.

    No nodes give the zero word. A library's digest is this, over its exported procedures.
    """
    digests = sorted((forest.digest_bytes(node_id) for node_id in node_ids), key=lambda digest: digest[::-1])
    return Word.from_bytes(packed_digest(b"".join(digests)))


def roots_commitment(forest: MastForest) -> Word:
    """Hash the digests of the procedure roots: equal for forests with the same procedures in any order."""
    return nodes_commitment(forest, forest.roots)


def content_commitment(forest: MastForest) -> Word:
    """Hash the bytes of the whole file, decorators included: equal only for forests that are equal."""
    return hash_bytes(forest.to_bytes())
