/* 32-bit operations (processor.md section 3.3). All operands are tested at once; only a failure looks at them one by one,
 * because the fault lists every value that is too large, top first. */
#ifndef MIDEN_OPS_U32_H
#define MIDEN_OPS_U32_H

#include "ops_system.h"

/* NOT_U32 with an error code and the offending values among the top `count`. */
NOINLINE int fault_u32(MachineC *m, const felt_t *sp, int count, felt_t code) {
    uint64_t values[3] = {0, 0, 0};
    int found = 0;
    for (int i = 0; i < count; i++) {
        if (sp[-i] >> 32) values[found++] = sp[-i];
    }
    return fault(m, STATUS_NOT_U32, found + 1, code, values[0], values[1], values[2]);
}

#define OWN_INDEX UINT64_MAX /* no error code, as that is a felt */

#define CHECK_TWO_U32(code) \
    if (UNLIKELY((sp[0] | sp[-1]) >> 32)) return fault_u32(m, sp, 2, code)
#define CHECK_THREE_U32(code) \
    if (UNLIKELY((sp[0] | sp[-1] | sp[-2]) >> 32)) return fault_u32(m, sp, 3, code)

/* [a, ...] -> [hi, lo, ...] */
OPERATION(u32split) {
    felt_t a = sp[0];
    sp[0] = a & 0xffffffff;
    sp[1] = a >> 32;
    return STATUS_OK;
}

/* [b, a, ...] -> [carry, lo, ...] */
OPERATION(u32add) {
    CHECK_TWO_U32(0);
    uint64_t sum = sp[-1] + sp[0];
    sp[0] = sum >> 32;
    sp[-1] = sum & 0xffffffff;
    return STATUS_OK;
}

/* [c, b, a, ...] -> [hi, lo, ...] of a + b + c */
OPERATION(u32add3) {
    CHECK_THREE_U32(0);
    uint64_t sum = sp[-2] + sp[-1] + sp[0];
    sp[-1] = sum >> 32;
    sp[-2] = sum & 0xffffffff;
    return STATUS_OK;
}

/* [b, a, ...] -> [borrow, (a - b) mod 2^32, ...]; its error code is its own index, which whoever stops knows */
OPERATION(u32sub) {
    CHECK_TWO_U32(OWN_INDEX);
    uint64_t difference = sp[-1] - sp[0];
    sp[0] = difference >> 63;
    sp[-1] = difference & 0xffffffff;
    return STATUS_OK;
}

/* [b, a, ...] -> [hi, lo, ...] of a * b */
OPERATION(u32mul) {
    CHECK_TWO_U32(0);
    uint64_t product = sp[-1] * sp[0];
    sp[0] = product >> 32;
    sp[-1] = product & 0xffffffff;
    return STATUS_OK;
}

/* [b, a, c, ...] -> [hi, lo, ...] of a * b + c */
OPERATION(u32madd) {
    CHECK_THREE_U32(0);
    uint64_t result = sp[-1] * sp[0] + sp[-2];
    sp[-1] = result >> 32;
    sp[-2] = result & 0xffffffff;
    return STATUS_OK;
}

/* [b, a, ...] -> [a mod b, a div b, ...] */
OPERATION(u32div) {
    CHECK_TWO_U32(0);
    uint32_t a = (uint32_t)sp[-1], b = (uint32_t)sp[0];
    if (UNLIKELY(b == 0)) return fault0(m, STATUS_DIVIDE_BY_ZERO);
    sp[0] = a % b;
    sp[-1] = a / b;
    return STATUS_OK;
}

/* [b, a, ...] -> [a & b, ...] */
OPERATION(u32and) {
    CHECK_TWO_U32(0);
    sp[-1] &= sp[0];
    return STATUS_OK;
}

/* [b, a, ...] -> [a ^ b, ...] */
OPERATION(u32xor) {
    CHECK_TWO_U32(0);
    sp[-1] ^= sp[0];
    return STATUS_OK;
}

/* [b, a, ...] unchanged */
OPERATION(u32assert2) {
    CHECK_TWO_U32(imm);
    return STATUS_OK;
}

#endif
