"""Error codes: stub of the table, filled in below the parser."""

from __future__ import annotations


def code_of(kind: str) -> str:
    """Return the error code of a kind, or the kind itself if it has none."""
    return kind
