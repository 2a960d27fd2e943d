"""Sets of versions as integers: bit i stands for the i-th version of a package, the highest last.

What a requirement accepts is a mask, found by two binary searches a comparator; sets are intersected with one ``&``,
and the highest version of a set is its bit length. Requirements themselves are `miden.package.requirements`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache

from miden.errors import InputError
from miden.package.requirements import Requirement, check_version, version_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_VERSION = 128
"""Characters of a version."""
MAX_NUMBER = 2**64 - 1


@lru_cache(maxsize=2**14)
def check_release(text: str) -> str:
    """Return a version that a registry takes: semantic, of at most 128 characters, each number below 2**64.

    Raises `InputError` of kind ``InvalidVersion``.
    """
    if len(text) > MAX_VERSION:
        raise InputError(f"a version has at most {MAX_VERSION} characters, found {len(text)}", kind="InvalidVersion")
    if any(number > MAX_NUMBER for number in version_key(check_version(text))[:3]):
        raise InputError(f"a number of version {text[:40]} is not below 2**64", kind="InvalidVersion")
    return text


class VersionTable:
    """The versions of one package, lowest first, and the masks of requirements on them.

    Examples
    --------
    >>> table = VersionTable(["1.1.0", "1.0.0", "2.0.0-rc.1", "2.0.0"])
    >>> table.versions
    ('1.0.0', '1.1.0', '2.0.0-rc.1', '2.0.0')
    >>> bin(table.mask(Requirement("^1"))), bin(table.mask(Requirement("*"))), table.highest(0b0011)
    ('0b11', '0b1011', 1)
    """

    __slots__ = ("_keys", "_masks", "_pre", "_same_core", "everything", "versions")

    def __init__(self, versions: Iterable[str]) -> None:
        keyed = sorted((version_key(version), version) for version in versions)
        self.versions = tuple(version for _, version in keyed)
        self._keys = [key for key, _ in keyed]
        self.everything = (1 << len(keyed)) - 1
        self._pre = sum(1 << index for index, key in enumerate(self._keys) if not key[3])
        self._same_core: dict[tuple[int, int, int], int] = {}
        for index, key in enumerate(self._keys):
            self._same_core[key[:3]] = self._same_core.get(key[:3], 0) | 1 << index
        self._masks: dict[str, int] = {}

    def mask(self, requirement: Requirement) -> int:
        """Return the set of versions that a requirement accepts; of a digest in it nothing is said here."""
        found = self._masks.get(requirement.text)
        if found is None:
            found = self._masks[requirement.text] = self._accepted(requirement)
        return found

    def _accepted(self, requirement: Requirement) -> int:
        if not requirement.bounds:
            return self.everything if requirement.digest is not None else self.everything & ~self._pre
        found = self.everything
        pre = 0
        for op, bound, names_pre in requirement.bounds:
            low, high = bisect_left(self._keys, bound), bisect_right(self._keys, bound)
            below, upto = (1 << low) - 1, (1 << high) - 1
            found &= {"<": below, "<=": upto, "=": upto & ~below, ">=": ~below, ">": ~upto}[op]
            if names_pre:
                pre |= self._same_core.get(bound[:3], 0)
        return found & (~self._pre | pre)

    def highest(self, mask: int) -> int:
        """Return the index of the highest version of a set that is not empty."""
        return mask.bit_length() - 1

    def within(self, mask: int) -> Iterator[int]:
        """Iterate over the indices of a set, the highest first."""
        while mask:
            index = mask.bit_length() - 1
            yield index
            mask ^= 1 << index

    def __len__(self) -> int:
        return len(self.versions)

    def __repr__(self) -> str:
        return f"<VersionTable {len(self)} versions>"
