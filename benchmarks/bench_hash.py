"""Measure RPO-256 beside the reference, in turn, in one run: one hash, many hashes, every digest of the core library.

usage: python benchmarks/bench_hash.py [--reference PATH] [--rounds N] [--permutations N] [--json FILE] [--check]

Results are compared with the reference's before anything is timed; see benchmarks/README.md for the method. Ratios are
our time over the reference's: below 1 is faster. With `--check` the exit code is 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from miden._core import forest as core_forest
from miden._core import rpo
from miden.mast.library import Library

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

P = 2**64 - 2**32 + 1

BARS = {
    "one after another": 0.78,
    "one after another, scalar": 1.2,
    "many": 0.42,
    "many, two threads": 0.23,
    "core library, digests": 0.60,
    "core library, load and digests": 0.60,
}
"""What each row may take at most, as a part of the reference's time."""


class Harness:
    """The harness around the reference: one JSON request a line, one answer a line."""

    def __init__(self, path: str) -> None:
        self._process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()

    def ask(self, op: str, **fields: object) -> dict[str, Any]:
        """Send one request and return the answer."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise SystemExit("the reference harness has no pipes")
        stdin.write(json.dumps({"op": op, **fields}) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        if "error" in answer:
            raise SystemExit(f"the reference says: {answer['error']}")
        return answer


def pack(values: list[int]) -> bytes:
    """Return felts as little-endian bytes."""
    return b"".join(value.to_bytes(8, "little") for value in values)


def processor_name() -> str:
    """Return the name of the processor, if the system tells."""
    path = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in path.read_text().splitlines() if line.startswith("model name")] if path.exists() else []
    )
    return names[0] if names else platform.processor() or platform.machine()


def nanoseconds(work: Callable[[], object], runs: int) -> float:
    """Return the best of a few runs."""
    best = float("inf")
    for _ in range(runs):
        began = time.perf_counter_ns()
        work()
        best = min(best, time.perf_counter_ns() - began)
    return best


class Bench:
    """The rows of the table: what is timed on our side and what it is compared with."""

    def __init__(self, harness: Harness | None, permutations: int) -> None:
        self.harness = harness
        self.count = permutations
        self.chain = pack(list(range(8 * permutations)))
        numbers = random.Random(1)
        self.pairs = memoryview(pack([numbers.randrange(P) for _ in range(8 * permutations)])).cast("Q", shape=[permutations, 8])
        self.two = [bytes(self.chain), bytes(self.chain)]
        self.library = b""
        self.columns: tuple[bytes, bytes, bytes] | None = None
        if harness is not None:
            answer = harness.ask("corelib", bytes=True)
            self.library = bytes.fromhex(answer["bytes"])
            forest = Library.from_bytes(self.library).forest
            self.columns = (forest.node_bytes, forest.operation_bytes, forest.immediate_bytes)

    def check(self) -> None:
        """Compare results with each other and with the reference's, or stop."""
        expected = self.harness.ask("bench_hash", n=self.count)["y"] if self.harness else None
        first: list[list[int]] = self.pairs[:1000].tolist()  # type: ignore[assignment]
        rows = b"".join(map(rpo.hash_elements, first))
        for variant in rpo.variants():
            rpo.set_variant(variant)
            digest = rpo.hash_packed(self.chain).hex()
            expected = expected or digest
            if digest != expected or rpo.hash_packed_many(self.two).hex() != expected * 2:
                raise SystemExit(f"{variant}: the digest of a long input is wrong")
            if any(rpo.hash_many(self.pairs, threads)[: len(rows)] != rows for threads in (1, 2)):
                raise SystemExit(f"{variant}: many hashes differ from single ones")
            if self.columns and any(core_forest.find_wrong_digest(*self.columns, threads) for threads in (1, 2)):
                raise SystemExit(f"{variant}: a digest of the core library is wrong")
        rpo.set_variant("auto")

    def rows(self) -> list[tuple[str, str, str, Callable[[], object], int]]:
        """Return (name, variant, what it is compared with, work, how many hashes it is)."""
        best, count = rpo.variants()[0], self.count
        rows: list[tuple[str, str, str, Callable[[], object], int]] = [
            ("one after another", best, "merge", lambda: rpo.hash_packed(self.chain), count),
            ("two side by side", best, "merge", lambda: rpo.hash_packed_many(self.two), 2 * count),
            ("many", best, "merge", lambda: rpo.hash_many(self.pairs, 1), count),
            ("many, two threads", best, "merge", lambda: rpo.hash_many(self.pairs, 2), count),
        ]
        if best != "scalar":
            rows.append(("one after another, scalar", "scalar", "merge", lambda: rpo.hash_packed(self.chain), count))
        if self.columns is not None:
            columns = self.columns
            rows += [
                ("core library, digests", best, "load", lambda: core_forest.compute_digests(*columns, 1), 1),
                ("core library, digests, two threads", best, "load", lambda: core_forest.compute_digests(*columns, 2), 1),
                ("core library, digests, scalar", "scalar", "load", lambda: core_forest.compute_digests(*columns, 1), 1),
                ("core library, load and digests", best, "load", lambda: Library.from_bytes(self.library), 1),
                ("core library, load", best, "load", lambda: Library.from_trusted_bytes(self.library), 1),
            ]
        return rows

    def reference_times(self) -> dict[str, float]:
        """Return nanoseconds of one merge, and of loading the core library without looking at digests."""
        if self.harness is None:
            return {}
        return {
            "merge": float(self.harness.ask("bench_hash", n=self.count)["merge_ns"]),
            "load": float(self.harness.ask("bench_corelib", n=5)["read_library_ns"]),
        }

    def measure(self, rounds: int) -> list[dict[str, Any]]:
        """Run everything in turn, round after round, and return medians and spreads."""
        rows = self.rows()
        ours: list[list[float]] = [[] for _ in rows]
        ratios: list[list[float]] = [[] for _ in rows]
        theirs: dict[str, list[float]] = {"merge": [], "load": []}
        times: dict[str, float] = {}
        for _ in range(rounds):
            for index, (_, variant, against, work, hashes) in enumerate(rows):
                if index % 2 == 0:
                    times = self.reference_times()
                rpo.set_variant(variant)
                took = nanoseconds(work, 3) / hashes
                ours[index].append(took)
                if times:
                    ratios[index].append(took / times[against])
                    theirs[against].append(times[against])
        rpo.set_variant("auto")
        result = []
        for index, (name, variant, against, _, _) in enumerate(rows):
            row: dict[str, Any] = {"name": name, "variant": variant, "ns": statistics.median(ours[index])}
            if ratios[index]:
                row |= {"reference_ns": statistics.median(theirs[against]), "ratio": statistics.median(ratios[index])}
                row |= {"low": min(ratios[index]), "high": max(ratios[index]), "bar": BARS.get(name)}
            result.append(row)
        return result


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(f"{'':<36} {'variant':<8} {'reference':>12} {'ours':>12} {'ratio':>6} {'spread':>13} {'bar':>5}")
    for row in rows:
        text = f"{row['name']:<36} {row['variant']:<8} "
        if "ratio" in row:
            bar = f"{row['bar']:.2f}" if row["bar"] else "-"
            spread = f"{row['low']:.2f} - {row['high']:.2f}"
            text += f"{row['reference_ns']:>9,.0f} ns {row['ns']:>9,.0f} ns {row['ratio']:>6.2f} {spread:>13} {bar:>5}"
        else:
            text += f"{'-':>12} {row['ns']:>9,.0f} ns"
        print(text)


