/* The operations of one basic block: included twice by engine.h, to make
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
    const uint64_t *immediates = m->forest->immediates + node->imm_start;
    const RowC *row = *at;
    uint64_t clk = m->block_clk + (uint64_t)(row - first);
#else
NOINLINE int run_operations(MachineC *m, const uint64_t *immediate, const uint8_t **at) {
    const uint8_t *op = *at;
#endif
    felt_t *sp = m->sp;
    int status;

/* What an operation gets besides the stack, and the step to the next one. */
#define TAKES(NAME) (OPCODE_TRAITS[OP_##NAME] & OPCODE_IMMEDIATE)
#if STEPPED
#define OPERAND(NAME) (OP_##NAME == OP_CLK ? clk : TAKES(NAME) ? immediates[row->imm] : 0)
#define ADVANCE(NAME) (void)0
#else
#define OPERAND(NAME) (OP_##NAME == OP_CLK ? operation_clk(m, op) : TAKES(NAME) ? *immediate : 0)
#define ADVANCE(NAME)              \
    do {                           \
        op++;                      \
        if (TAKES(NAME)) immediate++; \
    } while (0)
#endif

/* An operation that pushes makes room first and one that pops lets a zero in last. Both tests fail only at the edges. */
#define EXECUTE(NAME, name, delta)                                             \
    if (delta > 0 && UNLIKELY(sp >= m->sp_max)) {                              \
        status = OP_##NAME == OP_ADVPOP && m->advice_count == 0 ? fault0(m, STATUS_ADVICE_STACK_EMPTY) : stack_grow(m, &sp); \
        if (status) goto stop;                                                 \
    }                                                                          \
    status = op_##name(m, sp, OPERAND(NAME));                                  \
    if (UNLIKELY(status)) goto stop;                                           \
    if (delta > 0) sp++;                                                       \
    if (delta < 0 && UNLIKELY(--sp < m->sp_min)) sp = stack_underflow(m, sp);  \
    ADVANCE(NAME);

#if defined(__GNUC__) && !STEPPED
    /* Each operation jumps to the next one itself, which the branch predictor likes better than one shared jump. */
#define LABEL(NAME, name, delta) [OP_##NAME] = &&do_##name,
    static const void *const labels[128] = {FOR_EACH_OPERATION(LABEL) [OP_END] = &&done};
#undef LABEL
#define NEXT() goto *labels[*op]
#define CASE(NAME, name, delta)      \
    do_##name : {                    \
        EXECUTE(NAME, name, delta)   \
        NEXT();                      \
    }
    NEXT();
    FOR_EACH_OPERATION(CASE)
#undef NEXT
#else
#define CASE(NAME, name, delta)      \
    case OP_##NAME: {                \
        EXECUTE(NAME, name, delta)   \
        break;                       \
    }
    for (;;) {
#if STEPPED
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
            FOR_EACH_OPERATION(CASE)
        case OP_SPAN:
        case OP_RESPAN: break;
        default: goto done; /* OP_END */
        }
        m->decorated = 0;
        row++;
        clk++;
#else
        switch (*op) {
            FOR_EACH_OPERATION(CASE)
        default: goto done; /* OP_END */
        }
#endif
    }
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
#undef OPERAND
#undef ADVANCE
#undef EXECUTE
#undef CASE
