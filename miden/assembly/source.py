"""Source text with a name: where positions become lines, columns and bytes.

Everything in the assembler counts characters of the text; the reference and the file formats count UTF-8 bytes.
The two meet here and nowhere else. (assembly.md section 1.1.)
"""

from __future__ import annotations

from miden.errors import InputError, ParseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import TypeAlias

    Source: TypeAlias = "str | bytes | SourceFile | os.PathLike[str]"
    """Source text, its UTF-8 bytes, a `SourceFile`, or the path of a file."""

MAX_SOURCE_BYTES = 64 * 2**20
"""Largest source text that is accepted unless the caller says otherwise."""

_STEP = 1024
"""Characters between two entries of the byte index of a text that is not ASCII."""


class SourceFile:
    """Text of one module, with the name that errors and debug information show.

    `text` is the whole text, `end` where the language sees it end: at the first NUL, else at its length. Offsets are
    characters, from 0; lines and columns count from 1, columns in characters.

    Raises
    ------
    ParseError
        `SourceTooLarge` if the text has more than `max_bytes` bytes; `InvalidUtf8` if it has a lone surrogate, which no
        file can hold.

    >>> source = SourceFile("begin\\n  add\\nend", "demo.masm")
    >>> source.location(8)
    (2, 3)
    >>> source.line(2)
    '  add'
    >>> SourceFile("ä add").byte_offset(2)
    3
    """

    __slots__ = ("_bytes", "_lines", "end", "name", "text")

    def __init__(self, text: str, name: str = "<source>", *, max_bytes: int = MAX_SOURCE_BYTES) -> None:
        self.text = text
        self.name = name if name.isascii() else _without_surrogates(name)
        self._lines: list[int] | None = None
        self._bytes: list[int] | None = None
        if len(text) > max_bytes:
            raise _too_large(name, max_bytes)
        if not text.isascii():
            self._index_bytes(max_bytes)
        nul = text.find("\0")
        self.end = len(text) if nul < 0 else nul

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "<source>", *, max_bytes: int = MAX_SOURCE_BYTES) -> SourceFile:
        """Decode UTF-8; `ParseError` of kind `InvalidUtf8`, or `IncompleteUtf8` if the text ends inside a character."""
        if len(data) > max_bytes:
            raise _too_large(name, max_bytes)
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError as error:
            raise _not_utf8(data, name, error) from None
        return cls(text, name, max_bytes=max_bytes)

    @classmethod
    def from_path(cls, path: str | os.PathLike[str], name: str | None = None, *, max_bytes: int = MAX_SOURCE_BYTES) -> SourceFile:
        """Read a file, named by its path unless `name` is given; what the system refuses is `OSError`."""
        with open(path, "rb") as file:  # noqa: PTH123 -- pathlib costs start-up time
            data = file.read(max_bytes + 1)
        return cls.from_bytes(data, str(path) if name is None else name, max_bytes=max_bytes)

    def location(self, offset: int) -> tuple[int, int]:
        """Return (line, column), both from 1, of a character; an offset outside of the text is moved into it."""
        offset = min(max(offset, 0), len(self.text))
        starts = self._line_starts()
        from bisect import bisect_right

        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line_span(self, line: int) -> tuple[int, int]:
        """Return start and end of a line, its line break not included."""
        starts = self._line_starts()
        start = starts[line - 1]
        end = starts[line] - 1 if line < len(starts) else len(self.text)
        return start, end - 1 if end > start and self.text[end - 1] == "\r" else end

    def line(self, line: int) -> str:
        """Return the text of a line, counted from 1, without its line break."""
        start, end = self.line_span(line)
        return self.text[start:end]

    def byte_offset(self, offset: int) -> int:
        """Return how many UTF-8 bytes come before character `offset`."""
        index = self._bytes
        if index is None:
            return offset
        entry = min(offset, len(self.text)) // _STEP
        return index[entry] + len(self.text[entry * _STEP : offset].encode())

    def char_offset(self, byte: int) -> int:
        """Return the character that holds byte `byte`: the inverse of `byte_offset`."""
        index = self._bytes
        if index is None:
            return min(byte, len(self.text))
        from bisect import bisect_right

        entry = bisect_right(index, byte) - 1
        if entry == len(index) - 1:
            return len(self.text)
        offset = entry * _STEP
        position = index[entry]
        for char in self.text[offset : offset + _STEP]:
            position += len(char.encode())
            if position > byte:
                break
            offset += 1
        return offset

    def _line_starts(self) -> list[int]:
        starts = self._lines
        if starts is None:
            from itertools import accumulate

            starts = self._lines = list(accumulate((len(line) + 1 for line in self.text.split("\n")), initial=0))
            starts.pop()
        return starts

    def _index_bytes(self, max_bytes: int) -> None:
        text = self.text
        try:
            sizes = [len(text[start : start + _STEP].encode()) for start in range(0, len(text), _STEP)]
        except UnicodeEncodeError:
            raise _surrogate(text, self.name) from None
        from itertools import accumulate

        self._bytes = list(accumulate(sizes, initial=0))
        if self._bytes[-1] > max_bytes:
            raise _too_large(self.name, max_bytes)

    def __len__(self) -> int:
        return len(self.text)

    def __repr__(self) -> str:
        return f"SourceFile({self.name!r}, {len(self.text)} characters)"


