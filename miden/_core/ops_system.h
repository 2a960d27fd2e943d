/* System operations (processor.md section 3.1).
 *
 * All op_* functions have one shape. `sp` is the top before the operation: element i is sp[-i]. They leave the elements
 * where they belong once the caller has moved the top by the operation's change of depth, so one that pushes writes sp[1]
 * and one that pops leaves its result at sp[-1]. They return a status, and change nothing unless it is 0. `imm` is the value
 * of PUSH, the error code of ASSERT, U32ASSERT2 and MPVERIFY, the clock of CLK's row, the place n of DUPn, MOVUPn and MOVDNn,
 * and 0 for the others.
 */
#ifndef MIDEN_OPS_SYSTEM_H
#define MIDEN_OPS_SYSTEM_H

#include "contexts.h"

#define OPERATION(name) ALWAYS_INLINE int op_##name(MachineC *m, felt_t *sp, uint64_t imm)
#define LARGE_OPERATION(name) NOINLINE int op_##name(MachineC *m, felt_t *sp, uint64_t imm)

OPERATION(noop) {
    return STATUS_OK;
}

/* [1, ...] -> [...] */
OPERATION(assert) {
    if (UNLIKELY(sp[0] != 1)) return fault1(m, STATUS_FAILED_ASSERTION, imm);
    return STATUS_OK;
}

/* [...] -> [depth before, ...] */
OPERATION(sdepth) {
    sp[1] = stack_depth(m, sp);
    return STATUS_OK;
}

/* [a, b, c, d, ...] -> [f3, f2, f1, f0, ...] */
OPERATION(caller) {
    memcpy(sp - 3, m->fn_hash, sizeof m->fn_hash);
    return STATUS_OK;
}

/* [...] -> [clk of this row, ...] */
OPERATION(clk) {
    sp[1] = imm;
    return STATUS_OK;
}

/* [id, ...] unchanged; EVENT until the driver has served it */
OPERATION(emit) {
    if (!m->event_served) return STATUS_EVENT;
    m->event_served = 0;
    return STATUS_OK;
}

#endif
