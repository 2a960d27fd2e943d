/* Room for continuations and for what is saved of callers. */
#ifndef MIDEN_RECORDS_H
#define MIDEN_RECORDS_H

#include "machine.h"

/* Room for `count` more continuations: CONTINUATION_LIMIT, NO_MEMORY. */
NOINLINE int continuations_grow(MachineC *m, uint64_t count) {
    uint64_t needed = m->continuation_count + count;
    if (needed > m->max_continuations) return fault1(m, STATUS_CONTINUATION_LIMIT, m->max_continuations);
    ContinuationC *larger = grow_array(m->continuations, &m->continuation_capacity, needed, sizeof *larger);
    if (!larger) return fault0(m, STATUS_NO_MEMORY);
    m->continuations = larger;
    if (m->continuation_capacity > m->max_continuations) m->continuation_capacity = m->max_continuations;
    return STATUS_OK;
}

ALWAYS_INLINE int continuations_reserve(MachineC *m, uint64_t count) {
    if (LIKELY(m->continuation_count + count <= m->continuation_capacity)) return STATUS_OK;
    return continuations_grow(m, count);
}

ALWAYS_INLINE void continuation_push(MachineC *m, uint32_t kind, uint32_t node) {
    ContinuationC record = {kind, node};
    m->continuations[m->continuation_count++] = record;
}

ALWAYS_INLINE int calls_reserve(MachineC *m) {
    if (LIKELY(m->call_count < m->call_capacity)) return STATUS_OK;
    CallC *larger = grow_array(m->calls, &m->call_capacity, m->call_count + 1, sizeof *larger);
    if (!larger) return fault0(m, STATUS_NO_MEMORY);
    m->calls = larger;
    return STATUS_OK;
}

#endif
