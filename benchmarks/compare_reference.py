"""Measure cycles per second of loops beside the reference's fast processor, in turn, in one run.

usage: python benchmarks/compare_reference.py [--reference PATH] [--kinds field,u32,...] [--cycles N] [--rounds N] [--json FILE]

Outputs and cycles are compared with the reference's before anything is timed; see benchmarks/README.md for the method.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from loops import INPUTS, LOOPS

import miden

if TYPE_CHECKING:
    from types import TracebackType

SMALL = 12
"""Iterations of the run whose cycles are compared; the reference counts them with its tracing processor."""


class Reference:
    """The harness around the reference: one JSON request a line, one answer a line."""

    def __init__(self, path: str) -> None:
        self._process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()

    def ask(self, source: str, stack: list[int], *, bench: int = 0, count_cycles: bool = True) -> dict[str, Any]:
        """Run a program (stack top first); `bench` asks for the time of so many runs."""
        run = {"stack": stack[::-1], "no_cycles": not count_cycles}
        request = {"op": "program", "source": source, "run": run, "bench": bench}
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise SystemExit("the reference harness has no pipes")
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        if "error" in answer or "run_error" in answer:
            raise SystemExit(f"the reference says: {answer.get('error') or answer['run_error']}")
        return answer


def inputs(iterations: int) -> list[int]:
    """Return the stack of a run, top first."""
    return [iterations, *INPUTS]


def timed(program: miden.Program, stack: list[int], backend: str, limits: miden.Limits) -> tuple[float, miden.ExecutionOutput]:
    """Return nanoseconds and output of one run, making of the machine included."""
    began = time.perf_counter_ns()
    output = miden.execute(program, stack=stack, backend=backend, limits=limits)
    return float(time.perf_counter_ns() - began), output


def check(kind: str, program: miden.Program, reference: Reference | None, backend: str) -> None:
    """Compare a short run with the reference's, or stop."""
    output = miden.execute(program, stack=inputs(SMALL), backend=backend)
    if reference is not None:
        answer = reference.ask(LOOPS[kind], inputs(SMALL))
        if (list(output.stack), output.cycles) != (answer["stack"], answer["cycles"]):
            found, expected = f"{output.stack} after {output.cycles}", f"{answer['stack']} after {answer['cycles']}"
            raise SystemExit(f"{kind}: got {found}, the reference has {expected}")


def measure(kind: str, reference: Reference | None, backend: str, cycles: int, rounds: int) -> dict[str, Any]:
    """Return medians and spread of one loop."""
    program = miden.assemble(LOOPS[kind])
    check(kind, program, reference, backend)
    limits = miden.Limits(max_cycles=2**32 - 1)
    short, longer = (miden.execute(program, stack=inputs(n), backend=backend).cycles for n in (SMALL, 2 * SMALL))
    iterations = max(SMALL, cycles * SMALL // (longer - short))
    stack = inputs(iterations)
    _, output = timed(program, stack, backend, limits)
    if reference is not None and list(output.stack) != reference.ask(LOOPS[kind], stack, count_cycles=False)["stack"]:
        raise SystemExit(f"{kind}: the outputs of the long run differ")
    ours, theirs = [], []
    for _ in range(rounds):
        # the best of a few runs on both sides: what a round compares is the machine, not what else it was doing
        ours.append(min(timed(program, stack, backend, limits)[0] for _ in range(3)))
        if reference is not None:
            theirs.append(float(reference.ask(LOOPS[kind], stack, bench=3, count_cycles=False)["bench_min_ns"]))
    ours_mhz = output.cycles * 1e3 / statistics.median(ours)
    row: dict[str, Any] = {"kind": kind, "cycles": output.cycles, "iterations": iterations, "ours_mhz": ours_mhz}
    if theirs:
        ratios = sorted(their / our for our, their in zip(ours, theirs, strict=True))
        row["reference_mhz"] = output.cycles * 1e3 / statistics.median(theirs)
        row["ratio"] = statistics.median(ratios)
        row["ratio_low"], row["ratio_high"] = ratios[0], ratios[-1]
    return row


def main() -> int:
    """Measure, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("MIDEN_REFERENCE")
    parser.add_argument("--reference", default=default, metavar="PATH", help="the harness; MIDEN_REFERENCE by default")
    parser.add_argument("--kinds", default=",".join(LOOPS), help="loops to run, separated by commas")
    parser.add_argument("--backend", default="core", choices=["core", "pure"])
    parser.add_argument("--cycles", type=int, default=4_000_000, help="about how many cycles one run takes")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    arguments = parser.parse_args()
    kinds = arguments.kinds.split(",")
    unknown = [kind for kind in kinds if kind not in LOOPS]
    if unknown:
        parser.error(f"there is no loop {unknown[0]!r}; there are {', '.join(LOOPS)}")
    reference = None
    if arguments.reference and Path(arguments.reference).is_file():
        reference = Reference(arguments.reference)
    else:
        print("no reference harness (--reference or MIDEN_REFERENCE): measuring our side only")
    print(f"{'loop':<8} {'cycles':>12} {'reference MHz':>14} {'ours MHz':>9} {'ratio':>6} {'spread':>13}")
    rows = []
    for kind in kinds:
        row = measure(kind, reference, arguments.backend, arguments.cycles, arguments.rounds)
        rows.append(row)
        text = f"{kind:<8} {row['cycles']:>12,} "
        if reference is not None:
            spread = f"{row['ratio_low']:.2f} - {row['ratio_high']:.2f}"
            text += f"{row['reference_mhz']:>14.1f} {row['ours_mhz']:>9.1f} {row['ratio']:>6.2f} {spread:>13}"
        else:
            text += f"{'-':>14} {row['ours_mhz']:>9.1f}"
        print(text, flush=True)
    if reference is not None:
        with reference:
            pass
    if arguments.json:
        machine = {"platform": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()}
        document = {"machine": machine, "backend": arguments.backend, "rounds": arguments.rounds, "loops": rows}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
