"""The calls of one procedure as the reference orders them, which decides the order of compilation.

By kind: exec and procref, then call, then syscall. Within a kind: digests by their value as the field stores it,
then single names, then paths, both by their bytes. A call counts under the spelling of the source and under the
absolute path it leads to; spellings that are equal count once. (assembly.md section 7.4.)
"""

from __future__ import annotations

from miden.assembly.linker.paths import is_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from miden.assembly.linker.modules import Gid
    from miden.field import Word

_RANKS = {"exec": 0, "procref": 0, "call": 1, "syscall": 2}
_DIGEST, _NAME, _PATH = range(3)


class InvocationSet:
    """Calls, each once."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: dict[tuple[int, int, Any], tuple[Gid, str]] = {}

    def add_digest(self, kind: str, digest: Word, callee: Gid) -> None:
        """Add a call by digest."""
        from miden.mast.advice_map import montgomery_key

        self._calls.setdefault((_RANKS[kind], _DIGEST, montgomery_key(digest)), (callee, digest.to_hex()))

    def add_path(self, kind: str, path: str, callee: Gid) -> None:
        """Add a call by name or path."""
        self._calls.setdefault((_RANKS[kind], _NAME if is_name(path) else _PATH, path.encode()), (callee, path))

    def in_order(self) -> Iterator[tuple[Gid, str]]:
        """Return callees and the spelling they were called by."""
        return (self._calls[key] for key in sorted(self._calls))
