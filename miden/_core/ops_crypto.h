/* Hashing, Merkle paths, extension-field helpers, circuits, streams (processor.md sections 3.6 to 3.8). */
#ifndef MIDEN_OPS_CRYPTO_H
#define MIDEN_OPS_CRYPTO_H

#include "ops_system.h"

#define MAX_ACE_WIRES 0x3fffffffULL

/* For spend_work: nanoseconds, roughly. */
#define WORK_PERMUTATION 4000
#define WORK_FOLD 500
#define WORK_GATE 10
#define GATES_PER_LOOK 0x10000

/* State element i is stack element 11 - i: the buffer from sp[-11] on is the state. */
LARGE_OPERATION(hperm) {
    int status = spend_work(m, WORK_PERMUTATION);
    if (UNLIKELY(status)) return status;
    rpo_permute(sp - 11);
    return STATUS_OK;
}

/* [COMM, TAG, _, ...] -> [R1, R0, CAP, ...] */
LARGE_OPERATION(logprecompile) {
    int status = spend_work(m, WORK_PERMUTATION);
    if (UNLIKELY(status)) return status;
    memcpy(sp - 11, m->transcript, sizeof m->transcript);
    rpo_permute(sp - 11);
    memcpy(m->transcript, sp - 11, sizeof m->transcript);
    return STATUS_OK;
}

/* --- Merkle paths ----------------------------------------------------------------------------------------------- */

/* The root that the supplied path leads to from a node at an index. */
ALWAYS_INLINE void merkle_fold(const MachineC *m, const felt_t node[4], uint64_t index, felt_t root[4]) {
    memcpy(root, node, 4 * sizeof(felt_t));
    for (uint64_t level = 0; level < m->path_length; level++, index >>= 1) {
        const felt_t *sibling = m->path + 4 * level;
        if (index & 1) rpo_merge(sibling, root, root);
        else rpo_merge(root, sibling, root);
    }
}

/* The roots that the path leads to from two nodes at one index. */
ALWAYS_INLINE void merkle_fold_two(const MachineC *m, uint64_t index, felt_t roots[2][4]) {
    felt_t siblings[2][4];
    for (uint64_t level = 0; level < m->path_length; level++, index >>= 1) {
        for (int i = 0; i < 2; i++) memcpy(siblings[i], m->path + 4 * level, sizeof siblings[i]);
        if (index & 1) rpo_merge_two((const felt_t(*)[4])siblings, (const felt_t(*)[4])roots, roots);
        else rpo_merge_two((const felt_t(*)[4])roots, (const felt_t(*)[4])siblings, roots);
    }
}

/* [V, depth, index, R, ...] unchanged; MERKLE_VERIFY until there is a path that leads from V to R, or the driver says what
 * root it leads to */
LARGE_OPERATION(mpverify) {
    if (!m->has_path && !m->has_root) return STATUS_MERKLE_VERIFY;
    if (!m->has_root) merkle_fold(m, sp - 3, sp[-5], m->root);
    m->has_path = m->has_root = 0;
    if (digest_compare(m->root, sp - 9) != 0) return fault1(m, STATUS_MERKLE_PATH_FAILED, imm);
    return STATUS_OK;
}

/* [V, depth, index, R, N, ...] -> [R', depth, index, R, N, ...]; MERKLE_UPDATE until there is a path from V to R.
 * The old and the new root are computed side by side, unless the driver has checked the one and gives the other. */
LARGE_OPERATION(mrupdate) {
    felt_t roots[2][4];
    if (!m->has_path && !m->has_root) return STATUS_MERKLE_UPDATE;
    if (m->has_root) {
        m->has_path = m->has_root = 0;
        memcpy(sp - 3, m->root, sizeof m->root);
        return STATUS_OK;
    }
    m->has_path = 0;
    memcpy(roots[0], sp - 3, sizeof roots[0]);
    memcpy(roots[1], sp - 13, sizeof roots[1]);
    merkle_fold_two(m, sp[-5], roots);
    if (digest_compare(roots[0], sp - 9) != 0) return fault1(m, STATUS_MERKLE_PATH_FAILED, 0);
    memcpy(sp - 3, roots[1], sizeof roots[1]);
    return STATUS_OK;
}

/* --- extension field -------------------------------------------------------------------------------------------- */

#define TAU_INV 18446462594437873665ULL /* of order 4 */

/* (f + g + (f - g) * e) / 2 */
ALWAYS_INLINE ext2_t fri_fold2(ext2_t f, ext2_t g, ext2_t e) {
    return ext2_scale(ext2_add(ext2_add(f, g), ext2_mul(ext2_sub(f, g), e)), FELT_HALF);
}

/* [v7..v0, fpos, dseg, poe, pe1, pe0, a1, a0, cptr, ...]
 * -> [t0.1, t0.0, t1.1, t1.0, d3, d2, d1, d0, poe^2, ft, cptr + 8, poe^4, fpos, r.1, r.0, ...] */
