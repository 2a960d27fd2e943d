"""The two passes over guest code: what they add is compared with the same written by hand."""

from __future__ import annotations

import random

import pytest
import wasmtime

from miden.actors.runtimes.wasm import opcodes as op
from miden.actors.runtimes.wasm.binary import CODE, ELEMENT, EXPORT, FUNCTION, GLOBAL, IMPORT, TYPE, Module, read_signed, signed, unsigned
from miden.actors.runtimes.wasm.limiter import limit_stack
from miden.actors.runtimes.wasm.metering import InstructionPrices, meter
from miden.errors import FormatError

COMPARED = (TYPE, IMPORT, FUNCTION, GLOBAL, EXPORT, ELEMENT, CODE)
CHARGE = """
    (func $charge (param i64)
      (global.set $gas (i64.sub (global.get $gas) (local.get 0)))
      (if (i64.lt_s (global.get $gas) (i64.const 0)) (then unreachable)))"""


def parts(wasm: bytes) -> dict[int, bytes]:
    module = Module(wasm)
    return {number: bytes(module.sections[number]) for number in COMPARED if number in module.sections}


SIMPLE = InstructionPrices(instruction=1, copied_byte=3, filled_byte=2)


def metered(text: str, prices: InstructionPrices = SIMPLE) -> bytes:
    module = Module(bytes(wasmtime.wat2wasm(text)))
    meter(module, prices)
    return module.encode()


def limited(text: str, limit: int = 100) -> bytes:
    module = Module(bytes(wasmtime.wat2wasm(text)))
    limit_stack(module, limit)
    return module.encode()


def same(found: bytes, expected: str) -> None:
    assert parts(found) == parts(bytes(wasmtime.wat2wasm(expected)))
    wasmtime.Module.validate(wasmtime.Engine(), found)


def gas_module(types: str, function: str) -> str:
    return f'(module {types} (type (func (param i64))) (import "gas" "gas_counter" (global $gas (mut i64))) {function} {CHARGE})'


# D costs one, P(n) pays n; V is a condition that costs one.
D, V = "(drop (i32.const 7))", "(i32.const 1)"
P1, P2, P3 = (f"(call $charge (i64.const {count}))" for count in (1, 2, 3))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Free instructions cost nothing, and a block belongs to the stretch around it.
        (f"(block (nop) {D}) {D}", f"{P2} (block (nop) {D}) {D}"),
        # Each arm pays for itself.
        (f"(if {V} (then {D}) (else {D} {D} {D}))", f"{P2} (if {V} (then {P1} {D}) (else {P3} {D} {D} {D}))"),
        # What follows a branch out of the block is another stretch, in the block and after it.
        (f"(block (br_if 0 {V}) {D}) {D}", f"{P3} (block (br_if 0 {V}) {P1} {D}) {D}"),
        (f"(block (block (br_if 1 {V}) {D}) {D})", f"{P2} (block (block (br_if 1 {V}) {P1} {D}) {P1} {D})"),
        (f"(loop (br_if 0 {V}))", f"(loop {P2} (br_if 0 {V}))"),
        # The default target of a table is not looked at: the code after the inner block still belongs to the first stretch.
        (f"(block (block (br_table 0 1 {V})) {D})", f"{P3} (block (block (br_table 0 1 {V})) {D})"),
        (f"(block (block (br_table 1 0 {V})) {D})", f"{P2} (block (block (br_table 1 0 {V})) {P1} {D})"),
    ],
)
def test_stretches(before: str, after: str) -> None:
    same(metered(f"(module (type (func)) (func (type 0) {before}))"), gas_module("(type (func))", f"(func (type 0) {after})"))


def test_sizes_known_and_unknown() -> None:
    found = metered(
        "(module (type (func (param i32))) (memory 1)"
        " (func (type 0) (drop (memory.grow (i32.const 2))) (drop (memory.grow (local.get 0)))))"
    )
    price = 2 * 65536
    expected = gas_module(
        "(type (func (param i32)))",
        f"(memory 1) (func (type 0) (local i32) (call $charge (i64.const {4 + 2 * price})) (drop (memory.grow (i32.const 2)))"
        f" local.get 0 local.tee 1 local.get 1 i64.extend_i32_u i64.const {price} i64.mul call $charge memory.grow drop)",
    )
    same(found, expected)


def test_globals_move_up() -> None:
    one = '(global (mut i32) (i32.const 7)) (export "g" (global {}))'
    found = metered(f"(module (type (func)) {one.format(0)} (func (type 0) (global.set 0 (global.get 0))))")
    expected = gas_module("(type (func))", f"{one.format(1)} (func (type 0) {P2} (global.set 1 (global.get 1)))")
    same(found, expected)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const -1))))", "UnsupportedWasm"),
        ('(module (import "a" "b" (global i32)) (func))', "UnsupportedWasm"),
        ("(module (func (drop (ref.null func))))", "UnsupportedWasm"),
        ("(module (func (drop (i8x16.splat (i32.const 1)))))", "UnsupportedWasm"),
        ("(module (func $f (return_call $f)))", "UnsupportedWasm"),
        ("(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))", "UnsupportedWasm"),
    ],
)
def test_what_has_no_price_is_refused(text: str, kind: str) -> None:
    with pytest.raises(FormatError) as failure:
        metered(text)
    assert failure.value.kind == kind


