/* How the operations of a basic block fall into batches and groups, and what is inserted to fill them (mast.md
 * section 4). One routine serves three readers, each of which may be absent: rows for the engine, the padded opcodes,
 * and the group values for the digest.
 *
 * A batch has 8 groups. A group is up to 9 operations, 7 bits each, or the value of one PUSH. A PUSH is never the last
 * operation of a full group, and a group that is empty or ends in PUSH is filled with a NOOP. A closed batch has 1, 2, 4
 * or 8 groups.
 */
#ifndef MIDEN_BATCH_H
#define MIDEN_BATCH_H

#include "felt.h"
#include "opcodes.h"
#include "rpo.h"

/* One row of a basic block, as the engine executes it: SPAN, operations, RESPANs, END. The position of a row among the
 * rows of its block is what its clock differs by from the SPAN row. */
typedef struct {
    uint64_t imm;    /* value of PUSH; error code of ASSERT, U32ASSERT2, MPVERIFY; index of U32SUB; else 0 */
    uint32_t opcode; /* OP_* */
    int32_t index;   /* position among the padded operations; -1 for SPAN, RESPAN, END */
} RowC;

/* Where the packed block goes, and how far it has got. */
typedef struct {
    RowC *rows;        /* NULL: count only */
    uint8_t *padded;   /* NULL: not wanted */
    uint8_t *inserted; /* NULL: not wanted; 1 for each inserted NOOP of `padded` */
    SpongeC *sponge;   /* NULL: not wanted; else absorbs the groups of every batch */
    felt_t *groups;    /* NULL: not wanted; else room for the groups of every batch */
    uint64_t row_count;
    uint64_t op_count; /* padded operations */
    uint64_t batch_count;
} PackC;

/* The batch under construction. */
typedef struct {
    felt_t groups[BATCH_GROUPS];
    uint64_t packed; /* value of the group in progress */
    int length;      /* operations in it */
    int group;       /* its number */
    int next;        /* first group not yet taken */
    int ends_in_push;
} BatchC;

ALWAYS_INLINE void pack_row(PackC *pack, uint8_t opcode, uint64_t imm, int64_t index) {
    if (pack->rows) {
        RowC row = {imm, opcode, (int32_t)index};
        pack->rows[pack->row_count] = row;
    }
    pack->row_count++;
}

ALWAYS_INLINE void batch_put(BatchC *batch, PackC *pack, uint8_t opcode, uint64_t imm, int inserted) {
    batch->packed |= (uint64_t)opcode << (7 * batch->length);
    batch->length++;
    batch->ends_in_push = opcode == OP_PUSH;
    if (opcode == OP_U32SUB) imm = pack->op_count;
    pack_row(pack, opcode, imm, (int64_t)pack->op_count);
    if (pack->padded) pack->padded[pack->op_count] = opcode;
    if (pack->inserted) pack->inserted[pack->op_count] = (uint8_t)inserted;
    pack->op_count++;
}

ALWAYS_INLINE void batch_fill_group(BatchC *batch, PackC *pack) {
    if (batch->length == 0 || batch->ends_in_push) batch_put(batch, pack, OP_NOOP, 0, 1);
}

ALWAYS_INLINE void batch_close_group(BatchC *batch, PackC *pack) {
    batch_fill_group(batch, pack);
    batch->groups[batch->group] = batch->packed;
    batch->group = batch->next++;
    batch->length = 0;
    batch->packed = 0;
}

ALWAYS_INLINE int batch_accepts(const BatchC *batch, uint8_t opcode) {
    if (opcode == OP_PUSH) return batch->next + (batch->length >= GROUP_OPS - 1) < BATCH_GROUPS;
    return batch->length < GROUP_OPS || batch->next < BATCH_GROUPS;
}

/* A batch is only opened for an operation that goes into it, so it is never empty here. */
ALWAYS_INLINE void batch_close(BatchC *batch, PackC *pack) {
    int rounded = 1;
    while (rounded < batch->next) rounded *= 2;
    for (int missing = rounded - batch->next; missing > 0; missing--) batch_close_group(batch, pack);
    batch_fill_group(batch, pack);
    batch->groups[batch->group] = batch->packed;
    if (pack->sponge) {
        for (int i = 0; i < BATCH_GROUPS; i++) sponge_absorb(pack->sponge, batch->groups[i]);
    }
    if (pack->groups) memcpy(pack->groups + BATCH_GROUPS * pack->batch_count, batch->groups, sizeof batch->groups);
    pack->batch_count++;
}

/* Pack `count` operations (at least one, all plain); `immediates` has one entry for each that takes one. */
ALWAYS_INLINE void pack_block(PackC *pack, const uint8_t *opcodes, uint64_t count, const uint64_t *immediates) {
    BatchC batch = {.next = 1};
    pack_row(pack, OP_SPAN, 0, -1);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t opcode = opcodes[i];
        uint64_t imm = OPCODE_TRAITS[opcode] & OPCODE_IMMEDIATE ? *immediates++ : 0;
        if (UNLIKELY(!batch_accepts(&batch, opcode))) {
            batch_close(&batch, pack);
            pack_row(pack, OP_RESPAN, 0, -1);
            batch = (BatchC){.next = 1};
        }
        if (batch.length == GROUP_OPS || (opcode == OP_PUSH && batch.length == GROUP_OPS - 1)) {
            batch_close_group(&batch, pack);
        }
        if (opcode == OP_PUSH) batch.groups[batch.next++] = imm;
        batch_put(&batch, pack, opcode, imm, 0);
    }
    batch_close(&batch, pack);
    pack_row(pack, OP_END, 0, -1);
}

/* A specialised copy for each reader. */
NOINLINE void pack_count(PackC *pack, const uint8_t *opcodes, uint64_t count, const uint64_t *immediates) {
    pack->rows = NULL, pack->padded = NULL, pack->inserted = NULL, pack->sponge = NULL, pack->groups = NULL;
    pack_block(pack, opcodes, count, immediates);
}

NOINLINE void pack_rows(PackC *pack, const uint8_t *opcodes, uint64_t count, const uint64_t *immediates) {
    pack->padded = NULL, pack->inserted = NULL, pack->sponge = NULL, pack->groups = NULL;
    pack_block(pack, opcodes, count, immediates);
}

NOINLINE void pack_groups(PackC *pack, const uint8_t *opcodes, uint64_t count, const uint64_t *immediates) {
    pack->rows = NULL, pack->padded = NULL, pack->inserted = NULL, pack->sponge = NULL;
    pack_block(pack, opcodes, count, immediates);
}

NOINLINE void block_digest(const uint8_t *opcodes, uint64_t count, const uint64_t *immediates, felt_t digest[4]) {
    SpongeC sponge;
    PackC pack = {.sponge = &sponge};
    sponge_init(&sponge, 0);
    pack_block(&pack, opcodes, count, immediates);
    sponge_finish(&sponge, digest);
}

#endif
