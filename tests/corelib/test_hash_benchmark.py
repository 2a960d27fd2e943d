"""The benchmark of the hash procedures keeps working; it compares every digest before it says anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "corelib_hashes.py"


def test_it_measures_every_hash_procedure() -> None:
    command = [sys.executable, str(SCRIPT), "--megabytes", "0.001", "--rounds", "1", "--json"]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)
    assert answer["bytes"] == 1024
    rows = {name: row["ours"]["cycles_per_byte"] for name, row in answer["rows"].items()}
    assert len(rows) == 15
    # one call more or less, or an operation of the loop, shows
    assert 2482 / 32 < rows["blake3::hash"] < 2520 / 32
    assert rows["sha256::hash_bytes"] < (107 + 17 * 5478 + 200) / 1024
    assert rows["rpo256::hash_elements"] < 1
