"""`CachedAssembler`: an `Assembler` that looks up what it has assembled before."""

from __future__ import annotations

from miden.errors import InputError
from miden.package.cache import bytes_key, content_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar, Unpack

    from miden.assembly.assembler import Assembler, Options
    from miden.assembly.source import Source, SourceFile
    from miden.mast.library import KernelLibrary, Library
    from miden.mast.program import Program
    from miden.package.cache import BuildCache

    Result = TypeVar("Result", Program, Library, KernelLibrary)


class CachedAssembler:
    """Assembles as `Assembler` does, through a `BuildCache`.

    The key of a result is made of the texts and names of all sources, the bytes of the linked libraries and of the
    kernel, their order, and the options. What is found was verified when it was assembled; it is equal to what the
    assembler would return, its `sources` included.

    Attributes
    ----------
    warnings
        Warnings of the last call, as JSON-ready facts (`Diagnostic.to_dict`), also of one that was looked up.

    Examples
    --------
    >>> import tempfile
    >>> from miden.package.cache import BuildCache
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = BuildCache(folder)
    ...     first = CachedAssembler(cache).assemble_program("begin push.1 drop end")
    ...     second = CachedAssembler(cache).assemble_program("begin push.1 drop end")
    ...     first == second, cache.hits
    (True, 1)
    """

    def __init__(self, cache: BuildCache, **options: Unpack[Options]) -> None:
        self._cache = cache
        self._options = options
        self._steps: list[tuple[str, Any]] = []
        self._parts: list[str | None] = [f"{name}={value!r}" for name, value in sorted(options.items()) if name != "kernel"]
        kernel = options.get("kernel")
        self._parts.append(None if kernel is None else bytes_key(kernel.to_bytes()))
        self._sources: dict[str, SourceFile] = {}
        self.warnings: list[dict[str, Any]] = []

    def link_library(self, library: Library, kind: str = "dynamic") -> None:
        """Link against an assembled library; see `Assembler.link_library`, whose errors come with what is assembled next."""
        self._parts += ["library", kind, bytes_key(library.to_bytes())]
        self._steps.append(("library", (library, kind)))
        self._sources.update(library.sources)  # type: ignore[arg-type]

    def link_source(self, modules: Mapping[str, Source]) -> None:
        """Add modules in source form; see `Assembler.link_source`."""
        texts = self._read(modules)
        self._parts += ["source", *self._keys(texts)]
        self._steps.append(("source", texts))

    def assemble_program(self, source: Source) -> Program:
        """Assemble a program; see `Assembler.assemble_program`."""
        from miden.assembly.linker.paths import EXECUTABLE
        from miden.mast.program import Program

        texts = self._read({EXECUTABLE: source})
        return self._assemble("program", Program.from_trusted_bytes, texts, lambda it: it.assemble_program(texts[EXECUTABLE]))

    def assemble_library(self, modules: Mapping[str, Source]) -> Library:
        """Assemble modules into a library; see `Assembler.assemble_library`."""
        from miden.mast.library import Library

        texts = self._read(modules)
        return self._assemble("library", Library.from_trusted_bytes, texts, lambda it: it.assemble_library(texts))

    def assemble_kernel(self, source: Source, modules: Mapping[str, Source] | None = None) -> KernelLibrary:
        """Assemble a kernel; see `Assembler.assemble_kernel`."""
        from miden.assembly.linker.paths import KERNEL
        from miden.mast.library import KernelLibrary

        support = self._read(modules or {})
        root = self._read({KERNEL: source})
        return self._assemble(
            "kernel", KernelLibrary.from_trusted_bytes, {**support, **root}, lambda it: it.assemble_kernel(root[KERNEL], support)
        )

    def _assemble(
        self, what: str, load: Callable[[bytes], Result], texts: Mapping[str, SourceFile], make: Callable[[Assembler], Result]
    ) -> Result:
        key = content_key("assembler-1", what, *self._parts, "of", *self._keys(texts))
        entry = self._cache.get(key)
        if entry is None:
            assembler = self._assembler()
            result = make(assembler)
            self.warnings = [warning.to_dict() for warning in assembler.warnings]
            self._cache.put(key, result.to_bytes(), {"warnings": self.warnings})
            return result
        self.warnings = entry.facts["warnings"]
        result = load(entry.data)
        result.sources = {**self._sources, **{source.name: source for source in texts.values()}}
        return result

    def _assembler(self) -> Assembler:
        from miden.assembly.assembler import Assembler

        assembler = Assembler(**self._options)
        for step, value in self._steps:
            if step == "library":
                assembler.link_library(*value)
            else:
                assembler.link_source(value)
        return assembler

    def _read(self, modules: Mapping[str, Source]) -> dict[str, SourceFile]:
        from miden.assembly.source import source_file

        if not hasattr(modules, "items"):
            raise InputError(f"modules are a mapping of paths to sources, found {type(modules).__name__}", kind="InvalidSource")
        texts = {path: source_file(source, path) for path, source in modules.items()}
        self._sources.update({source.name: source for source in texts.values()})
        return texts

    @staticmethod
    def _keys(texts: Mapping[str, SourceFile]) -> list[str]:
        return [part for path, source in texts.items() for part in (path, source.name, bytes_key(source.text.encode()))]
