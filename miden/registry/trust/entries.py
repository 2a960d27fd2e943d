"""How entries of an index become what is signed and logged: the same bytes for the server, publishers and clients."""

from __future__ import annotations

from miden.errors import FormatError
from miden.package.requirements import version_key
from miden.registry.index import IndexEntry
from miden.registry.names import name_key
from miden.serde.json_text import canonical_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

EVENTS = ("publish", "yank", "unyank")
MAX_VERSIONS = 20_000
"""Versions of one name that are read."""


def index_file(entries: Iterable[IndexEntry]) -> bytes:
    """Return the index file of one name: its entries, lowest version first, one a line."""
    ordered = sorted(entries, key=lambda entry: (version_key(entry.version), entry.version))
    return b"".join(entry.to_line() + b"\n" for entry in ordered)


def read_index_file(data: bytes, name: str) -> list[IndexEntry]:
    """Return the entries of an index file, which must be of one name, however it is spelt.

    Raises `FormatError` of kind ``InvalidIndex``.
    """
    lines = data.split(b"\n", MAX_VERSIONS + 1)
    if lines.pop() or len(lines) > MAX_VERSIONS:
        raise FormatError(f"an index file has at most {MAX_VERSIONS} whole lines", kind="InvalidIndex")
    entries = [IndexEntry.from_line(line) for line in lines]
    if any(name_key(entry.name) != name_key(name) for entry in entries):
        raise FormatError(f"the index file of {name} tells of another package", kind="InvalidIndex")
    if index_file(entries) != data or len({entry.version for entry in entries}) != len(entries):
        raise FormatError(f"the index file of {name} is not in order", kind="InvalidIndex")
    return entries


def event_leaf(entry: IndexEntry, event: str) -> bytes:
    """Return what the log says when a version is published, yanked or put back: canonical JSON."""
    assert event in EVENTS
    return canonical_json({"event": event, "name": entry.name, "sha256": entry.sha256, "version": entry.version})
