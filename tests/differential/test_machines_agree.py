"""Both machines, in lockstep over random programs: every stop is the same stop in the same state.

MIDEN_EXAMPLES sets the number of programs (300 otherwise).
"""

from __future__ import annotations

import os
import struct
from itertools import cycle
from random import Random
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from miden.status import FIRST_FAULT, Status
from tests.strategies.forests import LIBRARY_DIGESTS, Forest, Inputs, forest, forests, inputs, run_inputs
from tests.support.machines import HAVE_CORE, Backend

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.property, pytest.mark.skipif(not HAVE_CORE, reason="the core is not built")]

EXAMPLES = int(os.environ.get("MIDEN_EXAMPLES", "300"))
MAX_STOPS = 200
SIBLINGS = b"".join(struct.pack("<4Q", i, 0, 1, 2**32) for i in range(1, 65))

differential = hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))


class Side:
    """One machine with the codes of its own backend."""

    def __init__(self, backend: Backend, program: Forest, library: Forest, given: Inputs) -> None:
        self.library = backend.code(library.columns)
        self.library.set_decorators(library.flags)
        code = backend.code(program.columns)
        code.set_decorators(program.flags)
        self.roots = {struct.pack("<4Q", *digest): self.library.find_root(struct.pack("<4Q", *digest)) for digest in LIBRARY_DIGESTS}
        self.new_machine: Callable[[], Any] = lambda: backend.machine(
            code, program.entrypoint, kernel=program.kernel, stack=given.stack, advice=given.advice, debug=given.debug, **given.limits
        )
        self.machine = self.new_machine()
        self.codes = {id(code): "program", id(self.library): "library"}

    def stop(self, budget: int, *, silent: bool = False) -> dict[str, Any]:
        """Run on and return all that can be seen of the stop; `silent` runs over stops for the budget."""
        machine = self.machine
        status = Status(machine.run(budget))
        while silent and status == Status.BUDGET:
            status = Status(machine.run(budget))
        facts = {
            "status": status,
            "clk": machine.clk,
            "ctx": machine.ctx,
            "depth": machine.depth,
            "node_id": machine.node_id,
            "op_index": machine.op_index,
            "code": self.codes[id(machine.code)],
            "transcript": tuple(machine.transcript),
            "snapshot": machine.snapshot(),
        }
        if status == Status.DECORATOR:
            facts["slot"] = machine.decorator_slot
        if status >= FIRST_FAULT:
            facts["values"] = tuple(machine.fault_values)
        if status in (Status.EXTERNAL, Status.DYN):
            facts["digest"] = machine.request_digest
        return facts

    def answer(self, stop: dict[str, Any]) -> bool:
        """Serve a request as a driver would; False where a driver would give up."""
        machine = self.machine
        status = stop["status"]
        if status == Status.EVENT:
            machine.advice_push([machine.stack_get(0), machine.clk % 2])
        elif status in (Status.MERKLE_VERIFY, Status.MERKLE_UPDATE):
            depth = machine.stack_get(4)
            if depth > 64:
                return False
            machine.supply_path(SIBLINGS[: 32 * depth])
        elif status in (Status.EXTERNAL, Status.DYN):
            root = self.roots.get(stop["digest"], -1)
            if root < 0:
                return False
            machine.enter(self.library, root)
        return True


def lockstep(program: Forest, library: Forest, given: Inputs, observe: Callable[[dict[str, Any]], None] | None = None) -> None:
    """Run both machines stop by stop; `observe` sees every stop of the pure one."""
    pure, core = (Side(Backend(name), program, library, given) for name in ("pure", "core"))
    for _, budget in zip(range(MAX_STOPS), cycle(given.budgets), strict=False):
        stops = [side.stop(budget) for side in (pure, core)]
        for fact, value in stops[0].items():
            assert stops[1][fact] == value, fact
        if observe is not None:
            observe(stops[0])
        status = stops[0]["status"]
        if status == Status.DONE or status >= FIRST_FAULT:
            break
        served = [side.answer(stop) for side, stop in zip((pure, core), stops, strict=True)]
        if not all(served):
            break
    compare_accessors(pure.machine, core.machine)


def compare_accessors(pure: Any, core: Any) -> None:
    assert pure.stack() == core.stack()
    assert [pure.stack_get(i) for i in range(20)] == [core.stack_get(i) for i in range(20)]
    assert pure.advice_stack() == core.advice_stack()
    assert pure.contexts() == core.contexts()
    for ctx in pure.contexts():
        cells = pure.memory(ctx)
        assert list(core.memory(ctx).items()) == list(cells.items())
        for address in (0, 1, 3, 40, 260, 2**31, 2**32 - 2, 2**32 - 1):
            assert pure.memory_get(ctx, address) == core.memory_get(ctx, address) == cells.get(address)


@differential
@hypothesis.given(forests(), forests(library=True), run_inputs())
def test_every_stop_of_a_random_program_is_the_same(program: Forest, library: Forest, given: Inputs) -> None:
    lockstep(program, library, given)


@hypothesis.settings(differential, max_examples=max(EXAMPLES // 5, 50))
@hypothesis.given(forests(), forests(library=True), run_inputs())
def test_one_row_at_a_time_is_the_same_run(program: Forest, library: Forest, given: Inputs) -> None:
    """Compare a run in one go with one in single rows, on both machines."""
    for name in ("pure", "core"):
        runs = []
        for budget in (2**29, 1):
            side = Side(Backend(name), program, library, given)
            stops = []
            while len(stops) < MAX_STOPS:
                stops.append(side.stop(budget, silent=True))
                if stops[-1]["status"] == Status.DONE or stops[-1]["status"] >= FIRST_FAULT or not side.answer(stops[-1]):
                    break
            runs.append(stops)
        assert runs[0] == runs[1]


def test_random_programs_reach_every_kind_of_stop() -> None:
    """Guard the generator: programs that all trap at once would prove nothing."""
    seen: dict[Status, int] = {}
    clocks = []
    for seed in range(400):
        rng = Random(seed)
        stops: list[dict[str, Any]] = []
        lockstep(forest(rng, 12), forest(rng, 4, library=True), inputs(rng), stops.append)
        clocks.append(stops[-1]["clk"])
        for stop in stops:
            seen[stop["status"]] = seen.get(stop["status"], 0) + 1
    assert set(seen) >= {
        *(Status.DONE, Status.BUDGET, Status.EVENT, Status.EXTERNAL, Status.DYN, Status.MERKLE_VERIFY, Status.MERKLE_UPDATE),
        *(Status.DECORATOR, Status.NOT_BINARY_OP, Status.NOT_BINARY_IF, Status.NOT_BINARY_LOOP, Status.NOT_U32, Status.DIVIDE_BY_ZERO),
        *(Status.ADDRESS_OUT_OF_BOUNDS, Status.UNALIGNED_WORD_ACCESS, Status.ADVICE_STACK_EMPTY, Status.STACK_DEPTH_ON_RETURN),
        *(Status.OUTPUT_STACK_OVERFLOW, Status.SYSCALL_NOT_IN_KERNEL, Status.CYCLE_LIMIT, Status.STACK_LIMIT, Status.MEMORY_LIMIT),
        Status.CONTINUATION_LIMIT,
    }
    assert seen[Status.DONE] > 100
    assert sorted(clocks)[len(clocks) // 2] > 200
