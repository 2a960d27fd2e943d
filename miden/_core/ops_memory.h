/* Memory and advice operations (processor.md section 3.5). A stack word lies in the buffer in memory order: the word at
 * position i is sp[-i - 3] .. sp[-i]. */
#ifndef MIDEN_OPS_MEMORY_H
#define MIDEN_OPS_MEMORY_H

#include "ops_system.h"

/* [addr, ...] -> [mem[addr], ...] */
OPERATION(mload) {
    return memory_read(m, sp[0], &sp[0]);
}

/* [addr, v, ...] -> [v, ...] */
OPERATION(mstore) {
    return memory_write(m, sp[0], sp[-1]);
}

/* [addr, x3, x2, x1, x0, ...] -> [w3, w2, w1, w0, ...] */
OPERATION(mloadw) {
    return memory_read_word(m, sp[0], sp - 4);
}

/* [addr, w3, w2, w1, w0, ...] -> [w3, w2, w1, w0, ...] */
OPERATION(mstorew) {
    return memory_write_word(m, sp[0], sp - 4);
}

/* Two words at a = element 12 into elements 7..0; a += 8. Both are checked before anything moves. */
LARGE_OPERATION(mstream) {
    felt_t address = sp[-12], words[8];
    int status = memory_read_word(m, address, words);
    if (!status) status = memory_read_word(m, felt_add(address, 4), words + 4);
    if (status) return status;
    memcpy(sp - 7, words, sizeof words);
    sp[-12] = felt_add(address, 8);
    return STATUS_OK;
}

/* As mstream, from the advice stack, and stored to memory. */
LARGE_OPERATION(pipe) {
    felt_t address = sp[-12], second = felt_add(address, 4);
    if (m->advice_count < 8) return fault0(m, STATUS_ADVICE_STACK_EMPTY);
    int status = memory_check_word(m, address);
    if (!status) status = memory_check_word(m, second);
    if (!status) status = memory_reserve_two(m, address, second);
    if (status) return status;
    felt_t words[8];
    for (int i = 0; i < 8; i++) words[i] = m->advice[m->advice_count - 1 - i];
    status = memory_write_word(m, address, words);
    if (!status) status = memory_write_word(m, second, words + 4);
    if (status) return status;
    m->advice_count -= 8;
    memcpy(sp - 7, words, sizeof words);
    sp[-12] = felt_add(address, 8);
    return STATUS_OK;
}

/* [...] -> [v, ...] */
OPERATION(advpop) {
    if (UNLIKELY(m->advice_count == 0)) return fault0(m, STATUS_ADVICE_STACK_EMPTY);
    sp[1] = m->advice[--m->advice_count];
    return STATUS_OK;
}

/* Four elements over the top word; the last one popped ends on top. */
OPERATION(advpopw) {
    if (UNLIKELY(m->advice_count < 4)) return fault0(m, STATUS_ADVICE_STACK_EMPTY);
    for (int i = 0; i < 4; i++) sp[i - 3] = m->advice[m->advice_count - 1 - i];
    m->advice_count -= 4;
    return STATUS_OK;
}

#endif
