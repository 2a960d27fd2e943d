"""Guests that mean harm, or are broken: each ends with the exit code that it earns, and the machine goes on."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime

from miden.actors.address import Address
from miden.actors.codes import ExitCode
from miden.actors.context import MachineContext
from miden.actors.machine import Machine
from miden.actors.messages import Message
from miden.actors.runtimes.wasm.abi import NV18, NV21
from miden.actors.runtimes.wasm.runtime import WasmRuntime
from miden.actors.state import ActorState
from miden.errors import StorageError
from miden.ipld.blocks import MemoryBlocks
from miden.ipld.cid import RAW, Cid
from tests.support.actor_machines import EXAMPLES, call

if TYPE_CHECKING:
    from miden.actors.messages import Receipt
    from miden.actors.runtimes.wasm.abi import Import

GAS = 10_000_000_000
DAMAGED = 300
INIT = Address.of(1)
GUEST = 200
HONEST = '(module (memory (export "memory") 1) (func (export "invoke") (param i32) (result i32) (i32.const 0)))'


@pytest.fixture(scope="module")
def runtime() -> WasmRuntime:
    return WasmRuntime()


class Bench:
    """A machine with one account, and guests at IDs of their own."""

    def __init__(self, runtime: WasmRuntime, **options: Any) -> None:
        self.machine = Machine.genesis(MemoryBlocks(), runtimes=[runtime], **options)
        self.account = self.machine.create_account(10**30)

    def put(self, code: bytes | str, actor: int = GUEST) -> None:
        data = bytes(wasmtime.wat2wasm(code)) if isinstance(code, str) else code
        self.machine.blocks.put(Cid.of(data, RAW), data)
        self.machine.tree.set(actor, ActorState(Cid.of(data, RAW)))

    def run(self, code: bytes | str, *, gas: int = GAS, value: int = 0) -> Receipt:
        """Call a guest, see that a failure left its state as it was, and that an honest one still runs after it."""
        self.put(code)
        before = self.machine.tree.get(GUEST)
        receipt = call(self.machine, self.account, Address.of(GUEST), 2, gas_limit=gas, value=value)
        if receipt.exit_code:
            assert self.machine.tree.get(GUEST) == before
            assert receipt.events == ()
        assert receipt.gas_used <= gas
        self.put(HONEST, GUEST + 1)
        assert call(self.machine, self.account, Address.of(GUEST + 1), 2, gas_limit=GAS).exit_code == 0
        return receipt


@pytest.fixture
def bench(runtime: WasmRuntime) -> Bench:
    return Bench(runtime)


def guest(body: str, more: str = "", memory: str = "1") -> str:
    """A module whose entry point has a body."""
    return f'(module {more} (memory (export "memory") {memory}) (func (export "invoke") (param $p i32) (result i32) {body}))'


EXIT = '(import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))'
SEND = '(import "send" "send" (func $send (param i32 i32 i32 i64 i32 i64 i64 i64 i64) (result i32)))'


def test_a_loop_runs_out_of_gas(bench: Bench) -> None:
    receipt = bench.run(guest("(loop (br 0)) (unreachable)"), gas=500_000_000)
    assert (receipt.exit_code, receipt.gas_used) == (ExitCode.SYS_OUT_OF_GAS, 500_000_000)


def test_memory_grows_to_its_bound(bench: Bench) -> None:
    # 512 MiB are 8,192 pages: what is grown is counted, and the count is the exit code.
    body = """(local $pages i32) (local.set $pages (i32.const 1))
      (block (loop (br_if 1 (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
        (local.set $pages (i32.add (local.get $pages) (i32.const 1))) (br 0)))
      (drop (call $exit (local.get $pages) (i32.const 0) (i32.const 0) (i32.const 0))) (unreachable)"""
    assert bench.run(guest(body, EXIT)).exit_code == 8192
    dear = bench.run(guest("(drop (memory.grow (i32.const 1000))) (i32.const 0)"), gas=20_000_000)
    assert dear.exit_code == ExitCode.SYS_OUT_OF_GAS


def test_memory_of_all_guests_of_a_message_has_a_bound(bench: Bench) -> None:
    # Each grows by 500 MiB and calls itself; the fifth cannot grow, and says so.
    body = """(if (i32.eq (memory.grow (i32.const 8000)) (i32.const -1))
        (then (drop (call $exit (i32.const 99) (i32.const 0) (i32.const 0) (i32.const 0)))))
      (i32.store8 (i32.const 64) (i32.const 0)) (i32.store16 (i32.const 65) (i32.const 0x01C8))
      (drop (call $send (i32.const 0) (i32.const 64) (i32.const 3) (i64.const 2) (i32.const 0) (i64.const 0) (i64.const 0) (i64.const -1)
        (i64.const 0)))
      (i32.store (i32.const 80) (i32.load (i32.const 0)))
      (drop (call $exit (i32.add (i32.load (i32.const 80)) (i32.const 100)) (i32.const 0) (i32.const 0) (i32.const 0))) (unreachable)"""
    assert bench.run(guest(body, EXIT + SEND)).exit_code == 99 + 4 * 100


RESIDENT = Path("/proc/self/statm")


@pytest.mark.skipif(not RESIDENT.exists(), reason="this system does not tell how much memory is resident")
def test_memory_is_given_back(bench: Bench) -> None:
    # 64 MiB, every page touched, sixteen times over.
    body = """(local $at i32) (drop (memory.grow (i32.const 1023)))
      (loop (i32.store8 (local.get $at) (i32.const 1))
        (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 67108864)))) (i32.const 0)"""
    assert bench.run(guest(body)).exit_code == 0
    before = int(RESIDENT.read_text(encoding="ascii").split()[1])
    for _ in range(16):
        assert bench.run(guest(body)).exit_code == 0
    assert int(RESIDENT.read_text(encoding="ascii").split()[1]) - before < 4096  # pages


def test_a_host_may_have_less_memory_to_give() -> None:
    bench = Bench(WasmRuntime(memory=8 << 20))
    # 128 pages: one is there, a hundred are given, and the next hundred are not.
    grown = "(memory.grow (i32.const 100))"
    body = f"""(drop (call $exit (i32.add {grown} (i32.add {grown} (i32.const 100))) (i32.const 0) (i32.const 0) (i32.const 0)))
      (unreachable)"""
    assert bench.run(guest(body, EXIT)).exit_code == 1 - 1 + 100


def test_recursion_traps(bench: Bench) -> None:
    assert bench.run(guest("(call $f) (i32.const 0)", "(func $f (call $f))")).exit_code == ExitCode.SYS_ILLEGAL_INSTRUCTION
    mutual = """(func $f (param i32) (result i32) (i32.add (call $g (local.get 0)) (i32.const 1)))
      (func $g (param i32) (result i32) (call $f (local.get 0)))"""
    assert bench.run(guest("(call $f (i32.const 0))", mutual)).exit_code == ExitCode.SYS_ILLEGAL_INSTRUCTION


def test_recursion_with_large_frames_traps(bench: Bench) -> None:
    # One group of locals is one unit to the limiter, however many they are: the native stack has a bound of its own.
    uses = "".join(f"(local.set {index} (i64.load offset={8 * index} (i32.const 0)))" for index in range(4000))
    sums = "".join(f"(i64.store offset={8 * index} (i32.const 0) (local.get {index}))" for index in range(4000))
    frames = f"(func $f (local{' i64' * 4000}) {uses} (call $f) {sums})"
    assert bench.run(guest("(call $f) (i32.const 0)", frames)).exit_code == ExitCode.SYS_ILLEGAL_INSTRUCTION


def test_sends_from_high_stacks(runtime: WasmRuntime) -> None:
    # Each of thirty guests inside each other fills most of the native stack that it may have before it sends.
    bench = Bench(runtime, context=MachineContext(max_call_depth=30))
    uses = "".join(f"(local.set {index} (i64.load offset={8 * index} (i32.const 0)))" for index in range(1, 4000))
    sums = "".join(f"(i64.store offset={8 * index} (i32.const 0) (local.get {index}))" for index in range(1, 4000))
    send = """(drop (call $send (i32.const 0) (i32.const 40000) (i32.const 3) (i64.const 2) (i32.const 0) (i64.const 0) (i64.const 0)
      (i64.const -1) (i64.const 0))) (i32.store (i32.const 40004) (i32.load (i32.const 0)))"""
    high = f"""(func $f (param i32) (local{" i64" * 4000}) {uses}
      (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else {send})) {sums})"""
    body = """(i32.store16 (i32.const 40001) (i32.const 0x01C8)) (call $f (i32.const 90))
      (drop (call $exit (i32.add (i32.load (i32.const 40004)) (i32.const 100)) (i32.const 0) (i32.const 0) (i32.const 0))) (unreachable)"""
    assert bench.run(guest(body, EXIT + SEND + high)).exit_code == 30 * 100


@pytest.mark.parametrize(
    "body",
    [
        "(unreachable)",
        "(i32.div_s (i32.const 1) (i32.const 0))",
        "(i32.load (i32.const 65533))",
        "(i32.load offset=4294967295 (i32.const 1))",
        "(i32.trunc_f32_s (f32.const nan))",
        "(memory.fill (i32.const 1) (i32.const 0) (i32.const 65536)) (i32.const 0)",
    ],
)
def test_traps(bench: Bench, body: str) -> None:
    assert bench.run(guest(body)).exit_code == ExitCode.SYS_ILLEGAL_INSTRUCTION


def test_a_huge_fill_costs_what_it_says(bench: Bench) -> None:
    body = "(memory.fill (i32.const 0) (i32.const 0) (local.get $p)) (i32.const 0)"
    assert bench.run(guest(f"(local.set $p (i32.const -1)) {body}"), gas=100_000_000).exit_code == ExitCode.SYS_OUT_OF_GAS


def test_ends(bench: Bench) -> None:
    def ending(code: int, block: int = 0) -> Receipt:
        return bench.run(guest(f"(call $exit (i32.const {code}) (i32.const {block}) (i32.const -1) (i32.const 9))", EXIT))

    assert ending(0).exit_code == 0
    assert ending(16).exit_code == 16
    assert ending(-1).exit_code == 2**32 - 1
    for code in range(1, 16):
        assert ending(code).exit_code == ExitCode.SYS_ILLEGAL_EXIT_CODE
    assert ending(16, block=5).exit_code == ExitCode.SYS_ASSERTION_FAILED
    assert bench.run(guest("(i32.const 77)")).exit_code == ExitCode.SYS_MISSING_RETURN


def test_a_start_function_has_neither_memory_nor_privileges(bench: Bench) -> None:
    assert bench.run(guest("(i32.const 0)", "(func $s (unreachable)) (start $s)")).exit_code == ExitCode.SYS_ILLEGAL_INSTRUCTION
    # Memory is mapped after the start function: a place for a result is refused there.
    start = """(import "gas" "available" (func $available (param i32) (result i32))) (global $error (mut i32) (i32.const 0))
      (func $s (global.set $error (call $available (i32.const 0)))) (start $s)"""
    body = "(drop (call $exit (i32.add (global.get $error) (i32.const 100)) (i32.const 0) (i32.const 0) (i32.const 0))) (unreachable)"
    assert bench.run(guest(body, EXIT + start)).exit_code == 101
    loops = bench.run(guest("(i32.const 0)", "(func $s (loop (br 0))) (start $s)"), gas=30_000_000)
    assert loops.exit_code == ExitCode.SYS_OUT_OF_GAS


FATAL = {
    "no module": b"\0asm\x01\0\0\0\xff",
    "truncated": bytes(wasmtime.wat2wasm(HONEST))[:-3],
    "no memory": '(module (func (export "invoke") (param i32) (result i32) (i32.const 0)))',
    "no entry point": '(module (memory (export "memory") 1))',
    "another entry point": '(module (memory (export "memory") 1) (func (export "invoke")))',
    "unknown import": guest("(i32.const 0)", '(import "env" "abort" (func))'),
    "wrong import": guest("(i32.const 0)", '(import "vm" "exit" (func (param i32)))'),
    "gas of its own": guest("(i32.const 0)", '(import "gas" "gas_counter" (global (mut i64)))'),
    "imported memory": '(module (import "env" "memory" (memory 1)) (func (export "invoke") (param i32) (result i32) (i32.const 0)))',
    "vectors": guest("(drop (i8x16.splat (i32.const 1))) (i32.const 0)"),
    "several results": guest("(drop (call $f))", "(func $f (result i32 i32) (i32.const 0) (i32.const 0))"),
    "tail call": guest("(return_call 0 (i32.const 0))"),
    "two memories": guest("(i32.const 0)", "(memory 1)"),
    "64 bits": '(module (memory (export "memory") i64 1) (func (export "invoke") (param i32) (result i32) (i32.const 0)))',
    "threads": guest("(i32.atomic.load (i32.const 0))"),
    "sums as constants": guest("(i32.const 0)", "(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
    "functions by expression": guest("(i32.const 0)", "(table 1 funcref) (elem (i32.const 0) funcref (ref.func 0))"),
    "exceptions": guest("(throw $t)", "(tag $t)"),
}


@pytest.mark.parametrize("name", FATAL)
def test_code_that_cannot_run(bench: Bench, name: str) -> None:
    receipt = bench.run(FATAL[name])
    assert receipt.exit_code == ExitCode.SYS_ASSERTION_FAILED
    assert receipt.gas_used == GAS


@pytest.mark.parametrize("code", [guest("(i32.const 0)", memory="8193"), guest("(i32.const 0)", "(table 20001 funcref)")])
def test_code_that_needs_too_much(bench: Bench, code: str) -> None:
    assert bench.run(code).exit_code == ExitCode.SYS_ILLEGAL_INSTRUCTION


def importing(entry: Import, arguments: list[str]) -> str:
    letters = "I" * (entry.out is not None) + entry.params
    types = " ".join("i32" if letter in "Ii" else "i64" for letter in letters)
    passed = " ".join(f"({kind}.const {value})" for kind, value in zip(types.split(), arguments, strict=True))
    declared = f'(import "{entry.module}" "{entry.name}" (func $f (param {types}) (result i32)))'
    body = f"(drop (call $exit (i32.add (call $f {passed}) (i32.const 100)) (i32.const 0) (i32.const 0) (i32.const 0))) (unreachable)"
    return guest(body, EXIT + declared)


PATTERNS = {"all ones": -1, "zero": 0, "last byte": 65535, "behind memory": 65536, "sign bit": -(2**31)}


@pytest.mark.parametrize("version", [18, 21])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_pointers_that_lead_nowhere(runtime: WasmRuntime, version: int, pattern: str) -> None:
    """Every import with the same number for all arguments: an error number, or an end that an actor may have; never more."""
    bench = Bench(runtime, context=MachineContext(network_version=version))
    for entry in NV18 if version == 18 else NV21:
        count = len(entry.params) + (entry.out is not None)
        receipt = bench.run(importing(entry, [str(PATTERNS[pattern])] * count))
        assert receipt.exit_code >= 16 or receipt.exit_code in {0, 4, 7, 9, 10}, entry
        if entry.out is not None and pattern in {"all ones", "behind memory"}:
            assert receipt.exit_code == 101, entry


def test_a_bad_place_for_a_result_is_charged_twice(bench: Bench) -> None:
    """What upstream does, where a guest's gas is not refreshed before it goes on."""
    declared = '(import "gas" "available" (func $f (param i32) (result i32)))'
    waste = "(drop (i32.const 0))" * 1000
    good = bench.run(guest(f"{waste} (drop (call $f (i32.const 0))) (i32.const 0)", declared)).gas_used
    bad = bench.run(guest(f"{waste} (drop (call $f (i32.const -1))) (i32.const 0)", declared)).gas_used
    # Paid for at once: a thousand constants (drop is free), that of the place, the call, the last constant; before, the thunk.
    assert bad - good == 4 * (1000 + 3 + 14)


