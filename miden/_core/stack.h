/* The operand stack: one buffer that grows upwards, never fewer than 16 elements, zeros entering at the bottom.
 *
 *        low        floor           sp_min          sp      sp_max
 *     ----+-----------+---------------+-------------+---------+----
 *         | 0 0 0 0 0 | s(depth-1) .. | ..          | s0      |
 *
 * The depth is sp - floor + 1. A pop at depth 16 takes the zero below `floor` in; when there is none left the stack moves
 * up a little and leaves zeros behind. A callee's stack is the caller's top 16 in place: `floor` moves up to them, and if
 * there is overflow below, `low` does too, so that nothing the callee does can reach it.
 */
#ifndef MIDEN_STACK_H
#define MIDEN_STACK_H

#include "machine.h"

ALWAYS_INLINE uint64_t stack_depth(const MachineC *m, const felt_t *sp) {
    return (uint64_t)(sp - m->floor) + 1;
}

/* Recompute sp_min and sp_max after `floor`, the buffer or `saved_overflow` has changed. */
ALWAYS_INLINE void stack_set_bounds(MachineC *m) {
    uint64_t room = m->stack_capacity - 1 - (uint64_t)(m->floor - m->stack);
    uint64_t allowed = m->max_stack - m->saved_overflow - 1;
    m->sp_min = m->floor + (MIN_STACK_DEPTH - 1);
    m->sp_max = m->floor + (allowed < room ? allowed : room);
}

/* The top has gone one below sp_min: let a zero in at the bottom. Returns the new place of the top. Cannot fail: a cell
 * above the top has just become free, so there is always room to move up by one. */
NOINLINE felt_t *stack_underflow(MachineC *m, felt_t *sp) {
    if (m->floor > m->low) {
        m->floor--;
    } else {
        uint64_t room = m->stack_capacity - 1 - (uint64_t)(sp - m->stack);
        uint64_t shift = room < STACK_SLACK ? room : STACK_SLACK;
        memmove(m->floor + shift, m->floor, (MIN_STACK_DEPTH - 1) * sizeof(felt_t));
        memset(m->floor, 0, shift * sizeof(felt_t));
        m->floor += shift - 1;
        sp += shift;
    }
    stack_set_bounds(m);
    return sp;
}

/* The top, m->sp, is at sp_max and wants to go up: a larger buffer, or STACK_LIMIT. */
NOINLINE int stack_grow(MachineC *m) {
    if (stack_depth(m, m->sp) + m->saved_overflow >= m->max_stack) return fault1(m, STATUS_STACK_LIMIT, m->max_stack);
    uint64_t top = (uint64_t)(m->sp - m->stack), floor = (uint64_t)(m->floor - m->stack), low = (uint64_t)(m->low - m->stack);
    felt_t *larger = grow_array(m->stack, &m->stack_capacity, m->stack_capacity + 1, sizeof(felt_t));
    if (!larger) return fault0(m, STATUS_NO_MEMORY);
    m->stack = larger;
    m->floor = larger + floor;
    m->low = larger + low;
    m->sp = larger + top;
    stack_set_bounds(m);
    return STATUS_OK;
}

/* Outside of blocks: remove the top. */
ALWAYS_INLINE void stack_drop(MachineC *m) {
    if (UNLIKELY(--m->sp < m->sp_min)) m->sp = stack_underflow(m, m->sp);
}

/* Put the current context aside and keep the top 16. `calls` has room. */
ALWAYS_INLINE void stack_open(MachineC *m, CallC *call) {
    felt_t *window = m->sp - (MIN_STACK_DEPTH - 1);
    call->sp = (uint64_t)(m->sp - m->stack);
    call->floor = (uint64_t)(m->floor - m->stack);
    call->low = (uint64_t)(m->low - m->stack);
    m->saved_overflow += (uint64_t)(window - m->floor);
    if (window != m->floor) m->low = window;
    m->floor = window;
    stack_set_bounds(m);
}

/* Put the overflow of a caller back under the 16 elements that are left. */
ALWAYS_INLINE void stack_close(MachineC *m, const CallC *call) {
    uint64_t overflow = call->sp - (MIN_STACK_DEPTH - 1) - call->floor;
    if (overflow) {
        felt_t *top = m->stack + call->sp;
        if (m->sp != top) memmove(top - (MIN_STACK_DEPTH - 1), m->floor, MIN_STACK_DEPTH * sizeof(felt_t));
        m->sp = top;
        m->floor = m->stack + call->floor;
        m->low = m->stack + call->low;
        m->saved_overflow -= overflow;
    }
    stack_set_bounds(m);
}

#endif
