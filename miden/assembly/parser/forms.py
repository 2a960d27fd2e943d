"""Top-level forms: what a module is made of. (assembly.md section 2.)"""

from __future__ import annotations

from miden.assembly.ast import (
    AdviceMapEntry,
    Alias,
    BinaryExpr,
    Constant,
    ConstRef,
    DocComment,
    IntExpr,
    Module,
    Procedure,
    Target,
    TypeDecl,
    TypeExpr,
)
from miden.assembly.lexer import doc_text, is_constant
from miden.assembly.parser.blocks import body
from miden.assembly.parser.follow import FORM_STARTS
from miden.assembly.parser.literals import felt, word
from miden.assembly.parser.names import any_name, bare_name, constant_name, digest, path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from miden.assembly.ast import Attribute, ConstExpr, Form
    from miden.assembly.parser.attributes import ParsedAttribute
    from miden.assembly.parser.cursor import Cursor

MAX_DOC_BYTES = 65535

_FORM = "a definition: `proc`, `pub`, `use`, `const`, `type`, `enum`, `adv_map`, `begin`, or an attribute"


def module(c: Cursor) -> Module:
    """Consume everything; at least one form or doc comment is needed."""
    texts = c.texts
    result = Module(c.source, None, [])
    forms = result.forms
    docs: DocComment | None = None
    while True:
        text = texts[c.i]
        if text[:2] == "#!":
            comment = _doc(c)
            if _is_module_doc(c, c.i - 1):
                result.docs = comment.text
            else:
                if docs is not None:
                    forms.append(docs)
                docs = comment
            continue
        if not text and c.i:
            c.finish()
            if docs is not None:
                forms.append(docs)
            return result
        form = _form(c, docs.text if docs is not None else None)
        docs = None
        forms.append(form)
        # what follows a form is looked at before the form is judged
        follows = texts[c.i]
        if follows in FORM_STARTS or follows[:2] == "#!":
            c.finish()


def _doc(c: Cursor) -> DocComment:
    i = c.i
    text = doc_text(c.texts[i])
    c.i = i + 1
    size = len(text) if text.isascii() else len(text.encode())
    if size > MAX_DOC_BYTES:
        message = f"a doc comment has at most {MAX_DOC_BYTES} bytes, found {size}"
        c.defer("DocsTooLarge", message, c.starts[i], c.ends[i], label="too long")
    return DocComment(text, c.starts[i], c.ends[i])


def _is_module_doc(c: Cursor, i: int) -> bool:
    """Whether doc comment i documents the module: it starts on the first line, and ends there if nothing follows it."""
    text = c.source.text
    if text.find("\n", 0, c.starts[i]) >= 0:
        return False
    token = c.texts[i]
    return token.endswith("\n") or "\n" not in token


def _form(c: Cursor, docs: str | None) -> Form:
    texts, start = c.texts, c.starts[c.i]
    text = texts[c.i]
    attributes = []
    while text == "@":
        from miden.assembly.parser.attributes import attribute

        attributes.append(attribute(c))
        text = texts[c.i]
    if attributes:
        if text not in ("pub", "proc"):
            raise c.unexpected("`@`, `pub` or `proc`")
        start = c.starts[c.i]
    public = text == "pub"
    if public:
        c.i += 1
        text = texts[c.i]
    if text == "proc":
        return _procedure(c, docs, public, start, attributes)
    reader = None if attributes else _READERS.get(text)
    if reader is None or (public and text in ("begin", "adv_map")):
        if public:
            expected = "`proc`" if attributes else "`proc`, `use`, `const`, `type` or `enum`"
        else:
            expected = _FORM
        raise c.unexpected(expected)
    return reader(c, docs, public, start)


def _procedure(c: Cursor, docs: str | None, public: bool, start: int, attributes: list[ParsedAttribute]) -> Procedure:
    c.i += 1
    at = c.i
    name = any_name(c, "the name of the procedure")
    types = None
    if c.texts[c.i] == "(":
        from miden.assembly.parser.types import signature

        types = signature(c)
    c.opened.append(start)
    operations = body(c)
    c.opened.pop()
    kept: Sequence[Attribute] = ()
    count = 0
    if attributes:
        from miden.assembly.parser.attributes import apply

        kept, count = apply(c, attributes, types)
    return Procedure(name, operations, public, count, kept, types, docs, c.starts[at], c.ends[at], start, c.end())


def _begin(c: Cursor, docs: str | None, _public: bool, start: int) -> Procedure:
    at = c.i
    c.i += 1
    c.opened.append(start)
    operations = body(c)
    c.opened.pop()
    return Procedure("$main", operations, True, 0, (), None, docs, c.starts[at], c.ends[at], start, c.end())


