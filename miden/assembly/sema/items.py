"""What semantic analysis makes of a module: its items in order, ready to be linked.

Analysis never changes the syntax tree: what it finds out about a constant reference is kept beside it, so that one
analysed module can be linked into many programs.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.ast import Alias, Constant, ConstExpr, ConstRef, Instruction, Procedure, Target, TypeDecl
    from miden.assembly.diagnostics import Diagnostic
    from miden.assembly.source import SourceFile
    from miden.field import Word

EXECUTABLE_KIND = "executable"
LIBRARY_KIND = "library"
KERNEL_KIND = "kernel"

PROCEDURE = "procedure"
CONSTANT = "constant"
TYPE = "type"
ALIAS = "alias"


class Item:
    """One named item of a module; `kind` is one of the four constants above, `form` its syntax."""

    __slots__ = ("form", "kind", "name", "public")
    form: Alias | Constant | Procedure | TypeDecl

    def __init__(self, kind: str, name: str, public: bool, form: Alias | Constant | Procedure | TypeDecl) -> None:
        self.kind = kind
        self.name = name
        self.public = public
        self.form = form

    def __repr__(self) -> str:
        return f"<{'public ' if self.public else ''}{self.kind} {self.name}>"


class ConstantItem(Item):
    """A constant, as its expression is written."""

    __slots__ = ()
    form: Constant

    def __init__(self, form: Constant) -> None:
        super().__init__(CONSTANT, form.name, form.public, form)

    @property
    def expr(self) -> ConstExpr:
        """The expression."""
        return self.form.expr


class TypeItem(Item):
    """A type declaration."""

    __slots__ = ()
    form: TypeDecl

    def __init__(self, form: TypeDecl) -> None:
        super().__init__(TYPE, form.name, form.public, form)


class AliasItem(Item):
    """An import or re-export; `uses` counts as the reference counts (assembly.md section 2.3)."""

    __slots__ = ("uses",)
    form: Alias

    def __init__(self, form: Alias) -> None:
        super().__init__(ALIAS, form.name, form.public, form)
        self.uses = 0


class ProcedureItem(Item):
    """A procedure.

    Attributes
    ----------
    values
        Constant references that the module itself answers -> int, `Word` or text.
    unresolved
        Constant references, with their instructions, that are left to the linker.
    invocations
        Calls in source order: ("exec", "call", "syscall" or "procref"; target). Single-name syscalls have become
        paths into the kernel in `targets`.
    targets
        Targets that analysis rewrote -> path.
    """

    __slots__ = ("invocations", "targets", "unresolved", "values")
    form: Procedure

    def __init__(self, form: Procedure) -> None:
        super().__init__(PROCEDURE, form.name, form.public, form)
        self.values: dict[ConstRef, object] = {}
        self.unresolved: list[tuple[ConstRef, Instruction]] = []
        self.invocations: list[tuple[str, Target]] = []
        self.targets: dict[Target, str] = {}


class AnalyzedModule:
    """A module that passed semantic analysis."""

    __slots__ = ("advice_map", "docs", "items", "kind", "path", "source", "warnings")

    def __init__(
        self,
        path: str,
        kind: str,
        source: SourceFile,
        docs: str | None,
        items: list[Item],
        advice_map: dict[Word, tuple[int, ...]],
        warnings: list[Diagnostic],
    ) -> None:
        self.path = path
        self.kind = kind
        self.source = source
        self.docs = docs
        self.items = items
        self.advice_map = advice_map
        self.warnings = warnings

    def __repr__(self) -> str:
        return f"<AnalyzedModule {self.path} {self.kind} {len(self.items)} items>"
