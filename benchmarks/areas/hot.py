"""Loops of one kind of instruction, and programs that were not written for this: cycles of the virtual machine per second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from harness import ROOT, Case, geometric_mean

import miden
from areas.loops import INPUTS, LOOPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Setting

TITLE = "Hot loops, time per cycle"
SMALL = 12
"""Iterations of the run whose cycles are compared; the reference counts them with its tracing processor."""
BEST_OF = 9
"""Runs of a round on each side. They are short: on a busy machine long ones are interrupted, which would favour the faster side."""
LIMITS = miden.Limits(max_cycles=2**32 - 1)
BARS = dict.fromkeys(("field", "u32", "stack", "memory", "words", "branch"), 6.0) | {"call": 5.0, "hash": 1.3}

BLAKE3 = """use miden::core::crypto::hashes::blake3
use miden::core::sys
begin
    push.1
    while.true
        movdn.8 exec.blake3::hash
        movup.8 sub.1 dup neq.0
    end
    exec.sys::truncate_stack
end
"""
SHA256 = BLAKE3.replace("blake3", "sha256")


def execute(program: miden.Program, stack: list[int]) -> tuple[float, miden.ExecutionOutput]:
    """Return nanoseconds and output of one run, making of the machine included."""
    began = time.perf_counter_ns()
    output = miden.execute(program, stack=stack, backend="core", limits=LIMITS)
    return float(time.perf_counter_ns() - began), output


def load(setting: Setting, source: str, corelib: str) -> miden.Program:
    """Return the program; with the core library linked, as the reference assembles it."""
    if not corelib or setting.reference is None:
        return miden.assemble(source)
    answer = setting.reference.ask("program", source=source, corelib=corelib, bytes=True)
    return miden.Program.from_bytes(bytes.fromhex(answer["bytes"]))


def checked(setting: Setting, name: str, source: str, stack: list[int], corelib: str = "", *, count_cycles: bool = True) -> int:
    """Compare outputs, and cycles if asked to, with the reference's, and return the cycles; or stop."""
    output = execute(load(setting, source, corelib), stack)[1]
    if setting.reference:
        answer = setting.reference.run(source, stack, corelib=corelib, count_cycles=count_cycles)
        cycles = answer["cycles"] if count_cycles else output.cycles
        if (list(output.stack), output.cycles) != (answer["stack"], cycles):
            raise SystemExit(f"{name}: got {output.stack} after {output.cycles}, the reference {answer['stack']} after {cycles}")
    return output.cycles


def case(setting: Setting, name: str, source: str, stack: list[int], corelib: str = "", bar: float | None = None) -> Case:
    """Return the case of one program with one input, after comparing what it leaves."""
    cycles, reference = checked(setting, name, source, stack, corelib, count_cycles=False), setting.reference
    program = load(setting, source, corelib)

    def theirs() -> float:
        assert reference is not None
        return float(reference.run(source, stack, corelib=corelib, bench=BEST_OF, count_cycles=False)["bench_min_ns"])

    return Case(
        name,
        ours=lambda: min(execute(program, stack)[0] for _ in range(BEST_OF)),
        theirs=theirs if reference else None,
        bar=bar,
        count=cycles,
        unit="cycle",
    )


def loop(setting: Setting, name: str, source: str, below: list[int], cycles: int, corelib: str = "", bar: float | None = None) -> Case:
    """Return the case of a program whose stack starts with a number of iterations: as many as take about `cycles`."""
    short, longer = (checked(setting, name, source, [n, *below], corelib) for n in (SMALL, 2 * SMALL))
    return case(setting, name, source, [max(SMALL, cycles * SMALL // (longer - short)), *below], corelib, bar)


def collect(setting: Setting) -> Iterator[Case]:
    """Yield the loops, then programs of the examples and of the core library."""
    cycles = setting.size(500_000, 20_000)
    for kind, source in LOOPS.items():
        yield loop(setting, kind, source, INPUTS, cycles // 4 if kind == "hash" else cycles, bar=BARS.get(kind))
    examples = {name: (ROOT / "examples" / f"{name}.masm").read_text(encoding="utf-8") for name in ("fibonacci", "primes")}
    yield loop(setting, "examples/fibonacci", examples["fibonacci"], [], cycles)
    yield case(setting, "examples/primes", examples["primes"], [setting.size(100_000, 1000)])
    if setting.reference:
        for name, source in (("blake3", BLAKE3), ("sha256", SHA256)):
            yield loop(setting, f"core library, {name}", source, list(range(1, 9)), cycles, "static")


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the mean over the six plain kinds."""
    plain = ("field", "u32", "stack", "memory", "words", "branch")
    return geometric_mean([row for row in rows if row["name"] in plain], "geometric mean of six plain kinds", 10.0)
