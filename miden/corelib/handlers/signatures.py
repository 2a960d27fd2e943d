"""Precompiles of signatures: whether they are valid, and how that is checked after the run. (processor.md section 8.3.)"""

from __future__ import annotations

from miden.corelib.handlers.packed import commitment, read_packed
from miden.errors import ExecutionError
from miden.field import Word
from miden.vm.mutations import ExtendPrecompileRequests, ExtendStack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from miden.vm.mutations import Mutation
    from miden.vm.state import ProcessState

    Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]

ECDSA = 443020094570876606
ECDSA_PARTS = (33, 32, 65)
EDDSA = 14438193807695912212
EDDSA_PARTS = (32, 64, 64)
"""Bytes of key, digest and signature."""

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""The order of secp256k1."""


def check_ecdsa(state: ProcessState) -> list[Mutation]:
    """[id, key, digest, signature, ...], addresses all three: push whether the signature is valid."""
    return _check(state, ECDSA, ECDSA_PARTS, verify_ecdsa, "digest")


def check_eddsa(state: ProcessState) -> list[Mutation]:
    """[id, key, challenge, signature, ...], addresses all three: push whether the signature is valid."""
    return _check(state, EDDSA, EDDSA_PARTS, verify_eddsa, "k-digest")


def _check(state: ProcessState, event: int, sizes: Sequence[int], verify: Verify, digest: str) -> list[Mutation]:
    parts = [
        _read(state, position, size, name)
        for position, size, name in zip((1, 2, 3), sizes, ("public key", digest, "signature"), strict=True)
    ]
    result = verify(*parts)
    return [ExtendStack([int(result)]), ExtendPrecompileRequests([(event, b"".join(parts))])]


def _read(state: ProcessState, position: int, size: int, name: str) -> bytes:
    try:
        return read_packed(state, state.stack_get(position), size)
    except ExecutionError as error:
        raise ExecutionError(f"failed to read {name} from memory: {error.message}", kind="PackedBytes") from error


def verify_ecdsa_request(calldata: bytes) -> tuple[Word, Word]:
    """Return tag and commitment of a request to verify an ECDSA signature."""
    return _verify_request(calldata, ECDSA, ECDSA_PARTS, verify_ecdsa)


def verify_eddsa_request(calldata: bytes) -> tuple[Word, Word]:
    """Return tag and commitment of a request to verify an EdDSA signature."""
    return _verify_request(calldata, EDDSA, EDDSA_PARTS, verify_eddsa)


def _verify_request(calldata: bytes, event: int, sizes: Sequence[int], verify: Verify) -> tuple[Word, Word]:
    if len(calldata) != sum(sizes):
        raise ExecutionError(f"calldata is {sum(sizes)} bytes, found {len(calldata)}", kind="InvalidCalldata")
    key, digest, _ = sizes
    parts = calldata[:key], calldata[key : key + digest], calldata[key + digest :]
    return Word((event, int(verify(*parts)), 0, 0)), Word(commitment(*parts))


def verify_ecdsa(key: bytes, digest: bytes, signature: bytes) -> bool:
    """Tell whether a secp256k1 key has signed a digest of 32 bytes; the larger of the two possible s is not accepted.

    Raises `ExecutionError` of kind ``InvalidSignatureData`` for a key that is no point and a recovery id above 3, of kind
    ``MissingLibrary`` where no library has the curve.
    """
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec, utils
        from cryptography.hazmat.primitives.hashes import SHA256
    except ImportError:
        hint = "pip install 'miden[crypto]'"
        raise ExecutionError("ECDSA needs the cryptography package", kind="MissingLibrary", hint=hint) from None

    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), key)
    except ValueError as error:
        raise _undecodable("public key") from error
    if signature[64] > 3:
        raise _undecodable("signature")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not (0 < r < ORDER and 0 < s <= ORDER // 2):
        return False
    try:
        # a digest of 32 bytes whose hash function does not matter
        public.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


def verify_eddsa(key: bytes, challenge: bytes, signature: bytes) -> bool:
    """Tell whether an Ed25519 key has answered a challenge, the SHA-512 digest of nonce, key and message.

    Raises `ExecutionError` of kind ``InvalidSignatureData`` for a key that is no point.
    """
    from miden.corelib.handlers.edwards import verify

    result = verify(key, challenge, signature)
    if result is None:
        raise _undecodable("public key")
    return result


def _undecodable(name: str) -> ExecutionError:
    return ExecutionError(f"failed to deserialize {name}", kind="InvalidSignatureData")
