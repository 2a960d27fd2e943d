"""Collecting what is wrong with a module: errors fail it together, warnings do not unless asked to."""

from __future__ import annotations

from miden.errors import SemanticError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from miden.assembly.ast import Spanned
    from miden.assembly.diagnostics import Diagnostic, Related
    from miden.assembly.sema.constants import ConstantError
    from miden.assembly.source import SourceFile


class Report:
    """Problems of one module."""

    __slots__ = ("_warnings_as_errors", "errors", "source", "warnings")

    def __init__(self, source: SourceFile, warnings_as_errors: bool) -> None:
        self.source = source
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self._warnings_as_errors = warnings_as_errors

    def error(self, kind: str, message: str, at: Spanned, label: str = "", hint: str = "", related: Sequence[Related] = ()) -> None:
        """Add an error at a place of the module."""
        from miden.assembly.diagnostics import Diagnostic

        self.errors.append(Diagnostic(kind, "error", message, self.source, at.start, at.end, label=label, hint=hint, related=related))

    def issue(self, issue: ConstantError) -> None:
        """Add what a constant failed with."""
        from miden.assembly.diagnostics import Diagnostic

        self.errors.append(Diagnostic(issue.kind, "error", issue.message, issue.source, issue.start, issue.end, hint=issue.hint))

    def warning(self, kind: str, message: str, at: Spanned, hint: str) -> None:
        """Add a warning."""
        from miden.assembly.diagnostics import Diagnostic

        self.warnings.append(Diagnostic(kind, "warning", message, self.source, at.start, at.end, hint=hint))

    def related(self, at: Spanned, label: str) -> tuple[Related, ...]:
        """Return another place of the module."""
        from miden.assembly.diagnostics import Related

        return (Related(self.source, at.start, at.end, label),)

    def check(self) -> None:
        """Raise `SemanticError` with everything that was found, if it is fatal."""
        if self.errors or (self._warnings_as_errors and self.warnings):
            problems = [*self.errors, *self.warnings]
            first = problems[0]
            raise SemanticError(first.message, kind=first.kind, hint=first.hint, diagnostics=problems)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the most similar of the known names, or an empty text."""
    from miden.assembly.parser.hints import nearest

    match = nearest(name, sorted(known))
    return f"did you mean `{match}`?" if match else ""
