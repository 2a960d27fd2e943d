"""Attributes: ``@name``, ``@name(item, ...)``, ``@name(key = item, ...)``. (assembly.md sections 1.7 and 2.6.)"""

from __future__ import annotations

from miden.assembly.ast import Attribute
from miden.assembly.lexer import is_name, is_string
from miden.assembly.parser.literals import felt, is_number, is_word, string, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.assembly.ast import Signature
    from miden.assembly.parser.cursor import Cursor

    Item = tuple[str, object]

_CALL_CONVENTIONS = ("fast", "C", "wasm", "canon-lift", "canon-lower")

_ITEM = "a name, a string, a number or a word"


class ParsedAttribute:
    """An attribute with what only the parser wants to know: values and their places (of the keys, for a map)."""

    __slots__ = ("attribute", "keys", "spans", "values")

    def __init__(self, attribute: Attribute, keys: list[str], values: list[Item], spans: list[tuple[int, int]]) -> None:
        self.attribute = attribute
        self.keys = keys
        self.values = values
        self.spans = spans


def attribute(c: Cursor) -> ParsedAttribute:
    """Consume one attribute, which starts with ``@``."""
    texts = c.texts
    start = c.expect("@")
    name = _name(c, "the name of an attribute")
    keys: list[str] = []
    values: list[Item] = []
    spans: list[tuple[int, int]] = []
    if texts[c.i] != "(":
        return ParsedAttribute(Attribute(name, "marker", (), start, c.end()), keys, values, spans)
    c.i += 1
    is_map = is_name(texts[c.i]) and texts[c.i + 1] == "="
    clash: tuple[str, int, int, int] | None = None
    while True:
        at = c.i
        if is_map:
            key = _name(c, "a key")
            c.expect("=")
            if key in keys and clash is None:
                clash = key, c.starts[at], keys.index(key), at
            keys.append(key)
        values.append(_item(c))
        spans.append((c.starts[at], c.ends[at]) if is_map else (c.starts[at], c.end()))
        if texts[c.i] != ",":
            break
        c.i += 1
    if texts[c.i] != ")":
        raise c.unexpected("`,` or `)`")
    c.i += 1
    if clash is not None:
        key, key_start, earlier, at = clash
        _key_conflict(c, key, (key_start, c.ends[at]), spans[earlier])
    items = tuple(sorted(zip(keys, values, strict=True), key=lambda pair: pair[0])) if is_map else tuple(values)
    return ParsedAttribute(Attribute(name, "map" if is_map else "list", items, start, c.end()), keys, values, spans)


def _name(c: Cursor, what: str) -> str:
    text = c.texts[c.i]
    if not is_name(text):
        raise c.unexpected(what)
    c.i += 1
    return text


def _item(c: Cursor) -> Item:
    text = c.texts[c.i]
    if is_word(text):
        return "word", word(c, _ITEM)
    if is_number(text):
        return "int", felt(c, _ITEM)
    if is_string(text):
        return "string", string(c)
    if not is_name(text):
        raise c.unexpected(_ITEM)
    c.i += 1
    return "ident", text


def _key_conflict(c: Cursor, key: str, span: tuple[int, int], earlier: tuple[int, int]) -> None:
    from miden.assembly.diagnostics import Related

    related = [Related(c.source, *earlier, "first given here")]
    c.defer("AttributeKeyValueConflict", f"the key `{key}` is given twice", *span, label="given again", related=related)


def apply(c: Cursor, found: Sequence[ParsedAttribute], signature: Signature | None) -> tuple[list[Attribute], int]:
    """Merge the attributes of a procedure; return those that are kept, by name, and the number of locals.

    ``@locals(n)`` and ``@callconv(x)`` are taken out. Maps of the same name merge, anything else of the same name twice is
    `AttributeConflict`.
    """
    kept: dict[str, ParsedAttribute] = {}
    taken: set[str] = set()
    count = 0
    for parsed in found:
        new = parsed.attribute
        name = new.name
        old = kept.get(name)
        if old is not None:
            if not (new.form == "map" and old.attribute.form == "map"):
                from miden.assembly.diagnostics import Related

                related = [Related(c.source, old.attribute.start, old.attribute.end, "first given here")]
                message = f"the attribute `@{name}` is given twice"
                c.defer("AttributeConflict", message, new.start, new.end, label="given again", related=related)
                continue
            kept[name] = _merge(c, old, parsed)
            continue
        kept[name] = parsed
        if new.form == "list" and len(parsed.values) == 1:
            if name == "locals":
                count = _locals(c, parsed)
                taken.add(name)
            elif name == "callconv":
                _call_convention(c, parsed, signature)
                taken.add(name)
    return [kept[name].attribute for name in sorted(kept) if name not in taken], count


def _merge(c: Cursor, old: ParsedAttribute, new: ParsedAttribute) -> ParsedAttribute:
    for key, span in zip(new.keys, new.spans, strict=True):
        if key in old.keys:
            _key_conflict(c, key, span, old.spans[old.keys.index(key)])
    keys, values, spans = old.keys + new.keys, old.values + new.values, old.spans + new.spans
    items = tuple(sorted(zip(keys, values, strict=True), key=lambda pair: pair[0]))
    first = old.attribute
    return ParsedAttribute(Attribute(first.name, "map", items, first.start, first.end), keys, values, spans)


def _locals(c: Cursor, parsed: ParsedAttribute) -> int:
    (kind, value), (start, end) = parsed.values[0], parsed.spans[0]
    if not isinstance(value, int) or kind != "int":
        c.defer("InvalidLocalsAttr", "@locals takes the number of locals", start, end, label="not a number")
    elif value > 65535:
        c.defer("ImmediateOutOfRange", f"a procedure has 0..=65535 locals, found {value}", start, end, label="out of range")
    else:
        return value
    return 0


def _call_convention(c: Cursor, parsed: ParsedAttribute, signature: Signature | None) -> None:
    (kind, value), (start, end) = parsed.values[0], parsed.spans[0]
    if kind not in ("ident", "string") or value not in _CALL_CONVENTIONS:
        hint = 'expected fast, "C", wasm, "canon-lift" or "canon-lower"'
        c.defer("UnrecognizedCallConv", "unknown calling convention", start, end, label="unknown", hint=hint)
    elif signature is not None:
        signature.callconv = str(value)
