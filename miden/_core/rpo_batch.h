/* Many RPO-256 hashes at once: merges of pairs, hashes of inputs of different lengths. Where the processor allows it
 * eight states go through the permutation together, or two; one call for one, two, eight takes 2.6, 2.9, 8.6 us (Zen 5).
 */
#ifndef MIDEN_RPO_BATCH_H
#define MIDEN_RPO_BATCH_H

#include <stdlib.h>

#include "rpo.h"

#define RPO_BATCH 8
/* A chain of blocks cannot be split over lanes. With T2 = 0.35 * T8 for a call of two and of eight, the longest chain of
 * m blocks among r blocks in all ends after m * T2 + (r - 2m) / 8 * T8 if it runs beside one other chain and the rest
 * goes through the lanes later, and not before m * T8 if all start in the lanes: chains first if r < 7.2 * m. */
#define RPO_CHAIN_FACTOR 7

/* Permute `count` states that lie one behind the other. */
NOINLINE void rpo_permute_many(felt_t *states, size_t count) {
    const RpoVariantC *variant = *rpo_selected;
    for (; count >= RPO_BATCH; count -= RPO_BATCH, states += RPO_BATCH * RPO_STATE) variant->permute_eight(states);
    if (count >= (size_t)variant->eight_worth) {
        felt_t lanes[RPO_BATCH * RPO_STATE] = {0};
        memcpy(lanes, states, count * RPO_STATE * sizeof(felt_t));
        variant->permute_eight(lanes);
        memcpy(states, lanes, count * RPO_STATE * sizeof(felt_t));
        return;
    }
    for (; count >= 2; count -= 2, states += 2 * RPO_STATE) variant->permute_two(states);
    if (count) variant->permute(states);
}

/* Merge `count` pairs of words, each in its domain. Digests may overwrite the pairs from the start on: every digest is
 * written after its pair was read, and not beyond it. */
NOINLINE void rpo_merge_many(const felt_t *pairs, const felt_t *domains, size_t count, felt_t *digests) {
    while (count) {
        size_t lanes = count < RPO_BATCH ? count : RPO_BATCH;
        felt_t states[RPO_BATCH * RPO_STATE] = {0};
        for (size_t i = 0; i < lanes; i++) {
            states[RPO_STATE * i + 1] = domains[i];
            memcpy(states + RPO_STATE * i + RPO_RATE, pairs + RPO_RATE_WIDTH * i, RPO_RATE_WIDTH * sizeof(felt_t));
        }
        rpo_permute_many(states, lanes);
        for (size_t i = 0; i < lanes; i++) memcpy(digests + 4 * i, states + RPO_STATE * i + RPO_RATE, 4 * sizeof(felt_t));
        pairs += RPO_RATE_WIDTH * lanes;
        domains += lanes;
        digests += 4 * lanes;
        count -= lanes;
    }
}

/* Elements to hash, and where the digest goes. */
typedef struct {
    const felt_t *elements;
    size_t count;
    felt_t *digest;
} RpoInputC;

/* An input that is being absorbed. */
typedef struct {
    felt_t state[RPO_STATE];
    const felt_t *next;
    size_t left; /* elements not absorbed yet */
    felt_t *digest;
} RpoChainC;

ALWAYS_INLINE size_t rpo_blocks(size_t elements) {
    return elements / RPO_RATE_WIDTH + (elements % RPO_RATE_WIDTH != 0);
}

ALWAYS_INLINE RpoChainC chain_start(const RpoInputC *input) {
    RpoChainC chain = {{input->count % RPO_RATE_WIDTH}, input->elements, input->count, input->digest};
    return chain;
}

/* Write the next block over the rate, filled up with zeros. */
ALWAYS_INLINE void chain_absorb(RpoChainC *chain) {
    size_t block = chain->left < RPO_RATE_WIDTH ? chain->left : RPO_RATE_WIDTH;
    memcpy(chain->state + RPO_RATE, chain->next, block * sizeof(felt_t));
    for (size_t i = block; i < RPO_RATE_WIDTH; i++) chain->state[RPO_RATE + i] = 0;
    chain->next += block;
    chain->left -= block;
}

