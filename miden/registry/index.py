"""What an index says of one version of a package, and how the package is held against it.

An index is lines of JSON, one for each (name, version); `IndexEntry.to_line` is the one spelling of a line. It says
enough to choose versions and to look for roots without a package being read, and enough to refuse any package that is
not the one that was published: the hashes of the file, the digest of its code, and both commitments of its forest.
"""

from __future__ import annotations

from miden.errors import FormatError, InputError, IntegrityError
from miden.field import Word
from miden.package.needs import MAX_FEATURES, MAX_NEEDS, SECTION, Needs
from miden.package.project import valid_name
from miden.registry.names import PackageName
from miden.registry.versions import check_release
from miden.serde.json_text import Fields, canonical_json, parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from miden.package.package import Package

KERNEL = "kernel"
EXECUTABLE = "executable"
KINDS = ("library", KERNEL, EXECUTABLE, "account-component", "note-script", "transaction-script")
MAX_LINE = 2**22
"""Bytes of one entry."""
MAX_PACKAGE = 2**26
"""Bytes of one package, 64 MiB."""
MAX_EXPORTS = 50_000
MAX_LINKED = 1000


class Linked:
    """A package that was linked with: at run time exactly the code with this digest is needed."""

    __slots__ = ("digest", "name")

    def __init__(self, name: str, digest: Word) -> None:
        self.name = name
        self.digest = digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Linked) and (self.name, self.digest) == (other.name, other.digest)

    def __hash__(self) -> int:
        return hash((self.name, self.digest))

    def __repr__(self) -> str:
        return f"Linked({self.name!r}, {self.digest.to_hex()})"


