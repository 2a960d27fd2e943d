"""One instruction at a time: forms, immediates, folding. Driven by the table in `miden.assembly.mnemonics`.

`HANDLERS` maps the first token of an instruction to a function that consumes it all and appends what it becomes.
Instructions without any immediate are in `PLAIN` and handled by the block parser itself.
(assembly.md sections 3 and 4.)
"""

from __future__ import annotations

from miden.assembly.ast import ConstRef, Instruction
from miden.assembly.lexer import is_constant
from miden.assembly.mnemonics import MAX_PUSH, MNEMONICS, PAD_VALUES, REMOVED, SYNTHETIC
from miden.assembly.parser.literals import bounded, decimal, felt, is_word, out_of_range, string, u32, word
from miden.assembly.parser.names import target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.assembly.ast import Op
    from miden.assembly.parser.cursor import Cursor

    Handler = Callable[[Cursor, list[Op]], None]


def _constant(c: Cursor) -> ConstRef:
    i = c.i
    c.i = i + 1
    return ConstRef(c.texts[i], c.starts[i], c.ends[i])


# --- immediates by class --------------------------------------------------------------------------------------


def _felt(c: Cursor) -> int:
    return felt(c, "a number or a constant")


def _u32(c: Cursor) -> int:
    return u32(c, "a number or a constant")


def _u8(c: Cursor) -> int:
    return bounded(c, 0, 255, "a decimal number or a constant")


def _u16(c: Cursor) -> int:
    value = bounded(c, 0, 65535, "a decimal number or a constant")
    c.settle_before((".",))
    return value


def _shift(c: Cursor) -> int:
    start = c.starts[c.i]
    value = decimal(c, "a decimal number or a constant")
    if value > 31:
        out_of_range(c, 0, 31, value, start, c.end())
    return value


_READERS: dict[str, Callable[[Cursor], int]] = {"F": _felt, "I": _felt, "U32": _u32, "U16": _u16, "U8": _u8, "SH": _shift}


def _immediate(c: Cursor, read: Callable[[Cursor], int]) -> int | ConstRef:
    return _constant(c) if is_constant(c.texts[c.i]) else read(c)


# --- families of forms ----------------------------------------------------------------------------------------


def _optional(c: Cursor, ops: list[Op]) -> None:
    """``name`` or ``name.immediate``, with folding and splitting."""
    i = c.i
    start = c.starts[i]
    name = c.texts[i]
    row = MNEMONICS[name]
    c.i = i + 1
    if c.texts[i + 1] != ".":
        ops.append(Instruction(name, row.default, start, c.ends[i]))
        return
    c.i = i + 2
    value = _immediate(c, _READERS[row.forms[-1][0]])
    end = c.ends[c.i - 1]
    if isinstance(value, int):
        if value == 0 and row.rejects_zero:
            c.defer("DivisionByZero", f"`{name}` by zero", start, end, label="the divisor is 0")
            return
        folded = row.fold.get(value)
        if folded is not None:
            for other, args in folded:
                ops.append(Instruction(other, args, start, end))
            return
    if row.splits:
        ops.append(Instruction("push", (value,), start, end))
        ops.append(Instruction(name, (), start, end))
    else:
        ops.append(Instruction(name, (value,), start, end))


def _mandatory(c: Cursor, ops: list[Op]) -> None:
    """``name.immediate``."""
    start = c.starts[c.i]
    name = c.texts[c.i]
    c.i += 1
    c.expect(".")
    value = _immediate(c, _READERS[MNEMONICS[name].forms[0][0]])
    ops.append(Instruction(name, (value,), start, c.end()))


