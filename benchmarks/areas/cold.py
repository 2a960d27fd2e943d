"""Code that runs once, and programs so short that starting a run is most of it."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from harness import Case

import miden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Setting

TITLE = "Cold code and short programs"
OPERATIONS = 15_000
SHORT = "begin repeat.12 dup.1 add swap.2 dup.3 mul add.3 movup.4 end end"
"""About a hundred cycles."""
STACK = list(range(3, 19))


def straight(operations: int, seed: int = 1) -> str:
    """Return instructions that cannot fail and keep the depth: about so many operations."""
    numbers = random.Random(seed)
    depth_of = numbers.randrange
    pieces: tuple[tuple[int, Callable[[], str]], ...] = (
        (2, lambda: f"dup.{depth_of(12)} mul"),
        (3, lambda: f"dup.{depth_of(8)} movup.{2 + depth_of(6)} add"),
        (3, lambda: f"push.{numbers.randrange(2**63)} add movdn.{2 + depth_of(6)}"),
        (1, lambda: f"swap.{1 + depth_of(6)}"),
        (6, lambda: f"dup.{depth_of(8)} u32split drop dup.{depth_of(8)} u32split drop u32xor add"),
        (6, lambda: f"dup.{depth_of(8)} u32split drop dup.{depth_of(8)} u32split drop u32wrapping_add movup.5 drop"),
        (4, lambda: f"dup.{depth_of(8)} dup.{depth_of(8)} eq add"),
    )
    lines, count = [], 0
    while count < operations:
        cost, piece = pieces[numbers.randrange(len(pieces))]
        lines.append(piece())
        count += cost
    return "\n".join(lines)


def one_block(operations: int) -> str:
    """Return one long basic block."""
    return f"begin\n{straight(operations)}\nend\n"


def many_blocks(operations: int) -> str:
    """Return procedures of some operations and branches, each run once."""
    count = max(1, operations // 50)
    procedures = [
        f"proc step_{index}\n{straight(20, index)}\ndup.1 is_odd if.true\n{straight(20, -index)}\nelse\nadd.{index}\nend\nend"
        for index in range(count)
    ]
    return "\n".join(procedures) + "\nbegin\n" + "\n".join(f"exec.step_{index}" for index in range(count)) + "\nend\n"


def cold(setting: Setting, name: str, source: str) -> Case:
    """Return the case of a program that is new to the machine each time: decoding is inside the timer on our side."""
    program, reference = miden.assemble(source), setting.reference
    data = program.to_bytes()
    output = miden.execute(program, stack=STACK)
    if reference:
        answer = reference.run(source, STACK)
        if (list(output.stack), output.cycles) != (answer["stack"], answer["cycles"]):
            raise SystemExit(f"{name}: the results differ")

    def once() -> float:
        fresh = miden.Program.from_trusted_bytes(data)
        began = time.perf_counter_ns()
        miden.execute(fresh, stack=STACK)
        return float(time.perf_counter_ns() - began)

    def theirs() -> float:
        assert reference is not None
        return float(reference.run(source, STACK, bench=9, count_cycles=False)["bench_median_ns"])

    name = f"{output.cycles:,} cycles once, {name}"
    return Case(name, ours=lambda: sorted(once() for _ in range(9))[4], theirs=theirs if reference else None, bar=2.0, unit="run")


def short(setting: Setting) -> Case:
    """Return the case of one call of `execute`, set-up and result included; the reference's time is its loop alone."""
    program, reference, calls = miden.assemble(SHORT), setting.reference, setting.size(2000, 100)
    stack = miden.StackInputs(STACK)
    output = miden.execute(program, stack=stack)
    if reference and list(output.stack) != reference.run(SHORT, STACK)["stack"]:
        raise SystemExit("the short program: the results differ")

    def ours() -> float:
        began = time.perf_counter_ns()
        for _ in range(calls):
            miden.execute(program, stack=stack)
        return (time.perf_counter_ns() - began) / calls

    def theirs() -> float:
        assert reference is not None
        return float(reference.run(SHORT, STACK, bench=99, count_cycles=False)["bench_median_ns"])

    name = f"a program of {output.cycles} cycles, one call of execute"
    return Case(name, ours, theirs if reference else None, "absolute", bar=10_000.0, unit="call")


def collect(setting: Setting) -> Iterator[Case]:
    """Yield two shapes of a program that is run once, and a short program."""
    operations = setting.size(OPERATIONS, 500)
    yield cold(setting, "one block", one_block(operations))
    yield cold(setting, "procedures and branches", many_blocks(operations))
    yield short(setting)
