"""Error codes: a stable number, a meaning, an explanation and an example for every kind of problem.

`code_of` gives the code that diagnostics show, `explain` what ``miden explain CODE`` prints. The rows are in
`explanations`; codes never change their meaning and are never used again.
"""

from __future__ import annotations

from miden.assembly.explanations import ROWS
from miden.errors import NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Explanation:
    """One error code.

    `code` is a letter and four digits, `kind` the machine-readable name, `meaning` one line, `text` one or more
    paragraphs, `example` MASM that shows the problem, or an empty text.
    """

    __slots__ = ("code", "example", "kind", "meaning", "text")

    def __init__(self, code: str, kind: str, meaning: str, text: str, example: str) -> None:
        self.code = code
        self.kind = kind
        self.meaning = meaning
        self.text = text
        self.example = example

    def to_dict(self) -> dict[str, str]:
        """Return the facts, JSON-ready."""
        return {"code": self.code, "kind": self.kind, "meaning": self.meaning, "text": self.text, "example": self.example}

    def __str__(self) -> str:
        parts = [f"{self.code} {self.kind}: {self.meaning}"]
        if self.text:
            parts.append(self.text)
        if self.example:
            parts.append("\n".join(f"    {line}" for line in self.example.split("\n")))
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return f"<Explanation {self.code} {self.kind}>"


EXPLANATIONS: Mapping[str, Explanation] = {row[0]: Explanation(*row) for row in ROWS}
"""Explanations by code."""

_BY_KIND: Mapping[str, Explanation] = {row.kind: row for row in EXPLANATIONS.values()}


def code_of(kind: str) -> str:
    """Return the error code of a kind, or the kind itself if it has none.

    >>> code_of("UnrecognizedToken")
    'E0104'
    """
    row = _BY_KIND.get(kind)
    return kind if row is None else row.code


HINT = "codes are like E0117, kinds like FailedAssertion; errors of other kinds say in their message all that there is to say"


def explain(name: str) -> Explanation:
    """Return the explanation of a code or kind, in any case; `NotFoundError` if there is none.

    >>> explain("e0104").kind
    'UnrecognizedToken'
    """
    wanted = name.strip().lower()
    for row in EXPLANATIONS.values():
        if wanted in (row.code.lower(), row.kind.lower()):
            return row
    from difflib import get_close_matches

    names = [known for row in EXPLANATIONS.values() for known in (row.code, row.kind)]
    matches = get_close_matches(name.strip()[:64], names, 1)
    raise NotFoundError(f"no error code or kind is named {name[:64]!r}", hint=f"did you mean {matches[0]}?" if matches else HINT)