def main() -> int:
    """Measure, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("MIDEN_REFERENCE")
    parser.add_argument("--reference", default=default, metavar="PATH", help="the harness; MIDEN_REFERENCE by default")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--permutations", type=int, default=20_000, help="hashes in one run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    parser.add_argument("--check", action="store_true", help="fail if a bar is missed")
    arguments = parser.parse_args()
    harness = None
    if arguments.reference and Path(arguments.reference).is_file():
        harness = Harness(arguments.reference)
    else:
        print("no reference harness (--reference or MIDEN_REFERENCE): measuring our side only")
    bench = Bench(harness, arguments.permutations)
    bench.check()
    rows = bench.measure(arguments.rounds)
    if harness is not None:
        with harness:
            pass
    print(f"{processor_name()}, {os.cpu_count()} cores, Python {platform.python_version()}, {arguments.rounds} rounds")
    show(rows)
    if arguments.json:
        machine = {"processor": processor_name(), "cores": os.cpu_count(), "python": platform.python_version()}
        arguments.json.write_text(json.dumps({"machine": machine, "rounds": arguments.rounds, "rows": rows}, indent=2) + "\n")
    missed = [row["name"] for row in rows if row.get("bar") and row["ratio"] > row["bar"]]
    if missed:
        print(f"above the bar: {', '.join(missed)}")
    return 1 if arguments.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
