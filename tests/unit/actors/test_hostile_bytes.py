"""Hostile bytes for the data of actors; MIDEN_EXAMPLES sets how many cases (6,000 otherwise)."""

from __future__ import annotations

import os

from tests.support.hostile import run
from tests.support.hostile_actors import decoders, judge

CASES = int(os.environ.get("MIDEN_EXAMPLES", "6000"))


def test_damaged_data_is_refused_or_read_and_nothing_else() -> None:
    figures = run(decoders(), judge, CASES, seed=int(os.environ.get("MIDEN_SEED", "0")))
    assert figures["cases"] >= CASES
    assert all(counted["refused"] > 0 for counted in figures["counts"].values())
    assert figures["slowest_seconds"] < 2
    assert figures["memory_growth"] < 64 << 20
