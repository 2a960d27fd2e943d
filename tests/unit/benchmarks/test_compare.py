"""The benchmark runner: it runs without the reference, writes what it is asked to, and judges ratios by their direction."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

from tests.support.programs import ROOT, require_backend

BENCHMARKS = ROOT / "benchmarks"


def compare(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    require_backend("core")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MIDEN_REFERENCE")}
    command = [sys.executable, BENCHMARKS / "compare.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def module(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, loaded)  # dataclasses look their module up
    spec.loader.exec_module(loaded)
    return loaded


def test_an_area_is_measured_without_the_reference(tmp_path: Path) -> None:
    done = compare("--quick", "--area", "cold", "--json", tmp_path / "figures.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "measuring our side only" in done.stdout
    document = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    rows = document["areas"][0]["rows"]
    assert len(rows) == 3
    assert all(row["ours_ns"] > 0 for row in rows)


def test_a_picture_of_growth_is_drawn(tmp_path: Path) -> None:
    done = compare("--quick", "--area", "growth", "--plot", tmp_path / "growth.svg")
    assert (done.returncode, done.stderr) == (0, "")
    root = ET.parse(tmp_path / "growth.svg").getroot()  # noqa: S314  # we have just written it
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) >= 8


def test_the_tables_of_a_document_are_replaced(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("before\n<!-- compare.py: begin -->\nold\n<!-- compare.py: end -->\nafter\n", encoding="utf-8")
    done = compare("--quick", "--area", "hashing", "--write-docs", document)
    assert (done.returncode, done.stderr) == (0, "")
    text = document.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n")
    assert "| many at once" in text and "\nold\n" not in text


def test_the_sections_of_other_areas_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("a\n<!-- compare.py: begin -->\n\n### B\n\nold b\n\n### C\n\nold c\n\n<!-- compare.py: end -->\n", encoding="utf-8")
    write_into = module("report", monkeypatch).write_into
    write_into(document, {"A": "### A\n\nnew a", "C": "### C\n\nnew c"}, ["A", "B", "C"])
    text = document.read_text(encoding="utf-8")
    assert text.index("new a") < text.index("old b") < text.index("new c")
    assert "old c" not in text


def test_a_document_without_markers_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = tmp_path / "plain.md"
    document.write_text("nothing here\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no lines"):
        module("report", monkeypatch).write_into(document, {}, [])


@pytest.mark.parametrize(
    ("measure", "ours", "theirs", "value", "met"),
    [
        ("times as fast", [2.0, 2.0, 4.0], [20.0, 22.0, 20.0], 10.0, True),
        ("times as fast", [2.0], [4.0], 2.0, False),
        ("of its time", [50.0], [10.0], 5.0, True),
        ("of its time", [90.0], [10.0], 9.0, False),
    ],
)
def test_a_bar_is_met_from_the_right_side(
    monkeypatch: pytest.MonkeyPatch, measure: str, ours: list[float], theirs: list[float], value: float, met: bool
) -> None:
    harness = module("harness", monkeypatch)
    case = harness.Case("case", ours=lambda: 0.0, measure=measure, bar=8.0)
    row = harness.measure(case, ours, theirs)
    assert (row["value"], row["met"]) == (value, met)


def test_the_power_of_a_square_is_two(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [(size, float(size * size), None) for size in (1, 10, 100, 1000)]
    assert module("plot", monkeypatch).exponent(points) == pytest.approx(2.0)
