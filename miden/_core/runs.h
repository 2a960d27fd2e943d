/* Many runs of one program, by as many threads as like to help: each takes the next few inputs until none are left.
 *
 * A run that asks for something ends the work: whoever drives it from outside does the rest one by one.
 */
#ifndef MIDEN_RUNS_H
#define MIDEN_RUNS_H

#include "engine.h"

#if defined(_MSC_VER) && !defined(__clang__)
#define counter_add(counter, amount) ((uint64_t)_InterlockedExchangeAdd64((volatile long long *)(counter), (long long)(amount)))
#define counter_swap(counter, old, new) ((uint64_t)_InterlockedCompareExchange64((volatile long long *)(counter), (long long)(new), (long long)(old)) == (old))
#define counter_load(counter) (*(volatile uint64_t *)(counter))
#else
#define counter_add(counter, amount) __atomic_fetch_add((counter), (amount), __ATOMIC_RELAXED)
#define counter_swap(counter, old, new) __sync_bool_compare_and_swap((counter), (old), (new))
#define counter_load(counter) __atomic_load_n((counter), __ATOMIC_RELAXED)
#endif

#define RUNS_TAKEN 16        /* at a time */
#define RUNS_SLICE (1 << 18) /* cycles between looks at `end`; expensive rows end one earlier */
#define NOT_RUN -1

typedef struct {
    CodeC *code;
    uint32_t entrypoint;
    LimitsC limits;
    int hot_after_set;
    uint32_t hot_after;
    felt_t *kernel;             /* shared by the machines */
    uint64_t kernel_count;
    const felt_t *advice;       /* next popped last, as a machine has it */
    uint64_t advice_count;
    const uint64_t *inputs;     /* `count` rows of `width`, top first */
    uint64_t count, width;
    uint64_t *stacks, *cycles;  /* results: rows of 16, and one each */
    int32_t *statuses;          /* NOT_RUN where it was not run to its end */
    int stop_at_fault;
    uint64_t next;              /* first run that nobody has taken */
    uint64_t end;               /* runs from here on need not be done */
    uint64_t finished;
} RunsC;

ALWAYS_INLINE void runs_end_at(RunsC *runs, uint64_t end) {
    uint64_t seen = counter_load(&runs->end);
    while (end < seen && !counter_swap(&runs->end, seen, end)) seen = counter_load(&runs->end);
}

/* One run: its last status, or NOT_RUN if it was called off. */
NOINLINE int runs_one(RunsC *runs, uint64_t index, MachineC *m) {
    int status;
    for (uint64_t i = 0; i < runs->width; i++) *(m->sp - i) = runs->inputs[index * runs->width + i];
    if (runs->hot_after_set) m->hot_after = runs->hot_after;
    m->kernel = runs->kernel;
    m->kernel_count = runs->kernel_count;
    if (runs->advice_count) {
        m->advice = grow_array(NULL, &m->advice_capacity, runs->advice_count, sizeof *m->advice);
        if (!m->advice) return STATUS_NO_MEMORY;
        memcpy(m->advice, runs->advice, runs->advice_count * sizeof *m->advice);
        m->advice_count = runs->advice_count;
    }
    do {
        status = machine_run(m, RUNS_SLICE);
        if (status == STATUS_BUDGET && counter_load(&runs->end) <= index) return NOT_RUN;
    } while (status == STATUS_BUDGET);
    for (int i = 0; i < MIN_STACK_DEPTH && status == STATUS_DONE; i++) runs->stacks[MIN_STACK_DEPTH * index + i] = m->sp[-i];
    runs->cycles[index] = m->clk;
    return status;
}

/* Take runs and do them until none are left. */
NOINLINE void runs_work(RunsC *runs) {
    for (;;) {
        uint64_t first = counter_add(&runs->next, RUNS_TAKEN);
        for (uint64_t index = first; index < first + RUNS_TAKEN; index++) {
            if (index >= counter_load(&runs->end)) return;
            MachineC *m = machine_new(runs->code, runs->entrypoint, &runs->limits);
            int status = m ? runs_one(runs, index, m) : STATUS_NO_MEMORY;
            if (m) m->kernel = NULL;
            machine_free(m);
            runs->statuses[index] = status;
            if (status == NOT_RUN) return;
            if (status >= FIRST_FAULT && runs->stop_at_fault) runs_end_at(runs, index + 1);
            if (status != STATUS_DONE && status < FIRST_FAULT) runs_end_at(runs, 0);
            counter_add(&runs->finished, 1);
        }
    }
}

#endif
