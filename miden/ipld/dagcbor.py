"""dag-cbor: the strict form of CBOR in which state is kept. Every value has exactly one encoding.

Values are None, bool, int from -2^64 to 2^64 - 1, float (finite, always 64 bits), str, bytes, list, dict with text keys, and
`Cid` for links (tag 42). Map keys are sorted by length, then by bytes; lengths are minimal and definite. Nothing here
recurses: depth is a limit, not a stack. (The IPLD specification of dag-cbor; fvm.md section 4.2.)
"""

from __future__ import annotations

from math import isfinite
from struct import Struct, error

from miden.errors import FormatError, InputError
from miden.ipld.cid import Cid

try:
    from miden._core.dagcbor import decode as _core_decode
    from miden._core.dagcbor import encode as _core_encode
except ImportError:
    _core_decode = _core_encode = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeAlias

    Value: TypeAlias = Any
    """None, bool, int, float, str, bytes, list, dict or Cid."""

MAX_DEPTH = 1024
"""Nested lists and maps that are read and written unless told otherwise."""

LINK_TAG = 42

_DOUBLE = Struct(">d")
_CONSTANTS = {0xF4: False, 0xF5: True, 0xF6: None}
_SIZES = {24: (1, 24), 25: (2, 1 << 8), 26: (4, 1 << 16), 27: (8, 1 << 32)}
"""Additional information -> (bytes of the argument, smallest argument that needs them)."""


_FAILED = object()


class _Frame:
    """A list or map that is being read."""

    __slots__ = ("container", "key", "last", "left")

    def __init__(self, container: list[Value] | dict[str, Value], left: int) -> None:
        self.container = container
        self.left = left
        self.key: str | None = None
        self.last: tuple[int, bytes] | None = None


def decode(data: bytes, *, max_depth: int = MAX_DEPTH) -> Value:
    """Read one value that is all of the input.

    Raises `FormatError` with an offset for anything that the one encoding of a value does not have, and of kind
    ``NestingLimitExceeded`` for lists and maps nested deeper than `max_depth`.

    >>> decode(bytes.fromhex("a26161016162830203f6"))
    {'a': 1, 'b': [2, 3, None]}
    """
    if _core_decode is not None:
        value = _core_decode(bytes(data), max_depth, Cid, _FAILED)
        if value is not _FAILED:
            return value
    return readable_decode(data, max_depth=max_depth)


def readable_decode(data: bytes, *, max_depth: int = MAX_DEPTH) -> Value:
    """Read one value: what `decode` does, in Python; and what says what is wrong."""
    frames: list[_Frame] = []
    offset = 0
    while True:
        start = offset
        major, argument, offset = _head(data, offset)
        frame = frames[-1] if frames else None
        if frame is not None and frame.key is None and type(frame.container) is dict:
            if major != 3:
                raise FormatError("expected a text as the key of a map", offset=start, kind="MapKey")
            raw, offset = _take(data, offset, argument)
            order = (len(raw), raw)
            if frame.last is not None and order <= frame.last:
                repeated = order == frame.last
                text = "a map has a key twice" if repeated else "the keys of a map are not in order"
                raise FormatError(text, offset=start, kind="DuplicateKey" if repeated else "MapOrder")
            frame.last, frame.key = order, _text(raw, start)
            continue
        if major in (4, 5):
            if argument * (major - 3) > len(data) - offset:
                raise FormatError(f"{argument} entries do not fit what is left of the input", offset=start, kind="UnexpectedEnd")
            if len(frames) >= max_depth:
                raise FormatError(f"nested deeper than {max_depth} levels", offset=start, kind="NestingLimitExceeded")
            frames.append(_Frame([] if major == 4 else {}, argument))
        else:
            value, offset = _scalar(data, major, argument, start, offset)
            if frame is None:
                return _finish(data, value, offset)
            _attach(frame, value)
        while not frames[-1].left:
            value = frames.pop().container
            if not frames:
                return _finish(data, value, offset)
            _attach(frames[-1], value)


def _attach(frame: _Frame, value: Value) -> None:
    if type(frame.container) is list:
        frame.container.append(value)
    else:
        frame.container[frame.key] = value  # type: ignore[index,call-overload]  # a map whose key was read
        frame.key = None
    frame.left -= 1


def _finish(data: bytes, value: Value, offset: int) -> Value:
    if offset != len(data):
        raise FormatError(f"{len(data) - offset} bytes behind the value", offset=offset, kind="TrailingBytes")
    return value


def _head(data: bytes, offset: int) -> tuple[int, int, int]:
    """Return major type and argument of the head at `offset`, and the offset behind it; major 7 gives its first byte."""
    if offset >= len(data):
        raise FormatError("the input ends where a value is expected", offset=offset, kind="UnexpectedEnd")
    byte = data[offset]
    major, info = byte >> 5, byte & 31
    if major == 7:
        return 7, byte, offset + 1
    if info < 24:
        return major, info, offset + 1
    if info not in _SIZES:
        raise FormatError("lengths are definite in dag-cbor" if info == 31 else "a reserved head", offset=offset, kind="InvalidHead")
    size, least = _SIZES[info]
    end = offset + 1 + size
    if end > len(data):
        raise FormatError("the input ends inside a head", offset=offset, kind="UnexpectedEnd")
    argument = int.from_bytes(data[offset + 1 : end])
    if argument < least:
        raise FormatError(f"{argument} is written longer than it has to be", offset=offset, kind="NotMinimal")
    return major, argument, end


