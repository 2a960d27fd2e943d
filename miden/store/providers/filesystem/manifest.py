"""The manifest: the one file that says what is in the store. To replace it is to change the store."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from blake3 import blake3

from miden.errors import IntegrityError
from miden.store.providers.filesystem.segments import HINT, ID_SIZE, RECORD_SIZE, Segment

MAGIC = b"\x89MISTO\r\n"
VERSION = 1
_HEAD = Struct("<8sIQIIIII")
_CHECKSUM = 32


class Manifest(NamedTuple):
    """Names of segments, newest first, and of packs; the newest records themselves; objects not to be read from packs.

    `generation` grows with every change, so that no two manifests of a store are equal.
    """

    generation: int = 1
    segments: tuple[bytes, ...] = ()
    packs: tuple[bytes, ...] = ()
    shunned: tuple[bytes, ...] = ()
    recent_ids: bytes = b""
    recent: bytes = b""

    def to_bytes(self) -> bytes:
        """Write the file."""
        lists = self.segments, self.packs, self.shunned
        counts = *map(len, lists), len(self.recent_ids) // ID_SIZE, len(self.recent) // RECORD_SIZE
        head = _HEAD.pack(MAGIC, VERSION, self.generation, *counts)
        body = b"".join((head, *(name for names in lists for name in names), self.recent_ids, self.recent))
        return body + blake3(body).digest()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read the file; `IntegrityError` of kind ``DamagedIndex`` if it is not whole."""
        body, checksum = data[:-_CHECKSUM], data[-_CHECKSUM:]
        found = blake3(body).digest()
        if found != checksum or len(body) < _HEAD.size:
            raise IntegrityError(
                "the manifest of the store is damaged", expected=checksum.hex(), found=found.hex(), kind="DamagedIndex", hint=HINT
            )
        magic, version, generation, *counts = _HEAD.unpack_from(body)
        if magic != MAGIC or version != VERSION:
            raise IntegrityError(f"the manifest is of version {version}, only {VERSION} is known", kind="DamagedIndex", hint=HINT)
        if len(body) != _HEAD.size + ID_SIZE * sum(counts[:4]) + RECORD_SIZE * counts[4]:
            raise IntegrityError("the manifest does not have the size that it says", kind="DamagedIndex", hint=HINT)
        parts: list[tuple[bytes, ...]] = []
        at = _HEAD.size
        for count in counts[:3]:
            end = at + count * ID_SIZE
            parts.append(tuple(body[start : start + ID_SIZE] for start in range(at, end, ID_SIZE)))
            at = end
        end = at + counts[3] * ID_SIZE
        return cls(generation, parts[0], parts[1], parts[2], body[at:end], body[end:])

    def records(self) -> Segment:
        """Return the newest records as a segment."""
        return Segment(self.recent_ids, self.recent)
