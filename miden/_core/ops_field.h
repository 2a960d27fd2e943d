/* Field operations (processor.md section 3.2). */
#ifndef MIDEN_OPS_FIELD_H
#define MIDEN_OPS_FIELD_H

#include "ops_system.h"

#define WORK_INVERSE 150 /* nanoseconds, roughly, for spend_work */

/* [b, a, ...] -> [a + b, ...] */
OPERATION(add) {
    sp[-1] = felt_add(sp[-1], sp[0]);
    return STATUS_OK;
}

OPERATION(neg) {
    sp[0] = felt_neg(sp[0]);
    return STATUS_OK;
}

/* [b, a, ...] -> [a * b, ...] */
OPERATION(mul) {
    sp[-1] = felt_mul(sp[-1], sp[0]);
    return STATUS_OK;
}

OPERATION(inv) {
    if (UNLIKELY(sp[0] == 0)) return fault0(m, STATUS_DIVIDE_BY_ZERO);
    int status = spend_work(m, WORK_INVERSE);
    if (UNLIKELY(status)) return status;
    sp[0] = felt_inv(sp[0]);
    return STATUS_OK;
}

OPERATION(incr) {
    sp[0] = felt_add(sp[0], 1);
    return STATUS_OK;
}

/* NOT_BINARY_OP for s0, then for s1. */
ALWAYS_INLINE int check_two_binary(MachineC *m, const felt_t *sp) {
    if (LIKELY((sp[0] | sp[-1]) <= 1)) return STATUS_OK;
    return fault1(m, STATUS_NOT_BINARY_OP, sp[0] > 1 ? sp[0] : sp[-1]);
}

/* [b, a, ...] -> [a and b, ...] */
OPERATION(and) {
    int status = check_two_binary(m, sp);
    if (UNLIKELY(status)) return status;
    sp[-1] &= sp[0];
    return STATUS_OK;
}

/* [b, a, ...] -> [a or b, ...] */
OPERATION(or) {
    int status = check_two_binary(m, sp);
    if (UNLIKELY(status)) return status;
    sp[-1] |= sp[0];
    return STATUS_OK;
}

OPERATION(not) {
    if (UNLIKELY(sp[0] > 1)) return fault1(m, STATUS_NOT_BINARY_OP, sp[0]);
    sp[0] ^= 1;
    return STATUS_OK;
}

/* [b, a, ...] -> [a == b, ...] */
OPERATION(eq) {
    sp[-1] = sp[-1] == sp[0];
    return STATUS_OK;
}

OPERATION(eqz) {
    sp[0] = sp[0] == 0;
    return STATUS_OK;
}

/* [_, b, acc, e, ...] -> [e & 1, b * b, acc * (b if e is odd else 1), e >> 1, ...] */
OPERATION(expacc) {
    felt_t base = sp[-1], exponent = sp[-3], odd = exponent & 1;
    sp[0] = odd;
    sp[-1] = felt_square(base);
    sp[-2] = felt_mul(sp[-2], odd ? base : 1);
    sp[-3] = exponent >> 1;
    return STATUS_OK;
}

/* [b1, b0, a1, a0, ...] -> [b1, b0, c1, c0, ...], c = a * b */
OPERATION(ext2mul) {
    ext2_t b = {sp[-1], sp[0]}, a = {sp[-3], sp[-2]}, c = ext2_mul(a, b);
    sp[-3] = c.base;
    sp[-2] = c.phi;
    return STATUS_OK;
}

#endif
