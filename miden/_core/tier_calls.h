/* Calls in a region. Most callees are small: a few blocks that leave 16 elements. Such a call is no end of a segment. Its
 * stack is symbolic as the caller's: the zeros that it lets in hide what lies there until its end. Of the new context only
 * its id is noted, and its memory is selected only if the callee has to do with memory.
 *
 * Other callees are rows between segments (CALL, RETURN), with the records that the plain engine makes. Large ones have a
 * region of their own and end that of the caller. A dyn is taken to lead where it led before, and misses otherwise.
 */
#ifndef MIDEN_TIER_CALLS_H
#define MIDEN_TIER_CALLS_H

#include "tier_emit.h"

#define INLINED_SIZE 4096 /* operations and nodes of a callee that becomes part of the region */
#define INLINED_PENDING 64

static const int8_t DEPTH_CHANGES[128] = {
#define CHANGE(NAME, name, delta) [OP_##NAME] = delta,
    FOR_EACH_OPERATION(CHANGE)
#undef CHANGE
#define CHANGE(NAME, n) [OP_##NAME] = 1,
    FOR_EACH_DUP(CHANGE)
#undef CHANGE
};

ALWAYS_INLINE int is_large(uint32_t opcode) {
    switch (opcode) {
#define CASE(NAME, name) case OP_##NAME:
        FOR_EACH_LARGE(CASE) return 1;
#undef CASE
    default: return 0;
    }
}

/* After a row: a callee within the segment lets zeros in, the segment itself may come to its lowest or highest place. */
NOINLINE void note_depth(TranslationC *t) {
    if (t->callee_count) {
        CalleeC *callee = &t->callees[t->callee_count - 1];
        if (t->top - (MIN_STACK_DEPTH - 1) < callee->floor) {
            int32_t zero = value_constant(t, 0), *under = symbol(t, --callee->floor);
            t->hidden[t->hidden_count++] = *under;
            *under = zero;
        }
    } else if (t->top < t->lowest) {
        t->lowest = t->top;
    }
    if (t->top + t->hidden_count > t->highest) t->highest = t->top + t->hidden_count;
}

/* --- what a callee is like -------------------------------------------------------------------------------------- */

/* A small callee, looked through from its start to its end. */
typedef struct {
    uint32_t operations, stores, nodes;
    int touches_memory;
} InsideC;

typedef struct {
    uint32_t node;
    int32_t depth; /* of the caller, if this is the end of a call; else 0 */
} PendingC;

ALWAYS_INLINE int scan_block(const CodeC *code, const NodeC *node, InsideC *inside, int32_t *depth, int outermost) {
    const uint8_t *operations = block_operations(code, node);
    if (node->op_count > INSIDE_OPERATIONS - inside->operations) return 0;
    inside->operations += node->op_count;
    for (uint32_t i = 0; i < node->op_count; i++) {
        uint32_t opcode = operations[i];
        if (is_large(opcode)) return 0;
        int stores = opcode == OP_MSTOREW ? 4 : opcode == OP_MSTORE;
        if (outermost && (stores || opcode == OP_MLOAD || opcode == OP_MLOADW)) inside->touches_memory = 1;
        inside->stores += (uint32_t)stores;
        *depth += DEPTH_CHANGES[opcode];
        if (*depth < MIN_STACK_DEPTH) *depth = MIN_STACK_DEPTH;
    }
    return 1;
}

/* Whether a callee can be part of a segment: blocks, joins and calls of the same kind, which leave 16 elements. */
NOINLINE int fits_inside(const CodeC *code, uint32_t callee, InsideC *inside) {
    PendingC pending[2 * INSIDE_NODES + 2] = {{callee, 0}};
    int32_t depth = MIN_STACK_DEPTH, count = 1, calls = 1;
    memset(inside, 0, sizeof *inside);
    while (count) {
        PendingC next = pending[--count];
        if (next.depth) {
            if (depth != MIN_STACK_DEPTH) return 0;
            depth = next.depth;
            calls--;
            continue;
        }
        const NodeC *node = &code->nodes[next.node];
        if (inside->nodes++ == INSIDE_NODES) return 0;
        if (node->kind == NODE_BLOCK) {
            if (!scan_block(code, node, inside, &depth, calls == 1)) return 0;
        } else if (node->kind == NODE_JOIN) {
            pending[count++] = (PendingC){node->b, 0};
            pending[count++] = (PendingC){node->a, 0};
        } else if ((node->kind == NODE_CALL || node->kind == NODE_SYSCALL) && calls < INSIDE_CALLS) {
            calls++;
            pending[count++] = (PendingC){0, depth};
            pending[count++] = (PendingC){node->a, 0};
            depth = MIN_STACK_DEPTH;
        } else {
            return 0;
        }
    }
    return depth == MIN_STACK_DEPTH;
}

