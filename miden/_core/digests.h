/* The digests of all nodes of a forest, from the operations up (mast.md sections 4.3 and 5): blocks first, then the
 * other nodes by their height above the leaves, so that every step has many independent hashes for rpo_batch.h.
 *
 * Three steps, so that a caller may give the two shares of the blocks to two threads:
 *     digests_prepare, digests_hash_blocks for each share, digests_hash_inner; digests_free in any case.
 */
#ifndef MIDEN_DIGESTS_H
#define MIDEN_DIGESTS_H

#include "code.h"
#include "rpo_batch.h"

typedef struct {
    felt_t *digests; /* the result: 4 felts a node */
    felt_t *groups;  /* of all batches of all blocks, in node order */
    RpoInputC *blocks;
    uint32_t *order;   /* nodes with children, by height */
    uint64_t *heights; /* heights[h]: where the nodes of height h end in `order` */
    uint64_t node_count, block_count, batch_count, height_count;
    uint64_t split; /* blocks before this one are the first share */
} DigestsC;

#define MIN_BATCH_OPS 7 /* a batch is only closed with eight groups, and a group takes an operation: eight, or seven pushes */

ALWAYS_INLINE felt_t node_domain(uint32_t kind) {
    switch (kind) {
    case NODE_JOIN: return DOMAIN_JOIN;
    case NODE_SPLIT: return DOMAIN_SPLIT;
    case NODE_LOOP: return DOMAIN_LOOP;
    case NODE_CALL: return DOMAIN_CALL;
    case NODE_SYSCALL: return DOMAIN_SYSCALL;
    case NODE_DYN: return DOMAIN_DYN;
    default: return DOMAIN_DYNCALL;
    }
}

NOINLINE void digests_free(DigestsC *work) {
    free(work->digests);
    free(work->groups);
    free(work->blocks);
    free(work->order);
    free(work->heights);
    memset(work, 0, sizeof *work);
}

/* Write the groups of all blocks: 0, or -2 without memory. Room for them grows by what a block can need at most. */
NOINLINE int digests_pack(DigestsC *work, const ColumnsC *columns) {
    static const felt_t ZERO_WORD[4] = {0, 0, 0, 0};
    felt_t dyn[4], dyncall[4];
    uint64_t *immediates = decode_immediates(columns), room = 0;
    rpo_merge_in_domain(ZERO_WORD, ZERO_WORD, DOMAIN_DYN, dyn);
    rpo_merge_in_domain(ZERO_WORD, ZERO_WORD, DOMAIN_DYNCALL, dyncall);
    int status = immediates ? 0 : -2;
    for (uint64_t id = 0, op = 0, imm = 0; id < work->node_count && !status; id++) {
        NodeRecordC record = node_record(columns, id);
        felt_t *digest = work->digests + 4 * id;
        if (record.kind == NODE_EXTERNAL) memcpy(digest, record.digest, sizeof record.digest);
        if (record.kind == NODE_DYN) memcpy(digest, dyn, sizeof dyn);
        if (record.kind == NODE_DYNCALL) memcpy(digest, dyncall, sizeof dyncall);
        if (record.kind != NODE_BLOCK) continue;
        uint64_t needed = work->batch_count + record.op_count / MIN_BATCH_OPS + 1;
        if (needed > room) {
            room = needed > 2 * room ? needed : 2 * room;
            const size_t size = BATCH_GROUPS * sizeof(felt_t);
            felt_t *groups = room > SIZE_MAX / size ? NULL : realloc(work->groups, (size_t)room * size);
            if (!groups) {
                status = -2;
                break;
            }
            work->groups = groups;
        }
        PackC pack = {.groups = work->groups + BATCH_GROUPS * work->batch_count};
        pack_groups(&pack, columns->operations + op, record.op_count, immediates + imm);
        op += record.op_count;
        imm += record.imm_count;
        work->blocks[work->block_count++] = (RpoInputC){NULL, (size_t)(BATCH_GROUPS * pack.batch_count), digest};
        work->batch_count += pack.batch_count;
    }
    free(immediates);
    const felt_t *groups = work->groups; /* which does not move any more */
    for (uint64_t i = 0; i < work->block_count; i++) {
        work->blocks[i].elements = groups;
        groups += work->blocks[i].count;
    }
    return status;
}

