"""What publishers sign: the next version of the metadata of their scope."""

from __future__ import annotations

from datetime import timedelta

from miden.registry.extras import require
from miden.registry.trust.failures import translated
from miden.registry.trust.repository import LIFETIMES, Target, now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from securesystemslib.signer import Signer


def sign_next(before: bytes | None, files: Mapping[str, Target], signers: Iterable[Signer]) -> bytes:
    """Return metadata that follows on `before`, which was verified, with new content of some files.

    Raises `IntegrityError` of kind ``InvalidMetadata`` for a `before` that does not decode.
    """
    api = require("tuf.api.metadata")
    if before is None:
        metadata = api.Metadata(api.Targets(1))
    else:
        with translated("the publishers' role"):
            metadata = api.Metadata.from_bytes(before)
        metadata.signed.version += 1
        metadata.signatures.clear()
    metadata.signed.expires = now() + timedelta(days=LIFETIMES["targets"])
    for path, file in files.items():
        metadata.signed.targets[path] = api.TargetFile(file.size, {"sha256": file.sha256}, path)
    for signer in signers:
        metadata.sign(signer, append=True)
    data: bytes = metadata.to_bytes()
    return data
