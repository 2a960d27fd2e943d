"""Names, paths and call targets. (assembly.md section 1.6.)"""

from __future__ import annotations

from miden.assembly.ast import ConstRef, Target
from miden.assembly.lexer import LONGEST_HEX_VALUE, check_token, is_constant, is_name, is_quoted_identifier, word_value
from miden.field import Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.assembly.parser.cursor import Cursor

MAX_COMPONENT = 255
"""Characters of one component of a path."""

_SPECIAL = ("$kernel", "$exec")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def canonical_name(name: str) -> str:
    """Return a name as paths hold it: in quotes if it has a character besides letters, digits and underscores.

    >>> canonical_name("foo_1"), canonical_name("a-b"), canonical_name("$main")
    ('foo_1', '"a-b"', '$main')
    """
    if _PLAIN.issuperset(name) or name in ("$kernel", "$exec", "$main"):
        return name
    return f'"{name}"'


def canonical_path(components: Iterable[str], absolute: bool) -> str:
    """Join components, unquoted, to a canonical path; empty ones vanish, ``$kernel`` and ``$exec`` in front are roots.

    >>> canonical_path(["std", "a-b"], False), canonical_path(["$kernel", "f"], False)
    ('std::"a-b"', '::$kernel::f')
    """
    parts = [canonical_name(component) for component in components if component]
    return ("::" if absolute or parts[:1] in (["$kernel"], ["$exec"]) else "") + "::".join(parts)


def bare_name(c: Cursor, what: str) -> str:
    """Consume a bare identifier, or a keyword that may stand for one, and return its canonical text."""
    text = c.texts[c.i]
    if not is_name(text):
        raise c.unexpected(what)
    c.i += 1
    return canonical_name(text)


def any_name(c: Cursor, what: str) -> str:
    """Consume a bare or quoted identifier and return its canonical text."""
    text = c.texts[c.i]
    if not is_quoted_identifier(text):
        return bare_name(c, what)
    c.i += 1
    name = text[1:-1]
    if not name or "#" in name:
        why = "must not contain #" if name else "must not be empty"
        c.defer("InvalidIdentifier", f"a name {why}", c.starts[c.i - 1], c.end(), label="not a name")
    return canonical_name(name)


def constant_name(c: Cursor) -> str:
    """Consume a constant identifier."""
    text = c.texts[c.i]
    if not is_constant(text):
        raise c.unexpected("a constant name in upper case")
    c.i += 1
    return text


class Path:
    """A path as parsed: canonical text, how many components it has, and the last one as canonical name."""

    __slots__ = ("absolute", "end", "last", "single", "start", "text")

    def __init__(self, components: list[str], absolute: bool, start: int, end: int) -> None:
        named = [component for component in components if component]
        self.text = canonical_path(named, absolute)
        self.last = canonical_name(named[-1]) if named else ""
        self.absolute = self.text.startswith("::")
        self.single = len(named) == 1 and not self.absolute
        self.start = start
        self.end = end


def path(c: Cursor, what: str, last: str) -> Path:
    """Consume a path; `last` says what its last component is: "name", "constant" or "any"."""
    texts = c.texts
    first = i = c.i
    rooted = texts[i] == "::"
    i += rooted
    components = []
    while True:
        text = texts[i]
        if is_name(text):
            components.append(text)
        elif is_quoted_identifier(text):
            components.append(text[1:-1])
        elif last != "name" and is_constant(text):
            components.append(text)
            i += 1
            break
        else:
            raise c.unexpected(what if i == first else "a name", i)
        i += 1
        if texts[i] != "::":
            if last == "constant":
                raise c.unexpected("`::`", i)
            break
        i += 1
    c.i = i
    start, end = c.starts[first], c.ends[i - 1]
    found = Path(components, rooted, start, end)
    if rooted and len(components) == 1:
        c.defer("UnqualifiedImport", "an absolute path names a module and an item, such as ::lib::item", start, end)
    elif not found.last:
        c.defer("InvalidIdentifier", "a name must not be empty", start, end, label="not a name")
    elif max(map(len, components)) > MAX_COMPONENT:
        message = f"a component of a path has at most {MAX_COMPONENT} characters, found {max(map(len, components))}"
        c.defer("InvalidIdentifier", message, start, end, label="too long", detail="TooLong")
    return found


def constant_path(c: Cursor, what: str) -> ConstRef:
    """Consume the path of a constant."""
    found = path(c, what, "constant")
    return ConstRef(found.text, found.start, found.end)


def digest(c: Cursor) -> Word | None:
    """Consume a hex literal that stands for a procedure and return its digest; None for one that is too short."""
    text = c.texts[c.i]
    if check_token(text) is not None:
        raise c.unexpected("a digest")
    start = c.starts[c.i]
    c.i += 1
    if len(text) > LONGEST_HEX_VALUE:
        return Word(word_value(text) or ())
    message = f"a digest is 0x and 64 hex digits, found {len(text) - 2}"
    c.defer("InvalidMastRoot", message, start, c.end(), label="too short for a digest")
    return None


def target(c: Cursor) -> Target:
    """Consume what exec, call, syscall and procref refer to: a digest, a name or a path."""
    text = c.texts[c.i]
    start = c.starts[c.i]
    if text[:2] == "0x":
        word = digest(c)
        return Target("", word, start, c.end())
    found = path(c, "a procedure name, a path or a digest", "name")
    return Target(found.text, None, start, found.end)
