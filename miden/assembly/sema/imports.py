"""Expansion of imports inside one module, as the reference does it before anything is linked.

`use lib::a` and `use a::f`: the target of the second starts with the first, so `f` stands for ``::lib::a::f``.
"""

from __future__ import annotations

from miden.assembly.linker.paths import absolute, join, split_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from miden.assembly.ast import Alias
    from miden.field import Word


class ExpansionError(Exception):
    """An import that cannot be expanded: `kind`, and the import that is at fault."""

    def __init__(self, kind: str, alias: Alias) -> None:
        super().__init__(kind)
        self.kind = kind
        self.alias = alias


def expand_target(path: str, aliases: Mapping[str, object]) -> str | Word:
    """Replace leading imports of a path by their targets, again and again; an absolute path, or a digest.

    `aliases` maps a name to the first item of that name. A target that is the path itself, as in ``use lib::lib``,
    ends the expansion and is returned as it is. Raises `ExpansionError` if a path leads through a digest, or in a
    circle.
    """
    from miden.assembly.sema.items import AliasItem

    rests: list[str] = []
    seen: set[str] = set()
    while True:
        first, rest = split_first(path)
        item = aliases.get(first)
        if not isinstance(item, AliasItem):
            result = absolute(path)
            break
        target = item.form.target
        if target.digest is not None:
            if rest or any(rests):
                raise ExpansionError("InvalidAliasTarget", item.form)
            return target.digest
        if target.path == path:
            result = path
            break
        if path in seen:
            raise ExpansionError("CircularImport", item.form)
        seen.add(path)
        rests.append(rest)
        path = target.path
    for rest in reversed(rests):
        result = join(absolute(result), rest)
    return result


def expands(alias: Alias, aliases: Mapping[str, object]) -> bool:
    """Whether the target of an import can be expanded."""
    if alias.target.digest is None:
        try:
            expand_target(alias.target.path, aliases)
        except ExpansionError:
            return False
    return True
