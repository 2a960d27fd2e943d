/* Stack operations (processor.md section 3.4). */
#ifndef MIDEN_OPS_STACK_H
#define MIDEN_OPS_STACK_H

#include "ops_system.h"

OPERATION(push) {
    sp[1] = imm;
    return STATUS_OK;
}

OPERATION(pad) {
    sp[1] = 0;
    return STATUS_OK;
}

OPERATION(drop) {
    return STATUS_OK;
}

/* The places below come as operands, so that code that is new to the processor finds one jump target for all of them. */

/* [...] -> [element n, ...] */
OPERATION(dup) {
    sp[1] = sp[-(int64_t)imm];
    return STATUS_OK;
}

/* Copy 2 to 8 elements, which may overlap: four pieces of two that do as well, whatever the number. A branch on it, or a
 * loop, would often be mispredicted, and larger pieces would wait for the stores of the operations before. */
ALWAYS_INLINE void stack_copy(felt_t *to, const felt_t *from, uint64_t count) {
    uint64_t last = count - 2, b = last < 2 ? last : 2, c = last < 4 ? last : 4;
    felt_t piece_a[2] = {from[0], from[1]}, piece_b[2] = {from[b], from[b + 1]};
    felt_t piece_c[2] = {from[c], from[c + 1]}, piece_d[2] = {from[last], from[last + 1]};
    to[0] = piece_a[0], to[1] = piece_a[1];
    to[b] = piece_b[0], to[b + 1] = piece_b[1];
    to[c] = piece_c[0], to[c + 1] = piece_c[1];
    to[last] = piece_d[0], to[last + 1] = piece_d[1];
}

/* Take element n, 2 to 8, out and put it on top. */
OPERATION(movup) {
    felt_t moved = sp[-(int64_t)imm];
    stack_copy(sp - imm, sp - imm + 1, imm);
    sp[0] = moved;
    return STATUS_OK;
}

/* Take the top out and put it back as element n, 2 to 8. */
OPERATION(movdn) {
    felt_t moved = sp[0];
    stack_copy(sp - imm + 1, sp - imm, imm);
    sp[-(int64_t)imm] = moved;
    return STATUS_OK;
}

/* Exchange `count` elements from position a with those from position b. */
ALWAYS_INLINE void stack_exchange(felt_t *sp, int a, int b, int count) {
    for (int i = 0; i < count; i++) {
        felt_t element = sp[-(a + i)];
        sp[-(a + i)] = sp[-(b + i)];
        sp[-(b + i)] = element;
    }
}

OPERATION(swap) {
    stack_exchange(sp, 0, 1, 1);
    return STATUS_OK;
}

OPERATION(swapw) {
    stack_exchange(sp, 0, 4, 4);
    return STATUS_OK;
}

OPERATION(swapw2) {
    stack_exchange(sp, 0, 8, 4);
    return STATUS_OK;
}

OPERATION(swapw3) {
    stack_exchange(sp, 0, 12, 4);
    return STATUS_OK;
}

OPERATION(swapdw) {
    stack_exchange(sp, 0, 8, 8);
    return STATUS_OK;
}

/* [c, b, a, ...] -> [b, a, ...], exchanged if c is 1 */
OPERATION(cswap) {
    if (UNLIKELY(sp[0] > 1)) return fault1(m, STATUS_NOT_BINARY_OP, sp[0]);
    if (sp[0]) stack_exchange(sp, 1, 2, 1);
    return STATUS_OK;
}

/* [c, B, A, ...] -> [B, A, ...], exchanged if c is 1 */
OPERATION(cswapw) {
    if (UNLIKELY(sp[0] > 1)) return fault1(m, STATUS_NOT_BINARY_OP, sp[0]);
    if (sp[0]) stack_exchange(sp, 1, 5, 4);
    return STATUS_OK;
}

#endif
