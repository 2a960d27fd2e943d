"""Measure how long the reference's core library takes to load, beside the reference, in turn, in one run.

usage: python benchmarks/load_library.py --reference PATH [--rounds N]

Untrusted (every digest recomputed) and trusted (hashing skipped) on our side; the reference only knows its one way,
which believes the digests. Bars: untrusted at most 1.0 of the reference's time (goal 0.6), trusted at most 0.1.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import time
from typing import TYPE_CHECKING, Any

import miden

if TYPE_CHECKING:
    from collections.abc import Callable

BARS = {"untrusted": 1.0, "trusted": 0.1}
REPEATS = 20
"""Loads whose median is one round's time, on both sides."""


def ask(process: subprocess.Popen[str], **request: object) -> dict[str, Any]:
    """Send one request to the harness."""
    if process.stdin is None or process.stdout is None:
        raise SystemExit("the reference harness has no pipes")
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    if "error" in answer:
        raise SystemExit(f"the reference says: {answer['error']}")
    return answer


def median_ns(load: Callable[[bytes], object], data: bytes) -> float:
    """Return the median time of a load."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter_ns()
        load(data)
        times.append(time.perf_counter_ns() - began)
    return statistics.median(times)


def main() -> int:
    """Measure in turn, print times and ratios, and return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("MIDEN_REFERENCE")
    parser.add_argument("--reference", default=default, metavar="PATH", help="the harness; MIDEN_REFERENCE by default")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    if not arguments.reference:
        parser.error("this needs the reference harness: --reference PATH or MIDEN_REFERENCE")
    loads = {"untrusted": miden.Library.from_bytes, "trusted": miden.Library.from_trusted_bytes}
    with subprocess.Popen([arguments.reference], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        data = bytes.fromhex(ask(process, op="corelib", bytes=True)["bytes"])
        ours: dict[str, list[float]] = {name: [] for name in loads}
        theirs: list[float] = []
        for _ in range(arguments.rounds):
            theirs.append(float(ask(process, op="bench_corelib", n=REPEATS)["read_library_ns"]))
            for name, load in loads.items():
                ours[name].append(median_ns(load, data))
        process.terminate()
    print(f"{len(data):,} bytes, {arguments.rounds} rounds of {REPEATS} loads; median over rounds")
    print(f"{'reference':<10} {statistics.median(theirs) / 1e6:8.3f} ms")
    missed = False
    for name, times in ours.items():
        ratios = sorted(our / their for our, their in zip(times, theirs, strict=True))
        ratio = statistics.median(ratios)
        missed |= ratio > BARS[name]
        spread = f"{ratios[0]:.3f} - {ratios[-1]:.3f}"
        print(f"{name:<10} {statistics.median(times) / 1e6:8.3f} ms   {ratio:.3f} of the reference ({spread}), bar {BARS[name]}")
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
