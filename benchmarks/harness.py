"""What every area uses: the harness around the reference, timing, and what one row of the table is made of."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent

Measure = Literal["times as fast", "of its time", "absolute"]
"""What a row's verdict is: our speed in the other side's, our time in the other side's, or our time alone."""


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

    def ask(self, op: str, **fields: object) -> dict[str, Any]:
        """Send one request and return the answer; stop if it is an error."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise SystemExit("the reference harness has no pipes")
        stdin.write(json.dumps({"op": op, **fields}) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        for key in ("error", "run_error"):
            if key in answer:
                raise SystemExit(f"the reference says: {answer[key]}")
        return answer

    def run(self, source: str, stack: list[int], *, bench: int = 0, count_cycles: bool = True, **fields: object) -> dict[str, Any]:
        """Assemble and run a program; `stack` is top first, `bench` asks for the time of so many runs."""
        return self.ask("program", source=source, run={"stack": stack[::-1], "no_cycles": not count_cycles}, bench=bench, **fields)


@dataclass
class Setting:
    """What the areas get to know of this run."""

    reference: Reference | None
    path: str | None
    """Where the harness is, for the area that measures starting it."""
    cli: str | None
    """The reference's own command line, if it was given."""
    replay: str | None
    """The reference's replay of transactions, if it was given."""
    quick: bool

    def size(self, full: int, quick: int) -> int:
        """Return `full`, or `quick` in a quick run."""
        return quick if self.quick else full


@dataclass
class Case:
    """Two things to time in turn; both return nanoseconds."""

    name: str
    ours: Callable[[], float]
    theirs: Callable[[], float] | None = None
    measure: Measure = "times as fast"
    bar: float | None = None
    count: int = 1
    """How many units one run is: shown is the time of one."""
    unit: str = ""
    against: str = "reference"


@dataclass
class Figure:
    """A number that is measured once, not against anything."""

    name: str
    value: float
    unit: str
    bar: float | None = None


@dataclass
class Series:
    """Time as one thing grows: points are (size, our nanoseconds, the reference's or None)."""

    name: str
    label: str
    points: list[tuple[int, float, float | None]] = field(default_factory=list)


def nanoseconds(work: Callable[[], object], runs: int = 3) -> float:
    """Return the best of a few runs: what a round compares is the machine, not what else it was doing."""
    best = float("inf")
    for _ in range(runs):
        began = time.perf_counter_ns()
        work()
        best = min(best, time.perf_counter_ns() - began)
    return best


def measure(case: Case, ours: list[float], theirs: list[float]) -> dict[str, Any]:
    """Return a row: medians, the median of the ratios of the rounds, and their spread."""
    row: dict[str, Any] = {"name": case.name, "measure": case.measure, "bar": case.bar, "unit": case.unit, "against": case.against}
    row["ours_ns"] = statistics.median(ours) / case.count
    if theirs:
        row["theirs_ns"] = statistics.median(theirs) / case.count
    if case.measure == "absolute":
        row["value"], row["low"], row["high"] = row["ours_ns"], min(ours) / case.count, max(ours) / case.count
    elif theirs:
        pairs = zip(ours, theirs, strict=True)
        ratios = [their / our if case.measure == "times as fast" else our / their for our, their in pairs]
        row["value"], row["low"], row["high"] = statistics.median(ratios), min(ratios), max(ratios)
    return with_verdict(row)


def with_verdict(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with `met`: whether it reaches its bar, None where there is none."""
    bar, value = row.get("bar"), row.get("value")
    row["met"] = None if bar is None or value is None else value >= bar if row["measure"] == "times as fast" else value <= bar
    return row


def geometric_mean(rows: list[dict[str, Any]], name: str, bar: float | None) -> list[dict[str, Any]]:
    """Return a row with the geometric mean of the rows' ratios, none if there is no ratio."""
    values = [row["value"] for row in rows if "value" in row]
    if not values:
        return []
    row = {"name": name, "measure": rows[0]["measure"], "bar": bar, "unit": "", "against": rows[0]["against"]}
    return [with_verdict(row | {"value": statistics.geometric_mean(values)})]


def other_work(seconds: float = 0.5) -> float:
    """Wait, and return how many processors were busy meanwhile: with other things than this, which only waits."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return os.getloadavg()[0]

    def idle() -> int:
        fields = stat.read_text(encoding="ascii").split("\n", 1)[0].split()
        return int(fields[4]) + int(fields[5])

    before, began = idle(), time.perf_counter()
    time.sleep(seconds)
    free = (idle() - before) / os.sysconf("SC_CLK_TCK") / (time.perf_counter() - began)
    return max(0.0, (os.cpu_count() or 1) - free)


def priority() -> str:
    """Return at what priority this and all it starts is run, empty for the usual one."""
    if hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR):
        return "real-time priority"
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    return f"priority {nice}" if nice else ""


def machine() -> dict[str, Any]:
    """Return what the figures were taken on."""
    from miden._core import rpo

    path = Path("/proc/cpuinfo")
    facts: dict[str, str] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            facts.setdefault(key.strip(), value.strip())
    features = set(facts.get("flags", facts.get("Features", "")).split())
    return {
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "family": " ".join(facts[key] for key in ("cpu family", "model") if key in facts),
        "features": sorted(features & {"avx2", "avx512f", "avx512ifma", "avx512vl", "bmi2", "adx", "asimd"}),
        "hash": rpo.variant(),
        "cores": os.cpu_count(),
        "priority": priority(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
