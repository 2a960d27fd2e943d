/* The executor of tier two. */
#ifndef MIDEN_TIER_RUN_H
#define MIDEN_TIER_RUN_H

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

#define D sp[uop->d]
#define E sp[uop->e]
#define A sp[uop->a]
#define B sp[uop->b]
#define C sp[uop->c]
#define IMM uop->imm
#define LOW32(x) ((x) & 0xffffffff)

#if defined(__GNUC__)
#define UOP(name) L_##name:
#define DISPATCH() goto *labels[uop->op]
#else
#define UOP(name) case U_##name:
#define DISPATCH() goto dispatch
#endif
#define NEXT_UOP() \
    do {           \
        uop++;     \
        DISPATCH(); \
    } while (0)
/* A plain one: an expression. */
#define SIMPLE(name, ...) \
    UOP(name) {           \
        __VA_ARGS__;      \
        NEXT_UOP();       \
    }
#define CHECK(name, condition)              \
    UOP(name) {                             \
        if (UNLIKELY(condition)) goto bail; \
        NEXT_UOP();                         \
    }
#define PAIR(name, expression)          \
    UOP(name) {                         \
        uint64_t result = expression;   \
        D = result >> 32;               \
        E = LOW32(result);              \
        NEXT_UOP();                     \
    }
#define BRANCH(name, condition)                         \
    UOP(name) {                                         \
        int taken = condition;                          \
        sp += uop->d;                                   \
        uop = taken ? uops + uop->target : uop + 1;     \
        DISPATCH();                                     \
    }

