"""Keys that sign what a registry or a publisher says: Ed25519, in PEM files that only their owner may read."""

from __future__ import annotations

import os
from pathlib import Path

from miden.errors import InputError
from miden.registry.extras import require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, Key

MAX_BYTES = 16 * 1024
"""Bytes of a key file."""


def generate_key() -> CryptoSigner:
    """Make a new key.

    >>> signer = generate_key()
    >>> signer.public_key.scheme
    'ed25519'
    """
    signer: CryptoSigner = require("securesystemslib.signer").CryptoSigner.generate_ed25519()
    return signer


def save_key(signer: CryptoSigner, path: str | os.PathLike[str]) -> None:
    """Write a key to a new file that only its owner may read; `InputError` of kind ``FileExists`` if there is one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"{path} is there already; a key is never overwritten", kind="FileExists") from None
    with os.fdopen(handle, "wb") as file:
        file.write(signer.private_bytes)
        file.flush()
        os.fsync(file.fileno())


def load_key(path: str | os.PathLike[str]) -> CryptoSigner:
    """Read a private key; `InputError` of kind ``InvalidKey`` for a file that holds none."""
    serialization = require("cryptography.hazmat.primitives.serialization")
    signer = require("securesystemslib.signer").CryptoSigner
    try:
        made: CryptoSigner = signer(serialization.load_pem_private_key(_read(path), None))
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} holds no private key without a password: {error}", kind="InvalidKey") from None
    return made


def public_pem(key: Key) -> bytes:
    """Return a public key as the text of a PEM file."""
    text: str = key.keyval["public"]
    if not text.startswith("-----"):  # Ed25519 is kept as bare hexadecimal
        ed25519 = require("cryptography.hazmat.primitives.asymmetric.ed25519")
        serialization = require("cryptography.hazmat.primitives.serialization")
        made: bytes = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(text)).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return made
    return text.encode()


def load_public_key(path: str | os.PathLike[str]) -> Key:
    """Read a public key from a PEM file of a public or a private key; `InputError` of kind ``InvalidKey`` for neither."""
    data = _read(path)
    if b"PRIVATE KEY" in data:
        return load_key(path).public_key
    serialization = require("cryptography.hazmat.primitives.serialization")
    key = require("securesystemslib.signer").SSlibKey
    try:
        made: Key = key.from_crypto(serialization.load_pem_public_key(data))
    except ValueError as error:
        raise InputError(f"{path} holds no public key: {error}", kind="InvalidKey") from None
    return made


def _read(path: str | os.PathLike[str]) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(MAX_BYTES)
