"""Gas of actors in Miden assembly: to the cycle, the same on both backends, and at its end in any place nothing has happened."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from miden.actors.context import MachineContext
from miden.actors.methods import method_number
from miden.actors.prices import NV21, UNIT
from miden.actors.runtimes.masm import MasmRuntime
from miden.actors.runtimes.masm.boundary import CALLS
from miden.actors.runtimes.masm.library import assemble_actor
from miden.assembly import assemble
from miden.ipld import dagcbor
from miden.vm.processor import execute
from tests.support.actor_world import ALICE, BOB, INIT_ID, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.actors.runtimes.masm.boundary import Answer, Call
    from miden.actors.runtimes.masm.invocation import Invocation

SAMPLES = Path(__file__).parents[3] / "examples" / "actors"
BACKENDS = ("core", "pure")
LOOP = "pub proc invoke push.1 while.true push.1 end end"


@functools.cache
def sample(name: str) -> Any:
    return assemble_actor(SAMPLES / f"{name}.masm")


def test_a_cycle_costs_what_the_list_says() -> None:
    body = "push.1 push.2 add swap drop drop push.0 swap drop"
    cycles = execute(assemble(f"proc invoke {body} end begin call.invoke end")).cycles
    for backend in BACKENDS:
        for prices, cycle in ((UNIT, 1), (NV21, 4)):
            world = World([MasmRuntime(backend)], prices=prices)  # type: ignore[arg-type]
            actor = world.put(assemble_actor(f"pub proc invoke {body} end"))
            used = world.call(actor, 2).gas_used
            assert used == cycles * cycle + (NV21.invocation // 1000 if prices is NV21 else 0)


def test_the_last_cycle_counts() -> None:
    for backend in BACKENDS:
        world = World([MasmRuntime(backend)])
        actor = world.put(sample("counter"))
        world.call(actor, 1, sender=INIT_ID)
        used = world.call(actor, method_number("Get")).gas_used
        assert world.call(actor, method_number("Get"), gas=used).exit_code == 0
        receipt = world.call(actor, method_number("Get"), gas=used - 1)
        assert (receipt.exit_code, receipt.gas_used) == (7, used - 1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loop_without_end_ends(backend: str) -> None:
    world = World([MasmRuntime(backend)])
    receipt = world.call(world.put(assemble_actor(LOOP)), 2, gas=100_000)
    assert (receipt.exit_code, receipt.gas_used) == (7, 100_000)


def test_a_loop_of_calls_without_end_ends() -> None:
    world = World([MasmRuntime()])
    calls = world.put(assemble_actor("pub proc invoke push.1 while.true padw syscall.gas_available dropw push.1 end end"))
    events = world.put(assemble_actor('pub proc invoke push.1 while.true emit.event("miden::actor::give") push.1 end end'))
    assert world.call(calls, 2, gas=100_000).exit_code == 7
    assert world.call(events, 2, gas=100_000).exit_code == 4, "no more than four pieces of memory"


def test_memory_without_end_ends() -> None:
    world = World([MasmRuntime()])
    body = "push.0 push.1 while.true dup dup mem_store add.4 push.1 end"
    receipt = world.call(world.put(assemble_actor(f"pub proc invoke {body} end")), 2, gas=10**9)
    assert receipt.exit_code == 4
    assert "memory" in receipt.failure
    assert world.call(world.put(sample("counter")), 1, sender=INIT_ID).exit_code == 0, "the machine goes on"


def test_calls_inside_each_other_without_end_end() -> None:
    body = "proc deeper push.1 drop end pub proc invoke push.1 while.true padw padw padw padw push.1 end end"
    receipt = World([MasmRuntime()]).call(World([MasmRuntime()]).put(assemble_actor(body)), 2, gas=10**8)
    assert receipt.exit_code in (4, 5, 10), receipt
    world = World([MasmRuntime()])
    assert world.call(world.put(assemble_actor(body)), 2, gas=10**8).exit_code == 4, "the stack has a limit"


STEPS: list[tuple[str, str, str, object, int]] = [
    ("counter", "[3]", "Increment", [4], ALICE),
    ("approvals", "[2, [1001, 1002]]", "Propose", [1004, 5], ALICE),
    ("token", "[100, 1001]", "Transfer", [BOB, 30], ALICE),
]


@pytest.mark.parametrize(("name", "start", "method", "params", "sender"), STEPS)
@pytest.mark.parametrize("prices", ["unit", "nv21"])
def test_gas_ends_at_every_call_and_beside_it(
    monkeypatch: pytest.MonkeyPatch, name: str, start: str, method: str, params: object, sender: int, prices: str
) -> None:
    """Wherever gas ends, before, in and behind every call of the kernel, the exit code is 7 and the state is as it was."""
    world = World([MasmRuntime()], prices=prices, context=MachineContext(tracing=True))
    actor = world.put(sample(name), balance=100)
    assert world.call(actor, 1, dagcbor.encode(_value(start)), sender=INIT_ID).exit_code == 0
    root = world.machine.tree.flush()
    places: list[int] = []

    def watched(serve: Callable[[Invocation], Answer], run: Invocation) -> Answer:
        places.append(run.kernel.gas.used)
        answer = serve(run)
        places.append(run.kernel.gas.used)
        return answer

    with monkeypatch.context() as patch:
        for call in CALLS.values():
            _watch(patch, call, watched)
        whole = world.call(actor, method_number(method), params, sender=sender)
    assert whole.exit_code == 0
    assert len(places) >= 2 * 12
    world.machine.tree.set(actor, _old(world, actor, root))
    before = world.state(actor)
    around = {limit for milligas in places for place in (milligas // 1000,) for limit in range(place - 2, place + 3) if limit > 0}
    for limit in sorted(limit for limit in around if limit < whole.gas_used):
        receipt = world.call(actor, method_number(method), params, sender=sender, gas=limit)
        assert (receipt.exit_code, receipt.gas_used, receipt.events_root) == (7, limit, None), limit
        assert world.state(actor) == before
        assert world.balance(actor) == 100
    assert world.call(actor, method_number(method), params, sender=sender, gas=whole.gas_used) == whole


def _value(text: str) -> Any:
    import json

    return json.loads(text)


def _old(world: World, actor: int, root: Any) -> Any:
    from miden.actors.state import StateTree

    return StateTree(world.machine.blocks, root).get(actor)


def _watch(patch: pytest.MonkeyPatch, call: Call, watched: Callable[..., Answer]) -> None:
    patch.setattr(call, "serve", functools.partial(watched, call.serve))


def test_every_step_is_the_same_on_both_backends() -> None:
    """Gas, charge by charge: the pure machine is the second witness."""
    for name, start, method, params, sender in STEPS:
        traces = []
        for backend in BACKENDS:
            world = World([MasmRuntime(backend)], prices="nv21", context=MachineContext(tracing=True))
            actor = world.put(sample(name), balance=100)
            world.call(actor, 1, dagcbor.encode(_value(start)), sender=INIT_ID)
            receipt = world.call(actor, method_number(method), params, sender=sender)
            traces.append((receipt, receipt.trace))
        assert traces[0] == traces[1]
        assert traces[0][1]
