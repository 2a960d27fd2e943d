"""Indexes of CARv2: digests in order, each with the offset of its section."""

from __future__ import annotations

from bisect import bisect_left
from struct import Struct, error

from miden.errors import FormatError
from miden.ipld.varint import decode_varint, encode_varint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from miden.ipld.cid import Cid

INDEX_SORTED = 0x0400
"""Digests by their length; hash functions are not told apart."""
MULTIHASH_INDEX_SORTED = 0x0401
"""The same for each hash function."""

_COUNT = Struct("<i")
_CODE = Struct("<Q")
_BUCKET = Struct("<IQ")
_OFFSET = Struct("<Q")
MAX_WIDTH = 256


class CarIndex:
    """Where the sections of blocks are, by hash function and digest.

    Offsets count from the start of the row of blocks. `buckets` maps (hash code or None, bytes of a digest) to entries in
    order, each a digest with eight bytes of offset.
    """

    def __init__(self, codec: int, buckets: dict[tuple[int | None, int], bytes]) -> None:
        self.codec = codec
        self.buckets = buckets

    @classmethod
    def build(cls, entries: Iterable[tuple[Cid, int]]) -> CarIndex:
        """Make an index by hash function from pairs (CID, offset)."""
        collected: dict[tuple[int | None, int], list[bytes]] = {}
        for cid, offset in entries:
            collected.setdefault((cid.hash_code, len(cid.digest)), []).append(cid.digest + _OFFSET.pack(offset))
        for entries_of in collected.values():
            entries_of.sort(key=lambda entry: entry[:-8])
        buckets = {key: b"".join(collected[key]) for key in sorted(collected, key=_order)}
        return cls(MULTIHASH_INDEX_SORTED, buckets)

    def offsets(self, cid: Cid) -> list[int]:
        """Return the offsets of all sections with the digest of a CID; whether the codec is the same, only they can tell."""
        width = len(cid.digest) + 8
        bucket = self.buckets.get((cid.hash_code if self.codec == MULTIHASH_INDEX_SORTED else None, len(cid.digest)), b"")
        first = bisect_left(range(len(bucket) // width), cid.digest, key=lambda row: bucket[row * width : (row + 1) * width - 8])
        found = []
        for start in range(first * width, len(bucket), width):
            if bucket[start : start + width - 8] != cid.digest:
                break
            found.append(_OFFSET.unpack_from(bucket, start + width - 8)[0])
        return found

    def __iter__(self) -> Iterator[tuple[int | None, bytes, int]]:
        """Yield hash code (None where the form has none), digest and offset of every entry."""
        for (code, size), bucket in self.buckets.items():
            for start in range(0, len(bucket), size + 8):
                yield code, bucket[start : start + size], _OFFSET.unpack_from(bucket, start + size)[0]

    def to_bytes(self) -> bytes:
        """Write the index with its codec in front."""
        parts = [encode_varint(self.codec)]
        if self.codec == INDEX_SORTED:
            parts += _write_buckets([(size, bucket) for (_, size), bucket in self.buckets.items()])
            return b"".join(parts)
        by_code: dict[int, list[tuple[int, bytes]]] = {}
        for (code, size), bucket in self.buckets.items():
            by_code.setdefault(code or 0, []).append((size, bucket))
        parts.append(_COUNT.pack(len(by_code)))
        for code, buckets in by_code.items():
            parts += [_CODE.pack(code), *_write_buckets(buckets)]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> CarIndex:
        """Read an index; raises `FormatError` for another form, wrong lengths and digests that are not in order."""
        codec, offset = decode_varint(data)
        buckets: dict[tuple[int | None, int], bytes] = {}
        try:
            if codec == INDEX_SORTED:
                offset = _read_buckets(data, offset, None, buckets)
            elif codec == MULTIHASH_INDEX_SORTED:
                (count,) = _COUNT.unpack_from(data, offset)
                offset += _COUNT.size
                for _ in range(count):
                    (code,) = _CODE.unpack_from(data, offset)
                    offset = _read_buckets(data, offset + _CODE.size, code, buckets)
            else:
                raise FormatError(f"an index of unknown form {codec:#x}", offset=0, kind="UnknownIndex")
        except error:
            raise FormatError("the index ends too early", offset=offset, kind="UnexpectedEnd") from None
        if offset != len(data):
            raise FormatError(f"{len(data) - offset} bytes behind the index", offset=offset, kind="TrailingBytes")
        return cls(codec, buckets)


def _order(key: tuple[int | None, int]) -> tuple[int, int]:
    return key[0] or 0, key[1]


def _write_buckets(buckets: list[tuple[int, bytes]]) -> list[bytes]:
    parts = [_COUNT.pack(len(buckets))]
    for size, bucket in buckets:
        parts += [_BUCKET.pack(size + 8, len(bucket)), bucket]
    return parts


def _read_buckets(data: bytes, offset: int, code: int | None, buckets: dict[tuple[int | None, int], bytes]) -> int:
    (count,) = _COUNT.unpack_from(data, offset)
    offset += _COUNT.size
    for _ in range(count):
        width, length = _BUCKET.unpack_from(data, offset)
        start, offset = offset, offset + _BUCKET.size
        if not 8 <= width <= MAX_WIDTH or length % width or length > len(data) - offset:
            raise FormatError("a bucket of impossible size", offset=start, kind="InvalidIndex")
        if (code, width - 8) in buckets:
            raise FormatError("two buckets for digests of one kind", offset=start, kind="InvalidIndex")
        bucket = data[offset : offset + length]
        digests = [bucket[row : row + width - 8] for row in range(0, length, width)]
        if digests != sorted(digests):
            raise FormatError("digests of a bucket are not in order", offset=offset, kind="InvalidIndex")
        buckets[code, width - 8] = bucket
        offset += length
    return offset
