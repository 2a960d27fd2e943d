"""Evaluation of constants, without recursion, and what a constant may stand for in an instruction.

Evaluation happens twice: within a module, where imported constants stay symbolic, and when linking, where everything
must come to a value. Both run the same machine over a `ConstEnvironment`. Arithmetic on literals only was folded by
the parser; what is left is checked 64-bit arithmetic. (assembly.md section 2.4.)
"""

from __future__ import annotations

from miden.assembly.ast import BinaryExpr, ConstRef, HashExpr, IntExpr, StringExpr, WordExpr
from miden.assembly.mnemonics import IMMEDIATES, MNEMONICS
from miden.field import P, Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol, TypeVar

    from miden.assembly.ast import ConstExpr
    from miden.assembly.source import SourceFile

    S = TypeVar("S")

    class ConstEnvironment(Protocol[S]):
        """Where the names of an expression come from; `S` says in which scope an expression stands."""

        def key(self, ref: ConstRef, scope: S) -> Any:
            """Return what the reference means, to tell a cycle by."""
            ...

        def lookup(self, ref: ConstRef, key: Any, scope: S) -> tuple[ConstExpr, S] | None:
            """Return the constant's expression and its scope; None if it is not known yet; `ConstantError` otherwise."""
            ...

        def remember(self, key: Any, value: ConstExpr) -> None:
            """Keep the value that the constant came to."""
            ...

        def source(self, scope: S) -> SourceFile:
            """Return the text of a scope."""
            ...


VALUES = (IntExpr, StringExpr, WordExpr, HashExpr)
_U64_MAX = 2**64 - 1
_EVALUATE, _APPLY, _RETURN = range(3)

WIDTHS = {"U8": 8, "SH": 8, "U16": 16, "U32": 32}
"""Bits of the immediate classes that take small integers."""


def constant_class(name: str) -> str:
    """Return the class of the immediate of an instruction that a constant may stand for; there is one."""
    return next(cls for form in MNEMONICS[name].forms for cls in form if IMMEDIATES[cls].constants)


