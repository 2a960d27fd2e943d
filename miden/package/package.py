"""`Package`: an artifact with a name, a version, a manifest, dependencies and sections. (mast.md section 10.)"""

from __future__ import annotations

import re

from miden.errors import InputError, IntegrityError
from miden.field import Word
from miden.mast.exports import ConstantExport, ProcedureExport, TypeExport
from miden.mast.library import KernelLibrary, Library
from miden.mast.paths import check_path, is_in_kernel
from miden.mast.program import Program
from miden.numbered import Numbered
from miden.package.requirements import check_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TypeAlias

    from semver import Version

    from miden.mast.exports import Attribute
    from miden.mast.forest import MastForest
    from miden.mast.types import Type

    Artifact: TypeAlias = Program | Library

_SECTION_ID = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*", re.ASCII)


class PackageKind(Numbered):
    """What a package is for, numbered as in the file format."""

    LIBRARY = 0
    EXECUTABLE = 1
    ACCOUNT_COMPONENT = 2
    NOTE_SCRIPT = 3
    TRANSACTION_SCRIPT = 4

    @property
    def label(self) -> str:
        """The name people read: ``account-component``."""
        return self.name.lower().replace("_", "-")


class ManifestProcedure:
    """A procedure that a package says it exports."""

    __slots__ = ("attributes", "digest", "path", "signature")

    def __init__(self, path: str, digest: Word, signature: Type | None = None, attributes: Iterable[Attribute] = ()) -> None:
        self.path = path
        self.digest = digest
        self.signature = signature
        self.attributes = tuple(sorted(attributes, key=lambda attribute: attribute.name))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ManifestProcedure):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return self.path, self.digest, self.signature, self.attributes

    def __repr__(self) -> str:
        return f"ManifestProcedure({self.path!r}, {self.digest.to_hex()})"


if TYPE_CHECKING:
    ManifestExport: TypeAlias = ManifestProcedure | ConstantExport | TypeExport


class Dependency:
    """A package or library that must be there at run time; its digest is its identity, its name a hint."""

    __slots__ = ("digest", "name")

    def __init__(self, name: str, digest: Word) -> None:
        self.name = name
        self.digest = digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dependency) and (self.name, self.digest) == (other.name, other.digest)

    def __hash__(self) -> int:
        return hash((self.name, self.digest))

    def __repr__(self) -> str:
        return f"Dependency({self.name!r}, {self.digest.to_hex()})"


class Section:
    """Bytes that a package carries for others, under an id such as ``debug_info`` or one of theirs.

    Raises `InputError` of kind ``InvalidSection`` for an id that does not start with an ASCII letter or ``_``, or has
    anything but ASCII letters, digits, ``.``, ``_`` and ``-``.
    """

    __slots__ = ("data", "id")

    def __init__(self, id: str, data: bytes) -> None:
        if not _SECTION_ID.fullmatch(id):
            raise InputError(f"{id[:80]!r} cannot be the id of a section", kind="InvalidSection")
        self.id = id
        self.data = data

    @classmethod
    def from_checked(cls, id: str, data: bytes) -> Section:
        """Make a section that was read: readers take any id."""
        section = cls.__new__(cls)
        section.id, section.data = id, data
        return section

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Section) and (self.id, self.data) == (other.id, other.data)

    def __hash__(self) -> int:
        return hash((self.id, self.data))

    def __repr__(self) -> str:
        return f"<Section {self.id!r} {len(self.data)} bytes>"


