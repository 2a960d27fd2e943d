"""``miden.lock``: which version of each package a project uses, down to every byte of it.

The text depends on nothing but what was chosen: packages in the order of their names, fields in one order, no time and no
path. What a lock says is authoritative: bytes that are not those it names are refused before anything is written. (R37.)

A package is either *linked*: chosen for the project by its needs, or there to *run*: code that was built before runs with
exactly what it was linked with, which may be another version than the one that the project is linked with.
"""

from __future__ import annotations

from miden.errors import FormatError, InputError, IntegrityError, ProjectError
from miden.field import Word
from miden.package.requirements import version_key
from miden.package.toml_file import TomlFile
from miden.registry.index import KINDS, MAX_PACKAGE, IndexEntry, check_bytes, describe_package
from miden.registry.names import PackageName
from miden.registry.versions import check_release

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from typing import Any

    from miden.package.needs import Need
    from miden.package.package import Package

FILE_NAME = "miden.lock"
FORMAT = 1
HEADER = "# Written by miden; `miden update` changes it. Keep it under version control.\n"
MAX_PACKAGES = 20_000
MAX_BYTES = 2**26

LINK = "link"
RUN = "run"
_HEX = ("blake3", "sha256")
_WORDS = ("code", "roots", "content")


class LockedPackage:
    """One version of a package, pinned.

    Attributes
    ----------
    name, version, kind, mast, size, blake3, sha256, code, roots, content
        As of an `IndexEntry`.
    registry
        Name of the registry it came from.
    use
        "link" or "run".
    features
        Features that were asked of it, in order.
    needs
        What it uses in this lock: pairs of a name and a version, in order.
    """

    __slots__ = (
        "blake3",
        "code",
        "content",
        "features",
        "kind",
        "mast",
        "name",
        "needs",
        "registry",
        "roots",
        "sha256",
        "size",
        "use",
        "version",
    )

    def __init__(
        self,
        entry: IndexEntry,
        registry: str,
        use: str,
        features: Iterable[str] = (),
        needs: Iterable[tuple[str, str]] = (),
    ) -> None:
        for name in ("name", "version", "kind", "mast", "size", *_HEX, *_WORDS):
            setattr(self, name, getattr(entry, name))
        self.registry = registry
        self.use = use
        self.features = tuple(sorted(features))
        self.needs = tuple(sorted(needs))

    if TYPE_CHECKING:
        name: str
        version: str
        kind: str
        mast: int
        size: int
        blake3: str
        sha256: str
        code: Word
        roots: Word
        content: Word

    @property
    def id(self) -> tuple[str, str]:
        """Name and version."""
        return self.name, self.version

    def entry(self) -> IndexEntry:
        """Return what is needed to fetch it; needs and exports are left to the package."""
        facts = {name: getattr(self, name) for name in ("name", "version", "kind", "mast", "size", *_HEX, *_WORDS)}
        return IndexEntry(**facts)

    def check_entry(self, entry: IndexEntry) -> None:
        """Hold what an index says against the lock; `IntegrityError` of kind ``LockMismatch``."""
        for name in ("mast", "size", *_HEX, *_WORDS):
            self._compare(name, getattr(self, name), getattr(entry, name), "the registry")

    def check(self, data: bytes) -> Package:
        """Return the package in `data`, verified, if it is the locked one.

        Raises `IntegrityError` of kind ``LockMismatch`` or ``PackageMismatch``, `FormatError` for bytes that are no package.
        """
        from miden.package.package import Package

        check_bytes(self.entry(), data)
        package = Package.from_bytes(data)
        found = describe_package(package, data)
        for name in ("name", "version", "kind", "mast", *_WORDS):
            self._compare(name, getattr(self, name), getattr(found, name), "the package")
        return package

    def _compare(self, what: str, expected: object, found: object, who: str) -> None:
        if expected != found:
            raise IntegrityError(
                f"the {what} of {self.name} {self.version} is locked, and {who} has another one",
                expected=_shown(expected),
                found=_shown(found),
                kind="LockMismatch",
                hint="somebody changed what was published; nothing was written",
            )

    def _key(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LockedPackage) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.name, self.version, self.blake3))

    def __repr__(self) -> str:
        return f"<LockedPackage {self.name} {self.version} to {self.use}>"


