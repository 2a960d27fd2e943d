"""`Library` and `KernelLibrary`: a forest whose procedures have names. (mast.md section 9.)"""

from __future__ import annotations

from miden.errors import InputError
from miden.field import Word
from miden.isa import NodeKind
from miden.mast.exports import ConstantExport, ProcedureExport, TypeExport
from miden.mast.paths import check_path, is_in_kernel, parent_path, to_absolute
from miden.mast.program import Kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Self

    from miden.mast.advice_map import AdviceMap
    from miden.mast.exports import Export
    from miden.mast.forest import MastForest


class Library:
    """An immutable library: a forest and what it exports, in the order of the paths.

    Raises `InputError` for exports that are empty, share a path, have an invalid path, or name a procedure that is
    no procedure root of the forest.

    Attributes
    ----------
    forest
        The code.
    items
        Path -> export with all it says.
    sources
        Texts the library was assembled from, by the name debug information knows them by; not part of its value.

    Examples
    --------
    >>> from miden.assembly import Assembler
    >>> library = Assembler().assemble_library({"demo::math": "pub proc double dup.0 add end"})
    >>> list(library.items), Library.from_bytes(library.to_bytes()) == library
    (['::demo::math::double'], True)
    """

    __slots__ = ("_digest", "_exports", "forest", "items", "sources")

    def __init__(self, forest: MastForest, exports: Iterable[Export] | Mapping[str, Export]) -> None:
        items = sorted(exports.values() if hasattr(exports, "values") else exports, key=lambda item: item.path)
        if not items:
            raise InputError("a library must export something", kind="NoExport")
        roots = frozenset(forest.roots)
        for item in items:
            check_path(item.path)
            if isinstance(item, ProcedureExport) and item.node not in roots:
                raise InputError(f"export {item.path} is not a procedure root: node {item.node}", kind="NoProcedureRootForExport")
        self._set(forest, items)
        if len(self.items) != len(items):
            raise InputError("two exports of a library have the same path", kind="DuplicateExport")

    @classmethod
    def from_checked(cls, forest: MastForest, items: Iterable[Export]) -> Self:
        """Make a library of exports that a reader has checked; their nodes need not be roots."""
        library = cls.__new__(cls)
        library._set(forest, sorted(items, key=lambda item: item.path))
        return library

    def _set(self, forest: MastForest, items: list[Export]) -> None:
        self.sources: Mapping[str, object] = {}
        self.forest = forest
        self.items: Mapping[str, Export] = {item.path: item for item in items}
        self._exports: Mapping[str, Word | None] | None = None
        self._digest: Word | None = None

    @property
    def exports(self) -> Mapping[str, Word | None]:
        """Path -> digest of a procedure, None for a constant or a type."""
        if self._exports is None:
            self._exports = {
                path: Word.from_bytes(self.forest.digest_bytes(item.node)) if isinstance(item, ProcedureExport) else None
                for path, item in self.items.items()
            }
        return self._exports

    @property
    def digest(self) -> Word:
        """Commitment to the digests of all exported procedures; two paths of one procedure count twice."""
        if self._digest is None:
            from miden.mast.commitments import nodes_commitment

            self._digest = nodes_commitment(self.forest, (item.node for item in self.procedures))
        return self._digest

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read bytes from anywhere in the file format: check everything and recompute every digest. (mast.md section 9.2.)

        Raises `FormatError` with an offset for bytes that are no library, `IntegrityError` for a wrong digest.
        """
        from miden.serde.library import library_from_bytes

        return library_from_bytes(cls, data, verify=True)

    @classmethod
    def from_trusted_bytes(cls, data: bytes) -> Self:
        """Read bytes that this machine has verified before: as `from_bytes`, but no digest is recomputed.

        Raises `FormatError` with an offset for bytes that are no library; what is wrong with a decorator shows when it is
        first asked for.
        """
        from miden.serde.library import library_from_bytes

        return library_from_bytes(cls, data, verify=False)

    def to_bytes(self) -> bytes:
        """Write the file format, byte for byte as the reference does."""
        from miden.serde.library import library_to_bytes

        return library_to_bytes(self)

    @property
    def procedures(self) -> Iterator[ProcedureExport]:
        """The exported procedures, in the order of their paths."""
        return (item for item in self.items.values() if isinstance(item, ProcedureExport))

    @property
    def modules(self) -> dict[str, tuple[Export, ...]]:
        """Path of a module -> its exports, both in the order of the paths."""
        grouped: dict[str, list[Export]] = {}
        for path, item in self.items.items():
            grouped.setdefault(parent_path(path), []).append(item)
        return {path: tuple(grouped[path]) for path in sorted(grouped)}

    def find_procedure(self, path: str) -> Word | None:
        """Return the digest of the procedure under a path, absolute or not, or None."""
        return self.exports.get(to_absolute(path)) or self.exports.get(path)

    def is_reexport(self, path: str) -> bool:
        """Tell whether the procedure under a path is another library's."""
        item = self.items.get(to_absolute(path)) or self.items.get(path)
        return isinstance(item, ProcedureExport) and self.forest.kind(item.node) == NodeKind.EXTERNAL

    def with_advice_map(self, entries: AdviceMap) -> Self:
        """Return the library with more entries in its forest's advice map; they replace those with equal keys."""
        return self._with_forest(self.forest.replace(advice_map=self.forest.advice_map.extend(entries)))

    def strip_debug_info(self) -> Self:
        """Return the library without decorators and error messages; its digest stays."""
        return self._with_forest(self.forest.strip_debug_info())

    def _with_forest(self, forest: MastForest) -> Self:
        return type(self).from_checked(forest, self.items.values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Library):
            return NotImplemented
        return type(self) is type(other) and self.items == other.items and self.forest == other.forest

    def __hash__(self) -> int:
        return hash((self.digest, tuple(self.items)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.digest.to_hex()} {len(self.items)} exports, {len(self.forest)} nodes>"

    def __rich_repr__(self) -> Iterator[tuple[str, object]]:
        yield "digest", self.digest.to_hex()
        yield "exports", self.exports
        yield "forest", self.forest


class KernelLibrary(Library):
    """A library whose procedures are a kernel: each directly in the module ``::$kernel``.

    Raises `InputError` as `Library` and `Kernel` do, and of kind ``InvalidKernelExport`` for a procedure elsewhere.

    >>> from miden.assembly import Assembler
    >>> kernel = Assembler().assemble_kernel("pub proc answer push.42 swap drop end")
    >>> Assembler(kernel).assemble_program("begin syscall.answer end").kernel == kernel.kernel
    True
    """

    __slots__ = ("kernel",)

    kernel: Kernel
    """The procedures a program on this kernel may reach by syscall."""

    def _set(self, forest: MastForest, items: list[Export]) -> None:
        for item in items:
            if isinstance(item, ProcedureExport) and not is_in_kernel(item.path):
                raise InputError(f"procedure {item.path} is not directly in the kernel module", kind="InvalidKernelExport")
        super()._set(forest, items)
        self.kernel = Kernel(digest for digest in self.exports.values() if digest is not None)

    @classmethod
    def from_library(cls, library: Library) -> KernelLibrary:
        """Take a library for a kernel."""
        return cls.from_checked(library.forest, library.items.values())


__all__ = ["ConstantExport", "KernelLibrary", "Library", "ProcedureExport", "TypeExport"]
