"""Packages: what they say, what they refuse, and their bytes."""

from __future__ import annotations

import pytest

import miden
from miden.errors import FormatError, InputError, IntegrityError, NotFoundError
from miden.package.package import Dependency, ManifestProcedure, Package, PackageKind, Section, manifest_of
from tests.support.mast_vectors import VECTORS

REFERENCE = bytes.fromhex(VECTORS["package_hex"])


def test_the_package_of_the_reference_is_read_and_written_byte_for_byte() -> None:
    package = Package.from_bytes(REFERENCE)
    assert (package.name, package.version_text, package.description, package.kind) == ("pkg", "1.2.3", None, PackageKind.LIBRARY)
    assert package.dependencies == (Dependency("dep", miden.Word((1, 2, 3, 4))),)
    assert [(section.id, section.data) for section in package.sections] == [("debug_info", b"\x01\x02\x03")]
    assert len(package.exports) == 6
    assert package.digest.to_hex() == VECTORS["library"]["digest"]
    assert package.to_bytes() == REFERENCE


def test_a_package_reads_back_as_it_was(package: Package) -> None:
    data = package.to_bytes()
    assert Package.from_bytes(data) == package
    assert Package.from_trusted_bytes(data) == package
    assert hash(Package.from_bytes(data)) == hash(package)


def test_the_manifest_has_all_that_the_library_exports(package: Package, library: miden.Library) -> None:
    assert list(package.exports) == list(library.items)
    item = package.exports["::demo::math::double"]
    assert isinstance(item, ManifestProcedure)
    assert item.digest == library.exports["::demo::math::double"]
    assert [attribute.name for attribute in item.attributes] == ["inline"]


def test_digest_covers_code_and_content_digest_everything(package: Package, library: miden.Library) -> None:
    other = Package("other", library)
    assert other.digest == package.digest == library.digest
    assert other.content_digest != package.content_digest


@pytest.mark.parametrize("text", ["", "1", "1.2", "01.2.3", "1.2.3.4", "v1.2.3", "1.2.3-", "latest"])
def test_a_version_must_be_semantic(library: miden.Library, text: str) -> None:
    with pytest.raises(InputError, match="semantic version"):
        Package("demo", library, version=text)


def test_versions_compare_as_semver_does(library: miden.Library) -> None:
    low, high = (Package("demo", library, version=text).version for text in ("1.0.0-rc.1", "1.0.0"))
    assert low is not None
    assert high is not None
    assert low < high


def test_a_manifest_with_another_digest_is_refused(library: miden.Library) -> None:
    exports = manifest_of(library)
    wrong = next(item for item in exports if isinstance(item, ManifestProcedure))
    wrong.digest = miden.Word((9, 9, 9, 9))
    with pytest.raises(IntegrityError, match="another digest") as caught:
        Package("demo", library, exports=exports)
    assert caught.value.kind == "ManifestMismatch"


def test_a_manifest_with_another_signature_is_refused(library: miden.Library) -> None:
    exports = manifest_of(library)
    next(item for item in exports if isinstance(item, ManifestProcedure)).attributes = ()
    with pytest.raises(IntegrityError, match="something else"):
        Package("demo", library, exports=exports)


def test_a_manifest_may_not_invent_exports(library: miden.Library) -> None:
    digest = next(iter(library.forest.procedure_digests))
    with pytest.raises(IntegrityError, match="something else"):
        Package("demo", library, exports=[ManifestProcedure("::demo::new", digest)])


def test_a_manifest_of_a_program_names_its_procedures(program: miden.Program) -> None:
    Package("demo", program, exports=[ManifestProcedure("::demo::main", program.hash)])
    with pytest.raises(IntegrityError, match="no procedure of the program"):
        Package("demo", program, exports=[ManifestProcedure("::demo::main", miden.Word((1, 1, 1, 1)))])


def test_two_exports_cannot_share_a_path(program: miden.Program) -> None:
    export = ManifestProcedure("::demo::main", program.hash)
    with pytest.raises(InputError, match="same path"):
        Package("demo", program, exports=[export, export])


