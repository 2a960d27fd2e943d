"""Small code objects for tests of stores: all different, made without an assembler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miden.isa import NodeKind
from miden.mast.builder import ForestBuilder
from miden.store.keys import ObjectKey
from miden.store.objects import envelopes_of
from miden.store.provider import StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.field import Word
    from miden.mast.forest import MastForest

PUSH = 91


def block_forest(*numbers: int, length: int = 1) -> MastForest:
    """Return a forest with a procedure for each number: a block that pushes it `length` times."""
    builder = ForestBuilder()
    for number in numbers:
        builder.add_root(builder.add_block(bytes([PUSH]) * length, [number] * length))
    return builder.build()


def calling_forest(number: int, callees: Iterable[Word]) -> MastForest:
    """Return a forest with one procedure that pushes a number and then goes through procedures of other forests."""
    builder = ForestBuilder()
    root = builder.add_block(bytes([PUSH]), [number])
    for callee in callees:
        root = builder.add_join(root, builder.add_node(NodeKind.EXTERNAL, digest=callee.to_bytes()))
    builder.add_root(root)
    return builder.build()


def root_of(forest: MastForest) -> Word:
    """Return the first root of a forest."""
    return next(forest.procedure_digests)


def key_of(forest: MastForest) -> ObjectKey:
    """Return the key of the first root of a forest."""
    return ObjectKey.code(root_of(forest))


def stored(forest: MastForest) -> StoredObject:
    """Return a forest as one whole object."""
    [envelope] = envelopes_of(forest)
    return StoredObject(envelope.keys, envelope.to_bytes())


def enveloped(forest: MastForest, **changes: Any) -> bytes:
    """Return the bytes of an object that lies in some of its fields."""
    [envelope] = envelopes_of(forest)
    return envelope._replace(**changes).to_bytes()
