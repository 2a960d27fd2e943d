"""The container: the documented example, round trips, order of sections, commitments, the compact form."""

from __future__ import annotations

import re
from pathlib import Path
from struct import pack
from typing import TYPE_CHECKING, Any

import pytest

import miden
from miden.errors import FormatError, InputError, IntegrityError
from miden.mast.builder import ForestBuilder
from miden.mast.commitments import content_commitment, roots_commitment
from miden.mast.program import Program
from miden.package.container import Container, ContainerKind, SectionNumber, identity_of, peek_identity

if TYPE_CHECKING:
    from miden.package.package import Package

DOCUMENT = Path(__file__).parents[3] / "docs" / "internals" / "container.md"


def add_program() -> Program:
    builder = ForestBuilder()
    root = builder.add_block(bytes([34]))
    builder.add_root(root)
    return Program(builder.build(), root)


def documented() -> bytes:
    found = re.search(r"```hex\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return bytes.fromhex("".join(line for line in found[1].splitlines() if not line.startswith(";")))


def test_the_documented_example_is_what_is_written() -> None:
    assert Container.wrap(add_program(), custom=[("note", b"hi")]).to_bytes() == documented()


def test_the_documented_offsets_are_true() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.search(r"```hex\n(.*?)```", text, re.DOTALL)
    assert found is not None
    offset = 0
    for line in found[1].splitlines():
        if line.startswith(";"):
            assert int(line[1:].split(":")[0]) == offset
        else:
            offset += len(bytes.fromhex(line))


@pytest.fixture(params=["forest", "program", "library", "kernel", "package"])
def content(
    request: pytest.FixtureRequest, program: miden.Program, library: miden.Library, kernel: miden.KernelLibrary, package: Package
) -> Any:
    return {"forest": library.forest, "program": program, "library": library, "kernel": kernel, "package": package}[request.param]


@pytest.mark.parametrize("compact", [False, True])
def test_everything_reads_back_equal(content: Any, compact: bool) -> None:
    container = Container.wrap(content, compact=compact, custom=[("a", b"1"), ("a", b"")])
    data = container.to_bytes()
    for read in (Container.from_bytes(data), Container.from_trusted_bytes(data)):
        assert read == container
        assert read.content == content
        assert type(read.content) is type(content)
        assert read.identity == identity_of(content)
        assert read.custom == [("a", b"1"), ("a", b"")]
        assert read.compact == compact
        assert read.to_bytes() == data


def test_the_compact_form_has_no_digests(library: miden.Library) -> None:
    whole, compact = (Container.wrap(library, compact=flag).to_bytes() for flag in (False, True))
    assert len(whole) - len(compact) == 32 * len(library.forest)
    body = compact[12 + 9 + 104 + 9 :]
    assert not any(digest.to_bytes() in body for digest in library.forest.digests)


def test_external_nodes_keep_their_digest_in_the_compact_form() -> None:
    word = miden.Word((1, 2, 3, 4))
    program = miden.assemble(f"begin exec.{word.to_hex()} dynexec dyncall end")
    container = Container.wrap(program, compact=True)
    assert Container.from_bytes(container.to_bytes()).content == program


def test_identity_is_version_and_root(program: miden.Program, library: miden.Library) -> None:
    identity = Container.wrap(program).identity
    assert identity.key == (0, program.hash)
    assert identity.kind is ContainerKind.PROGRAM
    assert identity.roots == roots_commitment(program.forest)
    assert identity_of(library.forest).root == roots_commitment(library.forest)
    assert identity_of(library.forest).content == content_commitment(library.forest)


def test_identity_is_seen_without_decoding(program: miden.Program) -> None:
    data = Container.wrap(program).to_bytes()
    assert peek_identity(data[:-1] + b"\xff") == Container.wrap(program).identity


def test_the_content_commitment_covers_debug_information(library: miden.Library) -> None:
    first, second = identity_of(library), identity_of(library.strip_debug_info())
    assert first.root == second.root
    assert first.roots == second.roots
    assert first.content != second.content


HEAD = documented()[:12]
IDENTITY = documented()[12:125]
ARTIFACT = documented()[125:207]
CUSTOM = documented()[207:]


def section(number: int, data: bytes) -> bytes:
    return pack("<BQ", number, len(data)) + data


def test_unknown_optional_sections_are_kept_in_place() -> None:
    data = HEAD + IDENTITY + section(200, b"later") + CUSTOM + ARTIFACT + section(128, b"") + CUSTOM
    container = Container.from_bytes(data)
    assert container.to_bytes() == data
    assert [number for number, _ in container.sections] == [1, 200, 0, 2, 128, 0]


@pytest.mark.parametrize(
    ("data", "kind", "offset"),
    [
        (b"", "UnexpectedEOF", 0),
        (b"\x89MIDEN\n\n" + HEAD[8:] + IDENTITY + ARTIFACT, "InvalidMagic", 0),
        (HEAD[:8] + b"\x02\0\0\0" + IDENTITY + ARTIFACT, "UnsupportedVersion", 8),
        (HEAD[:8] + b"\x01\0\0\x01" + IDENTITY + ARTIFACT, "InvalidValue", 10),
        (HEAD, "UnexpectedEOF", 12),
        (HEAD + IDENTITY, "UnexpectedEOF", 125),
        (HEAD + ARTIFACT, "SectionOrder", 12),
        (HEAD + CUSTOM + IDENTITY + ARTIFACT, "SectionOrder", 12),
        (HEAD + IDENTITY + IDENTITY + ARTIFACT, "SectionOrder", 125),
        (HEAD + IDENTITY + ARTIFACT + ARTIFACT, "DuplicateSection", 207),
        (HEAD + IDENTITY + ARTIFACT + section(3, b""), "DuplicateSection", 207),
        (HEAD + IDENTITY + ARTIFACT + section(4, b""), "UnknownSection", 207),
        (HEAD + IDENTITY + ARTIFACT + section(127, b""), "UnknownSection", 207),
        (HEAD + IDENTITY + ARTIFACT + pack("<BQ", 0, 2**63), "UnexpectedEOF", 207),
        (HEAD + IDENTITY + ARTIFACT + pack("<BQ", 200, 2**64 - 1), "UnexpectedEOF", 207),
        (HEAD + IDENTITY + ARTIFACT + section(0, b""), "InvalidSection", 216),
        (HEAD + IDENTITY + ARTIFACT + section(0, b"\0"), "InvalidSection", 216),
        (HEAD + IDENTITY + ARTIFACT + section(0, b"\x05abcd"), "InvalidSection", 216),
        (HEAD + IDENTITY + ARTIFACT + section(0, b"\x01\xff"), "InvalidText", 217),
        (HEAD + section(1, IDENTITY[9:-1]) + ARTIFACT, "InvalidIdentity", 21),
        (HEAD + section(1, b"\x05" + IDENTITY[10:]) + ARTIFACT, "InvalidKind", 21),
        (HEAD + section(1, b"\x01\x01" + IDENTITY[11:]) + ARTIFACT, "InvalidValue", 22),
        (HEAD + section(1, b"\x01\0\0\0\x01" + IDENTITY[14:]) + ARTIFACT, "UnsupportedMastVersion", 25),
        (HEAD + section(1, IDENTITY[9:17] + b"\xff" * 32 + IDENTITY[49:]) + ARTIFACT, "InvalidFelt", 29),
        (HEAD + IDENTITY + section(2, b"MAST"), "UnexpectedEOF", 134),
    ],
)
def test_a_wrong_envelope_is_refused_with_its_place(data: bytes, kind: str, offset: int) -> None:
    with pytest.raises(FormatError) as caught:
        Container.from_bytes(data)
    assert (caught.value.kind, caught.value.offset) == (kind, offset)


@pytest.mark.parametrize(("at", "name"), [(29, "root"), (61, "roots commitment"), (93, "content commitment")])
@pytest.mark.parametrize("compact", [False, True])
def test_a_wrong_commitment_is_refused(at: int, name: str, compact: bool) -> None:
    data = bytearray(Container.wrap(add_program(), compact=compact).to_bytes())
    data[at] ^= 1
    with pytest.raises(IntegrityError, match=f"the {name} of the container"):
        Container.from_bytes(bytes(data))
    Container.from_trusted_bytes(bytes(data))


def test_another_kind_in_the_identity_is_refused(library: miden.Library) -> None:
    data = bytearray(Container.wrap(library).to_bytes())
    data[21] = ContainerKind.PROGRAM
    with pytest.raises((FormatError, IntegrityError)):
        Container.from_bytes(bytes(data))


@pytest.mark.parametrize("name", ["", "x" * 256, "é" * 128])
def test_names_of_custom_sections_are_short(name: str) -> None:
    with pytest.raises(InputError, match="name of a custom section"):
        Container.wrap(add_program(), custom=[(name, b"")])


def test_what_is_no_artifact_is_not_wrapped() -> None:
    with pytest.raises(InputError, match="does not hold"):
        identity_of(3, b"")  # type: ignore[arg-type]


def test_a_cycle_in_the_compact_form_is_refused() -> None:
    builder = ForestBuilder()
    block = builder.add_block(bytes([34]))
    builder.add_root(builder.add_loop(block))
    container = Container.wrap(Program(builder.build(), 1), compact=True)
    number, data = next(item for item in container.sections if item[0] == SectionNumber.COMPACT)
    info = pack("<Q", 2 << 60)  # a loop over node 0
    assert data.count(info) == 1
    broken = data.replace(info, pack("<Q", 2 << 60 | 1))
    whole = Container(container.content, container.identity, [container.sections[0], (number, broken)]).to_bytes()
    with pytest.raises(FormatError) as caught:
        Container.from_bytes(whole)
    assert caught.value.kind == "CyclicForest"
