"""Syntax tree to text: the canonical text of an instruction, and whole modules that parse back to the same tree.

`instruction_text` is what debug information holds (assembly.md section 6.7), `module_text` what a person reads, and
`dump` a form without positions, for comparing trees. Nothing here recurses on the depth of the tree.
"""

from __future__ import annotations

from miden.assembly.ast import (
    AdviceMapEntry,
    Alias,
    Attribute,
    BinaryExpr,
    Constant,
    ConstRef,
    DocComment,
    HashExpr,
    If,
    Instruction,
    Module,
    Procedure,
    Repeat,
    Signature,
    Spanned,
    StringExpr,
    Target,
    TypeDecl,
    TypeExpr,
    WordExpr,
)
from miden.assembly.lexer import is_name
from miden.field import Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.assembly.ast import ConstExpr, Form, Op

_INDENT = "    "


# --- instructions ---------------------------------------------------------------------------------------------


def instruction_text(instruction: Instruction, args: Sequence[object] | None = None) -> str:
    """Return the canonical text of an instruction, with `args` in place of its own if they are given.

    Callers that have resolved names pass what they stand for: numbers, a `Word`, the text of an error message, the
    path or digest of a callee. Numbers are decimal and default immediates are shown.

    >>> instruction_text(Instruction("dup", (0,), 0, 3)), instruction_text(Instruction("incr", (), 0, 5))
    ('dup.0', 'add.1')
    >>> instruction_text(Instruction("exec", (), 0, 0), ["::lib::f"])
    'exec.::lib::f'
    """
    name = instruction.name
    if args is None:
        args = instruction.args
    if not args:
        if name == "incr":
            return "add.1"
        # the reference ends the text of this one instruction with a line break
        return name + "\n" if name == "adv.insert_hperm" else name
    if name == "exp.u":
        return f"exp.u{args[0]}"
    if name == "push_slice":
        return f"push.{_immediate(args[0])}[{args[1]}..{args[2]}]"
    if name in _ASSERTIONS:
        return f"{name}.err={_message(args[0])}"
    if name == "emit" and args[0] == "event":
        return f'emit.event("{args[1]}")'
    return ".".join((name, *map(_immediate, args)))


_ASSERTIONS = frozenset(("assert", "assertz", "assert_eq", "assert_eqw", "u32assert", "u32assert2", "u32assertw", "mtree_verify"))


def _message(value: object) -> str:
    return value.path if isinstance(value, ConstRef) else f'"{value}"'


def _immediate(value: object) -> str:
    if isinstance(value, Word):
        return word_text(value)
    if isinstance(value, ConstRef):
        return value.path
    return target_text(value) if isinstance(value, Target) else str(value)


def word_text(word: Sequence[int]) -> str:
    """Return ``[a,b,c,d]``."""
    return f"[{','.join(map(str, word))}]"


def target_text(target: Target) -> str:
    """Return the path of a target as written, or its digest as ``0x`` and 64 digits."""
    return path_source(target.path) if target.digest is None else target.digest.to_hex()


def path_source(path: str, *, constant: bool = False) -> str:
    """Return how a canonical path is written: what would read as a keyword, number or constant is quoted.

    `constant` leaves the last component, the name of a constant, as it is.

    >>> path_source("a::if"), path_source("::$exec"), path_source("a::B", constant=True)
    ('a::"if"', '$exec', 'a::B')
    """
    if path in ("::$kernel", "::$exec"):
        return path[2:]
    root = "::" if path.startswith("::") else ""
    *front, last = path_components(path[len(root) :])
    parts = [*map(name_source, front), last if constant else name_source(last)]
    if root and not front:
        parts.insert(0, '""')  # an empty component counts for nothing but makes the path one with two
    return root + "::".join(parts)


def path_components(path: str) -> list[str]:
    """Split a path without root into its components, quotes kept."""
    components: list[str] = []
    for piece in path.split("::"):
        # an odd number of quotation marks: the separator was inside of them
        if components and components[-1].count('"') % 2:
            components[-1] += "::" + piece
        else:
            components.append(piece)
    return components


def name_source(name: str) -> str:
    """Return how a canonical name is written where quotes are allowed."""
    return name if name[:1] == '"' or is_name(name) else f'"{name}"'


