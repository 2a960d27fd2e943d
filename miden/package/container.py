"""Our own envelope around artifacts: identity, commitments, sections of others. (docs/internals/container.md.)"""

from __future__ import annotations

from struct import Struct

from miden.errors import FormatError, InputError, IntegrityError
from miden.field import Word
from miden.hashing import hash_bytes
from miden.mast.commitments import roots_commitment
from miden.mast.forest import MastForest
from miden.mast.library import KernelLibrary, Library
from miden.mast.program import Program
from miden.mast.versions import CURRENT, mast_version
from miden.numbered import Numbered
from miden.package.compact import compact_bytes, expand_bytes
from miden.package.masp import read_header
from miden.package.package import Package
from miden.serde.reader import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    Content: TypeAlias = MastForest | Program | Library | Package

MAGIC = b"\x89MIDEN\r\n"
VERSION = 1

_HEAD = Struct("<8sHH")
_SECTION = Struct("<BQ")
_IDENTITY = Struct("<B3sI32s32s32s")
MAX_NAME = 255
"""Bytes of the name of a custom section."""


class ContainerKind(Numbered):
    """What is inside, numbered as in the file."""

    FOREST = 0
    PROGRAM = 1
    LIBRARY = 2
    KERNEL = 3
    PACKAGE = 4


class SectionNumber(Numbered):
    """Sections that this version knows."""

    CUSTOM = 0
    IDENTITY = 1
    ARTIFACT = 2
    COMPACT = 3


FIRST_OPTIONAL = 128
"""Sections from here on may be unknown: they are kept."""

_CLASSES: dict[ContainerKind, type[MastForest | Program | Library | Package]] = {
    ContainerKind.FOREST: MastForest,
    ContainerKind.PROGRAM: Program,
    ContainerKind.LIBRARY: Library,
    ContainerKind.KERNEL: KernelLibrary,
    ContainerKind.PACKAGE: Package,
}


