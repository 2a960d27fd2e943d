"""What an object is called: a space and 32 bytes.

A space says what kind of name the bytes are. Spaces below 256 are MAST versions (see `miden.mast.versions`): the bytes are
a root, hashed the way of that version. So an object of one version is never found under a root of another. Space 256 is
that of blocks, whose own names say how they are hashed and are of any length: the bytes are the BLAKE3 hash of the name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from blake3 import blake3

from miden.errors import InputError
from miden.field import P, Word
from miden.mast.versions import CURRENT, mast_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

DIGEST_SIZE = 32
KEY_SIZE = 4 + DIGEST_SIZE
"""Bytes of a key in files: the space, big-endian so that keys sort as their bytes do, and the digest."""

CODE_SPACES = range(256)
"""Spaces whose digests are MAST roots."""
BLOCK_SPACE = 256
"""The space of blocks."""

_TEXT = re.compile(r"(?:(\d{1,10}):)?(?:0x)?([0-9a-fA-F]{64})", re.ASCII)


class ObjectKey(NamedTuple):
    """The name of an object.

    >>> key = ObjectKey.parse("0x" + "01" + "00" * 31)
    >>> key.space, key.root[0], str(key)[:8]
    (0, 1, '0x010000')
    >>> ObjectKey.from_bytes(key.to_bytes()) == key
    True
    """

    space: int
    digest: bytes

    @classmethod
    def code(cls, root: Word | Iterable[int], version: int = CURRENT.number) -> ObjectKey:
        """Return the key of code with a root; `FormatError` for an unknown MAST version."""
        mast_version(version)
        return cls(version, root.to_bytes() if isinstance(root, Word) else Word(root).to_bytes())

    @classmethod
    def block(cls, name: bytes) -> ObjectKey:
        """Return the key of the block with a name: for IPLD, the bytes of a CID."""
        return cls(BLOCK_SPACE, blake3(name).digest())

    @classmethod
    def parse(cls, text: str) -> ObjectKey:
        """Read ``0x`` and 64 hexadecimal digits, for the current MAST version, or ``SPACE:0x...``.

        Raises `InputError` of kind ``InvalidRoot``.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise InputError(f"a root is 0x and 64 hexadecimal digits, found {text[:80]!r}", kind="InvalidRoot")
        key = cls(CURRENT.number if match[1] is None else int(match[1]), bytes.fromhex(match[2]))
        key.check()
        return key

    @classmethod
    def from_bytes(cls, data: bytes) -> ObjectKey:
        """Read the 36 bytes of a key as they are; whether it can be one is not checked."""
        return cls(int.from_bytes(data[:4], "big"), bytes(data[4:]))

    def to_bytes(self) -> bytes:
        """Write the 36 bytes of the key."""
        return self.space.to_bytes(4, "big") + self.digest

    def check(self) -> None:
        """Raise `InputError` of kind ``InvalidRoot`` unless this can be the name of an object."""
        if not (0 <= self.space < 2**32 and len(self.digest) == DIGEST_SIZE):
            raise InputError("a key has a space below 2**32 and a digest of 32 bytes", kind="InvalidRoot")
        if self.space in CODE_SPACES and any(int.from_bytes(self.digest[at : at + 8], "little") >= P for at in range(0, DIGEST_SIZE, 8)):
            raise InputError(f"an element of the root 0x{self.digest.hex()} is not below p", kind="InvalidRoot")

    @property
    def root(self) -> Word:
        """The digest as a word, for code."""
        return Word.from_bytes(self.digest)

    def __str__(self) -> str:
        text = f"0x{self.digest.hex()}"
        return text if self.space == CURRENT.number else f"{self.space}:{text}"


def as_key(root: object) -> ObjectKey:
    """Return the key that a root, a key or a text stands for; `InputError` of kind ``InvalidRoot`` for anything else."""
    if isinstance(root, ObjectKey):
        root.check()
        return root
    if isinstance(root, str):
        return ObjectKey.parse(root)
    if isinstance(root, Word):
        return ObjectKey(CURRENT.number, root.to_bytes())
    if isinstance(root, (tuple, list)):
        return ObjectKey.code(root)
    raise InputError(f"a root is a word or its text, found {type(root).__name__}", kind="InvalidRoot")
