/* How the operations of a basic block fall into batches and groups, and what is inserted to fill them (mast.md
 * section 4). One walk over the groups, `group_next`, serves all readers: the number of rows, the rows themselves, the padded
 * opcodes, and the values of the groups for the digest.
 *
 * A batch has 8 groups. A group is up to 9 operations, 7 bits each, or the value of one PUSH. A PUSH is never the last
 * operation of a full group, and a group that is empty or ends in PUSH is filled with a NOOP. A closed batch has 1, 2, 4
 * or 8 groups.
 */
#ifndef MIDEN_BATCH_H
#define MIDEN_BATCH_H

#include "byteorder.h"
#include "felt.h"
#include "opcodes.h"
#include "rpo.h"

/* One row of a basic block: SPAN, operations, RESPANs, END. The position of a row among the rows of its block is what its
 * clock differs by from the SPAN row. */
typedef struct {
    uint32_t op;     /* position among the operations of the block as it is written; of the next where the row is none */
    uint32_t imm;    /* immediates that the block has taken before */
    int32_t index;   /* position among the padded operations; -1 for SPAN, RESPAN, END */
    uint32_t opcode; /* OP_* */
} RowC;

/* Where the packed block goes, and how far it has got. */
typedef struct {
    RowC *rows;        /* NULL: not wanted */
    uint8_t *padded;   /* NULL: not wanted */
    uint8_t *inserted; /* NULL: not wanted; 1 for each inserted NOOP of `padded` */
    SpongeC *sponge;   /* NULL: not wanted; else absorbs the groups of every batch */
    felt_t *groups;    /* NULL: not wanted; else room for the groups of every batch */
    uint64_t row_count;
    uint64_t op_count; /* padded operations */
    uint64_t batch_count;
} PackC;

/* --- groups ------------------------------------------------------------------------------------------------------- */

/* A walk over the groups of operations of a block; groups that hold an immediate are not stopped at. */
typedef struct {
    const uint8_t *opcodes;
    uint64_t count;
    uint64_t start;  /* of the group among the operations */
    unsigned length; /* operations in it */
    unsigned noops;  /* inserted behind them; at the end of a batch, one for each group that fills it as well */
    unsigned taken;  /* groups of the batch that are taken so far */
    int closes;      /* it is the last group of its batch */
} GroupC;

#define EACH_BYTE(x) ((x) * 0x0101010101010101ULL)

/* Which of the next operations, as many as a group may have, are PUSH: one bit each. */
ALWAYS_INLINE unsigned find_pushes(const uint8_t *opcodes, uint64_t count) {
    unsigned pushes = 0;
    if (LIKELY(count >= GROUP_OPS)) { /* bytes are below 128, so each stays for itself */
        uint64_t differences = load_u64(opcodes) ^ EACH_BYTE((uint64_t)OP_PUSH);
        uint64_t equal = ((EACH_BYTE(0x80ULL) - differences) >> 7) & EACH_BYTE(1ULL);
        return (unsigned)((equal * 0x0102040810204080ULL) >> 56) | (unsigned)(opcodes[8] == OP_PUSH) << 8;
    }
    for (unsigned i = 0; i < count; i++) pushes |= (unsigned)(opcodes[i] == OP_PUSH) << i;
    return pushes;
}

/* How many of nine bits are set. */
ALWAYS_INLINE unsigned count_bits(unsigned bits) {
    bits -= (bits >> 1) & 0x55;
    bits = (bits & 0x133) + ((bits >> 2) & 0x33);
    return (bits + (bits >> 4) + (bits >> 8)) & 15;
}

/* Go to the next group; there is an operation for it, which fits in the batch. */
ALWAYS_INLINE void group_next(GroupC *group) {
    static const uint8_t MISSING[BATCH_GROUPS + 1] = {0, 0, 0, 1, 0, 3, 2, 1, 0}; /* groups up to 1, 2, 4 or 8 */
    group->start += group->length;
    if (group->closes) group->taken = 0;
    const uint8_t *opcodes = group->opcodes + group->start;
    uint64_t left = group->count - group->start;
    unsigned pushes = find_pushes(opcodes, left), length = left < GROUP_OPS ? (unsigned)left : GROUP_OPS;
    if (pushes >> (GROUP_OPS - 1)) length = GROUP_OPS - 1;
    pushes &= (1u << (GROUP_OPS - 1)) - 1;
    unsigned taken = group->taken + 1 + count_bits(pushes);
    if (UNLIKELY(taken > BATCH_GROUPS)) { /* it ends before the first PUSH whose immediate has no group */
        unsigned rest = pushes;
        for (; group->taken + 1 < BATCH_GROUPS; group->taken++) rest &= rest - 1;
        for (length = 0; !(rest >> length & 1);) length++;
        taken = BATCH_GROUPS;
    }
    group->length = length;
    group->taken = taken;
    group->noops = (pushes >> (length - 1)) & 1;
    group->closes = length == left || taken + 1 + (opcodes[length] == OP_PUSH) > BATCH_GROUPS;
    if (group->closes) group->noops += MISSING[taken];
}

