"""Commitments to the data of a sector: a binary tree of SHA-256, cut to 254 bits, over pieces that stand at multiples of their size."""

from __future__ import annotations

from hashlib import sha256

from miden.actors.codes import ErrorNumber, SyscallError
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from miden.ipld.dagcbor import Value

UNSEALED = 0xF101
SHA2_256_TRUNC254_PADDED = 0x1012
NODE = 32
MIN_PIECE = 128

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30
SECTOR_SIZES = (2 * _KIB, 8 * _MIB, 512 * _MIB, 32 * _GIB, 64 * _GIB)
"""By the number of a seal proof, which begins anew with each generation of proofs."""
PROOF_TYPES = 15


def _refuse(message: str) -> NoReturn:
    raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, message)


def _join(left: bytes, right: bytes) -> bytes:
    digest = sha256(left + right).digest()
    return digest[:-1] + bytes((digest[-1] & 0x3F,))


def zero_commitment(size: int) -> bytes:
    """Return the commitment to `size` bytes of zeros.

    >>> zero_commitment(64).hex()[:16]
    'f5a5fd42d16a2030'
    """
    node, width = bytes(NODE), NODE
    while width < size:
        node, width = _join(node, node), width * 2
    return node


def unsealed_commitment(proof_type: int, pieces: Value) -> Cid:
    """Return the commitment to a sector of pieces, a list of ``[padded size, commitment]``, with zeros where no piece is.

    Raises `SyscallError` (ILLEGAL_ARGUMENT) for pieces that are none, and for more than the sector holds.
    """
    if not 0 <= proof_type < PROOF_TYPES:
        _refuse(f"no seal proof has number {proof_type}")
    sector = SECTOR_SIZES[proof_type % len(SECTOR_SIZES)]
    stack: list[tuple[int, bytes]] = []
    total = 0

    def push(size: int, node: bytes) -> None:
        while stack and stack[-1][0] == size:
            node, size = _join(stack.pop()[1], node), size * 2
        stack.append((size, node))

    for size, node in map(_piece, pieces if type(pieces) is list else _refuse("expected a list of pieces")):
        while total % size:
            gap = total & -total
            push(gap, zero_commitment(gap))
            total += gap
        push(size, node)
        total += size
        if total > sector:
            _refuse(f"pieces of {total} bytes or more in a sector of {sector}")
    while total < sector:
        gap = total & -total if total else sector
        push(gap, zero_commitment(gap))
        total += gap
    return Cid(1, UNSEALED, SHA2_256_TRUNC254_PADDED, stack[0][1])


def _piece(value: Value) -> tuple[int, bytes]:
    if type(value) is not list or len(value) != 2 or type(value[0]) is not int or not isinstance(value[1], Cid):
        _refuse("expected a size and a commitment of a piece")
    size, cid = value
    if size < MIN_PIECE or size & (size - 1):
        _refuse(f"a piece has a size of a power of two, 128 at least, not {size}")
    if cid.codec != UNSEALED or cid.hash_code != SHA2_256_TRUNC254_PADDED or len(cid.digest) != NODE:
        _refuse(f"{cid} is no commitment of a piece")
    return size, cid.digest
