"""Compiling linked modules into one forest: procedures in order, calls to nodes, exports. (assembly.md sections 6 and 7.)"""

from __future__ import annotations

from miden.assembly.body import ENTRY_PROLOGUE, BodyCompiler, ProcedureContext, frame_wrapper
from miden.assembly.forest_builder import MAX_OPERATIONS, MastForestBuilder
from miden.assembly.linker.callgraph import compile_order
from miden.assembly.linker.errors import Place, link_error
from miden.assembly.linker.modules import CONSTANT, PROCEDURE, TYPE
from miden.assembly.linker.paths import is_name, join
from miden.assembly.lowering.sequences import Frame
from miden.assembly.sema.items import ProcedureItem
from miden.errors import LoweringError
from miden.mast.advice_map import AdviceMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from miden.assembly.ast import ConstRef, Instruction, Target
    from miden.assembly.linker.graph import Linker
    from miden.assembly.linker.modules import Gid
    from miden.assembly.linker.static import StaticCopier, StaticLibraries
    from miden.field import Word
    from miden.mast.exports import Export
    from miden.mast.forest import MastForest
    from miden.mast.types import Type


class Compiled:
    """A procedure that is in the forest: its node, its declared locals, and the path it was compiled under."""

    __slots__ = ("locals", "node", "path")

    def __init__(self, node: int, locals_: int, path: str) -> None:
        self.node = node
        self.locals = locals_
        self.path = path