/* Run a region from its start. Leaves what is to be done next on the stack of continuations, which has room. */
NOINLINE void region_run(MachineC *m, RegionC *region) {
    const UopC *const uops = region->uops, *uop = uops, *segment = uops;
    felt_t *sp = m->sp;
    uint64_t clk = m->clk, lowered_at = 0, advice = 0;
    const uint64_t stop = m->stop;
    int64_t lowered = 0;
    uint32_t logged = 0;
    felt_t saved[SEGMENT_SAVED];
    UndoC log[SEGMENT_STORES + 8];
    ContextStateC start, callers[INSIDE_CALLS];

#if defined(__GNUC__)
#define UOP_LABEL(name) [U_##name] = &&L_##name,
    static const void *const labels[U_COUNT] = {FOR_EACH_UOP(UOP_LABEL)};
#undef UOP_LABEL
    DISPATCH();
#else
dispatch:
    switch (uop->op) {
#endif

    /* --- segments --- */
    UOP(UNDOC)
    UOP(UNDO)
    UOP(SEGMENT) {
        segment = uop;
        if (UNLIKELY(stop - clk < IMM)) goto resume;
        if (UNLIKELY(sp + uop->a < m->sp_min || sp + uop->b >= m->sp_max)) {
            lowered = segment_room(m, &sp, uop);
            if (lowered < 0) goto resume;
            lowered_at = clk + IMM;
        }
        clk += IMM;
        if (uop->op == U_UNDOC) context_note_state(m, &start);
        if (uop->op != U_SEGMENT) {
            const felt_t *first = sp + uop->d;
            for (int i = 0; i < uop->e; i++) saved[i] = first[i];
            advice = m->advice_count;
            logged = 0;
        }
        NEXT_UOP();
    }
    UOP(LARGE) {
        segment = uop;
        if (UNLIKELY(clk >= stop)) goto resume;
        if (uop->d > 0 && UNLIKELY(sp >= m->sp_max)) goto resume;
        if (UNLIKELY(large_operation(m, sp, uop->e, IMM))) goto resume;
        if (uop->d > 0) sp++;
        if (uop->d < 0 && UNLIKELY(--sp < m->sp_min)) sp = stack_underflow(m, sp);
        clk++;
        NEXT_UOP();
    }
    UOP(CALL) {
        segment = uop;
        if (UNLIKELY(clk >= stop)) goto resume;
        m->sp = sp;
        m->clk = clk;
        if (UNLIKELY(call_begin(m, (uint32_t)uop->e, IMM))) goto resume;
        sp = m->sp;
        clk++;
        NEXT_UOP();
    }
    UOP(RETURN) {
        segment = uop;
        if (UNLIKELY(clk >= stop)) goto resume;
        m->sp = sp;
        if (UNLIKELY(context_pop(m))) goto resume;
        sp = m->sp;
        clk++;
        NEXT_UOP();
    }
    UOP(EXIT) {
        sp += uop->d;
        segment = uop;
        goto leave;
    }
    UOP(DONE) {
        m->sp = sp + uop->d;
        m->clk = clk;
        return;
    }
    SIMPLE(ADJUST, sp += uop->d)
    BRANCH(JUMP, 1)
    BRANCH(BRZ, A == 0)
    BRANCH(BRNZ, A != 0)
    BRANCH(BREQ, A == B)
    BRANCH(BRNE, A != B)
    BRANCH(BRLT, A < B)
    BRANCH(BRGE, A >= B)
    UOP(BAIL) goto bail;

    /* --- field --- */
    SIMPLE(MOV, D = A)
    SIMPLE(MOVI, D = IMM)
    SIMPLE(ADD, D = felt_add(A, B))
    SIMPLE(ADDI, D = felt_add(A, IMM))
    SIMPLE(PLUS, D = A + B)
    SIMPLE(PLUSI, D = A + IMM)
    SIMPLE(SUB, D = felt_sub(A, B))
    SIMPLE(NEG, D = felt_neg(A))
    SIMPLE(MUL, D = felt_mul(A, B))
    SIMPLE(MULI, D = felt_mul(A, IMM))
    SIMPLE(TIMES, D = A * B)
    SIMPLE(MADD, D = felt_mul_add(A, B, C))
    SIMPLE(MADDI, D = felt_mul_add(A, B, IMM))
    SIMPLE(NEGADD, D = felt_sub(felt_neg(A), B))
    SIMPLE(EXPM, D = felt_mul(C, A ? B : 1))
    SIMPLE(EQ, D = A == B)
    SIMPLE(EQI, D = A == IMM)
    SIMPLE(EQZ, D = A == 0)
    SIMPLE(NEQ, D = A != B)
    SIMPLE(NEQI, D = A != IMM)
    SIMPLE(NEZ, D = A != 0)

    /* --- bits --- */
    SIMPLE(AND, D = A & B)
    SIMPLE(ANDI, D = A & IMM)
    SIMPLE(OR, D = A | B)
    SIMPLE(XOR, D = A ^ B)
    SIMPLE(XORI, D = A ^ IMM)
    SIMPLE(SHRI, D = A >> IMM)
    SIMPLE(SHLI, D = LOW32(A << IMM))
    SIMPLE(LO32, D = LOW32(A))
    SIMPLE(HI32, D = A >> 32)
    SIMPLE(ROTL, uint32_t x = (uint32_t)A; D = (uint32_t)(x << IMM | x >> (32 - IMM)))
    SIMPLE(XROTL, uint32_t x = (uint32_t)(A ^ B); D = (uint32_t)(x << IMM | x >> (32 - IMM)))

    /* --- 32-bit numbers --- */
    PAIR(UADD, A + B)
    PAIR(UADDI, A + IMM)
    SIMPLE(UADDL, D = LOW32(A + B))
    SIMPLE(UADDLI, D = LOW32(A + IMM))
    SIMPLE(UADDH, D = (A + B) >> 32)
    PAIR(UADD3, A + B + C)
    SIMPLE(UADD3L, D = LOW32(A + B + C))
    PAIR(UMUL, A * B)
    PAIR(UMULI, A * IMM)
    SIMPLE(UMULL, D = LOW32(A * B))
    SIMPLE(UMULLI, D = LOW32(A * IMM))
    SIMPLE(UMULH, D = A * B >> 32)
    PAIR(UMADD, A * B + C)
    SIMPLE(UMADDL, D = LOW32(A * B + C))
    UOP(USUB) {
        uint64_t result = A - B;
        D = result >> 63;
        E = LOW32(result);
        NEXT_UOP();
    }
    UOP(USUBI) {
        uint64_t result = A - IMM;
        D = result >> 63;
        E = LOW32(result);
        NEXT_UOP();
    }
    SIMPLE(USUBL, D = LOW32(A - B))
    SIMPLE(USUBLI, D = LOW32(A - IMM))
    SIMPLE(USUBH, D = A < B)
    UOP(UDIV) {
        uint32_t a = (uint32_t)A, b = (uint32_t)B;
        if (UNLIKELY(b == 0)) goto bail;
        D = a / b;
        E = a % b;
        NEXT_UOP();
    }
    UOP(UDIVI) {
        uint32_t a = (uint32_t)A, b = (uint32_t)IMM;
        D = a / b;
        E = a % b;
        NEXT_UOP();
    }

    /* --- checks --- */
    CHECK(CHK, A >> 32)
    CHECK(CHK2, (A | B) >> 32)
    CHECK(CHKB, A > 1)
    CHECK(CHKB2, (A | B) > 1)
    CHECK(CHK1, A != 1)
    CHECK(CHKZ, A != 0)
    CHECK(CHKEQ, A != B)
    CHECK(CHKEQI, A != IMM)
    UOP(CSWAP) {
        felt_t condition = A, first = B, second = C;
        D = condition ? second : first;
        E = condition ? first : second;
        NEXT_UOP();
    }

    /* --- memory and advice --- */
    UOP(LD) {
        felt_t address = A;
        if (UNLIKELY(address >= FMP_WORD)) goto bail;
        D = page_find(m, address)->cells[address % PAGE_CELLS];
        NEXT_UOP();
    }
    SIMPLE(LDU, felt_t address = A; D = page_find(m, address)->cells[address % PAGE_CELLS])
    SIMPLE(LDI, D = page_find(m, IMM)->cells[IMM % PAGE_CELLS])
    SIMPLE(LDF, D = m->frame[IMM & 3])
    UOP(LDW) {
        felt_t address = A, x0, x1, x2, x3;
        if (UNLIKELY(address >= FMP_WORD || address & 3)) goto bail;
        const felt_t *cell = &page_find(m, address)->cells[address % PAGE_CELLS];
        x0 = cell[0], x1 = cell[1], x2 = cell[2], x3 = cell[3];
        D = x0, E = x1, B = x2, C = x3;
        NEXT_UOP();
    }
    UOP(ST) {
        felt_t address = A;
        if (UNLIKELY(address >= FMP_WORD)) goto bail;
        if (uop->e) {
            uint8_t *written;
            felt_t *cell = cell_to_log(m, address, &written);
            if (UNLIKELY(!cell)) goto bail;
            log[logged++] = (UndoC){cell, *cell, written};
            *cell = B;
        } else if (UNLIKELY(memory_write(m, address, B))) {
            goto bail;
        }
        NEXT_UOP();
    }
    UOP(STF)
    UOP(STI) {
        if (uop->e) {
            uint8_t *written;
            felt_t *cell = cell_to_log(m, IMM, &written);
            if (UNLIKELY(!cell)) goto bail;
            log[logged++] = (UndoC){cell, *cell, written};
            *cell = A;
        } else if (UNLIKELY(memory_write(m, IMM, A))) {
            goto bail;
        }
        NEXT_UOP();
    }
    UOP(STW) {
        felt_t address = A, word[4] = {D, E, B, C};
        if (UNLIKELY(address >= FMP_WORD || address & 3)) goto bail;
        if (IMM) {
            uint8_t *written;
            felt_t *cell = cell_to_log(m, address, &written);
            if (UNLIKELY(!cell)) goto bail;
            for (int i = 0; i < 4; i++) {
                log[logged++] = (UndoC){cell + i, cell[i], i ? NULL : written};
                cell[i] = word[i];
            }
        } else if (UNLIKELY(memory_write_word(m, address, word))) {
            goto bail;
        }
        NEXT_UOP();
    }
    UOP(ADVPOP) {
        if (UNLIKELY(m->advice_count == 0)) goto bail;
        D = m->advice[--m->advice_count];
        NEXT_UOP();
    }
    /* --- calls within a segment --- */
    UOP(OPEN) {
        if (UNLIKELY(4 > m->max_memory - m->memory_elements || m->context_count == m->context_capacity)) goto bail;
        context_note(m, clk - segment->imm + IMM);
        NEXT_UOP();
    }
    UOP(ENTER) {
        if (UNLIKELY(4 > m->max_memory - m->memory_elements || m->context_count == m->context_capacity)) goto bail;
        context_note_state(m, &callers[IMM >> 32]);
        context_note(m, clk - segment->imm + LOW32(IMM));
        context_open(m);
        NEXT_UOP();
    }
    UOP(ENTERK) {
        if (UNLIKELY(!kernel_has_node(m, LOW32(IMM)))) goto bail;
        context_note_state(m, &callers[IMM >> 32]);
        context_select(m, 0);
        NEXT_UOP();
    }
    CHECK(KERNEL, !kernel_has_node(m, IMM))
    UOP(LEAVE) {
        if (UNLIKELY(m->context_key && !frame_is_new(m->user_frame))) goto bail;
        context_go_back(m, &callers[IMM]);
        NEXT_UOP();
    }
    UOP(DYN) {
        felt_t address = A;
        if (UNLIKELY(address >= FMP_WORD || address & 3)) goto bail;
        if (UNLIKELY(!leads_to(m, address, IMM >> 32))) goto miss;
        NEXT_UOP();
    }
    UOP(DYNI) {
        if (UNLIKELY(!leads_to(m, LOW32(IMM), IMM >> 32))) goto miss;
        NEXT_UOP();
    }

    SIMPLE(CLK, D = clk - segment->imm + IMM)

#if !defined(__GNUC__)
    }
#endif

miss:
    STORE_COUNT(&region->misses, LOAD_COUNT(&region->misses) + 1);
bail:
    if (segment->op != U_SEGMENT) {
        felt_t *first = sp + segment->d;
        undo_stores(m, log, logged);
        for (int i = 0; i < segment->e; i++) first[i] = saved[i];
        m->advice_count = advice;
    }
    if (segment->op == U_UNDOC) {
        m->memory_elements -= 4 * (m->context_count - start.context_count);
        m->context_count = start.context_count;
        context_go_back(m, &start);
    }
    if (lowered_at == clk) {
        m->floor += lowered;
        stack_set_bounds(m);
    }
    clk -= segment->imm;
    m->fault_count = 0; /* the plain engine will say it */
resume:
    m->tier_skip = 1;
leave: {
    const ResumeC *record = &region->resumes[segment->target];
    memcpy(m->continuations + m->continuation_count, region->continuations + record->start, record->count * sizeof(ContinuationC));
    m->continuation_count += record->count;
    m->row = record->row;
    m->sp = sp;
    m->clk = clk;
}
}

#undef A
#undef B
#undef C
#undef D
#undef E
#undef IMM
#undef LOW32
#undef UOP
#undef DISPATCH
#undef NEXT_UOP
#undef SIMPLE
#undef CHECK
#undef PAIR
#undef BRANCH

#endif