class Identity:
    """Which object this is: `mast_version` and `root` name it, the commitments cover what a root does not."""

    __slots__ = ("content", "kind", "mast_version", "root", "roots")

    def __init__(self, kind: ContainerKind, mast_version: int, root: Word, roots: Word, content: Word) -> None:
        self.kind = kind
        self.mast_version = mast_version
        self.root = root
        self.roots = roots
        """Commitment to the set of procedure roots."""
        self.content = content
        """Commitment to all bytes of the artifact."""

    @property
    def key(self) -> tuple[int, Word]:
        """What names the object: the pair (MAST version, root)."""
        return self.mast_version, self.root

    def to_bytes(self) -> bytes:
        """Write the 104 bytes of the section."""
        words = (self.root.to_bytes(), self.roots.to_bytes(), self.content.to_bytes())
        return _IDENTITY.pack(self.kind, b"\0\0\0", self.mast_version, *words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"<Identity {self.kind.name.lower()} {self.mast_version}:{self.root.to_hex()}>"


class Container:
    """An artifact with its identity, and sections of others.

    Make one with `wrap`, read one with `from_bytes`.

    Attributes
    ----------
    content
        The forest, program, library, kernel library or package inside.
    identity
        Its `Identity`.
    sections
        All sections in the order of the file, as pairs (number, bytes).

    Examples
    --------
    >>> from miden.assembly import assemble
    >>> program = assemble("begin push.1 push.2 add swap drop end")
    >>> container = Container.wrap(program, compact=True, custom=[("note", b"hi")])
    >>> Container.from_bytes(container.to_bytes()).content == program
    True
    >>> container.identity.key == (0, program.hash)
    True
    """

    __slots__ = ("content", "identity", "sections")

    def __init__(self, content: Content, identity: Identity, sections: Iterable[tuple[int, bytes]]) -> None:
        self.content = content
        self.identity = identity
        self.sections = tuple(sections)

    @classmethod
    def wrap(cls, content: Content, *, compact: bool = False, custom: Iterable[tuple[str, bytes]] = ()) -> Container:
        """Put an artifact into a container, without its digests if `compact` is set.

        `custom` holds names and bytes of custom sections. Raises `InputError` for a name that is empty or longer than
        255 bytes, and for an object that no container holds.
        """
        data = content.to_bytes()
        identity = identity_of(content, data)
        sections = [(int(SectionNumber.IDENTITY), identity.to_bytes())]
        if compact:
            sections.append((SectionNumber.COMPACT, compact_bytes(data, _forest_offset(identity.kind, data))))
        else:
            sections.append((SectionNumber.ARTIFACT, data))
        for name, extra in custom:
            encoded = name.encode()
            if not 1 <= len(encoded) <= MAX_NAME:
                raise InputError(f"the name of a custom section has 1 to {MAX_NAME} bytes, found {len(encoded)}", kind="InvalidSection")
            sections.append((SectionNumber.CUSTOM, bytes((len(encoded),)) + encoded + extra))
        return cls(content, identity, sections)

    @property
    def custom(self) -> list[tuple[str, bytes]]:
        """Names and bytes of the custom sections, in order."""
        return [(data[1 : 1 + data[0]].decode(), data[1 + data[0] :]) for number, data in self.sections if number == SectionNumber.CUSTOM]

    @property
    def compact(self) -> bool:
        """Whether the artifact is stored without digests."""
        return any(number == SectionNumber.COMPACT for number, _ in self.sections)

    def to_bytes(self) -> bytes:
        """Write the file."""
        parts = [_HEAD.pack(MAGIC, VERSION, 0)]
        for number, data in self.sections:
            parts += (_SECTION.pack(number, len(data)), data)
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> Container:
        """Read bytes from anywhere: recompute every digest and check identity and commitments.

        Raises `FormatError` with an offset for bytes that are no container, `IntegrityError` for a digest or a
        commitment that is not that of the artifact.
        """
        return cls._read(data, verify=True)

    @classmethod
    def from_trusted_bytes(cls, data: bytes) -> Container:
        """Read bytes that this machine has verified before: as `from_bytes`, but nothing is hashed to be checked."""
        return cls._read(data, verify=False)

    @classmethod
    def _read(cls, data: bytes, *, verify: bool) -> Container:
        reader = Reader(bytes(data))
        spans = _read_sections(reader)
        identity = _read_identity(reader, *spans[0][1])
        number, (start, end) = next((number, span) for number, span in spans if number in (SectionNumber.ARTIFACT, SectionNumber.COMPACT))
        artifact = reader.data[start:end]
        made = _CLASSES[identity.kind]
        if number == SectionNumber.COMPACT:
            version = mast_version(identity.mast_version, offset=spans[0][1][0] + 4)
            artifact = expand_bytes(artifact, version, _forest_offset(identity.kind, artifact, start), start)
        try:
            if verify and number != SectionNumber.COMPACT:
                content = made.from_bytes(artifact)
            else:
                content = made.from_trusted_bytes(artifact)
                if verify:  # its digests have just been computed
                    forest = content if isinstance(content, MastForest) else content.forest
                    len(forest.debug_info.decorators)
        except FormatError as error:
            reason = error.message.removesuffix(f" (at byte {error.offset})")
            raise FormatError(f"in the artifact: {reason}", offset=start + (error.offset or 0), kind=error.kind) from error
        if verify:
            _check_identity(identity, identity_of(content, artifact))
        return cls(content, identity, ((number, reader.data[at:to]) for number, (at, to) in spans))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Container) and self.sections == other.sections

    def __hash__(self) -> int:
        return hash(self.identity)

    def __repr__(self) -> str:
        return f"<Container {self.identity!r}, {len(self.sections)} sections>"


def peek_identity(data: bytes) -> Identity:
    """Return the identity a container claims, without decoding what is inside.

    Raises `FormatError` as `Container.from_bytes` does for what is wrong with the envelope.
    """
    reader = Reader(bytes(data))
    return _read_identity(reader, *_read_sections(reader)[0][1])


def identity_of(content: Content, data: bytes | None = None) -> Identity:
    """Return the identity of an artifact; `data` are its bytes, if the caller has them."""
    if isinstance(content, MastForest):
        kind, forest, root = ContainerKind.FOREST, content, None
    elif isinstance(content, Program):
        kind, forest, root = ContainerKind.PROGRAM, content.forest, content.hash
    elif isinstance(content, Library):
        kind = ContainerKind.KERNEL if isinstance(content, KernelLibrary) else ContainerKind.LIBRARY
        forest, root = content.forest, content.digest
    elif isinstance(content, Package):
        kind, forest, root = ContainerKind.PACKAGE, content.forest, content.digest
    else:
        raise InputError(f"a container does not hold a {type(content).__name__}", kind="InvalidKind")
    roots = roots_commitment(forest)
    return Identity(kind, CURRENT.number, roots if root is None else root, roots, hash_bytes(content.to_bytes() if data is None else data))


