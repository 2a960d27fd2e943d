"""Multibase: bytes as text that names its own alphabet by its first character."""

from __future__ import annotations

from base64 import b32decode, b32encode, b64decode, b64encode
from binascii import hexlify

from miden.errors import FormatError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_BASE32HEX = "0123456789abcdefghijklmnopqrstuv"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_URL = _BASE64.translate(str.maketrans("+/", "-_"))

_EMOJI = (
    "🚀🪐☄🛰🌌🌑🌒🌓🌔🌕🌖🌗🌘🌍🌏🌎🐉☀💻🖥💾💿😂❤😍🤣😊🙏💕😭😘👍😅👏😁🔥🥰💔💖💙😢🤔😆🙄💪😉☺👌"
    "🤗💜😔😎😇🌹🤦🎉💞✌✨🤷😱😌🌸🙌😋💗💚😏💛🙂💓🤩😄😀🖤😃💯🙈👇🎶😒🤭❣😜💋👀😪😑💥🙋😞😩😡🤪👊🥳"
    "😥🤤👉💃😳✋😚😝😴🌟😬🙃🍀🌷😻😓⭐✅🥺🌈😈🤘💦✔😣🏃💐☹🎊💘😠☝😕🌺🎂🌻😐🖕💝🙊😹🗣💫💀👑🎵🤞😛"
    "🔴😤🌼😫⚽🤙☕🏆🤫👈😮🙆🍻🍃🐶💁😲🌿🧡🎁⚡🌞🎈❌✊👋😰🤨😶🤝🚶💰🍓💢🤟🙁🚨💨🤬✈🎀🍺🤓😙💟🌱😖👶"
    "🥴▶➡❓💎💸⬇😨🌚🦋😷🕺⚠🙅😟😵👎🤲🤠🤧📌🔵💅🧐🐾🍒😗🤑🌊🤯🐷☎💧😯💆👆🎤🙇🍑❄🌴💣🐸💌📍🥀🤢👅"
    "💡💩👐📸👻🤐🤮🎼🥵🚩🍎🍊👼💍📣🥂"
)

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
    "base256emoji": (_EMOJI[0], _EMOJI, False),
}
"""Name -> (prefix, alphabet, whether it is padded with =)."""

_BY_PREFIX = {prefix: name for name, (prefix, _, _) in BASES.items()}
_FOLDED = {name for name, (_, text, _) in BASES.items() if text.isascii() and text in (text.lower(), text.upper())}
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
    bits = _bits(alphabet)
    if padded:
        digits = _strip_padding(digits, bits)
    if not set(alphabet).issuperset(digits):
        index, character = next((index, character) for index, character in enumerate(digits) if character not in alphabet)
        raise FormatError(f"{character!r} is not in the alphabet of {name}", offset=index + 1, kind="InvalidCharacter")
    return name, _decode_bits(digits, alphabet, bits) if bits else _decode_number(digits, alphabet)


def _bits(alphabet: str) -> int:
    """Return the bits of a character, 0 if the size of the alphabet is no power of two."""
    size = len(alphabet)
    return size.bit_length() - 1 if size & size - 1 == 0 else 0


_STANDARD: dict[int, tuple[str, Callable[[str], bytes], Callable[[bytes], bytes]]] = {
    4: ("0123456789abcdef", bytes.fromhex, hexlify),
    5: (_BASE32.upper(), b32decode, b32encode),
    6: (_BASE64, b64decode, b64encode),
    8: (bytes(range(256)).decode("latin-1"), lambda text: text.encode("latin-1"), lambda data: data.decode("latin-1").encode()),
}
"""Bits of a character -> alphabet, reader and writer of the standard library."""


def _encode_bits(data: bytes, alphabet: str, bits: int, padded: bool) -> str:
    if bits in _STANDARD:
        standard, _, write = _STANDARD[bits]
        text = write(data).decode()
        text = (text if bits == 8 else text.rstrip("=")).translate(str.maketrans(standard, alphabet))
    else:
        count = -(-len(data) * 8 // bits)
        number = int.from_bytes(data) << count * bits - len(data) * 8
        text = f"{number:0{count}{'o' if bits == 3 else 'b'}}" if count else ""
    return text + "=" * (-len(text) % _group(bits)) if padded else text


def _decode_bits(digits: str, alphabet: str, bits: int) -> bytes:
    size = len(digits) * bits // 8
    if bits in _STANDARD:
        standard, read, _ = _STANDARD[bits]
        whole = digits + alphabet[0] * (-len(digits) % _group(bits))  # in place of padding, which says no more than the length does
        data = read(whole.translate(str.maketrans(alphabet, standard)))[:size]
    else:
        number = int(digits, 1 << bits) if digits else 0
        data = (number >> len(digits) * bits - size * 8).to_bytes(size)
    if len(digits) * bits - size * 8 >= bits or _encode_bits(data, alphabet, bits, False) != digits:
        raise FormatError("the text ends with bits that belong to no byte", offset=len(digits), kind="TrailingBits")
    return data


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


def _decode_number(digits: str, alphabet: str) -> bytes:
    if len(digits) > MAX_POSITIONAL:
        text = f"more than {MAX_POSITIONAL} characters in a base that is no power of two"
        raise FormatError(text, offset=MAX_POSITIONAL, kind="TextTooLong")
    number, base = 0, len(alphabet)
    for character in digits:
        number = number * base + alphabet.index(character)
    zeros = len(digits) - len(digits.lstrip(alphabet[0]))
    return b"\0" * zeros + number.to_bytes(-(-number.bit_length() // 8))
