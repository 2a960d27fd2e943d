"""What the parser makes of a module: plain slotted classes, no behaviour.

Positions are character offsets (`start`, `end`) into the text of the module's `SourceFile`. Names and paths are
canonical text (assembly.md section 1.6). Literal immediates are already checked and folded by the parser
(assembly.md section 3 and the "literal" columns of section 4); named constants stay `ConstRef`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.assembly.source import SourceFile
    from miden.field import Word


class Spanned:
    """Base of everything that has a place in the text."""

    __slots__ = ("end", "start")
    start: int
    end: int

    def __repr__(self) -> str:
        # nested nodes are only counted: a tree may be deeper than the stack of the interpreter
        names = [name for cls in type(self).__mro__ for name in getattr(cls, "__slots__", ()) if name not in _PLACES]
        return f"{type(self).__name__}({', '.join(f'{name}={_shallow(getattr(self, name))}' for name in names)})"


_PLACES = ("start", "end", "name_start", "name_end")


def _shallow(value: object) -> str:
    if isinstance(value, Spanned):
        return f"<{type(value).__name__}>"
    if isinstance(value, list):
        return f"<{len(value)} items>"
    if type(value) is tuple and any(isinstance(item, Spanned) for item in value):
        return f"({', '.join(map(_shallow, value))})"
    return repr(value)


# --- immediates and targets ---------------------------------------------------------------------------------


class ConstRef(Spanned):
    """A named constant where an immediate may stand; `path` may have several components."""

    __slots__ = ("path",)

    def __init__(self, path: str, start: int, end: int) -> None:
        self.path = path
        self.start = start
        self.end = end


class Target(Spanned):
    """Callee of exec, call, syscall or procref: `digest`, or `path` (a single name or several components)."""

    __slots__ = ("digest", "path")

    def __init__(self, path: str, digest: Word | None, start: int, end: int) -> None:
        self.path = path
        self.digest = digest
        self.start = start
        self.end = end


# --- bodies -------------------------------------------------------------------------------------------------


class Instruction(Spanned):
    """One instruction; `name` is a row of `miden.assembly.mnemonics`, `args` its immediates.

    `add` with args () is the plain form, with (5,) or (ConstRef,) the immediate form. See the table for each row.
    """

    __slots__ = ("args", "name")

    def __init__(self, name: str, args: tuple[object, ...], start: int, end: int) -> None:
        self.name = name
        self.args = args
        self.start = start
        self.end = end


class If(Spanned):
    """Branches as executed: `then_body` runs on 1 (`if.false` is already swapped, missing ones are a nop)."""

    __slots__ = ("else_body", "then_body")

    def __init__(self, then_body: Sequence[Op], else_body: Sequence[Op], start: int, end: int) -> None:
        self.then_body = then_body
        self.else_body = else_body
        self.start = start
        self.end = end


class While(Spanned):
    """A `while.true` loop."""

    __slots__ = ("body",)

    def __init__(self, body: Sequence[Op], start: int, end: int) -> None:
        self.body = body
        self.start = start
        self.end = end


class Repeat(Spanned):
    """A body to be unrolled `count` times, 1 <= count < 2**32."""

    __slots__ = ("body", "count")

    def __init__(self, count: int, body: Sequence[Op], start: int, end: int) -> None:
        self.count = count
        self.body = body
        self.start = start
        self.end = end


Op = Instruction | If | While | Repeat


# --- constant expressions -----------------------------------------------------------------------------------


class IntExpr(Spanned):
    """An integer literal, or what literal-only arithmetic was folded to."""

    __slots__ = ("value",)

    def __init__(self, value: int, start: int, end: int) -> None:
        self.value = value
        self.start = start
        self.end = end


class StringExpr(Spanned):
    """A string literal, raw text between the quotes."""

    __slots__ = ("value",)

    def __init__(self, value: str, start: int, end: int) -> None:
        self.value = value
        self.start = start
        self.end = end


class WordExpr(Spanned):
    """A word literal."""

    __slots__ = ("value",)

    def __init__(self, value: Word, start: int, end: int) -> None:
        self.value = value
        self.start = start
        self.end = end


class HashExpr(Spanned):
    """`word("text")` or `event("text")`; `hash_kind` is "word" or "event"."""

    __slots__ = ("hash_kind", "text")

    def __init__(self, hash_kind: str, text: str, start: int, end: int) -> None:
        self.hash_kind = hash_kind
        self.text = text
        self.start = start
        self.end = end


class BinaryExpr(Spanned):
    """`left operator right`, operator one of + - * / //."""

    __slots__ = ("left", "operator", "right")

    def __init__(self, operator: str, left: ConstExpr, right: ConstExpr, start: int, end: int) -> None:
        self.operator = operator
        self.left = left
        self.right = right
        self.start = start
        self.end = end


ConstExpr = IntExpr | StringExpr | WordExpr | HashExpr | ConstRef | BinaryExpr


# --- types --------------------------------------------------------------------------------------------------