def test_nan_is_canonical(bench: Bench) -> None:
    body = """(drop (call $exit (i32.reinterpret_f32 (f32.div (f32.const 0) (f32.const 0))) (i32.const 0) (i32.const 0) (i32.const 0)))
      (unreachable)"""
    assert bench.run(guest(body, EXIT)).exit_code == 0x7FC00000


def test_sends_inside_each_other_to_the_limit(bench: Bench) -> None:
    # Each exits with one more than the call below it, the last with the error number of its send, 100 on top.
    body = """(i32.store8 (i32.const 64) (i32.const 0)) (i32.store16 (i32.const 65) (i32.const 0x01C8))
      (drop (call $exit (i32.add (i32.const 1) (if (result i32)
          (i32.eqz (call $send (i32.const 0) (i32.const 64) (i32.const 3) (i64.const 2) (i32.const 0) (i64.const 0) (i64.const 0)
            (i64.const -1) (i64.const 0)))
          (then (i32.load (i32.const 0))) (else (i32.const 100)))) (i32.const 0) (i32.const 0) (i32.const 0)))
      (unreachable)"""
    assert bench.run(guest(body, EXIT + SEND)).exit_code == 100 + 1024


def test_gas_ends_at_every_point(bench: Bench) -> None:
    """However much gas there is: either all is done, or nothing, and then all gas is used."""
    body = """(i32.store8 (i32.const 64) (i32.const 0)) (i32.store16 (i32.const 65) (i32.const 0x01C8))
      (drop (call $create (i32.const 0) (i64.const 0x55) (i32.const 0) (i32.const 100)))
      (drop (call $link (i32.const 4) (i32.load (i32.const 0)) (i64.const 0xb220) (i32.const 32) (i32.const 128) (i32.const 100)))
      (drop (call $set (i32.const 128))) (i32.const 0)"""
    imports = """(import "ipld" "block_create" (func $create (param i32 i64 i32 i32) (result i32)))
      (import "ipld" "block_link" (func $link (param i32 i32 i64 i32 i32 i32) (result i32)))
      (import "self" "set_root" (func $set (param i32) (result i32)))"""
    bench.put(guest(body, imports))
    before = bench.machine.tree.get(GUEST)

    def run(gas: int) -> Receipt:
        return bench.machine.implicit(Message(bench.account, Address.of(GUEST), method=2, gas_limit=gas))

    whole = run(GAS).gas_used
    after = bench.machine.tree.get(GUEST)
    assert after != before
    for gas in [*range(1, whole, whole // 300), whole - 1]:
        bench.put(guest(body, imports))
        receipt = run(gas)
        assert (receipt.exit_code, receipt.gas_used) == (ExitCode.SYS_OUT_OF_GAS, gas)
        assert bench.machine.tree.get(GUEST) == before
    assert run(whole).exit_code == 0
    assert bench.machine.tree.get(GUEST) == after


@pytest.mark.parametrize("failure", [StorageError("a disk is full"), KeyboardInterrupt()])
def test_what_is_no_fault_of_a_guest_goes_through_it(bench: Bench, failure: BaseException) -> None:
    """A store that fails, or a user who has enough: the message is not applied at all, and can be applied again."""
    body = "(drop (call $root (i32.const 0) (i32.const 64) (i32.const 100))) (drop (call $open (i32.const 0) (i32.const 64))) (i32.const 0)"
    imports = """(import "self" "root" (func $root (param i32 i32 i32) (result i32)))
      (import "ipld" "block_open" (func $open (param i32 i32) (result i32)))"""
    bench.put(guest(body, imports))
    state = Cid.of(b"a state that is not buffered", RAW)
    actor = bench.machine.tree.get(GUEST)
    assert actor is not None
    bench.machine.tree.set(GUEST, actor._replace(state=state))
    blocks = bench.machine.blocks
    below, blocks.below = blocks.below, FailingBlocks(blocks.below, state, failure)
    with pytest.raises(type(failure)):
        call(bench.machine, bench.account, Address.of(GUEST), 2, gas_limit=GAS)
    blocks.below = below
    below.put(state, b"a state that is not buffered")
    assert call(bench.machine, bench.account, Address.of(GUEST), 2, gas_limit=GAS).exit_code == 0


class FailingBlocks(MemoryBlocks):
    """Blocks of which one cannot be read."""

    def __init__(self, below: Any, cid: Cid, failure: BaseException) -> None:
        super().__init__()
        self._below, self._cid, self._failure = below, cid, failure

    def get(self, cid: Cid) -> bytes | None:
        if cid == self._cid:
            raise self._failure
        found: bytes | None = self._below.get(cid)
        return found


def test_damaged_guests(bench: Bench) -> None:
    """Real code with wrong bytes in it: whatever the engine still takes for a module runs, and ends as guests may."""
    rng = random.Random(5)
    code = bytes(wasmtime.wat2wasm((EXAMPLES / "token.wat").read_text(encoding="utf-8")))
    ends = {0, 4, 7, 9, 10, 11}
    for _ in range(DAMAGED):
        data = bytearray(code)
        for _ in range(rng.randrange(1, 3)):
            data[rng.randrange(8, len(data))] = rng.randrange(256)
        bench.put(bytes(data))
        method = rng.choice((1, 80475954, 2266030508, 2097177586))
        sender = INIT if method == 1 else bench.account
        message = Message(sender, Address.of(GUEST), method=method, params=b"\x82\x18\x64\x18\x64", gas_limit=20_000_000)
        receipt = bench.machine.implicit(message)
        assert receipt.exit_code in ends or receipt.exit_code >= 16
    assert bench.run(HONEST).exit_code == 0


def test_machines_in_several_threads_share_a_runtime(runtime: WasmRuntime) -> None:
    results: list[list[int]] = []
    loop = "(loop (br_if 0 (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 1))) (i32.const 50000))))"

    def work() -> None:
        bench = Bench(runtime)
        results.append([bench.run(guest(f"{loop} (i32.const 0)")).gas_used for _ in range(20)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert results == [results[0]] * 4
