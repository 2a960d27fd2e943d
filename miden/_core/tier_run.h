/* The executor of tier two. */
#ifndef MIDEN_TIER_RUN_H
#define MIDEN_TIER_RUN_H

#include "tier_state.h"

#define D sp[uop->d]
#define E sp[uop->e]
#define A sp[uop->a]
#define B sp[uop->b]
#define C sp[uop->c]
#define T sp[uop->target]
#define IMM uop->imm
#define LOW32(x) ((x) & 0xffffffff)

#if defined(__GNUC__)
#define UOP(name) L_U_##name:
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
/* Two of them, of which the last is the one that operations go on with most of the time. */
#define PAIR(name, expression)                \
    TWICE(name, uint64_t result = expression; \
          D = result >> 32;                   \
          E = last = LOW32(result);           \
          NEXT_UOP())
#define BORROW(name, expression)              \
    TWICE(name, uint64_t result = expression; \
          D = result >> 63;                   \
          E = last = LOW32(result);           \
          NEXT_UOP())
/* The same twice: with operand a from its place, and from the last result. */
#define TWICE(name, ...)   \
    UOP(name) {            \
        uint64_t a = A;    \
        __VA_ARGS__;       \
    }                      \
    UOP(LAST_##name) {     \
        uint64_t a = last; \
        __VA_ARGS__;       \
    }
#define ENTER_SEGMENT()                                                                    \
    do {                                                                                   \
        segment = uop;                                                                     \
        if (UNLIKELY(stop - clk < IMM)) goto resume;                                       \
        if (UNLIKELY(sp + uop->a < m->sp_min || sp + uop->b >= m->sp_max)) {               \
            felt_t *place = sp;                                                            \
            lowered = segment_room(m, &place, uop);                                        \
            if (lowered < 0) goto resume;                                                  \
            sp = place;                                                                    \
            lowered_at = clk + IMM;                                                        \
        }                                                                                  \
        clk += IMM;                                                                        \
    } while (0)
/* One result. */
#define RESULT(name, expression) TWICE(name, D = last = expression; NEXT_UOP())
/* Two results, the second made from the first and the place in `target`. */
#define FUSED(name, expression, second)     \
    TWICE(name, uint64_t first = expression; \
          D = first;                         \
          E = last = second;                 \
          NEXT_UOP())
#define BRANCH(name, condition) TWICE(name, BRANCH_IF(condition, uop->d))
/* Jump on a condition; in any case the top moves. */
#define BRANCH_IF(condition, move)                      \
    do {                                                \
        int taken = condition;                          \
        sp += move;                                     \
        uop = taken ? uops + uop->target : uop + 1;     \
        DISPATCH();                                     \
    } while (0)

