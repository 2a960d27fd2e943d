/* A forest as the engine wants it: the columns of a `MastForest` checked once; operations are executed as they come.
 *
 * Columns are hostile. Nothing of them is used before `code_build` has looked at it; afterwards the engine trusts ids and
 * spans. What is not checked: digests (see digests.h), and that children stand before their parents. Cyclic
 * graphs are therefore possible; running one ends in a limit.
 *
 * Most code is run once or never, so whatever not every node needs is made when it is first wanted: the number of rows of a
 * block, its table of rows, the order of the roots. Threads may race for it; all come to the same result.
 */
#ifndef MIDEN_CODE_H
#define MIDEN_CODE_H

#include <stdio.h>
#include <stdlib.h>

#include "atomics.h"
#include "batch.h"

#define NODE_RECORD_SIZE 64 /* 8 u32: kind a b op_start op_count imm_start imm_count reserved; 4 u64: digest */
#define MAX_CODE_OPS 0x1fffffffULL /* a block has fewer than three rows for an operation, so positions of rows fit 31 bits */

/* Decorator flags of a node, as `Code.set_decorators` takes them. */
#define NODE_HAS_BEFORE_ENTER 1
#define NODE_HAS_AFTER_EXIT 2
#define NODE_HAS_OP_DECORATORS 4

typedef struct {
    uint32_t kind;  /* NODE_* */
    uint32_t flags; /* NODE_HAS_* */
    union {
        uint32_t a;         /* first child, on_true, body, callee */
        uint32_t op_start;  /* blocks: first operation in CodeC.operations; END stands behind the last */
    };
    union {
        uint32_t b;         /* second child, on_false */
        uint32_t imm_start; /* blocks: first one in CodeC.immediates */
    };
    uint32_t op_count;  /* blocks: operations, as they are written */
    uint32_t row_count; /* blocks: SPAN, padded operations, RESPANs, END; 0 until someone has counted: block_row_count */
    uint32_t heat;      /* how often it was started, up to where that does not matter any more (tier_heat.h) */
    uint32_t target;    /* DYN, DYNCALL: the root that was found, plus 1; 0: none yet; TARGET_VARIES */
} NodeC;

#define TARGET_VARIES UINT32_MAX

/* What is made of a node that is run often. Changed by any thread. */
typedef struct {
    void *region; /* a RegionC: the translation (tier_heat.h) */
    void *rows;   /* RowC[row_count] of a block */
} HotNodeC;

typedef struct {
    uint64_t translated; /* rows, in all */
    void *retired;       /* a RegionC that is used no more, and leads to others (tier_heat.h) */
    HotNodeC nodes[];
} HotC;

