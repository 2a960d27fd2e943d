"""Multibase: bytes as text that names its own alphabet by its first character."""

from __future__ import annotations

from base64 import b32encode, b64encode

from miden.errors import FormatError, InputError

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_BASE32HEX = "0123456789abcdefghijklmnopqrstuv"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_URL = _BASE64.translate(str.maketrans("+/", "-_"))

BASES: dict[str, tuple[str, str, bool]] = {
    "base2": ("0", "01", False),
    "base8": ("7", "01234567", False),
    "base10": ("9", "0123456789", False),
    "base16": ("f", "0123456789abcdef", False),
    "base16upper": ("F", "0123456789ABCDEF", False),
    "base32": ("b", _BASE32, False),
    "base32upper": ("B", _BASE32.upper(), False),
    "base32pad": ("c", _BASE32, True),
    "base32padupper": ("C", _BASE32.upper(), True),
    "base32hex": ("v", _BASE32HEX, False),
    "base32hexupper": ("V", _BASE32HEX.upper(), False),
    "base32hexpad": ("t", _BASE32HEX, True),
    "base32hexpadupper": ("T", _BASE32HEX.upper(), True),
    "base32z": ("h", "ybndrfg8ejkmcpqxot1uwisza345h769", False),
    "base36": ("k", _BASE36, False),
    "base36upper": ("K", _BASE36.upper(), False),
    "base58btc": ("z", _BASE58, False),
    "base58flickr": ("Z", _BASE58[:9] + _BASE58[33:] + _BASE58[9:33], False),
    "base64": ("m", _BASE64, False),
    "base64pad": ("M", _BASE64, True),
    "base64url": ("u", _URL, False),
    "base64urlpad": ("U", _URL, True),
}
"""Name -> (prefix, alphabet, whether it is padded with =)."""

_BY_PREFIX = {prefix: name for name, (prefix, _, _) in BASES.items()}
_FOLDED = {name for name, (_, alphabet, _) in BASES.items() if alphabet.lower() == alphabet or alphabet.upper() == alphabet}
"""Bases of one case only; they are read in either."""

MAX_POSITIONAL = 4096
"""Characters read in a base that is no power of two, four times the bytes written: such a conversion takes quadratic time."""


def encode_multibase(data: bytes, base: str = "base32") -> str:
    """Return bytes as text in a base, with its prefix.

    Raises `InputError` for a base that is not in `BASES`, and for more than 1,024 bytes in one that is no power of two.

    >>> encode_multibase(b"yes mani !", "base58btc")
    'z7paNL19xttacUY'
    """
    if base not in BASES:
        raise InputError(f"unknown base {base!r}", kind="UnknownBase", hint=f"known are {', '.join(BASES)}")
    prefix, alphabet, padded = BASES[base]
    bits = _bits(alphabet)
    return prefix + (_encode_bits(data, alphabet, bits, padded) if bits else _encode_number(data, alphabet))


def decode_multibase(text: str) -> tuple[str, bytes]:
    """Return the base of a text and the bytes it stands for.

    Raises `FormatError` for an unknown prefix, characters outside the alphabet, wrong padding and bits left over.

    >>> decode_multibase("z7paNL19xttacUY")
    ('base58btc', b'yes mani !')
    """
    name = _BY_PREFIX.get(text[:1])
    if name is None:
        raise FormatError(f"no base has the prefix {text[:1]!r}", offset=0, kind="UnknownBase")
    _, alphabet, padded = BASES[name]
    digits = text[1:]
    if name in _FOLDED:
        digits = digits.upper() if alphabet.upper() == alphabet else digits.lower()
    values = {character: value for value, character in enumerate(alphabet)}
    bits = _bits(alphabet)
    if padded:
        digits = _strip_padding(digits, bits)
    for index, character in enumerate(digits):
        if character not in values:
            raise FormatError(f"{character!r} is not in the alphabet of {name}", offset=index + 1, kind="InvalidCharacter")
    numbers = [values[character] for character in digits]
    return name, _decode_bits(numbers, bits) if bits else _decode_number(numbers, len(alphabet))


def _bits(alphabet: str) -> int:
    """Return the bits of a character, 0 if the size of the alphabet is no power of two."""
    size = len(alphabet)
    return size.bit_length() - 1 if size & size - 1 == 0 else 0


def _encode_bits(data: bytes, alphabet: str, bits: int, padded: bool) -> str:
    count = -(-len(data) * 8 // bits)
    if bits == 6:
        text, written = b64encode(data).decode().rstrip("="), _BASE64
    elif bits == 5:
        text, written = b32encode(data).decode().rstrip("="), _BASE32.upper()
    elif bits == 4:
        text, written = data.hex(), alphabet.lower()
    else:
        number = int.from_bytes(data) << count * bits - len(data) * 8
        text, written = (f"{number:0{count}{'o' if bits == 3 else 'b'}}" if count else ""), alphabet
    if alphabet != written:
        text = text.translate(str.maketrans(written, alphabet))
    return text + "=" * (-len(text) % _group(bits)) if padded else text


def _decode_bits(numbers: list[int], bits: int) -> bytes:
    collected = bytearray()
    held = buffer = 0
    for number in numbers:
        buffer, held = buffer << bits | number, held + bits
        if held >= 8:
            held -= 8
            collected.append(buffer >> held)
            buffer &= (1 << held) - 1
    if held >= bits or buffer:
        raise FormatError("the text ends with bits that belong to no byte", offset=len(numbers), kind="TrailingBits")
    return bytes(collected)


def _group(bits: int) -> int:
    """Return the characters that padding completes: the least number that holds whole bytes."""
    size = 1
    while size * bits % 8:
        size += 1
    return size


def _strip_padding(digits: str, bits: int) -> str:
    bare = digits.rstrip("=")
    if len(digits) - len(bare) != -len(bare) % _group(bits):
        raise FormatError("wrong number of padding characters", offset=len(bare) + 1, kind="InvalidPadding")
    return bare


def _encode_number(data: bytes, alphabet: str) -> str:
    if len(data) > MAX_POSITIONAL // 4:
        raise InputError(f"more than {MAX_POSITIONAL // 4} bytes in a base that is no power of two", kind="TextTooLong")
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, len(alphabet))
        text = alphabet[digit] + text
    return alphabet[0] * (len(data) - len(data.lstrip(b"\0"))) + text


def _decode_number(numbers: list[int], base: int) -> bytes:
    if len(numbers) > MAX_POSITIONAL:
        text = f"more than {MAX_POSITIONAL} characters in a base that is no power of two"
        raise FormatError(text, offset=MAX_POSITIONAL, kind="TextTooLong")
    number = zeros = 0
    for digit in numbers:
        number = number * base + digit
        zeros += not number
    return b"\0" * zeros + number.to_bytes(-(-number.bit_length() // 8))
