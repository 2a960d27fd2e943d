"""Types and signatures, with an explicit stack of open types. (assembly.md section 2.5.)"""

from __future__ import annotations

from miden.assembly.ast import Signature, TypeExpr
from miden.assembly.lexer import is_identifier
from miden.assembly.parser.attributes import attribute
from miden.assembly.parser.follow import AFTER_TYPE
from miden.assembly.parser.literals import decimal
from miden.assembly.parser.names import bare_name, path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.parser.attributes import ParsedAttribute
    from miden.assembly.parser.cursor import Cursor

INTEGERS = ("i1", "i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128", "felt")
"""Types an enum may name as its representation; the assembler rejects some of them later."""

_PRIMITIVES = frozenset(INTEGERS)
_TYPE = "a type"


class _Open:
    """A ptr, array or struct whose inner type is being parsed."""

    __slots__ = ("annotation", "fields", "form", "name", "start")

    def __init__(self, form: str, start: int) -> None:
        self.form = form
        self.start = start
        self.annotation: ParsedAttribute | None = None
        self.fields: list[tuple[str, TypeExpr]] = []
        self.name = ""


def type_expression(c: Cursor) -> TypeExpr:
    """Consume a type."""
    texts = c.texts
    stack: list[_Open] = []
    while True:
        i = c.i
        text, start = texts[i], c.starts[i]
        value: TypeExpr | None = None
        if text == "[" or text == "struct" or (text == "ptr" and texts[i + 1] == "<"):
            if len(stack) >= c.max_depth:
                raise _too_deep(c)
            c.i = i + (2 if text == "ptr" else 1)
            block = _Open({"[": "array"}.get(text, text), start)
            if text == "struct":
                value = _open_struct(c, block)
            if value is None:
                stack.append(block)
                continue
        else:
            value = _named(c)
        while value is not None:
            if not stack:
                return value
            closed = _close(c, stack[-1], value)
            if closed is not None:
                stack.pop()
            value = closed


def _named(c: Cursor) -> TypeExpr:
    found = path(c, _TYPE, "name")
    c.settle_before(AFTER_TYPE)
    start, end = found.start, found.end
    if found.single:
        if found.text in _PRIMITIVES:
            return TypeExpr(found.text, (), start, end)
        if found.text == "word":
            return TypeExpr("array", (TypeExpr("felt", (), start, end), 4), start, end)
    return TypeExpr("ref", (found.text,), start, end)


def _open_struct(c: Cursor, block: _Open) -> TypeExpr | None:
    """Consume what comes before the first field's type; return the struct if it has no fields."""
    annotation = attribute(c) if c.texts[c.i] == "@" else None
    c.expect("{")
    if c.texts[c.i] != "}":
        block.annotation = annotation
        _field_name(c, block)
        return None
    c.i += 1
    return TypeExpr("struct", (_representation(c, annotation), ()), block.start, c.end())


def _field_name(c: Cursor, block: _Open) -> None:
    block.name = bare_name(c, "a field name or `}`")
    c.expect(":")


def _close(c: Cursor, block: _Open, value: TypeExpr) -> TypeExpr | None:
    """Consume what follows an inner type; return the outer type if that closes it."""
    texts = c.texts
    if block.form == "array":
        c.expect(";")
        length = decimal(c, "the length of the array")
        c.expect("]")
        return TypeExpr("array", (value, length), block.start, c.end())
    if block.form == "ptr":
        space = None
        if texts[c.i] == ",":
            c.i += 1
            c.expect("addrspace")
            c.expect("(")
            space = texts[c.i]
            if space not in ("byte", "felt"):
                raise c.unexpected("`byte` or `felt`")
            c.i += 1
            c.expect(")")
        c.expect(">")
        return TypeExpr("ptr", (value, space), block.start, c.end())
    block.fields.append((block.name, value))
    if texts[c.i] == ",":
        c.i += 1
        if texts[c.i] != "}":
            _field_name(c, block)
            return None
    if texts[c.i] != "}":
        raise c.unexpected("`,` or `}`")
    c.i += 1
    return TypeExpr("struct", (_representation(c, block.annotation), tuple(block.fields)), block.start, c.end())


def _representation(c: Cursor, annotation: ParsedAttribute | None) -> tuple[str, int] | None:
    """Check the attribute of a struct, once the struct is complete."""
    if annotation is None:
        return None
    found = annotation.attribute
    start, end = found.start, found.end
    if found.form == "marker" and found.name in ("packed", "transparent", "bigendian"):
        return found.name, 1
    if found.name != "align" or found.form == "map":
        hint = "expected @packed, @transparent, @bigendian or @align(n)"
        c.defer("InvalidStructAnnotation", "not an annotation of a struct", start, end, label="unknown here", hint=hint)
        return None
    if found.form == "marker" or len(found.items) != 1:
        c.defer("InvalidStructRepr", "@align takes one number, such as @align(16)", start, end, label="one number is needed")
        return None
    (kind, value), (start, end) = annotation.values[0], annotation.spans[0]
    if kind != "int":
        c.defer("InvalidStructRepr", "an alignment is a number", start, end, label="not a number")
    elif not isinstance(value, int) or not 1 <= value <= 65535:
        c.defer("InvalidStructRepr", f"an alignment must be in 1..=65535, found {value}", start, end, label="out of range")
    else:
        return "align", value
    return None


def signature(c: Cursor) -> Signature:
    """Consume ``(a: felt, ...) -> (b: felt, ...)``."""
    start = c.expect("(")
    params: list[tuple[str, TypeExpr]] = []
    while c.texts[c.i] != ")":
        name = c.texts[c.i]
        if not is_identifier(name):
            raise c.unexpected("a parameter name that is no keyword, or `)`")
        c.i += 1
        c.expect(":")
        params.append((name, type_expression(c)))
        if not _more(c):
            break
    c.expect(")")
    results: list[tuple[str | None, TypeExpr]] = []
    if c.texts[c.i] == "->":
        c.i += 1
        if c.texts[c.i] == "(":
            c.i += 1
            while c.texts[c.i] != ")":
                results.append(_result(c))
                if not _more(c):
                    break
            c.expect(")")
        else:
            results.append((None, type_expression(c)))
    return Signature(params, results, start, c.end())


def _result(c: Cursor) -> tuple[str | None, TypeExpr]:
    name = c.texts[c.i]
    if is_identifier(name) and c.texts[c.i + 1] == ":":
        c.i += 2
        return name, type_expression(c)
    return None, type_expression(c)


def _more(c: Cursor) -> bool:
    """Consume a comma; without one the list must end."""
    if c.texts[c.i] == ",":
        c.i += 1
        return True
    if c.texts[c.i] != ")":
        raise c.unexpected("`,` or `)`")
    return False


def _too_deep(c: Cursor) -> Exception:
    c.finish()
    message = f"types are nested deeper than {c.max_depth} levels"
    return c.error("NestingLimitExceeded", message, c.starts[c.i], c.ends[c.i], label="one level too many")
