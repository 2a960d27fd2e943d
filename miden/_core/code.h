/* A forest as the engine wants it: the columns of a `MastForest` checked once and copied, every block packed into rows.
 *
 * Columns are hostile. Nothing of them is used before `code_build` has looked at it; afterwards the engine trusts ids and
 * spans. What is not checked: digests (see digests.h), and that children stand before their parents. Cyclic
 * graphs are therefore possible; running one ends in a limit.
 */
#ifndef MIDEN_CODE_H
#define MIDEN_CODE_H

#include <stdio.h>
#include <stdlib.h>

#include "batch.h"

#define NODE_RECORD_SIZE 64 /* 8 u32: kind a b op_start op_count imm_start imm_count reserved; 4 u64: digest */
#define MAX_CODE_ROWS 0x7fffffffULL

/* Decorator flags of a node, as `Code.set_decorators` takes them. */
#define NODE_HAS_BEFORE_ENTER 1
#define NODE_HAS_AFTER_EXIT 2
#define NODE_HAS_OP_DECORATORS 4

typedef struct {
    felt_t digest[4];
    uint32_t kind;      /* NODE_* */
    uint32_t a;         /* first child, on_true, body, callee */
    uint32_t b;         /* second child, on_false */
    uint32_t row_start; /* blocks: first row, SPAN */
    uint32_t row_count; /* blocks: SPAN, padded operations, RESPANs, END */
    uint32_t op_count;  /* blocks: padded operations */
    uint32_t flags;     /* NODE_HAS_*; nothing else ever changes in a CodeC */
    uint32_t reserved;
} NodeC;

/* What tier two knows of a node: how often it was started, and its translation (tier_heat.h). Changed by any thread. */
typedef struct {
    void *region; /* a RegionC, one allocation */
    uint32_t heat;
} TierNodeC;

typedef struct {
    uint64_t rows; /* translated in all */
    TierNodeC nodes[];
} TierC;

typedef struct {
    NodeC *nodes;
    TierC *tier;
    RowC *rows;
    uint32_t *roots;        /* in the order of the forest */
    uint32_t *sorted_roots; /* positions in `roots`, by digest and then by position */
    uint64_t node_count, row_count, root_count;
} CodeC;

/* The four columns as they come, and where the first mistake is reported. */
typedef struct {
    const uint8_t *nodes, *operations, *immediates, *roots;
    uint64_t node_bytes, operation_bytes, immediate_bytes, root_bytes;
    char *reason;
    size_t reason_size;
} ColumnsC;

typedef struct {
    uint32_t kind, a, b, op_start, op_count, imm_start, imm_count, reserved;
    felt_t digest[4];
} NodeRecordC;

ALWAYS_INLINE uint32_t load_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

ALWAYS_INLINE uint64_t load_u64(const uint8_t *bytes) {
    return (uint64_t)load_u32(bytes) | (uint64_t)load_u32(bytes + 4) << 32;
}

