"""`Assembler`: from source text to programs, libraries and kernels. (assembly.md section 7.1.)"""

from __future__ import annotations

from miden.assembly.compiler import Compiler
from miden.assembly.forest_builder import MAX_OPERATIONS
from miden.assembly.linker.errors import link_error
from miden.assembly.linker.graph import Linker
from miden.assembly.linker.modules import library_modules, source_module
from miden.assembly.linker.paths import EXECUTABLE, KERNEL, MAIN, canonical_module_path
from miden.assembly.parser import MAX_DEPTH, parse_module
from miden.assembly.sema import analyze
from miden.assembly.sema.items import EXECUTABLE_KIND, KERNEL_KIND, LIBRARY_KIND
from miden.assembly.source import source_file
from miden.errors import InputError
from miden.mast.program import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypedDict, TypeVar, Unpack

    from miden.assembly.diagnostics import Diagnostic
    from miden.assembly.linker.static import StaticLibraries
    from miden.assembly.sema.items import AnalyzedModule
    from miden.assembly.source import Source, SourceFile
    from miden.mast.exports import Export
    from miden.mast.forest import MastForest
    from miden.mast.library import KernelLibrary, Library

    class Options(TypedDict, total=False):
        """Options of `Assembler`."""

        kernel: KernelLibrary | None
        warnings_as_errors: bool
        compat: str | None
        max_operations: int
        max_depth: int
        phantom_calls: bool

    AnyLibrary = TypeVar("AnyLibrary", bound=Library)

LINK_KINDS = ("dynamic", "static")
COMPAT_VERSIONS = (None, "0.20.6")


