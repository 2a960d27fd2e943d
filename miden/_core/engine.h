/* The plain engine: nodes and continuations (processor.md section 2), on explicit stacks, so that depth is data.
 *
 * Exactness first: every row tests the cycle limit before anything else about it, a fault leaves the state of before its
 * row, and a request is answered by doing its row again. The order of the tests of a row is: decorators; cycles; operands;
 * memory limit; limit of continuations. The latter counts the records that a row leaves, without those for decorators.
 *
 * Resolutions of external nodes and dyn misses are remembered per run, so that only the first pass asks the driver. That
 * is exact: entering a forest again merges the same advice map, which changes nothing the second time.
 */
#ifndef MIDEN_ENGINE_H
#define MIDEN_ENGINE_H

#include "block.h"
#include "links.h"
#include "tier_heat.h"

/* --- the traversal ---------------------------------------------------------------------------------------------- */

/* Stop for a node's decorators unless they have just been run. */
#define DECORATE(flag, slot)                                                    \
    if (UNLIKELY(m->debug) && (node->flags & (flag)) && !m->decorated) {        \
        m->decorator_slot = slot;                                               \
        status = STATUS_DECORATOR;                                              \
        goto stop;                                                              \
    }
#define BEGIN_ROW()                                                             \
    if (UNLIKELY(m->clk >= m->stop)) {                                          \
        status = STATUS_BUDGET;                                                 \
        goto stop;                                                              \
    }
#define END_ROW()                                                               \
    do {                                                                        \
        m->clk++;                                                               \
        m->decorated = 0;                                                       \
    } while (0)
#define TRY(expression)                                                         \
    do {                                                                        \
        status = (expression);                                                  \
        if (UNLIKELY(status)) goto stop;                                        \
    } while (0)
#define START(id)                                                               \
    do {                                                                        \
        node_id = (id);                                                         \
        kind = CONT_START;                                                      \
        goto dispatch;                                                          \
    } while (0)
/* Run a node, or the body of a loop, in tier two if it is hot; otherwise go on here. */
#define TIER_TWO()                                                              \
    do {                                                                        \
        if (tier_run(m, node_id)) goto next;                                    \
    } while (0)
/* The last row of a node is done. */
#define EXIT_NODE()                                                             \
    do {                                                                        \
        if (UNLIKELY(m->debug) && (node->flags & NODE_HAS_AFTER_EXIT)) {        \
            kind = CONT_AFTER_EXIT;                                             \
            goto dispatch;                                                      \
        }                                                                       \
        goto next;                                                              \
    } while (0)

/* Execute records until none is left, or a stop: the status before limits and the end of the program are looked at. The
 * record in progress is off the stack while it is worked on; a stop puts it back, where there is always room for it. */