ALWAYS_INLINE int group_is_last(const GroupC *group) {
    return group->start + group->length == group->count;
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

ALWAYS_INLINE void pack_row(PackC *pack, uint8_t opcode, int64_t index, uint64_t op, uint64_t imm) {
    if (pack->rows) {
        RowC row = {(uint32_t)op, (uint32_t)imm, (int32_t)index, opcode};
        pack->rows[pack->row_count] = row;
    }
    pack->row_count++;
}

ALWAYS_INLINE void pack_operation(PackC *pack, uint8_t opcode, uint64_t op, uint64_t imm, int inserted) {
    pack_row(pack, opcode, (int64_t)pack->op_count, op, imm);
    if (pack->padded) pack->padded[pack->op_count] = opcode;
    if (pack->inserted) pack->inserted[pack->op_count] = (uint8_t)inserted;
    pack->op_count++;
}

/* Pack `count` operations (at least one, all plain); `immediates` has one entry for each that takes one, and may be NULL
 * where no groups are wanted. */
ALWAYS_INLINE void pack_block(PackC *pack, const uint8_t *opcodes, uint64_t count, const uint64_t *immediates) {
    GroupC group = {.opcodes = opcodes, .count = count};
    felt_t values[BATCH_GROUPS] = {0};
    unsigned free_group = 0; /* the first one of the batch that has no value yet */
    uint64_t imm = 0;
    pack_row(pack, OP_SPAN, -1, 0, 0);
    do {
        group_next(&group);
        unsigned own = free_group++;
        for (uint64_t i = 0; i < group.length; i++) {
            uint64_t op = group.start + i;
            uint8_t opcode = opcodes[op];
            pack_operation(pack, opcode, op, imm, 0);
            values[own] |= (uint64_t)opcode << (7 * i);
            if (immediates && opcode == OP_PUSH) values[free_group++] = immediates[imm];
            imm += (OPCODE_TRAITS[opcode] & OPCODE_IMMEDIATE) != 0;
        }
        for (unsigned i = 0; i < group.noops; i++) pack_operation(pack, OP_NOOP, group.start + group.length, imm, 1);
        if (!group.closes) continue;
        if (pack->sponge) {
            for (int i = 0; i < BATCH_GROUPS; i++) sponge_absorb(pack->sponge, values[i]);
        }
        if (pack->groups) memcpy(pack->groups + BATCH_GROUPS * pack->batch_count, values, sizeof values);
        memset(values, 0, sizeof values);
        free_group = 0;
        pack->batch_count++;
        pack_row(pack, group_is_last(&group) ? OP_END : OP_RESPAN, -1, group.start + group.length, imm);
    } while (!group_is_last(&group));
}

/* A specialised copy for each reader. */
NOINLINE void pack_rows(PackC *pack, const uint8_t *opcodes, uint64_t count) {
    pack->padded = NULL, pack->inserted = NULL, pack->sponge = NULL, pack->groups = NULL;
    pack_block(pack, opcodes, count, NULL);
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

/* Where an operation stands once its block is padded. */
typedef struct {
    uint64_t row;   /* among the rows */
    uint64_t index; /* among the padded operations */
} PlaceC;

/* The place of an operation; of the END row, if `op` is the number of operations. */
NOINLINE PlaceC find_place(const uint8_t *opcodes, uint64_t count, uint64_t op) {
    GroupC group = {.opcodes = opcodes, .count = count};
    PlaceC place = {1, 0}; /* behind SPAN */
    for (;;) {
        group_next(&group);
        if (op - group.start < group.length) break;
        place.index += group.length + group.noops;
        place.row += group.length + group.noops;
        if (group_is_last(&group)) return place;
        place.row += (uint64_t)group.closes;
    }
    place.row += op - group.start;
    place.index += op - group.start;
    return place;
}

#endif
