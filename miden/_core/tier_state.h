/* What the executor of tier two does to the machine besides plain micro-operations: room at the edges of the stack, calls, and
 * stores that can be undone.
 */
#ifndef MIDEN_TIER_STATE_H
#define MIDEN_TIER_STATE_H

#include "ops_crypto.h"
#include "ops_field.h"
#include "ops_memory.h"
#include "tier_translate.h"

/* What a store has overwritten. */
typedef struct {
    felt_t *cell;
    felt_t before;
    uint8_t *written; /* not NULL: the word was new, and is to be forgotten */
} UndoC;

/* Shifting so many elements for a zero below them is still cheap. */
#define CHEAP_SHIFT 256

NOINLINE int large_operation(MachineC *m, felt_t *sp, int opcode, uint64_t imm) {
    switch (opcode) {
#define CASE(NAME, name) case OP_##NAME: return op_##name(m, sp, imm);
        FOR_EACH_LARGE(CASE)
#undef CASE
    default: return STATUS_BUDGET; /* the plain engine knows */
    }
}

/* A call that is a row of its own: a status other than 0 if the plain engine has to do it. */
NOINLINE int call_begin(MachineC *m, uint32_t kind, uint64_t callee) {
    felt_t digest[4], word[4];
    int status = STATUS_OK;
    code_digest(m->forest, callee, digest);
    if (kind == NODE_DYNCALL) {
        status = memory_read_word(m, m->sp[0], word);
        if (!status && digest_compare(word, digest) != 0) status = STATUS_BUDGET;
    }
    if (kind == NODE_SYSCALL) status = kernel_has(m, digest) ? STATUS_OK : STATUS_BUDGET;
    else if (!status) status = context_reserve(m);
    if (!status) status = calls_reserve(m);
    if (status) return status;
    if (kind == NODE_DYNCALL) stack_drop(m);
    context_push(m, kind, digest);
    return STATUS_OK;
}

/* What a call within a segment changes of the machine, but for its stores. */
typedef struct {
    uint64_t context_key, context_count;
    felt_t user_frame[4];
} ContextStateC;

ALWAYS_INLINE void context_note_state(const MachineC *m, ContextStateC *state) {
    state->context_key = m->context_key;
    state->context_count = m->context_count;
    memcpy(state->user_frame, m->user_frame, sizeof state->user_frame);
}

ALWAYS_INLINE void context_go_back(MachineC *m, const ContextStateC *state) {
    context_select(m, state->context_key >> PAGE_BITS);
    memcpy(m->user_frame, state->user_frame, sizeof state->user_frame);
}

ALWAYS_INLINE int kernel_has_node(const MachineC *m, uint64_t id) {
    felt_t digest[4];
    code_digest(m->forest, id, digest);
    return kernel_has(m, digest);
}

/* The word at an address that is computed is the digest of a root. */
ALWAYS_INLINE int leads_to(MachineC *m, uint64_t address, uint64_t root) {
    return digest_is(m->forest, root, &page_find(m, address)->cells[address % PAGE_CELLS]);
}

/* Make room for a segment at the edges of the stack: zeros below, places above. The number of places by which the floor
 * was lowered, or -1 if the plain engine has to do it (or to find out that there is no room). */
NOINLINE int64_t segment_room(MachineC *m, felt_t **place, const UopC *segment) {
    felt_t *sp = *place;
    int64_t lowered = m->sp_min - (sp + segment->a);
    if (lowered < 0) lowered = 0;
    uint64_t depth = stack_depth(m, sp), needed = (uint64_t)(sp - m->stack) + (uint64_t)segment->b + STACK_SLACK + SEGMENT_SAVED + 2;
    if (depth + (uint64_t)lowered + (uint64_t)segment->c + m->saved_overflow > m->max_stack) return -1;
    if (needed > m->stack_capacity) {
        uint64_t top = (uint64_t)(sp - m->stack), floor = (uint64_t)(m->floor - m->stack), low = (uint64_t)(m->low - m->stack);
        felt_t *larger = grow_array(m->stack, &m->stack_capacity, needed, sizeof(felt_t));
        if (!larger) return -1;
        m->stack = larger;
        m->floor = larger + floor;
        m->low = larger + low;
        sp = larger + top;
    }
    if (lowered > m->floor - m->low) {
        if (depth > CHEAP_SHIFT || lowered > SEGMENT_SAVED) return -1;
        int64_t shift = lowered > STACK_SLACK ? lowered : STACK_SLACK;
        memmove(m->floor + shift, m->floor, (size_t)depth * sizeof(felt_t));
        memset(m->floor, 0, (size_t)shift * sizeof(felt_t));
        m->floor += shift;
        sp += shift;
    }
    m->floor -= lowered;
    stack_set_bounds(m);
    *place = sp;
    return lowered;
}

/* A page cannot be had, or is not of the simple kind: the plain engine stores. */
NOINLINE int store_new_word(MachineC *m, uint64_t address, felt_t **cell, uint8_t **written) {
    PageC *page = page_find(m, address);
    if (page == &m->view || 4 > m->max_memory - m->memory_elements) return 0;
    if (page == &m->zero_page && m->page_count >= MANY_PAGES) return 0;
    if (memory_place_word(m, page, address, cell)) return 0;
    *written = &page_find(m, address)->written[(address >> 2) % PAGE_WORDS];
    return 1;
}

/* Where to store at an address below ADDRESS_END so that it can be undone; `written` is set if the word is new. NULL: no. */
ALWAYS_INLINE felt_t *cell_to_log(MachineC *m, uint64_t address, uint8_t **written) {
    *written = NULL;
    if (UNLIKELY(address >= FMP_WORD)) return frame_is_written(m) ? &m->frame[address & 3] : NULL;
    PageC *page = page_find(m, address);
    felt_t *cell = &page->cells[address % PAGE_CELLS];
    if (UNLIKELY(page->written[(address >> 2) % PAGE_WORDS] != WORD_WRITTEN) && !store_new_word(m, address, &cell, written)) return NULL;
    return cell;
}

NOINLINE void undo_stores(MachineC *m, const UndoC *log, uint32_t count) {
    while (count--) {
        *log[count].cell = log[count].before;
        if (log[count].written) {
            *log[count].written = WORD_UNTOUCHED;
            m->memory_elements -= 4;
        }
    }
}

ALWAYS_INLINE uint64_t rotate_left(uint64_t word, uint64_t by) {
    uint32_t x = (uint32_t)word;
    return (uint32_t)(x << by | x >> (32 - by));
}

#endif
