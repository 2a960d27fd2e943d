"""The visit of a module's items: constants of instructions, call targets, uses of imports.

An import counts as used only by what stands behind it in the file, and not by single-name calls: the reference's
habit, which decides warnings (assembly.md section 2.3).
"""

from __future__ import annotations

from miden.assembly.ast import BinaryExpr, ConstRef, If, Instruction, Target
from miden.assembly.linker.paths import KERNEL, ROOT, is_name, join, split_first
from miden.assembly.sema.items import AliasItem, ConstantItem, ProcedureItem, TypeItem
from miden.assembly.sema.report import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from miden.assembly.ast import ConstExpr, Op, TypeExpr
    from miden.assembly.sema.analysis import ModuleAnalysis


def instructions(body: Sequence[Op]) -> Iterator[Instruction]:
    """Iterate over all instructions of a body, nested ones included, in source order."""
    stack = [iter(body)]
    while stack:
        for op in stack[-1]:
            if type(op) is Instruction:
                yield op
                continue
            if type(op) is If:
                # `if.false` has its branches swapped; the one that comes first in the text is visited first all the same
                stack.append(iter(op.else_body))
                stack.append(iter(op.then_body))
            else:
                stack.append(iter(op.body))  # type: ignore[union-attr]
            break
        else:
            stack.pop()


def visit_items(analysis: ModuleAnalysis) -> None:
    """Visit the items in order."""
    visitor = _Visitor(analysis)
    for item in analysis.items:
        if isinstance(item, ProcedureItem):
            visitor.procedure(item)
        elif isinstance(item, AliasItem):
            visitor.alias(item)
        elif isinstance(item, ConstantItem):
            visitor.constant(item.expr)
        elif isinstance(item, TypeItem) and item.form.variants is None:
            visitor.type_refs(item.form.ty)


class _Visitor:
    __slots__ = ("_aliases", "_analysis", "_names", "_report")

    def __init__(self, analysis: ModuleAnalysis) -> None:
        self._analysis = analysis
        self._report = analysis.report
        self._names = {item.name for item in analysis.items}
        self._aliases: dict[str, AliasItem] = {}

    def procedure(self, item: ProcedureItem) -> None:
        """Resolve constants as far as the module can, check and count call targets."""
        calls: list[tuple[str, Target]] = item.invocations
        for instruction in instructions(item.form.body):
            args = instruction.args
            if not args:
                continue
            first = args[0]
            if type(first) is int and len(args) == 1:
                continue
            if type(first) is Target:
                calls.append((instruction.name, first))
            else:
                for arg in args:
                    if type(arg) is ConstRef:
                        self._immediate(item, instruction, arg)
        for ref, _ in item.unresolved:
            self._use_name(ref.path)
        for kind, target in calls:
            if kind == "syscall":
                self._syscall(item, target)
            elif target.digest is None:
                self._call(item, target)

    def _immediate(self, item: ProcedureItem, instruction: Instruction, ref: ConstRef) -> None:
        from miden.assembly.sema.constants import VALUES, ConstantError, evaluate, event_only, immediate_value

        analysis = self._analysis
        source = analysis.module.source
        try:
            value = evaluate(ref, None, analysis)
            if not isinstance(value, VALUES):
                item.unresolved.append((ref, instruction))
                return
            if instruction.name == "emit":
                event_only(ref, value, source)
            item.values[ref] = immediate_value(instruction.name, ref, value, source)
        except ConstantError as issue:
            self._report.issue(issue)

    def _syscall(self, item: ProcedureItem, target: Target) -> None:
        if target.digest is not None:
            return
        if is_name(target.path):
            item.targets[target] = join(KERNEL, target.path)
        else:
            hint = "name the kernel procedure alone: `syscall.name`"
            self._report.error("InvalidSyscallTarget", f"`{target.path}` is not the name of a kernel procedure", target, hint=hint)

    def _call(self, item: ProcedureItem, target: Target) -> None:
        path = target.path
        own = item.name
        if is_name(path):
            if path == own:
                self._recursive(target)
            elif path not in self._names:
                hint = did_you_mean(path, self._names) or "define it, import it, or write its full path"
                self._report.error("UndefinedSymbol", f"undefined symbol reference `{path}`", target, "not found in this module", hint)
        elif path == join(self._analysis.path, own):
            self._recursive(target)
        else:
            self._path(target)

    def _recursive(self, target: Target) -> None:
        hint = "calls are expanded when assembling; use a loop, or `dyncall` through memory"
        self._report.error("SelfRecursive", "a procedure cannot call itself", target, "call of itself", hint)

    def _path(self, target: Target) -> None:
        """Follow the imports in front of a path, and count them as used."""
        path = target.path
        seen: set[str] = set()
        while path not in seen:
            seen.add(path)
            alias = self._aliases.get(split_first(path)[0])
            if alias is None:
                return
            alias.uses += 1
            next_target = alias.form.target
            if next_target.digest is not None:
                related = self._report.related(alias.form, "imported here by its digest")
                message = f"`{target.path}` leads through an import of a procedure"
                self._report.error("InvalidInvokeTargetViaImport", message, target, related=related)
                return
            if next_target.path == path:
                return
            path = next_target.path

    def alias(self, item: AliasItem) -> None:
        """Count a re-export as used, and what an import starts with; make it visible to what follows."""
        if item.public:
            item.uses += 1
        target = item.form.target
        if target.digest is None and not target.path.startswith(ROOT):
            via = self._aliases.get(split_first(target.path)[0])
            if via is not None:
                via.uses += 1
        self._aliases.setdefault(item.name, item)

    def constant(self, expr: ConstExpr) -> None:
        """Count the imports an expression mentions."""
        work = [expr]
        while work:
            part = work.pop()
            if isinstance(part, BinaryExpr):
                work += (part.left, part.right)
            elif isinstance(part, ConstRef):
                self._use_name(split_first(part.path)[0])

    def type_refs(self, ty: TypeExpr) -> None:
        """Count the imports a type mentions."""
        work: list[TypeExpr] = [ty]
        while work:
            part = work.pop()
            if part.form == "ref":
                self._use_name(split_first(part.args[0])[0])  # type: ignore[arg-type]
            elif part.form == "struct":
                work += [field for _, field in part.args[1]]  # type: ignore[attr-defined]
            elif part.form in ("ptr", "array"):
                work.append(part.args[0])  # type: ignore[arg-type]

    def _use_name(self, name: str) -> None:
        alias = self._aliases.get(name)
        if alias is not None:
            alias.uses += 1
