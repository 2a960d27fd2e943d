"""Hashing, Merkle paths, extension field, circuits, streams (processor.md sections 3.6 to 3.8)."""

from __future__ import annotations

import struct
from itertools import product

import pytest

from miden.field import ext2_inv, ext2_mul
from miden.rpo import merge, permute
from miden.status import Status
from tests.support.machines import EDGES, Backend, P, padded
from tests.unit.machine.test_memory_ops import filled, stack_with

S = list(range(1, 17))


def test_hperm_permutes_state_from_the_bottom_up(backend: Backend) -> None:
    assert backend.result("hperm", S) == [*reversed(permute(S[11::-1])), *S[12:]]


def test_hperm_twice_on_zeros_is_the_known_state(backend: Backend) -> None:
    assert backend.result("hperm hperm")[:12] == [
        16958891787134484682, 9240210437197609167, 11225306320211665128, 14312231022347752462,
        2592867606447630804, 1151449451103636160, 2322911144316142939, 4592736551082574311,
        17077718093932770555, 9822443666466450848, 7922543961151996083, 11568731757807967630,
    ]  # fmt: skip


def test_hperm_takes_edge_values(backend: Backend) -> None:
    state = [*EDGES, *EDGES][:12]
    assert backend.result("hperm", state) == [*reversed(permute(state[::-1])), 0, 0, 0, 0]


# --- Merkle paths -----------------------------------------------------------------------------------------------

LEAVES = [(i + 1, i + 2, i + 3, i + 4) for i in range(4)]
LEFT, RIGHT = merge(LEAVES[0], LEAVES[1]), merge(LEAVES[2], LEAVES[3])
ROOT = merge(LEFT, RIGHT)
NEW = (7, 7, 7, P - 1)


def path_bytes(*words: tuple[int, ...]) -> bytes:
    return b"".join(struct.pack("<4Q", *word) for word in words)


def merkle_stack(leaf: tuple[int, ...], depth: int, index: int, root: tuple[int, ...], new: tuple[int, ...] = (0, 0, 0, 0)) -> list[int]:
    return [*reversed(leaf), depth, index, *reversed(root), *reversed(new), 0, 0]


@pytest.mark.parametrize(
    ("index", "path"), [(0, (LEAVES[1], RIGHT)), (1, (LEAVES[0], RIGHT)), (2, (LEAVES[3], LEFT)), (3, (LEAVES[2], LEFT))]
)
def test_mpverify_accepts_the_right_path(backend: Backend, index: int, path: tuple[tuple[int, ...], ...]) -> None:
    stack = merkle_stack(LEAVES[index], 2, index, ROOT)
    status, machine = backend.run_block("noop mpverify.5", stack=stack)
    assert (status, machine.clk, machine.op_index) == (Status.MERKLE_VERIFY, 2, 1)
    machine.supply_path(path_bytes(*path))
    assert (machine.run(100), machine.clk, machine.stack()) == (Status.DONE, 4, stack)


def test_mpverify_asks_again_when_run_without_an_answer(backend: Backend) -> None:
    status, machine = backend.run_block("mpverify", stack=merkle_stack(LEAVES[0], 2, 0, ROOT))
    assert status == machine.run(5) == Status.MERKLE_VERIFY


@pytest.mark.parametrize("path", [(LEAVES[0], RIGHT), (RIGHT, LEAVES[1]), (LEAVES[1], LEFT)])
def test_mpverify_traps_with_its_code_on_any_other_path(backend: Backend, path: tuple[tuple[int, ...], ...]) -> None:
    stack = merkle_stack(LEAVES[0], 2, 0, ROOT)
    _, machine = backend.run_block("noop mpverify.5", stack=stack)
    machine.supply_path(path_bytes(*path))
    assert machine.run(100) == Status.MERKLE_PATH_FAILED
    assert (machine.fault_values, machine.clk, machine.op_index, machine.stack()) == ((5,), 2, 1, stack)


def test_mpverify_of_depth_zero_compares_with_the_root(backend: Backend) -> None:
    _, machine = backend.run_block("mpverify", stack=merkle_stack(ROOT, 0, 0, ROOT))
    machine.supply_path(b"")
    assert machine.run(100) == Status.DONE


