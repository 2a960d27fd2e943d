"""`Linker`: modules to link and to link against, and what linking finds out about them. (assembly.md section 7.)

A linker is cheap to copy: modules are shared, tables are not. An assembler keeps one as its base and links every
program in a copy, so that one assembler can assemble many programs.
"""

from __future__ import annotations

from miden.assembly.linker.callgraph import add_edge, find_cycle
from miden.assembly.linker.errors import NOWHERE, Place, link_error
from miden.assembly.linker.modules import PROCEDURE, LinkModule, Symbol
from miden.assembly.linker.paths import ROOT, is_name, join
from miden.assembly.sema.items import KERNEL_KIND, AliasItem, ConstantItem, ProcedureItem, TypeItem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.assembly.ast import Alias, ConstRef, Target
    from miden.assembly.linker.callgraph import Edges
    from miden.assembly.linker.constants import LinkEnvironment
    from miden.assembly.linker.modules import Gid
    from miden.assembly.linker.resolver import DigestFound, Found, ItemFound
    from miden.errors import LinkError
    from miden.mast.types import Type

MAX_MODULES = 65535
MAX_ITEMS = 65535


class Linker:
    """State of linking.

    Attributes
    ----------
    modules, by_path
        All modules, and their indices by absolute path.
    kernel
        Index of the kernel module, or None.
    digests
        Digest of a procedure -> the item that was registered first under it.
    resolved
        Alias -> item it leads to, once the alias is linked.
    edges
        The call graph.
    values
        Constant reference of an instruction -> int, `Word` or text.
    targets
        Call target -> item, and the absolute path it was found under; targets by digest are absent.
    awaited
        A path, and a function that returns modules below it: they are added when a path below it is first resolved.
    """

    __slots__ = (
        *("_constants", "awaited", "by_path", "digests", "edges", "kernel", "modules", "pending"),
        *("resolved", "targets", "types", "values"),
    )

    def __init__(self) -> None:
        self.modules: list[LinkModule] = []
        self.by_path: dict[str, int] = {}
        self.kernel: int | None = None
        self.digests: dict[bytes, Gid] = {}
        self.resolved: dict[Gid, Gid] = {}
        self.edges: Edges = {}
        self.pending: list[int] = []
        self.values: dict[ConstRef, object] = {}
        self.targets: dict[Target, tuple[Gid, str]] = {}
        self._constants: LinkEnvironment | None = None
        self.types: dict[Gid, tuple[Type, int]] = {}
        self.awaited: tuple[str, Callable[[], list[LinkModule]]] | None = None

    def copy(self) -> Linker:
        """Return a linker to go on with while this one stays as it is."""
        other = Linker()
        other.modules = list(self.modules)
        other.by_path = dict(self.by_path)
        other.kernel = self.kernel
        other.digests = dict(self.digests)
        other.edges = {gid: dict(callees) for gid, callees in self.edges.items()}
        other.pending = list(self.pending)
        other.awaited = self.awaited
        return other

    def add(self, module: LinkModule) -> int:
        """Add a module and return its index; the path must be new."""
        path = module.path
        if path in self.by_path:
            places = [self.place(self.by_path[path]), Place(module.source)]
            related = [note for place in places[:1] for note in place.related("first defined here")]
            raise link_error("DuplicateModule", f"duplicate definition of module `{path}`", places[1], related=related)
        if len(self.modules) >= MAX_MODULES or len(module.symbols) > MAX_ITEMS:
            raise link_error("LimitExceeded", f"there may be {MAX_MODULES} modules of {MAX_ITEMS} items each", Place(module.source))
        index = len(self.modules)
        self.modules.append(module)
        self.by_path[path] = index
        for item_index, symbol in enumerate(module.symbols):
            self.edges.setdefault((index, item_index), {})
            if symbol.digest:
                self.digests.setdefault(symbol.digest, (index, item_index))
        if module.analyzed is not None:
            self.pending.append(index)
        return index

    def demand(self, path: str | None) -> None:
        """Add the modules that are awaited if an absolute path is below theirs, or if there is none; those that are there stay."""
        if self.awaited is None:
            return
        prefix, load = self.awaited
        if path is None or path == prefix or path.startswith(prefix + ROOT):
            self.awaited = None
            for module in load():
                if module.path not in self.by_path:
                    self.add(module)

    def symbol(self, gid: Gid) -> Symbol:
        """Return the symbol of an item."""
        return self.modules[gid[0]].symbols[gid[1]]

    def path_of(self, gid: Gid) -> str:
        """Return the absolute path of an item."""
        return join(self.modules[gid[0]].path, self.symbol(gid).name)

    def place(self, module: int, form: object = None) -> Place:
        """Return the place of a form, or of the start of its module."""
        source = self.modules[module].source
        return Place(source, getattr(form, "start", 0), getattr(form, "end", 0))

    def place_of(self, gid: Gid) -> Place:
        """Return where the name of an item is defined."""
        item = self.symbol(gid).item
        if item is None:
            return NOWHERE
        return Place(self.modules[gid[0]].source, item.form.name_start, item.form.name_end)

    @property
    def constants(self) -> LinkEnvironment:
        """What evaluates constants."""
        if self._constants is None:
            from miden.assembly.linker.constants import LinkEnvironment

            self._constants = LinkEnvironment(self)
        return self._constants

    # --- linking ------------------------------------------------------------------------------------------------

    def link(self) -> None:
        """Resolve everything in the modules from source that were added, and check that no call leads back.

        Raises `LinkError` for the first problem.
        """
        for module in self.pending:
            symbols = self.modules[module].symbols
            for index, symbol in enumerate(symbols):
                gid = (module, index)
                item = symbol.item
                if isinstance(item, AliasItem):
                    self._link_alias(gid, item)
                elif isinstance(item, ProcedureItem):
                    self._link_procedure(gid, item)
                elif isinstance(item, ConstantItem):
                    self.constants.value_of(gid)
                elif isinstance(item, TypeItem):
                    self.type_of(gid)
        self.pending = []
        self._check_cycles()

    def _link_alias(self, gid: Gid, item: AliasItem) -> None:
        from miden.assembly.linker.resolver import DigestFound, ItemFound

        found = self.resolve_alias(gid[0], item.form)
        target: Gid | None = None
        if isinstance(found, ItemFound):
            target = found.gid
        elif isinstance(found, DigestFound):
            target = self.digests.get(found.digest.to_bytes())
        if target is not None:
            self.resolved[gid] = target
            if self.symbol(target).kind == PROCEDURE:
                add_edge(self.edges, gid, target)

    def resolve_alias(self, module: int, alias: Alias) -> Found:
        """Resolve the target of an import."""
        from miden.assembly.linker.resolver import DigestFound, resolve_path

        target = alias.target
        if target.digest is not None:
            return DigestFound(target.digest)
        return resolve_path(self, module, target.path, self.place(module, target), frozenset([alias.name]))

    def _link_procedure(self, gid: Gid, item: ProcedureItem) -> None:
        if not item.unresolved and not item.invocations:
            return
        from miden.assembly.linker.invocations import InvocationSet
        from miden.assembly.linker.resolver import ItemFound

        module = gid[0]
        for ref, instruction in item.unresolved:
            self.values[ref] = self.constants.immediate(ref, module, instruction)
        invoked = InvocationSet()
        for kind, target in item.invocations:
            if target.digest is not None:
                known = self.digests.get(target.digest.to_bytes())
                if known is not None:
                    if kind == "syscall":
                        self._check_syscall(known, self.path_of(known), self.place(module, target))
                    invoked.add_digest(kind, target.digest, known)
                continue
            written = item.targets.get(target, target.path)
            found = self.resolve_call(module, kind, written, target)
            if isinstance(found, ItemFound):
                if found.path in self.by_path:
                    raise self._module_called(found.path, self.place(module, target))
                self.targets[target] = (found.gid, found.path)
                invoked.add_path(kind, written, found.gid)
                invoked.add_path(kind, found.path, found.gid)
            elif not is_name(written):
                known = self.digests.get(found.digest.to_bytes())
                if known is not None:
                    self.targets[target] = (known, self.path_of(known))
                    invoked.add_path(kind, written, known)
                    invoked.add_path(kind, self.path_of(known), known)
        for callee, target_path in invoked.in_order():
            if callee == gid:
                place = self.place_of(gid)
                hint = "calls are expanded when assembling; use a loop, or `dyncall` through memory"
                raise link_error("SelfRecursive", f"procedure `{self.path_of(gid)}` calls itself as `{target_path}`", place, hint=hint)
            add_edge(self.edges, gid, callee)

    def resolve_call(self, module: int, kind: str, path: str, target: Target) -> ItemFound | DigestFound:
        """Resolve the path of a call, which must not be a module; a syscall must lead into the kernel."""
        from miden.assembly.linker.resolver import ItemFound, ModuleFound, resolve_path

        place = self.place(module, target)
        found = resolve_path(self, module, path, place)
        if isinstance(found, ModuleFound):
            raise self._module_called(path, place)
        if kind == "syscall":
            if isinstance(found, ItemFound):
                self._check_syscall(found.gid, found.path, place)
            else:
                known = self.digests.get(found.digest.to_bytes())
                if known is not None:
                    self._check_syscall(known, self.path_of(known), place)
        return found

    @staticmethod
    def _module_called(path: str, place: Place) -> LinkError:
        """Make the error of a call of a path that is a module's: it is one even if an item has the path as well."""
        hint = "name a procedure of the module; a procedure must not share its path with a module"
        return link_error("InvalidInvokeTarget", f"invalid procedure reference: `{path}` is a module", place, hint=hint)

    def _check_syscall(self, gid: Gid, path: str, place: Place) -> None:
        if self.kernel is None or gid[0] != self.kernel:
            message = f"invalid syscall: `{path}` is not an exported kernel procedure"
            raise link_error("InvalidSysCallTarget", message, place, related=self.place_of(gid).related("this procedure"))

    def _check_cycles(self) -> None:
        cycle = find_cycle(self.edges)
        if not cycle:
            return
        names = ", ".join(map(self.path_of, cycle))
        first, *others = [self.place_of(gid) for gid in cycle]
        related = [note for place in others for note in place.related("part of the cycle")]
        message = f"found a cycle in the call graph, involving these procedures: {names}"
        hint = "calls are expanded when assembling; use a loop, or `dyncall` through memory"
        raise link_error("Cycle", message, first, label="part of the cycle", hint=hint, related=related)

    # --- facts about items --------------------------------------------------------------------------------------

    def type_of(self, gid: Gid) -> Type:
        """Return the type an item declares."""
        from miden.assembly.linker.types import resolve_declared

        return resolve_declared(self, gid)

    def is_kernel(self, module: int) -> bool:
        """Whether a module is part of a kernel that is being assembled."""
        return self.modules[module].kind == KERNEL_KIND
