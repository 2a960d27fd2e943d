"""Recorded transactions, replayed here and by the reference's own replay.

The recordings are not part of this project (tests/support/transactions.py says where they are). The replay is a program of
its own: ``PATH RUNS FILE...`` prints a JSON line with ``name``, ``ok`` and ``min_ms`` for each file. Every event and all that
a run leaves are compared with the recording before anything is timed. On both sides only the execution is timed:
loading, the processor and the answers of the host are made before.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from harness import ROOT, Case, geometric_mean

import miden

sys.path.insert(0, str(ROOT))

from tests.differential.test_transactions import check_output
from tests.support import transactions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness import Setting

    from miden.vm.mutations import Mutation
    from miden.vm.state import ProcessState

TITLE = "Recorded transactions"
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


def collect(setting: Setting) -> Iterator[Case]:
    """Yield the recordings whose run succeeds: the reference does not time the others."""
    for name in transactions.names()[: setting.size(1000, 2)]:
        transaction = Transaction(name)
        if "error" in transaction.recording["result"]:
            continue
        transaction.check()

        def theirs(name: str = name) -> float:
            file = transactions.FOLDER / f"{name}.json.gz"
            command = [str(setting.replay), str(RUNS), str(file)]
            answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found: dict[str, Any] = json.loads(answer.splitlines()[-1])
            if not found["ok"]:
                raise SystemExit(f"the reference does not replay {name}: {found}")
            return float(found["min_ms"]) * 1e6

        def ours(transaction: Transaction = transaction) -> float:
            return min(transaction.seconds() for _ in range(RUNS)) * 1e9

        yield Case(name, ours, theirs if setting.replay else None, unit="run")


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the mean over all."""
    return geometric_mean(rows, "geometric mean", 2.0)
