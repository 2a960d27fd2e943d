"""Actors of all runtimes call each other: through any of them, in any order, to the limit of depth."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from miden.actors.address import Address
from miden.actors.methods import method_number
from miden.actors.runtimes.masm import MasmRuntime
from miden.actors.runtimes.masm.library import assemble_actor
from miden.actors.runtimes.native import Actor, NativeRuntime, method, native_code
from miden.actors.runtimes.wasm.runtime import WasmRuntime
from miden.actors.state import INIT_ID
from miden.ipld import dagcbor
from miden.ipld.blocks import store_block
from miden.ipld.cid import MAST_FOREST, RAW, Cid
from tests.support.actor_machines import sample
from tests.support.actor_world import FIRST_ACTOR, World

EXAMPLES = Path(__file__).parents[3] / "examples" / "actors"
INCREMENT = method_number("Increment")
LANGUAGES = ("masm", "wat", "python")


class Relay(Actor):
    """Passes on what it is called with to the actor with the next id."""

    name = "relay"

    @method
    def increment(self, by: int) -> Any:
        reply = self.send(self.kernel.receiver + 1, INCREMENT, [by])
        if reply.exit_code:
            self.abort(reply.exit_code, "the next one failed")
        return dagcbor.decode(reply.data)


def masm_relay(target: int, method: int = INCREMENT, after: str = "") -> bytes:
    """Return an actor that passes its parameters on and returns what comes back; `after` is done behind the call."""
    return assemble_actor(
        f"""
        use miden::actor::calls
        use miden::actor::message
        use miden::core::sys
        pub proc invoke
            push.0 swap push.{method}.{target} exec.calls::send
            assertz.err="the call was not made"
            dup neq.0
            if.true
                exec.message::abort
            else
                drop
            end
            {after}
            exec.sys::truncate_stack
        end"""
    ).to_bytes()


def wat_relay(target: int, method: int = INCREMENT, after: str = "") -> bytes:
    """As `masm_relay`, in WebAssembly."""
    address = Address.of(target).to_bytes()
    text = "".join(f"\\{byte:02x}" for byte in address)
    return bytes(
        wasmtime.wat2wasm(
            f"""(module
              (import "send" "send" (func $send (param i32 i32 i32 i64 i32 i64 i64 i64 i64) (result i32)))
              (import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 64) "{text}")
              (func (export "invoke") (param $params i32) (result i32)
                (if (call $send (i32.const 0) (i32.const 64) (i32.const {len(address)}) (i64.const {method}) (local.get $params)
                      (i64.const 0) (i64.const 0) (i64.const -1) (i64.const 0))
                  (then (unreachable)))
                (if (i32.load (i32.const 0))
                  (then (drop (call $exit (i32.load (i32.const 0)) (i32.const 0) (i32.const 0) (i32.const 0)))))
                {after}
                (i32.load (i32.const 4))))"""
        )
    )


def world() -> World:
    return World([MasmRuntime(), WasmRuntime(), NativeRuntime([Relay, sample("Counter")])])


def put(made: World, code: bytes | Cid) -> int:
    """Put in an actor by its code, of whichever kind it is."""
    if isinstance(code, Cid):
        return made.put(code)
    return made.put(store_block(made.blocks, code, RAW if code.startswith(b"\0asm") else MAST_FOREST))


def relay(language: str, target: int) -> bytes | Cid:
    return {"masm": masm_relay, "wat": wat_relay}[language](target) if language != "python" else native_code(Relay)


def counter(language: str) -> bytes | Cid:
    if language == "masm":
        return assemble_actor(EXAMPLES / "counter.masm").to_bytes()
    if language == "wat":
        return bytes(wasmtime.wat2wasm((EXAMPLES / "counter.wat").read_text()))
    return native_code(sample("Counter"))


@pytest.mark.parametrize("last", LANGUAGES)
def test_a_call_goes_through_all_of_them_in_any_order(last: str) -> None:
    for way in itertools.permutations(LANGUAGES):
        made = world()
        actors = [put(made, relay(language, FIRST_ACTOR + place + 1)) for place, language in enumerate(way)]
        end = put(made, counter(last))
        assert end == actors[-1] + 1
        assert made.call(end, 1, [40], sender=INIT_ID).exit_code == 0
        receipt = made.call(actors[0], INCREMENT, [2])
        assert (receipt.exit_code, receipt.return_data) == (0, dagcbor.encode([42])), way
        assert [event.emitter for event in receipt.events] == [end]
        assert made.value(end) == [42]
        assert made.call(actors[0], INCREMENT, ["two"]).exit_code == 21
        assert made.value(end) == [42]


PASS, ECHO = 77, 78

MASM_ECHO = f"""
use miden::actor::calls
use miden::actor::message
use miden::core::sys
# method {PASS} calls the next actor, which calls method {ECHO} here, which returns its parameters
pub proc invoke
    exec.message::enter
    exec.message::method eq.{PASS}
    if.true
        push.0 swap push.{PASS} exec.message::receiver add.1 exec.calls::send
        assertz assertz
    else
        exec.message::caller exec.message::receiver add.1 assert_eq
    end
    exec.sys::truncate_stack