class Assembler:
    """Assembles source text, linking it against libraries and a kernel.

    An assembler is not used up: link libraries once, assemble many programs.

    Parameters
    ----------
    kernel
        Kernel whose procedures ``syscall`` may reach.
    warnings_as_errors
        Let warnings, such as an unused import, fail the module.
    compat
        None keeps the meaning of code that is linked statically; "0.20.6" does what that release of the reference
        does, which cannot copy procedures that contain ``dyncall`` and leaves them external.
    max_operations
        Limit on the operations a program unrolls to, decorators included; beyond it `LoweringError` of kind
        `ProgramTooLarge`.
    max_depth
        Limit on nested blocks; beyond it `ParseError` of kind `NestingLimitExceeded`.
    phantom_calls
        Whether a call by digest may name a procedure that no linked module has; else `LinkError` of kind `PhantomCall`.

    Attributes
    ----------
    warnings
        Diagnostics of the last call that were not fatal, those of modules linked as source included.

    Examples
    --------
    >>> library = Assembler().assemble_library({"demo::math": "pub proc double dup.0 add end"})
    >>> assembler = Assembler()
    >>> assembler.link_library(library, kind="static")
    >>> program = assembler.assemble_program("use demo::math begin push.21 exec.math::double swap drop end")
    >>> len(program.forest)
    1
    """

    def __init__(
        self,
        kernel: KernelLibrary | None = None,
        *,
        warnings_as_errors: bool = False,
        compat: str | None = None,
        max_operations: int = MAX_OPERATIONS,
        max_depth: int = MAX_DEPTH,
        phantom_calls: bool = True,
    ) -> None:
        if compat not in COMPAT_VERSIONS:
            raise InputError(f"compat must be one of {COMPAT_VERSIONS}, found {compat!r}", kind="InvalidCompat")
        self.warnings_as_errors = warnings_as_errors
        self.compat = compat
        self.max_operations = max_operations
        self.max_depth = max_depth
        self.phantom_calls = phantom_calls
        self.warnings: list[Diagnostic] = []
        self._kernel = kernel
        self._libraries: dict[bytes, tuple[Library, str]] = {}
        self._linked_warnings: list[Diagnostic] = []
        self._sources: dict[str, SourceFile] = {}
        self._new_sources: dict[str, SourceFile] = {}
        self._static: StaticLibraries | None = None
        self._base = Linker()
        if kernel is not None:
            self._link_kernel(kernel)

    @property
    def kernel(self) -> KernelLibrary | None:
        """The kernel that programs are linked against."""
        return self._kernel

    def _link_kernel(self, kernel: KernelLibrary) -> None:
        from miden.mast.library import KernelLibrary

        if not isinstance(kernel, KernelLibrary):
            raise InputError(f"a kernel is a KernelLibrary, found {type(kernel).__name__}", kind="InvalidKernel")
        if not len(kernel.kernel):
            raise InputError("a kernel must have at least one procedure", kind="InvalidKernel")
        for module in library_modules(kernel):
            if module.path == KERNEL:
                self._base.kernel = self._base.add(module)
        self._sources.update(kernel.sources)  # type: ignore[arg-type]

    # --- inputs -------------------------------------------------------------------------------------------------

    def link_library(self, library: Library, kind: str = "dynamic") -> None:
        """Link against an assembled library.

        Parameters
        ----------
        library
            Its exports become visible under their paths.
        kind
            "dynamic": calls become external nodes, and the library must be given to the host that runs the program.
            "static": what is called is copied into the program.

        Raises
        ------
        LinkError
            `DuplicateModule` if one of its modules is there already. A library with the digest of an earlier one is not
            linked again; the earlier one becomes static if either is.
        """
        if kind not in LINK_KINDS:
            raise InputError(f"a library is linked {' or '.join(LINK_KINDS)}, found {kind!r}", kind="InvalidLinkKind")
        from miden.mast.library import Library

        if not isinstance(library, Library):
            raise InputError(f"a library is a Library, found {type(library).__name__}", kind="InvalidLibrary")
        key = library.digest.to_bytes()
        known = self._libraries.get(key)
        if known is not None:
            if known[1] == "dynamic":
                self._libraries[key] = (known[0], kind)
            if known[0].exports.keys() != library.exports.keys():
                message = "a library was not linked: an earlier one exports procedures with the same digests, under other paths"
                self._linked_warnings.append(_warning("LibraryIgnored", message, "give it a procedure that the other one has not"))
        else:
            base = self._base.copy()
            for module in library_modules(library):
                base.add(module)
            self._base = base
            self._libraries[key] = (library, kind)
            self._sources.update(library.sources)  # type: ignore[arg-type]
        self._static = None

    def link_on_demand(self, namespace: str, load: Callable[[], Library]) -> None:
        """Link a library dynamically when a path below a namespace is first named; until then it is not even loaded.

        Parameters
        ----------
        namespace
            Absolute path that all modules of the library are below, such as ``::miden::core``.
        load
            Returns the library. Its modules stand back behind modules with the same path that were linked otherwise.
        """
        self._base.awaited = (namespace, lambda: library_modules(load()))

    def link_source(self, modules: Mapping[str, Source]) -> None:
        """Add modules in source form: what is called of them is compiled into whatever is assembled next.

        `modules` maps module paths to sources. Raises `ParseError` and `SemanticError` for what is wrong with a module
        by itself, `LinkError` of kind `DuplicateModule`; the rest shows when something is assembled.
        """
        base = self._base.copy()
        self._begin()
        for path, source in modules.items():
            base.add(source_module(self._analyze(source, path, LIBRARY_KIND)))
        self._base = base
        self._linked_warnings += self.warnings
        self._sources.update(self._new_sources)

    def _begin(self) -> None:
        self.warnings = []
        self._new_sources = {}

    def _analyze(self, source: Source, path: str, kind: str) -> AnalyzedModule:
        canonical = canonical_module_path(path)
        if canonical is None:
            raise link_error("InvalidModulePath", f"invalid module path {path!r}")
        text = source_file(source, path)
        module = analyze(parse_module(text, max_depth=self.max_depth), canonical, kind, warnings_as_errors=self.warnings_as_errors)
        self.warnings += module.warnings
        self._new_sources[text.name] = text
        return module

    # --- results ------------------------------------------------------------------------------------------------

    def assemble_program(self, source: Source) -> Program:
        """Assemble a program: a module with a ``begin`` block.

        Raises
        ------
        ParseError, SemanticError, LinkError, LoweringError
            For a source that does not assemble; see `AssemblyError.diagnostics`.
        """
        self._begin()
        module = self._analyze(source, EXECUTABLE, EXECUTABLE_KIND)
        linker = self._base.copy()
        index = linker.add(source_module(module))
        linker.link()
        compiler = self._compiler(linker)
        compiler.add_advice(index)
        entry = compiler.compile_from((index, linker.modules[index].first[MAIN]), is_entry=True)
        forest, new_ids = self._finish(compiler)
        return Program(forest, new_ids[entry], self._kernel.kernel if self._kernel else None, self._all_sources())

    def assemble_library(self, modules: Mapping[str, Source]) -> Library:
        """Assemble modules, given by their paths, into a library of their public items.

        The order of `modules` decides the order of compilation, and thereby node ids.

        Raises
        ------
        ParseError, SemanticError, LinkError, LoweringError
            For a source that does not assemble; `NoExport` if nothing is public.
        """
        from miden.mast.library import Library

        self._begin()
        analyzed = [self._analyze(source, path, LIBRARY_KIND) for path, source in modules.items()]
        linker = self._base.copy()
        indices = [linker.add(source_module(module)) for module in analyzed]
        return self._assemble_exports(linker, indices, Library)

    def assemble_kernel(self, source: Source, modules: Mapping[str, Source] | None = None) -> KernelLibrary:
        """Assemble a kernel: the module ``$kernel``, all of whose public procedures can be reached by ``syscall``.

        `modules` are support modules, with paths under ``$kernel``.

        Raises
        ------
        ParseError, SemanticError, LinkError, LoweringError
            For a source that does not assemble.
        """
        from miden.mast.library import KernelLibrary

        self._begin()
        support = [self._analyze(text, path, LIBRARY_KIND) for path, text in (modules or {}).items()]
        root = self._analyze(source, KERNEL, KERNEL_KIND)
        linker = self._base.copy()
        for module in support:
            linker.add(source_module(module))
        index = linker.add(source_module(root))
        linker.kernel = index
        return self._assemble_exports(linker, [index], KernelLibrary)

    def _assemble_exports(self, linker: Linker, indices: list[int], make: type[AnyLibrary]) -> AnyLibrary:
        from miden.mast.exports import ProcedureExport

        linker.link()
        compiler = self._compiler(linker)
        exports: dict[str, Export] = {}
        for index in indices:
            for export in compiler.export_module(index):
                exports[export.path] = export
        forest, new_ids = self._finish(compiler)
        for export in exports.values():
            if isinstance(export, ProcedureExport):
                export.node = new_ids[export.node]
        try:
            library = make(forest, exports)
        except InputError as error:
            raise link_error(error.kind, error.message) from None
        library.sources = self._all_sources()
        return library

    def _compiler(self, linker: Linker) -> Compiler:
        self.warnings = [*self._linked_warnings, *self.warnings]
        if self._static is None:
            static = [library for library, kind in self._libraries.values() if kind == "static"]
            if static:
                from miden.assembly.linker.static import StaticLibraries

                self._static = StaticLibraries(static, self.compat)
        return Compiler(linker, self._static, max_operations=self.max_operations, phantom_calls=self.phantom_calls)

    def _finish(self, compiler: Compiler) -> tuple[MastForest, Mapping[int, int]]:
        if compiler.copied_dyncall and self.compat is None:
            from miden.assembly.diagnostics import Diagnostic

            message = "a procedure with `dyncall` was copied from a static library, which the reference does not do"
            hint = 'the code means the same; assemble with compat="0.20.6" for the same nodes'
            self.warnings.append(Diagnostic("StaticDyncall", "warning", message, None, 0, 0, hint=hint))
        return compiler.finish()

    def _all_sources(self) -> dict[str, SourceFile]:
        return {**self._sources, **self._new_sources}


def _warning(kind: str, message: str, hint: str) -> Diagnostic:
    from miden.assembly.diagnostics import Diagnostic

    return Diagnostic(kind, "warning", message, None, 0, 0, hint=hint)


def assemble(source: Source, *, core: Library | bool = True, **options: Unpack[Options]) -> Program:
    """Assemble a program, with the core library at hand; the other options are those of `Assembler`.

    Parameters
    ----------
    source
        Source text of the program, or where it is.
    core
        True links the core library, ``miden::core``, dynamically where the program names it; a library, such as the
        reference's own file, is linked in its place; False links none.

    Examples
    --------
    >>> assemble("begin push.1 push.2 add swap drop end").hash.to_hex()[:10]
    '0x19f7d5bf'
    >>> program = assemble("use miden::core::math::u64 begin exec.u64::wrapping_add end")
    >>> program.forest.summary()["external"]
    1
    """
    assembler = Assembler(**options)
    if core is not False:
        from miden.corelib import link_core

        link_core(assembler, None if core is True else core)
    return assembler.assemble_program(source)
