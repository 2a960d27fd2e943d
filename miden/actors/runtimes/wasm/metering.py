"""Gas for guest instructions: each stretch of code that runs whole or not at all pays for itself at its head. (fvm.md section 2.8.)

An imported global, `gas.gas_counter`, holds what is left in milligas; a small function takes a price off and traps below zero.
Copying, filling and growing pay by their operand, at once if a constant stands right before them.
"""

from __future__ import annotations

from typing import NamedTuple

from miden.actors.runtimes.wasm import opcodes as op
from miden.actors.runtimes.wasm.binary import (
    DATA,
    EXPORT,
    GLOBAL_KIND,
    IMPORT,
    Body,
    FunctionType,
    Module,
    Reader,
    read_signed,
    signed,
    sized,
    unsigned,
    vector,
)
from miden.errors import FormatError

GAS_MODULE, GAS_GLOBAL = "gas", "gas_counter"


class InstructionPrices(NamedTuple):
    """Prices in milligas: of an instruction that is not free, of a byte copied, of a byte filled or grown."""

    instruction: int = 4000
    copied_byte: int = 400
    filled_byte: int = 400


class _Costs:
    """The prices as tables by opcode: what is fixed, and what a unit of the topmost operand costs."""

    def __init__(self, prices: InstructionPrices) -> None:
        self.fixed = {opcode: 0 if opcode in op.FREE else prices.instruction for opcode in op.EFFECTS.keys() | op.CONTROL}
        self.linear = {opcode: prices.copied_byte * size for opcode, size in op.COPIED.items()}
        self.linear |= {opcode: prices.filled_byte * size for opcode, size in op.FILLED.items()}
        self.linear = {opcode: price for opcode, price in self.linear.items() if price}


def meter(module: Module, prices: InstructionPrices) -> None:
    """Rewrite a module, in place, so that it pays for its instructions; raises FormatError for code that has no price."""
    if module.imported_globals:
        message, hint = "expected no imported globals, found some", "a guest imports functions only"
        raise FormatError(message, offset=0, kind="UnsupportedWasm", hint=hint)
    _check_offsets(module)
    costs = _Costs(prices)
    charge = bytes((op.CALL,)) + unsigned(len(module.functions))
    for index, body in enumerate(module.bodies):
        params = len(module.type_of(module.imported_functions + index).params)
        _meter_body(body, params, charge, costs)
    _import_gas(module)
    module.functions.append(module.type_number(FunctionType(bytes((op.I64,)), b"")))
    module.bodies.append(Body([], _CHARGE))


_CHARGE = bytes((
    op.GLOBAL_GET, 0, op.LOCAL_GET, 0, op.I64_SUB, op.GLOBAL_SET, 0,
    op.GLOBAL_GET, 0, op.I64_CONST, 0, op.I64_LT_S, op.IF, op.EMPTY_BLOCK, op.UNREACHABLE, op.END, op.END,
))  # fmt: skip


def _import_gas(module: Module) -> None:
    """Make the gas global number 0; the globals of the module move up by one."""
    reader = module.reader(IMPORT)
    count = reader.count()
    entry = sized(GAS_MODULE.encode()) + sized(GAS_GLOBAL.encode()) + bytes((GLOBAL_KIND, op.I64, 1))
    module.sections[IMPORT] = unsigned(count + 1) + reader.data[reader.offset :] + entry
    module.imported_globals = 1
    if EXPORT in module.sections:
        reader = module.reader(EXPORT)
        exports = []
        for _ in range(reader.count()):
            name, kind, index = reader.take(reader.u32()), reader.byte(), reader.u32()
            exports.append(sized(name) + bytes((kind,)) + unsigned(index + (kind == GLOBAL_KIND)))
        module.sections[EXPORT] = vector(exports)


def _check_offsets(module: Module) -> None:
    reader = module.reader(DATA)
    for _ in range(reader.count()):
        flags = reader.u32()
        if flags == 2:
            reader.u32()
        if flags != 1 and reader.constant()[0] != op.I32_CONST:
            raise reader.error("expected a constant where data goes")
        reader.take(reader.u32())
    reader.finish()


