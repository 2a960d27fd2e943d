"""Replay recorded transactions beside the reference's own replay, in turn, in one run.

usage: python benchmarks/transactions.py [--reference PATH] [--rounds N] [--json FILE]

The recordings are not part of this project (tests/support/transactions.py says where they are). PATH is the program that
replays them with the reference: ``PATH RUNS FILE...`` prints a JSON line with ``name``, ``ok`` and ``min_ms`` for each file.
Every event and all that a run leaves are compared with the recording before anything is timed. On both sides only the
execution is timed: loading, the processor and the answers of the host are made before. The best run of a round counts.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import miden
from tests.differential.test_transactions import check_output
from tests.support import transactions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.vm.mutations import Mutation
    from miden.vm.state import ProcessState

RUNS = 5
"""Runs of a round, on each side."""


class PreparedHost(miden.Host):
    """Hands out recorded forests and the mutations of one event after the other, all made before."""

    def __init__(self, forests: dict[miden.Word, miden.MastForest], answers: list[list[Mutation]]) -> None:
        super().__init__()
        self._recorded = forests
        self._answers = iter(answers)

    def get_forest(self, digest: miden.Word) -> miden.MastForest | None:
        return self._recorded.get(digest)

    def on_event(self, state: ProcessState) -> Iterable[Mutation]:
        return next(self._answers)


class Transaction:
    """One recording, ready to be replayed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.recording = transactions.read(name)
        self.program, self.stack, self.advice = transactions.inputs(self.recording)
        loaded = [miden.MastForest.from_bytes(bytes.fromhex(entry["hex"])) for entry in self.recording["forests"]]
        self.forests = {transactions.word(digest): loaded[index] for digest, index, _ in self.recording["forest_requests"]}
        self.answers = [[transactions._mutation(entry) for entry in event["mutations"]] for event in self.recording["events"]]

    def check(self) -> None:
        """Replay once, every event and all that is left compared with the recording."""
        host = transactions.RecordedHost(self.recording)
        output = miden.execute(self.program, self.stack, self.advice, host)
        check_output(output, self.recording["result"])

    def seconds(self) -> float:
        """Return the time of one execution."""
        processor = miden.Processor(self.program, self.stack, self.advice, PreparedHost(self.forests, self.answers))
        begin = time.perf_counter()
        processor.run()
        return time.perf_counter() - begin


def reference_seconds(path: str, name: str) -> float:
    file = transactions.FOLDER / f"{name}.json.gz"
    answer = subprocess.run([path, str(RUNS), str(file)], capture_output=True, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(answer.splitlines()[-1])
    if not found["ok"]:
        raise SystemExit(f"the reference does not replay {name}: {found}")
    return float(found["min_ms"]) / 1000


def measure(transaction: Transaction, reference: str | None, rounds: int) -> dict[str, Any]:
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(min(transaction.seconds() for _ in range(RUNS)))
        if reference:
            theirs.append(reference_seconds(reference, transaction.name))
    row: dict[str, Any] = {
        "name": transaction.name,
        "cycles": transaction.recording["result"]["cycles"],
        "events": len(transaction.recording["events"]),
        "ms": statistics.median(ours) * 1000,
    }
    if reference:
        ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
        row |= {"reference_ms": statistics.median(theirs) * 1000, "ratio": statistics.median(ratios), "ratios": ratios}
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", help="the program that replays with the reference")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", help="write the table here")
    options = parser.parse_args()
    rows = []
    for name in transactions.names():
        transaction = Transaction(name)
        if "error" in transaction.recording["result"]:  # the reference does not time these
            continue
        transaction.check()
        row = measure(transaction, options.reference, options.rounds)
        rows.append(row)
        text = f"{name:24} {row['cycles']:8} cycles {row['events']:5} events {row['ms']:8.2f} ms"
        if "ratio" in row:
            spread = f"{min(row['ratios']):.2f} to {max(row['ratios']):.2f}"
            text += f"   reference {row['reference_ms']:8.2f} ms   {row['ratio']:5.2f} times as fast ({spread})"
        print(text, flush=True)
    if options.reference and rows:
        print(f"geometric mean: {math.exp(statistics.fmean(math.log(row['ratio']) for row in rows)):.2f} times as fast")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
