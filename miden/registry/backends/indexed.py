"""A folder with an index: ``packages.json`` holds all that is known of the packages, so that opening reads none.

::

    packages.json      {"format":"miden packages 1","packages":[
                       one entry a line, ordered by name and version
                       ]}
    files/ab/abcd....masp    the packages, named by their BLAKE3 hash

A name is found by bisection over the lines, so that ten thousand packages cost one read of a file. No name of a package
is ever part of a path. Writers take turns by a lock that the system frees when they die.
"""

from __future__ import annotations

import re
import stat
from contextlib import contextmanager

from miden.errors import FormatError, InputError, IntegrityError, NotFoundError
from miden.package.requirements import version_key
from miden.registry.backends import INDEX_FILE
from miden.registry.folder import READ_ONLY, Folder, locked
from miden.registry.index import MAX_PACKAGE, IndexEntry, describe
from miden.registry.names import name_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from miden.field import Word

FORMAT = "miden packages 1"
HEAD = b'{"format":"miden packages 1","packages":[\n'
TAIL = b"]}\n"
FILES = "files"
LOCK = ".lock"
MAX_INDEX = 2**30
LOCK_SECONDS = 30.0

_NAME = re.compile(rb'\{"name":"([A-Za-z0-9_/-]{1,129})"')
_LINE_NAME = re.compile(rb'^\{"name":"([A-Za-z0-9_/-]{1,129})"', re.MULTILINE)