class Package:
    """An immutable package.

    Parameters
    ----------
    name
        Name of the package.
    artifact
        A `Program` or a `Library`.
    version
        Semantic version, as text or as `semver.Version`.
    description
        One line for people.
    kind
        By default EXECUTABLE for a program and LIBRARY for a library.
    exports
        The manifest: by default all that the library exports, and nothing for a program.
    dependencies
        What must be there at run time, in an order that is kept.
    sections
        Bytes for others, in an order that is kept.

    Raises
    ------
    InputError
        For a version that is not semantic, an executable that is no program, two exports with one path.
    IntegrityError
        Of kind ``ManifestMismatch``: the manifest says something else than the artifact.

    Examples
    --------
    >>> from miden.assembly import Assembler
    >>> library = Assembler().assemble_library({"demo::math": "pub proc double dup.0 add end"})
    >>> package = Package("demo", library, version="1.0.0")
    >>> package
    <Package demo 1.0.0 library, 1 exports>
    >>> Package.from_bytes(package.to_bytes()) == package
    True
    """

    __slots__ = ("artifact", "dependencies", "description", "exports", "kind", "name", "sections", "version_text")

    def __init__(
        self,
        name: str,
        artifact: Artifact,
        *,
        version: Version | str | None = None,
        description: str | None = None,
        kind: PackageKind | None = None,
        exports: Iterable[ManifestExport] | None = None,
        dependencies: Iterable[Dependency] = (),
        sections: Iterable[Section] = (),
    ) -> None:
        if kind is None:
            kind = PackageKind.EXECUTABLE if isinstance(artifact, Program) else PackageKind.LIBRARY
        self.name = name
        self.artifact = artifact
        self.version_text = None if version is None else check_version(str(version))
        """The version as it is written, or None."""
        self.description = description
        self.kind = PackageKind(kind)
        listed = list(manifest_of(artifact) if exports is None else exports)
        self.exports: Mapping[str, ManifestExport] = {item.path: item for item in sorted(listed, key=lambda item: item.path)}
        """Path -> what the manifest says of it, in the order of the paths."""
        self.dependencies = tuple(dependencies)
        self.sections = tuple(sections)
        if len(self.exports) != len(listed):
            raise InputError("two exports of a package have the same path", kind="DuplicateExport")
        self._check()

    def _check(self) -> None:
        needed = {PackageKind.EXECUTABLE: Program, PackageKind.LIBRARY: Library}.get(self.kind)
        if needed is not None and not isinstance(self.artifact, needed):
            raise InputError(f"a package of kind {self.kind.label} cannot hold a {type(self.artifact).__name__}", kind="InvalidKind")
        for path, item in self.exports.items():
            check_path(path)
            if isinstance(self.artifact, Program):
                if isinstance(item, ManifestProcedure) and self.forest.find_procedure_root(item.digest) is None:
                    raise IntegrityError(
                        f"the manifest exports {path}, whose digest no procedure of the program has",
                        expected=item.digest.to_hex(),
                        kind="ManifestMismatch",
                    )
                continue
            ours = self.artifact.items.get(path)
            if isinstance(ours, ProcedureExport) and isinstance(item, ManifestProcedure):
                found = Word.from_bytes(self.forest.digest_bytes(ours.node))
                if found != item.digest:
                    raise IntegrityError(
                        f"the manifest gives {path} another digest than the library",
                        expected=item.digest.to_hex(),
                        found=found.to_hex(),
                        kind="ManifestMismatch",
                    )
                same = (ours.signature, ours.attributes) == (item.signature, item.attributes)
            else:
                same = ours == item
            if not same:
                raise IntegrityError(f"the manifest says something else of {path} than the library", kind="ManifestMismatch")

    # what it is

    @property
    def version(self) -> Version | None:
        """The version, as `semver` compares them."""
        from semver import Version

        return None if self.version_text is None else Version.parse(self.version_text)

    @property
    def forest(self) -> MastForest:
        """The code."""
        return self.artifact.forest

    @property
    def digest(self) -> Word:
        """Hash of the program or digest of the library: covers code, not the rest of the package."""
        return self.artifact.hash if isinstance(self.artifact, Program) else self.artifact.digest

    @property
    def content_digest(self) -> Word:
        """Hash of all bytes of the package: name, manifest, debug information and sections too."""
        from miden.hashing import hash_bytes

        return hash_bytes(self.to_bytes())

    @property
    def is_kernel(self) -> bool:
        """Whether it is a library that can serve as a kernel: all its procedures are directly in ``$kernel``."""
        return isinstance(self.artifact, Library) and is_kernel(self.artifact)

    def to_library(self) -> Library:
        """Return the library, a `KernelLibrary` if it is a kernel; `InputError` for a program."""
        if not isinstance(self.artifact, Library):
            raise InputError(f"package {self.name} holds a program, not a library", kind="NotALibrary")
        return KernelLibrary.from_library(self.artifact) if self.is_kernel else self.artifact

    def to_program(self) -> Program:
        """Return the program; `InputError` for a library."""
        if not isinstance(self.artifact, Program):
            raise InputError(
                f"package {self.name} holds a library, not a program",
                kind="NotAProgram",
                hint="make an executable of one of its procedures with make_executable",
            )
        return self.artifact

    def section(self, id: str) -> bytes | None:
        """Return the bytes of the first section with an id, or None."""
        return next((section.data for section in self.sections if section.id == id), None)

    # other packages

    def make_executable(self, entry: str) -> Package:
        """Return an executable package that starts at an exported procedure, without a kernel. (mast.md section 10.4.)

        Raises `InputError` for a package of a program, `NotFoundError` for a path that is no exported procedure.
        """
        from miden.errors import NotFoundError

        library = self.to_library()
        digest = library.find_procedure(entry)
        root = None if digest is None else self.forest.find_procedure_root(digest)
        if digest is None or root is None:
            raise NotFoundError(f"package {self.name} exports no procedure {entry}", kind="ProcedureNotFound")
        kept = [item for item in self.exports.values() if isinstance(item, ManifestProcedure) and item.digest == digest]
        return self._with(Program(self.forest, root), kind=PackageKind.EXECUTABLE, exports=kept)

    def strip_debug_info(self) -> Package:
        """Return the package without decorators, error messages and the section ``debug_info``; its digest stays."""
        kept = [section for section in self.sections if section.id != "debug_info"]
        return self._with(self.artifact.strip_debug_info(), kind=self.kind, exports=self.exports.values(), sections=kept)

    def replace_sections(self, sections: Iterable[Section]) -> Package:
        """Return the package with other sections, in an order that is kept; its digest stays."""
        return self._with(self.artifact, kind=self.kind, exports=self.exports.values(), sections=tuple(sections))

    def _with(
        self, artifact: Artifact, *, kind: PackageKind, exports: Iterable[ManifestExport], sections: Iterable[Section] | None = None
    ) -> Package:
        return Package(
            self.name,
            artifact,
            version=self.version_text,
            description=self.description,
            kind=kind,
            exports=exports,
            dependencies=self.dependencies,
            sections=self.sections if sections is None else sections,
        )

    # bytes

    def to_bytes(self) -> bytes:
        """Write a ``.masp`` file, byte for byte as the reference does."""
        from miden.package.masp import package_to_bytes

        return package_to_bytes(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Package:
        """Read bytes from anywhere: recompute every digest, check everything, the manifest against the artifact too.

        Raises `FormatError` with an offset for bytes that are no package, `IntegrityError` for a wrong digest or a
        manifest that does not fit.
        """
        from miden.package.masp import package_from_bytes

        return package_from_bytes(data, verify=True)

    @classmethod
    def from_trusted_bytes(cls, data: bytes) -> Package:
        """Read bytes that this machine has verified before: as `from_bytes`, but no digest is recomputed."""
        from miden.package.masp import package_from_bytes

        return package_from_bytes(data, verify=False)

    # value

    def _key(self) -> tuple[object, ...]:
        return self.name, self.version_text, self.description, self.kind, self.artifact, self.exports, self.dependencies, self.sections

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Package):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.name, self.version_text, self.digest))

    def __repr__(self) -> str:
        return f"<Package {self.name} {self.version_text or '(no version)'} {self.kind.label}, {len(self.exports)} exports>"

    def __rich_repr__(self) -> Iterator[tuple[str, object]]:
        yield "name", self.name
        yield "version", self.version_text
        yield "kind", self.kind.label
        yield "digest", self.digest.to_hex()
        yield "exports", tuple(self.exports)
        yield "dependencies", self.dependencies
        yield "sections", self.sections


def is_kernel(library: Library) -> bool:
    """Tell whether a library can serve as a kernel: it has procedures, all of them directly in ``$kernel``."""
    procedures = list(library.procedures)
    return bool(procedures) and all(is_in_kernel(item.path) for item in procedures)


def manifest_of(artifact: Artifact) -> list[ManifestExport]:
    """Return the manifest of all that a library exports; a program exports nothing."""
    if isinstance(artifact, Program):
        return []
    return [
        ManifestProcedure(item.path, Word.from_bytes(artifact.forest.digest_bytes(item.node)), item.signature, item.attributes)
        if isinstance(item, ProcedureExport)
        else item
        for item in artifact.items.values()
    ]
