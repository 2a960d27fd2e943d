"""The stack limiter: makes a guest that recurses too deep trap at the same call on every machine. (fvm.md section 2.8.)

A global counts the height of the stack in units that depend on the code alone. Each direct call of a function of the module adds
the cost of the callee before and takes it off after; what is called from outside or through a table is called by way of a thunk
that does the same.

The cost of a function is 2 + the largest number of operands + the number of *groups* of locals, with the accounting of upstream:
code after `else` goes on from the height of the other branch, and in dead code the height may fall below that of its block.
"""

from __future__ import annotations

from miden.actors.runtimes.wasm import opcodes as op
from miden.actors.runtimes.wasm.binary import (
    ELEMENT,
    EXPORT,
    FUNCTION_KIND,
    GLOBAL,
    START,
    Body,
    Module,
    Reader,
    indices,
    signed,
    sized,
    unsigned,
    vector,
)
from miden.errors import FormatError

FRAME_COST = 2
_NEW_GLOBAL = bytes((op.I32, 1, op.I32_CONST, 0, op.END))


def limit_stack(module: Module, limit: int) -> None:
    """Rewrite a module, in place, so that a stack higher than `limit` traps; raises FormatError for code it cannot count."""
    height_global = _add_height(module)

    imported = module.imported_functions
    decoded = [body.instructions() for body in module.bodies]
    costs = [
        len(body.locals) + _max_height(module, imported + index, body, *decoded[index]) for index, body in enumerate(module.bodies)
    ]
    wrapped = [_wrapped_call(height_global, imported + index, cost, limit) for index, cost in enumerate(costs)]
    for body, (codes, starts) in zip(module.bodies, decoded, strict=True):
        _wrap_calls(body, codes, starts, wrapped, imported)
    _add_thunks(module, wrapped)


def _add_height(module: Module) -> int:
    """Add the global that counts, and return its number."""
    reader = module.reader(GLOBAL)
    count, start = reader.count(), reader.offset
    for _ in range(count):
        reader.take(2)
        reader.constant()
    reader.finish()
    module.sections[GLOBAL] = unsigned(count + 1) + reader.data[start:] + _NEW_GLOBAL
    return count


def _wrapped_call(height: int, callee: int, cost: int, limit: int) -> bytes:
    get, put = (bytes((opcode,)) + unsigned(height) for opcode in (op.GLOBAL_GET, op.GLOBAL_SET))
    by = bytes((op.I32_CONST,)) + signed(cost)
    grow = get + by + bytes((op.I32_ADD,)) + put
    check = get + bytes((op.I32_CONST,)) + signed(limit) + bytes((op.I32_GT_U, op.IF, op.EMPTY_BLOCK, op.UNREACHABLE, op.END))
    return grow + check + bytes((op.CALL,)) + unsigned(callee) + get + by + bytes((op.I32_SUB,)) + put


def _wrap_calls(body: Body, codes: list[int], starts: list[int], wrapped: list[bytes], imported: int) -> None:
    if op.CALL not in codes:
        return
    code, last = body.code, 0
    pieces: list[bytes] = []
    for index, opcode in enumerate(codes):
        if opcode != op.CALL:
            continue
        callee = Reader(code, starts[index] + 1).u32() - imported
        if callee >= 0:
            pieces += (code[last : starts[index]], wrapped[callee])
            last = starts[index + 1]
    pieces.append(code[last:])
    body.code = b"".join(pieces)


