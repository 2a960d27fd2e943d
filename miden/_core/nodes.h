/* Inner nodes of Merkle trees by digest (processor.md sections 5.3 and 5.4): an array in the order of insertion and an index
 * of it by open addressing.
 *
 * A node that was hashed here is known to be right; one that was handed in is so once it has been hashed. A path over
 * nodes that are right needs no hashing again: it leads where its nodes say.
 */
#ifndef MIDEN_NODES_H
#define MIDEN_NODES_H

#include "machine.h"
#include "rpo_batch.h"

#define MAX_TREE_DEPTH 64
#define FIRST_SLOTS 64

typedef struct {
    felt_t digest[4];
    felt_t children[2][4]; /* left, right */
    uint64_t hashed;       /* 1: the digest is known to be that of the children */
} TreeNodeC;

typedef struct NodeTableC {
    const struct NodeTableC *fresh; /* nodes that every store has, or NULL; own ones hide them */
    TreeNodeC *nodes;
    uint64_t count, capacity;
    uint32_t *slots;                /* position in `nodes` + 1; 0: empty */
    uint64_t size;                  /* of slots, a power of two, at least twice the count */
    uint64_t seed;
} NodeTableC;

/* The way from the root down to a node: the nodes passed, root first, as copies. */
typedef struct {
    uint64_t depth, index;
    felt_t leaf[4];
    TreeNodeC nodes[MAX_TREE_DEPTH];
} TreePathC;

ALWAYS_INLINE uint32_t *node_slot(const NodeTableC *table, const felt_t digest[4]) {
    uint64_t position = mix64(digest[0] ^ mix64(digest[1] ^ table->seed)) & (table->size - 1);
    while (table->slots[position] && memcmp(table->nodes[table->slots[position] - 1].digest, digest, 4 * sizeof(felt_t)) != 0) {
        position = (position + 1) & (table->size - 1);
    }
    return &table->slots[position];
}

/* A node, or NULL; good until one is added. */
ALWAYS_INLINE TreeNodeC *node_find(const NodeTableC *table, const felt_t digest[4]) {
    for (; table; table = table->fresh) {
        uint32_t slot = table->size ? *node_slot(table, digest) : 0;
        if (slot) return &table->nodes[slot - 1];
    }
    return NULL;
}

/* Make room for one more node: 0, or -1 without memory. */
NOINLINE int node_reserve(NodeTableC *table) {
    if (table->count == table->capacity) {
        if (table->count >= UINT32_MAX / 2) return -1;
        TreeNodeC *larger = grow_array(table->nodes, &table->capacity, table->count + 1, sizeof *larger);
        if (!larger) return -1;
        table->nodes = larger;
    }
    if (2 * (table->count + 1) > table->size) {
        uint64_t size = table->size ? 2 * table->size : FIRST_SLOTS;
        uint32_t *slots = calloc(size, sizeof *slots);
        if (!slots) return -1;
        free(table->slots);
        table->slots = slots;
        table->size = size;
        for (uint64_t i = 0; i < table->count; i++) *node_slot(table, table->nodes[i].digest) = (uint32_t)(i + 1);
    }
    return 0;
}

/* Add a node, or replace its children, which keeps its place: 0, or -1 without memory. */
NOINLINE int node_put(NodeTableC *table, const TreeNodeC *node) {
    if (node_reserve(table)) return -1;
    uint32_t *slot = node_slot(table, node->digest);
    if (!*slot) {
        table->nodes[table->count++] = *node;
        *slot = (uint32_t)table->count;
        return 0;
    }
    TreeNodeC *known = &table->nodes[*slot - 1];
    int hashed = node->hashed || (known->hashed && memcmp(known->children, node->children, sizeof node->children) == 0);
    *known = *node;
    known->hashed = hashed;
    return 0;
}

NOINLINE void node_table_clear(NodeTableC *table) {
    free(table->nodes);
    free(table->slots);
    table->nodes = NULL;
    table->slots = NULL;
}

