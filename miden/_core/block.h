/* One basic block. Where the budget allows all of its rows and nothing has to be stopped for, it runs straight from its
 * operations; otherwise row by row. Only the second needs a table of its rows, as does going on in the middle of a block.
 */
#ifndef MIDEN_BLOCK_H
#define MIDEN_BLOCK_H

#include "ops_crypto.h"
#include "ops_field.h"
#include "ops_memory.h"
#include "ops_stack.h"
#include "ops_system.h"
#include "ops_u32.h"

/* The clock of an operation of the block in progress. Its rows are made the first time, so that a block with many of these
 * does not count them from its start again and again. */
NOINLINE uint64_t operation_clk(const MachineC *m, const uint8_t *op) {
    block_rows(m->forest, m->block);
    uint64_t index = (uint64_t)(op - block_operations(m->forest, &m->forest->nodes[m->block]));
    return m->block_clk + block_place(m->forest, m->block, index, m->row).row;
}

#define STEPPED 0
#include "rows.h"
#undef STEPPED
#define STEPPED 1
#include "rows.h"
#undef STEPPED

/* Run a block row by row from m->row on; there are cycles for the row before. */
NOINLINE int step_block(MachineC *m, const NodeC *node) {
    const RowC *rows = block_rows(m->forest, m->block);
    if (!rows) return fault0(m, STATUS_NO_MEMORY);
    const RowC *row = rows + m->row;
    int status = run_rows(m, node, rows, &row);
    m->row = (uint32_t)(row - rows);
    m->op_index = row->index;
    m->clk = m->block_clk + m->row + !status;
    return status;
}

/* Run a block from row m->row on: its SPAN row, or where the last stop was. Leaves row, padded operation and clock of a
 * stop. */
ALWAYS_INLINE int run_block(MachineC *m, uint32_t id, NodeC *node) {
    CodeC *code = m->forest;
    const uint8_t *op = block_operations(code, node);
    const uint8_t *immediate = block_immediates(code, node);
    uint32_t row_count = block_row_count(code, node);
    m->block = id;
    m->block_clk = m->clk - m->row;
    if (UNLIKELY(m->stop - m->block_clk < row_count || (m->debug && (node->flags & NODE_HAS_OP_DECORATORS)))) return step_block(m, node);
    m->decorated = 0;
    if (m->row) {
        const RowC *rows = block_rows(code, id);
        if (UNLIKELY(!rows)) return fault0(m, STATUS_NO_MEMORY);
        op += rows[m->row].op;
        immediate += IMMEDIATE_SIZE * rows[m->row].imm;
    }
    int status = run_operations(m, immediate, &op);
    if (LIKELY(!status)) {
        m->clk = m->block_clk + row_count;
        return STATUS_OK;
    }
    PlaceC place = block_place(code, id, (uint64_t)(op - block_operations(code, node)), m->row);
    m->row = (uint32_t)place.row;
    m->op_index = (int64_t)place.index;
    m->clk = m->block_clk + m->row;
    return status;
}

#endif
