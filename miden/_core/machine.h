/* The state of one run. Read this first; then stack.h, memory.h and contexts.h, the ops_*.h by family, block.h (one basic block)
 * and engine.h (the traversal of nodes).
 *
 * A MachineC is plain data and owns all it points to except the codes, which its Python handle keeps alive. Every routine
 * that can fail returns a status: 0 (STATUS_DONE), a request, or a fault whose operands are left in `fault_values`. A
 * status other than 0 means that nothing has changed since before the row in question, so a request is answered by
 * executing the row again.
 */
#ifndef MIDEN_MACHINE_H
#define MIDEN_MACHINE_H

#include "code.h"
#include "status.h"

#define STATUS_OK STATUS_DONE

#define FMP_WORD (FMP_ADDR & ~3ULL) /* address of the word that holds the frame pointer; the last word there is */
#define ADDRESS_END 0x100000000ULL

#define PAGE_SHIFT 6
#define PAGE_CELLS 64
#define PAGE_WORDS 16
#define PAGE_BITS 26    /* of a page number */
#define PAGE_CACHE 64   /* slots of the page cache */
#define NO_PAGE UINT64_MAX
#define WORD_KEY 0x8000000000000000ULL

#define STACK_SLACK 16  /* zeros that are put below the stack when none are left there */
#define INITIAL_STACK 256
#define INITIAL_CONTINUATIONS 64
#define MAX_FAULT_VALUES 4
#define WORK_PER_RUN 5000000 /* see spend_work */

/* 64 consecutive cells of one context. */
typedef struct {
    felt_t cells[PAGE_CELLS];
    uint8_t written[PAGE_WORDS]; /* WORD_* of each word */
    uint64_t key;                /* context index << PAGE_BITS | page number */
} PageC;

enum WordState { WORD_UNTOUCHED, WORD_WRITTEN, WORD_ELSEWHERE };

/* A word on its own, where a whole page would be wasted (memory.h). */
typedef struct {
    felt_t cells[4];
    uint64_t key; /* WORD_KEY | context index << (PAGE_BITS + 4) | address >> 2 */
} WordC;

/* An entry of the table of pages; the key says which it is. */
typedef struct {
    uint64_t key; /* NO_PAGE: empty */
    union {
        PageC *page;
        WordC *word;
    };
} PageSlotC;

/* Pages and words are allocated by the slab and never move. */
typedef struct SlabC {
    struct SlabC *previous;
    uint32_t used, size;
    PageC pages[];
} SlabC;

typedef struct WordSlabC {
    struct WordSlabC *previous;
    uint32_t used, size;
    WordC words[];
} WordSlabC;

/* The frame-pointer word of a context that was left with another one than it was opened with. */
typedef struct {
    felt_t cells[4];  /* FMP_WORD .. FMP_WORD + 3 */
    uint64_t context; /* index; 0: empty */
} FrameWordC;

/* What to do after the node in progress (processor.md section 2.1); BLOCK and the ones behind it are ours. */
enum ContinuationKind {
    CONT_START,
    CONT_FINISH_JOIN,
    CONT_FINISH_SPLIT,
    CONT_FINISH_LOOP,
    CONT_FINISH_CALL,
    CONT_FINISH_DYN,
    CONT_FINISH_EXTERNAL,
    CONT_ENTER_FOREST, /* `node` is an index of `codes` */
    CONT_BLOCK,        /* a block after its SPAN row; MachineC.row is its next row */
    CONT_SKIPPED_LOOP, /* END row of a loop whose body never ran */
    CONT_AFTER_BLOCK,  /* decorators behind the last operation of a block */
    CONT_AFTER_EXIT,   /* decorators that run when a node has ended */
};

typedef struct {
    uint32_t kind;
    uint32_t node; /* in the code that is current when the record is reached */
} ContinuationC;

