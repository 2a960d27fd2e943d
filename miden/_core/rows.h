/* The operations of one basic block: included twice by block.h, to make
 *
 *     run_operations   everything that is left of a block that the budget allows: straight from the operations as they are
 *                      written, so that code is run once without being made into anything else first. What padding puts
 *                      between them does nothing; the clock takes it into account at the end, or where a stop is.
 *     run_rows         row by row, with a test before each for the budget, and stops for decorators
 *
 * Both start with the top at m->sp, and return 0 when all is done. Any other status stops before the operation or row that
 * `at` is left at.
 */
#if STEPPED
NOINLINE int run_rows(MachineC *m, const NodeC *node, const RowC *first, const RowC **at) {
    const int decorators = m->debug && (node->flags & NODE_HAS_OP_DECORATORS);
    const uint8_t *immediates = block_immediates(m->forest, node);
    const RowC *row = *at;
    uint64_t clk = m->block_clk + (uint64_t)(row - first);
#else
NOINLINE int run_operations(MachineC *m, const uint8_t *immediate, const uint8_t **at) {
    const uint8_t *op = *at;
#endif
    felt_t *sp = m->sp, top = sp[0];
    int status;

/* What an operation gets besides the stack, and the step to the next one. */
#define TAKES(NAME) (OPCODE_TRAITS[OP_##NAME] & OPCODE_IMMEDIATE)
#if STEPPED
#define OPCODE row->opcode
#define OPERAND(NAME) (OP_##NAME == OP_CLK ? clk : TAKES(NAME) ? load_u64(immediates + IMMEDIATE_SIZE * row->imm) : 0)
#define ADVANCE(NAME) (void)0
#else
#define OPCODE *op
#define OPERAND(NAME) (OP_##NAME == OP_CLK ? operation_clk(m, op) : TAKES(NAME) ? load_u64(immediate) : 0)
#define ADVANCE(NAME)              \
    do {                           \
        op++;                      \
        if (TAKES(NAME)) immediate += IMMEDIATE_SIZE; \
    } while (0)
#endif

/* An operation that pushes makes room first and one that pops lets a zero in last. Both tests fail only at the edges. */
#define EXECUTE(NAME, name, delta, operand)                                    \
    if (delta > 0 && UNLIKELY(sp >= m->sp_max)) {                              \
        m->sp = sp;                                                            \
        status = OP_##NAME == OP_ADVPOP && m->advice_count == 0 ? fault0(m, STATUS_ADVICE_STACK_EMPTY) : stack_grow(m); \
        if (status) goto stop;                                                 \
        sp = m->sp;                                                            \
    }                                                                          \
    sp[0] = top;                                                               \
    status = op_##name(m, sp, operand);                                        \
    if (UNLIKELY(status)) goto stop;                                           \
    sp += delta;                                                               \
    top = sp[0];                                                               \
    if (delta < 0 && UNLIKELY(sp < m->sp_min)) sp = stack_underflow(m, sp);    \
    ADVANCE(NAME);

#if defined(__GNUC__) && !STEPPED
    /* Each operation jumps to the next one itself, which the branch predictor likes better than one shared jump. */
#define LABEL(NAME, name, delta) [OP_##NAME] = &&do_##name,
#define LABEL_DUP(NAME, n) [OP_##NAME] = &&do_dup,
#define LABEL_MOVUP(NAME, n) [OP_##NAME] = &&do_movup,
#define LABEL_MOVDN(NAME, n) [OP_##NAME] = &&do_movdn,
    static const void *const labels[128] = {
        FOR_EACH_OPERATION(LABEL) FOR_EACH_DUP(LABEL_DUP) FOR_EACH_MOVUP(LABEL_MOVUP) FOR_EACH_MOVDN(LABEL_MOVDN) [OP_END] = &&done
    };
#undef LABEL
#undef LABEL_DUP
#undef LABEL_MOVUP
#undef LABEL_MOVDN
    /* Where the operation after this one jumps to is looked up a step ahead, so that a jump that was mispredicted is found
     * out at once. The empty instruction, another one in each place, keeps the compiler from making one jump of them all. */
#define NEXT(number)                              \
    do {                                          \
        const void *target = next;                \
        next = labels[op[1]];                       \
        __asm__ volatile("" : : "i"(number));     \
        goto *target;                             \
    } while (0)
#define CASE(NAME, name, delta)                     \
    do_##name : {                                   \
        EXECUTE(NAME, name, delta, OPERAND(NAME))   \
        NEXT(OP_##NAME);                                     \
    }
#define FAMILY(LAST, name, delta)                               \
    do_##name : {                                               \
        EXECUTE(LAST, name, delta, OPCODE_PLACE[OPCODE])        \
        NEXT(OP_##LAST);                                                 \
    }
    const void *next = labels[*op];
    NEXT(OP_SPAN);
    FOR_EACH_OPERATION(CASE)
    FAMILY(DUP0, dup, 1)
    FAMILY(MOVUP2, movup, 0)
    FAMILY(MOVDN2, movdn, 0)
#undef FAMILY
#undef NEXT
#else
#define CASE(NAME, name, delta)                     \
    case OP_##NAME: {                               \
        EXECUTE(NAME, name, delta, OPERAND(NAME))   \
        break;                                      \
    }
#define MEMBER(NAME, n) case OP_##NAME:
#define OPERATIONS                                                                                  \
    FOR_EACH_OPERATION(CASE)                                                                        \
    FOR_EACH_DUP(MEMBER) { EXECUTE(DUP0, dup, 1, OPCODE_PLACE[OPCODE]) break; }                     \
    FOR_EACH_MOVUP(MEMBER) { EXECUTE(MOVUP2, movup, 0, OPCODE_PLACE[OPCODE]) break; }               \
    FOR_EACH_MOVDN(MEMBER) { EXECUTE(MOVDN2, movdn, 0, OPCODE_PLACE[OPCODE]) break; }
#if STEPPED
    for (;;) {
        if (decorators && row->index >= 0 && !m->decorated) {
            m->decorator_slot = SLOT_BEFORE_OP;
            status = STATUS_DECORATOR;
            goto stop;
        }
        if (clk >= m->stop) {
            status = STATUS_BUDGET;
            goto stop;
        }
        switch (row->opcode) {
            OPERATIONS
        case OP_SPAN:
        case OP_RESPAN: break;
        default: goto done; /* OP_END */
        }
        m->decorated = 0;
        row++;
        clk++;
    }
#else
    while (*op != OP_END) {
        switch (*op) {
            OPERATIONS
        }
    }
#endif
#undef OPERATIONS
#undef MEMBER
#endif

done:
    status = STATUS_OK;
stop:
    m->sp = sp;
#if STEPPED
    *at = row;
#else
    *at = op;
#endif
    return status;
}

#undef TAKES
#undef OPCODE
#undef OPERAND
#undef ADVANCE
#undef EXECUTE
#undef CASE
