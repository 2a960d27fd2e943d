"""A folder of ``.masp`` files as a registry: drop files in, and they are there.

What the files are called does not matter. Opening reads the first bytes of each, where name and version stand; the rest
of a file is read when its package is asked for. With a cache, files that did not change are not opened at all.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from miden.errors import FormatError, InputError, IntegrityError, MidenError, NotFoundError
from miden.package.requirements import version_key
from miden.registry.folder import Folder
from miden.registry.index import MAX_PACKAGE, IndexEntry, describe, registry_name
from miden.registry.names import name_key
from miden.registry.versions import check_release
from miden.serde.json_text import canonical_json, parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from miden.field import Word

SUFFIX = ".masp"
HEAD = 4096
"""Bytes that are read of a file to begin with: name, version and the start of the description."""

_CACHE_FORMAT = "miden directory 1"
_RACY = 2 * 10**9
"""Nanoseconds in which a file may change without its times telling."""


class Seen(NamedTuple):
    """A file: when it was looked at, and what its header says."""

    stamp: tuple[int, int, int, int]
    name: str
    version: str
    description: str


class DirectoryRegistry:
    """Packages in a folder; `miden.registry.backends.Registry` says what its methods do.

    Parameters
    ----------
    folder
        Where the files are; folders in it are not looked into, links are not followed.
    name
        What messages call it.
    cache
        File that remembers headers, for a faster start; it is made if need be, and may be deleted.

    Attributes
    ----------
    problems
        File -> why it is no package; such files are left out.
    """

    writable = False

    def __init__(self, folder: str | os.PathLike[str], name: str, *, cache: str | os.PathLike[str] | None = None) -> None:
        self.name = name
        self.location = str(folder)
        self.problems: dict[str, str] = {}
        self._folder = Folder(folder)
        self._cache = None if cache is None else Path(cache)
        self._files: dict[str, Seen] = {}
        self._names: dict[str, list[str]] = {}
        self._entries: dict[str, IndexEntry] = {}
        self.refresh()

    def refresh(self) -> None:
        """Look at the folder again."""
        known = self._files or self._remembered()
        self._files = {}
        self.problems = {}
        fresh = False
        for item in self._folder.entries():
            if not item.name.endswith(SUFFIX) or not item.is_file(follow_symlinks=False):
                continue
            facts = item.stat(follow_symlinks=False)
            stamp = facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino
            seen = known.get(item.name)
            if seen is None or seen.stamp != stamp:
                self._entries.pop(item.name, None)
                fresh = True
                try:
                    seen = Seen(stamp, *self._header(item.name))
                except (MidenError, OSError) as error:
                    self.problems[item.name] = str(error)
                    continue
            self._files[item.name] = seen
        self._names = {}
        for file, seen in self._files.items():
            self._names.setdefault(seen.name, []).append(file)
        if fresh or len(known) != len(self._files):
            self._remember()

    def _header(self, file: str) -> tuple[str, str, str]:
        """Return name, version and description, from the first bytes if they are enough."""
        from miden.package.masp import read_header
        from miden.serde.reader import Reader

        data = self._folder.head(file, HEAD)
        try:
            header = read_header(Reader(data))
        except FormatError:
            if len(data) < HEAD:
                raise
            header = read_header(Reader(self._folder.read(file, limit=MAX_PACKAGE)))
        if header.version is None:
            raise InputError("it has no version", kind="MissingVersion")
        return registry_name(header.name), check_release(header.version), (header.description or "").partition("\n")[0][:1024]

    def _remembered(self) -> dict[str, Seen]:
        if self._cache is None:
            return {}
        try:
            data = parse_json(self._cache.read_bytes(), "the cache of a directory", limit=2**28)
            if data["format"] != _CACHE_FORMAT or data["folder"] != str(self._folder.path.resolve()):
                return {}
            newest = data["time"] - _RACY
            return {row[0]: Seen(tuple(row[1]), *row[2:]) for row in data["files"] if row[1][2] < newest}
        except (OSError, FormatError, KeyError, TypeError, IndexError):  # a cache that is not there or is damaged is no cache
            return {}

    def _remember(self) -> None:
        if self._cache is None:
            return
        from miden.package.files import write_whole

        rows = [[file, *seen] for file, seen in self._files.items()]
        facts = {"format": _CACHE_FORMAT, "folder": str(self._folder.path.resolve()), "time": time.time_ns(), "files": rows}
        try:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._cache, canonical_json(facts), durable=False)
        except OSError:  # a full or read-only disk: the next start is slower
            return

    # the protocol

    def names(self, search: str | None = None) -> list[str]:
        """Return the names of all packages."""
        if search is None:
            return sorted(self._names, key=name_key)
        wanted = search.lower()
        found = {seen.name for seen in self._files.values() if wanted in seen.name.lower() or wanted in seen.description.lower()}
        return sorted(found, key=name_key)

    def versions(self, name: str) -> list[IndexEntry]:
        """Return all versions of a package; its files are read and verified.

        Raises `IntegrityError` of kind ``VersionExists`` if two files are one version, `FormatError` and
        `IntegrityError` for a file that is damaged behind its header.
        """
        found: dict[str, tuple[str, IndexEntry]] = {}
        for file in sorted(self._names.get(name, ())):
            entry = self._entry(file)
            other = found.setdefault(entry.version, (file, entry))
            if other[1].blake3 != entry.blake3:
                message = f"{other[0]} and {file} are both {name} {entry.version}, and differ"
                raise IntegrityError(message, expected=other[1].blake3, found=entry.blake3, kind="VersionExists", hint="remove one of them")
        return sorted((entry for _, entry in found.values()), key=lambda entry: version_key(entry.version))

    def _entry(self, file: str) -> IndexEntry:
        entry = self._entries.get(file)
        if entry is None:
            entry = self._entries[file] = describe(self._folder.read(file, limit=MAX_PACKAGE))
        return entry

    def fetch(self, entry: IndexEntry) -> bytes:
        """Return the bytes of a version."""
        for file in self._names.get(entry.name, ()):
            if self._files[file].version == entry.version:
                return self._folder.read(file, limit=MAX_PACKAGE)
        raise NotFoundError(f"there is no {entry.name} {entry.version} in {self.location}", kind="PackageNotFound")

    def provides(self, root: Word) -> list[IndexEntry]:
        """Return the versions that have a root; only files with its bytes in them are decoded."""
        wanted = root.to_bytes()
        found = [self._entry(file) for file in sorted(self._files) if wanted in self._folder.read(file, limit=MAX_PACKAGE)]
        return [entry for entry in found if entry.provides(root)]

    def close(self) -> None:
        """Let go of the folder."""
        self._folder.close()

    def __repr__(self) -> str:
        return f"<DirectoryRegistry {self.name!r} at {self.location}, {len(self._names)} packages>"
