"""Names of packages: ``name`` or ``namespace/name``.

A part is a letter or ``_``, then letters, digits, ``-`` and ``_``, 64 characters at most, and no name of a device. All
of it is ASCII, so there is nothing to normalise, no direction to override, and no script to mix. Two names that differ
only in case, or in ``-`` and ``_``, are the same name to a registry: its `key`.
"""

from __future__ import annotations

from miden.errors import InputError, NotFoundError
from miden.package.project import valid_name, valid_package_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LENGTH = 129
"""Characters of a name with its namespace."""

_LOOKALIKES = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("8", "b"), ("-", ""))
MAX_COMPARED = 100_000
"""Names that one name is compared with."""


class PackageName:
    """A name that was checked.

    Raises `InputError` of kind ``InvalidName`` that says which character is wrong.

    Attributes
    ----------
    namespace
        What stands before the slash, or None.
    base
        What stands after it.

    Examples
    --------
    >>> name = PackageName("Acme/Big_Math")
    >>> name.namespace, name.base, name.key, str(name)
    ('Acme', 'Big_Math', 'acme/big-math', 'Acme/Big_Math')
    >>> PackageName("acme/../x")
    Traceback (most recent call last):
    miden.errors.InputError: 'acme/../x' cannot be the name of a package: there is more than one /
    """

    __slots__ = ("base", "namespace", "text")

    def __init__(self, text: str) -> None:
        problem = name_problem(text)
        if problem:
            hint = "write name or namespace/name; each is a letter or _, then letters, digits, - and _, at most 64"
            raise InputError(f"{text[:80]!a} cannot be the name of a package: {problem}", kind="InvalidName", hint=hint)
        self.text = text
        namespace, slash, base = text.rpartition("/")
        self.namespace = namespace if slash else None
        self.base = base

    @property
    def key(self) -> str:
        """What names are compared by: lower case, ``-`` for ``_``."""
        return name_key(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackageName) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"PackageName({self.text!r})"


def name_problem(text: str) -> str:
    """Return what keeps a text from being a name, or an empty string.

    >>> name_problem("math"), name_problem("m\\u0430th")
    ('', 'U+0430 is not one of the characters allowed')
    """
    if valid_package_name(text):
        return ""
    if not text:
        return "it is empty"
    if len(text) > MAX_LENGTH:
        return f"it has {len(text)} characters, at most {MAX_LENGTH} are allowed"
    parts = text.split("/")
    if len(parts) > 2:
        return "there is more than one /"
    for character in text:
        if not (character.isascii() and (character.isalnum() or character in "-_/")):
            shown = repr(character) if " " < character < "\x7f" else f"U+{ord(character):04X}"
            return f"{shown} is not one of the characters allowed"
    for part in parts:
        if not part:
            return "nothing stands before or after the /"
        if not valid_name(part):
            if len(part) > 64:
                return "a part has more than 64 characters"
            return f"{part!r} starts with {part[0]!r}" if part[0] in "-0123456789" else f"{part!r} is the name of a device"
    return ""


def name_key(text: str) -> str:
    """Return what names are compared by."""
    return text.lower().replace("_", "-")


def find_clash(name: str, others: Iterable[str]) -> str | None:
    """Return another name that a registry cannot have beside this one, as their keys are equal; None if there is none.

    >>> find_clash("big_math", ["Big-Math", "big_math"])
    'Big-Math'
    """
    key = name_key(name)
    return next((other for other in others if other != name and name_key(other) == key), None)


def skeleton(text: str) -> str:
    """Return what is left of a name for eyes that look once: ``0`` is ``o``, ``rn`` is ``m``, and so on.

    >>> skeleton("rniden-c0re") == skeleton("miden_core")
    True
    """
    found = name_key(text)
    for seen, meant in _LOOKALIKES:
        found = found.replace(seen, meant)
    return found


def similar_names(name: str, known: Iterable[str]) -> list[str]:
    """Return names that this one could be taken for: equal to the eye, or one or two slips of a finger away.

    Short names (below six characters) are compared by one slip only, as two change half of them. At most `MAX_COMPARED`
    names are looked at.

    >>> similar_names("midne-core", ["miden-core", "math"])
    ['miden-core']
    """
    from itertools import islice

    key, look = name_key(name), skeleton(name)
    most = 1 if len(key) < 6 else 2
    found = []
    for other in islice(known, MAX_COMPARED):
        other_key = name_key(other)
        if other_key == key:
            continue
        if (abs(len(other_key) - len(key)) <= most and _distance(key, other_key, most) <= most) or skeleton(other) == look:
            found.append(other)
    return sorted(found)


def _distance(left: str, right: str, most: int) -> int:
    """Return how many insertions, deletions, substitutions and swaps of neighbours lead from one text to another.

    What is more than `most` is only told to be more.
    """
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, older[j - 2] + 1)
            row.append(best)
        if min(row) > most:
            return most + 1
    return row[-1]


class PackageReference:
    """What people write for a package: ``name``, ``name@requirement``, ``name@requirement::procedure``.

    Attributes
    ----------
    name
        A `PackageName`.
    requirement
        The text after the ``@``; ``*`` by default.
    procedure
        The path after the ``::``, or None.

    >>> reference = PackageReference("acme/math@1.2::u64::add")
    >>> str(reference.name), reference.requirement, reference.procedure
    ('acme/math', '1.2', 'u64::add')
    """

    __slots__ = ("name", "procedure", "requirement")

    def __init__(self, text: str) -> None:
        head, colons, procedure = text.partition("::")
        name, at, requirement = head.partition("@")
        if (at and not requirement.strip()) or (colons and not procedure):
            raise InputError(f"{text[:80]!a} ends where a version or a procedure should follow", kind="InvalidReference")
        self.name = PackageName(name)
        self.requirement = requirement.strip() or "*"
        self.procedure = procedure or None

    def __repr__(self) -> str:
        tail = "" if self.procedure is None else f"::{self.procedure}"
        return f"PackageReference({self.name.text}@{self.requirement}{tail})"


def unknown_package(name: str, known: Iterable[str], where: str) -> NotFoundError:
    """Return the error for a name that is nowhere, with the names it may have been meant for."""
    near = similar_names(name, known)
    hint = f"did you mean {' or '.join(near[:3])}?" if near else None
    return NotFoundError(f"there is no package {name} in {where}", kind="PackageNotFound", hint=hint)
