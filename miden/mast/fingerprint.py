"""Fingerprints: which nodes the reference takes for the same one, decorators included. (mast.md section 6.5.)

The reference hashes the decorators of a node and of its descendants to a *decorator root* and calls two nodes the
same if digest and decorator root are equal. `Fingerprints` gives every distinct decorator root a number instead of
hashing it, which is exact and cheaper; the number means something only in the `Fingerprints` that gave it.

Three habits of the reference are kept, because they decide node ids:

- decorators before and after a node are joined without a mark, so that one before equals one after;
- error codes count, by opcode and *padded* index;
- indices of operation decorators lose the number of inserted NOOPs before *them taken as padded indices*, although
  they are raw ones, so that some different places are the same.
"""

from __future__ import annotations

from miden.isa import ERROR_CODE_OPS, IMMEDIATE_OPS
from miden.mast.batches import raw_index
from miden.mast.packing import block_digest_bytes, pad_operations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    from miden.mast.decorators import Decorator

    Fingerprint: TypeAlias = tuple[bytes, int | None]
    """Digest of the node, and the number of its decorator root if it has one. Hashable and comparable."""

_ERROR_CODE_OPS = bytes(ERROR_CODE_OPS)


class Fingerprints:
    """Fingerprints of the nodes of one forest under construction.

    `decorators` is the list of decorators of that forest; entries may be added and replaced while it grows, and a
    fingerprint covers what they are when it is taken.

    >>> from miden.mast.decorators import TraceOp
    >>> prints = Fingerprints([TraceOp(1)])
    >>> plain = prints.of_block(bytes([34]), ())
    >>> before = prints.of_block(bytes([34]), (), before_enter=[0])
    >>> after = prints.of_block(bytes([34]), (), after_exit=[0])
    >>> plain == before, before == after
    (False, True)
    """

    __slots__ = ("_decorators", "_roots")

    def __init__(self, decorators: Sequence[Decorator]) -> None:
        self._decorators = decorators
        self._roots: dict[tuple[object, ...], int] = {}

    def of_block(
        self,
        opcodes: bytes,
        immediates: Sequence[int],
        op_decorators: Iterable[tuple[int, int]] = (),
        before_enter: Iterable[int] = (),
        after_exit: Iterable[int] = (),
    ) -> Fingerprint:
        """Return the fingerprint of a block, whose digest it computes: it is the first half of the result.

        `op_decorators` are pairs (raw operation index, decorator id).
        """
        links = tuple(op_decorators)
        decorators = self._decorators
        has_codes = opcodes.translate(None, _ERROR_CODE_OPS) != opcodes
        padded, positions = pad_operations(opcodes) if links or has_codes else (opcodes, [])
        parts: list[object] = [decorators[decorator_id].fingerprint for decorator_id in before_enter]
        parts += [(raw_index(index, positions), decorators[decorator_id].fingerprint) for index, decorator_id in links]
        parts += [decorators[decorator_id].fingerprint for decorator_id in after_exit]
        if has_codes:
            values = iter(immediates)
            for index, opcode in enumerate(padded):
                if opcode in IMMEDIATE_OPS:
                    value = next(values)
                    if opcode in ERROR_CODE_OPS:
                        parts.append((opcode, index, value))
        return block_digest_bytes(opcodes, immediates), self._number(parts)

    def of_node(
        self,
        digest: bytes,
        children: Iterable[Fingerprint] = (),
        before_enter: Iterable[int] = (),
        after_exit: Iterable[int] = (),
    ) -> Fingerprint:
        """Return the fingerprint of a node that is no block, from its digest and its children's fingerprints."""
        decorators = self._decorators
        parts: list[object] = [decorators[decorator_id].fingerprint for decorator_id in before_enter]
        parts += [decorators[decorator_id].fingerprint for decorator_id in after_exit]
        parts += [root for _, root in children if root is not None]
        return digest, self._number(parts)

    def _number(self, parts: list[object]) -> int | None:
        if not parts:
            return None
        return self._roots.setdefault(tuple(parts), len(self._roots))
