/* When a node is translated, and where the result is kept: in the code, for all threads and runs. */
#ifndef MIDEN_TIER_HEAT_H
#define MIDEN_TIER_HEAT_H

#include "tier_run.h"

/* A translation costs what it saves in some dozens of passes. */
#define HOT_AFTER 24u
#define NO_REGION ((void *)1) /* not worth it: do not try again */
#define MANY_MISSES 16

/* Rows that may be translated for a code in all, so that nesting does not multiply the work. */
#define TRANSLATED_ROWS(code) (8 * (code)->op_count + 65536)

/* Translate a node; another thread may be faster. NULL: there is no region. */
NOINLINE RegionC *region_make(CodeC *code, HotC *hot, uint32_t id) {
    uint64_t rows = 0;
    RegionC *region = LOAD_COUNT(&hot->translated) < TRANSLATED_ROWS(code) ? translate(code, id, &rows) : NULL;
    ADD_COUNT(&hot->translated, rows);
    if (!publish_pointer(&hot->nodes[id].region, region ? (void *)region : NO_REGION)) {
        free(region);
        void *other = LOAD_POINTER(&hot->nodes[id].region);
        return other == NO_REGION ? NULL : other;
    }
    return region;
}

/* A region guesses wrong too often where its dyns lead: put it aside, so that one is made that does not guess there. Other
 * threads may still be in it. */
NOINLINE void region_retire(HotC *hot, uint32_t id, RegionC *region) {
    void *expected = region, *next = LOAD_POINTER(&hot->retired);
    if (!SET_POINTER(&hot->nodes[id].region, expected, NULL)) return;
    do {
        region->retired = next;
    } while (!SET_POINTER(&hot->retired, next, region));
}

/* The region of a node that is hot, or NULL. */
ALWAYS_INLINE RegionC *region_of(CodeC *code, uint32_t id) {
    HotC *hot = code_hot(code);
    if (UNLIKELY(!hot)) return NULL;
    RegionC *region = LOAD_POINTER(&hot->nodes[id].region);
    if (UNLIKELY(!region)) return region_make(code, hot, id);
    if (region == NO_REGION) return NULL;
    if (UNLIKELY(LOAD_COUNT(&region->misses) > MANY_MISSES)) {
        region_retire(hot, id, region);
        return NULL;
    }
    return region;
}

/* The region to run at the start of a node (of a loop: of its body), or NULL. */
ALWAYS_INLINE RegionC *region_find(MachineC *m, uint32_t id) {
    NodeC *node = &m->forest->nodes[id];
    uint32_t heat = LOAD_COUNT(&node->heat) + 1;
    if (LIKELY(heat < m->hot_after)) {
        STORE_COUNT(&node->heat, heat);
        m->tier_skip = 0;
        return NULL;
    }
    if (m->hot_after == 0) return NULL;
    if (UNLIKELY(m->tier_skip)) {
        m->tier_skip = 0;
        return NULL;
    }
    return region_of(m->forest, id);
}

/* Run a node in tier two: 0 if it has no region, or if the records that it may need could be too many. */
ALWAYS_INLINE int tier_run(MachineC *m, uint32_t id) {
    RegionC *region = region_find(m, id);
    if (!region) return 0;
    if (UNLIKELY(m->continuation_count + region->depth > m->continuation_capacity)) {
        uint64_t needed = m->continuation_count + region->depth;
        if (needed > m->max_continuations || continuations_grow(m, region->depth)) return 0;
    }
    region_run(m, region);
    return 1;
}

#endif