def _index(c: Cursor, ops: list[Op]) -> None:
    """``name`` if there is a default, or ``name.n`` with n within the bounds of the row."""
    i = c.i
    start = c.starts[i]
    row = MNEMONICS[c.texts[i]]
    c.i = i + 1
    if row.default and c.texts[i + 1] != ".":
        ops.append(Instruction(row.name, row.default, start, c.ends[i]))
        return
    c.expect(".")
    least, most = row.bounds or (0, 255)
    at = c.starts[c.i]
    value = decimal(c)
    end = c.end()
    if not least <= value <= most:
        out_of_range(c, least, most, value, at, end)
    ops.append(Instruction(row.name, (value,), start, end))


def _assertion(c: Cursor, ops: list[Op]) -> None:
    """``name`` or ``name.err="message"``."""
    i = c.i
    start = c.starts[i]
    name = c.texts[i]
    c.i = i + 1
    if c.texts[i + 1] != ".":
        ops.append(Instruction(name, (), start, c.ends[i]))
        return
    c.i = i + 2
    c.expect("err")
    c.expect("=")
    message: str | ConstRef
    message = _constant(c) if is_constant(c.texts[c.i]) else string(c, "a string or a constant")
    ops.append(Instruction(name, (message,), start, c.end()))


def _callee(c: Cursor, ops: list[Op]) -> None:
    """``name.target``."""
    start = c.starts[c.i]
    name = c.texts[c.i]
    c.i += 1
    c.expect(".")
    callee = target(c)
    ops.append(Instruction(name, (callee,), start, c.end()))


# --- instructions with forms of their own ---------------------------------------------------------------------


def _push(c: Cursor, ops: list[Op]) -> None:
    """``push.a.b.c``, ``push.word``, ``push.W[i]``, ``push.W[a..b]``."""
    texts = c.texts
    start = c.starts[c.i]
    c.i += 1
    c.expect(".")
    text = texts[c.i]
    if is_word(text):
        value = word(c, "a number, a word or a constant")
        if texts[c.i] == "[":
            _slice(c, ops, value, start)
        else:
            ops.append(Instruction("push", (value,), start, c.end()))
        return
    if is_constant(text) and texts[c.i + 1] == "[":
        _slice(c, ops, _constant(c), start)
        return
    first, count = start, 0
    while True:
        if count:
            start = c.starts[c.i]
        item: int | ConstRef
        item = _constant(c) if is_constant(texts[c.i]) else felt(c, "a number or a constant" if count else "a number, a word or a constant")
        ops.append(Instruction("push", (item,), start, c.ends[c.i - 1]))
        count += 1
        if texts[c.i] != ".":
            break
        c.i += 1
    if count > MAX_PUSH:
        c.defer("PushOverflow", f"`push` takes at most {MAX_PUSH} items, found {count}", first, c.end(), label="too many items")


def _slice(c: Cursor, ops: list[Op], value: object, start: int) -> None:
    c.expect("[")
    first = decimal(c)
    last = first + 1
    if c.texts[c.i] == "..":
        c.i += 1
        last = decimal(c)
    elif c.texts[c.i] != "]":
        raise c.unexpected("`]` or `..`")
    c.expect("]")
    ops.append(Instruction("push_slice", (value, first, last), start, c.end()))


def _exp_bits(c: Cursor, ops: list[Op]) -> None:
    """``exp.u8``; the token is ``exp.u``."""
    start = c.starts[c.i]
    c.i += 1
    at = c.starts[c.i]
    bits = decimal(c, "a number of bits")
    end = c.end()
    if bits > 255:
        out_of_range(c, 0, 255, bits, at, end)
    elif bits > 63:
        message = f"an exponent has 0..=63 bits, found {bits}"
        c.defer("InvalidLiteral", message, at, end, label="too many bits", detail="InvalidBitSize")
    ops.append(Instruction("exp.u", (bits,), start, end))