class Compiler:
    """Compiles procedures of a linker into a builder, each once."""

    __slots__ = ("_advice", "_by_digest", "_linker", "_procedures", "_static", "builder", "phantom_calls")

    def __init__(
        self, linker: Linker, static: StaticLibraries | None, *, max_operations: int = MAX_OPERATIONS, phantom_calls: bool = True
    ) -> None:
        self._linker = linker
        self.builder = MastForestBuilder(max_operations)
        self._static: StaticCopier | None = None
        if static is not None:
            from miden.assembly.linker.static import StaticCopier

            self._static = StaticCopier(static, self.builder)
        self.phantom_calls = phantom_calls
        self._procedures: dict[Gid, Compiled] = {}
        self._by_digest: dict[bytes, Gid] = {}
        self._advice: dict[Word, tuple[int, ...]] = dict(static.forest.advice_map) if static else {}

    @property
    def copied_dyncall(self) -> bool:
        """Whether a procedure with a dyncall was copied from a static library."""
        return self._static is not None and self._static.has_dyncall

    # --- procedures ---------------------------------------------------------------------------------------------

    def compile_from(self, root: Gid, *, is_entry: bool = False) -> int:
        """Compile a procedure and everything it calls; return its node."""
        linker = self._linker
        for gid in compile_order(linker.edges, root, self._procedures.__contains__):
            item = linker.symbol(gid).item
            if isinstance(item, ProcedureItem):
                self._compile(gid, item, is_entry and gid == root)
        return self._procedures[root].node

    def _compile(self, gid: Gid, item: ProcedureItem, is_entry: bool) -> None:
        linker = self._linker
        form = item.form
        source = linker.modules[gid[0]].source
        assert source is not None
        path = linker.path_of(gid)
        if form.signature is not None:
            self._signature(gid)
        frame = Frame(form.locals)
        context = ProcedureContext(path, source, form.name_start, form.name_end, frame)
        if is_entry and form.locals:
            place = Place(source, form.name_start, form.name_end)
            raise link_error("InvalidEntrypoint", "the entry point of a program cannot have locals", place)
        body = BodyCompiler(self.builder, context, _ModuleScope(self, item, gid[0]))
        prologue, epilogue = (ENTRY_PROLOGUE, (b"", ())) if is_entry else frame_wrapper(frame)
        node = body.compile(form.body, prologue, epilogue)
        self._register(gid, Compiled(node, form.locals, path))

    def _register(self, gid: Gid, compiled: Compiled) -> None:
        """Make a procedure known, and its node a root."""
        digest = self.builder.digests[compiled.node]
        self._linker.digests.setdefault(digest, gid)
        if gid in self._procedures:
            return
        other_gid = self._by_digest.get(digest)
        if other_gid is not None:
            other = self._procedures[other_gid]
            if other.locals != compiled.locals and min(other.locals, compiled.locals) > 0:
                raise self._conflict(gid, compiled, other_gid, other)
        self.builder.make_root(compiled.node)
        self._by_digest[digest] = gid
        self._procedures[gid] = compiled

    def _conflict(self, gid: Gid, compiled: Compiled, other_gid: Gid, other: Compiled) -> LoweringError:
        from miden.assembly.diagnostics import Diagnostic

        message = f"procedures `{other.path}` and `{compiled.path}` have the same MAST root, but different numbers of locals"
        place = self._linker.place_of(gid)
        related = self._linker.place_of(other_gid).related(f"this one has {other.locals} locals")
        label = f"this one has {compiled.locals} locals"
        kind = "ConflictingDefinitions"
        diagnostic = Diagnostic(kind, "error", message, place.source, place.start, place.end, label=label, related=related)
        return LoweringError(message, kind=kind, diagnostics=(diagnostic,))

    def _signature(self, gid: Gid) -> Type | None:
        from miden.assembly.linker.types import resolve_signature

        item = self._linker.symbol(gid).item
        signature = item.form.signature if isinstance(item, ProcedureItem) else None
        return None if signature is None else resolve_signature(self._linker, gid[0], signature)

    # --- call targets -------------------------------------------------------------------------------------------

    def node_of(self, gid: Gid, place: Place) -> int:
        """Return the node of a procedure: compiled here, copied from a static library, or external."""
        compiled = self._procedures.get(gid)
        if compiled is not None:
            return compiled.node
        symbol = self._linker.symbol(gid)
        if symbol.kind != PROCEDURE or not symbol.digest:
            message = f"invalid procedure reference: `{self._linker.path_of(gid)}` is a {symbol.kind}"
            raise link_error("InvalidInvokeTarget", message, place)
        return self.link_digest(symbol.digest)

    def link_digest(self, digest: bytes) -> int:
        """Return a copy of what a static library has under a digest, or an external node."""
        node = self._static.copy_procedure(digest) if self._static else None
        return self.builder.ensure_external(digest) if node is None else node

    def resolve(self, item: ProcedureItem, module: int, kind: str, target: Target) -> tuple[int, str]:
        """Return the node of a call's target, and the target's text in debug information."""
        linker = self._linker
        place = linker.place(module, target)
        if target.digest is not None:
            return self._digest_node(target.digest, kind, place), target.digest.to_hex()
        known = linker.targets.get(target)
        if known is not None:
            gid, path = known
            return self.node_of(gid, place), path
        from miden.assembly.linker.resolver import ItemFound

        written = item.targets.get(target, target.path)
        found = linker.resolve_call(module, kind, written, target)
        if isinstance(found, ItemFound):
            return self.node_of(found.gid, place), written
        if is_name(written):
            self._check_phantom(found.digest, place)
            return self.link_digest(found.digest.to_bytes()), written
        return self._digest_node(found.digest, kind, place), written

    def _digest_node(self, digest: Word, kind: str, place: Place) -> int:
        data = digest.to_bytes()
        gid = self._linker.digests.get(data)
        if gid is None and not self.phantom_calls:
            self._linker.demand(None)
            gid = self._linker.digests.get(data)
        if gid is None:
            self._check_phantom(digest, place)
            return self.link_digest(data)
        if kind == "syscall" and gid[0] != self._linker.kernel:
            message = f"invalid syscall: `{self._linker.path_of(gid)}` is not an exported kernel procedure"
            raise link_error("InvalidSysCallTarget", message, place)
        return self.node_of(gid, place)

    def _check_phantom(self, digest: Word, place: Place) -> None:
        if not self.phantom_calls:
            message = f"no linked module has a procedure with the digest {digest.to_hex()}"
            raise link_error("PhantomCall", message, place, hint="link the library that has it, or allow phantom calls")

    # --- exports ------------------------------------------------------------------------------------------------

    def export(self, gid: Gid, path: str) -> Export:
        """Return the export of an item under a path, compiling it if it is a procedure."""
        from miden.mast.exports import ConstantExport, ProcedureExport, TypeExport

        linker = self._linker
        symbol = linker.symbol(gid)
        if symbol.kind == CONSTANT:
            if isinstance(symbol.export, ConstantExport):
                return ConstantExport(path, symbol.export.value)
            from miden.assembly.linker.constants import to_export

            return ConstantExport(path, to_export(linker.constants.value_of(gid)))
        if symbol.kind == TYPE:
            return TypeExport(path, linker.type_of(gid))
        if symbol.kind != PROCEDURE:
            return self._export_alias(gid, path)
        if isinstance(symbol.export, ProcedureExport):
            node = self.node_of(gid, linker.place_of(gid))
            self._register(gid, Compiled(node, 0, path))
            return ProcedureExport(node, path, symbol.export.signature, symbol.export.attributes)
        from miden.assembly.linker.attributes import export_attributes

        node = self.compile_from(gid)
        assert isinstance(symbol.item, ProcedureItem)
        return ProcedureExport(node, path, self._signature(gid), export_attributes(symbol.item.form.attributes))

    def _export_alias(self, gid: Gid, path: str) -> Export:
        linker = self._linker
        target = linker.resolved.get(gid)
        if target is None:
            hint = "re-export an item of a linked module"
            raise link_error("UnresolvedAlias", f"`{path}` re-exports something that is no item", linker.place_of(gid), hint=hint)
        return self.export(target, path)

    def export_module(self, module: int) -> list[Export]:
        """Return the exports of a module, in the order of its items."""
        linker = self._linker
        self.add_advice(module)
        link_module = linker.modules[module]
        return [
            self.export((module, index), join(link_module.path, symbol.name))
            for index, symbol in enumerate(link_module.symbols)
            if symbol.public
        ]

    # --- advice and the end -------------------------------------------------------------------------------------

    def add_advice(self, module: int) -> None:
        """Add the advice map of a module to the forest's."""
        link_module = self._linker.modules[module]
        for key, values in (link_module.analyzed.advice_map if link_module.analyzed else {}).items():
            if self._advice.setdefault(key, values) != values:
                message = f"the advice map already has other values under {key.to_hex()}"
                raise link_error("AdviceMapKeyAlreadyPresent", message, Place(link_module.source))

    def finish(self) -> tuple[MastForest, Mapping[int, int]]:
        """Return the forest, and the new id of every node."""
        from miden.assembly.lowering.output import finish_forest

        return finish_forest(self.builder, AdviceMap.from_felts(self._advice))


class _ModuleScope:
    """What the body of a procedure sees of the modules."""

    __slots__ = ("_compiler", "_item", "_module")

    def __init__(self, compiler: Compiler, item: ProcedureItem, module: int) -> None:
        self._compiler = compiler
        self._item = item
        self._module = module

    def constant(self, ref: ConstRef, instruction: Instruction) -> object:
        """Return what a constant stands for."""
        value = self._item.values.get(ref)
        return self._compiler._linker.values[ref] if value is None else value

    def resolve(self, kind: str, target: Target) -> tuple[int, str]:
        """Return the node of a call's target, and its text."""
        return self._compiler.resolve(self._item, self._module, kind, target)
