"""Constants when everything is known: the second of the two phases of evaluation. (assembly.md section 2.4.)

A constant is evaluated in the module that defines it. The reference evaluates what an imported constant refers to in
the module that imports it, which fails or finds another constant of that name: see ``docs/compatibility.md``.
"""

from __future__ import annotations

from miden.assembly.ast import HashExpr, IntExpr, StringExpr, WordExpr
from miden.assembly.linker.errors import Place, constant_error, link_error
from miden.assembly.linker.modules import CONSTANT
from miden.assembly.linker.resolver import ItemFound, resolve_path
from miden.assembly.sema.constants import VALUES, ConstantError, evaluate, immediate_value
from miden.assembly.sema.items import ConstantItem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.ast import ConstExpr, ConstRef, Instruction
    from miden.assembly.linker.graph import Linker
    from miden.assembly.linker.modules import Gid
    from miden.assembly.source import SourceFile
    from miden.field import Word
    from miden.mast.exports import ConstantValue


class LinkEnvironment:
    """The environment of constants of a linker; a scope is the index of a module."""

    __slots__ = ("_linker", "_values")

    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._values: dict[Gid, ConstExpr] = {}

    def key(self, ref: ConstRef, scope: int) -> Gid:
        """Return the item a reference leads to."""
        found = resolve_path(self._linker, scope, ref.path, self._place(ref, scope))
        if not isinstance(found, ItemFound) or self._linker.symbol(found.gid).kind != CONSTANT:
            raise link_error("InvalidConstantRef", f"invalid constant reference: `{ref.path}` is not a constant", self._place(ref, scope))
        return found.gid

    def lookup(self, ref: ConstRef, key: Gid, scope: int) -> tuple[ConstExpr, int]:
        """Return the expression of a constant, and the module it stands in."""
        return self._expr(key), key[0]

    def _expr(self, gid: Gid) -> ConstExpr:
        known = self._values.get(gid)
        if known is not None:
            return known
        symbol = self._linker.symbol(gid)
        if isinstance(symbol.item, ConstantItem):
            return symbol.item.expr
        from miden.mast.exports import ConstantExport

        assert isinstance(symbol.export, ConstantExport)
        value = self._values[gid] = _from_export(symbol.export.value)
        return value

    def remember(self, key: Gid, value: ConstExpr) -> None:
        """Keep the value of a constant."""
        self._values[key] = value

    def source(self, scope: int) -> SourceFile:
        """Return the text of a module."""
        source = self._linker.modules[scope].source
        assert source is not None
        return source

    def _place(self, ref: ConstRef, scope: int) -> Place:
        return Place(self.source(scope), ref.start, ref.end)

    def value_of(self, gid: Gid) -> ConstExpr:
        """Return the value of a constant."""
        try:
            value = evaluate(self._expr(gid), gid[0], self)
        except ConstantError as issue:
            raise constant_error(issue) from None
        self._values[gid] = value
        return value

    def immediate(self, ref: ConstRef, module: int, instruction: Instruction) -> int | str | Word:
        """Return what a constant stands for as an immediate of an instruction of a module."""
        try:
            value = evaluate(ref, module, self)
            assert isinstance(value, VALUES)
            return immediate_value(instruction.name, ref, value, self.source(module))
        except ConstantError as issue:
            raise constant_error(issue) from None


def _from_export(value: ConstantValue) -> ConstExpr:
    """Return the syntax of a value of an assembled library."""
    from miden.mast.exports import ConstantKind

    content = value.value
    if value.kind == ConstantKind.INTEGER:
        return IntExpr(content, 0, 0)  # type: ignore[arg-type]
    if value.kind == ConstantKind.STRING:
        return StringExpr(content, 0, 0)  # type: ignore[arg-type]
    if value.kind == ConstantKind.WORD:
        return WordExpr(content, 0, 0)  # type: ignore[arg-type]
    return HashExpr("word" if value.kind == ConstantKind.HASH_WORD else "event", content, 0, 0)  # type: ignore[arg-type]


def to_export(value: ConstExpr) -> ConstantValue:
    """Return the value of a constant as a library exports it."""
    from miden.mast.exports import ConstantKind, ConstantValue

    if isinstance(value, IntExpr):
        return ConstantValue(ConstantKind.INTEGER, value.value)
    if isinstance(value, StringExpr):
        return ConstantValue(ConstantKind.STRING, value.value)
    if isinstance(value, WordExpr):
        return ConstantValue(ConstantKind.WORD, value.value)
    assert isinstance(value, HashExpr)
    return ConstantValue(ConstantKind.HASH_WORD if value.hash_kind == "word" else ConstantKind.HASH_EVENT, value.text)