def _scalar(data: bytes, major: int, argument: int, start: int, offset: int) -> tuple[Value, int]:
    if major == 0:
        return argument, offset
    if major == 1:
        return -1 - argument, offset
    if major == 2:
        return _take(data, offset, argument)
    if major == 3:
        raw, offset = _take(data, offset, argument)
        return _text(raw, start), offset
    if major == 6:
        return _link(data, argument, start, offset)
    if argument in _CONSTANTS:
        return _CONSTANTS[argument], offset
    if argument != 0xFB:
        raise FormatError("no simple value but false, true and null, and floats of 64 bits only", offset=start, kind="InvalidSimple")
    raw, offset = _take(data, offset, 8)
    value: float = _DOUBLE.unpack(raw)[0]
    if not isfinite(value):
        raise FormatError("a float that is not a finite number", offset=start, kind="InvalidFloat")
    return value, offset


def _link(data: bytes, tag: int, start: int, offset: int) -> tuple[Cid, int]:
    if tag != LINK_TAG:
        raise FormatError(f"expected tag 42, which marks a link, found tag {tag}", offset=start, kind="InvalidTag")
    major, size, offset = _head(data, offset)
    if major != 2:
        raise FormatError("expected bytes behind tag 42", offset=start, kind="InvalidLink")
    raw, end = _take(data, offset, size)
    if raw[:1] != b"\0":
        raise FormatError("a link starts with a zero byte", offset=offset, kind="InvalidLink")
    try:
        return Cid.from_bytes(raw[1:]), end
    except FormatError as problem:
        raise FormatError(f"a link is no CID: {problem.message}", offset=offset, kind="InvalidLink") from problem


def _take(data: bytes, offset: int, size: int) -> tuple[bytes, int]:
    end = offset + size
    if end > len(data):
        raise FormatError(f"expected {size} bytes, found {len(data) - offset}", offset=offset, kind="UnexpectedEnd")
    return data[offset:end], end


def _text(raw: bytes, start: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as problem:
        raise FormatError(f"a text that is not UTF-8: {problem.reason}", offset=start, kind="InvalidText") from None


def encode(value: Value, *, max_depth: int = MAX_DEPTH) -> bytes:
    """Write a value in its one encoding; tuples are written as lists.

    Raises `InputError` for what has no encoding: other types, integers beyond 64 bits, floats that are not finite, keys that
    are no text, text that is no Unicode, and nesting deeper than `max_depth` (so a list inside itself).

    >>> encode({"b": [2, 3], "a": 1}).hex()
    'a26161016162820203'
    """
    if _core_encode is not None:
        raw = _core_encode(value, max_depth, Cid, _FAILED)
        if raw is not _FAILED:
            return raw  # type: ignore[no-any-return]
    return readable_encode(value, max_depth=max_depth)


def readable_encode(value: Value, *, max_depth: int = MAX_DEPTH) -> bytes:
    """Write a value: what `encode` does, in Python; and what says what is wrong."""
    out = bytearray()
    levels: list[Iterator[Value]] = [iter((value,))]
    while levels:
        for item in levels[-1]:
            kind = type(item)
            if kind is _Raw:
                out += item
            elif kind is list or kind is tuple:
                out += head(4, len(item))
                levels.append(iter(item))
                break
            elif kind is dict:
                out += head(5, len(item))
                levels.append(_entries(item))
                break
            else:
                out += _encode_scalar(item)
        else:
            levels.pop()
        if len(levels) > max_depth + 1:
            raise InputError(f"nested deeper than {max_depth} levels", kind="NestingLimitExceeded")
    return bytes(out)


class _Raw(bytes):
    """Bytes that are encoded already."""


def _entries(mapping: dict[str, Value]) -> Iterator[Value]:
    keys = []
    for key in mapping:
        if type(key) is not str:
            raise InputError(f"expected a text as the key of a map, found {type(key).__name__}", kind="MapKey")
        keys.append((_utf8(key), key))
    keys.sort(key=lambda pair: (len(pair[0]), pair[0]))
    for raw, key in keys:
        yield _Raw(head(3, len(raw)) + raw)
        yield mapping[key]


def _encode_scalar(item: Value) -> bytes:
    if item is None:
        return b"\xf6"
    if item is True:
        return b"\xf5"
    if item is False:
        return b"\xf4"
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, str):
        raw = _utf8(item)
        return head(3, len(raw)) + raw
    if isinstance(item, (bytes, bytearray, memoryview)):
        raw = bytes(item)
        return head(2, len(raw)) + raw
    if isinstance(item, Cid):
        raw = item.to_bytes()
        return b"\xd8\x2a" + head(2, len(raw) + 1) + b"\0" + raw
    if isinstance(item, float):
        if not isfinite(item):
            raise InputError(f"{item} has no encoding: only finite floats have", kind="InvalidFloat")
        return b"\xfb" + _DOUBLE.pack(item)
    raise InputError(f"a {type(item).__name__} has no encoding in dag-cbor", kind="InvalidValue")


_HEADS = (Struct(">B"), Struct(">BB"), Struct(">BH"), Struct(">BI"), Struct(">BQ"))


def head(major: int, argument: int) -> bytes:
    """Write the head of an item: a major type with its argument, in the shortest form.

    >>> head(2, 500).hex()
    '5901f4'
    """
    if argument < 24:
        return bytes((major << 5 | argument,))
    index = (argument > 0xFF) + (argument > 0xFFFF) + (argument > 0xFFFFFFFF)
    try:
        return _HEADS[index + 1].pack(major << 5 | 24 + index, argument)
    except error:
        raise InputError("an integer beyond 64 bits has no encoding", kind="IntegerRange") from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as problem:
        raise InputError(f"a text that is no Unicode: {problem.reason}", kind="InvalidText") from None
