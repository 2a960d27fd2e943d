"""The analysis of a module, step by step as the reference does it (assembly.md section 2.2)."""

from __future__ import annotations

from miden.assembly.ast import AdviceMapEntry, Alias, Constant, ConstRef, DocComment, IntExpr, Procedure, TypeDecl, WordExpr
from miden.assembly.linker.paths import MAIN
from miden.assembly.sema.items import (
    CONSTANT,
    EXECUTABLE_KIND,
    KERNEL_KIND,
    TYPE,
    AliasItem,
    AnalyzedModule,
    ConstantItem,
    Item,
    ProcedureItem,
    TypeItem,
)
from miden.assembly.sema.report import Report, did_you_mean
from miden.assembly.sema.uses import visit_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.ast import ConstExpr, Module, Spanned
    from miden.assembly.source import SourceFile
    from miden.field import Word

ENUM_LIMITS = {"i1": 2, "i8": 2**8, "u8": 2**8, "i16": 2**16, "u16": 2**16, "i32": 2**32, "u32": 2**32}
"""Values of an enumeration by its representation; larger representations are rejected."""


def analyze(module: Module, path: str, kind: str, *, warnings_as_errors: bool = False) -> AnalyzedModule:
    """Check a parsed module and return its items.

    `path` is absolute, `kind` one of "executable", "library" and "kernel". Raises `SemanticError` with every problem
    of the step that failed; warnings are in the result.
    """
    analysis = ModuleAnalysis(module, path, kind, warnings_as_errors)
    analysis.collect()
    analysis.evaluate_constants()
    analysis.define_enums()
    analysis.check_entry()
    analysis.report.check()
    visit_items(analysis)
    for item in analysis.items:
        if isinstance(item, AliasItem) and not item.uses:
            hint = "remove it, or move it in front of its first use"
            analysis.report.warning("UnusedImport", f"import `{item.name}` is not used", item.form, hint)
    analysis.report.check()
    return AnalyzedModule(path, kind, module.source, module.docs, analysis.items, analysis.advice_map, analysis.report.warnings)