class Lock:
    """The packages of a lock file, in the order of names and versions.

    Raises `InputError` of kind ``InvalidLock`` for two packages of one name and version, for two linked versions of a
    package, and for a need that is not in the lock.
    """

    __slots__ = ("packages",)

    def __init__(self, packages: Iterable[LockedPackage] = ()) -> None:
        self.packages = tuple(sorted(packages, key=lambda item: (item.name, version_key(item.version), item.version)))
        ids = {item.id for item in self.packages}
        linked = [item.name for item in self.packages if item.use == LINK]
        if len(ids) != len(self.packages) or len(set(linked)) != len(linked):
            raise InputError("a lock names each version once, and one version of a package to link", kind="InvalidLock")
        for item in self.packages:
            for need in item.needs:
                if need not in ids:
                    raise InputError(f"{item.name} {item.version} needs {need[0]} {need[1]}, which is not locked", kind="InvalidLock")

    def linked(self) -> dict[str, LockedPackage]:
        """Return the packages that the project is linked with, by name."""
        return {item.name: item for item in self.packages if item.use == LINK}

    def versions(self) -> dict[str, str]:
        """Return the versions of those, by name."""
        return {name: item.version for name, item in self.linked().items()}

    def unmet(self, needs: Iterable[Need]) -> list[Need]:
        """Return the needs that the lock does not meet: of a project, and of nothing in it.

        >>> Lock().unmet([])
        []
        """
        linked = self.linked()
        found = []
        for need in needs:
            item = linked.get(need.name)
            if need.optional:
                continue
            if item is None or not need.requirement.accepts(item.version, item.code) or not set(need.features) <= set(item.features):
                found.append(need)
        return found

    def superfluous(self, needs: Iterable[Need]) -> list[LockedPackage]:
        """Return the packages that nothing needs any more."""
        by_id = {item.id: item for item in self.packages}
        needs = list(needs)
        linked = self.linked()
        pending = [linked[need.name] for need in needs if need.name in linked and not need.optional]
        reached: set[tuple[str, str]] = set()
        while pending:
            item = pending.pop()
            if item.id not in reached:
                reached.add(item.id)
                pending += (by_id[need] for need in item.needs)
        return [item for item in self.packages if item.id not in reached]

    def without_superfluous(self, needs: Iterable[Need]) -> Lock:
        """Return the lock without what nothing needs any more."""
        gone = {item.id for item in self.superfluous(needs)}
        return Lock(item for item in self.packages if item.id not in gone)

    # text

    def to_bytes(self) -> bytes:
        """Return the text of the file."""
        parts = [HEADER, f"version = {FORMAT}\n"]
        for item in self.packages:
            parts.append("\n[[package]]\n")
            rows: list[tuple[str, str]] = [("name", _quoted(item.name)), ("version", _quoted(item.version))]
            rows += [("registry", _quoted(item.registry)), ("kind", _quoted(item.kind)), ("use", _quoted(item.use))]
            rows += [("mast", str(item.mast)), ("size", str(item.size))]
            rows += [(name, _quoted(getattr(item, name))) for name in _HEX]
            rows += [(name, _quoted(getattr(item, name).to_hex())) for name in _WORDS]
            if item.features:
                rows.append(("features", _listed(item.features)))
            if item.needs:
                rows.append(("needs", _listed([f"{name} {version}" for name, version in item.needs])))
            parts += (f"{name} = {value}\n" for name, value in rows)
        return "".join(parts).encode()

    @classmethod
    def from_bytes(cls, content: bytes, path: str | os.PathLike[str] = FILE_NAME) -> Lock:
        """Read the text of a file.

        Raises `ProjectError` of kind ``InvalidLock`` or ``InvalidToml`` with the line.
        """
        file = TomlFile(content, str(path), limit=MAX_BYTES)
        if file.data.get("version") != FORMAT:
            file.fail(f"a lock file of version {FORMAT} is needed", "version", kind="InvalidLock", hint="miden update writes a new one")
        rows = file.data.get("package", [])
        if not isinstance(rows, list) or len(rows) > MAX_PACKAGES or set(file.data) - {"version", "package"}:
            file.fail(f"a lock file lists [[package]], at most {MAX_PACKAGES}", "package", kind="InvalidLock")
        packages = []
        for index, row in enumerate(rows):
            try:
                packages.append(_locked(row))
            except (InputError, FormatError) as error:
                file.fail(error.message, f"package.{index}", kind="InvalidLock")
        try:
            return cls(packages)
        except InputError as error:
            file.fail(error.message, kind=error.kind)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Lock | None:
        """Read the lock file of a project; None if there is none."""
        from pathlib import Path

        path = Path(folder) / FILE_NAME
        try:
            with path.open("rb") as file:
                return cls.from_bytes(file.read(MAX_BYTES + 1), path)
        except FileNotFoundError:
            return None

    def write(self, folder: str | os.PathLike[str]) -> bool:
        """Write the lock file of a project, whole; return whether it changed."""
        from pathlib import Path

        from miden.package.files import write_changed

        return write_changed(Path(folder) / FILE_NAME, self.to_bytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lock) and self.packages == other.packages

    def __hash__(self) -> int:
        return hash(self.packages)

    def __repr__(self) -> str:
        return f"<Lock {len(self.packages)} packages>"


