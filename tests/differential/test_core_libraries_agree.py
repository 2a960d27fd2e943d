"""Random programs give the same with our core library as with the reference's: outputs, depth of the stack, failures.

Needs the reference harness (`../shared/reference`, built) named by MIDEN_REFERENCE. MIDEN_EXAMPLES and MIDEN_SEED choose the
programs.
"""

from __future__ import annotations

import os
import random

import pytest

import miden
from tests.differential.test_core_library import draw
from tests.support.reference import PATH, SKIP_REASON, Reference

PROGRAMS = int(os.environ.get("MIDEN_EXAMPLES", "100"))
SEED = int(os.environ.get("MIDEN_SEED", "0"))

pytestmark = [pytest.mark.oracle, pytest.mark.skipif(not PATH, reason=SKIP_REASON)]


def test_a_program_does_not_notice_which_library_it_is_linked_with() -> None:
    ends = {"ran": 0, "failed": 0}
    with Reference() as reference:
        for seed in range(SEED, SEED + PROGRAMS):
            source, stack = draw(random.Random(f"libraries {seed}"))
            expect = reference.ask("program", source=source, corelib="dynamic", run={"stack": stack[::-1]})
            try:
                output = miden.execute(miden.assemble(source), stack=stack)
            except miden.ExecutionError as error:
                assert error.kind == expect.get("run_error_kind"), (seed, source, expect, error)
                ends["failed"] += 1
                continue
            assert list(output.stack) == expect.get("stack"), (seed, source, expect)
            assert output.cycles <= expect["cycles"], (seed, source, expect)
            ends["ran"] += 1
    assert ends["ran"] > PROGRAMS // 2
