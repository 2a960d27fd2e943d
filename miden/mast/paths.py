"""Paths of items as the file formats keep them: components joined by ``::``, an absolute one starts with ``::``.

A component in quotes may hold anything but a quote, ``::`` too. (mast.md section 9.5.)
"""

from __future__ import annotations

from miden.errors import InputError

KERNEL_PATH = "::$kernel"
"""Module of every kernel procedure."""

EXEC_PATH = "::$exec"
"""Module of an executable."""

MAIN = "$main"
"""Name of the entry procedure."""

COMPONENT_LIMIT = 255
"""Characters of a component."""

PATH_LIMIT = 2**16 - 1
"""Bytes of a path."""

_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$.-"
"""Characters of most paths: the check of one character after the other is for the others."""


def identifier_problem(text: str) -> str:
    """Return what keeps `text` from being an identifier of the file formats, or an empty string.

    >>> identifier_problem("foo-bar"), identifier_problem("a b")
    ('', "character ' ' is not allowed")
    """
    if not text:
        return "it is empty"
    for character in text:
        if character == "#" or not (character.isalnum() or "!" <= character <= "~"):
            return f"character {character!r} is not allowed"
    return ""


def check_path(text: str) -> None:
    """Raise `InputError` of kind ``InvalidPath`` unless this is a path.

    >>> check_path("::lib::module::item")
    """
    if not _is_plain(text):
        split_path(text)


def split_path(text: str) -> tuple[str, ...]:
    """Return the components of a path, quotes kept; the first is ``::`` if the path is absolute.

    Raises `InputError` of kind ``InvalidPath``.

    >>> split_path('::lib::"a::b"::c')
    ('::', 'lib', '"a::b"', 'c')
    """
    if _is_plain(text):
        return ("::", *text[2:].split("::")) if text.startswith("::") else tuple(text.split("::"))
    if text in ("", '""', "::"):
        raise _invalid(text, "it is empty")
    if len(text.encode(errors="surrogatepass")) > PATH_LIMIT:
        raise _invalid(text, f"it is longer than {PATH_LIMIT} bytes")
    components: list[str] = []
    at = 0
    if text.startswith("::"):
        components.append("::")
        at = 2
    while at < len(text):
        if text[at] == '"':
            end = text.find('"', at + 1)
            if end < 0:
                raise _invalid(text, "a quote is not closed")
            if end == at + 1:
                raise _invalid(text, "a component is empty")
            end += 1
            size = end - at - 2
        else:
            end = text.find("::", at)
            end = len(text) if end < 0 else end
            problem = identifier_problem(text[at:end])
            if problem:
                raise _invalid(text, f"a component is no identifier: {problem}")
            if end + 2 == len(text):
                raise _invalid(text, "it ends with ::")
            size = end - at
        if size > COMPONENT_LIMIT:
            raise _invalid(text, f"a component has {size} characters, the most are {COMPONENT_LIMIT}")
        components.append(text[at:end])
        if end < len(text) and not text.startswith("::", end):
            raise _invalid(text, "a separator :: is missing after a quoted component")
        at = end + 2
    return tuple(components)


def _is_plain(text: str) -> bool:
    """Tell whether this is a path as most are: short, of letters, without quotes. Others may be paths as well."""
    if len(text) > COMPONENT_LIMIT or not text.isascii() or "::::" in text or text.endswith("::"):
        return False
    names = text.replace("::", "")
    return names != "" and not names.encode().translate(None, _PLAIN)


def _invalid(text: str, reason: str) -> InputError:
    return InputError(f"invalid path {text[:80]!r}: {reason}", kind="InvalidPath")


def unquote(component: str) -> str:
    """Return the name that a component stands for.

    >>> unquote('"a b"')
    'a b'
    """
    return component[1:-1] if component.startswith('"') else component


def parent_path(text: str) -> str:
    """Return the path of the module that an item is in, an empty string for a relative single name.

    >>> parent_path("::lib::mod::item")
    '::lib::mod'
    """
    components = split_path(text)
    absolute = components[0] == "::"
    return ("::" if absolute else "") + "::".join(components[1 if absolute else 0 : -1])


def item_name(text: str) -> str:
    """Return the name at the end of a path, without quotes.

    >>> item_name("::lib::mod::item")
    'item'
    """
    return unquote(split_path(text)[-1])


def to_absolute(text: str) -> str:
    """Return the path with a leading ``::``.

    >>> to_absolute("lib::mod")
    '::lib::mod'
    """
    return text if text.startswith("::") else "::" + text


def is_in_kernel(text: str) -> bool:
    """Tell whether a path is the kernel module or an item directly in it.

    >>> is_in_kernel("$kernel::foo"), is_in_kernel("::$kernel::lib::foo")
    (True, False)
    """
    return to_absolute(text) == KERNEL_PATH or to_absolute(parent_path(text)) == KERNEL_PATH
