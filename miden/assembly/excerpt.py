"""Lines of source text with a marker under a span: the part of the layout that has to know about characters.

Tabs become spaces, control and formatting characters become visible, wide characters count two columns and
combining ones none, long lines are clipped around the span and long spans show their first and last line.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.source import SourceFile

TAB = 4
_ELLIPSIS = "…"


def visible(text: str) -> str:
    """Return `text` with every character that a terminal would act on replaced by a visible name.

    >>> visible("a\\x1b[31m\\u202eb")
    'a␛[31m<U+202E>b'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_show(char)[0] for char in text)


def _show(char: str) -> tuple[str, int]:
    """Return what stands for a character, and its width in columns."""
    code = ord(char)
    if 32 <= code < 127:
        return char, 1
    if code < 32:
        return chr(0x2400 + code), 1
    if code == 127:
        return "\u2421", 1
    from unicodedata import category, east_asian_width

    kind = category(char)
    if kind in ("Mn", "Me"):
        return char, 0
    # controls, formatting (bidirectional overrides, zero-width characters), surrogates, private use, unassigned, separators
    if kind[0] == "C" or kind in ("Zl", "Zp"):
        name = f"<U+{code:04X}>"
        return name, len(name)
    return char, 2 if east_asian_width(char) in "WF" else 1


def _cells(text: str) -> tuple[str, list[int]]:
    """Return the text to show, and the column at which each character starts, one more for the end."""
    shown = []
    columns = [0]
    column = 0
    for char in text:
        if char == "\t":
            width = TAB - column % TAB
            shown.append(" " * width)
        else:
            piece, width = _show(char)
            shown.append(piece)
        column += width
        columns.append(column)
    return "".join(shown), columns


def _clip(line_start: int, line_end: int, start: int, end: int, width: int) -> tuple[int, int]:
    """Choose which characters of a line to show: all if they fit, else a window that holds the start of the span."""
    if line_end - line_start <= width:
        return line_start, line_end
    wanted = min(end - start, width // 2)
    first = max(line_start, start - (width - wanted) // 2)
    last = min(line_end, first + width)
    return max(line_start, last - width), last


def _line(
    source: SourceFile, line: int, start: int, end: int, label: str, style: str, gutter: int, width: int
) -> list[list[tuple[str, str]]]:
    """Return a numbered line and its marker row; the marker is at least one column wide."""
    line_start, line_end = source.line_span(line)
    start = min(max(start, line_start), line_end)
    end = min(max(end, start), line_end)
    first, last = _clip(line_start, line_end, start, end, width)
    shown, columns = _cells(source.text[first:last])
    left = _ELLIPSIS if first > line_start else ""
    right = _ELLIPSIS if last < line_end else ""
    offset = columns[start - first] + len(left)
    length = max(columns[min(end, last) - first] + len(left) - offset, 1)
    number = f"{line:>{gutter - 1}} | "
    marker = ("-" if style == "related" else "^") * length
    return [
        [("gutter", number), ("source", left + shown + right)],
        [("gutter", " " * gutter + "| "), ("source", " " * offset), (style, marker + (f" {visible(label)}" if label else ""))],
    ]


def excerpt(source: SourceFile, start: int, end: int, label: str, style: str, gutter: int, width: int) -> list[list[tuple[str, str]]]:
    """Return the rows for characters start..end of `source`: a blank gutter row, lines and markers."""
    start = min(max(start, 0), len(source.text))
    end = min(max(end, start), len(source.text))
    first = source.location(start)[0]
    last = source.location(max(end - 1, start))[0]
    rows: list[list[tuple[str, str]]] = [[("gutter", " " * gutter + "|")]]
    if first == last:
        return rows + _line(source, first, start, end, label, style, gutter, width)
    rows += _line(source, first, start, end, "", style, gutter, width)
    if last > first + 1:
        rows.append([("gutter", " " * (gutter - 2) + "...")])
    line_start, line_end = source.line_span(last)
    indent = line_end - line_start - len(source.text[line_start:line_end].lstrip(" \t"))
    return rows + _line(source, last, line_start + indent, end, label, style, gutter, width)
