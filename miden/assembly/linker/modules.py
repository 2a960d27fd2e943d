"""Modules as the linker sees them: a list of symbols, from source or from an assembled library.

They are immutable and shared between assemblies; what linking finds out is in `miden.assembly.linker.graph.Linker`.
An item is known by a pair of module index and item index.
"""

from __future__ import annotations

from miden.assembly.sema.items import ALIAS, CONSTANT, LIBRARY_KIND, PROCEDURE, TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from miden.assembly.sema.items import AnalyzedModule, Item
    from miden.assembly.source import SourceFile
    from miden.mast.exports import Export
    from miden.mast.library import Library

    Gid: TypeAlias = tuple[int, int]
    """Module index and item index."""

__all__ = ["ALIAS", "CONSTANT", "PROCEDURE", "TYPE", "LinkModule", "Symbol", "library_modules", "source_module"]


class Symbol:
    """A named item: `item` if it comes from source, `export` and for procedures `digest` if it was assembled before."""

    __slots__ = ("digest", "export", "item", "kind", "name", "public")

    def __init__(
        self, name: str, kind: str, public: bool, item: Item | None = None, export: Export | None = None, digest: bytes = b""
    ) -> None:
        self.name = name
        self.kind = kind
        self.public = public
        self.item = item
        self.export = export
        self.digest = digest

    def __repr__(self) -> str:
        return f"<{'source' if self.item else 'compiled'} {self.kind} {self.name}>"


class LinkModule:
    """A module to link, or to link against.

    `first` and `last` map a name to the index of the first and the last symbol of that name: in the rare case that
    they differ, imports are expanded by the first and names resolve to the last. `first_items` maps to the item.
    """

    __slots__ = ("analyzed", "first", "first_items", "kind", "last", "path", "symbols")

    def __init__(self, path: str, kind: str, symbols: list[Symbol], analyzed: AnalyzedModule | None = None) -> None:
        self.path = path
        self.kind = kind
        self.symbols = symbols
        self.analyzed = analyzed
        self.last = {symbol.name: index for index, symbol in enumerate(symbols)}
        self.first = {symbols[index].name: index for index in range(len(symbols) - 1, -1, -1)}
        self.first_items = {name: symbols[index].item for name, index in self.first.items()}

    @property
    def source(self) -> SourceFile | None:
        """The text, for a module from source."""
        return self.analyzed.source if self.analyzed else None

    def __repr__(self) -> str:
        return f"<LinkModule {self.path} {len(self.symbols)} symbols>"


def source_module(analyzed: AnalyzedModule) -> LinkModule:
    """Return the module of an analysed source; all its items are visible, private ones too."""
    symbols = [Symbol(item.name, item.kind, item.public, item) for item in analyzed.items]
    return LinkModule(analyzed.path, analyzed.kind, symbols, analyzed)


def library_modules(library: Library) -> list[LinkModule]:
    """Return the modules of an assembled library: its exports, grouped, in the order of their paths."""
    from miden.mast.exports import ConstantExport, ProcedureExport
    from miden.mast.paths import to_absolute

    modules: list[LinkModule] = []
    for path, exports in library.modules.items():
        symbols: list[Symbol] = []
        for export in exports:
            name = export.path[len(path) + 2 :]
            if isinstance(export, ProcedureExport):
                symbols.append(Symbol(name, PROCEDURE, True, export=export, digest=library.forest.digest_bytes(export.node)))
            else:
                kind = CONSTANT if isinstance(export, ConstantExport) else TYPE
                symbols.append(Symbol(name, kind, True, export=export))
        modules.append(LinkModule(to_absolute(path), LIBRARY_KIND, symbols))
    return modules
