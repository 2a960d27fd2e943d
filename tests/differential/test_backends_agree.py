"""Random structured programs give the same outputs, cycles, memory, advice and errors on both backends."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import miden
from tests.strategies.masm import programs

pytest.importorskip("miden._core.processor", reason="the core is not built: there is only one backend to run")

EXAMPLES = int(os.environ.get("MIDEN_EXAMPLES", "300"))
"""Programs per run; the suite of 10,000 is `MIDEN_EXAMPLES=10000 pytest tests/differential`."""


def observe(program: miden.Program, run: dict[str, Any], backend: str) -> dict[str, Any]:
    """Run and return everything a caller can see."""
    try:
        out = miden.execute(
            program,
            stack=miden.StackInputs.from_bottom(run["stack"]),
            advice=miden.AdviceInputs.from_json({"advice_stack": run["advice_stack"]}),
            backend=backend,
        )
    except miden.ExecutionError as error:
        facts = error.to_dict()
        facts.pop("diagnostic", None)
        return {"error": facts}
    return {
        "stack": list(out.stack),
        "cycles": out.cycles,
        "memory": {ctx: out.memory(ctx) for ctx in out.contexts},
        "advice": list(out.advice_stack),
        "transcript": tuple(out.transcript),
    }


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=programs())
def test_both_backends_agree_on_random_programs(drawn: dict[str, Any]) -> None:
    program = miden.Assembler().assemble_program(drawn["source"])
    assert observe(program, drawn["run"], "core") == observe(program, drawn["run"], "pure")
