"""Types and signatures: resolved when linking, because they may be imported; they end up in libraries only.

What the reference drops is dropped: layout of structs and address space of pointers. (assembly.md section 2.5.)
"""

from __future__ import annotations

from miden.assembly.linker.errors import link_error
from miden.assembly.linker.modules import TYPE
from miden.assembly.linker.resolver import ItemFound, resolve_path
from miden.assembly.sema.items import TypeItem
from miden.errors import InputError
from miden.mast.exports import TypeExport
from miden.mast.types import SCALARS, CallConvention, TypeKind, array_type, function_type, pointer_type, struct_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from miden.assembly.ast import Signature, TypeExpr
    from miden.assembly.linker.graph import Linker
    from miden.assembly.linker.modules import Gid
    from miden.mast.types import Type

    SizedType: TypeAlias = tuple[Type, int]
    """A type and how many types it consists of."""

PRIMITIVES: dict[str, Type] = {
    name: SCALARS[TypeKind[name.upper()]] for name in ("i1", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "i128", "u128", "felt")
}

CONVENTIONS = {
    "fast": CallConvention.FAST,
    "C": CallConvention.SYSTEM_V,
    "wasm": CallConvention.WASM,
    "canon-lift": CallConvention.CANON_LIFT,
    "canon-lower": CallConvention.CANON_LOWER,
}

MAX_TYPE_SIZE = 1 << 16
"""Types inside a type, all levels counted: named types can double with every name."""


def resolve_declared(linker: Linker, gid: Gid) -> Type:
    """Return the type that an item declares."""
    known = _known(linker, gid)
    if known is not None:
        return known[0]
    item = linker.symbol(gid).item
    assert isinstance(item, TypeItem)
    return _resolve(linker, item.form.ty, gid[0], gid)


def resolve_signature(linker: Linker, module: int, signature: Signature) -> Type:
    """Return the type of a procedure with this signature."""
    params = [_resolve(linker, ty, module) for _, ty in signature.params]
    results = [_resolve(linker, ty, module) for _, ty in signature.results]
    return function_type(params, results, CONVENTIONS[signature.callconv])


def _known(linker: Linker, gid: Gid) -> SizedType | None:
    known = linker.types.get(gid)
    export = linker.symbol(gid).export
    if known is None and isinstance(export, TypeExport):
        known = linker.types[gid] = (export.type, _size(export.type))
    return known


def _size(ty: Type) -> int:
    """Return how many types a type consists of, at most one more than the limit."""
    count, work = 0, [ty]
    while work and count <= MAX_TYPE_SIZE:
        count += 1
        work.extend(work.pop().parts)
    return count


_BUILD = "build"


def _resolve(linker: Linker, expr: TypeExpr, module: int, gid: Gid | None = None) -> Type:
    """Return the type an expression of a module stands for; `gid` is the item it declares, if it is one's.

    Work is a stack of (expression, module, what to do): None to look at it, `_BUILD` to build it of the values of its
    parts, an item to keep the last value under.
    """
    values: list[SizedType] = []
    work: list[tuple[TypeExpr, int, Gid | str | None]] = [(expr, module, None)]
    active: set[Gid] = set()
    if gid is not None:
        active.add(gid)
        work.insert(0, (expr, module, gid))
    while work:
        part, module, task = work.pop()
        if isinstance(task, tuple):
            linker.types[task] = values[-1]
            active.discard(task)
        elif task is not None:
            _build(linker, part, module, values)
        elif part.form in PRIMITIVES:
            values.append((PRIMITIVES[part.form], 1))
        elif part.form == "ref":
            found = _follow(linker, part, module, active)
            known = _known(linker, found)
            if known is not None:
                values.append(known)
                continue
            active.add(found)
            item = linker.symbol(found).item
            assert isinstance(item, TypeItem)
            work += [(part, module, found), (item.form.ty, found[0], None)]
        else:
            work.append((part, module, _BUILD))
            work += [(ty, module, None) for ty in reversed(_parts(part))]
    return values[0][0]


def _parts(expr: TypeExpr) -> list[TypeExpr]:
    if expr.form == "struct":
        return [ty for _, ty in expr.args[1]]  # type: ignore[attr-defined]
    return [expr.args[0]]  # type: ignore[list-item]


def _follow(linker: Linker, part: TypeExpr, module: int, active: set[Gid]) -> Gid:
    path: str = part.args[0]  # type: ignore[assignment]
    place = linker.place(module, part)
    found = resolve_path(linker, module, path, place)
    if not isinstance(found, ItemFound) or linker.symbol(found.gid).kind != TYPE:
        raise link_error("InvalidTypeRef", f"invalid type reference: `{path}` is not a type", place)
    if found.gid in active:
        raise link_error("TypeCycle", f"type `{path}` contains itself", place)
    return found.gid


def _build(linker: Linker, part: TypeExpr, module: int, values: list[SizedType]) -> None:
    start = len(values) - len(_parts(part))
    inner = [ty for ty, _ in values[start:]]
    size = 1 + sum(count for _, count in values[start:])
    del values[start:]
    place = linker.place(module, part)
    if size > MAX_TYPE_SIZE:
        raise link_error("TypeTooLarge", f"a type may consist of at most {MAX_TYPE_SIZE} types", place)
    try:
        if part.form == "struct":
            built = struct_type(inner)
        elif part.form == "ptr":
            built = pointer_type(inner[0])
        else:
            built = array_type(inner[0], part.args[1])  # type: ignore[arg-type]
    except InputError as error:
        raise link_error(error.kind, error.message, place) from None
    values.append((built, size))
