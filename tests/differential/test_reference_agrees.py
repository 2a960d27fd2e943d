"""Random programs give the reference's roots, outputs, cycles and errors.

Needs the reference harness (`../shared/reference`, built) named by MIDEN_REFERENCE; developers run it, CI does not.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

import miden
from tests.strategies.masm import program as draw_program

REFERENCE = os.environ.get("MIDEN_REFERENCE", "")
PROGRAMS = int(os.environ.get("MIDEN_EXAMPLES", "300"))

pytestmark = pytest.mark.skipif(not REFERENCE, reason="MIDEN_REFERENCE does not name the reference harness")


@pytest.fixture(scope="module")
def reference() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([REFERENCE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.terminate()


def ask(process: subprocess.Popen[str], request: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def compare(drawn: dict[str, Any], expect: dict[str, Any]) -> None:
    program = miden.Assembler().assemble_program(drawn["source"])
    assert [word.to_hex()[2:] for word in program.forest.digests] == [node[1] for node in expect["nodes"]]
    assert list(program.forest.roots) == expect["roots"]
    assert program.entrypoint == expect["entrypoint"]
    run = drawn["run"]
    try:
        out = miden.execute(
            program,
            stack=miden.StackInputs.from_bottom(run["stack"]),
            advice=miden.AdviceInputs.from_json({"advice_stack": run["advice_stack"]}),
        )
    except miden.ExecutionError as error:
        assert error.kind == expect.get("run_error_kind"), error
        clock = re.search(r"clock cycle (\d+)", expect["run_error"])
        assert clock is None or error.clk == int(clock[1])
        return
    assert "run_error" not in expect, expect["run_error"]
    assert list(out.stack) == expect["stack"]
    assert out.cycles == expect["cycles"]
    assert list(out.advice_stack) == expect["advice_stack_left"][::-1]
    assert {a: v for a, v in out.memory().items() if v} == {a: v for a, v in expect["memory"] if v}


def test_random_programs_are_what_the_reference_makes_of_them(reference: subprocess.Popen[str]) -> None:
    start = int(os.environ.get("MIDEN_SEED", "0"))
    for seed in range(start, start + PROGRAMS):
        drawn = draw_program(random.Random(seed))
        expect = ask(reference, {"op": "program", "source": drawn["source"], "run": {**drawn["run"], "memory": True}})
        assert "error" not in expect, (seed, expect)
        try:
            compare(drawn, expect)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}\n{drawn['source']}\n{error}") from error