def _error(kind: str, message: str, source: SourceFile | None, start: int, end: int, label: str, hint: str) -> ParseError:
    from miden.assembly.diagnostics import Diagnostic

    diagnostic = Diagnostic(kind, "error", message, source, start, end, label=label, hint=hint)
    return ParseError(message, kind=kind, hint=hint, diagnostics=(diagnostic,))


def _too_large(name: str, max_bytes: int) -> ParseError:
    message = f"source {name} is larger than {max_bytes} bytes"
    return _error("SourceTooLarge", message, None, 0, 0, "", "split the module, or raise the limit")


def _surrogate(text: str, name: str) -> ParseError:
    at = next(index for index, char in enumerate(text) if "\ud800" <= char <= "\udfff")
    source = SourceFile("".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text), name)
    return _error("InvalidUtf8", "source text holds a lone surrogate", source, at, at + 1, "cannot be encoded as UTF-8", "")


def _not_utf8(data: bytes, name: str, error: UnicodeDecodeError) -> ParseError:
    source = SourceFile(str(data, "utf-8", "replace"), name, max_bytes=3 * len(data) + 3)
    start = len(str(data[: error.start], "utf-8"))
    hint = "save the file as UTF-8"
    if error.reason == "unexpected end of data":
        message = f"source is not UTF-8: it ends inside a character that starts at byte {error.start}"
        return _error("IncompleteUtf8", message, source, start, start + 1, "incomplete character", hint)
    message = f"source is not UTF-8: byte {error.start} is {data[error.start]:#04x}"
    return _error("InvalidUtf8", message, source, start, start + 1, "invalid bytes start here", hint)


def source_file(source: Source, name: str) -> SourceFile:
    """Return a source as `SourceFile`; text and bytes get `name`, a file is named by its path.

    Raises `ParseError` for bytes that are not UTF-8, `InputError` for anything that is no source.
    """
    if isinstance(source, SourceFile):
        return source
    if isinstance(source, str):
        return SourceFile(source, name)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return SourceFile.from_bytes(bytes(source), name)
    if hasattr(source, "__fspath__"):
        return SourceFile.from_path(source)
    raise InputError(f"a source is text, bytes or the path of a file, found {type(source).__name__}", kind="InvalidSource")


def _without_surrogates(name: str) -> str:
    """Return a name as it can be written: one that is no text to the file system has surrogates for its bytes."""
    try:
        return name.encode(errors="surrogateescape").decode(errors="replace")
    except UnicodeEncodeError:  # others than that
        return name.encode(errors="replace").decode()
