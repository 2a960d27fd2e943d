"""Addresses of actors: by number, by the hash of a key or of a creation, by a key, or given out by another actor.

Five protocols, in text behind ``f`` (or ``t`` on test networks): f0 an actor's ID, f1 the hash of a secp256k1 key, f2 the hash of
how an actor was created, f3 a BLS key, f4 a name space (the ID of the actor that manages it) with a name in it. Text of f1 to f4
ends with a checksum. (fvm.md section 2.10.)
"""

from __future__ import annotations

from hashlib import blake2b

from miden.errors import FormatError, InputError
from miden.ipld import dagcbor
from miden.ipld.multibase import decode_multibase, encode_multibase
from miden.ipld.varint import decode_varint, encode_varint

ID = 0
SECP256K1 = 1
ACTOR = 2
BLS = 3
DELEGATED = 4

HASH_SIZE = 20
SECP256K1_KEY_SIZE = 65
BLS_KEY_SIZE = 48
MAX_SUBADDRESS = 54
MAX_ADDRESS = 65
"""Bytes of the longest address."""
MAX_TEXT = 138
"""Characters of the longest address."""
CHECKSUM_SIZE = 4

_SIZES = {SECP256K1: HASH_SIZE, ACTOR: HASH_SIZE, BLS: BLS_KEY_SIZE}
_NETWORKS = ("f", "t")
_MAX_DIGITS = 20