def test_kind_and_artifact_must_fit(program: miden.Program, library: miden.Library) -> None:
    with pytest.raises(InputError, match="cannot hold"):
        Package("demo", program, kind=PackageKind.LIBRARY)
    with pytest.raises(InputError, match="cannot hold"):
        Package("demo", library, kind=PackageKind.EXECUTABLE)
    assert Package("demo", program, kind=PackageKind.NOTE_SCRIPT).kind.label == "note-script"


@pytest.mark.parametrize("id", ["", "1a", "a b", "é", "a/b", "-a"])
def test_ids_of_sections_are_plain(id: str) -> None:
    with pytest.raises(InputError, match="id of a section"):
        Section(id, b"")


def test_an_executable_starts_at_an_exported_procedure(package: Package, library: miden.Library) -> None:
    executable = package.make_executable("demo::more::quad")
    assert executable.kind is PackageKind.EXECUTABLE
    assert executable.to_program().hash == library.exports["::demo::more::quad"]
    assert len(executable.to_program().kernel) == 0
    assert list(executable.exports) == ["::demo::more::quad"]
    assert executable.dependencies == package.dependencies
    assert executable.sections == package.sections
    assert miden.execute(executable.to_program(), stack=[3]).stack[0] == 12
    assert Package.from_bytes(executable.to_bytes()) == executable


def test_an_executable_needs_a_procedure_that_is_there(package: Package) -> None:
    for path in ("demo::more::none", "::demo::math::FOUR"):
        with pytest.raises(NotFoundError, match="exports no procedure"):
            package.make_executable(path)
    with pytest.raises(InputError, match="not a library"):
        package.make_executable("demo::more::quad").make_executable("demo::more::quad")


def test_stripping_keeps_the_digest_and_other_sections(package: Package) -> None:
    stripped = package.strip_debug_info()
    assert stripped.digest == package.digest
    assert [section.id for section in stripped.sections] == ["notes"]
    assert stripped.forest.debug_info.is_empty
    assert len(stripped.to_bytes()) < len(package.to_bytes())


def test_a_kernel_is_known_by_its_paths(kernel: miden.KernelLibrary, package: Package) -> None:
    packed = Package("sys", kernel)
    assert packed.is_kernel
    assert not package.is_kernel
    read = Package.from_bytes(packed.to_bytes()).to_library()
    assert isinstance(read, miden.KernelLibrary)
    assert read.kernel == kernel.kernel


def test_sections_are_found_by_id(package: Package) -> None:
    assert package.section("notes") == b"hello"
    assert package.section("none") is None


def test_repr_says_what_it_is(package: Package) -> None:
    assert repr(package) == "<Package demo 1.2.3 library, 5 exports>"


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) >= 1
    return data.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (b"MASP\0", b"MASQ\0", "InvalidMagic"),
        (b"\x03\0\0\x07pkg", b"\x04\0\0\x07pkg", "UnsupportedVersion"),
        (b"1.2.3", b"1.2,3", "InvalidVersion"),
        (b"\0LIB\0", b"\x05LIB\0", "InvalidKind"),
        (b"\0LIB\0", b"\x01LIB\0", "InvalidKind"),
        (b"LIB\0", b"LUB\0", "InvalidMagic"),
        (b"\0LIB\0", b"\0PRG\0", None),
    ],
)
def test_a_wrong_head_is_refused_with_its_place(old: bytes, new: bytes, kind: str | None) -> None:
    with pytest.raises(FormatError) as caught:
        Package.from_bytes(patched(REFERENCE, old, new))
    assert caught.value.offset is not None
    assert kind in (None, caught.value.kind)


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(FormatError, match="follow the end"):
        Package.from_bytes(REFERENCE + b"\0")


def test_an_export_twice_is_refused(library: miden.Library) -> None:
    one = Package("demo", library, exports=[item for item in manifest_of(library) if item.path.endswith("half")])
    data = one.to_bytes()
    start = data.rindex(b"\x03\x01") + 1
    entry = data[start:-2]
    with pytest.raises(FormatError) as caught:
        Package.from_bytes(data[: start - 1] + b"\x05" + entry + entry + data[-2:])
    assert caught.value.kind == "DuplicateKey"