def _advice(c: Cursor, ops: list[Op]) -> None:
    """``adv.name``, ``adv.push_mapvaln.n``."""
    start = c.starts[c.i]
    c.i += 1
    c.expect(".")
    row = MNEMONICS.get("adv." + c.texts[c.i])
    if row is None:
        raise c.unexpected("one of " + ", ".join(name[4:] for name in MNEMONICS if name.startswith("adv.")))
    c.i += 1
    args = row.default
    if row.name == "adv.push_mapvaln" and c.texts[c.i] == ".":
        c.i += 1
        at = c.starts[c.i]
        padding = bounded(c, 0, 255, "a padding of 0, 4 or 8")
        if padding not in PAD_VALUES:
            c.defer("InvalidPadValue", f"values can be padded to 0, 4 or 8, found {padding}", at, c.end(), label="not a padding")
        args = (padding,)
    ops.append(Instruction(row.name, args, start, c.end()))


_DEBUG_READERS: dict[str, Callable[[Cursor], int]] = {"stack": _u8, "mem": _u32, "local": _u16, "adv_stack": _u16}


def _debug(c: Cursor, ops: list[Op]) -> None:
    """``debug.stack[.n]``, ``debug.mem[.a[.b]]``, ``debug.local[.a[.b]]``, ``debug.adv_stack[.n]``."""
    start = c.starts[c.i]
    c.i += 1
    c.expect(".")
    what = c.texts[c.i]
    read = _DEBUG_READERS.get(what)
    if read is None:
        raise c.unexpected("one of stack, mem, local, adv_stack")
    c.i += 1
    row = MNEMONICS["debug." + what]
    most = max(map(len, row.forms))
    args: list[int | ConstRef] = []
    while len(args) < most and c.texts[c.i] == ".":
        c.i += 1
        args.append(_immediate(c, read))
    if what == "mem" and len(args) == 1:
        args *= 2
    ops.append(Instruction(row.name, tuple(args) or row.default, start, c.end()))


def _emit(c: Cursor, ops: list[Op]) -> None:
    """``emit``, ``emit.EVENT``, ``emit.event("name")``."""
    i = c.i
    start = c.starts[i]
    c.i = i + 1
    args: tuple[object, ...] = ()
    if c.texts[i + 1] == ".":
        c.i = i + 2
        if c.texts[c.i] == "event":
            c.i += 1
            c.expect("(")
            args = ("event", string(c))
            c.expect(")")
        elif is_constant(c.texts[c.i]):
            args = (_constant(c),)
        else:
            raise c.unexpected('an event constant or event("name")')
    ops.append(Instruction("emit", args, start, c.end()))


def _removed(c: Cursor, _ops: list[Op]) -> None:
    """A mnemonic that is no more, with the operands it had."""
    i = c.i
    name, start = c.texts[i], c.starts[i]
    c.i = i + 1
    local = name.startswith("loc")
    if local:
        c.expect(".")
        _immediate(c, _u16)
    elif c.texts[c.i] == ".":
        c.i += 1
        _immediate(c, _u32)
    hint = f"use `{REMOVED[name]}`, or `{name}_le` for a word with element 0 on top"
    c.defer("DeprecatedInstruction", f"`{name}` has been removed", start, c.end(), label="no longer an instruction", hint=hint)


# --- dispatch -------------------------------------------------------------------------------------------------


def _make_handlers() -> tuple[dict[str, str], dict[str, Handler]]:
    plain: dict[str, str] = {}
    handlers: dict[str, Handler] = {}
    for name, row in MNEMONICS.items():
        first = row.forms[0] or (row.forms[1] if len(row.forms) > 1 else ())
        if "." in name or name in SYNTHETIC or name in ("push", "emit"):
            continue
        if not first:
            plain[name] = name
        elif first[0] in _READERS:
            handlers[name] = _mandatory if row.forms[0] else _optional
        else:
            handlers[name] = {"D8": _index, "ERR": _assertion, "T": _callee}[first[0]]
    handlers.update({"push": _push, "exp.u": _exp_bits, "adv": _advice, "debug": _debug, "emit": _emit})
    handlers.update(dict.fromkeys(REMOVED, _removed))
    return plain, handlers


PLAIN, HANDLERS = _make_handlers()
"""Instructions that never have an immediate; functions for the first tokens of all others."""