def _meter_body(body: Body, params: int, charge: bytes, costs: _Costs) -> None:
    code = body.code
    codes, starts = body.instructions()
    blocks, linear = _metered_blocks(code, codes, starts, costs)
    inserted = {position: bytes((op.I64_CONST,)) + signed(cost) + charge for position, cost in blocks}
    if len(inserted) != len(blocks):
        raise FormatError("expected one price for each stretch of code", offset=0, kind="UnsupportedWasm")
    if linear:
        spare = unsigned(params + sum(count for count, _ in body.locals))
        body.locals.append((1, op.I32))
        for position, price in linear:
            # The operand is read as unsigned: a negative size costs what its bits say, which no guest can pay.
            inserted[position] = (
                inserted.get(position, b"")
                + bytes((op.LOCAL_TEE,)) + spare + bytes((op.LOCAL_GET,)) + spare
                + bytes((op.I64_EXTEND_I32_U, op.I64_CONST)) + signed(price) + bytes((op.I64_MUL,)) + charge
            )  # fmt: skip
    globals_moved = [index for index, opcode in enumerate(codes) if opcode in (op.GLOBAL_GET, op.GLOBAL_SET)]
    pieces: list[bytes] = []
    last = 0
    for index in sorted(inserted.keys() | globals_moved):
        start = starts[index]
        pieces += (code[last:start], inserted.get(index, b""))
        last = start
        if codes[index] in (op.GLOBAL_GET, op.GLOBAL_SET):
            pieces += (code[start : start + 1], unsigned(Reader(code, start + 1).u32() + 1))
            last = starts[index + 1]
    pieces.append(code[last:])
    body.code = b"".join(pieces)


class _Block:
    """A block of the source: the stretch of code that is being priced in it, and the outermost block it may jump out of."""

    __slots__ = ("cost", "is_loop", "lowest", "start")

    def __init__(self, depth: int, start: int, is_loop: bool) -> None:
        self.lowest = depth
        self.start = start
        self.cost = 0
        self.is_loop = is_loop


class _Stretches:
    """Cuts a function into stretches; of those that are done, `done` keeps (first instruction, cost)."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self.done: list[tuple[int, int]] = []

    def open(self, start: int, is_loop: bool) -> None:
        self.blocks.append(_Block(len(self.blocks), start, is_loop))

    def close(self, cursor: int) -> None:
        self.cut(cursor)
        closed = self.blocks.pop()
        if self.blocks:
            around = self.blocks[-1]
            around.lowest = min(around.lowest, closed.lowest)
            if closed.lowest < len(self.blocks):
                self.cut(cursor)

    def cut(self, cursor: int) -> None:
        """End the stretch before the instruction after `cursor`; one that began with its parent's is paid there."""
        block = self.blocks[-1]
        start, cost = block.start, block.cost
        block.start, block.cost = cursor + 1, 0
        if len(self.blocks) > 1 and self.blocks[-2].start == start:
            self.blocks[-2].cost += cost
        elif cost:
            self.done.append((start, cost))

    def branch(self, cursor: int, depths: list[int]) -> None:
        self.cut(cursor)
        top = len(self.blocks) - 1
        for depth in depths:
            if depth > top:
                raise FormatError("expected a branch to a block around it", offset=cursor, kind="InvalidWasm")
            if not self.blocks[top - depth].is_loop:
                self.blocks[-1].lowest = min(self.blocks[-1].lowest, top - depth)


def _metered_blocks(code: bytes, codes: list[int], starts: list[int], costs: _Costs) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Pairs (instruction, cost) of stretches, and pairs (instruction, price of a unit) of what pays by its operand."""
    stretches = _Stretches()
    stretches.open(0, False)
    blocks = stretches.blocks
    fixed, per_unit = costs.fixed, costs.linear
    linear: list[tuple[int, int]] = []
    control = op.CONTROL - {op.CALL, op.CALL_INDIRECT, op.UNREACHABLE}
    for cursor, opcode in enumerate(codes):
        if not blocks:
            raise FormatError("expected the end of a function, found more code", offset=starts[cursor], kind="InvalidWasm")
        block = blocks[-1]
        block.cost += fixed[opcode]
        if opcode in per_unit:
            if cursor and codes[cursor - 1] == op.I32_CONST:
                operand = read_signed(code, starts[cursor - 1] + 1)
                if operand < 0:
                    raise FormatError("expected a size, found a negative constant", offset=starts[cursor], kind="UnsupportedWasm")
                block.cost += operand * per_unit[opcode]
            else:
                linear.append((cursor, per_unit[opcode]))
        elif opcode not in control:
            continue
        elif opcode == op.BLOCK:
            stretches.open(block.start, False)
        elif opcode == op.IF:
            stretches.open(cursor + 1, False)
        elif opcode == op.LOOP:
            stretches.open(cursor + 1, True)
        elif opcode == op.END:
            stretches.close(cursor)
        elif opcode == op.ELSE:
            stretches.cut(cursor)
        elif opcode == op.RETURN:
            stretches.branch(cursor, [len(blocks) - 1])
        elif opcode == op.BR_TABLE:
            # The default target is left out, as it is upstream.
            stretches.branch(cursor, Reader(code, starts[cursor] + 1).vector())
        else:
            stretches.branch(cursor, [Reader(code, starts[cursor] + 1).u32()])
    return stretches.done, linear

