"""Bodies: instructions and nested if, while and repeat, with an explicit stack of open blocks. (assembly.md 2, 6.4.)"""

from __future__ import annotations

from miden.assembly.ast import If, Instruction, Repeat, While
from miden.assembly.parser.instructions import HANDLERS, PLAIN
from miden.assembly.parser.literals import decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.ast import Op
    from miden.assembly.parser.cursor import Cursor

MAX_BLOCK = 65535
"""Operations of one block after folding, a nested block counting as one."""

_OPERATION = "an instruction, `if`, `while`, `repeat` or `end`"


class _Open:
    """An open if, while or repeat, and the block around it that waits."""

    __slots__ = ("before", "condition", "count", "first", "kind", "ops", "start")

    def __init__(self, kind: str, start: int, ops: list[Op], first: int) -> None:
        self.kind = kind
        self.start = start
        self.ops = ops
        self.first = first
        self.condition = True
        self.count = 0
        # of an if whose else has begun: the operations before it, empty if there were none at all
        self.before: list[Op] | None = None


def body(c: Cursor) -> list[Op]:
    """Consume operations up to the `end` that closes them, and return them; at least one is needed.

    Afterwards the next token is what follows `end`.
    """
    texts, starts, ends = c.texts, c.starts, c.ends
    plain, handlers = PLAIN.get, HANDLERS.get
    stack: list[_Open] = []
    ops: list[Op] = []
    first = i = c.i
    while True:
        text = texts[i]
        name = plain(text)
        if name is not None:
            ops.append(Instruction(name, (), starts[i], ends[i]))
            i += 1
            continue
        handler = handlers(text)
        if handler is not None:
            c.i = i
            handler(c, ops)
            i = c.i
            continue
        c.i = i
        if text == "if" or text == "while" or text == "repeat":
            if len(stack) >= c.max_depth:
                raise _too_deep(c)
            stack.append(_open(c, text, ops, first))
            ops = []
            first = i = c.i
        elif text == "else" and stack and stack[-1].kind == "if" and stack[-1].before is None:
            if i > first:
                _check_size(c, ops, first)
            stack[-1].before = ops
            stack[-1].count = i - first
            ops = []
            c.i = first = i = i + 1
        elif text == "end":
            block = stack[-1] if stack else None
            if i == first and (block is None or block.before is None or not block.count):
                raise c.unexpected("an instruction")
            if i > first:
                _check_size(c, ops, first)
            if block is None:
                c.i = i + 1
                return ops
            stack.pop()
            c.opened.pop()
            c.i = i = i + 1
            closed = _close(c, block, ops, i - 1 > first)
            ops, first = block.ops, block.first
            ops.append(closed)
        else:
            if text == "else" and stack and i > first:
                _check_size(c, ops, first)
            c.settle_before(("else",))
            raise c.unexpected(_OPERATION if i > first else "an instruction")


def _open(c: Cursor, kind: str, ops: list[Op], first: int) -> _Open:
    start = c.starts[c.i]
    block = _Open(kind, start, ops, first)
    c.i += 1
    c.expect(".")
    if kind == "repeat":
        block.count = decimal(c)
    elif kind == "while":
        c.expect("true")
    else:
        text = c.texts[c.i]
        if text not in ("true", "false"):
            raise c.unexpected("`true` or `false`")
        block.condition = text == "true"
        c.i += 1
    c.opened.append(start)
    return block


def _close(c: Cursor, block: _Open, ops: list[Op], filled: bool) -> Op:
    start, end = block.start, c.end()
    if block.kind == "while":
        return While(ops, start, end)
    if block.kind == "repeat":
        if not 1 <= block.count < 2**32:
            message = f"a block can be repeated 1..={2**32 - 1} times, found {block.count}"
            c.defer("ImmediateOutOfRange", message, start, end, label="cannot be repeated so often")
        return Repeat(block.count, ops, start, end)
    nop: list[Op] = [Instruction("nop", (), start, end)]
    if block.before is None:
        branches = ops, nop
    else:
        branches = (block.before if block.count else nop), (ops if filled else nop)
    if not block.condition:
        branches = branches[1], branches[0]
    return If(*branches, start, end)


def _check_size(c: Cursor, ops: list[Op], first: int) -> None:
    """Check the size of the block that starts with token `first` and ends before the next token."""
    if len(ops) > MAX_BLOCK:
        message = f"a block has at most {MAX_BLOCK} operations, found {len(ops)}"
        hint = "move part of it to a procedure and `exec` it"
        c.defer("CodeBlockTooBig", message, c.starts[first], c.end(), label="this block", hint=hint)


def _too_deep(c: Cursor) -> Exception:
    c.finish()
    message = f"blocks are nested deeper than {c.max_depth} levels"
    return c.error("NestingLimitExceeded", message, c.starts[c.i], c.ends[c.i], label="one level too many")