/* Whether a callee is small enough to be translated with its caller. */
NOINLINE int can_be_inlined(const CodeC *code, uint32_t callee) {
    uint32_t pending[INLINED_PENDING] = {callee}, count = 1;
    uint64_t size = 0;
    while (count) {
        const NodeC *node = &code->nodes[pending[--count]];
        size += 1 + node->op_count;
        if (size > INLINED_SIZE || count + 2 > INLINED_PENDING) return 0;
        if (node->kind == NODE_BLOCK) continue;
        if (NODE_CHILDREN[node->kind] == 2) pending[count++] = node->b;
        if (NODE_CHILDREN[node->kind] >= 1) pending[count++] = node->a;
    }
    return 1;
}

/* --- within a segment ------------------------------------------------------------------------------------------- */

/* Whether the open segment has room for a callee. */
NOINLINE int has_room_inside(const TranslationC *t, const InsideC *inside) {
    int32_t most = 6 * (int32_t)(inside->operations + inside->nodes);
    return t->instruction_count + most < SEGMENT_INSTRUCTIONS - 32 && t->value_count + 2 * most < SEGMENT_VALUES - 200 &&
           t->stores + (int32_t)inside->stores < SEGMENT_STORES - 4 && t->frame_count + 3 * INSIDE_NODES + 4 <= TRANSLATED_CONTINUATIONS;
}

/* Nothing is known any more of what the root context holds; callers may be in it. */
NOINLINE void forget_memory(TranslationC *t) {
    t->frame = t->frame_store = -1;
    t->known_count = 0;
    for (int i = 0; i < t->callee_count; i++) {
        t->callees[i].frame = t->callees[i].frame_store = -1;
        t->callees[i].known_count = 0;
    }
}

/* The row of a call, at `position` of the segment. */
NOINLINE void callee_open(TranslationC *t, uint32_t callee, int is_syscall, int touches_memory, uint32_t position) {
    CalleeC *state = &t->callees[t->callee_count];
    uint64_t level = (uint64_t)t->callee_count++ << 32;
    state->top = t->top;
    state->floor = t->top - (MIN_STACK_DEPTH - 1);
    state->touches_memory = touches_memory;
    state->is_syscall = is_syscall;
    state->frame = t->frame;
    state->frame_store = t->frame_store;
    memcpy(state->known, t->known, sizeof state->known);
    state->known_count = t->known_count;
    uint16_t op = is_syscall ? (touches_memory ? U_ENTERK : U_KERNEL) : (touches_memory ? U_ENTER : U_OPEN);
    uint64_t imm = is_syscall ? callee : position;
    instruction_new(t, op, EFFECT_KEEP | EFFECT_BAIL | EFFECT_CALL, touches_memory ? level | imm : imm);
    t->frame = is_syscall ? -1 : value_constant(t, FMP_INIT);
    t->frame_store = -1;
    t->known_count = 0;
}

/* The row of its end: 16 elements go to where the caller's were, over what was hidden. */
NOINLINE void callee_close(TranslationC *t) {
    CalleeC *state = &t->callees[--t->callee_count];
    for (int32_t i = 0; i < MIN_STACK_DEPTH; i++) *symbol(t, state->top - i) = *symbol(t, t->top - i);
    int32_t under = state->top - MIN_STACK_DEPTH;
    for (int32_t place = state->floor; place <= under; place++) *symbol(t, place) = t->hidden[--t->hidden_count];
    t->top = state->top;
    t->frame = state->frame;
    t->frame_store = state->frame_store;
    memcpy(t->known, state->known, sizeof t->known);
    t->known_count = state->known_count;
    if (state->touches_memory) {
        instruction_new(t, U_LEAVE, EFFECT_KEEP | EFFECT_BAIL | EFFECT_CALL, (uint64_t)t->callee_count);
        if (state->is_syscall) forget_memory(t);
    }
}

/* The row of a DYN, or the first half of that of a DYNCALL: its address leads to `root`. */
NOINLINE void take_target(TranslationC *t, uint32_t root) {
    int32_t address = element_pop(t);
    uint64_t imm = (uint64_t)root << 32, constant = t->values[address].constant;
    if (!is_constant(t, address)) {
        takes(instruction_new(t, U_DYN, EFFECT_KEEP | EFFECT_BAIL, imm), address);
        address_is_checked(t, address);
    } else if (constant < FMP_WORD && !(constant & 3)) {
        instruction_new(t, U_DYNI, EFFECT_KEEP | EFFECT_BAIL, imm | constant);
    } else {
        always_bails(t);
    }
    note_depth(t);
}

#endif
