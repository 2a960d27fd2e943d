/* When a node is translated, and where the result is kept: in the code, for all threads and runs. */
#ifndef MIDEN_TIER_HEAT_H
#define MIDEN_TIER_HEAT_H

#include "records.h"
#include "tier_run.h"

/* A translation costs what it saves in some dozens of passes. */
#define HOT_AFTER 24u
#define NO_REGION ((void *)1) /* not worth it: do not try again */

/* Rows that may be translated for a code in all, so that nesting does not multiply the work. */
#define TRANSLATED_ROWS(code) (4 * (code)->row_count + 65536)

#if defined(__GNUC__)
#define LOAD_REGION(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
#define LOAD_COUNT(place) __atomic_load_n(place, __ATOMIC_RELAXED)
#define STORE_COUNT(place, value) __atomic_store_n(place, value, __ATOMIC_RELAXED)
#define ADD_COUNT(place, value) __atomic_fetch_add(place, value, __ATOMIC_RELAXED)
ALWAYS_INLINE int publish_region(void **place, void *region) {
    void *nothing = NULL;
    return __atomic_compare_exchange_n(place, &nothing, region, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
#else
#define LOAD_REGION(place) (*(void *volatile *)(place))
#define LOAD_COUNT(place) (*(volatile uint32_t *)(place))
#define STORE_COUNT(place, value) ((void)(*(volatile uint32_t *)(place) = (value)))
#define ADD_COUNT(place, value) ((uint64_t)_InterlockedExchangeAdd64((volatile __int64 *)(place), (__int64)(value)))
ALWAYS_INLINE int publish_region(void **place, void *region) {
    return _InterlockedCompareExchangePointer((void *volatile *)place, region, NULL) == NULL;
}
#endif

/* Translate a node; another thread may be faster. NULL: there is no region. */
NOINLINE const RegionC *region_make(const CodeC *code, uint32_t id) {
    TierC *tier = code->tier;
    uint64_t rows = 0;
    RegionC *region = LOAD_COUNT(&tier->rows) < TRANSLATED_ROWS(code) ? translate(code, id, &rows) : NULL;
    ADD_COUNT(&tier->rows, rows);
    if (!publish_region(&tier->nodes[id].region, region ? (void *)region : NO_REGION)) {
        free(region);
        void *other = LOAD_REGION(&tier->nodes[id].region);
        return other == NO_REGION ? NULL : other;
    }
    return region;
}

/* The region to run at the start of a node (of a loop: of its body), or NULL. */
ALWAYS_INLINE const RegionC *region_find(MachineC *m, uint32_t id) {
    if (m->hot_after == 0) return NULL;
    if (UNLIKELY(m->tier_skip)) {
        m->tier_skip = 0;
        return NULL;
    }
    TierNodeC *node = &m->forest->tier->nodes[id];
    void *region = LOAD_REGION(&node->region);
    if (!region) {
        uint32_t heat = LOAD_COUNT(&node->heat) + 1;
        STORE_COUNT(&node->heat, heat);
        if (LIKELY(heat < m->hot_after)) return NULL;
        return region_make(m->forest, id);
    }
    return region == NO_REGION ? NULL : region;
}

/* Run a node in tier two: 0 if it has no region, or if the records that it may need could be too many. */
ALWAYS_INLINE int tier_run(MachineC *m, uint32_t id) {
    const RegionC *region = region_find(m, id);
    if (!region) return 0;
    if (UNLIKELY(m->continuation_count + region->depth > m->continuation_capacity)) {
        uint64_t needed = m->continuation_count + region->depth;
        if (needed > m->max_continuations || continuations_grow(m, region->depth)) return 0;
    }
    region_run(m, region);
    return 1;
}

#endif
