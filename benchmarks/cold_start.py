"""Measure start-up: wall time of the command line beyond a bare interpreter, run in turn.

usage: python benchmarks/cold_start.py [--rounds N] [--json FILE] [--check]

Bytecode is compiled first, as it is for an installed package. Every round starts a bare interpreter (``python -c pass``),
``miden --help`` and ``miden run`` of the smallest example, in turn. Shown are the medians of the differences within a
round. With ``--check`` it exits 1 above the budgets.
"""

from __future__ import annotations

import argparse
import compileall
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIDEN = Path(sys.executable).with_name("miden")
BUDGETS = {"miden --help": 80.0, "miden run": 100.0}
"""Milliseconds beyond a bare interpreter."""

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "miden --help": [str(MIDEN), "--help"],
    "miden run": [str(MIDEN), "run", str(ROOT / "examples" / "add.masm")],
}


def milliseconds(command: list[str]) -> float:
    """Return the wall time of one start."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1e3


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Return per command the median time, and the median and quartiles of what it takes beyond a bare interpreter."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, command in COMMANDS.items():
            taken = milliseconds(command)
            if number:  # the first round only warms the file system's cache
                times[name].append(taken)
    bare = times["python -c pass"]
    result = {}
    for name, taken in times.items():
        beyond = [one - base for one, base in zip(taken, bare, strict=True)]
        quartiles = statistics.quantiles(beyond, n=4)
        result[name] = {"ms": statistics.median(taken), "beyond_ms": quartiles[1], "low_ms": quartiles[0], "high_ms": quartiles[2]}
    return result


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    parser.add_argument("--check", action="store_true", help="exit 1 above the budgets")
    arguments = parser.parse_args()
    compileall.compile_dir(str(ROOT / "miden"), quiet=1)
    result = measure(arguments.rounds)
    print(f"{'command':<16} {'ms':>7} {'beyond bare':>12} {'quartiles':>15} {'budget':>7}")
    over = False
    for name, row in result.items():
        budget = BUDGETS.get(name)
        over |= budget is not None and row["beyond_ms"] > budget
        spread = f"{row['low_ms']:.1f} - {row['high_ms']:.1f}"
        print(f"{name:<16} {row['ms']:>7.1f} {row['beyond_ms']:>12.1f} {spread:>15} {budget or '':>7}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"rounds": arguments.rounds, "commands": result}, indent=2) + "\n", encoding="utf-8")
    return 1 if over and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
