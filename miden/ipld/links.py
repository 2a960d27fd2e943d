"""The links of a block: one function for each codec, none of which builds the value. (fvm.md section 2.3.)

The scan of dag-cbor is that of the Filecoin VM: it checks the structure and the links, and nothing else: neither text, nor
the order of keys, nor whether heads are minimal. What is a strict value is said by `miden.ipld.dagcbor`.
"""

from __future__ import annotations

from miden.errors import FormatError, InputError
from miden.ipld.cid import CBOR, DAG_CBOR, DAG_JSON, DAG_PB, MAST_FOREST, MAST_NODE, RAW, Cid
from miden.ipld.multihash import BLAKE2B_256

try:
    from miden._core import dagcbor as _core
except ImportError:
    _core = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

COMMITMENTS = frozenset({0xF101, 0xF102})
"""Codecs of commitments to data that is kept nowhere as a block: a link to one names no block."""

_U64 = 1 << 64


class Scan:
    """What a scan of a dag-cbor block found, up to its end or to the first error.

    `links` are pairs (bytes of a CID, fields counted until its tag, that included); `fields` counts the items that were read.
    `error` is what ended the scan early, or None, and `in_link` tells whether that was behind the tag of a link.
    """

    __slots__ = ("error", "fields", "in_link", "links")

    def __init__(self, links: list[tuple[bytes, int]], fields: int, error: FormatError | None, *, in_link: bool = False) -> None:
        self.links = links
        self.fields = fields
        self.error = error
        self.in_link = in_link


def scan_dagcbor(data: bytes) -> Scan:
    """Find the links of a dag-cbor block without decoding it; never raises for bad bytes, `Scan.error` tells.

    >>> scan = scan_dagcbor(bytes.fromhex("82f6820102"))
    >>> scan.fields, scan.links, scan.error
    (5, [], None)
    """
    links: list[tuple[bytes, int]] = []
    fields = offset = 0
    expected, size = 1, len(data)
    in_link = False
    try:
        while expected:
            expected -= 1
            fields += 1
            start = offset
            major, argument, offset = _loose_head(data, offset)
            if major in (2, 3):
                offset = _skip(offset, argument, size)
            elif major in (4, 5):
                expected += argument * (major - 3)
                if expected >= _U64:
                    raise FormatError("more items than 64 bits count", offset=start, kind="InvalidHead")
            elif major == 6:
                if argument != 42:
                    expected += 1
                else:
                    in_link = True
                    raw, offset = _link(data, offset, size)
                    links.append((raw, fields))
                    in_link = False
        if offset != size:
            raise FormatError(f"{size - offset} bytes behind the value", offset=offset, kind="TrailingBytes")
    except FormatError as error:
        return Scan(links, fields, error, in_link=in_link)
    return Scan(links, fields, None)


def _loose_head(data: bytes, offset: int) -> tuple[int, int, int]:
    if offset >= len(data):
        raise FormatError("the input ends where a value is expected", offset=offset, kind="UnexpectedEnd")
    info = data[offset] & 31
    if info < 24:
        return data[offset] >> 5, info, offset + 1
    if info > 27:
        raise FormatError("a reserved head, or a length that is not definite", offset=offset, kind="InvalidHead")
    end = offset + 1 + (1 << info - 24)
    if end > len(data):
        raise FormatError("the input ends inside a head", offset=offset, kind="UnexpectedEnd")
    return data[offset] >> 5, int.from_bytes(data[offset + 1 : end]), end


def _skip(offset: int, count: int, size: int) -> int:
    if offset + count > size:
        raise FormatError(f"expected {count} bytes, found {size - offset}", offset=offset, kind="UnexpectedEnd")
    return offset + count


def _link(data: bytes, offset: int, size: int) -> tuple[bytes, int]:
    major, count, start = _loose_head(data, offset)
    if major != 2:
        raise FormatError("expected bytes behind tag 42", offset=offset, kind="InvalidLink")
    end = _skip(start, count, size)
    if not count or data[start]:
        raise FormatError("a link starts with a zero byte", offset=start, kind="InvalidLink")
    raw = data[start + 1 : end]
    try:
        Cid.from_bytes(raw)
    except FormatError as problem:
        raise FormatError(f"a link is no CID: {problem.message}", offset=start, kind="InvalidLink") from problem
    return raw, end


def dagcbor_link_bytes(data: bytes) -> tuple[list[bytes], int]:
    """Return the bytes of the CIDs that a block links to, in order, and its number of fields; raises `FormatError`."""
    if _core is not None:
        found = _core.scan(data)
        if found is not None:
            return found
    scan = scan_dagcbor(data)
    if scan.error is not None:
        raise scan.error
    return [raw for raw, _ in scan.links], scan.fields


_PLAIN = tuple(Cid(1, codec, BLAKE2B_256, bytes(32)).to_bytes()[:-32] for codec in (CBOR, RAW, DAG_CBOR))
_PLAIN_SIZE = len(_PLAIN[0]) + 32


def count_plain_links(data: bytes) -> tuple[int, int] | None:
    """Return how many links and fields a block has, if all links are of the usual form: cbor, raw or dag-cbor by blake2b-256.

    None if one is not, and for bytes that are no block.

    >>> count_plain_links(bytes.fromhex("820102"))
    (0, 3)
    """
    if _core is not None:
        return _core.count_plain(data)
    scan = scan_dagcbor(data)  # type: ignore[unreachable]  # without the core
    if scan.error is not None or not all(len(raw) == _PLAIN_SIZE and raw.startswith(_PLAIN) for raw, _ in scan.links):
        return None
    return len(scan.links), scan.fields


def _dagcbor_links(data: bytes) -> list[Cid]:
    if _core is not None:
        found = _core.scan(data, Cid)
        if found is not None:
            return list(found[0])
    return [Cid.from_checked(raw) for raw in dagcbor_link_bytes(data)[0]]


def _dagjson_links(data: bytes) -> list[Cid]:
    from miden.ipld.dagjson import decode

    found: list[Cid] = []
    pending = [decode(data)]
    while pending:
        item = pending.pop()
        if isinstance(item, Cid):
            found.append(item)
        elif isinstance(item, (list, dict)):
            pending += reversed(list(item.values() if isinstance(item, dict) else item))
    return found


def _dagpb_links(data: bytes) -> list[Cid]:
    from miden.ipld.dagpb import links

    return links(data)


def _no_links(_data: bytes) -> list[Cid]:
    return []


def _node_links(data: bytes) -> list[Cid]:
    from miden.ipld.mast import node_links

    return node_links(data)


def _forest_links(data: bytes) -> list[Cid]:
    from miden.ipld.mast import forest_links

    return forest_links(data)


LINK_FUNCTIONS: dict[int, Callable[[bytes], list[Cid]]] = {
    RAW: _no_links,
    CBOR: _no_links,
    DAG_CBOR: _dagcbor_links,
    DAG_JSON: _dagjson_links,
    DAG_PB: _dagpb_links,
    MAST_NODE: _node_links,
    MAST_FOREST: _forest_links,
}
"""Codec -> the function that finds the links of its blocks."""


def links(codec: int, data: bytes) -> list[Cid]:
    """Return the links of a block in the order in which they stand there.

    Raises `FormatError` for bytes that are no block of the codec, `InputError` of kind ``UnknownCodec``.

    >>> links(RAW, b"anything")
    []
    """
    if codec not in LINK_FUNCTIONS:
        raise InputError(f"nothing is known of the links of codec {codec:#x}", kind="UnknownCodec")
    return LINK_FUNCTIONS[codec](data)
