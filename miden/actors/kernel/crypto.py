"""Hashes, signatures and proofs. Hashing is done here; signatures and proofs are priced here and judged by the externs."""

from __future__ import annotations

from miden.actors.codes import ErrorNumber, SyscallError
from miden.actors.kernel.base import KernelBase, fail, fit, syscall
from miden.actors.kernel.digests import HASHES
from miden.errors import FormatError
from miden.ipld import dagcbor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.actors.address import Address
    from miden.ipld.cid import Cid
    from miden.ipld.dagcbor import Value


class CryptoCalls(KernelBase):
    """Calls of module ``crypto``."""

    __slots__ = ()

    @syscall("crypto")
    def hash(self, code: int, data: bytes) -> bytes:
        """Return the digest of bytes; raises ILLEGAL_ARGUMENT for another function than sha2-256, blake2b (256 and 512), keccak-256,
        ripemd-160."""
        function = HASHES.get(code)
        if function is None:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"no hash function has code {code:#x}")
        self.gas.charge(*self.prices.on_hashing(code, len(data)))
        return function(data)

    @syscall("crypto")
    def verify_signature(self, signature_type: int, signature: bytes, signer: Address, text: bytes) -> bool:
        """Tell whether a key address signed bytes; raises ILLEGAL_ARGUMENT for an unknown type or another kind of address."""
        if signature_type not in self.prices.signatures:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"no kind of signature has number {signature_type}")
        self.gas.charge(*self.prices.on_verify_signature(signature_type, len(text)))
        if not signer.is_key:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"{signer} stands for no key")
        return self.machine.externs.verify_signature(signature_type, signature, signer, text)

    @syscall("crypto")
    def verify_bls_aggregate(self, signature: bytes, keys: Sequence[bytes], texts: bytes, sizes: Sequence[int]) -> bool:
        """Tell whether one signature stands for all keys, each over its part of `texts`; raises ILLEGAL_ARGUMENT."""
        if len(keys) != len(sizes):
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"{len(keys)} keys for {len(sizes)} texts")
        self.gas.charge(*self.prices.on_verify_aggregate_signature(len(keys), len(texts)))
        if sum(sizes) != len(texts):
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"the texts have {len(texts)} bytes, not {sum(sizes)}")
        parts, start = [], 0
        for size in sizes:
            parts.append(texts[start : start + size])
            start += size
        return self.machine.externs.verify_bls_aggregate(signature, keys, parts)

    @syscall("crypto")
    def recover_secp_public_key(self, digest: bytes, signature: bytes) -> bytes:
        """Return the 65 bytes of the key that signed a digest; raises ILLEGAL_ARGUMENT."""
        self.gas.charge(*self.prices.on_recover_secp_public_key())
        return self.machine.externs.recover_secp_public_key(digest, signature)

    # before network version 21

    @syscall("crypto")
    def compute_unsealed_sector_cid(self, proof_type: int, pieces: bytes, room: int | None = None) -> Cid:
        """Return the commitment to a sector made of pieces, a list as CBOR; raises ILLEGAL_ARGUMENT, BUFFER_TOO_SMALL."""
        value = _decode(pieces)
        self.gas.charge(*self.prices.on_compute_unsealed_sector_cid())
        cid = self.machine.externs.compute_unsealed_sector_cid(proof_type, value)
        fit(cid.to_bytes(), room)
        return cid

    @syscall("crypto")
    def verify_consensus_fault(self, first: bytes, second: bytes, extra: bytes) -> tuple[int, int, int]:
        """Return kind, epoch and culprit of the fault that block headers show; zeros for none."""
        self.gas.charge(*self.prices.on_verify_consensus_fault())
        return self.machine.externs.verify_consensus_fault(first, second, extra) or (0, 0, 0)

    @syscall("crypto")
    def verify_post(self, info: bytes) -> bool:
        """Judge a proof of spacetime, as CBOR; raises ILLEGAL_ARGUMENT."""
        value = _decode(info, 4)
        self.gas.charge(*self.prices.on_verify_post(len(_list(value[2]))))
        return self.machine.externs.verify_proof("post", value)

    @syscall("crypto")
    def verify_aggregate_seals(self, info: bytes) -> bool:
        """Judge an aggregate of seals, as CBOR; raises ILLEGAL_ARGUMENT."""
        value = _decode(info, 5)
        self.gas.charge(*self.prices.on_verify_aggregate_seals(_number(value[1]), len(_list(value[4]))))
        return self.machine.externs.verify_proof("aggregate_seals", value)

    @syscall("crypto")
    def verify_replica_update(self, info: bytes) -> bool:
        """Judge the update of a replica, as CBOR; raises ILLEGAL_ARGUMENT."""
        value = _decode(info)
        self.gas.charge(*self.prices.on_verify_replica_update())
        return self.machine.externs.verify_proof("replica_update", value)

    @syscall("crypto")
    def batch_verify_seals(self, batch: bytes) -> list[bool]:
        """Judge seals, a list as CBOR; raises ILLEGAL_ARGUMENT."""
        value = _decode(batch)
        for _ in value:
            self.gas.charge(*self.prices.on_verify_seal())
        return self.machine.externs.verify_seals(value)


def _decode(data: bytes, parts: int | None = None) -> list[Value]:
    """Return a list from CBOR; of so many parts, if told."""
    try:
        value = dagcbor.decode(data)
    except FormatError as problem:
        raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, problem.message) from problem
    if type(value) is not list or (parts is not None and len(value) != parts):
        fail(ErrorNumber.ILLEGAL_ARGUMENT, f"expected a list{'' if parts is None else f' of {parts} parts'}")
    return value


def _list(value: Value) -> list[Value]:
    if type(value) is not list:
        fail(ErrorNumber.ILLEGAL_ARGUMENT, "expected a list inside a list")
    return value


def _number(value: Value) -> int:
    if type(value) is not int:
        fail(ErrorNumber.ILLEGAL_ARGUMENT, "expected a number inside a list")
    return value