def test_mrupdate_replaces_the_node_by_the_new_root(backend: Backend) -> None:
    stack = merkle_stack(LEAVES[2], 2, 2, ROOT, NEW)
    status, machine = backend.run_block("mrupdate", stack=stack)
    assert (status, machine.clk) == (Status.MERKLE_UPDATE, 1)
    machine.supply_path(path_bytes(LEAVES[3], LEFT))
    assert machine.run(100) == Status.DONE
    new_root = merge(LEFT, merge(NEW, LEAVES[3]))
    assert machine.stack() == [*reversed(new_root), *stack[4:]]


def test_mrupdate_traps_with_code_zero_on_a_wrong_old_value(backend: Backend) -> None:
    stack = merkle_stack(NEW, 2, 2, ROOT, NEW)
    _, machine = backend.run_block("mrupdate", stack=stack)
    machine.supply_path(path_bytes(LEAVES[3], LEFT))
    assert machine.run(100) == Status.MERKLE_PATH_FAILED
    assert (machine.fault_values, machine.stack()) == ((0,), stack)


@pytest.mark.parametrize("path", [b"", b"\0" * 31, b"\0" * 33, b"\0" * 64, b"\xff" * 32], ids=len)
def test_a_path_is_as_many_canonical_digests_as_asked_for(backend: Backend, path: bytes) -> None:
    _, machine = backend.run_block("mpverify", stack=merkle_stack(LEAVES[0], 1, 0, LEFT))
    with pytest.raises(ValueError):
        machine.supply_path(path)


def test_a_path_nobody_asked_for_is_refused(backend: Backend) -> None:
    _, machine = backend.run_block("emit mpverify")
    with pytest.raises(ValueError):
        machine.supply_path(b"")


def test_a_root_in_place_of_a_path_is_taken_as_it_is(backend: Backend) -> None:
    if backend.name != "core":
        pytest.skip("the pure machine hashes every path")
    stack = merkle_stack(LEAVES[2], 2, 2, ROOT, NEW)
    _, machine = backend.run_block("mpverify mrupdate", stack=stack)
    machine.supply_root(path_bytes(ROOT))
    assert machine.run(100) == machine.status == Status.MERKLE_UPDATE
    machine.supply_root(path_bytes(NEW))
    assert machine.run(100) == machine.status == Status.DONE
    assert machine.stack() == [*reversed(NEW), *stack[4:]]


def test_a_root_other_than_the_one_on_the_stack_fails(backend: Backend) -> None:
    if backend.name != "core":
        pytest.skip("the pure machine hashes every path")
    _, machine = backend.run_block("mpverify.5", stack=merkle_stack(LEAVES[2], 2, 2, ROOT))
    machine.supply_root(path_bytes(NEW))
    assert (machine.run(100), machine.fault_values) == (Status.MERKLE_PATH_FAILED, (5,))


def test_a_root_nobody_asked_for_is_refused(backend: Backend) -> None:
    if backend.name != "core":
        pytest.skip("the pure machine hashes every path")
    _, machine = backend.run_block("emit mpverify", stack=merkle_stack(LEAVES[0], 1, 0, LEFT))
    with pytest.raises(ValueError):
        machine.supply_root(path_bytes(ROOT))
    _, machine = backend.run_block("mpverify", stack=merkle_stack(LEAVES[0], 1, 0, LEFT))
    for root in (b"", b"\xff" * 32):
        with pytest.raises(ValueError):
            machine.supply_root(root)


def test_the_status_is_what_run_returned(backend: Backend) -> None:
    status, machine = backend.run_block("emit noop")
    assert status == machine.status == Status.EVENT
    assert machine.run(1) == machine.status == Status.BUDGET
    assert machine.run(9) == machine.status == Status.DONE


def test_a_word_of_the_stack_is_written_deepest_element_first(backend: Backend) -> None:
    _, machine = backend.run_block("noop", stack=[1, 2, 3, 4, 5])
    assert machine.stack_word(1) == path_bytes((5, 4, 3, 2))
    assert machine.stack_word(14) == path_bytes((0, 0, 0, 0))
    assert machine.stack_word(2**20) == bytes(32)


# --- transcript -------------------------------------------------------------------------------------------------


def test_logprecompile_absorbs_tag_and_commitment(backend: Backend) -> None:
    status, machine = backend.run_block("logprecompile", stack=S)
    first = permute([0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1])
    assert (status, tuple(machine.transcript)) == (Status.DONE, tuple(first[:4]))
    assert machine.stack() == [*reversed(first), *S[12:]]


