"""Name resolution across modules: from a path in a module to a module, an item or a digest. (assembly.md section 7.3.)

The rules are the reference's, habits included: which spelling an item is found under is visible in debug information
and in the order of compilation. Aliases that were linked already are shortcuts; the others are expanded.
"""

from __future__ import annotations

from miden.assembly.linker.errors import Place, link_error
from miden.assembly.linker.paths import ROOT, absolute, components, is_absolute, join, split_first
from miden.assembly.sema.imports import ExpansionError, expand_target
from miden.assembly.sema.items import AliasItem
from miden.assembly.sema.report import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from miden.assembly.linker.graph import Linker
    from miden.assembly.linker.modules import Gid
    from miden.errors import LinkError
    from miden.field import Word


class ModuleFound:
    """A path that names a module."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class ItemFound:
    """A path that names an item, and the absolute path it was found under."""

    __slots__ = ("gid", "path")

    def __init__(self, gid: Gid, path: str) -> None:
        self.gid = gid
        self.path = path


class DigestFound:
    """A path that names an import of a digest."""

    __slots__ = ("digest",)

    def __init__(self, digest: Word) -> None:
        self.digest = digest


if TYPE_CHECKING:
    Found: TypeAlias = ModuleFound | ItemFound | DigestFound


def resolve_path(linker: Linker, module: int, path: str, place: Place, ignored: frozenset[str] = frozenset()) -> Found:
    """Resolve a path as written in a module; `LinkError` if it leads nowhere.

    Imports named in `ignored` are not expanded: those that are being expanded already.
    """
    written = path
    visited: set[tuple[int, str, frozenset[str]]] = set()
    while True:
        state = (module, path, ignored)
        if state in visited:
            hint = "an import leads back to itself"
            raise link_error("CircularImport", f"cannot resolve `{written}`: its imports form a circle", place, hint=hint)
        visited.add(state)
        if is_absolute(path):
            linker.demand(path)
            exact = linker.by_path.get(path)
            if exact is not None:
                return ModuleFound(exact)
            module, path = _longest_prefix(linker, path, written, place)
            ignored = frozenset()
            continue
        first, rest = split_first(path)
        if not rest:
            found = _resolve_name(linker, module, first, place, written)
            if not isinstance(found, str):
                return found
            path = found
            continue
        if first in ignored:
            path = absolute(path)
            continue
        if first not in linker.modules[module].last:
            path = absolute(path)  # perhaps a full path that lacks its root
            continue
        found = _resolve_name(linker, module, first, place, written)
        if not isinstance(found, str):
            hint = f"`{first}` is not a module"
            raise link_error("InvalidSubPath", f"invalid symbol path `{written}`: `{first}` has no items", place, hint=hint)
        path = join(found, rest)
        ignored |= {first}


def _longest_prefix(linker: Linker, path: str, written: str, place: Place) -> tuple[int, str]:
    """Return the module with the longest path that is a proper prefix of an absolute path, and the rest."""
    parts = components(path)
    for size in range(len(parts) - 1, 0, -1):
        module = linker.by_path.get(ROOT + ROOT.join(parts[:size]))
        if module is not None:
            return module, ROOT.join(parts[size:])
    raise _undefined(linker, written, path, place)


def _resolve_name(linker: Linker, module_index: int, name: str, place: Place, written: str) -> ItemFound | DigestFound | str:
    """Resolve a single name in a module; a text is a path to go on with."""
    module = linker.modules[module_index]
    index = module.last.get(name)
    if index is None:
        hint = did_you_mean(name, module.last)
        where = "" if written == name else f" in module `{module.path}`"
        message = f"undefined symbol reference `{written}`"
        raise link_error("UndefinedSymbol", message, place, label=f"`{name}` is not defined{where}", hint=hint)
    gid = (module_index, index)
    symbol = module.symbols[index]
    item = symbol.item
    if not isinstance(item, AliasItem):
        return ItemFound(gid, join(module.path, name))
    resolved = linker.resolved.get(gid)
    if resolved is not None:
        return ItemFound(resolved, join(module.path, name))
    target = item.form.target
    if target.digest is not None:
        return DigestFound(target.digest)
    try:
        expanded = expand_target(target.path, module.first_items)
    except ExpansionError as problem:
        source = module.source
        related = Place(source, problem.alias.start, problem.alias.end).related("this import")
        message = f"invalid alias target `{target.path}`"
        if problem.kind == "CircularImport":
            message = f"cannot resolve `{written}`: its imports form a circle"
        raise link_error(problem.kind, message, place, related=related) from None
    return expanded if isinstance(expanded, str) else DigestFound(expanded)


def _undefined(linker: Linker, written: str, path: str, place: Place) -> LinkError:
    hint = did_you_mean(absolute(path), linker.by_path) or "you might be missing an import, or the library has not been linked"
    return link_error("UndefinedSymbol", f"undefined symbol reference `{written}`", place, label="no module has this path", hint=hint)
