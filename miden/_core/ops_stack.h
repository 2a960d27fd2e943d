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

#define DUP(n)              \
    OPERATION(dup##n) {     \
        sp[1] = sp[-n];     \
        return STATUS_OK;   \
    }
DUP(0) DUP(1) DUP(2) DUP(3) DUP(4) DUP(5) DUP(6) DUP(7) DUP(9) DUP(11) DUP(13) DUP(15)
#undef DUP

/* Take element n out and put it on top; take the top out and put it back as element n. */
#define MOVE(n)                                           \
    OPERATION(movup##n) {                                 \
        felt_t moved = sp[-n];                            \
        for (int i = n; i > 0; i--) sp[-i] = sp[1 - i];   \
        sp[0] = moved;                                    \
        return STATUS_OK;                                 \
    }                                                     \
    OPERATION(movdn##n) {                                 \
        felt_t moved = sp[0];                             \
        for (int i = 0; i < n; i++) sp[-i] = sp[-i - 1];  \
        sp[-n] = moved;                                   \
        return STATUS_OK;                                 \
    }
MOVE(2) MOVE(3) MOVE(4) MOVE(5) MOVE(6) MOVE(7) MOVE(8)
#undef MOVE

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
