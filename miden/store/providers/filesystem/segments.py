"""Records from keys to ids of objects, sorted, in one immutable run of bytes: a segment."""

from __future__ import annotations

from struct import Struct

from blake3 import blake3

from miden.errors import IntegrityError
from miden.store.keys import KEY_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ID_SIZE = 32
RECORD_SIZE = KEY_SIZE + 4
MAGIC = b"\x89MISEG\r\n"
VERSION = 1

_HEAD = Struct("<8sIII")


class Segment:
    """Records of a key and the number of an id, 40 bytes each, sorted by key and looked up where they lie; and the ids.

    An object with many keys has its id here once.
    """

    __slots__ = ("count", "ids", "records")

    def __init__(self, ids: bytes, records: bytes) -> None:
        self.ids = ids
        self.records = records
        self.count = len(records) // RECORD_SIZE

    @classmethod
    def of(cls, pairs: Iterable[tuple[bytes, bytes]]) -> Segment:
        """Make a segment of keys and ids in any order, each key once."""
        found = sorted(pairs)
        ids = sorted({own_id for _, own_id in found})
        numbers = {own_id: number.to_bytes(4, "little") for number, own_id in enumerate(ids)}
        return cls(b"".join(ids), b"".join(key + numbers[own_id] for key, own_id in found))

    def find(self, key: bytes) -> bytes | None:
        """Return the id for a key, or None."""
        records = self.records
        low, high = 0, self.count
        while low < high:
            middle = (low + high) >> 1
            at = middle * RECORD_SIZE
            found = records[at : at + KEY_SIZE]
            if found == key:
                return self._id(at)
            if found < key:
                low = middle + 1
            else:
                high = middle
        return None

    def _id(self, at: int) -> bytes:
        """Return the id of the record at an offset."""
        start = ID_SIZE * int.from_bytes(self.records[at + KEY_SIZE : at + RECORD_SIZE], "little")
        return self.ids[start : start + ID_SIZE]

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Iterate over keys and ids, in the order of the keys."""
        records = self.records
        for at in range(0, len(records), RECORD_SIZE):
            yield records[at : at + KEY_SIZE], self._id(at)

    def mapping(self) -> dict[bytes, bytes]:
        """Return the records as a dict."""
        return dict(self.pairs())

    def to_bytes(self) -> bytes:
        """Write the file of the segment, which is named by the hash of these bytes."""
        return _HEAD.pack(MAGIC, VERSION, len(self.ids) // ID_SIZE, self.count) + self.ids + self.records

    @classmethod
    def from_bytes(cls, data: bytes, name: bytes) -> Segment:
        """Read a file of a name; `IntegrityError` of kind ``DamagedIndex`` if it is not what its name says."""
        found = blake3(data).digest()
        if found != name:
            raise IntegrityError(
                "a segment of the index is damaged", expected=name.hex(), found=found.hex(), kind="DamagedIndex", hint=HINT
            )
        magic, version, ids, count = _HEAD.unpack_from(data) if len(data) >= _HEAD.size else (b"", 0, 0, 0)
        start = _HEAD.size + ids * ID_SIZE
        if magic != MAGIC or version != VERSION or len(data) != start + count * RECORD_SIZE:
            raise IntegrityError("a segment of the index is of a version that is not known", kind="DamagedIndex", hint=HINT)
        return cls(data[_HEAD.size : start], data[start:])


HINT = "`miden store fsck --repair` makes the index anew from the objects"