/* Walk from a root to (depth, index), which is in range; 0 if a node on the way, the root first of all, is not there. */
NOINLINE int path_find(const NodeTableC *table, const felt_t root[4], uint64_t depth, uint64_t index, TreePathC *path) {
    const TreeNodeC *node = node_find(table, root);
    path->depth = depth;
    path->index = index;
    memcpy(path->leaf, root, sizeof path->leaf);
    if (!node) return 0;
    for (uint64_t level = 0; level < depth; level++) {
        if (level) node = node_find(table, path->leaf);
        if (!node) return 0;
        path->nodes[level] = *node;
        memcpy(path->leaf, node->children[index >> (depth - 1 - level) & 1], sizeof path->leaf);
    }
    return 1;
}

/* Hash the nodes of a path that are not known to be right, side by side; whether all of them are. */
NOINLINE int path_check(TreePathC *path) {
    static const felt_t DOMAINS[MAX_TREE_DEPTH] = {0};
    felt_t pairs[MAX_TREE_DEPTH][2][4];
    uint64_t levels[MAX_TREE_DEPTH], count = 0;
    for (uint64_t level = 0; level < path->depth; level++) {
        if (path->nodes[level].hashed) continue;
        memcpy(pairs[count], path->nodes[level].children, sizeof pairs[count]);
        levels[count++] = level;
    }
    if (!count) return 1;
    rpo_merge_many(pairs[0][0], DOMAINS, count, pairs[0][0]);
    int right = 1;
    for (uint64_t i = 0; i < count; i++) {
        TreeNodeC *node = &path->nodes[levels[i]];
        node->hashed = memcmp(pairs[0][0] + 4 * i, node->digest, sizeof node->digest) == 0;
        right &= (int)node->hashed;
    }
    return right;
}

/* The nodes of the tree with another leaf. Old nodes that are not known to be right are hashed beside the new ones, which
 * costs next to nothing; whether all of them are. */
NOINLINE int path_replace(TreePathC *path, const felt_t leaf[4], TreeNodeC *nodes, felt_t root[4]) {
    int right = 1;
    felt_t left[2][4], other[2][4], digests[2][4];
    memcpy(root, leaf, 4 * sizeof(felt_t));
    for (uint64_t level = path->depth; level-- > 0;) {
        TreeNodeC *old = &path->nodes[level], *new = &nodes[level];
        uint64_t side = path->index >> (path->depth - 1 - level) & 1;
        memcpy(new->children[side], root, sizeof new->children[side]);
        memcpy(new->children[!side], old->children[!side], sizeof new->children[side]);
        new->hashed = 1;
        if (old->hashed) {
            rpo_merge(new->children[0], new->children[1], root);
        } else {
            memcpy(left[0], new->children[0], sizeof left[0]);
            memcpy(other[0], new->children[1], sizeof other[0]);
            memcpy(left[1], old->children[0], sizeof left[1]);
            memcpy(other[1], old->children[1], sizeof other[1]);
            rpo_merge_two((const felt_t(*)[4])left, (const felt_t(*)[4])other, digests);
            memcpy(root, digests[0], sizeof digests[0]);
            old->hashed = memcmp(digests[1], old->digest, sizeof old->digest) == 0;
            right &= (int)old->hashed;
        }
        memcpy(new->digest, root, sizeof new->digest);
    }
    return right;
}

/* Remember which nodes of a path were found to be right. */
NOINLINE void path_remember(NodeTableC *table, const TreePathC *path) {
    for (uint64_t level = 0; level < path->depth; level++) {
        const TreeNodeC *node = &path->nodes[level];
        uint32_t slot = node->hashed && table->size ? *node_slot(table, node->digest) : 0;
        if (!slot) continue;
        TreeNodeC *known = &table->nodes[slot - 1];
        if (memcmp(known->children, node->children, sizeof node->children) == 0) known->hashed = 1;
    }
}

#endif
