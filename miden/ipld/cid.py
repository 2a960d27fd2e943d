"""CIDs: content identifiers, a codec with a multihash. (fvm.md section 2.2.)

The parser is strict: minimal varints, version 1 or the 34 bytes of version 0, digests of at most 64 bytes, nothing
behind the end.
"""

from __future__ import annotations

from functools import lru_cache

from miden.errors import FormatError, InputError, IntegrityError
from miden.ipld.multibase import decode_multibase, encode_multibase
from miden.ipld.multihash import BLAKE2B_256, IDENTITY, SHA2_256, decode_multihash, digest, hash_name
from miden.ipld.varint import decode_varint, encode_varint

CBOR = 0x51
RAW = 0x55
DAG_PB = 0x70
DAG_CBOR = 0x71
DAG_JSON = 0x0129
MAST_FOREST = 0x300000
"""A whole forest, library, program or package in the reference's file format. Private range."""
MAST_NODE = 0x300001
"""One node of a forest in canonical form; its digest is its MAST root. Private range."""

CODEC_NAMES = {
    CBOR: "cbor",
    RAW: "raw",
    DAG_PB: "dag-pb",
    DAG_CBOR: "dag-cbor",
    DAG_JSON: "dag-json",
    MAST_FOREST: "mast-forest",
    MAST_NODE: "mast-node",
}
CODECS = {name: codec for codec, name in CODEC_NAMES.items()}
"""Name of a codec -> its code."""

MAX_CID = 100
"""Bytes of the longest CID."""

MIN_DIGEST = 16
"""Bytes of the shortest part of a digest that still names a block."""

_V0_SIZE = 34

_USUAL_HASH = encode_varint(BLAKE2B_256) + encode_varint(32)
_USUAL_SIZE = 2 + len(_USUAL_HASH) + 32
"""The form of nearly all CIDs, which is known by sight: version 1, a codec of one byte, 32 bytes of blake2b."""


_put = object.__setattr__
"""How an immutable object is filled."""


def _parse(data: bytes, offset: int) -> tuple[tuple[int, int, int, bytes], int]:
    """Return version, codec, hash function and digest of the CID at `offset`, and the offset behind it."""
    if bytes(data[offset : offset + 2]) == b"\x12\x20":
        end = offset + _V0_SIZE
        if end > len(data):
            raise FormatError("the input ends inside a CID of version 0", offset=offset, kind="UnexpectedEnd")
        return (0, DAG_PB, SHA2_256, bytes(data[offset + 2 : end])), end
    version, behind = decode_varint(data, offset)
    if version != 1:
        raise FormatError(f"expected a CID of version 1, found version {version}", offset=offset, kind="CidVersion")
    codec, behind = decode_varint(data, behind)
    hash_code, value, end = decode_multihash(data, behind)
    return (1, codec, hash_code, value), end


@lru_cache(256)
def cid_prefix(codec: int, hash_code: int, size: int) -> bytes:
    """Return what stands before the digest in a CID of version 1."""
    return encode_varint(1) + encode_varint(codec) + encode_varint(hash_code) + encode_varint(size)