def _bare_source(name: str) -> str:
    # `exp.u` is the one bare name that canonical text puts in quotes
    return name.strip('"')


# --- modules --------------------------------------------------------------------------------------------------


def module_text(module: Module) -> str:
    """Return a module as source text; parsing it again gives the same tree, positions aside.

    >>> from miden.assembly.parser import parse_module
    >>> from miden.assembly.source import SourceFile
    >>> print(module_text(parse_module(SourceFile("begin add.0 if.true push.1 end end"))))
    begin
        if.true
            push.1
        else
            nop
        end
    end
    """
    parts = [_docs(module.docs)] if module.docs is not None else []
    parts += map(form_text, module.forms)
    # a doc comment on the first line would document the module
    lead = "\n" if module.docs is None and parts and parts[0].startswith("#!") else ""
    return lead + "\n".join(parts)


def form_text(form: Form) -> str:
    """Return one top-level form as source text, with its doc comment and a line break at the end."""
    if isinstance(form, DocComment):
        return _docs(form.text)
    docs = getattr(form, "docs", None)
    head = "" if docs is None else _docs(docs)[:-1]
    if isinstance(form, AdviceMapEntry):
        key = "" if form.key is None else f"({word_text(form.key)})"
        return f"adv_map {form.name}{key} = [{', '.join(map(str, form.values))}]\n"
    if isinstance(form, Procedure):
        return head + _procedure(form)
    head += "pub " if form.public else ""
    if isinstance(form, Alias):
        return f"{head}use {target_text(form.target)}->{name_source(form.name)}\n"
    if isinstance(form, Constant):
        return f"{head}const {form.name} = {expression_text(form.expr)}\n"
    return head + _type_declaration(form)


def _docs(text: str) -> str:
    lines = text.split("\n")
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return "".join(f"#! {line}".rstrip() + "\n" for line in lines) + "\n"


def _procedure(form: Procedure) -> str:
    if form.name == "$main" and not form.attributes and form.signature is None and form.public:
        return f"begin\n{body_text(form.body)}end\n"
    lines = [attribute_text(attribute) for attribute in form.attributes]
    if form.locals:
        lines.append(f"@locals({form.locals})")
    if form.signature is not None and form.signature.callconv != "fast":
        lines.append(f'@callconv("{form.signature.callconv}")')
    signature = "" if form.signature is None else signature_text(form.signature)
    lines.append(f"{'pub ' if form.public else ''}proc {name_source(form.name)}{signature}\n{body_text(form.body)}end\n")
    return "\n".join(lines)


def _type_declaration(form: TypeDecl) -> str:
    if form.variants is None:
        return f"type {_bare_source(form.name)} = {type_text(form.ty)}\n"
    variants = "".join(f"{_INDENT}{variant.name} = {expression_text(variant.expr)},\n" for variant in form.variants)
    return f"enum {_bare_source(form.name)} : {form.ty.form} {{\n{variants}}}\n"


def attribute_text(attribute: Attribute) -> str:
    """Return ``@name``, ``@name(item, ...)`` or ``@name(key = item, ...)``."""
    if attribute.form == "marker":
        return f"@{attribute.name}"
    if attribute.form == "map":
        items = [f"{key} = {_item(*item)}" for key, item in attribute.items]  # type: ignore[misc, has-type]
    else:
        items = [_item(*item) for item in attribute.items]  # type: ignore[misc]
    return f"@{attribute.name}({', '.join(items)})"


def _item(kind: str, value: object) -> str:
    return f'"{value}"' if kind == "string" else _immediate(value)


def body_text(body: Sequence[Op], depth: int = 1) -> str:
    """Return the lines of a body, indented by `depth` levels."""
    lines: list[str] = []
    work: list[tuple[Op | str, int]] = []
    _push_body(work, body, depth)
    while work:
        item, level = work.pop()
        if isinstance(item, str):
            lines.append(_INDENT * level + item)
        elif isinstance(item, Instruction):
            lines.append(_INDENT * level + instruction_text(item).rstrip("\n"))
        else:
            work.append(("end", level))
            if isinstance(item, If):
                _push_body(work, item.else_body, level + 1)
                work.append(("else", level))
                _push_body(work, item.then_body, level + 1)
                work.append(("if.true", level))
            else:
                _push_body(work, item.body, level + 1)
                work.append((f"repeat.{item.count}" if isinstance(item, Repeat) else "while.true", level))
    return "".join(line + "\n" for line in lines)


