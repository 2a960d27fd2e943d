"""Digests and padding of blocks, fast: by the core when it is built, else by `miden.mast.batches`, with equal results.

And numbers as bytes, as columns of a forest hold them.
"""

from __future__ import annotations

import sys
from struct import pack

from miden.hashing import elements_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Sequence

    block_digest_bytes: Callable[[bytes, Sequence[int]], bytes]
    pad_operations: Callable[[bytes], tuple[bytes, list[int]]]
    find_wrong_digest: Callable[[bytes, bytes, bytes], tuple[int, bytes] | None] | None


def packed(code: str, values: tuple[int, ...] | list[int] | array[int]) -> bytes:
    """Return numbers as little-endian bytes: four each with the code I, eight with Q."""
    if isinstance(values, (list, tuple)):
        return pack(f"<{len(values)}{code}", *values)
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def readable_block_digest(opcodes: bytes, immediates: Sequence[int]) -> bytes:
    """Return the digest of a block, as 32 bytes: hash the eight groups of every batch. (mast.md section 4.3.)"""
    from miden.mast.batches import iterate_batches, pair_operations

    return elements_digest([group for batch in iterate_batches(pair_operations(opcodes, immediates)) for group in batch.groups])


def readable_pad_operations(opcodes: bytes) -> tuple[bytes, list[int]]:
    """Return the padded opcodes of a block and the padded indices of the inserted NOOPs.

    >>> readable_pad_operations(bytes([91, 91]))
    (b'[[\\x00\\x00', [2, 3])
    """
    from miden.mast.batches import batch_operations, padding_positions

    batches = batch_operations((opcode, 0) for opcode in opcodes)
    return bytes([opcode for batch in batches for opcode, _ in batch.operations]), padding_positions(batches)


try:
    from miden._core import forest as _core
except ImportError:
    block_digest_bytes = readable_block_digest
    pad_operations = readable_pad_operations
    find_wrong_digest = None
else:
    block_digest_bytes = _core.block_digest
    find_wrong_digest = _core.find_wrong_digest

    def pad_operations(opcodes: bytes) -> tuple[bytes, list[int]]:
        """Return the padded opcodes of a block and the padded indices of the inserted NOOPs."""
        padded, inserted = _core.padded_operations(opcodes)
        return padded, [index for index, flag in enumerate(inserted) if flag] if 1 in inserted else []