class IndexEntry:
    """One version of a package.

    Attributes
    ----------
    name, version
        Which one; the version is text.
    kind
        One of `KINDS`.
    description
        One line for people, or the empty string.
    mast
        MAST version of its code.
    code
        Digest of the library, or hash of the program.
    roots
        Commitment to the set of its procedure roots.
    content
        Commitment to every byte of its forest: decorators and hidden nodes too.
    blake3, sha256, size
        Of the file, hashes in hexadecimal digits.
    needs
        What it needs and its features, a `Needs`.
    linked
        What it was linked with, `Linked` items in the order of the package.
    exports
        Path -> root of each exported procedure.
    yanked
        Why it was taken back, or None. Of all fields only this one ever changes.
    """

    __slots__ = (
        "blake3",
        "code",
        "content",
        "description",
        "exports",
        "kind",
        "linked",
        "mast",
        "name",
        "needs",
        "roots",
        "sha256",
        "size",
        "version",
        "yanked",
    )

    def __init__(
        self,
        name: str,
        version: str,
        *,
        kind: str,
        description: str = "",
        mast: int,
        code: Word,
        roots: Word,
        content: Word,
        blake3: str,
        sha256: str,
        size: int,
        needs: Needs | None = None,
        linked: tuple[Linked, ...] = (),
        exports: Mapping[str, Word] | None = None,
        yanked: str | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.kind = kind
        self.description = description
        self.mast = mast
        self.code = code
        self.roots = roots
        self.content = content
        self.blake3 = blake3
        self.sha256 = sha256
        self.size = size
        self.needs = Needs() if needs is None else needs
        self.linked = linked
        self.exports = dict(exports or {})
        self.yanked = yanked

    @property
    def id(self) -> tuple[str, str]:
        """Name and version."""
        return self.name, self.version

    def provides(self, root: Word) -> bool:
        """Tell whether it exports a procedure with this root, or is the program with this hash."""
        return root == self.code or root in self.exports.values()

    def replace(self, **changes: Any) -> IndexEntry:
        """Return the entry with other values of some fields."""
        return IndexEntry(**{**{name: getattr(self, name) for name in self.__slots__}, **changes})

    def with_yanked(self, reason: str | None) -> IndexEntry:
        """Return the entry taken back for a reason, or no longer with None."""
        return self.replace(yanked=reason)

    # JSON

    def to_json(self) -> dict[str, Any]:
        """Return it ready for JSON; the fields of needs and features are among the others."""
        return {
            "name": self.name,
            "version": self.version,
            "kind": self.kind,
            "description": self.description,
            "mast": self.mast,
            "code": self.code.to_hex(),
            "roots": self.roots.to_hex(),
            "content": self.content.to_hex(),
            "blake3": self.blake3,
            "sha256": self.sha256,
            "size": self.size,
            **self.needs.to_json(),
            "linked": [[item.name, item.digest.to_hex()] for item in self.linked],
            "exports": {path: root.to_hex() for path, root in sorted(self.exports.items())},
            "yanked": self.yanked,
        }

    def to_line(self) -> bytes:
        """Return the one spelling of it, without a line end: name and version first, then canonical JSON."""
        facts = self.to_json()
        head = canonical_json({"name": facts.pop("name")})[:-1] + b"," + canonical_json({"version": facts.pop("version")})[1:-1]
        return head + b"," + canonical_json(facts)[1:]

    @classmethod
    def from_json(cls, data: object) -> IndexEntry:
        """Read what `to_json` gave.

        Raises `FormatError` of kind ``InvalidIndex``, or ``InvalidNeeds`` for its needs.
        """
        fields = Fields(data, "an entry of the index", "InvalidIndex")
        fields.only(*(name for name in cls.__slots__), "features")
        name, version = fields.text("name", limit=129), fields.text("version", limit=128)
        try:
            PackageName(name)
            check_release(version)
        except InputError as error:
            fields.fail(error.message)
        kind = fields.text("kind", limit=32)
        if kind not in KINDS:
            fields.fail(f"kind must be one of {', '.join(KINDS)}, found {kind!r}")
        linked = []
        for item in fields.items("linked", limit=MAX_LINKED):
            if not (isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) and len(item[0]) <= 256):
                fields.fail("linked must be a list of pairs of a name and a digest")
            linked.append(Linked(item[0], _word(fields, "linked", item[1])))
        return cls(
            name,
            version,
            kind=kind,
            description=fields.text("description"),
            mast=fields.number("mast", below=2**32),
            code=_word(fields, "code"),
            roots=_word(fields, "roots"),
            content=_word(fields, "content"),
            blake3=fields.hexadecimal("blake3", 32),
            sha256=fields.hexadecimal("sha256", 32),
            size=fields.number("size", below=MAX_PACKAGE + 1),
            needs=Needs.from_json(
                {"needs": fields.items("needs", limit=MAX_NEEDS), "features": fields.table("features", limit=MAX_FEATURES)}
            ),
            linked=tuple(linked),
            exports={path: _word(fields, "exports", root) for path, root in fields.table("exports", limit=MAX_EXPORTS).items()},
            yanked=fields.optional_text("yanked"),
        )

    @classmethod
    def from_line(cls, line: bytes) -> IndexEntry:
        """Read a line of an index, at most `MAX_LINE` bytes; `FormatError` as `from_json`, or of kind ``InvalidJson``."""
        return cls.from_json(parse_json(line, "an entry of the index", limit=MAX_LINE))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IndexEntry) and self.to_line() == other.to_line()

    def __hash__(self) -> int:
        return hash((self.name, self.version, self.blake3))

    def __repr__(self) -> str:
        return f"<IndexEntry {self.name} {self.version} {self.kind}{'' if self.yanked is None else ', yanked'}>"


def _word(fields: Fields, name: str, value: object = None) -> Word:
    text = fields.text(name, limit=66) if value is None else value
    try:
        return Word.from_hex(text if isinstance(text, str) else "")
    except FormatError as error:
        fields.fail(f"{name}: {error.message}")


# packages


def registry_name(package_name: str) -> str:
    """Return what a registry calls a package: the program ``tool:cli`` of a project is ``tool-cli`` there.

    Raises `InputError` of kind ``InvalidName``.
    """
    name, colon, program = package_name.partition(":")
    return PackageName(f"{name}-{program}" if colon and valid_name(program) else package_name).text