def _constant(c: Cursor, docs: str | None, public: bool, start: int) -> Constant:
    from miden.assembly.parser.expressions import constant_expression

    c.i += 1
    at = c.i
    name = constant_name(c)
    c.expect("=")
    expression = constant_expression(c)
    return Constant(name, expression, public, docs, c.starts[at], c.ends[at], start, c.end())


def _type(c: Cursor, docs: str | None, public: bool, start: int) -> TypeDecl:
    from miden.assembly.parser.types import type_expression

    c.i += 1
    at = c.i
    name = bare_name(c, "the name of the type, with a lower-case letter in it")
    c.expect("=")
    ty = type_expression(c)
    return TypeDecl(name, ty, public, docs, c.starts[at], c.ends[at], start, c.end())


def _enum(c: Cursor, docs: str | None, public: bool, start: int) -> TypeDecl:
    from miden.assembly.parser.types import INTEGERS

    texts = c.texts
    c.i += 1
    at = c.i
    name = bare_name(c, "the name of the enum, with a lower-case letter in it")
    c.expect(":")
    representation = texts[c.i]
    if representation not in INTEGERS:
        raise c.unexpected("an integer type")
    ty = TypeExpr(representation, (), c.starts[c.i], c.ends[c.i])
    c.i += 1
    c.expect("{")
    variants: list[Constant] = []
    while texts[c.i] != "}":
        variants.append(_variant(c, public, variants[-1] if variants else None))
        if texts[c.i] != ",":
            break
        c.i += 1
    if texts[c.i] != "}":
        raise c.unexpected("`,` or `}`")
    c.i += 1
    return TypeDecl(name, ty, public, docs, c.starts[at], c.ends[at], start, c.end(), variants)


def _variant(c: Cursor, public: bool, previous: Constant | None) -> Constant:
    at = c.i
    start, end = c.starts[at], c.ends[at]
    if not is_constant(c.texts[at]):
        raise c.unexpected("a variant name in upper case, or `}`")
    c.i += 1
    expression: ConstExpr
    if c.texts[c.i] == "=":
        from miden.assembly.parser.expressions import constant_expression

        c.i += 1
        expression = constant_expression(c, arithmetic=True)
    elif previous is None:
        expression = IntExpr(0, start, end)
    else:
        expression = BinaryExpr("+", ConstRef(previous.name, start, end), IntExpr(1, start, end), start, end)
    return Constant(c.texts[at], expression, public, None, start, end, start, c.end())


def _use(c: Cursor, docs: str | None, public: bool, start: int) -> Alias:
    texts = c.texts
    c.i += 1
    at = c.i
    name = ""
    unqualified = False
    if texts[at][:2] == "0x":
        target = Target("", digest(c), c.starts[at], c.end())
    else:
        found = path(c, "a path with `::` in it, or a digest", "any")
        target = Target(found.text, None, found.start, found.end)
        name, unqualified = found.last, found.single
    if unqualified:
        hint = f"name the module it comes from: `use MODULE::{found.text}`"
        c.defer("UnqualifiedImport", "an import names a module and an item, such as lib::item", target.start, target.end, hint=hint)
    name_start, name_end = c.starts[c.i - 1], c.end()
    if texts[c.i] == "->":
        c.i += 1
        name_start = c.starts[c.i]
        name = any_name(c, "a name that is not a constant's; quote it if it is")
        name_end = c.end()
    elif not name and target.digest is not None:
        hint = "write `use DIGEST -> NAME`"
        c.defer("UnnamedReexportOfMastRoot", "an import by digest needs a name", start, c.end(), label="no name", hint=hint)
    return Alias(name, target, public, docs, name_start, name_end, start, c.end())


def _advice_map(c: Cursor, _docs: str | None, _public: bool, start: int) -> AdviceMapEntry:
    texts = c.texts
    c.i += 1
    name = constant_name(c)
    key = None
    if texts[c.i] == "(":
        c.i += 1
        key = word(c)
        c.expect(")")
    elif texts[c.i] != "=":
        raise c.unexpected("`(` or `=`")
    c.expect("=")
    c.expect("[")
    values = [felt(c)]
    while texts[c.i] == ",":
        c.i += 1
        values.append(felt(c))
    if texts[c.i] != "]":
        raise c.unexpected("`,` or `]`")
    c.i += 1
    return AdviceMapEntry(name, key, values, start, c.end())


_READERS: dict[str, Callable[[Cursor, str | None, bool, int], Form]] = {
    "begin": _begin,
    "const": _constant,
    "type": _type,
    "enum": _enum,
    "use": _use,
    "adv_map": _advice_map,
}
