"""Advisories: what is known to be wrong with versions of packages, and which of those somebody uses.

A registry signs one list of them, a JSON document that people write::

    {"format": 1, "advisories": [{
        "id": "MIDEN-2026-0001",
        "package": "acme/math",
        "affected": ["<1.4.2", ">=2.0, <2.1.1"],
        "severity": "high",
        "summary": "division by a negative divisor returns a wrong quotient",
        "url": "https://acme.example/advisories/1",
        "withdrawn": false
    }]}

``affected`` are requirements, of which one has to cover a version; pre-releases count as what comes before their release.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from miden.errors import FormatError, InputError
from miden.package.requirements import Requirement
from miden.registry.names import PackageName, name_key
from miden.registry.trust.repository import ADVISORIES
from miden.serde.json_text import Fields, parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from miden.registry.backends import Registry

FORMAT = 1
MAX_BYTES = 2**24
MAX_ADVISORIES = 50_000
SEVERITIES = ("low", "medium", "high", "critical")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_URL = re.compile(r"https://[\x21-\x7e]{1,500}", re.ASCII)


class Advisory:
    """What is wrong with some versions of a package."""

    __slots__ = ("affected", "id", "package", "severity", "summary", "url", "withdrawn")

    def __init__(
        self, id: str, package: str, affected: Iterable[str], severity: str, summary: str, url: str | None = None, withdrawn: bool = False
    ) -> None:
        self.id = id
        self.package = package
        self.affected = tuple(Requirement(text) for text in affected)
        self.severity = severity
        self.summary = summary
        self.url = url
        self.withdrawn = withdrawn

    def affects(self, name: str, version: str) -> bool:
        """Tell whether a version is affected, whatever the spelling of its name.

        >>> Advisory("X-1", "math", ["<1.4"], "low", "").affects("Math", "1.4.0-rc.1")
        True
        """
        return (
            not self.withdrawn
            and name_key(name) == name_key(self.package)
            and any(requirement.covers(version) for requirement in self.affected)
        )

    def to_json(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in ("id", "package", "severity", "summary", "url", "withdrawn")}
        return {**facts, "affected": [requirement.text for requirement in self.affected]}

    @classmethod
    def from_json(cls, data: object) -> Advisory:
        """Read what `to_json` gave; `FormatError` of kind ``InvalidAdvisories``."""
        fields = Fields(data, "an advisory", "InvalidAdvisories")
        fields.only(*cls.__slots__)
        number, severity, url = fields.text("id", limit=64), fields.text("severity", limit=16), fields.optional_text("url", limit=600)
        if not _ID.fullmatch(number):
            fields.fail(f"{number!a} cannot be an id: letters, digits, and . _ - in between")
        if severity not in SEVERITIES:
            fields.fail(f"severity must be one of {', '.join(SEVERITIES)}")
        if url is not None and not _URL.fullmatch(url):
            fields.fail("url must start with https://")
        affected = fields.texts("affected", limit=100)
        if not affected:
            fields.fail("affected must name versions")
        try:
            package = PackageName(fields.text("package", limit=200)).text
            return cls(number, package, affected, severity, fields.text("summary", limit=1000), url, fields.flag("withdrawn"))
        except InputError as error:
            fields.fail(error.message)

    def __repr__(self) -> str:
        return f"<Advisory {self.id} {self.package}>"


class Finding(NamedTuple):
    """A version in use that something is known of: an advisory, or why it was yanked."""

    name: str
    version: str
    advisory: Advisory | None
    yanked: str | None


def read_advisories(data: bytes) -> list[Advisory]:
    """Read a list of advisories; `FormatError` of kind ``InvalidAdvisories`` or ``InvalidJson``."""
    fields = Fields(parse_json(data, "a list of advisories", limit=MAX_BYTES), "a list of advisories", "InvalidAdvisories")
    fields.only("format", "advisories")
    if fields.number("format") != FORMAT:
        fields.fail(f"only format {FORMAT} is known")
    found = [Advisory.from_json(item) for item in fields.items("advisories", limit=MAX_ADVISORIES)]
    if len({advisory.id for advisory in found}) != len(found):
        raise FormatError("two advisories have the same id", kind="InvalidAdvisories")
    return found


def registry_advisories(registry: Registry) -> list[Advisory]:
    """Return the advisories of a registry: those that a server signs, or the file ``advisories.json`` of a folder."""
    ask = getattr(registry, "advisories", None)
    if ask is not None:
        data = ask()
    else:
        from pathlib import Path

        path = Path(registry.location) / ADVISORIES
        data = path.read_bytes() if path.is_file() else None
    return [] if data is None else read_advisories(data)


def audit(used: Iterable[tuple[str, str, str | None]], advisories: Sequence[Advisory]) -> list[Finding]:
    """Return what is known of versions in use, given as name, version and why they were yanked or None; the worst first."""
    by_key: dict[str, list[Advisory]] = {}
    for advisory in advisories:
        by_key.setdefault(name_key(advisory.package), []).append(advisory)
    found = []
    for name, version, yanked in used:
        found += [Finding(name, version, item, None) for item in by_key.get(name_key(name), ()) if item.affects(name, version)]
        if yanked is not None:
            found.append(Finding(name, version, None, yanked))
    return sorted(found, key=lambda item: (-_weight(item), item.name, item.version, "" if item.advisory is None else item.advisory.id))


def _weight(finding: Finding) -> int:
    return -1 if finding.advisory is None else SEVERITIES.index(finding.advisory.severity)
