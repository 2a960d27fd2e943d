"""Many runs of one program: one call for all of them, with one worker and with two, against a call each."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from harness import Case, nanoseconds

import miden
from areas.cold import SHORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Setting

TITLE = "Many runs of a short program, against one call of execute each"


def collect(setting: Setting) -> Iterator[Case]:
    """Yield one worker and two, and the reference's time for a run."""
    import numpy as np

    program, count = miden.assemble(SHORT), setting.size(10_000, 100)
    numbers = random.Random(1)
    rows = [[numbers.randrange(2**63) for _ in range(16)] for _ in range(count)]
    matrix = np.array(rows, dtype=np.uint64)
    stacks = [miden.StackInputs(row) for row in rows]
    expected = [list(miden.execute(program, stack=stack).stack) for stack in stacks]
    for workers in (1, 2):
        if miden.execute_many(program, matrix, workers=workers).stack.tolist() != expected:
            raise SystemExit(f"{workers} workers leave something else than single runs")

    def one_by_one() -> float:
        return nanoseconds(lambda: [miden.execute(program, stack=stack) for stack in stacks])

    for workers in (1, 2):
        yield Case(
            f"execute_many, {workers} worker{'s' * (workers > 1)}",
            ours=lambda workers=workers: nanoseconds(lambda: miden.execute_many(program, matrix, workers=workers)),  # type: ignore[misc]
            theirs=one_by_one,
            count=count,
            unit="run",
            against="execute",
        )
