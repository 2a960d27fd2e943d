"""Every procedure on both backends: against the reference's recorded answers, and against independent oracles."""

from __future__ import annotations

import functools

import pytest

from miden.corelib import core_library
from tests.support import corelib
from tests.support.programs import BACKENDS, require_backend

PURE_CASES = 6
"""Cases of each procedure that the pure machine runs, which takes its time."""

PROCEDURES = [(module, name) for module in corelib.modules() for name in sorted(corelib.makers(module))]


@functools.cache
def ours(backend: str) -> corelib.Ours:
    return corelib.Ours(core_library(), backend)


@functools.cache
def answers(module: str) -> dict[str, list[corelib.Outcome]]:
    return corelib.recorded(module)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("module", "name"), PROCEDURES, ids=[f"{module}::{name}" for module, name in PROCEDURES])
def test_a_procedure_does_what_the_references_does_in_no_more_cycles(module: str, name: str, backend: str) -> None:
    require_backend(backend)
    recorded = answers(module)[name]
    assert recorded
    if backend == "pure":
        recorded = recorded[:PURE_CASES]
    for case, answer in zip(corelib.cases(module, name, len(recorded)), recorded, strict=True):
        outcome = ours(backend).outcome(module, name, case)
        assert corelib.differences(case, outcome, answer) == [], case
        assert outcome.cycles <= answer.cycles, case