def _forest_offset(kind: ContainerKind, data: bytes, base: int = 0) -> int:
    """Return where the forest of an artifact starts."""
    if kind != ContainerKind.PACKAGE:
        return 0
    reader = Reader(data, base=base)
    read_header(reader)
    reader.skip(4)
    return reader.pos


def _read_sections(reader: Reader) -> list[tuple[int, tuple[int, int]]]:
    """Return number, start and end of every section, checked against each other."""
    magic, version, reserved = _HEAD.unpack(reader.take(_HEAD.size))
    if magic != MAGIC:
        reader.fail("a container starts with 0x89, MIDEN, CR and LF", pos=0, kind="InvalidMagic")
    if version != VERSION:
        reader.fail(f"only version {VERSION} of the container is known, found {version}", pos=8, kind="UnsupportedVersion")
    if reserved:
        reader.fail("the reserved bytes of the head must be 0", pos=10)
    spans: list[tuple[int, tuple[int, int]]] = []
    seen: set[int] = set()
    while reader.pos < reader.end:
        at = reader.pos
        number, size = _SECTION.unpack(reader.take(_SECTION.size))
        if (number == SectionNumber.IDENTITY) != (not spans):
            reader.fail("the identity is the first section, and only that", pos=at, kind="SectionOrder")
        if SectionNumber.COMPACT < number < FIRST_OPTIONAL:
            reader.fail(f"section {number} is unknown and not optional", pos=at, kind="UnknownSection")
        if number in (SectionNumber.ARTIFACT, SectionNumber.COMPACT):
            if seen:
                reader.fail("a container holds one artifact", pos=at, kind="DuplicateSection")
            seen.add(number)
        if size > reader.end - reader.pos:
            reader.fail(f"a section of {size} bytes does not fit in the {reader.end - reader.pos} left", pos=at, kind="UnexpectedEOF")
        start = reader.skip(size)
        if number == SectionNumber.CUSTOM:
            _check_name(reader, start, reader.pos)
        spans.append((number, (start, reader.pos)))
    if not seen:
        reader.fail("a container needs an identity and an artifact", kind="UnexpectedEOF")
    return spans


def _check_name(reader: Reader, start: int, end: int) -> None:
    size = reader.data[start] if start < end else 0
    if not 1 <= size <= end - start - 1:
        reader.fail("a custom section starts with the length of its name and the name", pos=start, kind="InvalidSection")
    Reader(reader.data, start + 1, reader.base, end).utf8(size)


def _read_identity(reader: Reader, start: int, end: int) -> Identity:
    if end - start != _IDENTITY.size:
        reader.fail(f"an identity has {_IDENTITY.size} bytes, found {end - start}", pos=start, kind="InvalidIdentity")
    kind, reserved, version, *_ = _IDENTITY.unpack_from(reader.data, start)
    if kind not in _CLASSES:
        reader.fail(f"there is no artifact of kind {kind}", pos=start, kind="InvalidKind")
    if any(reserved):
        reader.fail("the reserved bytes of an identity must be 0", pos=start + 1)
    mast_version(version, offset=start + 4)
    words = Reader(reader.data, start + 8, reader.base, end)
    root, roots, content = (Word.from_bytes(words.digest()) for _ in range(3))
    return Identity(ContainerKind(kind), version, root, roots, content)


def _check_identity(claimed: Identity, found: Identity) -> None:
    for name, field in (("root", "root"), ("roots commitment", "roots"), ("content commitment", "content")):
        claim, fact = getattr(claimed, field), getattr(found, field)
        if claim != fact:
            raise IntegrityError(
                f"the {name} of the container is not that of its artifact",
                expected=claim.to_hex(),
                found=fact.to_hex(),
                kind="CommitmentMismatch",
            )