LARGE_OPERATION(frie2f4) {
    static const felt_t TAU_POWERS[4] = {1, TAU_INV, 18446744069414584320ULL, 281474976710656ULL};
    int status = spend_work(m, WORK_FOLD);
    if (UNLIKELY(status)) return status;
    ext2_t q[4];
    for (int i = 0; i < 4; i++) q[i] = (ext2_t){sp[2 * i - 7], sp[2 * i - 6]};
    felt_t position = sp[-8], segment = sp[-9], poe = sp[-10], pointer = sp[-15];
    ext2_t previous = {sp[-12], sp[-11]}, alpha = {sp[-14], sp[-13]};
    if (segment > 3) return fault1(m, STATUS_FRI_DOMAIN_SEGMENT, segment);
    if (q[segment].base != previous.base || q[segment].phi != previous.phi) {
        return fault(m, STATUS_FRI_LAYER_FOLDING, 4, previous.base, previous.phi, q[segment].base, q[segment].phi);
    }
    felt_t folding = TAU_POWERS[segment];
    felt_t x = felt_mul(felt_mul(poe, folding), FELT_GENERATOR);
    ext2_t ev = ext2_scale(alpha, felt_inv(x)), es = ext2_mul(ev, ev);
    ext2_t t0 = fri_fold2(q[0], q[2], ev), t1 = fri_fold2(q[1], q[3], ext2_scale(ev, TAU_INV)), r = fri_fold2(t0, t1, es);
    felt_t poe2 = felt_square(poe);
    /* the top goes down by one, so new element i is sp[-1 - i] */
    sp[-1] = t0.phi;
    sp[-2] = t0.base;
    sp[-3] = t1.phi;
    sp[-4] = t1.base;
    for (felt_t i = 0; i < 4; i++) sp[(int)i - 8] = i == segment;
    sp[-9] = poe2;
    sp[-10] = folding;
    sp[-11] = felt_add(pointer, 8);
    sp[-12] = felt_square(poe2);
    sp[-13] = position;
    sp[-14] = r.phi;
    sp[-15] = r.base;
    return STATUS_OK;
}

/* acc = (s15, s14) := acc * alpha + s_i for i = 7..0; alpha = (mem[s13], mem[s13 + 1]) */
LARGE_OPERATION(hornerbase) {
    ext2_t alpha = {0, 0}, acc = {sp[-15], sp[-14]};
    int status = memory_read(m, sp[-13], &alpha.base);
    if (!status) status = memory_read(m, felt_add(sp[-13], 1), &alpha.phi);
    if (status) return status;
    for (int i = 7; i >= 0; i--) {
        acc = ext2_mul(acc, alpha);
        acc.base = felt_add(acc.base, sp[-i]);
    }
    sp[-15] = acc.base;
    sp[-14] = acc.phi;
    return STATUS_OK;
}

/* acc = (s15, s14) := acc * alpha + (s_2i+1, s_2i) for i = 3..0; alpha is the first half of the word at s13 */
LARGE_OPERATION(hornerext) {
    felt_t word[4];
    int status = memory_read_word(m, sp[-13], word);
    if (status) return status;
    ext2_t alpha = {word[0], word[1]}, acc = {sp[-15], sp[-14]};
    for (int i = 3; i >= 0; i--) {
        ext2_t coefficient = {sp[-2 * i - 1], sp[-2 * i]};
        acc = ext2_add(ext2_mul(acc, alpha), coefficient);
    }
    sp[-15] = acc.base;
    sp[-14] = acc.phi;
    return STATUS_OK;
}

/* --- arithmetic circuits ---------------------------------------------------------------------------------------- */

/* Numbers of inputs and gates, or a fault. The reference adds the two as 64-bit integers, which may wrap, and then keeps the
 * low 32 bits of each; where it would panic because those do not fit either, there are too many wires. */
ALWAYS_INLINE int circuit_size(MachineC *m, uint64_t n_read, uint64_t n_eval, CircuitC *circuit) {
    if (n_read + n_eval > MAX_ACE_WIRES) return fault1(m, STATUS_ACE_TOO_MANY_WIRES, n_read + n_eval);
    if (n_read == 0 || n_read % 2) return fault1(m, STATUS_ACE_BAD_VARIABLE_COUNT, n_read);
    if (n_eval == 0 || n_eval % 4) return fault1(m, STATUS_ACE_BAD_EVAL_COUNT, n_eval);
    circuit->inputs = n_read & 0xffffffff;
    circuit->gates = n_eval & 0xffffffff;
    if (circuit->inputs + circuit->gates > MAX_ACE_WIRES) return fault1(m, STATUS_ACE_TOO_MANY_WIRES, circuit->inputs + circuit->gates);
    return STATUS_OK;
}

