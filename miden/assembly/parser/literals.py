"""Numbers, words and strings, each checked where it stands. (assembly.md sections 1.3, 1.4 and 3.)"""

from __future__ import annotations

from miden.assembly.lexer import LONGEST_HEX_VALUE, P, check_token, decimal_value, is_digits, is_string, word_value
from miden.assembly.parser.follow import AFTER_NUMBER
from miden.field import Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.parser.cursor import Cursor

_SURE = 19
"""Digits that cannot exceed p."""


def is_number(text: str) -> bool:
    """Whether a token starts with a digit: decimal, hex or binary."""
    return "0" <= text[:1] <= "9"


def decimal(c: Cursor, what: str = "a decimal number") -> int:
    """Consume a decimal number below 2**64."""
    text = c.texts[c.i]
    if not is_digits(text) or (len(text) > _SURE and check_token(text) is not None):
        raise c.unexpected(what)
    c.i += 1
    return decimal_value(text)


def bounded(c: Cursor, least: int, most: int, what: str) -> int:
    """Consume a decimal number least..=most; out of it is `ImmediateOutOfRange`."""
    start = c.starts[c.i]
    value = decimal(c, what)
    if not least <= value <= most:
        out_of_range(c, least, most, value, start, c.end())
    return value


def out_of_range(c: Cursor, least: int, most: int, value: int, start: int, end: int) -> None:
    """Defer `ImmediateOutOfRange`."""
    message = f"the immediate must be in {least}..={most}, found {value}"
    c.defer("ImmediateOutOfRange", message, start, end, label="out of range")


def felt(c: Cursor, what: str = "a number") -> int:
    """Consume a decimal or hex number below p."""
    text = c.texts[c.i]
    if len(text) <= _SURE and text.isdigit() and text.isascii():
        c.i += 1
        return int(text)
    hexadecimal = text[:2] == "0x"
    if not (hexadecimal or is_digits(text)) or check_token(text) is not None or (hexadecimal and len(text) > LONGEST_HEX_VALUE):
        raise c.unexpected(what)
    c.i += 1
    value = int(text, 16) if hexadecimal else decimal_value(text)
    return value if value < P else _overflow(c, value)


def _overflow(c: Cursor, value: int) -> int:
    message = f"a field element must be below p = {P}, found {value}"
    c.defer("InvalidLiteral", message, c.starts[c.i - 1], c.end(), label="too large", detail="FeltOverflow")
    c.settle_before(AFTER_NUMBER)
    return 0


def u32(c: Cursor, what: str = "a number") -> int:
    """Consume a decimal, hex or binary number below 2**32."""
    text = c.texts[c.i]
    if not is_number(text) or check_token(text) is not None or (text[1:2] == "x" and len(text) > LONGEST_HEX_VALUE):
        raise c.unexpected(what)
    c.i += 1
    prefix = text[1:2]
    value = int(text, 0) if prefix in ("x", "b") else decimal_value(text)
    if value >= 2**32:
        message = f"the immediate must be below 2**32, found {value}"
        c.defer("InvalidLiteral", message, c.starts[c.i - 1], c.end(), label="too large", detail="U32Overflow")
        c.settle_before((".",))
        return 0
    return value


def is_word(text: str) -> bool:
    """Whether a word literal starts here; the hex form only if the token is at least long enough."""
    return text == "[" or (len(text) > LONGEST_HEX_VALUE and text[:2] == "0x")


def word(c: Cursor, what: str = "a word") -> Word:
    """Consume ``[a, b, c, d]`` or a hex word."""
    text = c.texts[c.i]
    if text != "[":
        if not is_word(text) or check_token(text) is not None:
            raise c.unexpected(what)
        c.i += 1
        return Word(word_value(text) or ())
    elements = []
    for before in "[,,,":
        c.expect(before)
        elements.append(felt(c, "an element of a word"))
    c.expect("]")
    return Word(elements)


def string(c: Cursor, what: str = "a string in double quotes") -> str:
    """Consume a quoted token and return the raw text between the quotes."""
    text = c.texts[c.i]
    if not is_string(text):
        raise c.unexpected(what)
    c.i += 1
    return text[1:-1]