class TypeExpr(Spanned):
    """A type as written.

    `form` is one of: a primitive name ("i1" ... "u128", "felt"), "ptr", "array", "struct", "ref". `args` by form:
    ptr (element: TypeExpr, addrspace: "byte" | "felt" | None); array (element, length);
    struct (repr: tuple[str, int] | None, fields: tuple[(name, TypeExpr), ...]); ref (path,). `word` is array of 4 felt.
    """

    __slots__ = ("args", "form")

    def __init__(self, form: str, args: tuple[object, ...], start: int, end: int) -> None:
        self.form = form
        self.args = args
        self.start = start
        self.end = end


class Signature(Spanned):
    """Parameters as (name, type), results as (name or None, type); `callconv` "fast" unless @callconv says else."""

    __slots__ = ("callconv", "params", "results")

    def __init__(
        self,
        params: Sequence[tuple[str, TypeExpr]],
        results: Sequence[tuple[str | None, TypeExpr]],
        start: int,
        end: int,
    ) -> None:
        self.params = tuple(params)
        self.results = tuple(results)
        self.callconv = "fast"
        self.start = start
        self.end = end


class Attribute(Spanned):
    """`@name`, `@name(item, ...)` or `@name(key = item, ...)`.

    `form` is "marker", "list" or "map". An item is (kind, value), kind one of "ident" "int" "word" "string".
    `items` is a tuple of items, or of (key, item) sorted by key for "map".
    """

    __slots__ = ("form", "items", "name")

    def __init__(self, name: str, form: str, items: tuple[object, ...], start: int, end: int) -> None:
        self.name = name
        self.form = form
        self.items = items
        self.start = start
        self.end = end


# --- forms --------------------------------------------------------------------------------------------------


class Constant(Spanned):
    """`const NAME = expr`, also each enum variant and the word of an `adv_map` entry."""

    __slots__ = ("docs", "expr", "name", "name_end", "name_start", "public")

    def __init__(
        self,
        name: str,
        expr: ConstExpr,
        public: bool,
        docs: str | None,
        name_start: int,
        name_end: int,
        start: int,
        end: int,
    ) -> None:
        self.name = name
        self.expr = expr
        self.public = public
        self.docs = docs
        self.name_start = name_start
        self.name_end = name_end
        self.start = start
        self.end = end


class TypeDecl(Spanned):
    """`type NAME = T`; for an enum `ty` is its representation and `variants` are constants,
    implicit values spelled out: 0 for the first, the previous variant plus 1 for the others."""

    __slots__ = ("docs", "name", "name_end", "name_start", "public", "ty", "variants")

    def __init__(
        self,
        name: str,
        ty: TypeExpr,
        public: bool,
        docs: str | None,
        name_start: int,
        name_end: int,
        start: int,
        end: int,
        variants: Sequence[Constant] | None = None,
    ) -> None:
        self.name = name
        self.ty = ty
        self.public = public
        self.docs = docs
        self.name_start = name_start
        self.name_end = name_end
        self.variants = variants
        self.start = start
        self.end = end


class Alias(Spanned):
    """`use target -> name`: an import, or with `pub` a re-export."""

    __slots__ = ("docs", "name", "name_end", "name_start", "public", "target")

    def __init__(
        self,
        name: str,
        target: Target,
        public: bool,
        docs: str | None,
        name_start: int,
        name_end: int,
        start: int,
        end: int,
    ) -> None:
        self.name = name
        self.target = target
        self.public = public
        self.docs = docs
        self.name_start = name_start
        self.name_end = name_end
        self.start = start
        self.end = end


class AdviceMapEntry(Spanned):
    """`adv_map NAME(key) = [values]`; `key` is None for the default, the hash of the values."""

    __slots__ = ("key", "name", "values")

    def __init__(self, name: str, key: Word | None, values: Sequence[int], start: int, end: int) -> None:
        self.name = name
        self.key = key
        self.values = tuple(values)
        self.start = start
        self.end = end


class Procedure(Spanned):
    """A procedure; the entry `begin ... end` is the public procedure `$main`. `locals` is as declared, not rounded."""

    __slots__ = ("attributes", "body", "docs", "locals", "name", "name_end", "name_start", "public", "signature")

    def __init__(
        self,
        name: str,
        body: Sequence[Op],
        public: bool,
        locals_: int,
        attributes: Sequence[Attribute],
        signature: Signature | None,
        docs: str | None,
        name_start: int,
        name_end: int,
        start: int,
        end: int,
    ) -> None:
        self.name = name
        self.body = body
        self.public = public
        self.locals = locals_
        self.attributes = tuple(attributes)
        self.signature = signature
        self.docs = docs
        self.name_start = name_start
        self.name_end = name_end
        self.start = start
        self.end = end


class DocComment(Spanned):
    """A doc comment that attached to nothing (a warning)."""

    __slots__ = ("text",)

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.start = start
        self.end = end


Form = Constant | TypeDecl | Alias | AdviceMapEntry | Procedure | DocComment


class Module:
    """A parsed module: `forms` in source order. `begin` is a Procedure named `$main`."""

    __slots__ = ("docs", "forms", "source")

    def __init__(self, source: SourceFile, docs: str | None, forms: Sequence[Form]) -> None:
        self.source = source
        self.docs = docs
        self.forms = list(forms)