def describe(data: bytes) -> IndexEntry:
    """Verify the bytes of a package and return what an index says of it.

    Every digest is recomputed. Raises `FormatError`, `IntegrityError`, and `InputError` for a package without a version
    or with a name that registries do not take.

    >>> from miden.assembly import Assembler
    >>> from miden.package.package import Package
    >>> library = Assembler().assemble_library({"demo": "pub proc double dup.0 add end"})
    >>> entry = describe(Package("demo", library, version="1.0.0").to_bytes())
    >>> entry.name, entry.version, entry.kind
    ('demo', '1.0.0', 'library')
    """
    from miden.package.package import Package

    if len(data) > MAX_PACKAGE:
        raise FormatError(f"a package has at most {MAX_PACKAGE} bytes, found {len(data)}", kind="PackageTooLarge")
    return describe_package(Package.from_bytes(data), data)


def describe_package(package: Package, data: bytes) -> IndexEntry:
    """Return what an index says of a package that was verified; `data` are its bytes."""
    from hashlib import sha256

    from blake3 import blake3

    from miden.mast.commitments import content_commitment, roots_commitment
    from miden.mast.versions import CURRENT
    from miden.package.linked import is_core
    from miden.package.package import ManifestProcedure

    if package.version_text is None:
        raise InputError(f"package {package.name} has no version", kind="MissingVersion", hint="set package.version in the project file")
    section = package.section(SECTION)
    return IndexEntry(
        registry_name(package.name),
        check_release(package.version_text),
        kind=KERNEL if package.is_kernel else package.kind.label,
        description=(package.description or "").partition("\n")[0][:1024],
        mast=CURRENT.number,
        code=package.digest,
        roots=roots_commitment(package.forest),
        content=content_commitment(package.forest),
        blake3=blake3(data).hexdigest(),
        sha256=sha256(data).hexdigest(),
        size=len(data),
        needs=Needs() if section is None else Needs.from_bytes(section),
        linked=tuple(Linked(item.name, item.digest) for item in package.dependencies if not is_core(item.name)),
        exports={path: item.digest for path, item in package.exports.items() if isinstance(item, ManifestProcedure)},
    )


def check_bytes(entry: IndexEntry, data: bytes) -> None:
    """Hold the bytes of a file against size and hashes of an entry; `IntegrityError` of kind ``PackageMismatch``.

    This is all that is done with bytes from outside before anything looks into them.
    """
    from hashlib import sha256

    from blake3 import blake3

    found = {"size": len(data), "blake3": blake3(data).hexdigest(), "sha256": sha256(data).hexdigest()}
    _compare(entry, {name: getattr(entry, name) for name in found}, found)


def check_package(entry: IndexEntry, data: bytes) -> Package:
    """Return the package in `data`, verified, if it is the one that an entry tells of.

    Its hashes are compared first, then its digests are recomputed and all that the entry says is compared: code, both
    commitments, exports, needs, what it was linked with. Raises `IntegrityError` of kind ``PackageMismatch`` with what
    was expected and found, `FormatError` for bytes that are no package.

    >>> from miden.assembly import Assembler
    >>> from miden.package.package import Package
    >>> library = Assembler().assemble_library({"demo": "pub proc double dup.0 add end"})
    >>> data = Package("demo", library, version="1.0.0").to_bytes()
    >>> check_package(describe(data), data)
    <Package demo 1.0.0 library, 1 exports>
    """
    from miden.package.package import Package

    check_bytes(entry, data)
    package = Package.from_bytes(data)
    found = describe_package(package, data).to_json()
    expected = entry.to_json()
    for facts in (found, expected):
        del facts["yanked"]
    _compare(entry, expected, found)
    return package


def _compare(entry: IndexEntry, expected: Mapping[str, object], found: Mapping[str, object]) -> None:
    for name, value in expected.items():
        if found[name] != value:
            raise IntegrityError(
                f"the {name} of {entry.name} {entry.version} is not what the index says",
                expected=str(value)[:200],
                found=str(found[name])[:200],
                kind="PackageMismatch",
                hint="the registry or something on the way changed the package; nothing of it was kept",
            )
