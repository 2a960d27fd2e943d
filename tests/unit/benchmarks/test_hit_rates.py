"""The picture of hit rates is what its script draws today, and says what it is shown for."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.support.programs import ROOT


def test_the_committed_picture_is_current_and_arc_is_between_lru_and_the_best() -> None:
    command = [sys.executable, ROOT / "benchmarks" / "hit_rates.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.endswith(("Belady", "ARC", "LRU"))]
    rates = [[float(value) for value in re.findall(r"([\d.]+)%", row)] for row in rows]
    assert len(rates) == 9
    for best, arc, lru in zip(rates[::3], rates[1::3], rates[2::3], strict=True):
        assert all(b >= a >= r for b, a, r in zip(best, arc, lru, strict=True))
    assert all(arc > lru + 1 for arc, lru in zip(rates[4], rates[5], strict=True))  # scans do ARC no harm
