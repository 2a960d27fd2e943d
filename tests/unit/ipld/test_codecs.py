"""dag-cbor, dag-json, and the links of blocks."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import FormatError, InputError
from miden.ipld import dagcbor, dagjson
from miden.ipld.cid import CBOR, DAG_CBOR, DAG_JSON, DAG_PB, RAW, Cid
from miden.ipld.links import links, scan_dagcbor
from tests.strategies.ipld import VALUES
from tests.support.ipld_data import files, needs_data, state_blocks

try:
    from miden._core import dagcbor as core
except ImportError:
    core = None  # type: ignore[assignment]

CID = Cid.of(b"hi", RAW)
FAILED = object()


def same(left: Any, right: Any) -> bool:
    """Compare with types, and floats by sign."""
    return dagcbor.encode(left) == dagcbor.encode(right)


def walk(value: Any) -> list[Cid]:
    if isinstance(value, Cid):
        return [value]
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return [cid for item in inner for cid in walk(item)]


@given(VALUES)
def test_dagcbor_is_read_back(value: Any) -> None:
    raw = dagcbor.encode(value)
    assert same(dagcbor.decode(raw), value)
    assert same(dagcbor.readable_decode(raw), value)
    assert dagcbor.readable_encode(value) == raw


@pytest.mark.skipif(core is None, reason="the core is not built: there is one reader only")
@given(st.binary(max_size=60) | VALUES.map(dagcbor.encode), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=2))
def test_both_readers_agree_on_any_bytes(raw: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(raw)
    for place, byte in changes:
        if changed:
            changed[place % len(changed)] = byte
    data = bytes(changed)
    try:
        expected = dagcbor.readable_decode(data)
    except FormatError:
        assert core.decode(data, dagcbor.MAX_DEPTH, Cid, FAILED) is FAILED
    else:
        assert same(core.decode(data, dagcbor.MAX_DEPTH, Cid, FAILED), expected)
    scan, found = scan_dagcbor(data), core.scan(data)
    assert found == (None if scan.error is not None else ([raw for raw, _ in scan.links], scan.fields))


@given(VALUES)
def test_a_scan_finds_the_links_of_the_value(value: Any) -> None:
    raw = dagcbor.encode(value)
    assert sorted(links(DAG_CBOR, raw)) == sorted(walk(value))
    scan = scan_dagcbor(raw)
    assert scan.error is None
    assert scan.fields >= len(scan.links)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_typed_error(raw: bytes) -> None:
    try:
        value = dagcbor.decode(raw)
    except FormatError as error:
        assert error.offset is not None
    else:
        assert dagcbor.encode(value) == raw
        assert scan_dagcbor(raw).error is None


@given(VALUES, st.data())
def test_a_changed_byte_gives_another_value_or_an_error(value: Any, data: st.DataObject) -> None:
    raw = bytearray(dagcbor.encode(value))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        changed = dagcbor.decode(bytes(raw))
    except FormatError:
        return
    assert not same(changed, value)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("", "UnexpectedEnd"),
        ("1800", "NotMinimal"),
        ("190001", "NotMinimal"),
        ("1a0000ffff", "NotMinimal"),
        ("1b00000000ffffffff", "NotMinimal"),
        ("780161", "NotMinimal"),
        ("5801", "NotMinimal"),
        ("1c", "InvalidHead"),
        ("5f4100ff", "InvalidHead"),
        ("9fff", "InvalidHead"),
        ("bfff", "InvalidHead"),
        ("ff", "InvalidSimple"),
        ("f7", "InvalidSimple"),
        ("f820", "InvalidSimple"),
        ("e0", "InvalidSimple"),
        ("f93c00", "InvalidSimple"),
        ("fa3f800000", "InvalidSimple"),
        ("fb7ff8000000000000", "InvalidFloat"),
        ("fb7ff0000000000000", "InvalidFloat"),
        ("fbfff0000000000000", "InvalidFloat"),
        ("fb3ff000", "UnexpectedEnd"),
        ("61ff", "InvalidText"),
        ("63eda080", "InvalidText"),
        ("62", "UnexpectedEnd"),
        ("a10001", "MapKey"),
        ("a1f6f6", "MapKey"),
        ("a14161f6", "MapKey"),
        ("a2616200616100", "MapOrder"),
        ("a262616100616200", "MapOrder"),
        ("a2616100616100", "DuplicateKey"),
        ("c000", "InvalidTag"),
        ("c249010000000000000000", "InvalidTag"),
        ("d82a00", "InvalidLink"),
        ("d82a40", "InvalidLink"),
        ("d82a4101", "InvalidLink"),
        ("d82a4100", "InvalidLink"),
        ("d82a6100", "InvalidLink"),
        ("d82b" + "5825" + "00" * 37, "InvalidTag"),
        ("0000", "TrailingBytes"),
        ("82", "UnexpectedEnd"),
        ("9bffffffffffffffff", "UnexpectedEnd"),
        ("bb8000000000000000", "UnexpectedEnd"),
        ("81" * 1025 + "00", "NestingLimitExceeded"),
    ],
)
def test_what_dagcbor_does_not_have_is_refused(raw: str, kind: str) -> None:
    for decode in (dagcbor.decode, dagcbor.readable_decode):
        with pytest.raises(FormatError) as caught:
            decode(bytes.fromhex(raw))
        assert caught.value.kind == kind


def test_depth_is_a_limit_not_a_stack() -> None:
    raw = b"\x81" * 100_000 + b"\x80"
    value = dagcbor.decode(raw, max_depth=100_001)
    assert dagcbor.encode(value, max_depth=100_001) == raw
    while value:  # taken apart level by level: letting go of it at once is the interpreter's business
        value = value[0]


def test_what_has_no_encoding_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    cases = [
        (object(), "InvalidValue"),
        ({1: 2}, "MapKey"),
        (1 << 64, "IntegerRange"),
        (-(1 << 64) - 1, "IntegerRange"),
        (math.nan, "InvalidFloat"),
        (math.inf, "InvalidFloat"),
        ("\ud800", "InvalidText"),
        ({"\udfff": 1}, "InvalidText"),
        (endless, "NestingLimitExceeded"),
        ({1, 2}, "InvalidValue"),
    ]
    for value, kind in cases:
        with pytest.raises(InputError) as caught:
            dagcbor.encode(value)
        assert caught.value.kind == kind
    for value in (endless, math.nan, 1 << 64, "\ud800", object(), {1: 2}, {"/": 1}):
        with pytest.raises(InputError):
            dagjson.encode(value)


@given(VALUES.filter(lambda value: "/" not in repr(value)))
def test_dagjson_is_read_back(value: Any) -> None:
    assert same(dagjson.decode(dagjson.encode(value)), value)


@given(st.binary(max_size=40) | st.text(max_size=40))
def test_any_text_is_a_value_or_a_typed_error(raw: bytes | str) -> None:
    try:
        dagjson.decode(raw)
    except FormatError:
        return


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nul",
        "NaN",
        "-Infinity",
        "1e999",
        "18446744073709551616",
        "9" * 10_000,
        '{"a":1,"a":2}',
        '{"/":1}',
        '{"/":"bafy","b":1}',
        '{"/":"zzz"}',
        '{"/":{"bytes":"?"}}',
        '{"/":{"bytes":1}}',
        '"\\ud800"',
        "[" * 5000,
        "[" * 257 + "]" * 257,
        '{"a":' * 300 + "1" + "}" * 300,
        "1 2",
    ],
)
def test_what_dagjson_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        dagjson.decode(text)


def test_brackets_in_texts_do_not_nest() -> None:
    assert dagjson.decode(json.dumps(['[{"\\' * 500])) == ['[{"\\' * 500]


@needs_data
def test_all_fixtures_are_read_and_written_exactly() -> None:
    codecs = {"dag-cbor": dagcbor, "dag-json": dagjson}
    checked = 0
    for folder in files("codec-fixtures/fixtures", "*/"):
        values = []
        for path in folder.glob("*.dag-*"):
            codec = codecs.get(path.suffix[1:])
            if codec is None:  # dag-pb, of which only the links are read
                continue
            values.append(codec.decode(path.read_bytes()))
            assert codec.encode(values[-1]) == path.read_bytes(), path
            checked += 1
        assert len(values) < 2 or same(*values)
    assert checked == 256


@needs_data
def test_all_negative_fixtures_are_refused() -> None:
    checked = 0
    for name, codec in (("dag-cbor", dagcbor), ("dag-json", dagjson)):
        for path in files(f"codec-fixtures/negative-fixtures/{name}/decode", "*.json"):
            for case in json.loads(path.read_text(encoding="utf-8")):
                with pytest.raises(FormatError):
                    codec.decode(bytes.fromhex(case["hex"]))
                checked += 1
    assert checked == 2


@needs_data
def test_links_of_dagpb_are_those_of_the_same_value_in_another_codec() -> None:
    checked = 0
    for path in files("codec-fixtures/fixtures", "*/*.dag-pb"):
        [twin] = path.parent.glob("*.dag-cbor")
        assert links(DAG_PB, path.read_bytes()) == walk(dagcbor.decode(twin.read_bytes())), path
        checked += 1
    assert checked == 17


@needs_data
def test_negative_fixtures_of_dagpb_are_refused() -> None:
    [path] = files("codec-fixtures/negative-fixtures/dag-pb/decode", "*.json")
    cases = json.loads(path.read_text(encoding="utf-8"))
    for case in cases:
        with pytest.raises(FormatError):
            links(DAG_PB, bytes.fromhex(case["hex"]))
    assert len(cases) == 9


@pytest.mark.parametrize(
    "raw",
    ["08", "0800", "0a05aa", "0a000a00", "1a00", "0b00", "1208" + "1800" + "0a0401550000", "12030a01ff"],
)
def test_what_dagpb_does_not_have_is_refused(raw: str) -> None:
    with pytest.raises(FormatError):
        links(DAG_PB, bytes.fromhex(raw))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_node_of_dagpb_or_a_typed_error(raw: bytes) -> None:
    with suppress(FormatError):
        assert all(isinstance(cid, Cid) for cid in links(DAG_PB, raw))


@needs_data
def test_recorded_state_is_read_and_written_exactly_and_its_links_agree() -> None:
    count = found = 0
    for section in state_blocks():
        value = dagcbor.decode(section.data)
        assert dagcbor.encode(value) == section.data
        assert links(section.cid.codec, section.data) == walk_in_order(value)
        count, found = count + 1, found + len(links(section.cid.codec, section.data))
        if count == 1500:
            break
    assert found > 1000


def walk_in_order(value: Any) -> list[Cid]:
    """Return links in the order of the bytes: that of lists, and of maps as they were read."""
    return walk(value)


def test_links_by_codec() -> None:
    value = {"a": [CID], "b": {"c": CID}}
    assert links(DAG_CBOR, dagcbor.encode(value)) == [CID, CID] == links(DAG_JSON, dagjson.encode(value))
    assert links(RAW, dagcbor.encode(value)) == [] == links(CBOR, dagcbor.encode(value))
    with pytest.raises(InputError):
        links(0x99, b"")
    with pytest.raises(FormatError):
        links(DAG_CBOR, b"\x82\x00")


@pytest.mark.parametrize("raw", ["1800", "a2616200616100", "61ff", "f7", "fa3f800000", "a10001", "c000"])
def test_a_scan_passes_over_what_only_a_strict_reader_refuses(raw: str) -> None:
    assert scan_dagcbor(bytes.fromhex(raw)).error is None


@pytest.mark.parametrize(
    "raw", ["", "1c", "ff", "5f", "82", "0000", "9bffffffffffffffff", "bbffffffffffffffff", "d82a", "d82a40", "d82a4101", "d82a4100", "42"]
)
def test_a_scan_refuses_what_has_no_structure(raw: str) -> None:
    assert scan_dagcbor(bytes.fromhex(raw)).error is not None


def test_the_fields_of_a_nested_block() -> None:
    inner = dagcbor.encode([1, CID])
    scan = scan_dagcbor(inner)
    assert (scan.fields, [before for _, before in scan.links]) == (3, [3])