def test_logprecompile_chains(backend: Backend) -> None:
    _, machine = backend.run_block("logprecompile logprecompile", stack=S)
    first = permute([0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1])
    second = permute([*first[:4], *first[4:8], *first[8:12]])
    assert tuple(machine.transcript) == tuple(second[:4])
    assert machine.stack() == [*reversed(second), *S[12:]]


# --- extension field --------------------------------------------------------------------------------------------

TAU = pow(18446462594437873665, P - 2, P)


def ext_add(a: tuple[int, int], b: tuple[int, int], sign: int = 1) -> tuple[int, int]:
    return (a[0] + sign * b[0]) % P, (a[1] + sign * b[1]) % P


def fold2(f: tuple[int, int], g: tuple[int, int], e: tuple[int, int]) -> tuple[int, int]:
    total = ext_add(ext_add(f, g), ext2_mul(ext_add(f, g, -1), e))
    return ext2_mul(total, ext2_inv((2, 0)))


@pytest.mark.parametrize("dseg", range(4))
@pytest.mark.parametrize("poe", [0, 1, 5, P - 1])
def test_frie2f4_folds_by_four(backend: Backend, dseg: int, poe: int) -> None:
    values = [3, P - 1, 2**32, 0, 9, 10, 11, 12]
    q = [(values[2 * i], values[2 * i + 1]) for i in range(4)]
    alpha, fpos, cptr, below = (21, P - 5), 77, P - 8, 99
    stack = [*values[::-1], fpos, dseg, poe, q[dseg][1], q[dseg][0], alpha[1], alpha[0], cptr]
    ft = pow(TAU, -dseg, P)
    x_inverse = pow(poe * ft * 7 % P, P - 2, P)
    ev = ext2_mul(alpha, (x_inverse, 0))
    t0, t1 = fold2(q[0], q[2], ev), fold2(q[1], q[3], ext2_mul(ev, (pow(TAU, -1, P), 0)))
    r = fold2(t0, t1, ext2_mul(ev, ev))
    segment = [int(i == dseg) for i in (3, 2, 1, 0)]
    expected = [t0[1], t0[0], t1[1], t1[0], *segment, poe**2 % P, ft, 0, poe**4 % P, fpos, r[1], r[0]]
    assert backend.result("frie2f4", stack) == [*expected, 0]
    assert backend.result(f"push.{stack[0]} frie2f4", [*stack[1:], below]) == [*expected, below]


@pytest.mark.parametrize("dseg", [4, 2**32, P - 1])
def test_frie2f4_has_four_segments(backend: Backend, dseg: int) -> None:
    assert backend.fault("frie2f4", stack_with(s9=dseg)) == (Status.FRI_DOMAIN_SEGMENT, (dseg,))


def test_frie2f4_compares_with_the_previous_layer(backend: Backend) -> None:
    # segment 1 holds (v2, v3) = (s5, s4) = (6, 5); pe = (s12, s11) = (13, 12)
    assert backend.fault("frie2f4", stack_with(s9=1)) == (Status.FRI_LAYER_FOLDING, (13, 12, 6, 5))
    assert backend.fault("frie2f4", stack_with(s9=1, s12=6)) == (Status.FRI_LAYER_FOLDING, (6, 12, 6, 5))


@pytest.mark.parametrize("address", [40, 41, 43])
def test_hornerbase_steps_from_the_deepest_coefficient(backend: Backend, address: int) -> None:
    stack = stack_with(s13=address, s0=P - 1, s15=P - 2)
    alpha = (5, P - 3)
    acc = (stack[15], stack[14])
    for i in range(7, -1, -1):
        acc = ext_add(ext2_mul(acc, alpha), (stack[i], 0))
    assert backend.result(filled(address, list(alpha)) + " hornerbase", stack) == [*stack[:14], acc[1], acc[0]]


@pytest.mark.parametrize(("address", "named"), [(2**32, 2**32), (2**32 - 1, 2**32), (P - 1, P - 1)])
def test_hornerbase_reads_two_elements(backend: Backend, address: int, named: int) -> None:
    assert backend.fault("hornerbase", stack_with(s13=address)) == (Status.ADDRESS_OUT_OF_BOUNDS, (named,))


def test_hornerext_takes_the_base_part_at_odd_positions(backend: Backend) -> None:
    stack = stack_with(s13=40, s0=P - 1, s15=P - 2)
    alpha = (5, P - 3)
    acc = (stack[15], stack[14])
    for i in range(3, -1, -1):
        acc = ext_add(ext2_mul(acc, alpha), (stack[2 * i + 1], stack[2 * i]))
    assert backend.result(filled(40, [*alpha, 8, 9]) + " hornerext", stack) == [*stack[:14], acc[1], acc[0]]