NOINLINE int engine_advance(MachineC *m) {
    uint32_t kind, node_id;
    NodeC *node;
    int status;

next:
    if (UNLIKELY(m->continuation_count == 0)) {
        m->node_id = m->entrypoint;
        m->op_index = -1;
        return STATUS_DONE;
    }
    m->continuation_count--;
    kind = m->continuations[m->continuation_count].kind;
    node_id = m->continuations[m->continuation_count].node;
dispatch:
    if (kind == CONT_ENTER_FOREST) {
        forest_select(m, node_id);
        goto next;
    }
    node = &m->forest->nodes[node_id];
    switch (kind) {
    case CONT_START: break;

    case CONT_FINISH_LOOP: {
        felt_t condition = m->sp[0];
        BEGIN_ROW();
        if (UNLIKELY(condition > 1)) TRY(fault1(m, STATUS_NOT_BINARY_LOOP, condition));
        if (condition) TRY(continuations_reserve(m, 2));
        stack_drop(m);
        END_ROW();
        if (!condition) EXIT_NODE();
        m->tier_skip = 0;
        TIER_TWO();
        continuation_push(m, CONT_FINISH_LOOP, node_id);
        START(node->a);
    }

    case CONT_FINISH_DYN:
        BEGIN_ROW();
        if (node->kind == NODE_DYNCALL) TRY(context_pop(m));
        END_ROW();
        EXIT_NODE();

    case CONT_FINISH_CALL:
        BEGIN_ROW();
        TRY(context_pop(m));
        END_ROW();
        EXIT_NODE();

    case CONT_FINISH_EXTERNAL: EXIT_NODE();

    case CONT_BLOCK: m->tier_skip = 0; goto block;

    case CONT_AFTER_BLOCK:
        DECORATE(NODE_HAS_OP_DECORATORS, SLOT_BEFORE_OP);
        m->decorated = 0;
        EXIT_NODE();

    case CONT_AFTER_EXIT:
        DECORATE(NODE_HAS_AFTER_EXIT, SLOT_AFTER_EXIT);
        m->decorated = 0;
        goto next;

    default: /* CONT_FINISH_JOIN, CONT_FINISH_SPLIT, CONT_SKIPPED_LOOP */
        BEGIN_ROW();
        END_ROW();
        EXIT_NODE();
    }

    /* CONT_START */
    DECORATE(NODE_HAS_BEFORE_ENTER, SLOT_BEFORE_ENTER);
    if (node->kind != NODE_EXTERNAL) BEGIN_ROW();
    switch (node->kind) {
    case NODE_JOIN:
        TIER_TWO();
        TRY(continuations_reserve(m, 3));
        continuation_push(m, CONT_FINISH_JOIN, node_id);
        continuation_push(m, CONT_START, node->b);
        END_ROW();
        START(node->a);

    case NODE_SPLIT: {
        TIER_TWO();
        felt_t condition = m->sp[0];
        if (UNLIKELY(condition > 1)) TRY(fault1(m, STATUS_NOT_BINARY_IF, condition));
        TRY(continuations_reserve(m, 2));
        stack_drop(m);
        continuation_push(m, CONT_FINISH_SPLIT, node_id);
        END_ROW();
        START(condition ? node->a : node->b);
    }

    case NODE_LOOP: {
        felt_t condition = m->sp[0];
        if (UNLIKELY(condition > 1)) TRY(fault1(m, STATUS_NOT_BINARY_LOOP, condition));
        if (condition) TRY(continuations_reserve(m, 2));
        stack_drop(m);
        END_ROW();
        if (!condition) {
            kind = CONT_SKIPPED_LOOP;
            goto dispatch;
        }
        TIER_TWO();
        continuation_push(m, CONT_FINISH_LOOP, node_id);
        START(node->a);
    }

    case NODE_BLOCK:
        TIER_TWO();
        m->row = 0;
        goto block;

    case NODE_CALL: {
        felt_t digest[4];
        TRY(context_reserve(m));
        TRY(continuations_reserve(m, 2));
        TRY(calls_reserve(m));
        code_digest(m->forest, node->a, digest);
        context_push(m, NODE_CALL, digest);
        continuation_push(m, CONT_FINISH_CALL, node_id);
        END_ROW();
        START(node->a);
    }

    case NODE_SYSCALL: {
        felt_t digest[4];
        code_digest(m->forest, node->a, digest);
        if (UNLIKELY(!kernel_has(m, digest))) {
            TRY(fault(m, STATUS_SYSCALL_NOT_IN_KERNEL, 4, digest[0], digest[1], digest[2], digest[3]));
        }
        TRY(continuations_reserve(m, 2));
        TRY(calls_reserve(m));
        context_push(m, NODE_SYSCALL, digest);
        continuation_push(m, CONT_FINISH_CALL, node_id);
        END_ROW();
        START(node->a);
    }

    case NODE_DYN:
    case NODE_DYNCALL: {
        felt_t digest[4];
        TRY(memory_read_word(m, m->sp[0], digest));
        int64_t root = code_find_target(m->forest, node, digest);
        if (root < 0) TRY(resolve(m, STATUS_DYN, digest));
        if (node->kind == NODE_DYNCALL) TRY(context_reserve(m));
        TRY(continuations_reserve(m, root < 0 ? 3 : 2));
        TRY(calls_reserve(m));
        stack_drop(m);
        if (node->kind == NODE_DYNCALL) context_push(m, NODE_DYNCALL, digest);
        continuation_push(m, CONT_FINISH_DYN, node_id);
        END_ROW();
        if (root >= 0) START((uint32_t)root);
        forest_enter(m);
        START(m->answer_root);
    }

    default: { /* NODE_EXTERNAL */
        felt_t digest[4];
        code_digest(m->forest, node_id, digest);
        TRY(resolve(m, STATUS_EXTERNAL, digest));
        TRY(continuations_reserve(m, 3));
        continuation_push(m, CONT_FINISH_EXTERNAL, node_id);
        forest_enter(m);
        m->decorated = 0;
        START(m->answer_root);
    }
    }

block:
    kind = CONT_BLOCK;
    TRY(run_block(m, node_id, node));
    if (UNLIKELY(m->debug) && (node->flags & NODE_HAS_OP_DECORATORS)) {
        kind = CONT_AFTER_BLOCK;
        goto dispatch;
    }
    EXIT_NODE();

stop:
    m->node_id = node_id;
    if (kind == CONT_AFTER_BLOCK) m->op_index = (int64_t)block_padded_count(m->forest, node);
    else if (kind != CONT_BLOCK) m->op_index = -1;
    if (status == STATUS_NOT_U32 && m->fault_values[0] == OWN_INDEX) m->fault_values[0] = (uint64_t)m->op_index;
    continuation_push(m, kind, node_id);
    return status;
}