class ConstantError(Exception):
    """A constant that cannot be evaluated or used; start and end are in `source`."""

    def __init__(self, kind: str, message: str, source: SourceFile, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.source = source
        self.start = start
        self.end = end
        self.hint = hint


def evaluate(expr: ConstExpr, scope: S, env: ConstEnvironment[S]) -> ConstExpr:
    """Return the value of an expression, or what is left of it where the environment does not know a name yet."""
    if isinstance(expr, VALUES):
        return expr
    values: list[ConstExpr] = []
    active: dict[Any, ConstRef] = {}
    work: list[tuple[int, Any, S]] = [(_EVALUATE, expr, scope)]
    while work:
        step, item, scope = work.pop()
        if step == _RETURN:
            del active[item]
            if isinstance(values[-1], VALUES):
                env.remember(item, values[-1])
        elif step == _APPLY:
            left, right = values.pop(), values.pop()
            values.append(_apply(item, left, right, env.source(scope)))
        elif isinstance(item, ConstRef):
            key = env.key(item, scope)
            if key in active:
                message = f"constant `{item.path}` is defined by itself"
                raise ConstantError("ConstEvalCycle", message, env.source(scope), item.start, item.end, "break the cycle with a literal")
            found = env.lookup(item, key, scope)
            if found is None:
                values.append(item)
            elif isinstance(found[0], VALUES):
                values.append(found[0])
            else:
                active[key] = item
                work.append((_RETURN, key, scope))
                work.append((_EVALUATE, found[0], found[1]))
        elif isinstance(item, BinaryExpr):
            work.append((_APPLY, item, scope))
            work.append((_EVALUATE, item.left, scope))
            work.append((_EVALUATE, item.right, scope))
        else:
            values.append(item)
    return values[0]


def _apply(expr: BinaryExpr, left: ConstExpr, right: ConstExpr, source: SourceFile) -> ConstExpr:
    if isinstance(left, IntExpr) and isinstance(right, IntExpr):
        return IntExpr(_calculate(expr, left.value, right.value, source), expr.start, expr.end)
    for operand, side in ((left, expr.left), (right, expr.right)):
        if not isinstance(operand, (IntExpr, ConstRef)):
            message = "arithmetic is for integers"
            hint = ""
            if isinstance(operand, BinaryExpr):
                message = "an operand depends on an imported constant"
                hint = "give the operand a constant of its own in the module it is imported from"
            raise ConstantError("InvalidConstExprOperand", message, source, side.start, side.end, hint)
    return BinaryExpr(expr.operator, left, right, expr.start, expr.end)


def _calculate(expr: BinaryExpr, left: int, right: int, source: SourceFile) -> int:
    operator = expr.operator
    if operator in ("/", "//"):
        if not right:
            raise ConstantError("DivisionByZero", "division by zero in a constant expression", source, expr.start, expr.end)
        return left // right
    result = left + right if operator == "+" else left - right if operator == "-" else left * right
    if not 0 <= result <= _U64_MAX:
        what = "is negative" if result < 0 else "exceeds 64 bits"
        message = f"the constant expression {left} {operator} {right} {what}"
        raise ConstantError("ImmediateOverflow", message, source, expr.start, expr.end)
    return result % P


def constant_value(value: ConstExpr) -> int | str | Word:
    """Return the Python value of an evaluated expression; hashes become words and event ids."""
    if isinstance(value, HashExpr):
        from miden.hashing import string_to_word

        word = string_to_word(value.text)
        return word if value.hash_kind == "word" else word[0]
    return value.value  # type: ignore[union-attr]


_EXPECTED = {
    "I": "an integer, word or event",
    "ITEM": "an integer, word or event",
    "F": "an integer or event",
    "SLICE": "a word",
    "ERR": "a string",
    "EVENT": "an event",
}


def immediate_value(name: str, ref: ConstRef, value: ConstExpr, source: SourceFile) -> int | str | Word:
    """Return what a constant stands for as an immediate of instruction `name`; `ConstantError` if it may not."""
    cls = constant_class(name)
    width = WIDTHS.get(cls)
    if width is not None:
        if not isinstance(value, IntExpr):
            raise _mismatch(ref, "an integer", value, source)
        if value.value >> width:
            message = f"constant `{ref.path}` must be below 2**{width} here, found {value.value}"
            raise ConstantError("ImmediateOverflow", message, source, ref.start, ref.end)
        return value.value
    is_event = isinstance(value, HashExpr) and value.hash_kind == "event"
    is_word = isinstance(value, WordExpr) or (isinstance(value, HashExpr) and value.hash_kind == "word")
    is_int = isinstance(value, IntExpr)
    accepted = {
        "I": is_int or is_word or is_event,
        "ITEM": is_int or is_word or is_event,
        "F": is_int or is_event,
        "EVENT": is_int or is_event,
        "SLICE": is_word,
        "ERR": isinstance(value, StringExpr),
    }[cls]
    if not accepted:
        raise _mismatch(ref, _EXPECTED[cls], value, source)
    return constant_value(value)


def event_only(ref: ConstRef, value: ConstExpr, source: SourceFile) -> None:
    """Raise `ConstantError` unless a constant of this module names an event, as `emit` demands of it."""
    if not (isinstance(value, HashExpr) and value.hash_kind == "event"):
        raise _mismatch(ref, "an event", value, source, 'define it as `event("name")`')


def _mismatch(ref: ConstRef, expected: str, value: ConstExpr, source: SourceFile, hint: str = "") -> ConstantError:
    found = {IntExpr: "an integer", StringExpr: "a string", WordExpr: "a word", HashExpr: "a hash"}.get(type(value), "an expression")
    return ConstantError(
        "InvalidConstant", f"constant `{ref.path}` must be {expected} here, found {found}", source, ref.start, ref.end, hint
    )