def test_hornerext_reads_a_word(backend: Backend) -> None:
    assert backend.fault("hornerext", stack_with(s13=42)) == (Status.UNALIGNED_WORD_ACCESS, (42,))
    assert backend.fault("hornerext", stack_with(s13=2**32)) == (Status.ADDRESS_OUT_OF_BOUNDS, (2**32,))


# --- circuits ---------------------------------------------------------------------------------------------------

SUB, MUL, ADD = 0, 1, 2


def gate(operation: int, left: int, right: int) -> int:
    return operation << 60 | right << 30 | left


def circuit(inputs: list[int], gates: list[int]) -> tuple[str, list[int]]:
    """Return operations and stack that evaluate inputs (two elements each) and gates stored at 40."""
    return filled(40, [*inputs, *gates]) + " evalcircuit", [40, len(inputs) // 2, len(gates)]


def test_evalcircuit_accepts_a_circuit_that_is_zero(backend: Backend) -> None:
    # wires 5 = (2, 3), 4 = (7, 5); 3 = 5 * 4, 2 = 3 + 5, 1 = 2 - 5, 0 = 1 - 3
    gates = [gate(MUL, 5, 4), gate(ADD, 3, 5), gate(SUB, 2, 5), gate(SUB, 1, 3)]
    operations, stack = circuit([2, 3, 7, 5], gates)
    assert backend.result(operations, stack) == padded(*stack)


def test_evalcircuit_subtracts_right_from_left(backend: Backend) -> None:
    # 5 = (3, 0), 4 = (2, 0), 3 = 5 - 4 = 1, 2 = 3 - 3 = 0, 1 = 3 * 3 = 1, 0 = 1 - 3
    gates = [gate(SUB, 5, 4), gate(SUB, 3, 3), gate(MUL, 3, 3), gate(SUB, 1, 3)]
    operations, stack = circuit([3, 0, 2, 0], gates)
    assert backend.result(operations, stack) == padded(*stack)


@pytest.mark.parametrize("position", [0, 1])
def test_evalcircuit_wants_both_parts_zero(backend: Backend, position: int) -> None:
    inputs = [0, 0, 0, 0]
    inputs[position] = 1
    operations, stack = circuit(inputs, [gate(ADD, 5, 4)] * 4)
    assert backend.fault(operations, stack) == (Status.ACE_NOT_ZERO, ())


@pytest.mark.parametrize("operation", [3, 4, 14])
def test_evalcircuit_knows_three_gates(backend: Backend, operation: int) -> None:
    operations, stack = circuit([0, 0, 0, 0], [gate(operation, 99, 99)] * 4)
    assert backend.fault(operations, stack) == (Status.ACE_DECODE_FAILED, ())


@pytest.mark.parametrize(("left", "right"), [(3, 5), (5, 3), (6, 5), (5, 6), (0, 0), (2**30 - 1, 5)])
def test_evalcircuit_reads_only_wires_that_exist(backend: Backend, left: int, right: int) -> None:
    operations, stack = circuit([0, 0, 0, 0], [gate(ADD, left, right)] * 4)
    assert backend.fault(operations, stack) == (Status.ACE_WIRE_NOT_READ, ())


def test_evalcircuit_checks_its_counts_in_order(backend: Backend) -> None:
    big = 2**30
    assert backend.fault("evalcircuit", [1, 2, big - 2]) == (Status.ACE_TOO_MANY_WIRES, (big,))
    assert backend.fault("evalcircuit", [1, P - 1, 1]) == (Status.ACE_TOO_MANY_WIRES, (P,))
    assert backend.fault("evalcircuit", [1, 3, 3]) == (Status.ACE_BAD_VARIABLE_COUNT, (3,))
    assert backend.fault("evalcircuit", [1, 0, 3]) == (Status.ACE_BAD_VARIABLE_COUNT, (0,))
    assert backend.fault("evalcircuit", [1, 2, 3]) == (Status.ACE_BAD_EVAL_COUNT, (3,))
    assert backend.fault("evalcircuit", [1, 2, 0]) == (Status.ACE_BAD_EVAL_COUNT, (0,))
    assert backend.fault("evalcircuit", [1, 2, 4]) == (Status.UNALIGNED_WORD_ACCESS, (1,))
    assert backend.fault("evalcircuit", [2**32, 2, 4]) == (Status.ADDRESS_OUT_OF_BOUNDS, (2**32,))


def test_evalcircuit_reads_up_to_the_end_of_memory(backend: Backend) -> None:
    assert backend.fault("evalcircuit", [2**32 - 4, 4, 4]) == (Status.ADDRESS_OUT_OF_BOUNDS, (2**32,))
    assert backend.fault("evalcircuit", [2**32 - 4, 2, 4]) == (Status.ADDRESS_OUT_OF_BOUNDS, (2**32,))
    assert backend.fault("evalcircuit", [2**32 - 8, 2, 4]) == (Status.ACE_WIRE_NOT_READ, ())


def test_evalcircuit_of_the_largest_size_over_empty_memory_ends_at_once(backend: Backend) -> None:
    assert backend.fault("evalcircuit", [0, 2**30 - 6, 4]) == (Status.ACE_WIRE_NOT_READ, ())
    assert backend.fault("evalcircuit", [0, 2, 2**30 - 4]) == (Status.ACE_WIRE_NOT_READ, ())


def test_evalcircuit_counts_wires_in_64_bits_like_the_reference(backend: Backend) -> None:
    # p - 1 + 2**32 = 2**64: the sum wraps to 4, no inputs are left, and the first gate finds no wire
    assert backend.fault("evalcircuit", [40, P - 1, 2**32 + 4]) == (Status.ACE_WIRE_NOT_READ, ())
    # 2**64 + 2: low halves 2 and 0
    assert backend.fault("evalcircuit", [2**32, P + 1 - 2**32, 2**33]) == (Status.ADDRESS_OUT_OF_BOUNDS, (2**32,))


# --- stream cipher ----------------------------------------------------------------------------------------------


def test_cryptostream_adds_the_rate_and_stores_the_sums(backend: Backend) -> None:
    stack = stack_with(s12=40, s13=80, s7=P - 1)
    plain = [1, 2, 3, 4, 5, 6, 7, P - 1]
    status, machine = backend.run_block(filled(40, plain) + " cryptostream", stack=stack)
    cipher = [(m + r) % P for m, r in zip(plain, stack[7::-1], strict=True)]
    assert status == Status.DONE
    assert machine.stack() == [*cipher[::-1], *stack[8:12], 48, 88, *stack[14:]]
    assert [machine.memory_get(0, 80 + i) for i in range(8)] == cipher
    assert [machine.memory_get(0, 40 + i) for i in range(8)] == plain


@pytest.mark.parametrize(
    ("src", "dst", "named"), [(2**32 - 8, 0, 2**32 - 8), (0, 2**32 - 8, 2**32 - 8), (P - 1, P - 1, P - 1), (0, 2**32, 2**32)]
)
def test_cryptostream_cannot_use_the_last_eight_cells(backend: Backend, src: int, dst: int, named: int) -> None:
    assert backend.fault("cryptostream", stack_with(s12=src, s13=dst)) == (Status.ADDRESS_OUT_OF_BOUNDS, (named,))


@pytest.mark.parametrize(("src", "dst", "named"), [(40, 40, 40), (40, 44, 44), (44, 40, 44), (41, 47, 47), (47, 40, 44)])
def test_cryptostream_refuses_overlapping_ranges(backend: Backend, src: int, dst: int, named: int) -> None:
    assert backend.fault("cryptostream", stack_with(s12=src, s13=dst)) == (Status.ILLEGAL_MEMORY_ACCESS, (named,))


@pytest.mark.parametrize(("src", "dst", "named"), [(41, 80, 41), (40, 82, 82), (43, 81, 43)])
def test_cryptostream_aligns_source_then_destination(backend: Backend, src: int, dst: int, named: int) -> None:
    assert backend.fault("cryptostream", stack_with(s12=src, s13=dst)) == (Status.UNALIGNED_WORD_ACCESS, (named,))


def test_cryptostream_works_next_to_itself(backend: Backend) -> None:
    for src, dst in ((40, 48), (48, 40), (2**32 - 12, 0), (0, 2**32 - 12)):
        assert backend.result("cryptostream", stack_with(s12=src, s13=dst))[12:14] == [src + 8, dst + 8]


def test_extension_inverse_agrees_with_multiplication() -> None:
    for a in product(EDGES, repeat=2):
        assert ext2_mul(a, ext2_inv(a)) == ((1, 0) if any(a) else (0, 0))