/* A caller's context. Its overflow stays where it is in the stack buffer; positions are offsets into that. */
typedef struct {
    uint64_t sp, floor, low;
    uint64_t context; /* index */
    felt_t fn_hash[4];
    felt_t frame[4];  /* what `user_frame` was */
} CallC;

/* A circuit in memory that is being evaluated: inputs are read where they lie, outputs of gates are kept. */
typedef struct {
    uint64_t pointer, inputs, gates;
    ext2_t *outputs;
    uint64_t done, capacity; /* done 0: none is under way */
} CircuitC;

/* A procedure that the driver has found for an external node or a dyn. */
typedef struct {
    felt_t digest[4];
    uint32_t from_code;
    uint32_t request;  /* STATUS_EXTERNAL or STATUS_DYN; 0: empty */
    uint32_t code, root;
} ResolutionC;

/* Answers that are known before a run, by digest alone: the slots of `table` have from_code 0 and request 1, their codes
 * count from the first of `codes`. Never changed once a machine has it. */
typedef struct {
    ResolutionC *table;      /* open addressing, at most half full */
    uint32_t *numbers;       /* of the links, by slot */
    CodeC **codes;
    uint64_t *bytes;         /* what the forest of each code counts as fetched */
    uint64_t size, count, code_count;
} LinksC;

typedef struct {
    /* operand stack: element i is sp[-i]; grows upwards in one buffer */
    felt_t *sp;         /* the top */
    felt_t *sp_min;     /* lowest place of the top at which the depth is still 16: floor + 15 */
    felt_t *sp_max;     /* highest place of the top without a larger buffer or a fault */
    felt_t *floor;      /* deepest element of the current context */
    felt_t *low;        /* cells from here up to `floor` are zero and free to become part of the stack */
    felt_t *stack;      /* the buffer */

    /* memory of the current context */
    uint64_t context_key;  /* context index << PAGE_BITS */
    felt_t *frame;         /* its cells FMP_WORD .. FMP_WORD + 3: root_frame or user_frame */
    felt_t root_frame[4];
    felt_t user_frame[4];  /* of the innermost context that is not the root */
    int has_root_frame;    /* 1 once that word was written; other contexts are opened with theirs */
    PageSlotC page_cache[PAGE_CACHE];

    /* clock: in a block, that of a row is block_clk + its position */
    uint64_t block_clk;      /* clock of the SPAN row */
    uint32_t block;          /* the node */
    uint64_t clk;            /* next row, at every stop and outside of blocks */
    uint64_t stop;           /* no row at or after this clock in the current call of run */
    uint64_t max_cycles;

    /* advice stack: the next element to be popped is advice[advice_count - 1] */
    felt_t *advice;
    uint64_t advice_count, advice_capacity;

    /* control */
    CodeC *forest;               /* current: codes[code] */
    ContinuationC *continuations;
    uint64_t continuation_count;
    uint64_t continuation_capacity;  /* what may be used: never above max_continuations */
    CallC *calls;
    uint64_t call_count, call_capacity;
    CodeC **codes;
    uint32_t code, code_count, code_capacity;
    uint32_t entrypoint;
    uint32_t row;                /* next row of the block in progress, at a stop */
    uint32_t hot_after;          /* starts of a node until it is translated (tier_heat.h); 0: never */
    int tier_skip;               /* the next node that is started is the plain engine's */
    felt_t fn_hash[4];           /* digest of the procedure that opened the current user context */
    felt_t *kernel;              /* digests of the kernel's procedures */
    uint64_t kernel_count;
    felt_t transcript[4];        /* state of the precompile transcript */

    /* memory of all contexts */
    uint32_t *contexts;          /* ids, by index, ascending: clock of the call + 1, and 0 for the root */
    uint64_t context_count, context_capacity;
    FrameWordC *frames;          /* open addressing, at most half full */
    uint64_t frame_count, frame_size;
    PageSlotC *page_table;       /* open addressing, at most half full */
    uint64_t page_table_used, page_table_size;
    uint64_t page_seed;          /* keeps programs from choosing colliding pages */
    uint64_t page_count;
    uint64_t page_elements;      /* of the words that are on pages */
    SlabC *slabs;
    WordSlabC *word_slabs;
    uint64_t memory_elements;    /* 4 for every word written */
    PageC zero_page;             /* what reads see where nothing was written */
    PageC view;                  /* what stands for a page of words on their own: the last one looked at is in its place */

    /* sizes and limits */
    uint64_t stack_capacity;     /* elements of the buffer */
    uint64_t saved_overflow;     /* elements of all callers below their callees' 16 */
    uint64_t max_stack, max_memory, max_continuations;
    uint64_t work;               /* nanoseconds, roughly, that expensive operations took in this call of run */

    CircuitC circuit;            /* when a stop came in the middle of one */

    /* talk with the driver */
    ResolutionC *resolutions;    /* open addressing, at most half full */
    uint64_t resolution_count, resolution_size;
    const LinksC *links;         /* or NULL */
    uint8_t *links_taken;        /* which were used, and then: which of their codes */
    uint64_t links_left, links_bytes_left; /* how many more may be, and how large their forests */
    uint32_t links_base;         /* index of their first code */
    felt_t request_digest[4];
    felt_t *path;                /* Merkle path supplied, leaf first */
    uint64_t path_length;
    int has_path;
    felt_t root[4];              /* in place of a path: the root asked for */
    int has_root;
    int has_answer;              /* EXTERNAL or DYN was answered: */
    uint32_t answer_code, answer_root;
    int event_served;            /* the event of the current EMIT was served */
    int decorated;               /* the decorators before the next row were run */
    int debug;                   /* decorators are visible */
    int last, finished;          /* last status; whether it is final */
    uint32_t node_id;            /* where the last stop was */
    int64_t op_index;
    int decorator_slot;
    int fault_count;
    uint64_t fault_values[MAX_FAULT_VALUES];
} MachineC;

