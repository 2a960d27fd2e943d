"""Generated files are what their generators write today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("generator", ["gen_core.py", "gen_docs.py"])
def test_committed_output_is_current(generator: str) -> None:
    result = subprocess.run([sys.executable, ROOT / "tools" / generator, "--check"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
