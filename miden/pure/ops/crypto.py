"""Hashing, Merkle paths, extension-field helpers, circuits and streams (processor.md sections 3.6 to 3.8)."""

from __future__ import annotations

from miden.field import P, ext2_mul, inv
from miden.pure.memory import ADDRESS_END, check_word_address
from miden.pure.state import State, drop
from miden.pure.stops import Fault, Request
from miden.rpo import merge, permute
from miden.status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Ext2 = tuple[int, int]

MAX_ACE_WIRES = 2**30 - 1

_TAU_INV = 18446462594437873665
"""Inverse of tau, an element of order 4."""

_TAU_POWERS = (1, _TAU_INV, _TAU_INV**2 % P, _TAU_INV**3 % P)
"""tau**-d for domain segment d."""

_HALF = inv(2)


def op_hperm(state: State, _: int) -> None:
    """Permute: element 11 - i holds state element i, before and after."""
    state.operands[-12:] = permute(state.operands[-12:])


# --- Merkle paths -----------------------------------------------------------------------------------------------


def _fold(node: Sequence[int], index: int, path: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Return the root that `path`, leaf first, leads to from `node` at `index`."""
    current = tuple(node)
    for sibling in path:
        current = tuple(merge(sibling, current) if index & 1 else merge(current, sibling))
        index >>= 1
    return current


def _take_path(state: State, request: Status) -> list[list[int]]:
    """Return the path the driver supplied, or ask for it."""
    if state.path is None:
        raise Request(request)
    path, state.path = state.path, None
    return path


def op_mpverify(state: State, code: int) -> None:
    """Verify a Merkle path: [V, depth, index, R, ...] unchanged.

    MERKLE_VERIFY until the driver has supplied the path; MERKLE_PATH_FAILED with `code` if it does not lead from V to R.
    """
    path = _take_path(state, Status.MERKLE_VERIFY)
    operands = state.operands
    if _fold(operands[-4:], operands[-6], path) != tuple(operands[-10:-6]):
        raise Fault(Status.MERKLE_PATH_FAILED, code)


def op_mrupdate(state: State, _: int) -> None:
    """Compute the root after an update: [V, depth, index, R, N, ...] -> [R', depth, index, R, N, ...].

    MERKLE_UPDATE until the driver has supplied the path (and put the new tree in its store); MERKLE_PATH_FAILED with
    code 0 if the path does not lead from V to R.
    """
    path = _take_path(state, Status.MERKLE_UPDATE)
    operands = state.operands
    index = operands[-6]
    if _fold(operands[-4:], index, path) != tuple(operands[-10:-6]):
        raise Fault(Status.MERKLE_PATH_FAILED, 0)
    operands[-4:] = _fold(operands[-14:-10], index, path)


def op_logprecompile(state: State, _: int) -> None:
    """Absorb a precompile commitment: [COMM, TAG, _, ...] -> [R1, R0, CAP, ...]; CAP is the new transcript state."""
    operands = state.operands
    output = permute([*state.transcript, *operands[-8:-4], *operands[-4:]])
    state.transcript = (output[0], output[1], output[2], output[3])
    operands[-12:] = output


# --- extension field --------------------------------------------------------------------------------------------


def _fold2(f: Ext2, g: Ext2, e: Ext2) -> Ext2:
    """Return (f + g + (f - g) * e) / 2."""
    d0, d1 = ext2_mul((f[0] - g[0], f[1] - g[1]), e)
    return (f[0] + g[0] + d0) * _HALF % P, (f[1] + g[1] + d1) * _HALF % P


def op_frie2f4(state: State, _: int) -> None:
    """Fold a FRI layer by 4 in the extension.

    [v7 .. v0, fpos, dseg, poe, pe1, pe0, a1, a0, cptr, ...]
    -> [t0.1, t0.0, t1.1, t1.0, d3, d2, d1, d0, poe**2, ft, cptr + 8, poe**4, fpos, r.1, r.0, ...];
    FRI_DOMAIN_SEGMENT, then FRI_LAYER_FOLDING.
    """
    cptr, a0, a1, pe0, pe1, poe, dseg, fpos, *values = state.operands[-16:]
    if dseg > 3:
        raise Fault(Status.FRI_DOMAIN_SEGMENT, dseg)
    q0, q1, q2, q3 = ((values[i], values[i + 1]) for i in (0, 2, 4, 6))
    found = (q0, q1, q2, q3)[dseg]
    if found != (pe0, pe1):
        raise Fault(Status.FRI_LAYER_FOLDING, pe0, pe1, *found)
    folding = _TAU_POWERS[dseg]
    x_inv = inv(poe * folding * 7 % P)
    ev = (a0 * x_inv % P, a1 * x_inv % P)
    es = ext2_mul(ev, ev)
    t0 = _fold2(q0, q2, ev)
    t1 = _fold2(q1, q3, (ev[0] * _TAU_INV % P, ev[1] * _TAU_INV % P))
    r = _fold2(t0, t1, es)
    poe2 = poe * poe % P
    segment = [int(i == dseg) for i in range(4)]
    drop(state)
    state.operands[-15:] = (
        *(r[0], r[1], fpos, poe2 * poe2 % P, (cptr + 8) % P, folding, poe2),
        *segment,
        *(t1[0], t1[1], t0[0], t0[1]),
    )


def op_hornerbase(state: State, _: int) -> None:
    """Do eight Horner steps with base coefficients: acc := acc * alpha + s_i for i = 7..0.

    acc = (s15, s14); alpha = (mem[s13], mem[s13 + 1]), read as two elements; ADDRESS_OUT_OF_BOUNDS.
    """
    operands = state.operands
    address = operands[-14]
    read = state.cells.read_element
    alpha = (read(state.ctx, address), read(state.ctx, (address + 1) % P))
    acc = (operands[-16], operands[-15])
    for coefficient in operands[-8:]:
        c0, c1 = ext2_mul(acc, alpha)
        acc = ((c0 + coefficient) % P, c1)
    operands[-16:-14] = acc


def op_hornerext(state: State, _: int) -> None:
    """Do four Horner steps with extension coefficients: acc := acc * alpha + (s_2i+1, s_2i) for i = 3..0.

    acc = (s15, s14); alpha is the first half of the word at s13; address faults of a word.
    """
    operands = state.operands
    alpha0, alpha1, _, _ = state.cells.read_word(state.ctx, operands[-14])
    alpha = (alpha0, alpha1)
    acc = (operands[-16], operands[-15])
    for i in (-8, -6, -4, -2):
        c0, c1 = ext2_mul(acc, alpha)
        acc = ((c0 + operands[i]) % P, (c1 + operands[i + 1]) % P)
    operands[-16:-14] = acc


# --- arithmetic circuits ----------------------------------------------------------------------------------------


def _circuit_size(n_read: int, n_eval: int) -> tuple[int, int]:
    """Return the numbers of inputs and gates, or fault.

    The reference adds the two as 64-bit integers, which may wrap around, and then keeps the low 32 bits of each; where
    it would panic because those do not fit either, there are too many wires.
    """
    count = (n_read + n_eval) % 2**64
    if count > MAX_ACE_WIRES:
        raise Fault(Status.ACE_TOO_MANY_WIRES, count)
    if n_read == 0 or n_read % 2:
        raise Fault(Status.ACE_BAD_VARIABLE_COUNT, n_read)
    if n_eval == 0 or n_eval % 4:
        raise Fault(Status.ACE_BAD_EVAL_COUNT, n_eval)
    inputs, gates = n_read % 2**32, n_eval % 2**32
    if inputs + gates > MAX_ACE_WIRES:
        raise Fault(Status.ACE_TOO_MANY_WIRES, inputs + gates)
    return inputs, gates


def _combine(operation: int, left: Ext2, right: Ext2) -> Ext2:
    """Return the output of a gate: 0 subtracts, 1 multiplies, 2 adds."""
    if operation == 1:
        return ext2_mul(left, right)
    sign = 1 if operation == 2 else -1
    return (left[0] + sign * right[0]) % P, (left[1] + sign * right[1]) % P


def op_evalcircuit(state: State, _: int) -> None:
    """Check that an arithmetic circuit in memory evaluates to zero: [ptr, n_read, n_eval, ...] unchanged.

    n_read inputs lie two a word from `ptr` on, then n_eval gates one an element. Wires are numbered downwards: the first
    input is n_read + n_eval - 1, the last gate 0. Faults: ACE_TOO_MANY_WIRES, ACE_BAD_VARIABLE_COUNT,
    ACE_BAD_EVAL_COUNT; address faults of the inputs, then gate by gate those of the gate, ACE_DECODE_FAILED and
    ACE_WIRE_NOT_READ; ACE_NOT_ZERO.

    Inputs are not copied, so the work is bounded by the memory in use: a gate in memory that was never written reads
    a wire that does not exist yet, and ends the run.
    """
    n_eval, n_read, ptr = state.operands[-3:]
    inputs, gates = _circuit_size(n_read, n_eval)
    memory, ctx = state.cells, state.ctx
    gates_ptr = ptr + 2 * inputs
    if inputs:
        check_word_address(ptr)
        if gates_ptr > ADDRESS_END:
            raise Fault(Status.ADDRESS_OUT_OF_BOUNDS, ADDRESS_END)
    outputs: list[Ext2] = []

    def wire(number: int) -> Ext2:
        position = inputs + gates - 1 - number
        if not 0 <= position < inputs + len(outputs):
            raise Fault(Status.ACE_WIRE_NOT_READ)
        if position >= inputs:
            return outputs[position - inputs]
        address = ptr + 2 * position
        return memory.read_element(ctx, address), memory.read_element(ctx, address + 1)

    for address in range(gates_ptr, gates_ptr + gates):
        gate = memory.read_element(ctx, address)
        operation = gate >> 60
        if operation > 2:
            raise Fault(Status.ACE_DECODE_FAILED)
        left, right = wire(gate % 2**30), wire((gate >> 30) % 2**30)
        outputs.append(_combine(operation, left, right))
    if inputs + gates == 0 or wire(0) != (0, 0):
        raise Fault(Status.ACE_NOT_ZERO)


# --- stream cipher ----------------------------------------------------------------------------------------------


def op_cryptostream(state: State, _: int) -> None:
    """Add 8 elements of memory to the rate and store the sums: rate element j is s_7-j, src = s12, dst = s13.

    ADDRESS_OUT_OF_BOUNDS if src + 8, then dst + 8, is past 2**32 - 1; ILLEGAL_MEMORY_ACCESS if the two ranges overlap;
    UNALIGNED_WORD_ACCESS of src, then dst; MEMORY_LIMIT. Both pointers advance by 8.
    """
    operands = state.operands
    dst, src = operands[-14:-12]
    for address in (src, dst):
        if address + 8 >= ADDRESS_END:
            raise Fault(Status.ADDRESS_OUT_OF_BOUNDS, address)
    if src < dst + 8 and dst < src + 8:
        raise Fault(Status.ILLEGAL_MEMORY_ACCESS, dst if dst >= src else dst + 4)
    memory, ctx = state.cells, state.ctx
    plain = (*memory.read_word(ctx, src), *memory.read_word(ctx, src + 4))
    check_word_address(dst)
    memory.reserve(ctx, (dst, dst + 4))
    cipher = [(value + key) % P for value, key in zip(plain, operands[-8:], strict=True)]
    memory.write_word(ctx, dst, cipher[:4])
    memory.write_word(ctx, dst + 4, cipher[4:])
    operands[-8:] = cipher
    operands[-14:-12] = (dst + 8, src + 8)
