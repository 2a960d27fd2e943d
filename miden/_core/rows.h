/* The rows of one basic block: included twice by engine.h, to make
 *
 *     run_rows          everything that is left of the block, when the budget allows it; no test per row
 *     run_rows_stepped  with a test before each row for the budget, and stops for decorators
 *
 * Both start at `row` with the top at m->sp, and return 0 after the END row. Any other status stops before the row whose
 * index is left in m->row. A row's clock follows from its position (row_clk), so the clock costs nothing per row.
 */
#if STEPPED
NOINLINE int run_rows_stepped(MachineC *m, const NodeC *node, const RowC *row) {
    const int decorators = m->debug && (node->flags & NODE_HAS_OP_DECORATORS);
#else
NOINLINE int run_rows(MachineC *m, const RowC *row) {
#endif
    felt_t *sp = m->sp;
    int status;

/* An operation that pushes makes room first and one that pops lets a zero in last. Both tests fail only at the edges. */
#define EXECUTE(NAME, name, delta)                                             \
    if (delta > 0 && UNLIKELY(sp >= m->sp_max)) {                              \
        status = OP_##NAME == OP_ADVPOP && m->advice_count == 0 ? fault0(m, STATUS_ADVICE_STACK_EMPTY) : stack_grow(m, &sp); \
        if (status) goto stop;                                                 \
    }                                                                          \
    status = op_##name(m, sp, row);                                            \
    if (UNLIKELY(status)) goto stop;                                           \
    if (delta > 0) sp++;                                                       \
    if (delta < 0 && UNLIKELY(--sp < m->sp_min)) sp = stack_underflow(m, sp);  \
    row++;

#if defined(__GNUC__) && !STEPPED
    /* Each operation jumps to the next one itself, which the branch predictor likes better than one shared jump. */
#define LABEL(NAME, name, delta) [OP_##NAME] = &&do_##name,
    static const void *const labels[128] = {FOR_EACH_OPERATION(LABEL) [OP_RESPAN] = &&do_respan, [OP_END] = &&done};
#undef LABEL
#define NEXT() goto *labels[row->opcode]
#define CASE(NAME, name, delta)      \
    do_##name : {                    \
        EXECUTE(NAME, name, delta)   \
        NEXT();                      \
    }
    NEXT();
    FOR_EACH_OPERATION(CASE)
do_respan:
    row++;
    NEXT();
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
        if (row_clk(m, row) >= m->stop) {
            status = STATUS_BUDGET;
            goto stop;
        }
#endif
        switch (row->opcode) {
            FOR_EACH_OPERATION(CASE)
        case OP_RESPAN: row++; break;
        default: goto done; /* OP_END */
        }
#if STEPPED
        m->decorated = 0;
#endif
    }
#endif

done:
    m->sp = sp;
    m->clk = row_clk(m, row) + 1;
    return STATUS_OK;
stop:
    m->sp = sp;
    m->clk = row_clk(m, row);
    m->row = (uint32_t)(row - m->block_rows);
    return status;
}

#undef EXECUTE
#undef CASE
#undef NEXT
