"""What a dependency asks of a version: ``^1.2``, ``~0.3.1``, ``>=1, <2``, ``1.*``, a digest, or a version and its digest.

The syntax and the meaning of the semantic part are those of Cargo: a bare version means ``^``; a pre-release only
matches a comparator that names a pre-release of the same version.
"""

from __future__ import annotations

import re
from functools import lru_cache

from miden.errors import FormatError, InputError
from miden.field import Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from semver import Version

_COMPARATOR = re.compile(
    r"\s*(?P<op>\^|~>|~|=|>=|<=|>|<)?\s*(?P<major>\d+|\*)(\.(?P<minor>\d+|[*xX]))?(\.(?P<patch>\d+|[*xX]))?"
    r"(-(?P<pre>[0-9A-Za-z.-]+))?(\+[0-9A-Za-z.-]+)?\s*",
    re.ASCII,
)
MAX_LENGTH = 256
"""Characters of a requirement."""


class Requirement:
    """A requirement on the version, the digest, or both.

    Raises `InputError` of kind ``InvalidRequirement``.

    >>> requirement = Requirement("^1.2.3")
    >>> requirement.accepts("1.9.0"), requirement.accepts("2.0.0")
    (True, False)
    >>> Requirement(">=1.2, <1.5").accepts("1.4.9")
    True
    """

    __slots__ = ("bounds", "digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self.digest: Word | None = None
        """The digest asked for, or None for any."""
        if len(text) > MAX_LENGTH:
            raise InputError(f"a requirement has at most {MAX_LENGTH} characters", kind="InvalidRequirement")
        versions, separator, digest = self.text.partition("#")
        if self.text.startswith("0x"):
            versions, digest = "*", self.text
        elif separator:
            versions = f"={versions}"
        if digest or separator:
            try:
                self.digest = Word.from_hex(digest)
            except FormatError as error:
                raise InputError(error.message, kind="InvalidRequirement") from None
        self.bounds = [bound for part in versions.split(",") for bound in _bounds(part)]
        """What it means: triples of a comparator, a `version_key`, and whether a pre-release is named; none for any version."""

    def accepts(self, version: Version | str | None, digest: Word | None = None) -> bool:
        """Tell whether a version, and its digest if one is asked for, will do; None is a package without a version."""
        if self.digest is not None:
            if digest != self.digest:
                return False
            if not self.bounds:
                return True
        if version is None:
            return not self.bounds
        key = version_key(version)
        if not self.covers(version):
            return False
        return key[3] == _RELEASE or any(pre and bound[:3] == key[:3] for _, bound, pre in self.bounds)

    def covers(self, version: Version | str) -> bool:
        """Tell whether a version is within the bounds, where a pre-release is simply one that comes before its release.

        >>> Requirement("<2").covers("2.0.0-rc.1"), Requirement("<2").accepts("2.0.0-rc.1")
        (True, False)
        """
        key = version_key(version)
        return all(_HOLDS[op](key, bound) for op, bound, _ in self.bounds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Requirement) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Requirement({self.text!r})"


if TYPE_CHECKING:
    Key = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]

_HOLDS = {
    ">=": lambda key, bound: key >= bound,
    ">": lambda key, bound: key > bound,
    "<": lambda key, bound: key < bound,
    "<=": lambda key, bound: key <= bound,
    "=": lambda key, bound: key == bound,
}
_RELEASE = 1
_LOWEST: tuple[tuple[int, int, str], ...] = ()


def version_key(version: Version | str) -> Key:
    """Return a key that orders versions as semantic versioning does; build metadata is not looked at.

    >>> version_key("1.0.0-rc.2") < version_key("1.0.0-rc.10") < version_key("1.0.0")
    True
    """
    if isinstance(version, str):
        return _key_of_text(version)
    return _key((version.major, version.minor, version.patch), version.prerelease)


@lru_cache(maxsize=2**14)
def _key_of_text(text: str) -> Key:
    from semver import Version

    return version_key(Version.parse(text))


def _key(core: tuple[int, int, int], pre: str | None) -> Key:
    """Return a key that orders versions: a release comes after its pre-releases."""
    if pre is None:
        return (*core, _RELEASE, ())
    return (*core, 0, tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split(".")))


def _bounds(text: str) -> list[tuple[str, Key, bool]]:
    """Return what one comparator means as pairs of <, <=, =, >=, > and a version; and whether it names a pre-release."""
    match = _COMPARATOR.fullmatch(text)
    if match is None or any(len(group) > 20 for group in match.group("major", "minor", "patch") if group):
        raise InputError(
            f"{text.strip()[:80]!r} is not a requirement on a version",
            kind="InvalidRequirement",
            hint="write for example ^1.2.3, ~1.2, =1.2.3, >=1.2, <2, 1.*, 0xDIGEST or 1.2.3#0xDIGEST",
        )
    op, pre = match["op"] or "", match["pre"]
    numbers: list[int] = []
    wild = False
    for name in ("major", "minor", "patch"):
        part = match[name]
        if part is None:
            break
        if part in "*xX":
            wild = True
            break
        numbers.append(int(part))
    if not numbers:
        return []
    if (wild or pre) and (len(numbers) < 3) and pre:
        raise InputError(f"{text.strip()!r} names a pre-release of a version that is not whole", kind="InvalidRequirement")
    low = _key(_fill(numbers), pre)
    if wild and not op:
        op = "~" if len(numbers) == 2 else "^" if numbers[0] else "~"
    above = _above(numbers, op)
    if op in ("", "^", "~", "~>") or (op == "=" and len(numbers) < 3):
        return [(">=", low, bool(pre)), ("<", above, False)]
    if op == ">" and len(numbers) < 3:
        return [(">=", above, False)]
    if op == "<=" and len(numbers) < 3:
        return [("<", above, False)]
    return [(op, low, bool(pre))]


def _fill(numbers: list[int]) -> tuple[int, int, int]:
    major, minor, patch = [*numbers, 0, 0][:3]
    return major, minor, patch


def _above(numbers: list[int], op: str) -> Key:
    """Return the first version that is too high: pre-releases of it are too high as well."""
    if op in ("", "^"):
        keep = next((index for index, number in enumerate(numbers) if number), len(numbers) - 1)
    elif op in ("~", "~>"):
        keep = min(1, len(numbers) - 1)
    else:
        keep = len(numbers) - 1
    core = _fill([*numbers[:keep], numbers[keep] + 1])
    return (*core, 0, _LOWEST)


def check_version(text: str) -> str:
    """Return a semantic version; `InputError` of kind ``InvalidVersion`` if it is none."""
    from semver import Version

    try:
        Version.parse(text)
    except ValueError:
        raise InputError(f"{text[:80]!r} is not a semantic version, such as 1.2.3", kind="InvalidVersion") from None
    return text
