"""dag-json: the same values as dag-cbor, as JSON for people.

A link is ``{"/": "bafy..."}``, bytes are ``{"/": {"bytes": "base64 without padding"}}``; keys are sorted by bytes, and nothing
is written that needs no writing. (The IPLD specification of dag-json.)
"""

from __future__ import annotations

import json
import re
from math import isfinite

from miden.errors import FormatError, InputError
from miden.ipld.cid import Cid
from miden.ipld.multibase import decode_multibase, encode_multibase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from miden.ipld.dagcbor import Value

MAX_DEPTH = 256
"""Nested arrays and objects; JSON is read by the standard library, which recurses."""

_STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


def decode(data: bytes | str) -> Value:
    """Read one value that is all of the input.

    Raises `FormatError` for what is no JSON, keys that occur twice, numbers beyond 64 bits or not finite, a map with the
    reserved key ``/`` that is neither a link nor bytes, and nesting deeper than 256 levels.

    >>> decode('{"a":{"/":{"bytes":"aGk"}}}')
    {'a': b'hi'}
    """
    if isinstance(data, str):
        text = data
    else:
        try:
            text = data.decode()
        except UnicodeDecodeError as problem:
            raise FormatError(f"not UTF-8: {problem.reason}", offset=problem.start, kind="InvalidText") from None
    _check_depth(text)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float)
    except json.JSONDecodeError as problem:
        raise FormatError(f"not JSON: {problem.msg}", offset=problem.pos, kind="InvalidJson") from None
    _check_text(value)
    return value


def _check_depth(text: str) -> None:
    depth = 0
    for match in _STRUCTURE.finditer(text):
        character = match[0][0]
        depth += (character in "[{") - (character in "]}")
        if depth > MAX_DEPTH:
            raise FormatError(f"nested deeper than {MAX_DEPTH} levels", offset=match.start(), kind="NestingLimitExceeded")


def _check_text(value: Value) -> None:
    """Refuse texts with halves of surrogate pairs: they have no UTF-8."""
    pending = [value]
    while pending:
        item = pending.pop()
        if type(item) is str and not item.isascii():
            try:
                item.encode()
            except UnicodeEncodeError:
                raise FormatError("a text with half of a surrogate pair", kind="InvalidText") from None
        elif type(item) is list:
            pending += item
        elif type(item) is dict:
            pending += item.keys()
            pending += item.values()


def _constant(name: str) -> Value:
    raise FormatError(f"{name} is not a finite number", kind="InvalidFloat")


def _integer(text: str) -> int:
    if len(text) > 21 or not -(1 << 64) <= int(text) < 1 << 64:
        raise FormatError(f"an integer beyond 64 bits: {text[:40]}", kind="IntegerRange")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise FormatError(f"{text[:40]} is beyond the largest float", kind="InvalidFloat")
    return value


def _object(pairs: list[tuple[str, Value]]) -> Value:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise FormatError("an object has a key twice", kind="DuplicateKey")
    if "/" not in mapping:
        return mapping
    inner = mapping["/"]
    if len(mapping) == 1 and type(inner) is str:
        return Cid.parse(inner)
    if len(mapping) == 1 and type(inner) is dict and set(inner) == {"bytes"} and type(inner["bytes"]) is str:
        return decode_multibase("m" + inner["bytes"].rstrip("="))[1]
    raise FormatError("the key / stands for links and bytes, and alone", kind="ReservedKey")


def encode(value: Value, *, max_depth: int = MAX_DEPTH) -> bytes:
    """Write a value as dag-json in UTF-8; raises `InputError` for what has no encoding.

    >>> encode({"b": [1, 2.5], "a": b"hi"})
    b'{"a":{"/":{"bytes":"aGk"}},"b":[1,2.5]}'
    """
    parts: list[str] = []
    levels: list[tuple[Iterator[tuple[str, Value]], str]] = [(iter((("", value),)), "")]
    while levels:
        entries, closing = levels[-1]
        for prefix, item in entries:
            parts.append(prefix)
            kind = type(item)
            if kind is list or kind is tuple:
                parts.append("[")
                levels.append((_elements(item), "]"))
                break
            if kind is dict:
                parts.append("{")
                levels.append((_entries(item), "}"))
                break
            parts.append(_scalar(item))
        else:
            parts.append(closing)
            levels.pop()
        if len(levels) > max_depth + 1:
            raise InputError(f"nested deeper than {max_depth} levels", kind="NestingLimitExceeded")
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError as problem:
        raise InputError(f"a text that is no Unicode: {problem.reason}", kind="InvalidText") from None


def _elements(items: list[Value] | tuple[Value, ...]) -> Iterator[tuple[str, Value]]:
    for index, item in enumerate(items):
        yield ("," if index else ""), item


def _entries(mapping: dict[str, Value]) -> Iterator[tuple[str, Value]]:
    if "/" in mapping:
        raise InputError("the key / is reserved in dag-json", kind="ReservedKey")
    for key in mapping:
        if type(key) is not str:
            raise InputError(f"expected a text as the key of a map, found {type(key).__name__}", kind="MapKey")
    for index, key in enumerate(sorted(mapping, key=lambda key: key.encode("utf-8", "surrogatepass"))):
        yield ("," if index else "") + _quote(key) + ":", mapping[key]


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _scalar(item: Value) -> str:
    if item is None or isinstance(item, bool):
        return {None: "null", True: "true", False: "false"}[item]
    if isinstance(item, int):
        if not -(1 << 64) <= item < 1 << 64:
            raise InputError("an integer beyond 64 bits has no encoding", kind="IntegerRange")
        return str(item)
    if isinstance(item, str):
        return _quote(item)
    if isinstance(item, (bytes, bytearray, memoryview)):
        return '{"/":{"bytes":"' + encode_multibase(bytes(item), "base64")[1:] + '"}}'
    if isinstance(item, Cid):
        return '{"/":"' + str(item) + '"}'
    if isinstance(item, float):
        if not isfinite(item):
            raise InputError(f"{item} has no encoding: only finite floats have", kind="InvalidFloat")
        return repr(item).replace("e-0", "e-")
    raise InputError(f"a {type(item).__name__} has no encoding in dag-json", kind="InvalidValue")
