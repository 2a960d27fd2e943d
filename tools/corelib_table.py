"""Compare our core library with the reference's, procedure by procedure, and print a table.

usage: python tools/corelib_table.py [--reference PATH] [--module M] [--procedure P] [--cases N] [--seed S] [--record] [--json]

One row for each exported procedure: how many inputs were tried, in how many outputs, memory, advice or failures differ
from the reference's library or from an independent oracle (cases without one are counted), and cycles, ours and theirs:
the most and the mean over the inputs that ran. Needs the reference harness (`../shared/reference`, built). The library is
assembled from `miden/corelib/asm` as it is now. With --record the reference's answers to the first cases of each procedure
are kept in `tests/vectors/corelib`, for tests without the harness.

Exit code 1 if anything differs, a procedure is missing, one costs more than the reference's, or the sum is above the goal.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from miden.corelib.build import assemble_core_library
from tests.support import corelib
from tests.support.reference import PATH, Reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    import miden

GOAL = 0.90
"""The sum of our cycles over the table may be at most this part of the reference's."""

RECORDED = 24
"""Cases of each procedure whose answers are kept."""

LEFT_OUT = ("stark", "sys::vm", "pcs::fri")
"""Modules of the reference's library that check proofs of its own constraint system: not part of ours."""


class Row:
    """What was found out about one procedure."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.cases = 0
        self.ran = 0
        self.oracle = 0
        self.wrong: list[str] = []
        self.ours: list[int] = []
        self.theirs: list[int] = []

    @property
    def dearer(self) -> int:
        """In how many cases ours took more cycles than theirs."""
        return sum(mine > other for mine, other in zip(self.ours, self.theirs, strict=True))

    @property
    def means(self) -> tuple[float, float]:
        """Mean cycles, ours and theirs."""
        count = max(1, len(self.ours))
        return sum(self.ours) / count, sum(self.theirs) / count

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        ours, theirs = self.means
        facts = {"procedure": self.path, "cases": self.cases, "ran": self.ran, "oracle": self.oracle, "differ": len(self.wrong)}
        facts |= {"ours_max": max(self.ours, default=0), "theirs_max": max(self.theirs, default=0)}
        return {**facts, "ours_mean": ours, "theirs_mean": theirs, "dearer": self.dearer}

    def line(self) -> str:
        """Return the row as text."""
        ours, theirs = self.means
        most = f"{max(self.ours, default=0):>8,} {max(self.theirs, default=0):>8,}"
        mean = f"{ours:>10,.1f} {theirs:>10,.1f} {ours / theirs if theirs else 0:>6.3f}"
        return f"{self.path:<52} {self.cases:>5} {self.ran:>5} {self.oracle:>6} {len(self.wrong):>6} {most} {mean} {self.dearer:>6}"


HEAD = (
    f"{'procedure':<52} {'cases':>5} {'ran':>5} {'oracle':>6} {'differ':>6} {'max':>8} {'theirs':>8} {'mean':>10} {'theirs':>10} "
    f"{'ratio':>6} {'dearer':>6}"
)


def exported(answer: dict[str, Any]) -> set[str]:
    """Return the procedures of the reference's library that ours must have, without the namespace."""
    paths = {path.removeprefix("::" + corelib.NAMESPACE) for path, digest in answer["exports"].items() if digest is not None}
    return {path for path in paths if not path.startswith(LEFT_OUT)}


def compare(module: str, name: str, ours: corelib.Ours, theirs: corelib.Theirs, count: int, seed: int) -> tuple[Row, list[corelib.Outcome]]:
    """Run all cases of a procedure on both sides."""
    row = Row(f"{module}::{name}")
    answers = []
    for case in corelib.cases(module, name, count, seed):
        mine, other = ours.outcome(module, name, case), theirs.outcome(module, name, case)
        row.cases += 1
        row.oracle += case.expect is not None or case.memory is not None
        found = corelib.differences(case, mine, other)
        if found:
            row.wrong.append(f"stack {list(case.stack)}, setup {case.setup[:200]!r}: " + "; ".join(found))
        if mine.failure is None and other.failure is None:
            row.ran += 1
            row.ours.append(mine.cycles)
            row.theirs.append(other.cycles)
        answers.append(other)
    return row, answers


def table(library: miden.Library, reference: Reference, arguments: argparse.Namespace) -> list[Row]:
    """Compare every procedure that was asked for; record answers if told to."""
    ours, theirs = corelib.Ours(library, arguments.backend), corelib.Theirs(reference)
    rows = []
    for module in arguments.module or corelib.modules():
        kept: dict[str, list[corelib.Outcome]] = {}
        for name in sorted(corelib.makers(module)):
            if arguments.procedure and name not in arguments.procedure:
                continue
            row, answers = compare(module, name, ours, theirs, arguments.cases, arguments.seed)
            kept[name] = answers[:RECORDED]
            rows.append(row)
            if not arguments.json:
                print(row.line(), flush=True)
                for text in row.wrong[: arguments.show]:
                    print(f"    {text}")
        if arguments.record:
            corelib.record(module, kept)
    return rows


def totals(rows: Iterable[Row]) -> tuple[float, float]:
    """Return the sums of the means."""
    means = [row.means for row in rows]
    return sum(ours for ours, _ in means), sum(theirs for _, theirs in means)


def main() -> int:
    """Print the table and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", default=PATH, metavar="PATH", help="the harness; MIDEN_REFERENCE by default")
    parser.add_argument("--module", action="append", metavar="M", help="only this module, such as math::u64; may be given several times")
    parser.add_argument("--procedure", action="append", metavar="P", help="only procedures of this name")
    parser.add_argument("--cases", type=int, default=200, help="inputs for each procedure")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backend", choices=("core", "pure"), help="our machine; the best there is by default")
    parser.add_argument("--show", type=int, default=2, metavar="N", help="print at most N differences of a procedure")
    parser.add_argument("--record", action="store_true", help="keep the reference's answers for the tests")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    if not arguments.reference or not Path(arguments.reference).is_file():
        parser.error("this needs the reference harness: --reference PATH or MIDEN_REFERENCE")
    if arguments.record and (arguments.procedure or arguments.seed or arguments.cases < RECORDED):
        parser.error(f"--record keeps whole modules: give neither --procedure nor --seed, and at least {RECORDED} cases")
    if not arguments.json:
        print(HEAD)
    with Reference(arguments.reference) as reference:
        rows = table(assemble_core_library(), reference, arguments)
        missing = set() if arguments.module or arguments.procedure else exported(reference.ask("corelib")) - {row.path for row in rows}
    ours, theirs = totals(rows)
    failed = bool(missing) or any(row.wrong or row.dearer for row in rows) or ours > GOAL * theirs
    if arguments.json:
        sums = {"ours": ours, "theirs": theirs, "ratio": ours / theirs if theirs else 0}
        print(json.dumps({"rows": [row.to_dict() for row in rows], "sum": sums, "missing": sorted(missing)}, indent=1))
        return int(failed)
    print(f"{len(rows)} procedures, {sum(row.cases for row in rows):,} cases, {sum(len(row.wrong) for row in rows)} differ;", end=" ")
    print(f"sum of means {ours:,.1f}, theirs {theirs:,.1f}, ratio {ours / theirs if theirs else 0:.3f}")
    for path in sorted(missing):
        print(f"missing: {path}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