enum DecoratorSlot { SLOT_BEFORE_ENTER, SLOT_BEFORE_OP, SLOT_AFTER_EXIT };

/* Leave a fault with its operands (miden/status.py names them) and return it. */
NOINLINE int fault(MachineC *m, int status, int count, uint64_t v0, uint64_t v1, uint64_t v2, uint64_t v3) {
    uint64_t values[MAX_FAULT_VALUES] = {v0, v1, v2, v3};
    memcpy(m->fault_values, values, sizeof values);
    m->fault_count = count;
    return status;
}

ALWAYS_INLINE int fault0(MachineC *m, int status) {
    return fault(m, status, 0, 0, 0, 0, 0);
}

ALWAYS_INLINE int fault1(MachineC *m, int status, uint64_t value) {
    return fault(m, status, 1, value, 0, 0, 0);
}

/* Account for an operation that takes far longer than a row should. Once a call of run has done enough of them it stops
 * with BUDGET before the next one, however many rows it was given, so that whoever slices a run stays in control. */
ALWAYS_INLINE int spend_work(MachineC *m, uint64_t nanoseconds) {
    if (UNLIKELY(m->work >= WORK_PER_RUN)) return STATUS_BUDGET;
    m->work += nanoseconds;
    return STATUS_OK;
}

ALWAYS_INLINE uint64_t mix64(uint64_t x) {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return x ^ (x >> 33);
}

/* Make an array of `size`-byte items hold at least `needed`, doubling; the array pointer, or NULL without memory. */
NOINLINE void *grow_array(void *array, uint64_t *capacity, uint64_t needed, size_t size) {
    uint64_t wanted = *capacity < 16 ? 16 : *capacity;
    while (wanted < needed) {
        if (wanted > UINT64_MAX / 2) return NULL;
        wanted *= 2;
    }
    if (wanted > SIZE_MAX / size) return NULL;
    void *larger = realloc(array, (size_t)wanted * size);
    if (larger) *capacity = wanted;
    return larger;
}

#endif