def _max_height(module: Module, function: int, body: Body, codes: list[int], starts: list[int]) -> int:
    """The largest number of operands of a function, the cost of a frame included."""
    code = body.code
    arity = len(module.type_of(function).results)
    height, highest, dead, base = FRAME_COST, 0, False, 0
    # Of each enclosing block: height at its start, whether the rest of it is dead, values at its end, values a branch takes along.
    frames: list[tuple[int, bool, int, int]] = []
    ends = branches = arity
    effects, control = op.EFFECTS, op.CONTROL

    def pop(count: int) -> None:
        nonlocal height
        if count == 0 or (dead and height == base):
            return
        if height == base or height < count:
            message = f"expected {count} operands in function {function}, found fewer"
            raise FormatError(message, offset=starts[index], kind="UnsupportedWasm")
        height -= count

    def branch_arity(depth: int) -> int:
        if depth == 0:
            return branches
        if depth > len(frames):
            raise FormatError("expected a branch to a block around it", offset=starts[index], kind="InvalidWasm")
        return frames[-depth][3]

    for index, opcode in enumerate(codes):
        if height > highest and not dead:
            highest = height
        if opcode not in control:
            taken, left = effects[opcode]
            if not dead and height >= base + taken:
                height += left - taken
            else:
                if opcode == op.SELECT:
                    pop(2)
                    taken = 1
                pop(taken)
                height += left
        elif opcode in (op.BLOCK, op.LOOP, op.IF):
            if opcode == op.IF:
                pop(1)
            frames.append((base, dead, ends, branches))
            ends = int(code[starts[index] + 1] != op.EMPTY_BLOCK)
            branches = 0 if opcode == op.LOOP else ends
            base, dead = height, False
        elif opcode == op.END:
            height = base + ends
            if not frames:
                if index != len(codes) - 1:
                    raise FormatError("expected the end of a function, found more code", offset=starts[index], kind="InvalidWasm")
                return highest
            base, dead, ends, branches = frames.pop()
        elif opcode == op.CALL or opcode == op.CALL_INDIRECT:
            target = Reader(code, starts[index] + 1).u32()
            if opcode == op.CALL_INDIRECT:
                pop(1)
                if target >= len(module.types):
                    raise FormatError(f"expected a type, found the number {target}", offset=starts[index], kind="InvalidWasm")
            kind = module.type_of(target) if opcode == op.CALL else module.types[target]
            pop(len(kind.params))
            height += len(kind.results)
        elif opcode == op.BR_IF:
            carried = branch_arity(Reader(code, starts[index] + 1).u32())
            pop(carried)
            pop(1)
            height += carried
        elif opcode == op.BR:
            pop(branch_arity(Reader(code, starts[index] + 1).u32()))
            dead = True
        elif opcode == op.BR_TABLE:
            reader = Reader(code, starts[index] + 1)
            targets = [*reader.vector(), reader.u32()]
            arities = {branch_arity(depth) for depth in targets}
            if len(arities) > 1:
                raise FormatError("expected targets that take as many values each", offset=starts[index], kind="UnsupportedWasm")
            pop(arities.pop())
            dead = True
        elif opcode == op.RETURN:
            pop(arity)
            dead = True
        elif opcode == op.UNREACHABLE:
            dead = True
    raise FormatError(f"expected function {function} to end", offset=len(code), kind="InvalidWasm")


def _add_thunks(module: Module, wrapped: list[bytes]) -> None:
    """Put a thunk before each function that is called from outside, from the start section, or through a table."""
    imported = module.imported_functions
    exports = _exports(module)
    segments = _segments(module)
    start = module.reader(START).u32() if START in module.sections else None
    called = {index for _, kind, index in exports if kind == FUNCTION_KIND}
    called.update(index for _, functions in segments for index in functions)
    if start is not None:
        called.add(start)

    thunks: dict[int, int] = {}
    for function in sorted(called):
        kind = module.type_of(function)
        if function < imported:
            continue
        arguments = b"".join(bytes((op.LOCAL_GET,)) + unsigned(index) for index in range(len(kind.params)))
        thunks[function] = len(module.functions)
        module.functions.append(module.functions[function])
        module.bodies.append(Body([], arguments + wrapped[function - imported] + bytes((op.END,))))

    if EXPORT in module.sections:
        module.sections[EXPORT] = vector([
            name + bytes((kind,)) + unsigned(thunks.get(index, index) if kind == FUNCTION_KIND else index) for name, kind, index in exports
        ])
    if ELEMENT in module.sections:
        module.sections[ELEMENT] = vector([
            head + indices([thunks.get(index, index) for index in functions]) for head, functions in segments
        ])
    if start is not None:
        module.sections[START] = unsigned(thunks.get(start, start))


def _exports(module: Module) -> list[tuple[bytes, int, int]]:
    """Triples of name with its length, kind, number."""
    reader = module.reader(EXPORT)
    found = [(sized(reader.take(reader.u32())), reader.byte(), reader.u32()) for _ in range(reader.count())]
    reader.finish()
    return found


def _segments(module: Module) -> list[tuple[bytes, list[int]]]:
    """Pairs of what stands before the functions of an element segment, and those functions."""
    reader, found = module.reader(ELEMENT), []
    for _ in range(reader.count()):
        begin = reader.offset
        flags = reader.u32()
        if flags > 3:
            raise FormatError(
                "expected functions by number in a table, found expressions",
                offset=begin,
                kind="UnsupportedWasm",
                hint="metering cannot price them",
            )
        if flags == 2:
            reader.u32()
        if not flags & 1:
            reader.constant()
        if flags and reader.byte() != 0:
            raise reader.error("expected functions in a table")
        found.append((reader.data[begin : reader.offset], reader.vector()))
    reader.finish()
    return found