def locked_needs_error(unmet: Sequence[Need], path: str) -> ProjectError:
    """Return the error for a lock that does not meet the needs of its project, where it may not be changed."""
    names = ", ".join(f"{need.name} {need.requirement.text}" for need in unmet)
    message = f"the lock file does not meet {names}" if unmet else "the lock file is not up to date"
    return ProjectError(message, path=path, kind="LockOutdated", hint="run miden update without --locked, and keep the new lock file")


def _locked(row: object) -> LockedPackage:
    from miden.serde.json_text import Fields

    fields = Fields(row, "a locked package", "InvalidLock")
    fields.only("name", "version", "registry", "kind", "use", "mast", "size", *_HEX, *_WORDS, "features", "needs")
    kind, use = fields.text("kind"), fields.text("use")
    if kind not in KINDS or use not in (LINK, RUN):
        fields.fail(f"kind is one of {', '.join(KINDS)}, and use is {LINK} or {RUN}")
    entry = IndexEntry(
        PackageName(fields.text("name")).text,
        check_release(fields.text("version")),
        kind=kind,
        mast=fields.number("mast", below=2**32),
        size=fields.number("size", below=MAX_PACKAGE + 1),
        blake3=fields.hexadecimal("blake3", 32),
        sha256=fields.hexadecimal("sha256", 32),
        code=Word.from_hex(fields.text("code", limit=66)),
        roots=Word.from_hex(fields.text("roots", limit=66)),
        content=Word.from_hex(fields.text("content", limit=66)),
    )
    needs: list[tuple[str, str]] = []
    for text in fields.texts("needs", limit=1000, length=260):
        name, space, version = text.partition(" ")
        if not space:
            fields.fail(f"a need is a name and a version, found {text[:40]!r}")
        needs.append((PackageName(name).text, check_release(version)))
    return LockedPackage(entry, fields.text("registry", limit=64), use, fields.texts("features", limit=256), needs)


def _quoted(text: str) -> str:
    """Return a basic string of TOML; all that is written here is printable ASCII."""
    assert text.isascii(), text
    assert text.isprintable(), text
    assert not {'"', "\\"} & set(text), text
    return f'"{text}"'


def _listed(texts: Iterable[str]) -> str:
    return "[\n" + "".join(f"    {_quoted(text)},\n" for text in texts) + "]"


def _shown(value: Any) -> str:
    return value.to_hex() if isinstance(value, Word) else str(value)
