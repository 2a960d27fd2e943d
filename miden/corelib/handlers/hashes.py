"""Precompiles of hash functions: digests that a program is told, and how they are checked. (processor.md section 8.3.)"""

from __future__ import annotations

from miden.corelib.handlers.packed import commitment, pack, read_packed
from miden.errors import ExecutionError
from miden.field import Word
from miden.vm.mutations import ExtendPrecompileRequests, ExtendStack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.vm.mutations import Mutation
    from miden.vm.state import ProcessState

KECCAK256 = 15409227627783267185
SHA512 = 18006925272611184819


def hash_keccak256(state: ProcessState) -> list[Mutation]:
    """[id, start, length, ...]: push the digest of bytes in memory, its last element popped first."""
    data = read_packed(state, state.stack_get(1), state.stack_get(2))
    return [ExtendStack.popped_first(pack(keccak256(data))[::-1]), ExtendPrecompileRequests([(KECCAK256, data)])]


def hash_sha512(state: ProcessState) -> list[Mutation]:
    """[id, start, length, ...]: push the digest of bytes in memory, its first element popped first."""
    data = read_packed(state, state.stack_get(1), state.stack_get(2))
    return [ExtendStack.popped_first(pack(sha512(data))), ExtendPrecompileRequests([(SHA512, data)])]


def verify_keccak256(calldata: bytes) -> tuple[Word, Word]:
    """Return tag and commitment of a request to hash bytes with Keccak-256."""
    return Word((KECCAK256, len(calldata), 0, 0)), Word(commitment(calldata, keccak256(calldata)))


def verify_sha512(calldata: bytes) -> tuple[Word, Word]:
    """Return tag and commitment of a request to hash bytes with SHA-512."""
    return Word((SHA512, len(calldata), 0, 0)), Word(commitment(calldata, sha512(calldata)))


def keccak256(data: bytes) -> bytes:
    """Return a digest with the padding of the original Keccak, not that of SHA-3.

    Raises `ExecutionError` of kind ``MissingLibrary`` where no library has it.

    >>> keccak256(b"").hex()[:16]
    'c5d2460186f7233c'
    """
    try:
        from Crypto.Hash import keccak
    except ImportError:
        hint = "pip install 'miden[crypto]'"
        raise ExecutionError("Keccak-256 needs the pycryptodome package", kind="MissingLibrary", hint=hint) from None
    return keccak.new(digest_bits=256, data=data).digest()


def sha512(data: bytes) -> bytes:
    """Return a digest.

    >>> sha512(b"").hex()[:16]
    'cf83e1357eefb8bd'
    """
    from hashlib import sha512 as hashed

    return hashed(data).digest()
