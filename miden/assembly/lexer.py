"""Text to tokens: one regular expression, one match per token, no token objects. (assembly.md section 1.)

The regular expression is the definition; where the core is built it finds the same tokens, faster, and without the
import of `re`, which takes longer than assembling a small program.

`tokenize` returns three parallel lists, `texts`, `starts` and `ends`, closed by the end-of-file token ``""``. The text
of a token says what it is: fixed tokens (punctuation and keywords) are themselves, others are told apart by their
first characters (`token_class`). Comments and white space are part of the match of the token that follows.

The lexer never fails. A malformed token is in the list like any other; `check_token` says what is wrong with it, and
the parser asks when it looks at it. That way the first problem of a text is the one that is reported.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable
    from typing import TypeAlias

    from miden.assembly.source import SourceFile

    Tokens: TypeAlias = tuple[list[str], list[int], list[int]]

    scan: Callable[[str, int, dict[str, str], str], Tokens]

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
"""Unicode White_Space, which is not what `str.isspace` calls white space."""

_ASCII_SPACE = WHITE_SPACE[:6]

# The two groups of a match tile the text: trivia, then a token. Quantifiers are possessive, so that time is linear.
_PATTERN = r"""
    ( (?: [%s]++ | \#(?!!)[^\n]*+ )*+ )
    (
        exp\.u
      | [a-z][A-Za-z0-9_]*+
      | [.,=()\[\]{}<>@+*;!] (?: (?<=\.)\. )?+
      | ::?+ | ->?+ | //?+
      | 0x[0-9A-Fa-f]*+ | 0b[01]*+ | [0-9]++
      | (?: [A-Z] | _(?=[A-Za-z0-9]) ) [A-Za-z0-9_]*+
      | "(?: [^"\\\n]++ | \\["\n]?+ )*+ "?+
      | \#![^\n]*+ (?: \n\#![^\n]*+ )*+ \n?+
      | \$[a-z0-9_]*+
      | .
      | \Z
    )
"""

_compiled: dict[str, re.Pattern[str]] = {}


def _pattern(spaces: str) -> re.Pattern[str]:
    pattern = _compiled.get(spaces)
    if pattern is None:
        import re

        pattern = _compiled[spaces] = re.compile(_PATTERN % re.escape(spaces), re.VERBOSE)
    return pattern


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KEYWORDS: frozenset[str] = _words(
    """
    add addrspace adv adv_loadw adv_map adv_pipe adv_push adv_stack and assert assert_eq assert_eqw assertz begin breakpoint byte call
    caller cdrop cdropw clk const crypto_stream cswap cswapw debug div drop dropw dup dupw dyncall dynexec else emit end enum eq eqw err
    eval_circuit event exec exp exp.u export ext2add ext2div ext2inv ext2mul ext2neg ext2sub false felt fri_ext2fold4 gt gte has_mapkey
    hash hmerge horner_eval_base horner_eval_ext hperm i1 i128 i16 i32 i64 i8 if ilog2 insert_hdword insert_hdword_d insert_hperm
    insert_hqword insert_mem inv is_odd loc_load loc_loadw loc_loadw_be loc_loadw_le loc_store loc_storew loc_storew_be loc_storew_le
    local locaddr log_precompile lt lte mem mem_load mem_loadw mem_loadw_be mem_loadw_le mem_store mem_storew mem_storew_be
    mem_storew_le mem_stream movdn movdnw movup movupw mtree_get mtree_merge mtree_set mtree_verify mul neg neq nop not or padw pow2
    proc procref ptr pub push push_mapval push_mapval_count push_mapvaln push_mtnode repeat reversedw reversew sdepth stack struct sub
    swap swapdw swapw syscall trace true type u128 u16 u32 u32and u32assert u32assert2 u32assertw u32cast u32clo u32clz u32cto u32ctz
    u32div u32divmod u32gt u32gte u32lt u32lte u32max u32min u32mod u32not u32or u32overflowing_add u32overflowing_add3
    u32overflowing_madd u32overflowing_mul u32overflowing_sub u32popcnt u32rotl u32rotr u32shl u32shr u32split u32test u32testw
    u32wrapping_add u32wrapping_add3 u32wrapping_madd u32wrapping_mul u32wrapping_sub u32xor u64 u8 use while word xor
    """
)
"""All reserved words (assembly.md section 1.5)."""

NOT_NAMES: frozenset[str] = _words(
    """
    breakpoint enum event export false fri_ext2fold4 has_mapkey horner_eval_base horner_eval_ext if insert_hdword insert_hdword_d
    insert_hperm insert_hqword insert_mem log_precompile mtree_get mtree_set nop pub push_mapval push_mapval_count push_mapvaln
    push_mtnode struct true type use while
    """
)
"""Reserved words that cannot be used as a name; all others can."""

PUNCTUATION: frozenset[str] = _words("@ ! : :: ; . .. , = < > { } [ ] ( ) - -> + / // *")

_FIXED: dict[str, str] = {text: text for text in (*KEYWORDS, *PUNCTUATION)}

_CHUNK = 2**20

P = 2**64 - 2**32 + 1

LONGEST_HEX_VALUE = 18
"""Characters of the longest hex literal that is a number; a longer one that is valid is a word."""


def tokenize(source: SourceFile) -> Tokens:
    """Return texts, start and end offsets of all tokens of `source`, the last being end of file, ``""``.

    The end-of-file token stands where the last token or comment ends. Time and memory are linear in the text.

    >>> from miden.assembly.source import SourceFile
    >>> tokenize(SourceFile("dup.15 # copy"))
    (['dup', '.', '15', ''], [0, 3, 4, 13], [3, 4, 6, 13])
    """
    text, end = source.text, source.end
    texts, starts, ends = scan(text, end, _FIXED, WHITE_SPACE)
    place = _end_of_file(text, ends[-1] if ends else 0, end)
    texts.append("")
    starts.append(place)
    ends.append(place)
    return texts, starts, ends


def readable_scan(text: str, end: int, fixed: dict[str, str], spaces: str) -> Tokens:
    """Return texts, starts and ends of the tokens in text[:end]; a text that is in `fixed` is the object there."""
    from itertools import accumulate, chain

    pattern = _pattern(_ASCII_SPACE if text.isascii() else spaces)
    get = fixed.get
    texts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    chunk = _CHUNK
    while True:
        # Chunks bound the memory of the matches. The last match of a chunk may be cut short, and `exp` before it may be the
        # start of `exp.u`: both are made again.
        pairs = pattern.findall(text, position, min(position + chunk, end))
        while pairs and not pairs[-1][1]:
            pairs.pop()
        is_last = position + chunk >= end
        if not is_last:
            if len(pairs) < 3:
                chunk *= 2
                continue
            del pairs[-2:]
        bounds = list(accumulate(map(len, chain.from_iterable(pairs)), initial=position))
        found = [pair[1] for pair in pairs]
        texts += map(get, found, found)
        starts += bounds[1::2]
        ends += bounds[2::2]
        if is_last:
            return texts, starts, ends
        position = bounds[-1]
        chunk = _CHUNK


try:
    from miden._core.lexer import scan
except ImportError:
    scan = readable_scan


def _end_of_file(text: str, begin: int, end: int) -> int:
    """Return where the end-of-file token is placed: behind the last token, which ends at `begin`, or the last comment."""
    comment = text.rfind("#", begin, end)
    if comment < 0:
        return begin
    line_break = text.find("\n", comment, end)
    return end if line_break < 0 else line_break + 1


# --- what a token is ------------------------------------------------------------------------------------------


def token_class(text: str) -> str:
    """Return the class of a token: itself if fixed, else one of the classes below.

    "end of file", "identifier", "constant identifier", "integer", "hex value", "hex word", "binary value",
    "quoted identifier", "quoted string", "doc comment", or "invalid" if `check_token` finds fault with it.

    >>> [token_class(text) for text in ("add", "foo", "FOO", "12", "0xff", '"a b"', "$kernel", "?")]
    ['add', 'identifier', 'constant identifier', 'integer', 'hex value', 'quoted string', 'identifier', 'invalid']
    """
    if text in _FIXED:
        return text
    if not text:
        return "end of file"
    if check_token(text) is not None:
        return "invalid"
    first = text[0]
    if first.isdigit():
        return {"x": "hex word" if len(text) > LONGEST_HEX_VALUE else "hex value", "b": "binary value"}.get(text[1:2], "integer")
    if first == '"':
        return "quoted identifier" if is_quoted_identifier(text) else "quoted string"
    if first == "#":
        return "doc comment"
    return "constant identifier" if is_constant(text) else "identifier"


def is_constant(text: str) -> bool:
    """Whether a token is a constant identifier: upper-case letters, digits, underscores, not starting with a digit."""
    first = text[:1]
    return ("A" <= first <= "Z" or first == "_") and text == text.upper() and text != "_"


def is_name(text: str) -> bool:
    """Whether a token may stand where a bare identifier is wanted: an identifier or a keyword that is allowed as one."""
    first = text[:1]
    if "a" <= first <= "z":
        return text not in NOT_NAMES
    if "A" <= first <= "Z" or first == "_":
        return text != text.upper()
    return text in ("$kernel", "$exec")


def is_identifier(text: str) -> bool:
    """Whether a token is a bare identifier and no keyword."""
    return text not in KEYWORDS and is_name(text)


def is_string(text: str) -> bool:
    """Whether a token is quoted and closed: an identifier or a string."""
    # a closing quotation mark never follows a backslash: the two would have been skipped together
    return text[:1] == '"' == text[-1:] and len(text) > 1 and text[-2] != "\\"


def is_quoted_identifier(text: str) -> bool:
    """Whether a token is quoted and holds only alphanumeric and ASCII graphic characters, no backslash."""
    if not is_string(text) or "\\" in text:
        return False
    inner = text[1:-1]
    if inner.isascii():
        return not inner or (inner.isprintable() and " " not in inner)
    from miden.assembly.alphanumeric import is_alphanumeric

    return all("!" <= char <= "~" or is_alphanumeric(char) for char in inner)


def is_digits(text: str) -> bool:
    """Whether a token is a decimal integer."""
    return "0" <= text[:1] <= "9" and text[1:2] not in ("x", "b")


# --- what is wrong with a token -------------------------------------------------------------------------------


def check_token(text: str) -> tuple[str, str | None, str] | None:
    """Return None, or (kind, detail, message) of the lexical error in a token.

    >>> check_token("0x12")
    >>> check_token("18446744073709551616")
    ('InvalidLiteral', 'FeltOverflow', 'the number does not fit 64 bits')
    """
    if text in _FIXED or not text:
        return None
    first = text[0]
    if "0" <= first <= "9":
        return _check_number(text)
    if first == '"':
        return None if is_string(text) else ("UnclosedQuote", None, "quotation mark without a closing one on its line")
    if first == "#" or "a" <= first <= "z" or "A" <= first <= "Z":
        return None
    if first == "_" and len(text) > 1:
        return None
    if first == "$":
        return None if text in ("$kernel", "$exec") else ("InvalidToken", None, "only $kernel and $exec may start with $")
    if first == "_":
        return "InvalidToken", None, "an underscore must be followed by a letter or digit"
    return "InvalidToken", None, "this character has no meaning here"


def _check_number(text: str) -> tuple[str, str | None, str] | None:
    prefix = text[1:2]
    if prefix == "x":
        count = len(text) - 2
        count += count % 2
        if not count:
            return "InvalidLiteral", "Empty", "hex digits must follow 0x"
        if count > 64:
            return "InvalidHexLiteral", "TooLong", f"a hex literal has at most 64 digits, found {len(text) - 2}"
        if count == 64:
            return None if word_value(text) is not None else _FELT_OVERFLOW
        if count > 16:
            return "InvalidHexLiteral", "Invalid", f"a hex literal has up to 16 digits, or 64, found {len(text) - 2}"
        return None if int(text, 0) < P else _FELT_OVERFLOW
    if prefix == "b":
        if len(text) == 2:
            return "InvalidLiteral", "Empty", "binary digits must follow 0b"
        if len(text) > 34:
            return "InvalidBinaryLiteral", "TooLong", f"a binary literal has at most 32 digits, found {len(text) - 2}"
        return None
    if len(text) > 20:
        text = text.lstrip("0") or "0"
    if len(text) > 20 or int(text) >= 2**64:
        return "InvalidLiteral", "FeltOverflow", "the number does not fit 64 bits"
    return None


def decimal_value(text: str) -> int:
    """Return the value of a decimal token that `check_token` has passed: leading zeros may be many."""
    return int(text) if len(text) <= 20 else int(text.lstrip("0") or "0")


_FELT_OVERFLOW = ("InvalidLiteral", "FeltOverflow", f"a field element must be below p = {P}")


def word_value(text: str) -> tuple[int, ...] | None:
    """Return the four elements of a hex word token, or None if one is not below p.

    Each 16 digits are 8 bytes, little-endian; 63 digits are padded in front.
    """
    data = bytes.fromhex(text[2:].rjust(64, "0"))
    elements = tuple(int.from_bytes(data[index : index + 8], "little") for index in (0, 8, 16, 24))
    return elements if max(elements) < P else None


def doc_text(text: str) -> str:
    """Return what a doc comment token says: each line trimmed, with a line break unless the file ends there."""
    lines = text.split("\n")
    return "\n".join(line[2:].strip(WHITE_SPACE) for line in lines)