def _push_body(work: list[tuple[Op | str, int]], body: Sequence[Op], level: int) -> None:
    # a body of which folding left nothing needs an instruction that folds to nothing
    work += [(op, level) for op in reversed(body)] if body else [("add.0", level)]


# --- constants and types --------------------------------------------------------------------------------------


def expression_text(expression: ConstExpr) -> str:
    """Return a constant expression; every nested operation is in parentheses."""
    pieces: list[str] = []
    work: list[ConstExpr | str] = [expression]
    while work:
        item = work.pop()
        if isinstance(item, str):
            pieces.append(item)
        elif isinstance(item, BinaryExpr):
            for side in (item.right, f" {item.operator} ", item.left):
                if isinstance(side, BinaryExpr | HashExpr):
                    work += (")", side, "(")
                else:
                    work.append(side)
        elif isinstance(item, HashExpr):
            pieces.append(f'{item.hash_kind}("{item.text}")')
        elif isinstance(item, WordExpr):
            pieces.append(word_text(item.value))
        elif isinstance(item, ConstRef):
            pieces.append(path_source(item.path, constant=True))
        else:
            pieces.append(f'"{item.value}"' if isinstance(item, StringExpr) else str(item.value))
    return "".join(pieces)


def type_text(ty: TypeExpr) -> str:
    """Return a type as source text."""
    pieces: list[str] = []
    work: list[object] = [ty]
    while work:
        item = work.pop()
        if not isinstance(item, TypeExpr):
            pieces.append(str(item))
        elif item.form == "ptr":
            inner, space = item.args
            work += (f", addrspace({space})>" if space else ">", inner, "ptr<")
        elif item.form == "array":
            inner, length = item.args
            work += (f"; {length}]", inner, "[")
        elif item.form == "struct":
            representation, fields = item.args
            work.append("}")
            for name, inner in reversed(fields):  # type: ignore[call-overload]
                work += (", ", inner, f"{_bare_source(name)}: ")
            work.append("{ ")
            work.append(_representation(representation))
        else:
            pieces.append(path_source(str(item.args[0])) if item.form == "ref" else item.form)
    return "".join(pieces)


def _representation(representation: object) -> str:
    if not isinstance(representation, tuple):
        return "struct "
    name, value = representation
    return f"struct @align({value}) " if name == "align" else f"struct @{name} "


def signature_text(signature: Signature) -> str:
    """Return ``(name: type, ...) -> (type, ...)``."""
    params = ", ".join(f"{name}: {type_text(ty)}" for name, ty in signature.params)
    if not signature.results:
        return f"({params})"
    results = ", ".join((f"{name}: " if name else "") + type_text(ty) for name, ty in signature.results)
    return f"({params}) -> ({results})"


# --- comparison -----------------------------------------------------------------------------------------------


def dump(node: Module | Spanned) -> str:
    """Return the tree below `node` as a flat text without positions: equal trees have equal dumps.

    >>> dump(Instruction("push", (1,), 0, 6))
    "Instruction(args=(1,),name='push',)"
    """
    pieces: list[str] = []
    work: list[object] = [node]
    while work:
        item = work.pop()
        if isinstance(item, _Literal):
            pieces.append(item.text)
        elif isinstance(item, Spanned | Module):
            names = [name for cls in type(item).__mro__ for name in getattr(cls, "__slots__", ()) if name not in _PLACES]
            work.append(_Literal(")"))
            for name in sorted(names, reverse=True):
                work += (_Literal(","), getattr(item, name), _Literal(f"{name}="))
            work.append(_Literal(f"{type(item).__name__}("))
        elif isinstance(item, tuple | list) and not isinstance(item, Word):
            work.append(_Literal(")"))
            for element in reversed(item):
                work += (_Literal(","), element)
            work.append(_Literal("("))
        else:
            pieces.append(repr(item))
    return "".join(pieces)


class _Literal:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


_PLACES = frozenset(("start", "end", "name_start", "name_end", "source"))

__all__ = [
    "attribute_text",
    "body_text",
    "dump",
    "expression_text",
    "form_text",
    "instruction_text",
    "module_text",
    "name_source",
    "path_source",
    "signature_text",
    "target_text",
    "type_text",
    "word_text",
]