class Address:
    """An address. Immutable, hashable; equal if and only if the bytes are equal.

    Make one with `Address.of` for an actor's ID, `parse` from text, `from_bytes` from bytes, or from a key.

    >>> Address.of(1024), Address.parse("f01024").to_bytes().hex()
    (Address('f01024'), '008008')
    >>> Address.parse("f1xcbgdhkgkwht3hrrnui3jdopeejsoatkzmoltqy").protocol
    1
    """

    __slots__ = ("_bytes", "id")

    id: int | None
    """The ID of an actor, for protocol 0 only."""

    def __init__(self, data: bytes) -> None:
        self._bytes, self.id = bytes(data), _check(data)

    @classmethod
    def of(cls, actor_id: int) -> Address:
        """Return the f0 address of an actor; raises `InputError` unless the ID fits 64 bits."""
        made = cls.__new__(cls)
        made._bytes, made.id = b"\0" + encode_varint(actor_id), actor_id
        return made

    @classmethod
    def from_bytes(cls, data: bytes) -> Address:
        """Read an address; raises `FormatError`."""
        return cls(data)

    @classmethod
    def from_secp256k1(cls, key: bytes) -> Address:
        """Return the f1 address of an uncompressed public key of 65 bytes; raises `InputError`."""
        if len(key) != SECP256K1_KEY_SIZE:
            raise InputError(f"expected a key of {SECP256K1_KEY_SIZE} bytes, found {len(key)}", kind="KeySize")
        return cls(bytes((SECP256K1,)) + _hash(key))

    @classmethod
    def from_bls(cls, key: bytes) -> Address:
        """Return the f3 address of a public key of 48 bytes; raises `InputError`."""
        if len(key) != BLS_KEY_SIZE:
            raise InputError(f"expected a key of {BLS_KEY_SIZE} bytes, found {len(key)}", kind="KeySize")
        return cls(bytes((BLS,)) + key)

    @classmethod
    def for_actor(cls, data: bytes) -> Address:
        """Return the f2 address that stands for `data`."""
        return cls(bytes((ACTOR,)) + _hash(data))

    @classmethod
    def for_creation(cls, origin: Address, nonce: int, count: int) -> Address:
        """Return the f2 address of the actor created as number `count` (from 0) by message `nonce` of `origin`."""
        return cls.for_actor(dagcbor.encode(origin._bytes) + nonce.to_bytes(8) + count.to_bytes(8))

    @classmethod
    def delegated(cls, namespace: int, subaddress: bytes) -> Address:
        """Return the f4 address that actor `namespace` gives out; raises `InputError` for more than 54 bytes."""
        if len(subaddress) > MAX_SUBADDRESS:
            raise InputError(f"expected at most {MAX_SUBADDRESS} bytes, found {len(subaddress)}", kind="SubaddressSize")
        return cls(bytes((DELEGATED,)) + encode_varint(namespace) + subaddress)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address of either kind of network from text; raises `FormatError` that says what is wrong with it."""
        if not 3 <= len(text) <= MAX_TEXT:
            raise FormatError(f"an address has 3 to {MAX_TEXT} characters, not {len(text)}", kind="AddressLength")
        if text[0] not in _NETWORKS:
            raise FormatError(
                f"an address starts with f, or with t on test networks, not with {text[0]!r}", offset=0, kind="UnknownNetwork"
            )
        if text[1] not in "01234":
            raise FormatError(f"the protocol of an address is 0 to 4, not {text[1]!r}", offset=1, kind="UnknownProtocol")
        protocol, rest = int(text[1]), text[2:]
        if protocol == ID:
            return cls.of(_number(rest))
        prefix = b""
        if protocol == DELEGATED:
            digits, separator, rest = rest.partition("f")
            if not separator:
                raise FormatError("expected an f between the name space and the name", offset=2, kind="InvalidPayload")
            prefix = encode_varint(_number(digits))
        return cls(bytes((protocol,)) + prefix + _unseal(protocol, prefix, rest))

    @property
    def protocol(self) -> int:
        """0 to 4."""
        return self._bytes[0]

    @property
    def payload(self) -> bytes:
        """The bytes behind the protocol."""
        return self._bytes[1:]

    @property
    def namespace(self) -> int | None:
        """The ID of the actor that gives out an f4 address, None for others."""
        return decode_varint(self._bytes, 1)[0] if self._bytes[0] == DELEGATED else None

    @property
    def subaddress(self) -> bytes | None:
        """The name in the name space of an f4 address, None for others."""
        return self._bytes[decode_varint(self._bytes, 1)[1] :] if self._bytes[0] == DELEGATED else None

    @property
    def is_key(self) -> bool:
        """Whether it stands for a key: f1 or f3."""
        return self._bytes[0] in (SECP256K1, BLS)

    def to_bytes(self) -> bytes:
        """Return the binary form."""
        return self._bytes

    __bytes__ = to_bytes

    def to_text(self, network: str = "f") -> str:
        """Return the address as text; `network` is ``f``, or ``t`` for test networks."""
        if network not in _NETWORKS:
            raise InputError(f"expected network f or t, found {network!r}", kind="UnknownNetwork")
        protocol, payload = self._bytes[0], self._bytes[1:]
        start = f"{network}{protocol}"
        if protocol == ID:
            return f"{start}{self.id}"
        if protocol != DELEGATED:
            return start + _seal(protocol, b"", payload)
        namespace, end = decode_varint(payload)
        return f"{start}{namespace}f{_seal(protocol, payload[:end], payload[end:])}"

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"Address({self.to_text()!r})"

    def __eq__(self, other: object) -> bool:
        return self._bytes == other._bytes if isinstance(other, Address) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._bytes)


def to_address(value: Address | str | bytes | int) -> Address:
    """Return an address from an ID, text, bytes, or an address.

    >>> to_address(7), to_address("f07")
    (Address('f07'), Address('f07'))
    """
    if isinstance(value, Address):
        return value
    if isinstance(value, str):
        return Address.parse(value)
    if isinstance(value, bytes):
        return Address(value)
    return Address.of(value)


def _check(data: bytes) -> int | None:
    """Raise `FormatError` unless bytes are an address; return the ID that it has."""
    if len(data) < 2:
        raise FormatError(f"an address has at least 2 bytes, not {len(data)}", offset=0, kind="AddressLength")
    protocol = data[0]
    if protocol in _SIZES:
        if len(data) - 1 != _SIZES[protocol]:
            text = f"expected {_SIZES[protocol]} bytes in an address of protocol {protocol}, found {len(data) - 1}"
            raise FormatError(text, offset=1, kind="PayloadLength")
        return None
    if protocol not in (ID, DELEGATED):
        raise FormatError(f"the protocol of an address is 0 to 4, not {protocol}", offset=0, kind="UnknownProtocol")
    number, end = decode_varint(data, 1)
    if protocol == ID:
        if end != len(data):
            raise FormatError(f"{len(data) - end} bytes behind the ID of an actor", offset=end, kind="TrailingBytes")
        return number
    if len(data) - end > MAX_SUBADDRESS:
        raise FormatError(f"expected at most {MAX_SUBADDRESS} bytes in a name, found {len(data) - end}", offset=end, kind="PayloadLength")
    return None


def _number(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise FormatError(f"an ID has at most {_MAX_DIGITS} digits, not {len(digits)}", offset=2, kind="AddressLength")
    number = int(digits) if digits.isascii() and digits.isdigit() else -1
    if not 0 <= number < 1 << 64:
        raise FormatError(f"expected the ID of an actor, found {digits!r}", offset=2, kind="InvalidPayload")
    return number


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=HASH_SIZE).digest()


def _checksum(protocol: int, prefix: bytes, payload: bytes) -> bytes:
    return blake2b(bytes((protocol,)) + prefix + payload, digest_size=CHECKSUM_SIZE).digest()


def _seal(protocol: int, prefix: bytes, payload: bytes) -> str:
    """Return a payload with its checksum as text."""
    return encode_multibase(payload + _checksum(protocol, prefix, payload))[1:]


def _unseal(protocol: int, prefix: bytes, text: str) -> bytes:
    """Return the payload of a text whose checksum is right."""
    if text != text.lower():
        raise FormatError("an address is written in lower case", kind="InvalidBase32")
    try:
        sealed = decode_multibase("b" + text)[1]
    except FormatError as problem:
        raise FormatError(f"an address that is no base32: {problem.message}", kind="InvalidBase32") from problem
    if len(sealed) < CHECKSUM_SIZE:
        raise FormatError(f"expected a checksum of {CHECKSUM_SIZE} bytes, found {len(sealed)}", kind="AddressLength")
    payload, checksum = sealed[:-CHECKSUM_SIZE], sealed[-CHECKSUM_SIZE:]
    if checksum != _checksum(protocol, prefix, payload):
        raise FormatError("the checksum of an address is wrong", kind="InvalidChecksum", hint="check the text for a mistake in typing")
    return payload