class ModuleAnalysis:
    """State of one analysis, and the environment in which its constants are evaluated."""

    def __init__(self, module: Module, path: str, kind: str, warnings_as_errors: bool) -> None:
        self.module = module
        self.path = path
        self.kind = kind
        self.report = Report(module.source, warnings_as_errors)
        self.items: list[Item] = []
        self.last_by_name: dict[str, Item] = {}
        self.first_by_name: dict[str, Item] = {}
        self.first_of_kind: dict[tuple[str, str], Item] = {}
        self.constants: dict[str, ConstExpr] = {}
        self.imported: set[str] = set()
        self.advice_map: dict[Word, tuple[int, ...]] = {}
        self.enums: list[TypeDecl] = []

    # --- the environment of constants ---------------------------------------------------------------------------

    def key(self, ref: ConstRef, scope: None) -> str:
        """Return the name a reference is by."""
        return ref.path

    def lookup(self, ref: ConstRef, key: object, scope: None) -> tuple[ConstExpr, None] | None:
        """Return a constant of the module; None for what is imported or a path."""
        path = ref.path
        expr = self.constants.get(path)
        if expr is not None:
            return expr, None
        if path in self.imported or "::" in path:
            return None
        from miden.assembly.sema.constants import ConstantError

        hint = did_you_mean(path, {*self.constants, *self.imported})
        raise ConstantError("UndefinedSymbol", f"undefined constant `{path}`", self.module.source, ref.start, ref.end, hint)

    def remember(self, key: object, value: ConstExpr) -> None:
        """Replace the expression of a constant by its value."""
        self.constants[key] = value  # type: ignore[index]

    def source(self, scope: None) -> SourceFile:
        """Return the text of the module."""
        return self.module.source

    # --- step 1: forms ------------------------------------------------------------------------------------------

    def collect(self) -> None:
        """Make items of the forms, in source order."""
        for form in self.module.forms:
            if isinstance(form, Procedure):
                self._procedure(form)
            elif isinstance(form, Constant):
                self.define_constant(form)
            elif isinstance(form, Alias):
                self._alias(form)
            elif isinstance(form, TypeDecl):
                self._type(form)
            elif isinstance(form, AdviceMapEntry):
                self._advice(form)
            elif isinstance(form, DocComment):
                self.report.warning("UnusedDocstring", "doc comment belongs to nothing", form, "put it right before an item, or use `#`")

    def _conflict(self, name: str, form: Spanned, previous: Spanned) -> None:
        related = self.report.related(previous, "first defined here")
        self.report.error("SymbolConflict", f"`{name}` is already defined", form, "defined again here", related=related)

    def _add(self, item: Item) -> None:
        self.items.append(item)
        self.last_by_name[item.name] = item
        self.first_by_name.setdefault(item.name, item)
        self.first_of_kind.setdefault((item.kind, item.name), item)

    def define_constant(self, form: Constant) -> None:
        """Add a constant; only another constant of that name is in the way."""
        previous = self.first_of_kind.get((CONSTANT, form.name))
        if previous is not None:
            self._conflict(form.name, form, previous.form)
            return
        self._add(ConstantItem(form))
        self.constants[form.name] = form.expr

    def _type(self, form: TypeDecl) -> None:
        if form.variants is not None:
            for variant in form.variants:
                self.define_constant(variant)
            self.enums.append(form)
            return
        previous = self.first_of_kind.get((TYPE, form.name))
        if previous is not None:
            self._conflict(form.name, form, previous.form)
            return
        self._add(TypeItem(form))

    def _alias(self, form: Alias) -> None:
        if form.public and self.kind == KERNEL_KIND:
            self.report.error("ReexportFromKernel", "a kernel cannot re-export", form, hint="define a procedure that calls the other one")
            return
        if form.public and self.kind == EXECUTABLE_KIND:
            self.report.error("UnexpectedExport", "an executable module cannot re-export", form, hint="remove `pub`")
            return
        self.imported.add(form.name)
        if not self._is_taken(form.name, form):
            self._add(AliasItem(form))

    def _procedure(self, form: Procedure) -> None:
        if self.kind == EXECUTABLE_KIND:
            if form.public and form.name != MAIN:
                self.report.error("UnexpectedExport", "an executable module exports nothing", form, hint="remove `pub`")
                return
        elif form.name == MAIN and self.module.source.text.startswith("begin", form.start):
            self.report.error("UnexpectedEntrypoint", "only an executable module has a `begin` block", form, hint="make it a `pub proc`")
            return
        if not self._is_taken(form.name, form):
            self._add(ProcedureItem(form))

    def _is_taken(self, name: str, form: Spanned) -> bool:
        """Report a conflict with any earlier item, unless it is an import that leads nowhere."""
        previous = self.last_by_name.get(name)
        if previous is None:
            return False
        if isinstance(previous, AliasItem):
            from miden.assembly.sema.imports import expands

            if not expands(previous.form, self.first_by_name):
                return False
        self._conflict(name, form, previous.form)
        return True

    def _advice(self, form: AdviceMapEntry) -> None:
        key = form.key
        if key is None:
            from miden.hashing import hash_elements

            key = hash_elements(form.values)
        place = (form.start, form.end)
        self.define_constant(Constant(form.name, WordExpr(key, *place), False, None, *place, *place))
        if key in self.advice_map:
            self.report.error("AdvMapKeyAlreadyDefined", f"the advice map already has an entry under {key.to_hex()}", form)
        else:
            self.advice_map[key] = form.values

    # --- steps 3 and 4 ------------------------------------------------------------------------------------------

    def evaluate_constants(self) -> None:
        """Evaluate every constant as far as the module knows."""
        if not self.constants:
            return
        from miden.assembly.sema.constants import ConstantError, evaluate

        for name in sorted(self.constants):
            try:
                self.constants[name] = evaluate(_reference(name, self.constants[name]), None, self)
            except ConstantError as issue:
                self.report.issue(issue)

    def define_enums(self) -> None:
        """Define enumerations, whose variants are constants already."""
        for form in self.enums:
            limit = ENUM_LIMITS.get(form.ty.form, 0)
            if form.variants and not limit:
                hint = f"use one of {', '.join(ENUM_LIMITS)}"
                self.report.error("InvalidEnumRepr", f"an enumeration cannot be represented by {form.ty.form}", form, hint=hint)
                continue
            previous = self.last_by_name.get(form.name)
            if previous is not None:
                self._conflict(form.name, form, previous.form)
            elif self._check_variants(form, limit):
                self._add(TypeItem(form))

    def _check_variants(self, form: TypeDecl, limit: int) -> bool:
        seen: dict[int, Constant] = {}
        for variant in form.variants or ():
            value = self.constants.get(variant.name)
            if not isinstance(value, IntExpr):
                self.report.error("InvalidEnumDiscriminant", f"the value of `{variant.name}` must be an integer", variant)
                return False
            previous = seen.setdefault(value.value, variant)
            if previous is not variant:
                related = self.report.related(previous, "first used here")
                self.report.error("EnumDiscriminantConflict", f"two variants have the value {value.value}", variant, related=related)
                return False
            if value.value >= limit:
                message = f"the value of `{variant.name}` must be below {limit}, found {value.value}"
                self.report.error("InvalidEnumDiscriminant", message, variant)
                return False
            # The language version defines each variant a second time here, which always conflicts.
            hint = "this version of the language rejects every enumeration with variants; use constants"
            related = self.report.related(variant, "defined as a constant by the enumeration")
            self.report.error("SymbolConflict", f"`{variant.name}` is already defined", variant, hint=hint, related=related)
            return False
        return True

    def check_entry(self) -> None:
        """Require the entry point of an executable module."""
        if self.kind == EXECUTABLE_KIND and self.first_of_kind.get(("procedure", MAIN)) is None:
            end = self.module.source.end
            place = DocComment("", end, end)
            self.report.error("MissingEntrypoint", "a program needs a `begin` block", place, hint="add `begin ... end`")


def _reference(name: str, expr: ConstExpr) -> ConstExpr:
    """Return a reference to a constant, at the place of its expression."""
    return ConstRef(name, expr.start, expr.end)
