"""Link errors: where they are, and what they say."""

from __future__ import annotations

from miden.errors import LinkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.assembly.diagnostics import Related
    from miden.assembly.sema.constants import ConstantError
    from miden.assembly.source import SourceFile


class Place:
    """A place in a source; `source` is None for what has no text."""

    __slots__ = ("end", "source", "start")

    def __init__(self, source: SourceFile | None, start: int = 0, end: int = 0) -> None:
        self.source = source
        self.start = start
        self.end = end

    def related(self, label: str) -> list[Related]:
        """Return the place as a further one of a diagnostic."""
        from miden.assembly.diagnostics import Related

        return [] if self.source is None else [Related(self.source, self.start, self.end, label)]


NOWHERE = Place(None)


def link_error(
    kind: str, message: str, place: Place = NOWHERE, *, label: str = "", hint: str = "", related: Sequence[Related] = ()
) -> LinkError:
    """Make a link error with one diagnostic."""
    from miden.assembly.diagnostics import Diagnostic

    diagnostic = Diagnostic(kind, "error", message, place.source, place.start, place.end, label=label, hint=hint, related=related)
    return LinkError(message, kind=kind, hint=hint, diagnostics=(diagnostic,))


def constant_error(issue: ConstantError) -> LinkError:
    """Make a link error of a constant that could not be evaluated or used."""
    return link_error(issue.kind, issue.message, Place(issue.source, issue.start, issue.end), hint=issue.hint)
