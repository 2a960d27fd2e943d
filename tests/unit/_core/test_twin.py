"""Random forests on both machines: the core in random slices, the pure one at once. Everything observable agrees."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miden.isa import IMMEDIATE_OPS, OP, OPERATIONS, PUSH
from miden.status import FIRST_FAULT, Status
from tests.support.columns import Columns
from tests.support.machines import EDGES, Backend, P, needs_core

pytestmark = needs_core

PLAIN = sorted(opcode for opcode, row in OPERATIONS.items() if row.family != "control")
WILD = ("ASSERT", "CSWAP", "CSWAPW")
TAME = [opcode for opcode in PLAIN if OPERATIONS[opcode].family in ("stack", "system") and OPERATIONS[opcode].name not in WILD] + [
    OP[name] for name in ("ADD", "MUL", "NEG", "INCR", "EQ", "EQZ", "EXT2MUL", "EXPACC", "U32SPLIT", "ADVPOP", "HPERM", "MLOAD", "MSTORE")
]
LIBRARY_DIGESTS = [(index, 5, 5, 5) for index in range(3)]


def some_felt(generator: random.Random) -> int:
    kind = generator.randrange(4)
    if kind == 0:
        return generator.choice(EDGES)
    return generator.randrange(P) if kind == 1 else generator.randrange(2**32) if kind == 2 else generator.randrange(0, 64)


def some_block(forest: Columns, generator: random.Random, digest: tuple[int, int, int, int] | None = None) -> int:
    choice = TAME if generator.random() < 0.9 else PLAIN
    count = generator.choice((1, 2, 5, 9, 20, 80, 150))
    opcodes = bytearray()
    immediates: list[int] = []
    for _ in range(count):
        opcode = PUSH if generator.random() < 0.3 else generator.choice(choice)
        if OPERATIONS[opcode].family in ("memory", "u32") and generator.random() < 0.9:
            for _ in range(2):  # operands that often fit
                opcodes.append(PUSH)
                immediates.append(generator.choice((4 * generator.randrange(40), generator.randrange(2**32), 2**32 - 4, 1)))
        opcodes.append(opcode)
        if opcode in IMMEDIATE_OPS:
            immediates.append(some_felt(generator))
    if generator.random() < 0.9:  # leave no more than there was
        opcodes += bytes([OP["DROP"]]) * max(0, sum(OPERATIONS[opcode].delta for opcode in opcodes))
    return forest.raw_block(bytes(opcodes), immediates, digest=digest)


def some_forest(generator: random.Random) -> Columns:
    forest = Columns()
    nodes = [some_block(forest, generator) for _ in range(generator.randrange(1, 4))]
    for digest in generator.sample(LIBRARY_DIGESTS, generator.randrange(3)):
        nodes.append(forest.external(digest))
    for _ in range(generator.randrange(1, 14)):
        kind = generator.randrange(9)
        a, b = generator.choice(nodes), generator.choice(nodes)
        if kind < 3:
            node = forest.join(a, b)
        elif kind == 3:
            node = forest.join(forest.block(f"push.{generator.choice((0, 1, 1, 2))}"), forest.split(a, b))
        elif kind == 4:
            # as many turns as there are ones on the stack: two, here
            node = forest.join(forest.block("push.0 push.1 push.1"), forest.loop(forest.join(forest.block("noop"), forest.block("noop"))))
        elif kind == 5:
            node = forest.call(a)
        elif kind == 6:
            node = forest.syscall(forest.root(a))
        else:
            callee = generator.choice([*LIBRARY_DIGESTS, forest.digest(a)])
            if generator.random() < 0.5:
                forest.root(a)
            pushes = " ".join(f"push.{element}" for element in callee)
            address = generator.choice((40, 44, 1000, 2**32 - 8))
            store = forest.block(f"{pushes} push.{address} mstorew drop*4 push.{address}")
            node = forest.join(store, forest.dyn() if kind == 7 else forest.dyncall())
        nodes.append(node)
    top = nodes[-1]
    for node in generator.sample(nodes, min(3, len(nodes))):
        top = forest.join(top, node)
    return forest


def some_library(generator: random.Random) -> Columns:
    library = Columns()
    for digest in LIBRARY_DIGESTS:
        library.root(some_block(library, generator, digest=digest))
    return library


def drive(machine: Any, library: Any, next_slice: Any) -> tuple[list[tuple[int, ...]], tuple[Any, ...]]:
    """Run to the end with answers that depend on the question only; return what was asked, and how it ended."""
    log: list[tuple[int, ...]] = []
    while True:
        status = machine.run(next_slice())
        if status in (Status.EXTERNAL, Status.DYN):  # the core remembers, the pure machine asks again
            root = library.find_root(machine.request_digest)
            if root < 0:
                root = 0
            machine.enter(library, root)
        elif status in (Status.MERKLE_VERIFY, Status.MERKLE_UPDATE):
            depth = machine.stack_get(4)
            log.append((status, machine.clk, depth, machine.op_index))
            if depth > 8:
                break
            machine.supply_path(b"".join((level + 1).to_bytes(8, "little") * 4 for level in range(depth)))
        elif status == Status.EVENT:
            log.append((status, machine.clk, machine.stack_get(0), machine.node_id, machine.op_index))
            machine.advice_push([machine.clk, 2, 3])
        elif status == Status.DECORATOR:
            log.append((status, machine.clk, machine.decorator_slot, machine.node_id, machine.op_index))
        elif status == Status.DONE or status >= FIRST_FAULT:
            break
    ending = (Status(status), machine.clk, machine.ctx, machine.node_id, machine.op_index, machine.fault_values, machine.transcript)
    return log, ending


def compare(seed: int) -> Status:
    generator = random.Random(seed)
    forest, library = some_forest(generator), some_library(generator)
    kernel = b"".join(forest.digest_bytes(root) for root in forest.root_ids if generator.random() < 0.9)
    debug = generator.random() < 0.3
    flags = [bytes(generator.randrange(8) for _ in columns.records) for columns in (forest, library)]
    inputs: dict[str, Any] = {
        "kernel": kernel,
        "stack": [some_felt(generator) for _ in range(generator.randrange(17))],
        "advice": [some_felt(generator) for _ in range(generator.choice((0, 3, 40)))],
        "max_cycles": generator.choice((20, 300, 5000, 5000)),
        "max_stack": generator.choice((16, 17, 20, 60, 2**20)),
        "max_memory": generator.choice((0, 4, 16, 200, 2**26)),
        "max_continuations": generator.choice((3, 6, 10, 2**20)),
        "debug": debug,
    }
    if generator.random() < 0.7:
        inputs |= {"max_cycles": 20000, "max_stack": 2**20, "max_memory": 2**26, "max_continuations": 2**20}
    budget = generator.choice((1, 2, 7, 50))
    results = []
    for name in ("pure", "core"):
        backend = Backend(name)
        code, helper = backend.code(forest), backend.code(library)
        if debug:
            code.set_decorators(flags[0])
            helper.set_decorators(flags[1])
        machine = backend.machine(code, len(forest.records) - 1, **inputs)
        slices = random.Random(seed)
        next_slice = (lambda: 10**6) if name == "pure" else (lambda slices=slices: slices.randrange(budget + 1))
        log, ending = drive(machine, helper, next_slice)
        results.append((log, ending, machine.snapshot()))
    assert results[0] == results[1]
    status: Status = results[0][1][0]
    return status


@settings(max_examples=150)
@given(st.integers(0, 2**40))
def test_both_machines_agree_on_random_forests(seed: int) -> None:
    compare(seed)


@pytest.mark.slow
@pytest.mark.property
@pytest.mark.parametrize("start", range(0, 8000, 1000))
def test_both_machines_agree_on_thousands_of_random_forests(start: int) -> None:
    endings = {compare(seed) for seed in range(start, start + 1000)}
    assert Status.DONE in endings
    assert len(endings) > 8
