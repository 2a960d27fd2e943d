"""What procedures of an artifact are called, and which one a person means."""

from __future__ import annotations

from miden.errors import InputError, NotFoundError
from miden.mast.decorators import AsmOp
from miden.mast.exports import ProcedureExport
from miden.mast.paths import to_absolute
from miden.package.package import ManifestProcedure, Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.package.artifacts import Loaded

ENTRYPOINT = "$main"
_LOOKED_AT = 4
"""Decorators of a block that are looked at for the name of its procedure."""

MIN_PREFIX = 6
"""Hex digits of a digest that are enough to ask for it."""


def procedure_names(loaded: Loaded) -> dict[int, list[str]]:
    """Return the names of all procedure roots, by node id in the order of the roots; one without a name has an empty list.

    Names are the paths of exports, ``$main`` for an entrypoint and, where there is debug information, the procedure that
    the first instruction of an unnamed root comes from, in parentheses.
    """
    forest = loaded.forest
    names: dict[int, list[str]] = {root: [] for root in forest.roots}
    library, program = loaded.library, loaded.program
    if program is not None:
        names[program.entrypoint].append(ENTRYPOINT)
    if library is not None:
        for path, item in library.items.items():
            if isinstance(item, ProcedureExport):
                names.setdefault(item.node, []).append(path)
    elif isinstance(loaded.content, Package):
        for path, exported in loaded.content.exports.items():
            if isinstance(exported, ManifestProcedure):
                root = forest.find_procedure_root(exported.digest)
                if root is not None:
                    names[root].append(path)
    for root, found in names.items():
        if not found:
            context = _context(loaded, root)
            if context:
                found.append(f"({context})")
    return names


def _context(loaded: Loaded, root: int) -> str | None:
    """Return the procedure that the first instruction below a root comes from."""
    forest = loaded.forest
    info = forest.debug_info
    if info.is_empty:
        return None
    node_id: int = root
    for _ in range(len(forest)):
        links = (*info.before_enter.get(node_id, ()), *(link[1] for link in info.op_decorators.get(node_id, ())[:_LOOKED_AT]))
        for decorator_id in links:
            decorator = info.decorators[decorator_id]
            if isinstance(decorator, AsmOp):
                return decorator.context
        children = forest.children(node_id)
        if not children:
            return None
        node_id = children[0]
    return None


def find_procedure(loaded: Loaded, wanted: str) -> int:
    """Return the node a person means: a path, the last name of one, ``0x`` and a digest or its start, or ``#`` and a node id.

    Raises `NotFoundError` for nothing of that name, `InputError` of kind ``AmbiguousProcedure`` for several.
    """
    forest = loaded.forest
    if wanted.startswith("#"):
        number = wanted[1:]
        if not number.isascii() or not number.isdigit() or len(number) > 10 or int(number) >= len(forest):
            raise NotFoundError(f"there is no node {wanted}, there are {len(forest)}", kind="NodeNotFound")
        return int(number)
    names = procedure_names(loaded)
    if wanted.startswith("0x") and len(wanted) >= 2 + MIN_PREFIX:
        found = [root for root in names if ("0x" + forest.digest_bytes(root).hex()).startswith(wanted.lower())]
        found = found or [node for node in range(len(forest)) if ("0x" + forest.digest_bytes(node).hex()).startswith(wanted.lower())]
    else:
        plain = {root: [name.strip("()") for name in listed] for root, listed in names.items()}
        found = [root for root, listed in plain.items() if wanted in listed or to_absolute(wanted) in listed]
        found = found or [root for root, listed in plain.items() if any(name.endswith(f"::{wanted}") for name in listed)]
    digests = {forest.digest_bytes(node) for node in found}
    if not found:
        raise NotFoundError(f"there is no procedure {wanted}", kind="ProcedureNotFound", hint="miden inspect lists them")
    if len(digests) > 1:
        raise InputError(f"{wanted} could be {len(digests)} procedures", kind="AmbiguousProcedure", hint="write the whole path or digest")
    return found[0]
