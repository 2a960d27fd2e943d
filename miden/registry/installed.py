"""What is installed: one small file says it all, and is replaced in one step.

::

    HOME/installed.json     the set: what was asked for, by whom, and every package that follows from it
    HOME/packages/ab/...    the packages, named by their BLAKE3 hash, never changed
    HOME/.lock              held by the one writer; the system frees it when its process ends, however it ends

A reader reads the set once and has the whole old or the whole new state. Packages that no set names any more stay for a
while, for readers that still hold an old one; `Home.collect` removes them.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from miden.errors import FormatError, IntegrityError, NotFoundError, StorageError
from miden.registry.folder import READ_ONLY, Folder, locked
from miden.registry.index import MAX_PACKAGE, IndexEntry, check_bytes
from miden.registry.names import PackageName
from miden.registry.versions import check_release
from miden.serde.json_text import Fields, canonical_json, parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from miden.field import Word

FORMAT = "miden installed 1"
SET_FILE = "installed.json"
PACKAGES = "packages"
LOCK = ".lock"
MAX_BYTES = 2**28
MAX_PACKAGES = 100_000
LOCK_SECONDS = 30.0
GRACE = 3600.0
"""Seconds that a package stays after nothing names it."""
USER = "user"
"""Who asked for what was installed by name; a project is asked for by its folder."""


class Wanted(NamedTuple):
    """What somebody asked for: `owner` is "user" or the folder of a project."""

    owner: str
    name: str
    version: str
    requirement: str


class InstalledPackage(NamedTuple):
    """A package that is here, where it came from, and what it runs with: names and versions of others that are here."""

    entry: IndexEntry
    registry: str
    uses: tuple[tuple[str, str], ...]


class InstalledSet:
    """One state of what is installed; it never changes.

    Attributes
    ----------
    generation
        Counts states.
    wanted
        What was asked for, `Wanted` items in order.
    packages
        (name, version) -> `InstalledPackage`, in order.
    """

    __slots__ = ("generation", "packages", "wanted")

    def __init__(self, generation: int = 0, wanted: Iterable[Wanted] = (), packages: Iterable[InstalledPackage] = ()) -> None:
        self.generation = generation
        self.wanted = tuple(sorted(set(wanted)))
        self.packages = {item.entry.id: item for item in sorted(packages, key=lambda item: item.entry.id)}
        for item in self.packages.values():
            for used in item.uses:
                if used not in self.packages:
                    raise FormatError(f"{item.entry.name} uses {used[0]} {used[1]}, which is not installed", kind="InvalidInstalled")
        for asked in self.wanted:
            if (asked.name, asked.version) not in self.packages:
                raise FormatError(f"{asked.name} {asked.version} is asked for and not installed", kind="InvalidInstalled")

    def find(self, name: str, accepts: Callable[[IndexEntry], bool] = lambda _: True) -> InstalledPackage | None:
        """Return the highest version of a package that is accepted, or None."""
        from miden.package.requirements import version_key

        found = [item for (other, _), item in self.packages.items() if other == name and accepts(item.entry)]
        return max(found, key=lambda item: version_key(item.entry.version), default=None)

    def provides(self, root: Word) -> InstalledPackage | None:
        """Return a package that exports a procedure with this root, or is the program with this hash; None if there is none."""
        return next((item for item in self.packages.values() if item.entry.provides(root)), None)

    def users(self, package: tuple[str, str]) -> list[tuple[str, str]]:
        """Return the packages that use one."""
        return [other for other, item in self.packages.items() if package in item.uses]

    def with_wanted(self, wanted: Iterable[Wanted], added: Iterable[InstalledPackage] = ()) -> InstalledSet:
        """Return the next state: what is wanted now, and of all packages those that follow from it."""
        pool = {**self.packages, **{item.entry.id: item for item in added}}
        wanted = list(wanted)
        pending = [(item.name, item.version) for item in wanted]
        reached: dict[tuple[str, str], InstalledPackage] = {}
        while pending:
            key = pending.pop()
            if key not in reached:
                reached[key] = pool[key]
                pending += pool[key].uses
        return InstalledSet(self.generation + 1, wanted, reached.values())

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        facts = {
            "format": FORMAT,
            "generation": self.generation,
            "wanted": [list(item) for item in self.wanted],
            "packages": [
                {"entry": item.entry.to_json(), "registry": item.registry, "uses": [list(used) for used in item.uses]}
                for item in self.packages.values()
            ],
        }
        return canonical_json(facts) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> InstalledSet:
        """Read the content of the file; `FormatError` of kind ``InvalidInstalled`` or ``InvalidJson``."""
        fields = Fields(parse_json(data, SET_FILE, limit=MAX_BYTES), SET_FILE, "InvalidInstalled")
        fields.only("format", "generation", "wanted", "packages")
        if fields.text("format") != FORMAT:
            fields.fail(f"format {FORMAT!r} is needed")
        wanted = []
        for row in fields.items("wanted", limit=MAX_PACKAGES):
            if not (isinstance(row, list) and len(row) == 4 and all(isinstance(part, str) for part in row)):
                fields.fail("wanted must be a list of an owner, a name, a version and a requirement")
            wanted.append(Wanted(row[0], PackageName(row[1]).text, check_release(row[2]), row[3]))
        packages = []
        for row in fields.items("packages", limit=MAX_PACKAGES):
            item = Fields(row, f"a package of {SET_FILE}", "InvalidInstalled")
            item.only("entry", "registry", "uses")
            uses = item.items("uses", limit=MAX_PACKAGES)
            if not all(isinstance(used, list) and len(used) == 2 and all(isinstance(part, str) for part in used) for used in uses):
                item.fail("uses must be a list of a name and a version")
            entry = IndexEntry.from_json(row.get("entry"))
            packages.append(InstalledPackage(entry, item.text("registry", limit=64), tuple((used[0], used[1]) for used in uses)))
        return cls(fields.number("generation"), wanted, packages)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InstalledSet) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.generation)

    def __repr__(self) -> str:
        return f"<InstalledSet {self.generation}: {len(self.packages)} packages>"


def read_home(path: str | os.PathLike[str]) -> InstalledSet:
    """Return what is installed in a folder, nothing if it is not there; unlike a `Home`, it makes none.

    Raises `FormatError` for a damaged file, `IntegrityError` for a folder that is a link.

    >>> read_home("no such folder")
    <InstalledSet 0: 0 packages>
    """
    try:
        with Folder(path) as folder:
            return InstalledSet.from_bytes(folder.read(SET_FILE, limit=MAX_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return InstalledSet()


class Home:
    """The folder in which packages are installed, for this user only.

    Parameters
    ----------
    path
        Where it is; made if need be.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Home(f"{folder}/home") as home:
    ...     home.read()
    <InstalledSet 0: 0 packages>
    """

    __slots__ = ("_folder", "_packages", "path")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._folder = Folder(self.path, create=True)
        self._packages = self._folder.child(PACKAGES, create=True)

    def read(self) -> InstalledSet:
        """Return what is installed now; `FormatError` for a damaged file."""
        try:
            return InstalledSet.from_bytes(self._folder.read(SET_FILE, limit=MAX_BYTES))
        except FileNotFoundError:
            return InstalledSet()

    @contextmanager
    def writing(self, seconds: float = LOCK_SECONDS) -> Iterator[InstalledSet]:
        """Keep other writers out while the block runs, and return what is installed.

        Raises `StorageError` of kind ``LockTimeout`` if another writer is at it for longer than `seconds`.
        """
        message = f"another process has been installing into {self.path} for {seconds:g} seconds"
        busy = StorageError(message, kind="LockTimeout", hint="wait for it; the lock is freed when it ends")
        with locked(self.path / LOCK, seconds, busy, private=True):
            yield self.read()

    def switch(self, state: InstalledSet) -> None:
        """Make a state the one that is installed: the one step that readers see. Only to be called while `writing`."""
        self._folder.write(SET_FILE, state.to_bytes())

    # packages

    def has(self, entry: IndexEntry) -> bool:
        """Tell whether the file of a package is here."""
        with self._fan(entry, create=True) as folder:
            return folder.has(_file(entry))

    def put(self, entry: IndexEntry, data: bytes) -> None:
        """Keep the bytes of a package, which were held against its entry; they survive loss of power once this returns."""
        with self._fan(entry, create=True) as folder:
            folder.write(_file(entry), data, mode=READ_ONLY)
        self._packages.sync()

    def data(self, entry: IndexEntry) -> bytes:
        """Return the bytes of a package that is here, held against its entry.

        Raises `NotFoundError` of kind ``PackageNotFound`` or `IntegrityError` of kind ``PackageMismatch``.
        """
        try:
            with self._fan(entry) as folder:
                data = folder.read(_file(entry), limit=MAX_PACKAGE)
        except FileNotFoundError:
            message = f"the package {entry.name} {entry.version} is not in {self.path}"
            raise NotFoundError(message, kind="PackageNotFound", hint="miden install brings it here") from None
        check_bytes(entry, data)
        return data

    def _fan(self, entry: IndexEntry, *, create: bool = False) -> Folder:
        return self._packages.child(entry.blake3[:2], create=create)

    def collect(self, *, grace: float = GRACE) -> int:
        """Remove packages that nothing names, and files that were never finished, after a time of grace; return how many."""
        import time

        with self.writing() as state:
            named = {_file(item.entry) for item in state.packages.values()}
            limit = time.time() - grace
            removed = self._folder.sweep(older_than=grace)
            for fan in [entry for entry in self._packages.entries() if entry.is_dir(follow_symlinks=False)]:
                with self._packages.child(fan.name) as folder:
                    removed += folder.sweep(older_than=grace)
                    for name in list(folder.names()):
                        facts = folder.facts(name)
                        if name not in named and facts is not None and facts.st_mtime <= limit:
                            removed += folder.remove(name)
        return removed

    def check(self) -> list[str]:
        """Hold every installed package against its entry; return sentences about what is wrong, all of it."""
        problems = []
        for item in self.read().packages.values():
            try:
                self.data(item.entry)
            except (NotFoundError, IntegrityError, FormatError, OSError) as error:
                problems.append(str(error))
        return problems

    def close(self) -> None:
        """Let go of the folders."""
        self._packages.close()
        self._folder.close()

    def __enter__(self) -> Home:  # noqa: PYI034  not meant for subclasses
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Home({str(self.path)!r})"


def _file(entry: IndexEntry) -> str:
    return f"{entry.blake3}.masp"