ALWAYS_INLINE void store_u64(uint8_t *bytes, uint64_t value) {
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

/* malloc that takes zero elements and refuses sizes that overflow. */
ALWAYS_INLINE void *allocate_array(uint64_t count, size_t size) {
    if (count > SIZE_MAX / size - 1) return NULL;
    return malloc((size_t)count * size + (count == 0));
}

ALWAYS_INLINE NodeRecordC node_record(const ColumnsC *columns, uint64_t id) {
    const uint8_t *bytes = columns->nodes + NODE_RECORD_SIZE * id;
    NodeRecordC record = {
        load_u32(bytes),      load_u32(bytes + 4),  load_u32(bytes + 8),  load_u32(bytes + 12),
        load_u32(bytes + 16), load_u32(bytes + 20), load_u32(bytes + 24), load_u32(bytes + 28),
        {load_u64(bytes + 32), load_u64(bytes + 40), load_u64(bytes + 48), load_u64(bytes + 56)},
    };
    return record;
}

#define REFUSE(...)                                                      \
    do {                                                                 \
        snprintf(columns->reason, columns->reason_size, __VA_ARGS__);    \
        return -1;                                                       \
    } while (0)

typedef unsigned long long llu;

/* Check one block's spans and operations; they have to follow those of the block before. */
NOINLINE int check_block(ColumnsC *columns, uint64_t id, const NodeRecordC *record, uint64_t op_next, uint64_t imm_next) {
    if (record->op_count == 0) REFUSE("block %llu has no operations", (llu)id);
    if (record->op_start != op_next) REFUSE("operations of block %llu start at %u, expected %llu", (llu)id, record->op_start, (llu)op_next);
    if (record->imm_start != imm_next) REFUSE("immediates of block %llu start at %u, expected %llu", (llu)id, record->imm_start, (llu)imm_next);
    if (record->op_count > columns->operation_bytes - op_next) {
        REFUSE("block %llu has %u operations, only %llu are left", (llu)id, record->op_count, (llu)(columns->operation_bytes - op_next));
    }
    if (record->imm_count > columns->immediate_bytes / 8 - imm_next) {
        REFUSE("block %llu has %u immediates, only %llu are left", (llu)id, record->imm_count, (llu)(columns->immediate_bytes / 8 - imm_next));
    }
    uint64_t needed = 0;
    for (uint64_t i = 0; i < record->op_count; i++) {
        unsigned opcode = columns->operations[op_next + i], traits = OPCODE_TRAITS[opcode];
        if (!(traits & OPCODE_PLAIN)) REFUSE("operation %llu of block %llu has opcode %u, which cannot stand in a block", (llu)i, (llu)id, opcode);
        needed += (traits & OPCODE_IMMEDIATE) != 0;
    }
    if (needed != record->imm_count) {
        REFUSE("the operations of block %llu take %llu immediates, found %u", (llu)id, (llu)needed, record->imm_count);
    }
    return 0;
}

/* Check everything about the columns but the digests. */
NOINLINE int check_columns(ColumnsC *columns) {
    if (columns->node_bytes % NODE_RECORD_SIZE) REFUSE("nodes are %d bytes each, found %llu bytes", NODE_RECORD_SIZE, (llu)columns->node_bytes);
    if (columns->immediate_bytes % 8) REFUSE("immediates are 8 bytes each, found %llu bytes", (llu)columns->immediate_bytes);
    if (columns->root_bytes % 4) REFUSE("roots are 4 bytes each, found %llu bytes", (llu)columns->root_bytes);
    uint64_t count = columns->node_bytes / NODE_RECORD_SIZE, op_next = 0, imm_next = 0;
    if (count > UINT32_MAX) REFUSE("a forest has at most %u nodes, found %llu", UINT32_MAX, (llu)count);
    for (uint64_t i = 0; i < columns->immediate_bytes / 8; i++) {
        uint64_t value = load_u64(columns->immediates + 8 * i);
        if (value >= FELT_P) REFUSE("immediate %llu is not below p: %llu", (llu)i, (llu)value);
    }
    for (uint64_t id = 0; id < count; id++) {
        NodeRecordC record = node_record(columns, id);
        int children = 0;
        switch (record.kind) {
        case NODE_JOIN:
        case NODE_SPLIT: children = 2; break;
        case NODE_LOOP:
        case NODE_CALL:
        case NODE_SYSCALL: children = 1; break;
        case NODE_BLOCK:
        case NODE_DYN:
        case NODE_DYNCALL:
        case NODE_EXTERNAL: break;
        default: REFUSE("node %llu is of kind %u, which does not exist", (llu)id, record.kind);
        }
        for (int i = 0; i < 4; i++) {
            if (record.digest[i] >= FELT_P) REFUSE("element %d of the digest of node %llu is not below p: %llu", i, (llu)id, (llu)record.digest[i]);
        }
        if (children >= 1 && record.a >= count) REFUSE("child %u of node %llu is not among the %llu nodes", record.a, (llu)id, (llu)count);
        if (children == 2 && record.b >= count) REFUSE("child %u of node %llu is not among the %llu nodes", record.b, (llu)id, (llu)count);
        if ((children < 1 && record.a) || (children < 2 && record.b) || record.reserved) {
            REFUSE("node %llu has something in a field that its kind does not use", (llu)id);
        }
        if (record.kind == NODE_BLOCK) {
            if (check_block(columns, id, &record, op_next, imm_next) < 0) return -1;
            op_next += record.op_count;
            imm_next += record.imm_count;
        } else if (record.op_start || record.op_count || record.imm_start || record.imm_count) {
            REFUSE("node %llu is not a block and has operations or immediates", (llu)id);
        }
    }
    if (op_next != columns->operation_bytes) REFUSE("the blocks have %llu operations, found %llu", (llu)op_next, (llu)columns->operation_bytes);
    if (imm_next != columns->immediate_bytes / 8) REFUSE("the blocks take %llu immediates, found %llu", (llu)imm_next, (llu)(columns->immediate_bytes / 8));
    for (uint64_t i = 0; i < columns->root_bytes / 4; i++) {
        uint32_t root = load_u32(columns->roots + 4 * i);
        if (root >= count) REFUSE("root %u is not among the %llu nodes", root, (llu)count);
    }
    return 0;
}

/* Immediates in the machine's byte order; NULL without memory. */
NOINLINE uint64_t *decode_immediates(const ColumnsC *columns) {
    uint64_t count = columns->immediate_bytes / 8, *values = allocate_array(count, sizeof *values);
    if (values) {
        for (uint64_t i = 0; i < count; i++) values[i] = load_u64(columns->immediates + 8 * i);
    }
    return values;
}

ALWAYS_INLINE int digest_compare(const felt_t a[4], const felt_t b[4]) {
    for (int i = 0; i < 4; i++) {
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

/* Sort positions in `roots` by digest, stable; merge sort, so that no input is worse than another. */
NOINLINE int code_sort_roots(CodeC *code) {
    uint64_t count = code->root_count;
    uint32_t *from = allocate_array(count, sizeof *from), *to = allocate_array(count, sizeof *to);
    if (!from || !to) {
        free(from), free(to);
        return -1;
    }
    for (uint64_t i = 0; i < count; i++) from[i] = (uint32_t)i;
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t start = 0; start < count; start += 2 * width) {
            uint64_t middle = start + width < count ? start + width : count, end = middle + width < count ? middle + width : count;
            uint64_t left = start, right = middle;
            for (uint64_t out = start; out < end; out++) {
                int take_left = right == end;
                if (left < middle && right < end) {
                    take_left = digest_compare(code->nodes[code->roots[from[left]]].digest, code->nodes[code->roots[from[right]]].digest) <= 0;
                }
                to[out] = take_left ? from[left++] : from[right++];
            }
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    code->sorted_roots = from;
    free(to);
    return 0;
}

/* The first root with this digest, or -1. */
NOINLINE int64_t code_find_root(const CodeC *code, const felt_t digest[4]) {
    uint64_t low = 0, high = code->root_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (digest_compare(code->nodes[code->roots[code->sorted_roots[middle]]].digest, digest) < 0) low = middle + 1;
        else high = middle;
    }
    if (low == code->root_count) return -1;
    uint32_t root = code->roots[code->sorted_roots[low]];
    return digest_compare(code->nodes[root].digest, digest) == 0 ? (int64_t)root : -1;
}

NOINLINE void code_free(CodeC *code) {
    if (!code) return;
    for (uint64_t id = 0; code->tier && id < code->node_count; id++) {
        if ((uintptr_t)code->tier->nodes[id].region > 1) free(code->tier->nodes[id].region);
    }
    free(code->tier);
    free(code->nodes);
    free(code->rows);
    free(code->roots);
    free(code->sorted_roots);
    free(code);
}

/* Count the rows of all blocks, then write them. Columns have been checked. */
NOINLINE int code_pack(CodeC *code, ColumnsC *columns, const uint64_t *immediates) {
    for (uint64_t id = 0, op = 0, imm = 0; id < code->node_count; id++) {
        NodeRecordC record = node_record(columns, id);
        NodeC *node = &code->nodes[id];
        *node = (NodeC){.kind = record.kind, .a = record.a, .b = record.b, .row_start = (uint32_t)code->row_count};
        memcpy(node->digest, record.digest, sizeof node->digest);
        if (record.kind != NODE_BLOCK) continue;
        PackC pack = {0};
        pack_count(&pack, columns->operations + op, record.op_count, immediates + imm);
        if (pack.row_count > MAX_CODE_ROWS - code->row_count) REFUSE("the blocks have more than %llu rows", MAX_CODE_ROWS);
        node->row_count = (uint32_t)pack.row_count;
        node->op_count = (uint32_t)pack.op_count;
        code->row_count += pack.row_count;
        op += record.op_count;
        imm += record.imm_count;
    }
    code->rows = allocate_array(code->row_count, sizeof *code->rows);
    if (!code->rows) return -2;
    for (uint64_t id = 0, op = 0, imm = 0; id < code->node_count; id++) {
        NodeRecordC record = node_record(columns, id);
        if (record.kind != NODE_BLOCK) continue;
        PackC pack = {.rows = code->rows + code->nodes[id].row_start};
        pack_rows(&pack, columns->operations + op, record.op_count, immediates + imm);
        op += record.op_count;
        imm += record.imm_count;
    }
    return 0;
}

/* Build a CodeC: 0, -1 with a reason, or -2 without memory. */
NOINLINE int code_build(ColumnsC *columns, CodeC **result) {
    if (check_columns(columns) < 0) return -1;
    CodeC *code = calloc(1, sizeof *code);
    uint64_t *immediates = decode_immediates(columns);
    int status = -2;
    if (!code || !immediates) goto done;
    code->node_count = columns->node_bytes / NODE_RECORD_SIZE;
    code->root_count = columns->root_bytes / 4;
    code->nodes = allocate_array(code->node_count, sizeof *code->nodes);
    code->roots = allocate_array(code->root_count, sizeof *code->roots);
    code->tier = calloc(1, sizeof(TierC) + (size_t)code->node_count * sizeof(TierNodeC));
    if (!code->nodes || !code->roots || !code->tier) goto done;
    status = code_pack(code, columns, immediates);
    if (status < 0) goto done;
    for (uint64_t i = 0; i < code->root_count; i++) code->roots[i] = load_u32(columns->roots + 4 * i);
    if (code_sort_roots(code) < 0) status = -2;
done:
    free(immediates);
    if (status < 0) {
        code_free(code);
        code = NULL;
    }
    *result = code;
    return status;
}

#endif
