/* Contexts: of memory, and of callers. A call opens one with its frame pointer written, saves the caller's and keeps the top
 * 16 of the stack; its end puts the caller's back.
 */
#ifndef MIDEN_CONTEXTS_H
#define MIDEN_CONTEXTS_H

#include "memory.h"
#include "records.h"
#include "stack.h"

static const felt_t NEW_FRAME[4] = {0, 0, FMP_INIT, 0};

ALWAYS_INLINE uint64_t context_index(const MachineC *m) {
    return m->context_key >> PAGE_BITS;
}

ALWAYS_INLINE void context_select(MachineC *m, uint64_t index) {
    m->context_key = index << PAGE_BITS;
    m->frame = index ? m->user_frame : m->root_frame;
}

/* --- frame-pointer words ---------------------------------------------------------------------------------------- */

ALWAYS_INLINE int frame_is_new(const felt_t frame[4]) {
    return memcmp(frame, NEW_FRAME, sizeof NEW_FRAME) == 0;
}

ALWAYS_INLINE FrameWordC *frame_slot(FrameWordC *frames, uint64_t size, uint64_t context) {
    uint64_t position = mix64(context) & (size - 1);
    while (frames[position].context && frames[position].context != context) position = (position + 1) & (size - 1);
    return &frames[position];
}

/* Make room for one more frame-pointer word: NO_MEMORY. */
NOINLINE int frames_reserve(MachineC *m) {
    if (2 * (m->frame_count + 1) <= m->frame_size) return STATUS_OK;
    uint64_t size = m->frame_size ? 2 * m->frame_size : 16;
    FrameWordC *frames = calloc(size, sizeof *frames);
    if (!frames) return fault0(m, STATUS_NO_MEMORY);
    for (uint64_t i = 0; i < m->frame_size; i++) {
        if (m->frames[i].context) *frame_slot(frames, size, m->frames[i].context) = m->frames[i];
    }
    free(m->frames);
    m->frames = frames;
    m->frame_size = size;
    return STATUS_OK;
}

/* Keep the frame-pointer word of the current context, which is not the root and is left for good; there is room. */
NOINLINE void frame_keep(MachineC *m) {
    FrameWordC *slot = frame_slot(m->frames, m->frame_size, context_index(m));
    memcpy(slot->cells, m->user_frame, sizeof slot->cells);
    slot->context = context_index(m);
    m->frame_count++;
}

/* --- calls ------------------------------------------------------------------------------------------------------ */

/* Make room for one more context; MEMORY_LIMIT counts its frame-pointer word. */
ALWAYS_INLINE int context_reserve(MachineC *m) {
    int status = memory_check_limit(m, 1);
    if (UNLIKELY(status)) return status;
    if (UNLIKELY(m->context_count == m->context_capacity)) {
        uint32_t *larger = grow_array(m->contexts, &m->context_capacity, m->context_count + 1, sizeof *larger);
        if (!larger) return fault0(m, STATUS_NO_MEMORY);
        m->contexts = larger;
    }
    return STATUS_OK;
}

/* Note a context that is opened by the row at `clk`, its frame pointer written, after context_reserve. */
ALWAYS_INLINE void context_note(MachineC *m, uint64_t clk) {
    m->contexts[m->context_count++] = (uint32_t)(clk + 1);
    m->memory_elements += 4;
}

/* Open the context of a new user procedure that was noted last. */
ALWAYS_INLINE void context_open(MachineC *m) {
    context_select(m, m->context_count - 1);
    memcpy(m->user_frame, NEW_FRAME, sizeof NEW_FRAME);
}

/* Save the caller's context and open that of a procedure, for a node of this kind; there is room. */
ALWAYS_INLINE void context_push(MachineC *m, uint32_t kind, const felt_t digest[4]) {
    CallC *call = &m->calls[m->call_count++];
    call->context = context_index(m);
    memcpy(call->fn_hash, m->fn_hash, sizeof call->fn_hash);
    memcpy(call->frame, m->user_frame, sizeof call->frame);
    stack_open(m, call);
    if (kind == NODE_SYSCALL) {
        context_select(m, 0);
        return;
    }
    context_note(m, m->clk);
    context_open(m);
    memcpy(m->fn_hash, digest, sizeof m->fn_hash);
}

/* The end of a procedure: put the caller's context back. STACK_DEPTH_ON_RETURN, NO_MEMORY. */
ALWAYS_INLINE int context_pop(MachineC *m) {
    uint64_t depth = stack_depth(m, m->sp);
    if (UNLIKELY(depth > MIN_STACK_DEPTH)) return fault1(m, STATUS_STACK_DEPTH_ON_RETURN, depth);
    if (UNLIKELY(m->context_key && !frame_is_new(m->user_frame))) {
        int status = frames_reserve(m);
        if (status) return status;
        frame_keep(m);
    }
    const CallC *call = &m->calls[--m->call_count];
    stack_close(m, call);
    context_select(m, call->context);
    memcpy(m->fn_hash, call->fn_hash, sizeof m->fn_hash);
    memcpy(m->user_frame, call->frame, sizeof m->user_frame);
    return STATUS_OK;
}

NOINLINE int kernel_has(const MachineC *m, const felt_t digest[4]) {
    for (uint64_t i = 0; i < m->kernel_count; i++) {
        if (digest_compare(m->kernel + 4 * i, digest) == 0) return 1;
    }
    return 0;
}

/* --- for people, not for programs ------------------------------------------------------------------------------- */

/* Index of the context with this id, or -1. */
NOINLINE int64_t context_find(const MachineC *m, uint64_t id) {
    uint64_t low = 0, high = m->context_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (m->contexts[middle] < id) low = middle + 1;
        else high = middle;
    }
    return low < m->context_count && m->contexts[low] == id ? (int64_t)low : -1;
}

/* The frame-pointer word of the context with this index, or NULL if it has none. */
NOINLINE const felt_t *frame_peek(const MachineC *m, uint64_t index) {
    if (index == 0) return m->has_root_frame ? m->root_frame : NULL;
    if (index == context_index(m)) return m->user_frame;
    for (uint64_t i = 0; i < m->call_count; i++) {
        if (m->calls[i].context == index) return m->calls[i].frame;
    }
    const FrameWordC *slot = m->frame_size ? frame_slot(m->frames, m->frame_size, index) : NULL;
    return slot && slot->context ? slot->cells : NEW_FRAME;
}

#endif
