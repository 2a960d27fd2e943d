"""What an actor machine asks the outside world: randomness, tipsets, and checks of signatures and proofs.

Subclass `Externs` and override what is there to ask; what is not overridden refuses with a typed error.
"""

from __future__ import annotations

from miden.actors.codes import ErrorNumber, Fatal, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from miden.actors.address import Address
    from miden.ipld.cid import Cid
    from miden.ipld.dagcbor import Value


def _nothing(what: str) -> NoReturn:
    raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, f"nothing outside of the machine {what}")


class Externs:
    """A world that answers nothing.

    A method raises `SyscallError` for what the guest asked wrongly, `Fatal` for what must not be missing.
    """

    def get_chain_randomness(self, epoch: int) -> bytes:
        """Return 32 bytes drawn by the chain at an epoch."""
        _nothing(f"draws randomness for epoch {epoch}")

    def get_beacon_randomness(self, epoch: int) -> bytes:
        """Return 32 bytes of the beacon for an epoch."""
        _nothing(f"has a beacon for epoch {epoch}")

    def get_tipset_cid(self, epoch: int) -> Cid:
        """Return the name of the tipset of a past epoch."""
        raise Fatal(f"nothing outside of the machine knows the tipset of epoch {epoch}", kind="NoTipset")

    def verify_signature(self, signature_type: int, signature: bytes, signer: Address, text: bytes) -> bool:
        """Tell whether a key address (f1 or f3) signed bytes."""
        _nothing("checks signatures")

    def verify_bls_aggregate(self, signature: bytes, keys: Sequence[bytes], texts: Sequence[bytes]) -> bool:
        """Tell whether one signature stands for all keys, each over its own bytes."""
        _nothing("checks signatures")

    def recover_secp_public_key(self, digest: bytes, signature: bytes) -> bytes:
        """Return the public key, of 65 bytes, that signed a digest."""
        _nothing("recovers keys")

    def verify_consensus_fault(self, first: bytes, second: bytes, extra: bytes) -> tuple[int, int, int] | None:
        """Return kind, epoch and culprit of the fault that block headers show, or None."""
        _nothing("judges block headers")

    def verify_seals(self, seals: Sequence[Value]) -> list[bool]:
        """Tell of each seal whether it holds."""
        _nothing("checks proofs")

    def verify_proof(self, kind: str, proof: Value) -> bool:
        """Tell whether a proof holds; `kind` is ``post``, ``aggregate_seals`` or ``replica_update``."""
        _nothing("checks proofs")

    def compute_unsealed_sector_cid(self, proof_type: int, pieces: Value) -> Cid:
        """Return the commitment to a sector that is made of pieces."""
        _nothing("computes commitments of sectors")

    def store_artifact(self, name: str, data: bytes) -> None:
        """Keep what an actor hands out for its debugging; nothing is kept unless overridden."""