#undef DECORATE
#undef BEGIN_ROW
#undef END_ROW
#undef TRY
#undef START
#undef EXIT_NODE
#undef TIER_TWO

/* --- one run ---------------------------------------------------------------------------------------------------- */

/* Run for at most `cycles` rows: any status. DONE and faults stay. */
NOINLINE int machine_run(MachineC *m, uint64_t cycles) {
    if (m->finished) return m->last;
    if (m->last == STATUS_EVENT) m->event_served = 1;
    if (m->last == STATUS_DECORATOR) m->decorated = 1;
    m->stop = cycles < m->max_cycles - m->clk ? m->clk + cycles : m->max_cycles;
    m->work = 0;
    int status = engine_advance(m);
    if (status == STATUS_BUDGET && m->clk >= m->max_cycles) status = fault1(m, STATUS_CYCLE_LIMIT, m->max_cycles);
    if (status == STATUS_DONE) {
        uint64_t depth = stack_depth(m, m->sp);
        if (depth > MIN_STACK_DEPTH) status = fault1(m, STATUS_OUTPUT_STACK_OVERFLOW, depth);
    }
    m->last = status;
    m->finished = status == STATUS_DONE || status >= FIRST_FAULT;
    return status;
}

NOINLINE void machine_free(MachineC *m) {
    if (!m) return;
    while (m->slabs) {
        SlabC *previous = m->slabs->previous;
        free(m->slabs);
        m->slabs = previous;
    }
    while (m->word_slabs) {
        WordSlabC *previous = m->word_slabs->previous;
        free(m->word_slabs);
        m->word_slabs = previous;
    }
    free(m->stack);
    free(m->advice);
    free(m->continuations);
    free(m->calls);
    free(m->codes);
    free(m->kernel);
    free(m->contexts);
    free(m->frames);
    free(m->page_table);
    free(m->resolutions);
    free(m->links_taken);
    free(m->path);
    free(m->circuit.outputs);
    free(m);
}

typedef struct {
    uint64_t max_cycles, max_stack, max_memory, max_continuations;
    int debug;
} LimitsC;

/* A machine at the start of a run, its stack all zeros; NULL without memory. The rest of the inputs follow. */
NOINLINE MachineC *machine_new(CodeC *code, uint32_t entrypoint, const LimitsC *limits) {
    MachineC *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->max_cycles = limits->max_cycles;
    m->max_stack = limits->max_stack;
    m->max_memory = limits->max_memory;
    m->max_continuations = limits->max_continuations;
    m->debug = limits->debug;
    m->hot_after = limits->debug ? 0 : HOT_AFTER;
    m->entrypoint = m->node_id = entrypoint;
    m->op_index = -1;
    m->last = STATUS_BUDGET;
    m->zero_page.key = NO_PAGE;
    m->page_seed = mix64((uint64_t)(uintptr_t)m);
    m->stack_capacity = INITIAL_STACK;
    m->stack = calloc(INITIAL_STACK, sizeof(felt_t));
    m->context_capacity = 4;
    m->contexts = calloc(m->context_capacity, sizeof *m->contexts);
    m->page_table_size = INITIAL_PAGE_TABLE;
    m->page_table = allocate_array(INITIAL_PAGE_TABLE, sizeof(PageSlotC));
    m->continuation_capacity = m->max_continuations < INITIAL_CONTINUATIONS ? m->max_continuations : INITIAL_CONTINUATIONS;
    m->continuations = allocate_array(INITIAL_CONTINUATIONS, sizeof(ContinuationC));
    if (!m->stack || !m->contexts || !m->page_table || !m->continuations || machine_add_code(m, code) == UINT32_MAX) {
        machine_free(m);
        return NULL;
    }
    for (int i = 0; i < PAGE_CACHE; i++) m->page_cache[i].key = NO_PAGE;
    for (int i = 0; i < INITIAL_PAGE_TABLE; i++) m->page_table[i].key = NO_PAGE;
    m->low = m->stack;
    m->floor = m->stack + STACK_SLACK;
    m->sp = m->floor + MIN_STACK_DEPTH - 1;
    stack_set_bounds(m);
    m->context_count = 1;
    context_select(m, 0);
    forest_select(m, 0);
    continuation_push(m, CONT_START, entrypoint);
    return m;
}

#endif