/* The value of a wire; they are numbered downwards from the first input. */
ALWAYS_INLINE int circuit_wire(MachineC *m, const CircuitC *circuit, uint64_t number, ext2_t *value) {
    uint64_t count = circuit->inputs + circuit->gates;
    if (number >= count) return fault0(m, STATUS_ACE_WIRE_NOT_READ);
    uint64_t position = count - 1 - number;
    if (position >= circuit->inputs + circuit->done) return fault0(m, STATUS_ACE_WIRE_NOT_READ);
    if (position >= circuit->inputs) {
        *value = circuit->outputs[position - circuit->inputs];
        return STATUS_OK;
    }
    const felt_t *cells = memory_cell(m, circuit->pointer + 2 * position);
    *value = (ext2_t){cells[0], cells[1]};
    return STATUS_OK;
}

ALWAYS_INLINE int circuit_gate(MachineC *m, CircuitC *circuit) {
    felt_t gate = 0;
    ext2_t left = {0, 0}, right = {0, 0};
    int status = memory_read(m, circuit->pointer + 2 * circuit->inputs + circuit->done, &gate);
    if (status) return status;
    if (gate >> 60 > 2) return fault0(m, STATUS_ACE_DECODE_FAILED);
    status = circuit_wire(m, circuit, gate & MAX_ACE_WIRES, &left);
    if (!status) status = circuit_wire(m, circuit, (gate >> 30) & MAX_ACE_WIRES, &right);
    if (status) return status;
    if (circuit->done == circuit->capacity) {
        ext2_t *larger = grow_array(circuit->outputs, &circuit->capacity, circuit->done + 1, sizeof *larger);
        if (!larger) return fault0(m, STATUS_NO_MEMORY);
        circuit->outputs = larger;
    }
    ext2_t output = gate >> 60 == 0 ? ext2_sub(left, right) : gate >> 60 == 1 ? ext2_mul(left, right) : ext2_add(left, right);
    circuit->outputs[circuit->done++] = output;
    return STATUS_OK;
}

/* [ptr, n_read, n_eval, ...] unchanged. A circuit is bounded by the memory in use, as a gate that was never written reads a
 * wire that does not exist yet; still it may be large. So it stops with BUDGET when enough work was done, and goes on where it
 * stopped when the row is executed again: nothing that it reads can have changed. */
LARGE_OPERATION(evalcircuit) {
    CircuitC *circuit = &m->circuit;
    int status = spend_work(m, WORK_FOLD);
    if (status) return status;
    if (!circuit->done) {
        circuit->pointer = sp[0];
        status = circuit_size(m, sp[-1], sp[-2], circuit);
        if (status) return status;
        if (circuit->inputs) {
            status = memory_check_word(m, circuit->pointer);
            if (status) return status;
            if (circuit->pointer + 2 * circuit->inputs > ADDRESS_END) return fault1(m, STATUS_ADDRESS_OUT_OF_BOUNDS, ADDRESS_END);
        }
    }
    while (!status && circuit->done < circuit->gates) {
        uint64_t before = circuit->done, end = before + GATES_PER_LOOK;
        while (!status && circuit->done < circuit->gates && circuit->done < end) status = circuit_gate(m, circuit);
        m->work += WORK_GATE * (circuit->done - before);
        if (!status && circuit->done < circuit->gates && m->work >= WORK_PER_RUN) return STATUS_BUDGET;
    }
    if (!status) {
        ext2_t last = {1, 0};
        if (circuit->inputs + circuit->gates) status = circuit_wire(m, circuit, 0, &last);
        if (!status && (last.base || last.phi)) status = fault0(m, STATUS_ACE_NOT_ZERO);
    }
    free(circuit->outputs);
    memset(circuit, 0, sizeof *circuit);
    return status;
}

/* --- stream cipher ---------------------------------------------------------------------------------------------- */

/* Add 8 memory elements at src = s12 to the rate (element j is s_7-j), store the sums at dst = s13, advance both by 8. */
LARGE_OPERATION(cryptostream) {
    felt_t source = sp[-12], target = sp[-13], words[8];
    if (source + 8 >= ADDRESS_END) return fault1(m, STATUS_ADDRESS_OUT_OF_BOUNDS, source);
    if (target + 8 >= ADDRESS_END) return fault1(m, STATUS_ADDRESS_OUT_OF_BOUNDS, target);
    if (source < target + 8 && target < source + 8) {
        return fault1(m, STATUS_ILLEGAL_MEMORY_ACCESS, target >= source ? target : target + 4);
    }
    int status = memory_read_word(m, source, words);
    if (!status) status = memory_read_word(m, source + 4, words + 4);
    if (!status) status = memory_check_word(m, target);
    if (!status) status = memory_reserve_two(m, target, target + 4);
    if (status) return status;
    for (int i = 0; i < 8; i++) words[i] = felt_add(words[i], sp[i - 7]);
    status = memory_write_word(m, target, words);
    if (!status) status = memory_write_word(m, target + 4, words + 4);
    if (status) return status;
    memcpy(sp - 7, words, sizeof words);
    sp[-12] = source + 8;
    sp[-13] = target + 8;
    return STATUS_OK;
}

#endif