/* Heights above the leaves, children before parents: by id where ids ascend, else along the edges. 0, -1 with a reason
 * if a node is its own descendant, or -2 without memory. */
NOINLINE int digests_walk(ColumnsC *columns, uint64_t count, uint32_t *heights) {
    uint64_t id;
    for (id = 0; id < count; id++) {
        NodeRecordC record = node_record(columns, id);
        unsigned children = NODE_CHILDREN[record.kind];
        if ((children >= 1 && record.a >= id) || (children == 2 && record.b >= id)) break;
        uint32_t below = children >= 1 ? heights[record.a] : 0;
        if (children == 2 && heights[record.b] > below) below = heights[record.b];
        heights[id] = children ? below + 1 : 0;
    }
    if (id == count) return 0;

    /* parents[starts[i]..starts[i + 1]] are the parents of node i */
    uint64_t *starts = calloc((size_t)count + 2, sizeof *starts);
    uint32_t *parents = allocate_array(2 * count, sizeof *parents), *queue = allocate_array(count, sizeof *queue);
    uint8_t *missing = allocate_array(count, 1);
    uint64_t taken = 0, ready = 0;
    int status = -2;
    if (!starts || !parents || !queue || !missing) goto done;
    for (id = 0; id < count; id++) {
        NodeRecordC record = node_record(columns, id);
        missing[id] = NODE_CHILDREN[record.kind];
        heights[id] = 0;
        if (missing[id] >= 1) starts[(uint64_t)record.a + 2]++;
        if (missing[id] == 2) starts[(uint64_t)record.b + 2]++;
        if (!missing[id]) queue[ready++] = (uint32_t)id;
    }
    for (id = 0; id < count; id++) starts[id + 2] += starts[id + 1];
    for (id = 0; id < count; id++) { /* moves starts[i + 1] from the start of i's parents to their end */
        NodeRecordC record = node_record(columns, id);
        if (missing[id] >= 1) parents[starts[(uint64_t)record.a + 1]++] = (uint32_t)id;
        if (missing[id] == 2) parents[starts[(uint64_t)record.b + 1]++] = (uint32_t)id;
    }
    while (taken < ready) {
        uint32_t child = queue[taken++];
        for (uint64_t i = starts[child]; i < starts[(uint64_t)child + 1]; i++) {
            uint32_t parent = parents[i];
            if (heights[child] >= heights[parent]) heights[parent] = heights[child] + 1;
            if (--missing[parent] == 0) queue[ready++] = parent;
        }
    }
    status = 0;
    if (ready < count) {
        for (id = 0; !missing[id];) id++;
        snprintf(columns->reason, columns->reason_size, "node %llu is its own descendant, or has one that is", (llu)id);
        status = -1;
    }
done:
    free(starts);
    free(parents);
    free(queue);
    free(missing);
    return status;
}

/* Sort the nodes with children by height. */
NOINLINE int digests_order(DigestsC *work, ColumnsC *columns) {
    uint32_t *heights = allocate_array(work->node_count, sizeof *heights);
    int status = heights ? digests_walk(columns, work->node_count, heights) : -2;
    if (status) goto done;
    uint64_t inner = 0;
    for (uint64_t id = 0; id < work->node_count; id++) {
        if (heights[id] > work->height_count) work->height_count = heights[id];
        inner += heights[id] > 0;
    }
    status = -2;
    work->heights = calloc((size_t)work->height_count + 2, sizeof *work->heights);
    work->order = allocate_array(inner, sizeof *work->order);
    if (!work->heights || !work->order) goto done;
    for (uint64_t id = 0; id < work->node_count; id++) {
        if (heights[id]) work->heights[heights[id] + 1]++;
    }
    for (uint64_t h = 1; h <= work->height_count; h++) work->heights[h + 1] += work->heights[h];
    for (uint64_t id = 0; id < work->node_count; id++) { /* moves heights[h] from the start of height h to its end */
        if (heights[id]) work->order[work->heights[heights[id]]++] = (uint32_t)id;
    }
    status = 0;
done:
    free(heights);
    return status;
}

