"""Constant expressions: operator precedence with explicit stacks, literals folded on the way. (assembly.md 2.4.)

Two regimes of arithmetic exist. Here, where both operands are literals, results wrap modulo 2**64 and are then
reduced modulo p: ``5-6`` is 2**64 - 1 reduced, not p - 1. Where a named constant is involved the expression stays a
`BinaryExpr`, to be evaluated later with checked arithmetic.
"""

from __future__ import annotations

from miden.assembly.ast import BinaryExpr, HashExpr, IntExpr, StringExpr, WordExpr
from miden.assembly.lexer import P, is_string
from miden.assembly.parser.literals import felt, is_number, is_word, string, word
from miden.assembly.parser.names import constant_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.ast import ConstExpr
    from miden.assembly.parser.cursor import Cursor

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2}

_TERM = "a number, a word, a string, a constant or `(`"
_NUMERIC_TERM = "a number, a constant or `(`"


class _Operand:
    """A parsed operand: the node, where it starts and ends with its parentheses, whether it is made of literals only."""

    __slots__ = ("end", "literal", "node", "start")

    def __init__(self, node: ConstExpr, start: int, end: int, literal: bool) -> None:
        self.node = node
        self.start = start
        self.end = end
        self.literal = literal


def constant_expression(c: Cursor, *, arithmetic: bool = False) -> ConstExpr:
    """Consume a constant expression; `arithmetic` leaves out words, strings and hashes, as enum variants do."""
    texts, starts = c.texts, c.starts
    operands: list[_Operand] = []
    operators: list[str] = []
    opened: list[int] = []
    whole = True  # word("...") and event("...") are whole expressions, no operands of * and /
    while True:
        text = texts[c.i]
        if text == "(":
            if len(opened) >= c.max_depth:
                raise _too_deep(c)
            opened.append(starts[c.i])
            operators.append("(")
            c.i += 1
            whole = True
            continue
        hashed = whole and not arithmetic and (text == "event" or (text == "word" and texts[c.i + 1] == "("))
        operands.append(_hash(c) if hashed else _term(c, arithmetic))
        while texts[c.i] == ")" and opened:
            _reduce(c, operands, operators, 1)
            operators.pop()
            c.i += 1
            operands[-1].start = opened.pop()
            operands[-1].end = c.end()
            hashed = False
        precedence = _PRECEDENCE.get(texts[c.i], 0)
        if not precedence or (hashed and precedence == 2):
            _reduce(c, operands, operators, 1)
            if opened:
                raise c.unexpected("an operator or `)`")
            if hashed and precedence:
                raise c.unexpected("`+`, `-` or the next definition")
            return operands[0].node
        _reduce(c, operands, operators, precedence)
        operators.append(texts[c.i])
        c.i += 1
        whole = False


def _hash(c: Cursor) -> _Operand:
    kind, start = c.texts[c.i], c.starts[c.i]
    c.i += 1
    c.expect("(")
    text = string(c)
    c.expect(")")
    return _Operand(HashExpr(kind, text, start, c.end()), start, c.end(), True)


def _term(c: Cursor, arithmetic: bool) -> _Operand:
    i = c.i
    text, start = c.texts[i], c.starts[i]
    node: ConstExpr
    if is_word(text) and not arithmetic:
        node = WordExpr(word(c), start, c.end())
    elif is_number(text):
        node = IntExpr(felt(c, _NUMERIC_TERM if arithmetic else _TERM), start, c.end())
    elif is_string(text) and c.texts[i + 1] != "::" and not arithmetic:
        node = StringExpr(string(c), start, c.end())
    else:
        node = constant_path(c, _NUMERIC_TERM if arithmetic else _TERM)
        return _Operand(node, start, c.end(), False)
    node.end = c.end()
    return _Operand(node, start, node.end, True)


def _reduce(c: Cursor, operands: list[_Operand], operators: list[str], precedence: int) -> None:
    """Apply the operators on top that bind at least as strongly as `precedence`, down to a parenthesis."""
    while operators and _PRECEDENCE.get(operators[-1], 0) >= precedence:
        right = operands.pop()
        left = operands[-1]
        left.node = _fold(c, operators.pop(), left, right)
        left.end = right.end
        left.literal = left.literal and right.literal


def _fold(c: Cursor, operator: str, left: _Operand, right: _Operand) -> ConstExpr:
    """Combine two operands: a number if both are numbers, an error for a string that meets a number, else an expression."""
    lhs, rhs = left.node, right.node
    start, end = left.start, right.end
    if right.literal:
        text = rhs if isinstance(rhs, StringExpr) else lhs if isinstance(rhs, IntExpr) else None
        if isinstance(text, StringExpr):
            hint = 'only whole constants can be strings: const NAME = "text"'
            message = "a string is no operand of arithmetic"
            c.defer("StringInArithmeticExpression", message, text.start, text.end, label="a string", hint=hint)
            return IntExpr(0, start, end)
        if isinstance(rhs, IntExpr) and isinstance(lhs, IntExpr):
            return IntExpr(_compute(c, operator, lhs.value, rhs.value, start, end), start, end)
    return BinaryExpr(operator, lhs, rhs, start, end)


def _compute(c: Cursor, operator: str, left: int, right: int, start: int, end: int) -> int:
    if operator == "+":
        value = left + right
    elif operator == "-":
        value = left - right
    elif operator == "*":
        value = left * right
    elif right:
        value = left // right
    else:
        c.defer("DivisionByZero", "division by zero in a constant expression", start, end, label="the divisor is 0")
        value = 0
    return value % 2**64 % P


def _too_deep(c: Cursor) -> Exception:
    c.finish()
    message = f"parentheses are nested deeper than {c.max_depth} levels"
    return c.error("NestingLimitExceeded", message, c.starts[c.i], c.ends[c.i], label="one level too many")
