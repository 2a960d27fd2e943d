"""Random programs give the same with our core library as with the reference's: outputs, memory, advice, failures.

Needs the reference harness (`../shared/reference`, built) named by MIDEN_REFERENCE. MIDEN_EXAMPLES and MIDEN_SEED choose the
programs.
"""

from __future__ import annotations

import os
import random

import pytest

import miden
from miden.corelib import core_library
from tests.support.core_programs import CoreProgram, choose, draw
from tests.support.corelib import Outcome, answered, failed, finished, request, unlike
from tests.support.programs import require_backend
from tests.support.reference import PATH, SKIP_REASON, Reference

PROGRAMS = int(os.environ.get("MIDEN_EXAMPLES", "100"))
SEED = int(os.environ.get("MIDEN_SEED", "0"))


def ours(program: CoreProgram, backend: str | None = None) -> Outcome:
    """Run a program with our library."""
    try:
        output = miden.execute(
            miden.assemble(program.source), stack=program.stack, advice=miden.AdviceInputs.from_json(program.advice), backend=backend
        )
    except miden.ExecutionError as error:
        return failed(error)
    return finished(output)


def theirs(program: CoreProgram, reference: Reference) -> Outcome:
    """Run a program with the reference's library."""
    answer = reference.ask("program", source=program.source, corelib="dynamic", run=request(program.stack, program.advice))
    assert "error" not in answer, answer
    return answered(answer)


@pytest.mark.oracle
@pytest.mark.skipif(not PATH, reason=SKIP_REASON)
def test_a_program_does_not_notice_which_library_it_is_linked_with() -> None:
    ran = stopped = mine = other = 0
    called: set[str] = set()
    with Reference() as reference:
        for seed in range(SEED, SEED + PROGRAMS):
            program = draw(random.Random(f"libraries {seed}"))
            found, expect = ours(program), theirs(program, reference)
            assert unlike(found, expect) == [], (seed, program)
            if found.failure is None:
                assert found.cycles <= expect.cycles, (seed, program)
                ran, mine, other = ran + 1, mine + found.cycles, other + expect.cycles
                called.update(program.calls)
            else:
                stopped += 1
    print(f"{ran} programs ran, {stopped} failed alike; {len(called)} procedures; cycles {mine:,}, the reference's {other:,}")  # noqa: T201
    assert ran > 0.7 * PROGRAMS


def test_programs_call_everything() -> None:
    rng = random.Random(5)
    called = {"::".join(("::miden::core", *choose(rng))) for _ in range(30_000)}
    assert called == {path for path, root in core_library().exports.items() if root is not None}


@pytest.mark.parametrize("seed", range(12))
def test_programs_do_the_same_on_both_backends(seed: int) -> None:
    require_backend("core")
    program = draw(random.Random(seed))
    assert ours(program, "core") == ours(program, "pure")