def height(cost: int, call: str) -> str:
    return (
        f"(global.set $h (i32.add (global.get $h) (i32.const {cost}))) (if (i32.gt_u (global.get $h) (i32.const 100)) (then unreachable))"
        f" {call} (global.set $h (i32.sub (global.get $h) (i32.const {cost})))"
    )


def test_calls_thunks_and_start() -> None:
    found = limited(
        '(module (type (func)) (type (func (param i32) (result i32))) (import "h" "i" (func (type 0)))'
        ' (table 2 funcref) (elem (i32.const 0) 0 2) (export "e" (func 2)) (export "i" (func 0)) (start 1)'
        " (func (type 0) (call 0) (drop (call 2 (i32.const 1))))"
        " (func (type 1) (local i64 i64) (local i32) (i32.add (local.get 0) (i32.const 1))))"
    )
    # Frame 2, one operand: 3. Frame 2, two operands, two groups of locals: 6.
    wrapped = (
        "global.get $h i32.const 6 i32.add global.set $h global.get $h i32.const 100 i32.gt_u if unreachable end"
        " call 2 global.get $h i32.const 6 i32.sub global.set $h"
    )
    expected = (
        '(module (type (func)) (type (func (param i32) (result i32))) (import "h" "i" (func (type 0))) (global $h (mut i32) (i32.const 0))'
        ' (table 2 funcref) (elem (i32.const 0) 0 4) (export "e" (func 4)) (export "i" (func 0)) (start 3)'
        f" (func (type 0) (call 0) i32.const 1 {wrapped} drop)"
        " (func (type 1) (local i64 i64) (local i32) (i32.add (local.get 0) (i32.const 1)))"
        f" (func (type 0) {height(3, '(call 1)')}) (func (type 1) local.get 0 {wrapped}))"
    )
    same(found, expected)


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        ("", 2),
        ("(drop (i32.const 1))", 3),
        ("(unreachable) (drop (i32.add (i32.add (i32.const 1) (i32.const 1)) (i32.const 2)))", 2),  # dead code has no height
        # The arm after `else` goes on from the height that the other ended with.
        ("(drop (if (result i32) (i32.const 1) (then (i32.const 1)) (else (i32.const 2))))", 4),
        ("(drop (select (i32.const 1) (i32.const 2) (i32.const 3)))", 5),
    ],
)
def test_costs_of_functions(body: str, cost: int) -> None:
    found = Module(limited(f'(module (func (export "f") {body}))')).bodies[1].code
    assert found[2] == op.I32_CONST
    assert found[3] == cost


def test_a_limit_holds() -> None:
    text = '(module (func $f (export "f") (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))))))'
    store = wasmtime.Store()
    run = wasmtime.Instance(store, wasmtime.Module(store.engine, limited(text, 2048)), []).exports(store)["f"]
    cost = 4  # frame 2, two operands
    run(store, 2048 // cost - 1)
    with pytest.raises(wasmtime.Trap, match="unreachable"):
        run(store, 2048 // cost)


def test_gas_runs_out_where_it_should() -> None:
    found = metered('(module (func (export "f") (loop (br 0))))', InstructionPrices())
    store = wasmtime.Store()
    gas = wasmtime.Global(store, wasmtime.GlobalType(wasmtime.ValType.i64(), True), wasmtime.Val.i64(4000 * 10 + 1))
    run = wasmtime.Instance(store, wasmtime.Module(store.engine, found), [gas]).exports(store)["f"]
    with pytest.raises(wasmtime.Trap, match="unreachable"):
        run(store)
    assert gas.value(store) == 1 - 4000


SAMPLE = """(module (import "ipld" "block_open" (func (param i32 i32) (result i32)))
  (memory (export "memory") 1) (table 1 funcref) (elem (i32.const 0) 1)
  (global (mut i32) (i32.const 1)) (data (i32.const 8) "abc")
  (func (export "invoke") (param i32) (result i32) (local i64 f32)
    (block (loop (br_table 0 1 0 (local.get 0)))) (drop (i64.const -77)) (drop (f32.const 1.5)) (drop (f64.const 2.5))
    (memory.copy (i32.const 0) (i32.const 1) (local.get 0)) (drop (i32.trunc_sat_f32_s (f32.const 1)))
    (call_indirect (param i32) (result i32) (i32.const 1) (i32.const 0))
    (drop (call 0 (i32.const 1) (i32.const 2))) (drop) (global.get 0)))"""


def test_broken_modules_are_refused_or_rewritten() -> None:
    sample = bytes(wasmtime.wat2wasm(SAMPLE))
    rng = random.Random(20)
    for case in range(4000):
        data = bytearray(sample)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(8, len(data))] = rng.choice((rng.randrange(256), 0, 0x7F, 0x80, 0xFF))
        cut = bytes(data[: rng.randrange(len(data))] if case % 3 == 0 else data)
        try:
            module = Module(cut)
            limit_stack(module, 100)
            meter(module, InstructionPrices())
            module.encode()
        except FormatError as failure:
            assert failure.kind in {"InvalidWasm", "UnsupportedWasm"}


@pytest.mark.parametrize("value", [0, 1, -1, 63, 64, -64, -65, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63)])
def test_numbers(value: int) -> None:
    assert read_signed(signed(value), 0) == value
    if value >= 0:
        assert unsigned(value)[-1] < 0x80