class Cid:
    """A content identifier. Immutable, hashable; equal if and only if the bytes are equal.

    Make one with `Cid.of` for a block, `Cid.parse` from text, `Cid.from_bytes` from bytes.

    >>> cid = Cid.of(b"hello", codec=RAW)
    >>> print(cid)
    bafk2bzaceaze3tycpxkkgcutfrcb6ns2exugwfz556slrzmjjasti4nydnzm6
    >>> Cid.parse(str(cid)) == cid
    True
    """

    __slots__ = ("_bytes", "_parts")

    _bytes: bytes
    _parts: tuple[int, int, int, bytes]

    def __init__(self, version: int, codec: int, hash_code: int, digest: bytes) -> None:
        if version not in (0, 1):
            raise InputError(f"a CID has version 0 or 1, not {version}", kind="CidVersion")
        if version == 0 and (codec, hash_code, len(digest)) != (DAG_PB, SHA2_256, 32):
            raise InputError("a CID of version 0 is dag-pb with sha2-256", kind="CidVersion")
        _put(self, "_bytes", (cid_prefix(codec, hash_code, len(digest)) if version else b"\x12\x20") + digest)
        _put(self, "_parts", (version, codec, hash_code, digest))

    @classmethod
    def from_checked(cls, data: bytes) -> Cid:
        """Take bytes that are known to be a CID, as the core finds them in blocks; they are taken apart when asked."""
        cid = cls.__new__(cls)
        _put(cid, "_bytes", data)
        return cid

    def _take_apart(self) -> tuple[int, int, int, bytes]:
        try:
            return self._parts
        except AttributeError:
            raw = self._bytes
            if len(raw) == _USUAL_SIZE and raw[2:6] == _USUAL_HASH and raw[0] == 1 and raw[1] < 0x80:
                parts = 1, raw[1], BLAKE2B_256, raw[6:]
            else:
                parts, _ = _parse(raw, 0)
            _put(self, "_parts", parts)
            return parts

    @property
    def version(self) -> int:
        """0 or 1."""
        return self._take_apart()[0]

    @property
    def codec(self) -> int:
        """What the block is written in, see `CODEC_NAMES`."""
        raw = self._bytes
        return raw[1] if raw[0] == 1 and raw[1] < 0x80 else self._take_apart()[1]

    @property
    def hash_code(self) -> int:
        """The hash function, see `miden.ipld.multihash`."""
        return self._take_apart()[2]

    @property
    def digest(self) -> bytes:
        """The digest of the block; the block itself in an identity CID."""
        return self._take_apart()[3]

    @classmethod
    def of(cls, data: bytes, codec: int = DAG_CBOR, hash_code: int = BLAKE2B_256) -> Cid:
        """Return the CID of a block."""
        value = digest(hash_code, data)
        return cls.from_checked(cid_prefix(codec, hash_code, len(value)) + value)

    @classmethod
    def read(cls, data: bytes, offset: int = 0) -> tuple[Cid, int]:
        """Return the CID that starts at `offset`, and the offset behind it; raises `FormatError`."""
        parts, end = _parse(data, offset)
        cid = cls.__new__(cls)
        _put(cid, "_bytes", bytes(data[offset:end]))
        _put(cid, "_parts", parts)
        return cid, end

    @classmethod
    def from_bytes(cls, data: bytes) -> Cid:
        """Read a CID that is all of the input; raises `FormatError`."""
        cid, end = cls.read(data)
        if end != len(data):
            raise FormatError(f"{len(data) - end} bytes behind a CID", offset=end, kind="TrailingBytes")
        return cid

    @classmethod
    def parse(cls, text: str) -> Cid:
        """Read a CID from text, in any base of multibase, or the 46 characters of version 0; raises `FormatError`."""
        if len(text) == 46 and text.startswith("Qm"):
            cid = cls.from_bytes(decode_multibase("z" + text)[1])
            if cid.version == 0:
                return cid
            raise FormatError("46 characters that start with Qm are a CID of version 0", offset=0, kind="CidVersion")
        cid = cls.from_bytes(decode_multibase(text)[1])
        if cid.version == 0:
            raise FormatError("a CID of version 0 is written without a base", offset=0, kind="CidVersion")
        return cid

    def to_bytes(self) -> bytes:
        """Return the binary form."""
        return self._bytes

    __bytes__ = to_bytes

    def to_text(self, base: str | None = None) -> str:
        """Return the CID as text: base58btc without prefix for version 0, base32 for version 1 unless told otherwise."""
        if self.version == 0:
            if base not in (None, "base58btc"):
                raise InputError("a CID of version 0 is written in base58btc", kind="CidVersion")
            return encode_multibase(self._bytes, "base58btc")[1:]
        return encode_multibase(self._bytes, base or "base32")

    @property
    def is_identity(self) -> bool:
        """Whether the digest is the data itself."""
        raw, at = self._bytes, 1
        if raw[0] != 1:
            return False
        while raw[at] >= 0x80:  # the codec; the hash function is behind it
            at += 1
        return raw[at + 1] == IDENTITY

    def matches(self, data: bytes) -> bool:
        """Tell whether this is the CID of a block; raises `InputError` for an unknown hash function.

        A digest that was cut counts from 16 bytes on; a shorter one says too little.
        """
        value = digest(self.hash_code, data)
        return value == self.digest or (not self.is_identity and len(self.digest) >= MIN_DIGEST and value.startswith(self.digest))

    def verify(self, data: bytes) -> None:
        """Raise `IntegrityError` with both digests unless a block hashes to this CID."""
        if not self.matches(data):
            found = digest(self.hash_code, data)
            text = f"block {self} does not hash to its name"
            raise IntegrityError(text, expected=self.digest.hex(), found=found[: len(self.digest)].hex(), kind="BlockMismatch")

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Cid {self} {CODEC_NAMES.get(self.codec, hex(self.codec))} {hash_name(self.hash_code)}>"

    def __eq__(self, other: object) -> bool:
        return self._bytes == other._bytes if isinstance(other, Cid) else NotImplemented

    def __lt__(self, other: Cid) -> bool:
        return self._bytes < other._bytes

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a CID is immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a CID is immutable: {name} cannot be deleted")

    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        return Cid.from_bytes, (self._bytes,)