/* All columns but the operations stay where they are; whoever made the code keeps them. */
typedef struct {
    NodeC *nodes;              /* one allocation with the operations */
    const uint8_t *operations;
    const uint8_t *records;    /* the column of nodes, for the digests */
    const uint8_t *immediates; /* eight bytes each */
    const uint8_t *roots;      /* four bytes each, in the order of the forest */
    uint64_t node_count, op_count, root_count;
    void *hot;                 /* a HotC, once there is one */
    void *sorted_roots;        /* once there is such a thing: positions in `roots`, by digest and then by position */
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

static const uint8_t NODE_CHILDREN[] = {
    [NODE_JOIN] = 2, [NODE_SPLIT] = 2, [NODE_LOOP] = 1, [NODE_CALL] = 1, [NODE_SYSCALL] = 1, [NODE_EXTERNAL] = 0,
};

#define COPIED_AT_ONCE 8

ALWAYS_INLINE void check_operation(uint8_t opcode, unsigned *common, unsigned *needed) {
    unsigned traits = OPCODE_TRAITS[opcode];
    *common &= traits;
    *needed += traits & OPCODE_IMMEDIATE;
}

/* Check one block's spans and operations, which have to follow those of the block before, and copy the operations. */
ALWAYS_INLINE int check_block(ColumnsC *columns, uint64_t id, const NodeRecordC *record, uint64_t op_next, uint64_t imm_next, uint8_t *copy) {
    if (record->op_count == 0) REFUSE("block %llu has no operations", (llu)id);
    if (record->op_start != op_next) REFUSE("operations of block %llu start at %u, expected %llu", (llu)id, record->op_start, (llu)op_next);
    if (record->imm_start != imm_next) REFUSE("immediates of block %llu start at %u, expected %llu", (llu)id, record->imm_start, (llu)imm_next);
    if (record->op_count > columns->operation_bytes - op_next) {
        REFUSE("block %llu has %u operations, only %llu are left", (llu)id, record->op_count, (llu)(columns->operation_bytes - op_next));
    }
    if (record->imm_count > columns->immediate_bytes / 8 - imm_next) {
        REFUSE("block %llu has %u immediates, only %llu are left", (llu)id, record->imm_count, (llu)(columns->immediate_bytes / 8 - imm_next));
    }
    const uint8_t *operations = columns->operations + op_next;
    uint32_t count = record->op_count, next = 0;
    unsigned common = OPCODE_PLAIN, needed = 0; /* without a branch for each: whole libraries pass here */
    for (; count - next >= COPIED_AT_ONCE; next += COPIED_AT_ONCE) {
        if (copy) memcpy(copy + next, operations + next, COPIED_AT_ONCE);
        UNROLLED(COPIED_AT_ONCE)
        for (unsigned i = 0; i < COPIED_AT_ONCE; i++) check_operation(operations[next + i], &common, &needed);
    }
    for (; next < count; next++) {
        if (copy) copy[next] = operations[next];
        check_operation(operations[next], &common, &needed);
    }
    if (UNLIKELY(!common)) {
        uint32_t i = 0;
        while (OPCODE_TRAITS[operations[i]] & OPCODE_PLAIN) i++;
        REFUSE("operation %u of block %llu has opcode %u, which cannot stand in a block", i, (llu)id, operations[i]);
    }
    if (needed != record->imm_count) {
        REFUSE("the operations of block %llu take %u immediates, found %u", (llu)id, needed, record->imm_count);
    }
    return 0;
}

/* Say what is wrong with the children of a node, or with a field that its kind does not use. */
NOINLINE int refuse_fields(ColumnsC *columns, uint64_t id, const NodeRecordC *record, uint64_t count) {
    unsigned children = NODE_CHILDREN[record->kind];
    if (children >= 1 && record->a >= count) REFUSE("child %u of node %llu is not among the %llu nodes", record->a, (llu)id, (llu)count);
    if (children == 2 && record->b >= count) REFUSE("child %u of node %llu is not among the %llu nodes", record->b, (llu)id, (llu)count);
    REFUSE("node %llu has something in a field that its kind does not use", (llu)id);
}

/* Field by field: a struct made on the stack and copied waits for its own stores. */
ALWAYS_INLINE void node_init(NodeC *node, uint32_t kind, uint32_t a, uint32_t b, uint32_t op_count) {
    node->kind = kind, node->flags = 0;
    node->a = a, node->b = b;
    node->op_count = op_count, node->row_count = 0;
    node->heat = node->target = 0;
}

/* Check everything about the columns but the digests. Writes down the nodes, and the operations with an END behind those of
 * each block, unless `nodes` is NULL. */
ALWAYS_INLINE int check_and_copy(ColumnsC *columns, NodeC *nodes, uint8_t *copy) {
    if (columns->node_bytes % NODE_RECORD_SIZE) REFUSE("nodes are %d bytes each, found %llu bytes", NODE_RECORD_SIZE, (llu)columns->node_bytes);
    if (columns->immediate_bytes % 8) REFUSE("immediates are 8 bytes each, found %llu bytes", (llu)columns->immediate_bytes);
    if (columns->root_bytes % 4) REFUSE("roots are 4 bytes each, found %llu bytes", (llu)columns->root_bytes);
    uint64_t count = columns->node_bytes / NODE_RECORD_SIZE, op_next = 0, imm_next = 0;
    uint32_t op_end = 0; /* of what was copied */
    if (count > UINT32_MAX) REFUSE("a forest has at most %u nodes, found %llu", UINT32_MAX, (llu)count);
    if (columns->operation_bytes > MAX_CODE_OPS) REFUSE("a forest has at most %llu operations, found %llu", MAX_CODE_OPS, (llu)columns->operation_bytes);
    for (uint64_t i = 0; i < columns->immediate_bytes / 8; i++) {
        uint64_t value = load_u64(columns->immediates + 8 * i);
        if (value >= FELT_P) REFUSE("immediate %llu is not below p: %llu", (llu)i, (llu)value);
    }
    for (uint64_t id = 0; id < count; id++) {
        NodeRecordC record = node_record(columns, id);
        if (record.kind >= sizeof NODE_CHILDREN) REFUSE("node %llu is of kind %u, which does not exist", (llu)id, record.kind);
        for (int i = 0; i < 4; i++) {
            if (record.digest[i] >= FELT_P) REFUSE("element %d of the digest of node %llu is not below p: %llu", i, (llu)id, (llu)record.digest[i]);
        }
        unsigned children = NODE_CHILDREN[record.kind];
        uint64_t end_a = children >= 1 ? count : 1, end_b = children == 2 ? count : 1;
        if (UNLIKELY(record.a >= end_a || record.b >= end_b || record.reserved)) return refuse_fields(columns, id, &record, count);
        if (record.kind == NODE_BLOCK) {
            if (check_block(columns, id, &record, op_next, imm_next, nodes ? copy + op_end : NULL) < 0) return -1;
            record.a = op_end;
            record.b = record.imm_start;
            op_next += record.op_count;
            imm_next += record.imm_count;
            op_end += record.op_count;
            if (nodes) copy[op_end] = OP_END;
            op_end++;
        } else if (record.op_start | record.op_count | record.imm_start | record.imm_count) {
            REFUSE("node %llu is not a block and has operations or immediates", (llu)id);
        }
        if (nodes) node_init(&nodes[id], record.kind, record.a, record.b, record.op_count);
    }
    if (nodes) copy[op_end] = OP_END; /* the engine looks one ahead */
    if (op_next != columns->operation_bytes) REFUSE("the blocks have %llu operations, found %llu", (llu)op_next, (llu)columns->operation_bytes);
    if (imm_next != columns->immediate_bytes / 8) REFUSE("the blocks take %llu immediates, found %llu", (llu)imm_next, (llu)(columns->immediate_bytes / 8));
    for (uint64_t i = 0; i < columns->root_bytes / 4; i++) {
        uint32_t root = load_u32(columns->roots + 4 * i);
        if (root >= count) REFUSE("root %u is not among the %llu nodes", root, (llu)count);
    }
    return 0;
}

NOINLINE int check_columns(ColumnsC *columns) {
    return check_and_copy(columns, NULL, NULL);
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

ALWAYS_INLINE const uint8_t *record_digest(const CodeC *code, uint64_t id) {
    return code->records + NODE_RECORD_SIZE * id + 32;
}

/* The digest of a node. */
ALWAYS_INLINE void code_digest(const CodeC *code, uint64_t id, felt_t digest[4]) {
    load_words(digest, record_digest(code, id), 4);
}

ALWAYS_INLINE int digest_is(const CodeC *code, uint64_t id, const felt_t digest[4]) {
    const uint8_t *own = record_digest(code, id);
    uint64_t difference = 0;
    for (int i = 0; i < 4; i++) difference |= load_u64(own + 8 * i) ^ digest[i];
    return difference == 0;
}

/* --- roots -------------------------------------------------------------------------------------------------------- */

ALWAYS_INLINE uint32_t code_root(const CodeC *code, uint64_t position) {
    return load_u32(code->roots + 4 * position);
}

ALWAYS_INLINE int compare_root(const CodeC *code, uint64_t position, const felt_t digest[4]) {
    const uint8_t *own = record_digest(code, code_root(code, position));
    for (int i = 0; i < 4; i++) {
        felt_t element = load_u64(own + 8 * i);
        if (element != digest[i]) return element < digest[i] ? -1 : 1;
    }
    return 0;
}

/* Positions in `roots` sorted by digest, stable; NULL without memory. Merge sort, so that no input is worse than another. */
NOINLINE uint32_t *code_sort_roots(const CodeC *code) {
    uint64_t count = code->root_count;
    uint32_t *from = allocate_array(count, sizeof *from), *to = allocate_array(count, sizeof *to);
    if (!from || !to) {
        free(from), free(to);
        return NULL;
    }
    for (uint64_t i = 0; i < count; i++) from[i] = (uint32_t)i;
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t start = 0; start < count; start += 2 * width) {
            uint64_t middle = start + width < count ? start + width : count, end = middle + width < count ? middle + width : count;
            uint64_t left = start, right = middle;
            for (uint64_t out = start; out < end; out++) {
                int take_left = right == end;
                if (left < middle && right < end) {
                    felt_t digest[4];
                    code_digest(code, code_root(code, from[right]), digest);
                    take_left = compare_root(code, from[left], digest) <= 0;
                }
                to[out] = take_left ? from[left++] : from[right++];
            }
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    free(to);
    return from;
}

/* The first root with this digest, or -1. Without memory for their order it looks at one after the other. */
NOINLINE int64_t code_find_root(CodeC *code, const felt_t digest[4]) {
    const uint32_t *sorted = LOAD_POINTER(&code->sorted_roots);
    uint64_t low = 0, high = code->root_count;
    if (!sorted) {
        uint32_t *order = code_sort_roots(code);
        if (!order) {
            while (low < high && compare_root(code, low, digest) != 0) low++;
            return low < high ? (int64_t)code_root(code, low) : -1;
        }
        if (!publish_pointer(&code->sorted_roots, order)) free(order);
        sorted = LOAD_POINTER(&code->sorted_roots);
    }
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (compare_root(code, sorted[middle], digest) < 0) low = middle + 1;
        else high = middle;
    }
    if (low == code->root_count || compare_root(code, sorted[low], digest) != 0) return -1;
    return (int64_t)code_root(code, sorted[low]);
}

/* The same for a node that asks for one root most of the time, and remembers it. */
ALWAYS_INLINE int64_t code_find_target(CodeC *code, NodeC *node, const felt_t digest[4]) {
    uint32_t target = LOAD_COUNT(&node->target);
    if (LIKELY(target - 1 < TARGET_VARIES - 1) && digest_is(code, target - 1, digest)) return target - 1;
    int64_t root = code_find_root(code, digest);
    if (target != TARGET_VARIES) STORE_COUNT(&node->target, target || root < 0 ? TARGET_VARIES : (uint32_t)root + 1);
    return root;
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

#define IMMEDIATE_SIZE 8

ALWAYS_INLINE const uint8_t *block_immediates(const CodeC *code, const NodeC *node) {
    return code->immediates + IMMEDIATE_SIZE * (uint64_t)node->imm_start;
}

ALWAYS_INLINE const uint8_t *block_operations(const CodeC *code, const NodeC *node) {
    return code->operations + node->op_start;
}

/* The number of operations of a block with padding. */
NOINLINE uint64_t block_padded_count(const CodeC *code, const NodeC *node) {
    return find_place(block_operations(code, node), node->op_count, node->op_count).index;
}

NOINLINE uint32_t block_count_rows(const CodeC *code, NodeC *node) {
    uint32_t count = (uint32_t)find_place(block_operations(code, node), node->op_count, node->op_count).row + 1;
    STORE_COUNT(&node->row_count, count);
    return count;
}

/* The number of rows of a block, SPAN and END among them. */
ALWAYS_INLINE uint32_t block_row_count(const CodeC *code, NodeC *node) {
    uint32_t count = LOAD_COUNT(&node->row_count);
    return LIKELY(count) ? count : block_count_rows(code, node);
}

/* What is known of nodes that run often; NULL without memory. */
NOINLINE HotC *code_make_hot(CodeC *code) {
    HotC *hot = calloc(1, sizeof(HotC) + (size_t)code->node_count * sizeof(HotNodeC));
    if (hot && !publish_pointer(&code->hot, hot)) free(hot);
    return LOAD_POINTER(&code->hot);
}

ALWAYS_INLINE HotC *code_hot(CodeC *code) {
    HotC *hot = LOAD_POINTER(&code->hot);
    return LIKELY(hot != NULL) ? hot : code_make_hot(code);
}

/* The rows of a block; NULL without memory. */
NOINLINE const RowC *block_rows(CodeC *code, uint32_t id) {
    HotC *hot = code_hot(code);
    if (!hot) return NULL;
    void *rows = LOAD_POINTER(&hot->nodes[id].rows);
    if (rows) return rows;
    NodeC *node = &code->nodes[id];
    PackC pack = {.rows = allocate_array(block_row_count(code, node), sizeof(RowC))};
    if (!pack.rows) return NULL;
    pack_rows(&pack, block_operations(code, node), node->op_count);
    if (!publish_pointer(&hot->nodes[id].rows, pack.rows)) free(pack.rows);
    return LOAD_POINTER(&hot->nodes[id].rows);
}

/* Where an operation of a block stands: looked up in the rows, if there are any, from one on that is not behind it. Every
 * operation has a row, so the one sought is no nearer than their numbers are, and not much further: looking there first spares
 * the cache misses of halving all rows. */
NOINLINE PlaceC block_place(CodeC *code, uint32_t id, uint64_t op, uint64_t from) {
    NodeC *node = &code->nodes[id];
    HotC *hot = LOAD_POINTER(&code->hot);
    const RowC *rows = hot ? LOAD_POINTER(&hot->nodes[id].rows) : NULL;
    if (!rows) return find_place(block_operations(code, node), node->op_count, op);
    uint64_t row = from + (op - rows[from].op), count = block_row_count(code, node), step = 1;
    for (; row + step < count && rows[row + step].op <= op; step *= 2) row += step; /* inserted rows have the number of the next operation */
    for (; step; step /= 2) {
        if (row + step < count && rows[row + step].op <= op) row += step;
    }
    return (PlaceC){row, (uint64_t)rows[row].index};
}

/* --- making one --------------------------------------------------------------------------------------------------- */

NOINLINE void code_free(CodeC *code) {
    if (!code) return;
    HotC *hot = code->hot;
    for (uint64_t id = 0; hot && id < code->node_count; id++) {
        if ((uintptr_t)hot->nodes[id].region > 1) free(hot->nodes[id].region);
        free(hot->nodes[id].rows);
    }
    for (void *region = hot ? hot->retired : NULL, *next; region; region = next) {
        memcpy(&next, region, sizeof next);
        free(region);
    }
    free(hot);
    free(code->sorted_roots);
    free(code->nodes);
    free(code);
}

/* Build a CodeC: 0, -1 with a reason, or -2 without memory. The columns are to live as long as the result. */
NOINLINE int code_build(ColumnsC *columns, CodeC **result) {
    CodeC *code = calloc(1, sizeof *code);
    if (!code) return -2;
    uint64_t node_count = columns->node_bytes / NODE_RECORD_SIZE;
    code->nodes = allocate_array(node_count * (sizeof(NodeC) + 1) + columns->operation_bytes + 1, 1);
    uint8_t *operations = (uint8_t *)(code->nodes + node_count);
    int status = code->nodes ? check_and_copy(columns, code->nodes, operations) : -2;
    if (status < 0) {
        code_free(code);
        return status;
    }
    code->records = columns->nodes;
    code->operations = operations;
    code->immediates = columns->immediates;
    code->roots = columns->roots;
    code->node_count = node_count;
    code->op_count = columns->operation_bytes;
    code->root_count = columns->root_bytes / 4;
    *result = code;
    return 0;
}

#endif