class IndexText:
    """The lines of an index, in the order of names and versions.

    Raises `FormatError` of kind ``InvalidIndex``.
    """

    __slots__ = ("data", "end", "start")

    def __init__(self, data: bytes) -> None:
        if not data.startswith(HEAD) or not data.endswith(TAIL):
            raise FormatError(f"an index begins and ends as one of format {FORMAT!r}", kind="InvalidIndex")
        self.data = data
        self.start = len(HEAD)
        self.end = len(data) - len(TAIL)

    def names(self) -> list[str]:
        """Return the names, each once, in order."""
        return list(dict.fromkeys(found.decode() for found in _LINE_NAME.findall(self.data, self.start, self.end)))

    def span(self, key: str) -> tuple[int, int]:
        """Return where the lines of the names with a key begin and end."""
        return self._bisect(key, after=False), self._bisect(key, after=True)

    def _bisect(self, key: str, *, after: bool) -> int:
        low, high = self.start, self.end
        while low < high:
            line = self.data.rfind(b"\n", low, (low + high) // 2) + 1 or low
            found = self._key_at(line)
            if found < key or (after and found == key):
                low = self.data.find(b"\n", line, self.end) + 1 or self.end
            else:
                high = line
        return low

    def _key_at(self, line: int) -> str:
        match = _NAME.match(self.data, line, self.end)
        if match is None:
            raise FormatError("a line is not an entry", offset=line, kind="InvalidIndex")
        return name_key(match[1].decode())

    def entries(self, start: int, end: int) -> list[IndexEntry]:
        """Return the entries of whole lines."""
        return [IndexEntry.from_line(line.removesuffix(b",")) for line in self.data[start:end].splitlines()]

    def lines_with(self, text: bytes) -> Iterator[bytes]:
        """Iterate over the lines that contain a text."""
        at = self.data.find(text, self.start, self.end)
        while at >= 0:
            start = self.data.rfind(b"\n", 0, at) + 1
            end = self.data.find(b"\n", at)
            yield self.data[start:end].removesuffix(b",")
            at = self.data.find(text, end, self.end)

    def with_entries(self, key: str, entries: list[IndexEntry]) -> bytes:
        """Return the index with other entries for a key."""
        start, end = self.span(key)
        ordered = sorted(entries, key=lambda entry: (entry.name, version_key(entry.version), entry.version))
        before = self.data[self.start : start]
        lines = b"".join(entry.to_line() + b",\n" for entry in ordered)
        after = self.data[end : self.end]
        if before and not before.endswith(b",\n"):
            before = before[:-1] + b",\n"
        body = before + lines + after
        if body.endswith(b",\n"):
            body = body[:-2] + b"\n"
        return HEAD + body + TAIL


class IndexedRegistry:
    """Packages in a folder with an index; `miden.registry.backends.WritableRegistry` says what its methods do.

    Parameters
    ----------
    folder
        Where it is; see `create`.
    name
        What messages call it.
    """

    writable = True

    def __init__(self, folder: str | os.PathLike[str], name: str) -> None:
        self.name = name
        self.location = str(folder)
        self._folder = Folder(folder)
        self._stamp: tuple[int, int, int] | None = None
        self._text = IndexText(HEAD + TAIL)
        self._index()

    @classmethod
    def create(cls, folder: str | os.PathLike[str], name: str) -> IndexedRegistry:
        """Make an empty registry in a folder, which is made if need be, or open the one there is."""
        with Folder(folder, create=True) as made:
            made.child(FILES, create=True).close()
            if not made.has(INDEX_FILE):
                made.write(INDEX_FILE, HEAD + TAIL)
        return cls(folder, name)

    def _index(self) -> IndexText:
        """Return the index as it is now."""
        facts = self._folder.facts(INDEX_FILE)
        if facts is None:
            raise NotFoundError(f"there is no {INDEX_FILE} in {self.location}", kind="RegistryNotFound")
        stamp = facts.st_ino, facts.st_size, facts.st_mtime_ns
        if stamp != self._stamp:
            if not stat.S_ISREG(facts.st_mode):
                raise IntegrityError(f"{INDEX_FILE} in {self.location} is no regular file", kind="LinkRefused")
            self._text = IndexText(self._folder.read(INDEX_FILE, limit=MAX_INDEX))
            self._stamp = stamp
        return self._text

    # the protocol

    def names(self, search: str | None = None) -> list[str]:
        """Return the names of all packages."""
        index = self._index()
        names = index.names()
        if search is None:
            return names
        wanted = search.lower()
        found = {name for name in names if wanted in name.lower()}
        for line in index.data[index.start : index.end].splitlines():
            if wanted.encode() in line.lower():
                entry = IndexEntry.from_line(line.removesuffix(b","))
                if wanted in entry.description.lower():
                    found.add(entry.name)
        return sorted(found, key=name_key)

    def versions(self, name: str) -> list[IndexEntry]:
        """Return all versions of a package."""
        index = self._index()
        return [entry for entry in index.entries(*index.span(name_key(name))) if entry.name == name]

    def fetch(self, entry: IndexEntry) -> bytes:
        """Return the bytes of a version."""
        try:
            with self._folder.child(FILES) as files, files.child(entry.blake3[:2]) as folder:
                return folder.read(f"{entry.blake3}.masp", limit=MAX_PACKAGE)
        except FileNotFoundError:
            raise NotFoundError(f"there is no {entry.name} {entry.version} in {self.location}", kind="PackageNotFound") from None

    def provides(self, root: Word) -> list[IndexEntry]:
        """Return the versions that have a root."""
        entries = [IndexEntry.from_line(line) for line in self._index().lines_with(root.to_hex().encode())]
        return [entry for entry in entries if entry.provides(root)]

    def refresh(self) -> None:
        """Read the index again, if it changed."""
        self._index()

    def close(self) -> None:
        """Let go of the folder."""
        self._folder.close()

    # writing

    @contextmanager
    def _writing(self) -> Iterator[IndexText]:
        message = f"another process has been writing to {self.location} for {LOCK_SECONDS:.0f} s"
        busy = InputError(message, kind="RegistryBusy", hint="try again when it is done")
        with locked(self._folder.path / LOCK, LOCK_SECONDS, busy):
            yield self._index()

    def publish(self, data: bytes) -> IndexEntry:
        """Add a package, verified."""
        entry = describe(data)
        with self._writing() as index:
            others = index.entries(*index.span(name_key(entry.name)))
            published = find_published(entry, others)
            if published is not None:
                return published
            with self._folder.child(FILES, create=True) as files, files.child(entry.blake3[:2], create=True) as folder:
                folder.write(f"{entry.blake3}.masp", data, mode=READ_ONLY)
                files.sync()
            self._folder.sync()
            self._folder.write(INDEX_FILE, index.with_entries(name_key(entry.name), [*others, entry]))
        return entry

    def yank(self, name: str, version: str, reason: str | None) -> IndexEntry:
        """Take a version back, or put it back."""
        with self._writing() as index:
            others = index.entries(*index.span(name_key(name)))
            found = next((entry for entry in others if entry.id == (name, version)), None)
            if found is None:
                raise NotFoundError(f"there is no {name} {version} in {self.location}", kind="PackageNotFound")
            yanked = found.with_yanked(reason)
            kept = [yanked if entry is found else entry for entry in others]
            self._folder.write(INDEX_FILE, index.with_entries(name_key(name), kept))
        return yanked

    def __repr__(self) -> str:
        return f"<IndexedRegistry {self.name!r} at {self.location}>"


def find_published(entry: IndexEntry, others: list[IndexEntry]) -> IndexEntry | None:
    """Return the entry that a registry has for the very same package among those of its key, or None for a new version.

    Raises `IntegrityError` of kind ``VersionExists`` for a version that is there with other bytes, or that differs from
    one that is there only in its build metadata; `InputError` of kind ``NameClash`` for another spelling of a name.
    """
    same = None
    for other in others:
        if other.name != entry.name:
            message = f"{entry.name} differs from {other.name} only in case, or in - and _"
            raise InputError(message, kind="NameClash", hint=f"publish it as {other.name}, or choose another name")
        if version_key(other.version) == version_key(entry.version):
            if (other.version, other.blake3) != (entry.version, entry.blake3):
                message = f"{entry.name} {other.version} is published, and a version never changes"
                hint = "publish it under a higher version"
                raise IntegrityError(message, expected=other.blake3, found=entry.blake3, kind="VersionExists", hint=hint)
            same = other
    return same