/* Bring the two chains with most left to the front. */
ALWAYS_INLINE void chains_longest_first(RpoChainC *chains, int count) {
    for (int front = 0; front < 2 && front < count; front++) {
        int longest = front;
        for (int i = front + 1; i < count; i++) {
            if (chains[i].left > chains[longest].left) longest = i;
        }
        if (longest != front) {
            RpoChainC moved = chains[front];
            chains[front] = chains[longest];
            chains[longest] = moved;
        }
    }
}

/* Hash all inputs, which come longest first. A lane is refilled when its input ends; see RPO_CHAIN_FACTOR. */
NOINLINE void rpo_hash_sorted(const RpoInputC *inputs, size_t count) {
    RpoChainC chains[RPO_BATCH];
    felt_t states[RPO_BATCH * RPO_STATE];
    int active = 0;
    size_t started = 0, blocks = 0;
    for (size_t i = 0; i < count; i++) blocks += rpo_blocks(inputs[i].count);
    for (;;) {
        while (active < RPO_BATCH && started < count) {
            const RpoInputC *input = &inputs[started++];
            if (input->count) chains[active++] = chain_start(input);
            else memset(input->digest, 0, 4 * sizeof(felt_t));
        }
        if (active == 0) return;
        chains_longest_first(chains, active);
        int lanes = active;
        if (active > 2 && blocks / RPO_CHAIN_FACTOR < rpo_blocks(chains[0].left)) lanes = 2;
        for (int i = 0; i < lanes; i++) {
            chain_absorb(&chains[i]);
            memcpy(states + RPO_STATE * i, chains[i].state, sizeof chains[i].state);
        }
        rpo_permute_many(states, (size_t)lanes);
        blocks -= (size_t)lanes;
        for (int i = lanes - 1; i >= 0; i--) {
            if (chains[i].left) memcpy(chains[i].state, states + RPO_STATE * i, sizeof chains[i].state);
            else {
                memcpy(chains[i].digest, states + RPO_STATE * i + RPO_RATE, 4 * sizeof(felt_t));
                chains[i] = chains[--active];
            }
        }
    }
}

static int rpo_compare_inputs(const void *first, const void *second) {
    size_t a = ((const RpoInputC *)first)->count, b = ((const RpoInputC *)second)->count;
    return (a < b) - (a > b);
}

/* Put the inputs in the order that rpo_hash_sorted wants. */
NOINLINE void rpo_sort_inputs(RpoInputC *inputs, size_t count) {
    qsort(inputs, count, sizeof *inputs, rpo_compare_inputs);
}

/* Hash `count` rows of `width` elements that lie one behind the other. */
NOINLINE void rpo_hash_rows(const felt_t *rows, size_t count, size_t width, felt_t *digests) {
    RpoInputC inputs[RPO_BATCH];
    for (size_t start = 0; start < count; start += RPO_BATCH) {
        size_t lanes = count - start < RPO_BATCH ? count - start : RPO_BATCH;
        for (size_t i = 0; i < lanes; i++) {
            inputs[i] = (RpoInputC){width ? rows + (start + i) * width : NULL, width, digests + 4 * (start + i)};
        }
        rpo_hash_sorted(inputs, lanes);
    }
}

/* Deal sorted inputs out in two shares that take about the same time, both sorted; the first is the first `return
 * value` inputs. A share takes as long as its longest chain or as its blocks in lanes (see RPO_CHAIN_FACTOR), so the
 * longest go to different shares and the short ones fill up. */
NOINLINE size_t rpo_share_inputs(RpoInputC *inputs, size_t count, RpoInputC *spare) {
    size_t first = 0, second = 0, blocks[2] = {0, 0}, longest[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        size_t length = rpo_blocks(inputs[i].count), cost[2];
        for (int share = 0; share < 2; share++) {
            size_t top = longest[share] ? longest[share] : length, sum = blocks[share] + length;
            /* in eighths of a call for eight, as at RPO_CHAIN_FACTOR: 0.35 * 8 is nearly 3 */
            cost[share] = sum < RPO_CHAIN_FACTOR * top ? 3 * top + (sum > 2 * top ? sum - 2 * top : 0) : sum;
        }
        int share = cost[1] < cost[0];
        blocks[share] += length;
        if (!longest[share]) longest[share] = length;
        if (share) spare[second++] = inputs[i];
        else inputs[first++] = inputs[i];
    }
    memcpy(inputs + first, spare, second * sizeof *inputs);
    return first;
}

#endif
