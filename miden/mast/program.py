"""`Program` and `Kernel`: what is executed, and the procedures it may reach by syscall. (mast.md section 8.)"""

from __future__ import annotations

from miden.errors import InputError
from miden.field import Word
from miden.isa import MAX_KERNEL_PROCEDURES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from miden.mast.advice_map import AdviceMap
    from miden.mast.forest import MastForest


class Kernel:
    """An immutable set of at most 255 procedure digests, in the order of their 32 bytes.

    Raises `InputError` of kind ``TooManyProcedures`` or ``DuplicatedProcedures``.

    >>> Kernel([(1, 0, 0, 0), (256, 0, 0, 0)]).procedures
    (Word(256, 0, 0, 0), Word(1, 0, 0, 0))
    """

    __slots__ = ("_members", "digest_bytes", "procedures")

    def __init__(self, procedures: Iterable[Iterable[int]] = ()) -> None:
        words = sorted((Word(procedure) for procedure in procedures), key=Word.to_bytes)
        if len(words) > MAX_KERNEL_PROCEDURES:
            raise InputError(f"a kernel has at most {MAX_KERNEL_PROCEDURES} procedures, found {len(words)}", kind="TooManyProcedures")
        self.procedures: tuple[Word, ...] = tuple(words)
        """Digests of the procedures."""
        self._members = frozenset(words)
        if len(self._members) != len(words):
            raise InputError("a kernel cannot have two procedures with the same digest", kind="DuplicatedProcedures")
        self.digest_bytes = b"".join(word.to_bytes() for word in words)
        """The digests' bytes, one after the other: what a machine takes."""

    def __contains__(self, digest: object) -> bool:
        return digest in self._members

    def __iter__(self) -> Iterator[Word]:
        return iter(self.procedures)

    def __len__(self) -> int:
        return len(self.procedures)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kernel) and self.procedures == other.procedures

    def __hash__(self) -> int:
        return hash(self.procedures)

    def __repr__(self) -> str:
        return f"Kernel({list(self.procedures)!r})"


EMPTY_KERNEL = Kernel()


class Program:
    """An immutable program: a forest, the procedure root where it starts, and a kernel.

    Raises `InputError` of kind ``InvalidEntrypoint`` if `entrypoint` is not a procedure root of the forest.

    Attributes
    ----------
    sources
        Texts the program was assembled from, by the name debug information knows them by; empty for a program that was
        read from bytes. They are not part of its value.

    Examples
    --------
    >>> import miden
    >>> program = miden.assemble("begin push.1 drop end")
    >>> program.hash.to_hex()[:18], miden.Program.from_bytes(program.to_bytes()) == program
    ('0xb3b38ecf34a77c56', True)
    """

    __slots__ = ("entrypoint", "forest", "kernel", "sources")

    def __init__(
        self, forest: MastForest, entrypoint: int, kernel: Kernel | None = None, sources: Mapping[str, object] | None = None
    ) -> None:
        if entrypoint not in forest.roots:
            raise InputError(f"the entrypoint must be a procedure root, node {entrypoint} is not", kind="InvalidEntrypoint")
        self.forest = forest
        self.entrypoint = entrypoint
        self.kernel = EMPTY_KERNEL if kernel is None else kernel
        self.sources: Mapping[str, object] = {} if sources is None else sources

    @property
    def hash(self) -> Word:
        """Digest of the entrypoint."""
        return Word.from_bytes(self.forest.digest_bytes(self.entrypoint))

    @classmethod
    def from_bytes(cls, data: bytes) -> Program:
        """Read bytes from anywhere in the file format: check everything and recompute every digest. (mast.md section 8.1.)

        Raises `FormatError` with an offset for bytes that are no program, `IntegrityError` for a wrong digest.
        """
        from miden.serde.program import program_from_bytes

        return program_from_bytes(data, verify=True)

    @classmethod
    def from_trusted_bytes(cls, data: bytes) -> Program:
        """Read bytes that this machine has verified before: as `from_bytes`, but no digest is recomputed.

        Raises `FormatError` with an offset for bytes that are no program; what is wrong with a decorator shows when it is
        first asked for.
        """
        from miden.serde.program import program_from_bytes

        return program_from_bytes(data, verify=False)

    def to_bytes(self) -> bytes:
        """Write the file format, byte for byte as the reference does."""
        from miden.serde.program import program_to_bytes

        return program_to_bytes(self)

    def with_advice_map(self, entries: AdviceMap) -> Program:
        """Return the program with more entries in its forest's advice map; they replace those with equal keys."""
        return Program(self.forest.replace(advice_map=self.forest.advice_map.extend(entries)), self.entrypoint, self.kernel)

    def strip_debug_info(self) -> Program:
        """Return the program without decorators and error messages; its hash stays."""
        return Program(self.forest.strip_debug_info(), self.entrypoint, self.kernel)

    def public_inputs(self) -> list[int]:
        """Return hash and kernel as the felts of a proof's public inputs. (mast.md section 8.1.)"""
        felts = [*self.hash, 0, 0, 0, 0]
        for procedure in self.kernel:
            felts += [0, 0, 0, 0, *reversed(procedure)]
        return felts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Program):
            return NotImplemented
        return (self.entrypoint, self.kernel, self.forest) == (other.entrypoint, other.kernel, other.forest)

    def __hash__(self) -> int:
        return hash((self.hash, self.kernel))

    def __repr__(self) -> str:
        return f"<Program {self.hash.to_hex()} {len(self.forest)} nodes, kernel of {len(self.kernel)}>"

    def __rich_repr__(self) -> Iterator[tuple[str, object]]:
        yield "hash", self.hash.to_hex()
        yield "entrypoint", self.entrypoint
        yield "kernel", self.kernel.procedures
        yield "forest", self.forest
