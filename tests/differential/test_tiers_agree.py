"""Tier two, the plain engine and the pure machine over random programs: every stop is the same stop in the same state.

MIDEN_EXAMPLES sets the number of programs (300 otherwise).
"""

from __future__ import annotations

from itertools import cycle
from random import Random
from typing import TYPE_CHECKING

import hypothesis
import pytest
from hypothesis import strategies as st

from miden.status import FIRST_FAULT, Status
from tests.differential.test_machines_agree import EXAMPLES, Side, compare_accessors
from tests.strategies.forests import Forest, Inputs, forest, inputs
from tests.strategies.loops import looping_forest
from tests.support.machines import HAVE_CORE, Backend

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [pytest.mark.property, pytest.mark.skipif(not HAVE_CORE, reason="the core is not built")]

differential = hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))

BY_HEAT, PLAIN, HOT = 0, 1, 2
MAX_STOPS = 300


def sides(program: Forest, library: Forest, given: Inputs, tiers: Sequence[int], *, pure: bool = False, known_after: int = 0) -> list[Side]:
    """Return a side for each tier, and one for the pure machine.

    Before, another machine may run for `known_after` cycles, so that it is known of the code where its dyns lead.
    """
    found = []
    for tier in tiers:
        side = Side(Backend("core"), program, library, given)
        if known_after:
            first = side.new_machine()
            first.tier = PLAIN
            first.run(known_after)
        side.machine.tier = tier
        found.append(side)
    return [*found, Side(Backend("pure"), program, library, given)] if pure else found


def agree(machines: list[Side], budgets: Sequence[int], *, silent: bool = False) -> Status:
    """Run all sides stop by stop; with `silent`, each with budgets of its own, and only other stops are compared."""
    status = Status.BUDGET
    for turn, budget in zip(range(MAX_STOPS), cycle(budgets), strict=False):
        stops = [side.stop(budgets[(turn + i) % len(budgets)] if silent else budget, silent=silent) for i, side in enumerate(machines)]
        for stop in stops[1:]:
            assert stop == stops[0]
        status = stops[0]["status"]
        if status == Status.DONE or status >= FIRST_FAULT:
            break
        served = [side.answer(stop) for side, stop in zip(machines, stops, strict=True)]
        if not all(served):
            break
    for side in machines[1:]:
        compare_accessors(machines[0].machine, side.machine)
    return status


def without_decorators(given: Inputs) -> Inputs:
    return Inputs(given.stack, given.advice, given.limits, given.budgets, debug=False)


def check(seed: int, *, pure: bool = False) -> Status:
    """Draw a program from a seed and run it in all tiers, with the same budgets and with different ones."""
    rng = Random(seed)
    kind = rng.randrange(4)
    library = forest(rng, 2, 3, library=True)
    program = forest(rng, rng.choice((5, 10)), 6) if kind == 0 else looping_forest(rng, rng.choice((2, 5, 12)), rng.choice((0, 1, 2, 3)))
    given = without_decorators(inputs(rng))
    tiers, known_after = (PLAIN, HOT), rng.choice((0, 30, 100, 300, 1000))
    if rng.random() < 0.5 and not pure:  # the core alone stops early for operations that take long
        return agree(sides(program, library, given, tiers, pure=pure, known_after=known_after), given.budgets)
    return agree(sides(program, library, given, tiers, pure=pure, known_after=known_after), [2**29, *given.budgets], silent=True)


@differential
@hypothesis.given(st.integers(0, 2**64 - 1))
def test_every_stop_is_the_same_in_both_tiers(seed: int) -> None:
    check(seed)


@hypothesis.settings(differential, max_examples=max(EXAMPLES // 5, 50))
@hypothesis.given(st.integers(0, 2**64 - 1))
def test_every_stop_is_the_same_on_the_pure_machine(seed: int) -> None:
    check(seed, pure=True)


@hypothesis.settings(differential, max_examples=max(EXAMPLES // 5, 50))
@hypothesis.given(st.integers(0, 2**64 - 1))
def test_a_code_that_gets_hot_under_way_is_the_same_run(seed: int) -> None:
    rng = Random(seed)
    program, library = looping_forest(rng), forest(rng, 0, library=True)
    given = without_decorators(inputs(rng))
    agree(sides(program, library, given, (PLAIN, BY_HEAT)), given.budgets)
