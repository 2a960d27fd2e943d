"""Addresses: text and bytes of the network's own tests, checksums, what is refused, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.actors.address import MAX_ADDRESS, MAX_SUBADDRESS, MAX_TEXT, Address, to_address
from miden.errors import FormatError, InputError

U64 = 2**64 - 1

# pairs of the network's own tests (ref-fvm, shared/tests/address_test.rs)
FROM_KEY = [
    (
        "f15ihq5ibzwki2b4ep2f46avlkrqzhpqgtga7pdrq",
        "049402fac37e6432a416a3a0ca5426b5185ab3b24f6134efa25ce487c82d2e4e13bf452511e0d2245421f8613bc10d72fa216666a96c3bc13920d3ff233fd0bc05",
    ),
    (
        "f12fiakbhe2gwd5cnmrenekasyn6v5tnaxaqizq6a",
        "047687b910379bf28cbe3aea674b12000c6b7dba46ffc05f6c94fe2a22bbcc2602ff7f5c76f21ca55d36959152b0e1e887917c393576eef093f61ebd3ad06f7fda",
    ),
]
FROM_DATA = [
    ("f24vg6ut43yw2h2jqydgbg2xq7x6f4kub3bg6as6i", "76128190cdf068d1418044acc03e0b6781970d60"),
    ("f25nml2cfbljvn4goqtclhifepvfnicv6g7mfmmvq", "2cafb8e2e06bba98ea657c5cf5f42023aa23e88e"),
]
BYTES = [
    ("f00", "0000"),
    ("f010", "000a"),
    ("f0499", "00f303"),
    ("f0999999", "00bf843d"),
    ("f1wbxhu3ypkuo6eyp6hjx6davuelxaxrvwb2kuwva", "01b06e7a6f0f551de261fe3a6fe182b422ee0bc6b6"),
    ("f24dd4ox4c2vpf5vk5wkadgyyn6qtuvgcpxxon64a", "02e0c7c75f82d55e5ed55db28033630df4274a984f"),
    (
        "f3vvmn62lofvhjd2ugzca6sof2j2ubwok6cj4xxbfzz4yuxfkgobpihhd2thlanmsh3w2ptld2gqkn2jvlss4a",
        "03ad58df696e2d4e91ea86c881e938ba4ea81b395e12797b84b9cf314b9546705e839c7a99d606b247ddb4f9ac7a3414dd",
    ),
    ("f432f77777777x32lpna", "0420ffffffffff"),
    ("f418446744073709551615ftnkyfaq", "04ffffffffffffffffff01"),
]


@pytest.mark.parametrize(("text", "key"), FROM_KEY)
def test_f1_is_the_hash_of_a_key(text: str, key: str) -> None:
    assert str(Address.from_secp256k1(bytes.fromhex(key))) == text


@pytest.mark.parametrize(("text", "data"), FROM_DATA)
def test_f2_is_the_hash_of_data(text: str, data: str) -> None:
    assert str(Address.for_actor(bytes.fromhex(data))) == text


@pytest.mark.parametrize(("text", "data"), BYTES)
def test_text_and_bytes_stand_for_each_other(text: str, data: str) -> None:
    address = Address.parse(text)
    assert address.to_bytes().hex() == data
    assert Address.from_bytes(bytes.fromhex(data)) == address
    assert str(address) == text
    assert Address.parse(address.to_text("t")) == address
    assert to_address(text) == to_address(bytes.fromhex(data)) == to_address(address) == address


def test_f4_has_a_name_space_and_a_name() -> None:
    address = Address.delegated(32, b"\xff" * 5)
    assert (str(address), address.namespace, address.subaddress, address.id) == ("f432f77777777x32lpna", 32, b"\xff" * 5, None)
    longest = Address.delegated(U64, bytes(MAX_SUBADDRESS))
    assert len(longest.to_bytes()) == MAX_ADDRESS
    assert Address.parse(str(longest)) == longest
    assert len(str(longest)) <= MAX_TEXT
    assert Address.of(3).namespace is Address.of(3).subaddress is None


def test_the_address_of_a_creation_depends_on_all_of_it() -> None:
    """blake2b-160 over the origin as CBOR, its nonce and the number of the creation, both big-endian."""
    from hashlib import blake2b

    origin = Address.of(1024)
    data = bytes.fromhex("43008008") + (5).to_bytes(8) + (2).to_bytes(8)
    assert Address.for_creation(origin, 5, 2).payload == blake2b(data, digest_size=20).digest()
    made = {Address.for_creation(Address.of(who), nonce, count) for who in (1, 2) for nonce in (0, 1) for count in (0, 1)}
    assert len(made) == 8


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Q2gfvuyh7v2sx3patm5k23wdzmhyhtmqctasbr23y", "UnknownNetwork"),
        ("f5gfvuyh7v2sx3patm5k23wdzmhyhtmqctasbr23y", "UnknownProtocol"),
        ("f2gfvuyh7v2sx3patm5k23wdzmhyhtmqctasbr24y", "InvalidChecksum"),
        ("f0banananananannnnnnnnn", "AddressLength"),
        ("f0banananananannnnnnn", "InvalidPayload"),
        ("f2gfvuyh7v2sx3patm1k23wdzmhyhtmqctasbr24y", "InvalidBase32"),
        ("f2gfvuyh7v2sx3paTm5k23wdzmhyhtmqctasbr23y", "InvalidBase32"),
        ("f2", "AddressLength"),
        ("f1mzxqu", "AddressLength"),
        ("", "AddressLength"),
        ("f" * (MAX_TEXT + 1), "AddressLength"),
        ("f018446744073709551616", "InvalidPayload"),
        ("f0-1", "InvalidPayload"),
        ("f0\u0661", "InvalidPayload"),
        ("f432", "InvalidPayload"),
        ("fömk3zcefvlgpay4f32c5vmruk5gqig6dumc7pz6q", "UnknownProtocol"),
        ("🗻∈🌏ömk3zcefvlgpay4f32c5vmruk5gqig6dumc7", "UnknownNetwork"),
    ],
)
def test_text_that_is_no_address(text: str, kind: str) -> None:
    with pytest.raises(FormatError) as caught:
        Address.parse(text)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "AddressLength"),
        (b"\0", "AddressLength"),
        (bytes((5, 4, 4)), "UnknownProtocol"),
        (bytes((1, *bytes(21))), "PayloadLength"),
        (bytes((1, *bytes(19))), "PayloadLength"),
        (bytes((2, *bytes(21))), "PayloadLength"),
        (bytes((2, *bytes(19))), "PayloadLength"),
        (bytes((3, *bytes(49))), "PayloadLength"),
        (bytes((3, *bytes(47))), "PayloadLength"),
        (b"\4\0" + b"\xff" * (MAX_SUBADDRESS + 1), "PayloadLength"),
        (b"\4\xff", "UnexpectedEnd"),
        (bytes((0, 67, 0, 1)), "TrailingBytes"),
        (bytes((0, 0x80, 0)), "VarintNotMinimal"),
    ],
)
def test_bytes_that_are_no_address(data: bytes, kind: str) -> None:
    with pytest.raises(FormatError) as caught:
        Address.from_bytes(data)
    assert caught.value.kind == kind


def test_keys_and_names_of_the_wrong_size_are_refused() -> None:
    for make, size in ((Address.from_secp256k1, 65), (Address.from_bls, 48)):
        assert make(bytes(size)).is_key
        for wrong in (size - 1, size + 1):
            with pytest.raises(InputError, match=f"expected a key of {size} bytes"):
                make(bytes(wrong))
    with pytest.raises(InputError, match="at most 54 bytes"):
        Address.delegated(10, bytes(MAX_SUBADDRESS + 1))
    with pytest.raises(InputError):
        Address.of(-1)
    with pytest.raises(InputError, match="expected network f or t"):
        Address.of(1).to_text("x")


ADDRESSES = st.one_of(
    st.integers(0, U64).map(Address.of),
    st.binary(min_size=65, max_size=65).map(Address.from_secp256k1),
    st.binary(max_size=40).map(Address.for_actor),
    st.binary(min_size=48, max_size=48).map(Address.from_bls),
    st.builds(Address.delegated, st.integers(0, U64), st.binary(max_size=MAX_SUBADDRESS)),
)


@given(ADDRESSES)
def test_an_address_survives_both_forms(address: Address) -> None:
    assert Address.from_bytes(address.to_bytes()) == address == Address.parse(str(address))
    assert len(address.to_bytes()) <= MAX_ADDRESS


@given(ADDRESSES.filter(lambda address: address.id is None), st.data())
def test_a_mistake_in_typing_is_seen(address: Address, data: st.DataObject) -> None:
    """The checksum finds a changed character (but for one case in four thousand million)."""
    text = str(address)
    start = text.rindex("f") + 1 if address.protocol == 4 else 2
    index = data.draw(st.integers(start, len(text) - 1))
    other = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567").filter(lambda letter: letter != text[index]))
    with pytest.raises(FormatError):
        Address.parse(text[:index] + other + text[index + 1 :])


@given(st.binary(max_size=80))
def test_any_bytes_are_an_address_or_refused(data: bytes) -> None:
    try:
        address = Address.from_bytes(data)
    except FormatError:
        return
    assert address.to_bytes() == data
