"""Varints, multibase, multihash and CIDs."""

from __future__ import annotations

import ast
import csv
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import FormatError, InputError, IntegrityError
from miden.ipld.cid import DAG_CBOR, DAG_PB, RAW, Cid
from miden.ipld.multibase import BASES, MAX_POSITIONAL, decode_multibase, encode_multibase
from miden.ipld.multihash import HASH_CODES, IDENTITY, RPO_256, SHA2_256, decode_multihash, digest, encode_multihash
from miden.ipld.varint import decode_varint, encode_varint
from tests.support.ipld_data import DATA, files, needs_data


@given(st.integers(0, 2**64 - 1))
def test_a_varint_has_one_form(value: int) -> None:
    raw = encode_varint(value)
    assert decode_varint(b"x" + raw + b"y", 1) == (value, 1 + len(raw))


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("", "UnexpectedEnd"),
        ("80", "UnexpectedEnd"),
        ("8000", "VarintNotMinimal"),
        ("ff" * 9 + "02", "VarintRange"),
        ("ff" * 10, "VarintRange"),
    ],
)
def test_a_bad_varint_is_refused(raw: str, kind: str) -> None:
    with pytest.raises(FormatError) as caught:
        decode_varint(bytes.fromhex(raw))
    assert caught.value.kind == kind


def test_a_varint_has_a_range() -> None:
    for value in (-1, 1 << 64):
        with pytest.raises(InputError):
            encode_varint(value)


@given(st.sampled_from(sorted(BASES)), st.binary(max_size=80))
def test_every_base_is_read_back(base: str, data: bytes) -> None:
    assert decode_multibase(encode_multibase(data, base)) == (base, data)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "UnknownBase"),
        ("?abc", "UnknownBase"),
        ("f0g", "InvalidCharacter"),
        ("b1", "InvalidCharacter"),
        ("baa", None),
        ("bab", "TrailingBits"),
        ("ba", "TrailingBits"),
        ("Maa", "InvalidPadding"),
        ("Maa===", "InvalidPadding"),
        ("z" + "2" * (MAX_POSITIONAL + 1), "TextTooLong"),
    ],
)
def test_bad_text_is_refused(text: str, kind: str | None) -> None:
    if kind is None:
        assert decode_multibase(text) == ("base32", b"\0")
        return
    with pytest.raises(FormatError) as caught:
        decode_multibase(text)
    assert caught.value.kind == kind


@needs_data
@pytest.mark.parametrize("name", ["basic", "leading_zero", "two_leading_zeros", "case_insensitivity"])
def test_the_published_values_of_multibase(name: str) -> None:
    lines = (DATA / "multiformats" / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    rows = [line.split(", ", 1) for line in lines]
    exact = name != "case_insensitivity"
    value = ast.literal_eval("b" + rows[0][1]) if exact else b"hello world"
    checked = 0
    for base, quoted in rows[1:]:
        text = quoted.strip('"')
        assert decode_multibase(text) == (base, value)
        assert not exact or encode_multibase(value, base) == text
        checked += 1
    assert checked >= 5


@needs_data
def test_the_published_values_of_multihash() -> None:
    exact = ("sha1", "sha2-256", "sha2-512")
    names = {**{name: name for name in exact}, "blake2b": "blake2b-{}", "blake2s": "blake2s-{}", "sha3": "sha3-512"}
    checked = 0
    with (DATA / "multiformats" / "test_cases.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = names[row["algorithm"]].format(row["bits"])
            code, size = HASH_CODES[name], int(row["bits"]) // 8
            raw = bytes.fromhex(row["multihash"])
            assert (
                encode_multihash(code, digest(code, row["input"].encode(), size)) == raw
                or encode_multihash(code, digest(code, bytes.fromhex(row["input"]), size)) == raw
            )
            assert decode_multihash(raw)[0] == code
            checked += 1
    assert checked == 260


def test_an_unknown_hash_function_is_an_error_not_a_pass() -> None:
    cid = Cid(1, RAW, 0x99, b"x" * 32)
    with pytest.raises(InputError) as caught:
        cid.verify(b"data")
    assert caught.value.kind == "UnknownHash"


def test_rpo_takes_elements_only() -> None:
    assert len(digest(RPO_256, bytes(16))) == 32
    for data in (b"x", b"\xff" * 8):
        with pytest.raises(FormatError):
            digest(RPO_256, data)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.binary(max_size=64), st.sampled_from(sorted(BASES)))
def test_a_cid_is_read_back(codec: int, hash_code: int, value: bytes, base: str) -> None:
    cid = Cid(1, codec, hash_code, value)
    assert Cid.from_bytes(cid.to_bytes()) == cid == Cid.parse(cid.to_text(base)) == pickle.loads(pickle.dumps(cid))  # noqa: S301
    assert hash(cid) == hash(Cid.from_bytes(cid.to_bytes()))


def test_version_0() -> None:
    text = "QmNX6Tffavsya4xgBi2VJQnSuqy9GsxongxZZ9uZBqp16d"
    cid = Cid.parse(text)
    assert (cid.version, cid.codec, cid.hash_code) == (0, DAG_PB, SHA2_256)
    assert str(cid) == text
    assert Cid.from_bytes(cid.to_bytes()) == cid
    assert len(cid.to_bytes()) == 34
    with pytest.raises(InputError):
        cid.to_text("base32")
    with pytest.raises(InputError):
        Cid(0, RAW, SHA2_256, bytes(32))


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "01",
        "0171",
        "017112",
        "01711220" + "00" * 31,
        "01711220" + "00" * 33,
        "02711220" + "00" * 32,
        "8100711220" + "00" * 32,
        "01f1001220" + "00" * 32,
        "01710041" + "00" * 65,
        "1220" + "00" * 31,
        "1220" + "00" * 33,
    ],
)
def test_a_bad_cid_is_refused(raw: str) -> None:
    with pytest.raises(FormatError):
        Cid.from_bytes(bytes.fromhex(raw))


def test_version_0_is_not_written_with_a_base() -> None:
    raw = bytes.fromhex("1220" + "00" * 32)
    with pytest.raises(FormatError) as caught:
        Cid.parse(encode_multibase(raw, "base32"))
    assert caught.value.kind == "CidVersion"


def test_a_cid_is_immutable() -> None:
    cid = Cid.of(b"hi", RAW)
    with pytest.raises(AttributeError):
        cid.codec = 1  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del cid.codec


def test_a_wrong_block_is_noticed_with_both_digests() -> None:
    cid = Cid.of(b"right", DAG_CBOR)
    cid.verify(b"right")
    with pytest.raises(IntegrityError) as caught:
        cid.verify(b"wrong")
    assert caught.value.expected == cid.digest.hex() != caught.value.found


def test_a_cut_digest_of_nothing_matches_nothing() -> None:
    assert not Cid(1, RAW, SHA2_256, b"").matches(b"anything")
    assert Cid(1, RAW, IDENTITY, b"").matches(b"")
    assert not Cid(1, RAW, IDENTITY, b"").matches(b"x")


@needs_data
def test_the_fixtures_are_named_by_their_cids() -> None:
    paths = files("codec-fixtures/fixtures", "*/*.dag-*")
    for path in paths:
        cid = Cid.parse(path.name.split(".")[0])
        assert str(cid) == path.name.split(".")[0]
        cid.verify(path.read_bytes())
    assert len(paths) == 273
