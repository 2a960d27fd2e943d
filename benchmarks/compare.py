"""Measure this package beside the reference, in turn, in one run.

usage: python benchmarks/compare.py [--reference PATH] [--area NAME]... [--rounds N] [--json FILE] [--plot FILE.svg]
                                    [--write-docs FILE.md] [--quick] [--check]

Results are compared before anything is timed. Without the reference's harness only our side is measured, and the rows
say so by having no ratio. See benchmarks/README.md for the method.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import areas
from harness import Case, Figure, Reference, Series, Setting, machine, measure, other_work
from plot import svg
from report import area_text, machine_line, sections, write_into, write_json


def run_area(name: str, setting: Setting, rounds: int) -> dict[str, Any]:
    """Check and measure one area: every case in turn, round after round, ours and then theirs."""
    module, others = areas.load(name), other_work()
    cases: list[Case] = []
    rows: list[dict[str, Any]] = []
    series: list[dict[str, Any]] = []
    for item in module.collect(setting):
        if isinstance(item, Case):
            cases.append(item)
        elif isinstance(item, Figure):
            met = None if item.bar is None else item.value <= item.bar
            rows.append({"name": item.name, "figure": item.value, "unit": item.unit, "bar": item.bar, "met": met})
        elif isinstance(item, Series):
            series.append({"name": item.name, "label": item.label, "points": item.points})
    ours: list[list[float]] = [[] for _ in cases]
    theirs: list[list[float]] = [[] for _ in cases]
    for _ in range(rounds):
        for index, case in enumerate(cases):
            ours[index].append(case.ours())
            if case.theirs is not None:
                theirs[index].append(case.theirs())
    rows = [measure(case, mine, other) for case, mine, other in zip(cases, ours, theirs, strict=True)] + rows
    if hasattr(module, "summary"):
        rows += module.summary(rows)
    others = max(others, other_work())
    return {"area": name, "title": module.TITLE, "other_work": others, "rows": rows, "series": series}


def arguments() -> argparse.Namespace:
    """Read the command line and the environment."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    environment = os.environ.get
    parser.add_argument("--reference", default=environment("MIDEN_REFERENCE"), metavar="PATH", help="the harness; else MIDEN_REFERENCE")
    cli = environment("MIDEN_REFERENCE_CLI")
    parser.add_argument("--reference-cli", default=cli, metavar="PATH", help="the reference's command line; else MIDEN_REFERENCE_CLI")
    replay = environment("MIDEN_REFERENCE_REPLAY")
    help_text = "the reference's replay of transactions; else MIDEN_REFERENCE_REPLAY"
    parser.add_argument("--reference-replay", default=replay, metavar="PATH", help=help_text)
    parser.add_argument("--area", action="append", choices=areas.NAMES, help="measure only this; may be repeated")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: to see that it works, not to quote")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw ratios and growth here")
    parser.add_argument("--write-docs", type=Path, metavar="FILE.md", help="write the tables into this document; those of other areas stay")
    parser.add_argument("--check", action="store_true", help="exit 1 if a bar is missed")
    return parser.parse_args()


def command_line(options: argparse.Namespace) -> str:
    """Return the command that measures the same, without the paths that differ between machines."""
    words = [word for name in options.area or () for word in ("--area", name)]
    return " ".join(["python benchmarks/compare.py", *words, *(["--quick"] if options.quick else ["--rounds", str(options.rounds)])])


def main() -> int:
    """Measure, print, write what was asked for, and return the exit code."""
    options = arguments()
    for path in (options.reference, options.reference_cli, options.reference_replay):
        if path and not Path(path).is_file():
            raise SystemExit(f"there is no {path}")
    facts = machine()
    with ExitStack() as stack:
        reference = stack.enter_context(Reference(options.reference)) if options.reference else None
        setting = Setting(reference, options.reference, options.reference_cli, options.reference_replay, options.quick)
        document: dict[str, Any] = {
            "command": command_line(options),
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "machine": facts,
            "rounds": 1 if options.quick else options.rounds,
            "quick": options.quick,
            "areas": [],
        }
        print(machine_line(document))
        if reference is None:
            print("no reference harness (--reference or MIDEN_REFERENCE): measuring our side only")
        for name in options.area or areas.NAMES:
            document["areas"].append(run_area(name, setting, document["rounds"]))
            print("\n" + area_text(document["areas"][-1], facts), flush=True)
    if options.json:
        write_json(options.json, document)
    if options.plot:
        options.plot.write_text(svg(document), encoding="utf-8")
    if options.write_docs:
        write_into(options.write_docs, sections(document), [areas.load(name).TITLE for name in areas.NAMES])
    missed = [row["name"] for area in document["areas"] for row in area["rows"] if row.get("met") is False]
    if missed:
        print(f"\nmissed: {', '.join(missed)}")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
