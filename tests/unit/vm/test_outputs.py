"""What a run leaves behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from miden.field import Word
from miden.vm.inputs import AdviceInputs

if TYPE_CHECKING:
    from tests.unit.vm.conftest import Run


def test_the_output_has_sixteen_elements_top_first(run: Run) -> None:
    output = run("noop", stack=[1, 2])
    assert output.stack == [1, 2, *[0] * 14]
    assert output.cycles == 3


def test_memory_is_read_by_context(run: Run) -> None:
    output = run("push.7 push.41 mstore drop")
    assert output.contexts == [0]
    assert output.memory() == output.memory(0) == {40: 0, 41: 7, 42: 0, 43: 0}
    assert output.memory(5) == {}


def test_what_is_left_of_the_advice(run: Run) -> None:
    output = run("advpop drop", advice=AdviceInputs([1, 2, 3], {Word(): [4]}))
    assert output.advice_stack == [2, 3]
    assert output.advice_map == {Word(): (4,)}
    assert len(output.merkle_store) == 0
    assert output.precompile_requests == ()


def test_the_transcript_is_the_state_after_the_last_record(run: Run) -> None:
    assert run("noop").transcript == Word()
    assert run("log_precompile").transcript != Word()


def test_to_dict_is_json_ready(run: Run) -> None:
    facts = json.loads(json.dumps(run("push.7 push.41 mstore drop", advice=AdviceInputs([1])).to_dict(memory=True)))
    assert facts["stack"] == [0] * 16
    assert facts["cycles"] == 7
    assert facts["advice_stack"] == [1]
    assert facts["memory"] == {"0": [[41, 7]]}
    assert "memory" not in run("noop").to_dict()


def test_repr_is_short(run: Run, backend: str) -> None:
    assert repr(run("noop")) == f"<ExecutionOutput stack=[0, 0 ...] cycles=3 backend={backend}>"
    assert repr(run("noop", stack=[5, 6])) == f"<ExecutionOutput stack=[5, 6, 0 ...] cycles=3 backend={backend}>"
    assert dict(run("noop").__rich_repr__())["cycles"] == 3
