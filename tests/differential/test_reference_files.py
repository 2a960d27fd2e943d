"""What we write is read by the reference, and projects are assembled as it assembles them.

`tools/check_reference.py` does the work; this runs a small part of it. Needs the reference harness named by
MIDEN_REFERENCE; MIDEN_EXAMPLES and MIDEN_SEED choose the cases.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.reference import PATH, SKIP_REASON

TOOL = Path(__file__).parents[2] / "tools" / "check_reference.py"
PROGRAMS = os.environ.get("MIDEN_EXAMPLES", "20")
SEED = os.environ.get("MIDEN_SEED", "0")

pytestmark = [pytest.mark.oracle, pytest.mark.skipif(not PATH, reason=SKIP_REASON)]


def check(*arguments: str) -> None:
    done = subprocess.run([sys.executable, TOOL, "--seed", SEED, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_reference_reads_what_we_write() -> None:
    check("--programs", PROGRAMS, "--modules", "0")


def test_a_generated_project_is_what_the_reference_makes_of_it() -> None:
    check("--programs", "0", "--modules", "20")
