"""Problems in source text, and how they are shown: plain, ANSI, HTML and JSON-ready.

One layout (`rows`) serves all renderers::

    error[E0116]: the index must be in 0..=15, found 16
      --> demo.masm:3:9
       |
     3 |     dup.16
       |         ^^ out of range
       |
       = help: ...

Source text, names and messages are untrusted: control and formatting characters are made visible before they are
laid out, so that no renderer can be made to emit an escape sequence, and the HTML renderer escapes everything.
"""

from __future__ import annotations

from miden.assembly.excerpt import excerpt, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from miden.assembly.source import SourceFile

    Row = list[tuple[str, str]]

DEFAULT_WIDTH = 120
"""Columns of source text that are shown of a line before it is clipped."""


class Related:
    """Another place that belongs to a diagnostic, such as an earlier definition."""

    __slots__ = ("end", "label", "source", "start")

    def __init__(self, source: SourceFile, start: int, end: int, label: str) -> None:
        self.source = source
        self.start = start
        self.end = end
        self.label = label

    def __repr__(self) -> str:
        return f"Related({self.source.name!r}, {self.start}..{self.end}, {self.label!r})"


class Diagnostic:
    """One problem: what, how bad, where, and what to do about it.

    Parameters
    ----------
    kind
        Machine-readable name, the reference's where it has one: `ImmediateOutOfRange`.
    severity
        "error" or "warning".
    source, start, end
        Where: characters start..end of `source`, which is None if there is no text to show.
    label
        Short text beside the marker.
    hint
        What to do about it; shown as help.
    notes
        Further facts, one line each.
    related
        Other places.
    detail
        Sub-kind, such as `FeltOverflow` of `InvalidLiteral`.

    >>> from miden.assembly.source import SourceFile
    >>> source = SourceFile("begin dup.16 end", "demo.masm")
    >>> print(Diagnostic("ImmediateOutOfRange", "error", "index too large", source, 10, 12, label="at most 15"))
    error[E0116]: index too large
      --> demo.masm:1:11
       |
     1 | begin dup.16 end
       |           ^^ at most 15
    """

    __slots__ = ("detail", "end", "hint", "kind", "label", "message", "notes", "related", "severity", "source", "start")

    def __init__(
        self,
        kind: str,
        severity: str,
        message: str,
        source: SourceFile | None,
        start: int,
        end: int,
        label: str | None = None,
        hint: str | None = None,
        notes: Sequence[str] = (),
        related: Sequence[Related] = (),
        detail: str | None = None,
    ) -> None:
        self.kind = kind
        self.severity = severity
        self.message = message
        self.source = source
        self.start = start
        self.end = end
        self.label = label
        self.hint = hint
        self.notes = tuple(notes)
        self.related = tuple(related)
        self.detail = detail

    @property
    def code(self) -> str:
        """Error code that `miden explain` knows, or the kind itself if it has none."""
        from miden.assembly.explain import code_of

        return code_of(self.kind)

    @property
    def location(self) -> str:
        """``file:line:column``, or an empty text without a source."""
        if self.source is None:
            return ""
        line, column = self.source.location(self.start)
        return f"{self.source.name}:{line}:{column}"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready facts; positions in characters, bytes, and lines and columns from 1."""
        facts: dict[str, Any] = {"kind": self.kind, "code": self.code, "severity": self.severity, "message": self.message}
        if self.detail:
            facts["detail"] = self.detail
        if self.source is not None:
            facts.update(_place(self.source, self.start, self.end))
        if self.label:
            facts["label"] = self.label
        if self.hint:
            facts["hint"] = self.hint
        if self.notes:
            facts["notes"] = list(self.notes)
        if self.related:
            facts["related"] = [{"label": other.label, **_place(other.source, other.start, other.end)} for other in self.related]
        return facts

    def __str__(self) -> str:
        return render_plain(self)

    def __repr__(self) -> str:
        return f"<{self.severity} {self.kind} {self.location or '(no source)'}: {self.message}>"


def _place(source: SourceFile, start: int, end: int) -> dict[str, Any]:
    def position(offset: int) -> dict[str, int]:
        offset = min(max(offset, 0), len(source.text))
        line, column = source.location(offset)
        return {"offset": offset, "byte": source.byte_offset(offset), "line": line, "column": column}

    return {"file": source.name, "start": position(start), "end": position(end)}


def rows(diagnostic: Diagnostic, width: int = DEFAULT_WIDTH) -> list[Row]:
    """Lay a diagnostic out as rows of (style, text); all text is already harmless."""
    severity = diagnostic.severity
    layout: list[Row] = [[(severity, f"{severity}[{visible(diagnostic.code)}]"), ("message", f": {visible(diagnostic.message)}")]]
    places = [] if diagnostic.source is None else [Related(diagnostic.source, diagnostic.start, diagnostic.end, diagnostic.label or "")]
    places += diagnostic.related
    gutter = max((len(str(place.source.location(place.end)[0])) for place in places), default=0) + 2
    style = severity
    for place in places:
        line, column = place.source.location(place.start)
        arrow = "-->" if style == severity else ":::"
        layout.append([("gutter", " " * (gutter - 1) + arrow), ("path", f" {visible(place.source.name)}:{line}:{column}")])
        layout += excerpt(place.source, place.start, place.end, place.label, style, gutter, width)
        style = "related"
    footers = [("help", diagnostic.hint)] if diagnostic.hint else []
    footers += [("note", note) for note in diagnostic.notes]
    if footers and places:
        layout.append([("gutter", " " * gutter + "|")])
    for name, text in footers:
        first, *rest = text.split("\n")
        layout.append([("gutter", " " * gutter + "= "), (name, f"{name}:"), ("text", f" {visible(first)}")])
        layout += [[("text", " " * (gutter + 4 + len(name)) + visible(line))] for line in rest]
    return layout


def render_plain(diagnostic: Diagnostic, *, width: int = DEFAULT_WIDTH) -> str:
    """Return the layout as plain text, without a final line break."""
    return "\n".join("".join(text for _, text in row).rstrip() for row in rows(diagnostic, width))


_ANSI = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "related": "\x1b[1;36m",
    "message": "\x1b[1m",
    "gutter": "\x1b[34m",
    "path": "",
    "source": "",
    "help": "\x1b[1;32m",
    "note": "\x1b[1;36m",
    "text": "",
}


def render_ansi(diagnostic: Diagnostic, *, width: int = DEFAULT_WIDTH) -> str:
    """Return the layout for a terminal, with SGR colours; the only escape sequences are our own."""
    lines = []
    for row in rows(diagnostic, width):
        lines.append("".join(f"{_ANSI[style]}{text}\x1b[0m" if _ANSI[style] and text.strip() else text for style, text in row).rstrip())
    return "\n".join(lines)


def render_html(diagnostic: Diagnostic, *, width: int = DEFAULT_WIDTH) -> str:
    """Return a ``<pre class="miden-diagnostic">`` with one ``<span class="miden-STYLE">`` a piece; all text is escaped."""
    lines = []
    for row in rows(diagnostic, width):
        lines.append("".join(f'<span class="miden-{style}">{_escape(text)}</span>' for style, text in row if text))
    return '<pre class="miden-diagnostic">' + "\n".join(lines) + "</pre>"


def render_all(diagnostics: Iterable[Diagnostic], *, width: int = DEFAULT_WIDTH) -> str:
    """Return several diagnostics as plain text, an empty line between them."""
    return "\n\n".join(render_plain(diagnostic, width=width) for diagnostic in diagnostics)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;").replace("'", "&#39;")
