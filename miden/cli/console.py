"""What verbs print with: text for people, one JSON document for programs.

With ``--json`` standard output holds exactly one JSON document: the result, or ``{"error": {...}}`` with the facts of
`MidenError.to_dict`; nothing else is printed there. Warnings are in it under ``warnings``, if there are any. A command
line that cannot be understood is answered with the usage on standard error, as always. Without ``--json`` results go to
standard output and errors to standard error, in colour on a terminal unless ``NO_COLOR`` is set or ``--color`` says
otherwise.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, TextIO

    from miden.assembly.diagnostics import Diagnostic

INTERNAL_ERROR = 70
"""Exit code of an error in this package, beyond those of `miden.errors`."""

STYLES = {"key": "2", "value": "1", "good": "32", "bad": "31", "kind": "36", "digest": "33"}
"""What text means -> its ANSI attribute."""


class Console:
    """Where one command prints, and how.

    Parameters
    ----------
    json
        One JSON document on standard output in place of text.
    color
        "always", "never", or "auto": on a terminal, unless the environment says no.
    traceback
        Show Python's traceback of an error as well.
    """

    def __init__(self, *, json: bool = False, color: str = "auto", traceback: bool = False) -> None:
        self.json = json
        self.traceback = traceback
        self._color = color
        self._warnings: list[dict[str, Any]] = []

    def colored(self, stream: TextIO) -> bool:
        """Tell whether text for `stream` is to carry colour."""
        if self._color != "auto":
            return self._color == "always"
        environment = os.environ
        return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"

    def style(self, text: str, name: str) -> str:
        """Return `text` in the style called `name`, if standard output takes colour."""
        return f"\x1b[{STYLES[name]}m{text}\x1b[0m" if self.colored(sys.stdout) else text

    def print(self, text: str = "") -> None:
        """Print a line of a result for people."""
        print(text)

    def note(self, text: str) -> None:
        """Print a line beside the result: a warning, what was written where."""
        print(text, file=sys.stderr)

    def warn(self, warnings: Iterable[Diagnostic]) -> None:
        """Show warnings: on standard error, or in the JSON document that follows."""
        for warning in warnings:
            if self.json:
                self._warnings.append(warning.to_dict())
                continue
            from miden.assembly.diagnostics import render_ansi, render_plain

            self.note((render_ansi if self.colored(sys.stderr) else render_plain)(warning))

    def document(self, facts: Mapping[str, Any]) -> None:
        """Print the one JSON document."""
        import json

        if self._warnings:
            facts = {**facts, "warnings": self._warnings}
        print(json.dumps(facts, indent=2, ensure_ascii=not _is_utf8(sys.stdout)))

    def facts(self, rows: Iterable[tuple[str, str]]) -> None:
        """Print names and values in two columns."""
        listed = list(rows)
        width = max((len(name) for name, _ in listed), default=0)
        for name, value in listed:
            print(f"{self.style(name.ljust(width), 'key')}  {value}")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table, numbers to the right; with rich where it is installed and colour is wanted."""
        numeric = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(header))]
        if self.colored(sys.stdout) and self._rich_table(header, rows, numeric):
            return
        widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
        for row in [header, *rows]:
            cells = (cell.rjust(w) if right else cell.ljust(w) for cell, w, right in zip(row, widths, numeric, strict=True))
            print("  ".join(cells).rstrip())

    def _rich_table(self, header: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> bool:
        try:
            from rich.console import Console as RichConsole
            from rich.table import Table
        except ImportError:
            return False
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name, right in zip(header, numeric, strict=True):
            table.add_column(name, justify="right" if right else "left", no_wrap=True)
        for row in rows:
            table.add_row(*(cell.replace("[", r"\[") for cell in row))
        terminal = RichConsole(force_terminal=True)
        # a digest that is cut to fit is no use to anybody: a row that is too long goes on in the terminal's next line
        terminal.width = max(terminal.width, sum(max(len(row[i]) for row in [header, *rows]) + 2 for i in range(len(header))))
        terminal.print(table)
        return True


def close_quietly() -> None:
    """Answer a reader that left early, such as `head`: end quietly, and let no late flush complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").replace("-", "").lower() == "utf8"


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").removesuffix("%").strip().isdigit()


def cell(value: object) -> str:
    """Return a value as it stands in a table."""
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else f"{value:,}" if isinstance(value, int) else str(value)
