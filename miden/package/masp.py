"""The file format of packages, ``.masp``, read and written. (mast.md section 10.)"""

from __future__ import annotations

from miden.errors import FormatError, InputError
from miden.field import Word
from miden.mast.exports import ConstantExport, TypeExport
from miden.mast.library import Library
from miden.mast.program import Program
from miden.package.package import Dependency, ManifestProcedure, Package, PackageKind, Section
from miden.package.requirements import check_version
from miden.serde.library import (
    encode_attributes,
    encode_constant,
    encode_optional_signature,
    encode_path,
    library_to_bytes,
    read_attributes,
    read_constant,
    read_library,
    read_path,
)
from miden.serde.program import program_to_bytes, read_program
from miden.serde.reader import Reader
from miden.serde.types import encode_type, read_signature, read_type
from miden.serde.writer import blob, text, vint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.package.package import Artifact, ManifestExport

MAGIC = b"MASP\0"
VERSION = b"\x03\0\0"
PROGRAM_TAG = b"PRG\0"
LIBRARY_TAG = b"LIB\0"

PROCEDURE = 1
CONSTANT = 2
TYPE = 3


class Header:
    """What stands in front of the artifact of a package."""

    __slots__ = ("description", "kind", "name", "version")

    def __init__(self, name: str, version: str | None, description: str | None, kind: PackageKind) -> None:
        self.name = name
        self.version = version
        self.description = description
        self.kind = kind


def package_from_bytes(data: bytes, *, verify: bool) -> Package:
    """Read a package that is all of `data`; recompute digests if `verify` is set."""
    reader = Reader(bytes(data))
    header = read_header(reader)
    artifact = _read_artifact(reader, verify=verify)
    manifest = reader.pos
    exports: dict[str, ManifestExport] = {}
    for _ in range(reader.count(5, "exports")):
        at = reader.pos
        item = _read_export(reader)
        if item.path in exports:
            reader.fail(f"{item.path} is exported twice", pos=at, kind="DuplicateKey")
        exports[item.path] = item
    dependencies = [Dependency(reader.text(), Word.from_bytes(reader.digest())) for _ in range(reader.count(33, "dependencies"))]
    sections: list[Section] = []
    for _ in range(reader.count(2, "sections")):
        section_id = reader.text()
        start, end = reader.blob("bytes of a section")
        sections.append(Section.from_checked(section_id, reader.data[start:end]))
    reader.finish()
    try:
        return Package(
            header.name,
            artifact,
            version=header.version,
            description=header.description,
            kind=header.kind,
            exports=exports.values(),
            dependencies=dependencies,
            sections=sections,
        )
    except InputError as error:
        raise FormatError(error.message, offset=manifest, kind=error.kind) from error


def read_header(reader: Reader) -> Header:
    """Read up to the tag of the artifact."""
    if reader.take(len(MAGIC)) != MAGIC:
        reader.fail("a package starts with MASP and a zero byte", pos=0, kind="InvalidMagic")
    if reader.take(len(VERSION)) != VERSION:
        reader.fail("only version 3.0.0 of the package format is known", pos=len(MAGIC), kind="UnsupportedVersion")
    name = reader.text()
    at = reader.pos
    version = reader.text() if reader.flag() else None
    if version is not None:
        try:
            check_version(version)
        except InputError as error:
            reader.fail(error.message, pos=at, kind=error.kind)
    description = reader.text() if reader.flag() else None
    kind = reader.u8()
    if kind > PackageKind.TRANSACTION_SCRIPT:
        reader.fail(f"there is no package of kind {kind}", pos=reader.pos - 1, kind="InvalidKind")
    return Header(name, version, description, PackageKind(kind))


def _read_artifact(reader: Reader, *, verify: bool) -> Artifact:
    tag = reader.take(4)
    if tag == PROGRAM_TAG:
        return read_program(reader, verify=verify)
    if tag != LIBRARY_TAG:
        reader.fail("the artifact of a package is tagged PRG or LIB and a zero byte", pos=reader.pos - 4, kind="InvalidMagic")
    return read_library(Library, reader, verify=verify)


def _read_export(reader: Reader) -> ManifestExport:
    tag = reader.u8()
    if not PROCEDURE <= tag <= TYPE:
        reader.fail(f"there is no export with tag {tag}", pos=reader.pos - 1, kind="InvalidExport")
    path = read_path(reader)
    if tag == PROCEDURE:
        digest = Word.from_bytes(reader.digest())
        signature = read_signature(reader) if reader.flag() else None
        return ManifestProcedure(path, digest, signature, read_attributes(reader))
    if tag == CONSTANT:
        return ConstantExport(path, read_constant(reader))
    return TypeExport(path, read_type(reader))


def package_to_bytes(package: Package) -> bytes:
    """Write a package."""
    parts = [MAGIC, VERSION, text(package.name), _optional(package.version_text), _optional(package.description), bytes((package.kind,))]
    if isinstance(package.artifact, Program):
        parts += (PROGRAM_TAG, program_to_bytes(package.artifact))
    else:
        parts += (LIBRARY_TAG, library_to_bytes(package.artifact))
    parts.append(vint(len(package.exports)))
    for path, item in package.exports.items():
        if isinstance(item, ManifestProcedure):
            parts += (bytes((PROCEDURE,)), encode_path(path), item.digest.to_bytes())
            parts += (encode_optional_signature(item.signature), encode_attributes(item.attributes))
        elif isinstance(item, ConstantExport):
            parts += (bytes((CONSTANT,)), encode_path(path), encode_constant(item.value))
        else:
            parts += (bytes((TYPE,)), encode_path(path), encode_type(item.type))
    parts.append(vint(len(package.dependencies)))
    for dependency in package.dependencies:
        parts += (text(dependency.name), dependency.digest.to_bytes())
    parts.append(vint(len(package.sections)))
    for section in package.sections:
        parts += (text(section.id), blob(section.data))
    return b"".join(parts)


def _optional(value: str | None) -> bytes:
    return b"\0" if value is None else b"\x01" + text(value)
