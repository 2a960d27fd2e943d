"""Tell artifact files apart, and load any of them: the one place that knows how.

A forest, a program and a library all start with ``MAST`` and a zero byte; what follows the forest tells which it is.
"""

from __future__ import annotations

from miden.errors import FormatError
from miden.mast.library import KernelLibrary, Library
from miden.mast.program import Program
from miden.package import container, masp
from miden.package.container import Container
from miden.package.package import Package, is_kernel
from miden.serde.forest import MAGIC as FOREST_MAGIC
from miden.serde.forest import read_forest
from miden.serde.reader import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.mast.forest import MastForest
    from miden.package.container import Content

KINDS = ("masm", "forest", "program", "library", "kernel", "package", "container")
"""What a file can be."""


def sniff(data: bytes) -> str:
    """Return one of `KINDS`; what is no artifact is taken for source text.

    Raises `FormatError` for a file that starts as a forest and goes on as nothing that is known.

    >>> sniff(b"begin nop end")
    'masm'
    """
    if data.startswith(masp.MAGIC):
        return "package"
    if data.startswith(container.MAGIC):
        return "container"
    if not data.startswith(FOREST_MAGIC):
        return "masm"
    reader = Reader(bytes(data))
    forest = read_forest(reader, verify=False)
    if reader.pos == reader.end:
        return "forest"
    if _is_program_tail(reader, forest):
        return "program"
    library = Library.from_trusted_bytes(data)
    return "kernel" if is_kernel(library) else "library"


def _is_program_tail(reader: Reader, forest: MastForest) -> bool:
    """Tell whether what is left is a kernel and an entrypoint: one byte, digests, the id of a root."""
    left = reader.end - reader.pos
    procedures = reader.data[reader.pos]
    return left == 1 + 32 * procedures + 4 and int.from_bytes(reader.data[reader.end - 4 : reader.end], "little") in forest.roots


class Loaded:
    """A file that was read.

    Attributes
    ----------
    kind
        One of `KINDS`, "masm" aside.
    content
        Forest, program, library, kernel library or package; for a container what is inside.
    container
        The container, or None.
    data
        The bytes of the file.
    """

    __slots__ = ("container", "content", "data", "kind")

    def __init__(self, kind: str, content: Content, data: bytes, envelope: Container | None = None) -> None:
        self.kind = kind
        self.content = content
        self.data = data
        self.container = envelope

    @property
    def forest(self) -> MastForest:
        """The code."""
        return self.content.forest if isinstance(self.content, (Program, Library, Package)) else self.content

    @property
    def artifact(self) -> MastForest | Program | Library:
        """The program, library or forest; for a package what is inside."""
        return self.content.artifact if isinstance(self.content, Package) else self.content

    @property
    def library(self) -> Library | None:
        """The library, if there is one."""
        artifact = self.artifact
        return artifact if isinstance(artifact, Library) else None

    @property
    def program(self) -> Program | None:
        """The program, if there is one."""
        artifact = self.artifact
        return artifact if isinstance(artifact, Program) else None


def load_artifact(data: bytes, *, trusted: bool = False) -> Loaded:
    """Read a file of any kind; recompute every digest unless `trusted`, which is for bytes verified before.

    Raises `FormatError` for source text and for bytes that do not decode, `IntegrityError` for a wrong digest.

    >>> from miden.assembly import assemble
    >>> load_artifact(assemble("begin add end").to_bytes()).kind
    'program'
    """
    kind = sniff(data)
    if kind == "masm":
        raise FormatError("this is neither a program, a library, a package nor a container", offset=0, kind="UnknownFile")
    if kind == "container":
        envelope = Container.from_trusted_bytes(data) if trusted else Container.from_bytes(data)
        return Loaded(kind, envelope.content, data, envelope)
    from miden.mast.forest import MastForest

    classes: dict[str, type[MastForest | Program | Library | Package]] = {
        "forest": MastForest,
        "program": Program,
        "library": Library,
        "kernel": KernelLibrary,
        "package": Package,
    }
    made = classes[kind]
    return Loaded(kind, made.from_trusted_bytes(data) if trusted else made.from_bytes(data), data)