/* Run a region from its start. Leaves what is to be done next on the stack of continuations, which has room. */
NOINLINE void region_run(MachineC *m, RegionC *region) {
    const UopC *const uops = region->uops, *uop = uops, *segment = uops;
    felt_t *sp = m->sp;
    uint64_t clk = m->clk, lowered_at = 0, advice = 0, last = 0;
    const uint64_t stop = m->stop;
    int64_t lowered = 0;
    uint32_t logged = 0;
    felt_t saved[SEGMENT_SAVED];
    UndoC log[SEGMENT_STORES + 8];
    ContextStateC start, callers[INSIDE_CALLS];

#if defined(__GNUC__)
#define UOP_LABEL(name) [U_##name] = &&L_U_##name,
#define LAST_LABEL(name) [U_LAST_##name] = &&L_U_LAST_##name,
    static const void *const labels[U_END] = {FOR_EACH_UOP(UOP_LABEL) FOR_EACH_FROM_LAST(LAST_LABEL)};
#undef UOP_LABEL
#undef LAST_LABEL
    DISPATCH();
#else
dispatch:
    switch (uop->op) {
#endif

    /* --- segments --- */
    UOP(SEGMENT) {
        ENTER_SEGMENT();
        NEXT_UOP();
    }
    UOP(UNDOC) {
        context_note_state(m, &start);
        goto undo;
    }
    UOP(UNDO) undo: {
        ENTER_SEGMENT();
        const felt_t *first = sp + uop->d;
        for (int i = 0; i < uop->e; i++) saved[i] = first[i];
        advice = m->advice_count;
        logged = 0;
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
    UOP(JUMP) BRANCH_IF(1, uop->d);
    BRANCH(BRZ, a == 0)
    BRANCH(BRNZ, a != 0)
    BRANCH(BREQ, a == B)
    BRANCH(BRNE, a != B)
    BRANCH(BRLT, a < B)
    BRANCH(BRGE, a >= B)
    UOP(BAIL) goto bail;

    /* --- field --- */
    TWICE(MOV, D = a; NEXT_UOP())
    SIMPLE(MOVI, D = IMM)
    RESULT(ADD, felt_add(a, B))
    RESULT(ADDI, felt_add(a, IMM))
    RESULT(PLUS, a + B)
    RESULT(PLUSI, a + IMM)
    RESULT(SUB, felt_sub(a, B))
    RESULT(SUBR, felt_sub(B, a))
    RESULT(NEG, felt_neg(a))
    RESULT(MUL, felt_mul(a, B))
    RESULT(MULI, felt_mul(a, IMM))
    RESULT(TIMES, a * B)
    RESULT(MADD, felt_mul_add(a, B, C))
    RESULT(MADDI, felt_mul_add(a, B, IMM))
    RESULT(ADDM, felt_mul_add(B, C, a))
    RESULT(NEGADD, felt_neg_add(a, B))
    SIMPLE(EXPM, D = last = felt_mul(C, A ? B : 1))
    RESULT(EQ, a == B)
    RESULT(EQI, a == IMM)
    RESULT(EQZ, a == 0)
    RESULT(NEQ, a != B)
    RESULT(NEQI, a != IMM)
    RESULT(NEZ, a != 0)
    RESULT(LT, a < B)
    RESULT(GE, a >= B)

    /* --- bits --- */
    RESULT(AND, a & B)
    RESULT(ANDI, a & IMM)
    RESULT(OR, a | B)
    RESULT(XOR, a ^ B)
    RESULT(XORI, a ^ IMM)
    RESULT(SHRI, a >> IMM)
    RESULT(SHLI, LOW32(a << IMM))
    RESULT(LO32, LOW32(a))
    RESULT(HI32, a >> 32)
    RESULT(ROTL, rotate_left(a, IMM))
    RESULT(XROTL, rotate_left(a ^ B, IMM))

    /* --- 32-bit numbers --- */
    PAIR(UADD, a + B)
    PAIR(UADDI, a + IMM)
    RESULT(UADDL, LOW32(a + B))
    RESULT(UADDLI, LOW32(a + IMM))
    RESULT(UADDH, (a + B) >> 32)
    PAIR(UADD3, a + B + C)
    RESULT(UADD3L, LOW32(a + B + C))
    PAIR(UMUL, a * B)
    PAIR(UMULI, a * IMM)
    RESULT(UMULL, LOW32(a * B))
    RESULT(UMULLI, LOW32(a * IMM))
    RESULT(UMULH, a * B >> 32)
    PAIR(UMADD, a * B + C)
    RESULT(UMADDL, LOW32(a * B + C))
    PAIR(UMADDI, a * IMM + B)
    BORROW(USUB, a - B)
    BORROW(USUBI, a - IMM)
    RESULT(USUBL, LOW32(a - B))
    RESULT(USUBLI, LOW32(a - IMM))
    RESULT(USUBH, a < B)
    TWICE(UDIV, uint32_t x = (uint32_t)a, y = (uint32_t)B;
          if (UNLIKELY(y == 0)) goto bail;
          D = x / y;
          E = last = x % y;
          NEXT_UOP())
    TWICE(UDIVI, uint32_t x = (uint32_t)a, y = (uint32_t)IMM;
          D = x / y;
          E = last = x % y;
          NEXT_UOP())

    /* --- two in one --- */
    FUSED(XOR_XOR, a ^ B, first ^ T)
    FUSED(AND_XOR, a & B, first ^ T)
    FUSED(XOR_AND, a ^ B, first & T)
    FUSED(UADDL_XROTL, LOW32(a + B), rotate_left(first ^ T, IMM))
    FUSED(UADD3L_XROTL, LOW32(a + B + C), rotate_left(first ^ T, IMM))
    TWICE(ADDI_BRNZ, D = last = felt_add(a, IMM); BRANCH_IF(last != 0, uop->e))

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
    TWICE(LD, if (UNLIKELY(a >= FMP_WORD)) goto bail;
          D = last = page_find(m, a)->cells[a % PAGE_CELLS];
          NEXT_UOP())
    RESULT(LDU, page_find(m, a)->cells[a % PAGE_CELLS])
    SIMPLE(LDI, D = last = page_find(m, IMM)->cells[IMM % PAGE_CELLS])
    SIMPLE(LDF, D = last = m->frame[IMM & 3])
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
        D = last = m->advice[--m->advice_count];
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

    SIMPLE(CLK, D = last = clk - segment->imm + IMM)

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
#undef T
#undef IMM
#undef LOW32
#undef UOP
#undef DISPATCH
#undef NEXT_UOP
#undef SIMPLE
#undef TWICE
#undef ENTER_SEGMENT
#undef RESULT
#undef CHECK
#undef PAIR
#undef BORROW
#undef FUSED
#undef BRANCH
#undef BRANCH_IF

#endif
