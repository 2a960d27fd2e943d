/* What threads that share a code may change without a lock: pointers that are set once, and counters that need not be right
 * to the last. */
#ifndef MIDEN_ATOMICS_H
#define MIDEN_ATOMICS_H

#include "felt.h"

#if defined(__GNUC__)
#define LOAD_POINTER(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
#define LOAD_COUNT(place) __atomic_load_n(place, __ATOMIC_RELAXED)
#define STORE_COUNT(place, value) __atomic_store_n(place, value, __ATOMIC_RELAXED)
#define ADD_COUNT(place, value) __atomic_fetch_add(place, value, __ATOMIC_RELAXED)
#define SET_POINTER(place, nothing, value) __atomic_compare_exchange_n(place, &(nothing), value, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#else
#define LOAD_POINTER(place) (*(void *volatile *)(place))
#define LOAD_COUNT(place) (*(volatile uint32_t *)(place))
#define STORE_COUNT(place, value) ((void)(*(volatile uint32_t *)(place) = (value)))
#define ADD_COUNT(place, value) ((uint64_t)_InterlockedExchangeAdd64((volatile __int64 *)(place), (__int64)(value)))
#define SET_POINTER(place, nothing, value) set_pointer((void *volatile *)(place), &(nothing), value)

ALWAYS_INLINE int set_pointer(void *volatile *place, void **expected, void *value) {
    void *before = _InterlockedCompareExchangePointer(place, value, *expected);
    int set = before == *expected;
    *expected = before;
    return set;
}
#endif

/* Set a pointer that is NULL; 0 if another thread was faster. */
ALWAYS_INLINE int publish_pointer(void **place, void *value) {
    void *nothing = NULL;
    return SET_POINTER(place, nothing, value);
}

#endif
