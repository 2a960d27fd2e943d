"""TOML from outside: size and nesting are bounded, and the places of fields can be told.

The standard library's parser keeps no positions, so `TomlFile.place` finds a field again by walking over the lines;
it is only asked when something is wrong.
"""

from __future__ import annotations

import re

from miden.errors import ProjectError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

MAX_BYTES = 2**20
"""Largest file that is read."""

_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_TABLE = re.compile(r"""\s*\[(\[?)((?:[A-Za-z0-9_. \t-]|"[^"]*"|'[^']*')+)\]""")
_KEY = re.compile(r"""\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*\s*=""")
_PLACE = re.compile(r"at line (\d+), column (\d+)")


class TomlFile:
    """A parsed file of at most `limit` bytes: `data` is what it says, `path` its name in errors.

    Raises `ProjectError` of kind ``InvalidToml``.
    """

    __slots__ = ("_text", "data", "path")

    def __init__(self, content: bytes, path: str, *, limit: int = MAX_BYTES) -> None:
        import tomllib

        self.path = path
        self._text = ""
        if len(content) > limit:
            self.fail(f"the file may have at most {limit} bytes", kind="InvalidToml")
        try:
            self._text = content.decode()
            self.data: dict[str, Any] = tomllib.loads(self._text)
        except UnicodeDecodeError as error:
            self.fail(f"the file is not UTF-8: {error.reason} at byte {error.start}", kind="InvalidToml")
        except RecursionError:
            self.fail("values nest too deeply", kind="InvalidToml")
        except ValueError as error:
            found = _PLACE.search(str(error))
            line = int(found[1]) if found else None
            self._raise(f"not TOML: {error}", line, None, kind="InvalidToml", hint=None)

    def fail(self, message: str, field: str | None = None, *, kind: str = "InvalidProject", hint: str | None = None) -> NoReturn:
        """Raise `ProjectError` at a field such as ``lib.path`` or ``bin.0.path``."""
        self._raise(message, None if field is None else self.place(field), field, kind=kind, hint=hint)

    def _raise(self, message: str, line: int | None, field: str | None, *, kind: str, hint: str | None) -> NoReturn:
        diagnostic = None
        if line is not None:
            from miden.assembly.diagnostics import Diagnostic
            from miden.assembly.source import SourceFile

            lines = self._text.split("\n")
            before = sum(len(text) + 1 for text in lines[: line - 1])
            shown = lines[line - 1] if line <= len(lines) else ""
            start = before + len(shown) - len(shown.lstrip())
            end = max(before + len(shown.rstrip()), start)
            diagnostic = Diagnostic(kind, "error", message, SourceFile(self._text, self.path), start, end, hint=hint)
        raise ProjectError(message, path=self.path, line=line, field=field, kind=kind, hint=hint, diagnostic=diagnostic)

    def place(self, field: str) -> int | None:
        """Return the line, from 1, of a field, or of the innermost table around it that can be found.

        >>> TomlFile(b'[package]\\nname = "a"\\n[[bin]]\\n[[bin]]\\npath = "b"', "p.toml").place("bin.1.path")
        5
        """
        best: tuple[int, int] | None = None
        table: list[str] = []
        arrays: dict[tuple[str, ...], int] = {}
        for number, line in enumerate(self._text.split("\n"), 1):
            header = _TABLE.match(line)
            if header:
                table = _split(header[2])
                if header[1]:
                    index = arrays[tuple(table)] = arrays.get(tuple(table), -1) + 1
                    table.append(str(index))
                found = table
            else:
                key = _KEY.match(line)
                if not key:
                    continue
                found = table + _split(key[0].rpartition("=")[0])
            path = ".".join(found)
            if f"{field}.".startswith(f"{path}.") or path.startswith(f"{field}."):
                depth = min(len(path), len(field))
                if best is None or depth > best[0]:
                    best = depth, number
        return None if best is None else best[1]


def _split(path: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(path)]
