"""The first page of help: what there is to say about the command line as a whole.

It is laid out as click lays out the help of verbs, and written without click: importing that takes many times as long as
everything else this page needs.
"""

from __future__ import annotations

import os
import sys

from miden.cli.app import VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

DESCRIPTION = "Assemble, run and inspect programs of the Miden VM."

OPTIONS = {"--version": "Print the version.", "-h, --help": "Show this message and exit."}
"""Option -> short help."""

EPILOG = (
    "Exit codes: 0 ran, 1 the program trapped, 2 usage, 3 invalid input, 4 not found, 5 integrity, 6 limit hit, "
    "7 input or output, 70 an error in miden itself, 130 interrupted."
)

LEAST_WIDTH, GREATEST_WIDTH = 50, 100
"""Columns that help is written in, where the terminal has so many; the last two stay empty."""

_INDENT = 2


def overview(program: str, width: int) -> str:
    """Return the page, in lines of at most `width` characters.

    >>> print(overview("miden", 60).partition("Commands")[0])
    Usage: miden [OPTIONS] COMMAND [ARGS]...
    <BLANKLINE>
      Assemble, run and inspect programs of the Miden VM.
    <BLANKLINE>
    Options:
      --version   Print the version.
      -h, --help  Show this message and exit.
    <BLANKLINE>
    <BLANKLINE>
    """
    parts = (
        [f"Usage: {program} [OPTIONS] COMMAND [ARGS]..."],
        _wrapped(DESCRIPTION, _INDENT, width),
        ["Options:", *_columns(OPTIONS.items(), width)],
        ["Commands:", *_columns(VERBS.items(), width)],
        _wrapped(EPILOG, _INDENT, width),
    )
    return "\n\n".join("\n".join(lines) for lines in parts)


def version_line() -> str:
    """Return what ``miden --version`` prints."""
    from miden._version import __version__

    return f"miden {__version__}"


def help_width() -> int:
    """Return how many columns help may take on this terminal."""
    try:
        columns = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        columns = 0
    if columns <= 0:
        try:
            columns = os.get_terminal_size(sys.__stdout__.fileno()).columns  # type: ignore[union-attr]  # it may be None
        except (AttributeError, ValueError, OSError):
            columns = 80
    return max(min(columns, GREATEST_WIDTH) - 2, LEAST_WIDTH)


def _columns(rows: Iterable[tuple[str, str]], width: int) -> Iterable[str]:
    """Lay out names and what they mean, the second column wrapped."""
    rows = list(rows)
    indent = _INDENT + max(len(name) for name, _ in rows) + 2
    for name, meaning in rows:
        first, *rest = _wrapped(meaning, indent, width)
        yield " " * _INDENT + name.ljust(indent - _INDENT) + first.lstrip()
        yield from rest


def _wrapped(text: str, indent: int, width: int) -> list[str]:
    """Break a text at its spaces."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and indent + len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [" " * indent + line for line in (*lines, line)]