end"""


def test_a_masm_actor_calls_a_wasm_actor_and_back() -> None:
    made = world()
    first = put(made, assemble_actor(MASM_ECHO).to_bytes())
    second = put(made, wat_relay(first, ECHO))
    receipt = made.call(first, PASS, ["there", "and", "back"])
    assert receipt.exit_code == 0, receipt.failure
    assert receipt.return_data == dagcbor.encode(["there", "and", "back"])
    assert made.call(first, ECHO, ["not from there"]).exit_code == 24
    assert second == first + 1


@pytest.mark.parametrize("language", ["masm", "wat"])
def test_what_an_actor_did_is_taken_back_when_its_caller_fails(language: str) -> None:
    made = world()
    after = {"masm": "push.0 assert", "wat": "(unreachable)"}[language]
    code = {"masm": masm_relay, "wat": wat_relay}[language](FIRST_ACTOR + 1, after=after)
    outer = put(made, code)
    inner = put(made, counter("wat" if language == "masm" else "masm"))
    assert made.call(inner, 1, [5], sender=INIT_ID).exit_code == 0
    receipt = made.call(outer, INCREMENT, [1])
    assert receipt.exit_code == {"masm": 24, "wat": 4}[language]
    assert receipt.events == ()
    assert made.value(inner) == [5]


def test_a_call_that_may_change_nothing_stays_one_through_all_of_them() -> None:
    made = world()
    asks = f"""
    use miden::actor::calls
    use miden::core::sys
    pub proc invoke push.{INCREMENT}.{FIRST_ACTOR + 1} exec.calls::ask assertz eq.25 assert push.0 exec.sys::truncate_stack end"""
    first = put(made, assemble_actor(asks).to_bytes())
    put(made, wat_relay(FIRST_ACTOR + 2))
    put(made, masm_relay(FIRST_ACTOR + 3))
    end = put(made, counter("wat"))
    made.call(end, 1, [5], sender=INIT_ID)
    receipt = made.call(first, 2, [1])
    assert receipt.exit_code == 0, receipt.failure
    assert made.value(end) == [5]


def test_calls_inside_each_other_to_the_limit() -> None:
    """MASM and Wasm call each other until no call is left: a typed error for the innermost, and the machine goes on."""
    made = world()
    bounces = f"""
    use miden::actor::calls
    use miden::actor::message
    use miden::core::sys
    # returns, if the call cannot be made because calls are too deep, and else what comes back
    pub proc invoke
        push.0 swap push.{INCREMENT}.{FIRST_ACTOR + 1} exec.calls::send
        dup eq.3
        if.true
            drop drop drop push.1
        else
            assertz assertz
        end
        exec.sys::truncate_stack
    end"""
    first = put(made, assemble_actor(bounces).to_bytes())
    second = put(made, wat_relay(first))
    receipt = made.call(second, INCREMENT, [1], gas=10**12)
    assert (receipt.exit_code, receipt.return_data) == (0, dagcbor.encode([1])), "the innermost, in MASM, sees error 3 and returns"
    receipt = made.call(first, INCREMENT, [1], gas=10**12)
    assert receipt.exit_code == 24, "the innermost, in Wasm, traps"
    assert "LIMIT_EXCEEDED: more than 1024 calls inside each other" in receipt.failure
    alone = put(made, masm_relay(FIRST_ACTOR + 2))
    deepest = made.call(alone, INCREMENT, [1], gas=10**12)
    assert deepest.exit_code == 24, "the call that could not be made fails an assertion, and so does each that waits for it"
    end = put(made, counter("masm"))
    assert made.call(end, 1, [5], sender=INIT_ID).exit_code == 0
