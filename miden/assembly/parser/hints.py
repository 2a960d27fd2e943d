"""What to say besides "expected X": the nearest mnemonic, and notation of earlier versions of the language."""

from __future__ import annotations

from miden.assembly.lexer import is_identifier
from miden.assembly.mnemonics import MNEMONICS
from miden.assembly.parser.follow import FORM_STARTS, OPERATION_STARTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_OTHER_WORDS = {
    "export": "write `pub proc NAME`, or `pub use PATH` to re-export",
    "u32add": "say what happens on overflow: `u32wrapping_add` or `u32overflowing_add`",
    "u32sub": "say what happens on overflow: `u32wrapping_sub` or `u32overflowing_sub`",
    "u32mul": "say what happens on overflow: `u32wrapping_mul` or `u32overflowing_mul`",
    "movupd": "there is no such instruction; use `movup.n` or `movupw.n`",
    "loop": "write `while.true ... end` or `repeat.n ... end`",
    "for": "write `repeat.n ... end`",
    "fn": "write `proc NAME ... end`",
    "return": "a procedure returns at its `end`",
    "let": "constants are `const NAME = value`; run-time values live on the stack",
}

_SECOND_WORDS = frozenset(name.partition(".")[2] for name in MNEMONICS if name.startswith(("adv.", "debug.")))
_FORM_WORDS = FORM_STARTS - {"", "@"}


def nearest(word: str, candidates: Sequence[str] | frozenset[str]) -> str | None:
    """Return the candidate that is most like `word`, if one is.

    >>> nearest("u32wraping_add", ["u32wrapping_add", "u32overflowing_add"])
    'u32wrapping_add'
    """
    if len(word) > 64:
        return None
    from difflib import get_close_matches

    matches = get_close_matches(word, sorted(candidates), 1, 0.75)
    return matches[0] if matches else None


def hint_for(texts: Sequence[str], i: int, expected: str) -> str | None:
    """Return a hint for the unexpected token i where `expected` would have been right, or None."""
    text = texts[i]
    before = texts[i - 1] if i else ""
    if text == ".":
        if before in ("proc", "use", "const", "export"):
            return f"write `{before} NAME`, without a dot"
        if before == "begin":
            return "`begin` takes no immediate"
        if i > 1 and texts[i - 2] == "proc":
            return "declare locals before the procedure: `@locals(n)`"
        row = MNEMONICS.get(before)
        if row is not None and row.forms == ((),):
            return f"`{before}` takes no immediate"
        return None
    if text in _OTHER_WORDS:
        return _OTHER_WORDS[text]
    if text == "-" and before == ".":
        return "there are no negative literals: write p - x, or negate with `neg`"
    if before == "=" and i > 1 and texts[i - 2] == "err":
        return 'an error message is a string: `err="message"`'
    lower = text.lower()
    if lower != text and lower in OPERATION_STARTS:
        return f"instructions are written in lower case: `{lower}`"
    if before == "adv" or (before == "." and i > 1 and texts[i - 2] in ("adv", "debug")):
        known = nearest(text, _SECOND_WORDS)
        return f"did you mean `{known}`?" if known is not None else None
    in_body, in_module = expected.startswith("an instruction"), expected.startswith("a definition")
    if in_body and text in _FORM_WORDS:
        return "a block before this point may lack its `end`"
    if in_module and text in OPERATION_STARTS:
        return "instructions belong between `begin` and `end`, or in a procedure"
    if in_body and texts[i + 1 : i + 2] == ["::"]:
        path = text + "".join(texts[i + 1 : i + 3])
        return f"to run a procedure write `exec.{path}`" if len(path) <= 64 else None
    if not (in_body or in_module) or not is_identifier(text):
        return None
    known = nearest(text, OPERATION_STARTS if in_body else _FORM_WORDS)
    if known is not None:
        return f"did you mean `{known}`?"
    return f"to run a procedure write `exec.{text}`" if in_body and len(text) <= 64 else None


def hint_for_character(text: str) -> str | None:
    """Return a hint for a character that starts no token."""
    if text == "\ufeff":
        return "the file starts with a byte order mark: save it without one"
    if text in ("'", "\u2018", "\u2019", "\u201c", "\u201d", "`"):
        return 'strings are written in straight double quotes: "text"'
    if text in ("%", "^", "&", "|", "~"):
        return "the operators of constant expressions are + - * / //"
    return None
