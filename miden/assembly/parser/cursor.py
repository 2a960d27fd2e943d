"""Where the parser is, and how it reports problems.

The reference is an LR(1) parser: it looks at the token after a construct before it judges the construct. So when two
things are wrong, the one it reports is not always the first in the text: ``dup.16 ]`` is an unexpected ``]``. A check
that fails is therefore *deferred*: it is remembered together with the position of the next token, and raised as soon
as that token turns out to be fine.
"""

from __future__ import annotations

from miden.assembly.lexer import check_token, token_class, tokenize
from miden.errors import ParseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from miden.assembly.diagnostics import Related
    from miden.assembly.source import SourceFile

_SHOWN = 40
"""Characters of a token that messages show."""


class Cursor:
    """Tokens of a source and the index `i` of the next one; `opened` are the starts of blocks not yet closed."""

    __slots__ = ("deferred", "deferred_at", "ends", "i", "max_depth", "opened", "source", "starts", "texts")

    def __init__(self, source: SourceFile, max_depth: int) -> None:
        self.source = source
        self.texts, self.starts, self.ends = tokenize(source)
        self.i = 0
        self.max_depth = max_depth
        self.opened: list[int] = []
        self.deferred: ParseError | None = None
        self.deferred_at = 0

    def expect(self, text: str) -> int:
        """Consume the token `text` and return its start."""
        i = self.i
        if self.texts[i] != text:
            raise self.unexpected(f"`{text}`")
        self.i = i + 1
        return self.starts[i]

    def end(self) -> int:
        """Return where the last consumed token ends."""
        return self.ends[self.i - 1]

    def defer(
        self,
        kind: str,
        message: str,
        start: int,
        end: int,
        *,
        label: str = "",
        hint: str | None = None,
        detail: str | None = None,
        related: Sequence[Related] = (),
    ) -> None:
        """Remember a failed check of the construct before the next token; the first one wins."""
        if self.deferred is None:
            self.deferred = self.error(kind, message, start, end, label=label, hint=hint, detail=detail, related=related)
            self.deferred_at = self.i

    def settle_before(self, texts: Container[str]) -> None:
        """Raise the deferred problem if one of `texts` comes next.

        The reference shares the state after a construct between all places where the construct may stand, so it judges the
        construct when the next token would be right in any of them.
        """
        if self.deferred is not None and self.texts[self.i] in texts:
            raise self.deferred

    def finish(self) -> None:
        """Raise the deferred problem if there is one: the next token is known to be fine."""
        if self.deferred is not None:
            raise self.deferred

    def error(
        self,
        kind: str,
        message: str,
        start: int,
        end: int,
        *,
        label: str = "",
        hint: str | None = None,
        detail: str | None = None,
        related: Sequence[Related] = (),
    ) -> ParseError:
        """Make an error with one diagnostic at characters start..end."""
        from miden.assembly.diagnostics import Diagnostic

        diagnostic = Diagnostic(kind, "error", message, self.source, start, end, label=label, hint=hint, related=related, detail=detail)
        return ParseError(message, kind=kind, hint=hint, diagnostics=(diagnostic,))

    def unexpected(self, expected: str, i: int | None = None) -> ParseError:
        """Make the error of a token that does not fit: lexical, end of file or syntax, or the deferred one before it."""
        if i is None:
            i = self.i
        if self.deferred is not None and i > self.deferred_at:
            return self.deferred
        text, start, end = self.texts[i], self.starts[i], self.ends[i]
        fault = check_token(text)
        if fault is not None:
            kind, detail, message = fault
            from miden.assembly.parser.hints import hint_for_character

            hint = hint_for_character(text) if kind == "InvalidToken" else None
            return self.error(kind, message, start, min(end, start + 1) if kind == "UnclosedQuote" else end, detail=detail, hint=hint)
        if not text:
            from miden.assembly.diagnostics import Related

            related = [Related(self.source, at, at + 1, "this is still open") for at in self.opened[-1:]]
            message = f"unexpected end of file, expected {expected}"
            return self.error("UnrecognizedEof", message, start, end, label="the text ends here", related=related)
        from miden.assembly.parser.hints import hint_for

        message = f"expected {expected}, found {describe(text)}"
        return self.error("UnrecognizedToken", message, start, end, label="not expected here", hint=hint_for(self.texts, i, expected))


def describe(text: str) -> str:
    """Name a token for a message, shortened if it is long."""
    name = token_class(text)
    if name in ("end of file", "doc comment"):
        return name
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    if name == text or name == "invalid":
        return f"`{shown}`"
    return f"{name} {shown}" if shown[0] == '"' else f"{name} `{shown}`"