/* Check the columns and lay out the work: 0, -1 with a reason, or -2 without memory. */
NOINLINE int digests_prepare(DigestsC *work, ColumnsC *columns) {
    memset(work, 0, sizeof *work);
    if (check_columns(columns) < 0) return -1;
    work->node_count = columns->node_bytes / NODE_RECORD_SIZE;
    work->digests = allocate_array(4 * work->node_count, sizeof *work->digests);
    work->blocks = allocate_array(work->node_count, sizeof *work->blocks);
    if (!work->digests || !work->blocks) return -2;
    int status = digests_order(work, columns);
    if (!status) status = digests_pack(work, columns);
    if (status) return status;
    rpo_sort_inputs(work->blocks, work->block_count);
    work->split = work->block_count;
    return 0;
}

/* Deal the blocks out in two shares; until then all are in the first: 0, or -2 without memory. */
NOINLINE int digests_share(DigestsC *work) {
    RpoInputC *spare = allocate_array(work->block_count, sizeof *spare);
    if (!spare) return -2;
    work->split = rpo_share_inputs(work->blocks, work->block_count, spare);
    free(spare);
    return 0;
}

ALWAYS_INLINE void digests_hash_blocks(const DigestsC *work, int share) {
    if (share == 0) rpo_hash_sorted(work->blocks, work->split);
    else rpo_hash_sorted(work->blocks + work->split, work->block_count - work->split);
}

#define INNER_CHUNK 64

/* Merge the children of all other nodes, height by height. */
NOINLINE void digests_hash_inner(const DigestsC *work, const ColumnsC *columns) {
    felt_t pairs[INNER_CHUNK * RPO_RATE_WIDTH], domains[INNER_CHUNK];
    uint64_t start = 0;
    for (uint64_t h = 1; h <= work->height_count; h++) {
        for (uint64_t end = work->heights[h]; start < end;) {
            uint64_t chunk = end - start < INNER_CHUNK ? end - start : INNER_CHUNK;
            memset(pairs, 0, sizeof pairs);
            for (uint64_t i = 0; i < chunk; i++) {
                NodeRecordC record = node_record(columns, work->order[start + i]);
                domains[i] = node_domain(record.kind);
                memcpy(pairs + 8 * i, work->digests + 4 * (uint64_t)record.a, 4 * sizeof(felt_t));
                if (NODE_CHILDREN[record.kind] == 2) memcpy(pairs + 8 * i + 4, work->digests + 4 * (uint64_t)record.b, 4 * sizeof(felt_t));
            }
            rpo_merge_many(pairs, domains, (size_t)chunk, pairs);
            for (uint64_t i = 0; i < chunk; i++) memcpy(work->digests + 4 * (uint64_t)work->order[start + i], pairs + 4 * i, 4 * sizeof(felt_t));
            start += chunk;
        }
    }
}

/* The first node whose digest is not the one in its record, or -1. */
NOINLINE int64_t digests_find_wrong(const DigestsC *work, const ColumnsC *columns) {
    for (uint64_t id = 0; id < work->node_count; id++) {
        NodeRecordC record = node_record(columns, id);
        if (memcmp(record.digest, work->digests + 4 * id, sizeof record.digest) != 0) return (int64_t)id;
    }
    return -1;
}

#endif
