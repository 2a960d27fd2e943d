"""What the doc comments say: every procedure has one, with inputs, outputs, failures and cycles, and the cycles are right."""

from __future__ import annotations

import functools
import re

import pytest

from miden.corelib import core_library
from miden.corelib.build import core_modules
from miden.package.docs import source_docs
from tests.support import corelib

LABELS = ("Inputs:", "Outputs:", "Fails:", "Cycles:")
CASES = 6


@functools.cache
def documented() -> dict[str, str]:
    """Return path of a procedure, without the namespace -> its documentation."""
    items = [(module.path, item) for module in source_docs(core_modules()) for item in module.items if item.kind == "procedure"]
    return {f"{path}::{item.name}".removeprefix(corelib.NAMESPACE): item.docs for path, item in items}


def stated(docs: str) -> int | None:
    """Return the cycles of a procedure that always takes as many, as its documentation says."""
    found = re.search(r"^Cycles: +(\d+)$", docs, re.MULTILINE)
    return int(found[1]) if found else None


PROCEDURES = [(module, name) for module in corelib.modules() for name in sorted(corelib.makers(module))]


def test_every_exported_procedure_is_documented_and_has_cases() -> None:
    exported = {item.path.removeprefix("::" + corelib.NAMESPACE) for item in core_library().procedures}
    assert exported == set(documented()) == {f"{module}::{name}" for module, name in PROCEDURES}


def test_every_documentation_says_what_goes_in_and_comes_out() -> None:
    lacking = {path: [label for label in LABELS if f"\n{label}" not in docs] for path, docs in documented().items()}
    assert {path: labels for path, labels in lacking.items() if labels} == {}


@pytest.mark.parametrize(("module", "name"), PROCEDURES, ids=[f"{module}::{name}" for module, name in PROCEDURES])
def test_the_cycles_it_states_are_those_it_takes(module: str, name: str) -> None:
    docs = documented()[f"{module}::{name}"]
    ours = corelib.Ours(core_library())
    outcomes = [ours.outcome(module, name, case) for case in corelib.cases(module, name, CASES)]
    taken = {outcome.cycles for outcome in outcomes if outcome.failure is None}
    number = stated(docs)
    if number is not None:
        assert taken == {number}
    else:
        assert re.search(r"^Cycles: +\S*\D", docs, re.MULTILINE), "cycles are a number, or words about them"
