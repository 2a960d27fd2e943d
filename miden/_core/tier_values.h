/* Values and instructions of a segment under translation, and the rules that make new values from old ones.
 *
 * Every value carries the largest number it can be, so that tests for 32 bits and for bits, carries and reductions vanish
 * where they cannot matter. A rule may leave an instruction unused; tier_emit.h drops it unless it has an effect.
 */
#ifndef MIDEN_TIER_VALUES_H
#define MIDEN_TIER_VALUES_H

#include "tier_uops.h"

#define SEGMENT_INSTRUCTIONS 1024
#define SEGMENT_VALUES 6000
#define SYMBOLIC_BIAS 256 /* place 0, the top at the start of a segment, in `symbols` */
#define SYMBOLIC_SIZE 2048
#define DEEPEST_REACH 100 /* a segment ends once it has looked so far below its start */
#define HIGHEST_REACH 1500
#define TRANSLATED_CONTINUATIONS 96
#define REGION_ROWS 32768

#define U32_MAX 0xffffffffULL
#define AT_END INT32_MAX
#define NO_PLACE INT16_MIN

enum ValueKind { VALUE_ENTRY, VALUE_CONSTANT, VALUE_RESULT };

typedef struct {
    uint64_t max;      /* bound of the value */
    uint64_t constant;
    int32_t definition; /* VALUE_RESULT: instruction */
    int32_t last;      /* last instruction that reads it; AT_END; -1: nobody */
    int32_t uses;
    int16_t place;     /* where it is, or NO_PLACE */
    int16_t wanted;    /* the first place where it ends up, or NO_PLACE */
    uint8_t kind;
} ValueC;

enum Effect { EFFECT_KEEP = 1, EFFECT_BAIL = 2, EFFECT_STORE = 4, EFFECT_ADVICE = 8, EFFECT_CALL = 16 };

typedef struct {
    uint64_t imm;
    int32_t in[5], out[4];
    uint16_t op;
    uint8_t in_count, out_count, effects;
} InstructionC;

/* What a cell of memory is known to hold: the one at the value `base` (-1: 0) plus `offset`. */
typedef struct {
    uint64_t offset;
    int32_t base, value;
} KnownC;

#define KNOWN_CELLS 8

/* A continuation, and how the translation goes on when it is taken up. */
typedef struct {
    uint32_t kind, node;
    int second;      /* FINISH_SPLIT: this is the second arm */
    int32_t skip;    /* FINISH_LOOP, first arm: branch that leads behind, or -1; second arm: jump out of the first, or -1 */
    int32_t head;    /* FINISH_LOOP: where the body starts */
    int inside;      /* FINISH_CALL, FINISH_DYN: of a call within the segment */
} FrameC;

/* A call within the segment (tier_calls.h). */
typedef struct {
    int32_t top, floor;    /* place of the top at its start, and of the deepest of its elements */
    int touches_memory, is_syscall;
    int32_t frame, frame_store; /* of the caller, as what follows */
    KnownC known[KNOWN_CELLS];
    uint32_t known_count;
} CalleeC;

#define INSIDE_CALLS 4       /* how deep calls within a segment may be nested */
#define INSIDE_OPERATIONS 96 /* operations of such a call, those of calls in it included */
#define INSIDE_NODES 16

typedef struct {
    CodeC *code;

    /* the region */
    UopC *uops;
    uint64_t uop_count, uop_capacity;
    ResumeC *resumes;
    uint64_t resume_count, resume_capacity;
    ContinuationC *continuations;
    uint64_t continuation_count, continuation_capacity;
    FrameC frames[TRANSLATED_CONTINUATIONS];
    uint32_t frame_count, deepest;
    uint64_t rows;
    int live;   /* the place that is being translated can be reached */
    int failed; /* no memory */

    /* the segment */
    int open;
    uint64_t segment;      /* its first micro-operation */
    uint32_t segment_rows;
    int32_t top, lowest, highest, reach; /* places: of the top; its extremes; deepest one looked at */
    int32_t value_count, instruction_count;
    int32_t stores;
    int32_t frame;       /* what the frame pointer is, or -1 */
    int32_t frame_store; /* the instruction that last stored it, or -1 */
    KnownC known[KNOWN_CELLS];
    uint32_t known_count; /* the last KNOWN_CELLS of these are kept */
    CalleeC callees[INSIDE_CALLS];
    int callee_count;
    int32_t hidden[INSIDE_OPERATIONS * INSIDE_CALLS]; /* what lies under the zeros that callees have let in, innermost last */
    int32_t hidden_count;
    int32_t symbols[SYMBOLIC_SIZE];
    ValueC values[SEGMENT_VALUES];
    InstructionC instructions[SEGMENT_INSTRUCTIONS];

    /* placement */
    int32_t free_places[SEGMENT_VALUES];
    int32_t free_count, next_place, dump;
    int32_t first_saved, last_saved, last_check;
    int32_t last_result; /* the value that the last micro-operation so far has left, or -1 */
} TranslationC;

ALWAYS_INLINE int32_t value_new(TranslationC *t, uint8_t kind, uint64_t max) {
    ValueC *value = &t->values[t->value_count];
    value->max = max;
    value->constant = 0;
    value->definition = -1;
    value->last = -1;
    value->uses = 0;
    value->place = NO_PLACE;
    value->wanted = NO_PLACE;
    value->kind = kind;
    return t->value_count++;
}

ALWAYS_INLINE int32_t value_constant(TranslationC *t, uint64_t constant) {
    int32_t id = value_new(t, VALUE_CONSTANT, constant);
    t->values[id].constant = constant;
    return id;
}

/* The value at a place; below everything seen so far it is what was there at the start. */
ALWAYS_INLINE int32_t *symbol(TranslationC *t, int32_t place) {
    while (place < t->reach) {
        int32_t id = value_new(t, VALUE_ENTRY, FELT_P - 1);
        t->reach--;
        t->values[id].place = (int16_t)t->reach;
        t->symbols[t->reach + SYMBOLIC_BIAS] = id;
    }
    return &t->symbols[place + SYMBOLIC_BIAS];
}

ALWAYS_INLINE int is_constant(const TranslationC *t, int32_t id) {
    return t->values[id].kind == VALUE_CONSTANT;
}

/* The instruction that makes a value if it is this one, or NULL. */
ALWAYS_INLINE InstructionC *made_by(TranslationC *t, int32_t id, uint16_t op) {
    int32_t definition = t->values[id].definition;
    return definition >= 0 && t->instructions[definition].op == op ? &t->instructions[definition] : NULL;
}

ALWAYS_INLINE InstructionC *instruction_new(TranslationC *t, uint16_t op, uint8_t effects, uint64_t imm) {
    InstructionC *instruction = &t->instructions[t->instruction_count++];
    instruction->op = op;
    instruction->effects = effects;
    instruction->imm = imm;
    instruction->in_count = instruction->out_count = 0;
    return instruction;
}

ALWAYS_INLINE void takes(InstructionC *instruction, int32_t id) {
    instruction->in[instruction->in_count++] = id;
}

ALWAYS_INLINE int32_t gives(TranslationC *t, InstructionC *instruction, uint64_t max) {
    int32_t id = value_new(t, VALUE_RESULT, max);
    t->values[id].definition = (int32_t)(instruction - t->instructions);
    instruction->out[instruction->out_count++] = id;
    return id;
}

ALWAYS_INLINE int32_t unary(TranslationC *t, uint16_t op, uint64_t imm, int32_t a, uint64_t max) {
    InstructionC *instruction = instruction_new(t, op, 0, imm);
    takes(instruction, a);
    return gives(t, instruction, max);
}

ALWAYS_INLINE int32_t binary(TranslationC *t, uint16_t op, int32_t a, int32_t b, uint64_t max) {
    InstructionC *instruction = instruction_new(t, op, 0, 0);
    takes(instruction, a);
    takes(instruction, b);
    return gives(t, instruction, max);
}

/* --- checks ----------------------------------------------------------------------------------------------------- */

ALWAYS_INLINE void always_bails(TranslationC *t) {
    instruction_new(t, U_BAIL, EFFECT_KEEP | EFFECT_BAIL, 0);
}

/* The value is at most `max`, which is U32_MAX or 1, from here on; two checks in a row are one. */
NOINLINE void check_at_most(TranslationC *t, int32_t id, uint64_t max) {
    ValueC *value = &t->values[id];
    if (value->max <= max) return;
    if (value->kind == VALUE_CONSTANT) {
        always_bails(t);
        return;
    }
    uint16_t single = max == 1 ? U_CHKB : U_CHK;
    InstructionC *last = t->instruction_count ? &t->instructions[t->instruction_count - 1] : NULL;
    if (last && last->op == single) {
        last->op = max == 1 ? U_CHKB2 : U_CHK2;
        takes(last, id);
    } else {
        takes(instruction_new(t, single, EFFECT_KEEP | EFFECT_BAIL, 0), id);
    }
    value->max = max;
}

NOINLINE void check_is_one(TranslationC *t, int32_t id) {
    const ValueC *value = &t->values[id];
    const InstructionC *made;
    InstructionC *check;
    if (value->kind == VALUE_CONSTANT) {
        if (value->constant != 1) always_bails(t);
        return;
    }
    check = instruction_new(t, U_CHK1, EFFECT_KEEP | EFFECT_BAIL, 0);
    if ((made = made_by(t, id, U_EQ)) != NULL) {
        check->op = U_CHKEQ;
        takes(check, made->in[0]);
        takes(check, made->in[1]);
    } else if ((made = made_by(t, id, U_EQI)) != NULL) {
        check->op = U_CHKEQI;
        check->imm = made->imm;
        takes(check, made->in[0]);
    } else if ((made = made_by(t, id, U_EQZ)) != NULL) {
        check->op = U_CHKZ;
        takes(check, made->in[0]);
    } else {
        takes(check, id);
    }
}

/* --- field ------------------------------------------------------------------------------------------------------ */

#define SWAP_IDS(a, b)       \
    do {                     \
        int32_t other_ = a;  \
        a = b;               \
        b = other_;          \
    } while (0)

ALWAYS_INLINE int log2_of(uint64_t power) {
    int log = 0;
    while (power >> (log + 1)) log++;
    return log;
}

/* a and b are both halves of x * 2^k, so their sum is x rotated by k. */
ALWAYS_INLINE const InstructionC *rotation(TranslationC *t, int32_t a, int32_t b) {
    const InstructionC *made = made_by(t, a, U_UMULI);
    if (!made || made != made_by(t, b, U_UMULI) || a == b || (made->imm & (made->imm - 1))) return NULL;
    return made;
}

/* The same sum, if it was made not long ago: addresses of locals are made again and again. */
ALWAYS_INLINE int32_t find_sum(const TranslationC *t, int32_t a, uint64_t constant) {
    int32_t oldest = t->instruction_count > 48 ? t->instruction_count - 48 : 0;
    for (int32_t i = t->instruction_count - 1; i >= oldest; i--) {
        const InstructionC *made = &t->instructions[i];
        if ((made->op == U_ADDI || made->op == U_PLUSI) && made->in[0] == a && made->imm == constant) return made->out[0];
    }
    return -1;
}

NOINLINE int32_t value_add(TranslationC *t, int32_t a, int32_t b) {
    const InstructionC *made;
    if (is_constant(t, a)) SWAP_IDS(a, b);
    if (is_constant(t, b)) {
        uint64_t constant = t->values[b].constant;
        if (is_constant(t, a)) return value_constant(t, felt_add(t->values[a].constant, constant));
        if ((made = made_by(t, a, U_ADDI)) != NULL || (made = made_by(t, a, U_PLUSI)) != NULL) {
            a = made->in[0];
            constant = felt_add(constant, made->imm);
        }
        if (constant == 0) return a;
        uint64_t max = t->values[a].max;
        int32_t same = find_sum(t, a, constant);
        if (same >= 0) return same;
        return max < FELT_P - constant ? unary(t, U_PLUSI, constant, a, max + constant) : unary(t, U_ADDI, constant, a, FELT_P - 1);
    }
    if ((made = rotation(t, a, b)) != NULL) return unary(t, U_ROTL, (uint64_t)log2_of(made->imm), made->in[0], U32_MAX);
    if ((made = made_by(t, b, U_NEG)) != NULL) return binary(t, U_SUB, a, made->in[0], FELT_P - 1);
    if ((made = made_by(t, a, U_NEG)) != NULL) return binary(t, U_SUB, b, made->in[0], FELT_P - 1);
    uint64_t max_a = t->values[a].max, max_b = t->values[b].max;
    return max_a < FELT_P - max_b ? binary(t, U_PLUS, a, b, max_a + max_b) : binary(t, U_ADD, a, b, FELT_P - 1);
}

NOINLINE int32_t value_mul(TranslationC *t, int32_t a, int32_t b) {
    if (is_constant(t, a)) SWAP_IDS(a, b);
    uint64_t max_a = t->values[a].max, max_b = t->values[b].max;
    int small = max_a <= U32_MAX && max_b <= U32_MAX; /* then the product is below p */
    if (is_constant(t, b)) {
        uint64_t constant = t->values[b].constant;
        if (is_constant(t, a)) return value_constant(t, felt_mul(t->values[a].constant, constant));
        if (constant <= 1) return constant ? a : b;
        return unary(t, U_MULI, constant, a, small ? max_a * constant : FELT_P - 1);
    }
    return small ? binary(t, U_TIMES, a, b, max_a * max_b) : binary(t, U_MUL, a, b, FELT_P - 1);
}

ALWAYS_INLINE int32_t value_neg(TranslationC *t, int32_t a) {
    if (is_constant(t, a)) return value_constant(t, felt_neg(t->values[a].constant));
    return unary(t, U_NEG, 0, a, FELT_P - 1);
}

NOINLINE int32_t value_eq(TranslationC *t, int32_t a, int32_t b) {
    if (is_constant(t, a)) SWAP_IDS(a, b);
    if (a == b) return value_constant(t, 1);
    if (is_constant(t, b)) {
        uint64_t constant = t->values[b].constant;
        if (is_constant(t, a)) return value_constant(t, t->values[a].constant == constant);
        if (constant > t->values[a].max) return value_constant(t, 0);
        return constant ? unary(t, U_EQI, constant, a, 1) : unary(t, U_EQZ, 0, a, 1);
    }
    return binary(t, U_EQ, a, b, 1);
}

/* --- 32 bits and bits: operands have been checked ------------------------------------------------------------------ */

/* All bits up to the highest of a bound. */
ALWAYS_INLINE uint64_t bits_of(uint64_t max) {
    for (int shift = 1; shift < 64; shift *= 2) max |= max >> shift;
    return max;
}

NOINLINE int32_t value_and(TranslationC *t, int32_t a, int32_t b) {
    if (is_constant(t, a)) SWAP_IDS(a, b);
    uint64_t max_a = t->values[a].max, max_b = t->values[b].max, max = max_a < max_b ? max_a : max_b;
    if (!is_constant(t, b)) return binary(t, U_AND, a, b, max);
    if (is_constant(t, a)) return value_constant(t, t->values[a].constant & t->values[b].constant);
    if (max_b == 0) return b;
    if (!(bits_of(max_a) & ~max_b)) return a;
    const InstructionC *made = made_by(t, a, U_LO32);
    if (made && max_b <= U32_MAX) a = made->in[0];
    return unary(t, U_ANDI, max_b, a, max);
}

NOINLINE int32_t value_xor(TranslationC *t, int32_t a, int32_t b) {
    if (is_constant(t, a)) SWAP_IDS(a, b);
    uint64_t max = bits_of(t->values[a].max | t->values[b].max);
    if (!is_constant(t, b)) return binary(t, U_XOR, a, b, max);
    if (is_constant(t, a)) return value_constant(t, t->values[a].constant ^ t->values[b].constant);
    return t->values[b].constant ? unary(t, U_XORI, t->values[b].constant, a, max) : a;
}

/* Two results, high part (or carry, borrow) first. */
typedef struct {
    int32_t high, low;
} PairC;

ALWAYS_INLINE PairC pair_of(TranslationC *t, InstructionC *instruction, uint64_t max_high, uint64_t max_low) {
    PairC pair;
    pair.high = gives(t, instruction, max_high);
    pair.low = gives(t, instruction, max_low);
    return pair;
}

/* A number known to fit, with 0 as its high part. */
ALWAYS_INLINE PairC pair_low(TranslationC *t, int32_t low) {
    PairC pair = {value_constant(t, 0), low};
    return pair;
}

NOINLINE PairC pair_split(TranslationC *t, int32_t a) {
    uint64_t max = t->values[a].max;
    if (is_constant(t, a)) return (PairC){value_constant(t, max >> 32), value_constant(t, max & U32_MAX)};
    if (max <= U32_MAX) return pair_low(t, a);
    return (PairC){unary(t, U_HI32, 0, a, max >> 32), unary(t, U_LO32, 0, a, U32_MAX)};
}

NOINLINE PairC pair_add(TranslationC *t, int32_t a, int32_t b) {
    if (is_constant(t, a)) SWAP_IDS(a, b);
    uint64_t max = t->values[a].max + t->values[b].max;
    if (is_constant(t, a)) return pair_split(t, value_add(t, a, b));
    if (max <= U32_MAX) return pair_low(t, value_add(t, a, b));
    InstructionC *sum = instruction_new(t, U_UADD, 0, 0);
    takes(sum, a);
    if (is_constant(t, b)) sum->op = U_UADDI, sum->imm = t->values[b].constant;
    else takes(sum, b);
    return pair_of(t, sum, 1, U32_MAX);
}

NOINLINE PairC pair_sub(TranslationC *t, int32_t a, int32_t b) {
    if (is_constant(t, b)) {
        uint64_t constant = t->values[b].constant, difference = t->values[a].constant - constant;
        if (is_constant(t, a)) return (PairC){value_constant(t, difference >> 63), value_constant(t, difference & U32_MAX)};
        InstructionC *instruction = instruction_new(t, U_USUBI, 0, constant);
        takes(instruction, a);
        return pair_of(t, instruction, 1, U32_MAX);
    }
    InstructionC *instruction = instruction_new(t, U_USUB, 0, 0);
    takes(instruction, a);
    takes(instruction, b);
    return pair_of(t, instruction, 1, U32_MAX);
}

NOINLINE PairC pair_mul(TranslationC *t, int32_t a, int32_t b) {
    if (is_constant(t, a)) SWAP_IDS(a, b);
    uint64_t max = t->values[a].max * t->values[b].max;
    if (is_constant(t, a)) return pair_split(t, value_mul(t, a, b));
    if (max <= U32_MAX) return pair_low(t, value_mul(t, a, b));
    InstructionC *product = instruction_new(t, U_UMUL, 0, 0);
    takes(product, a);
    if (is_constant(t, b)) product->op = U_UMULI, product->imm = t->values[b].constant;
    else takes(product, b);
    return pair_of(t, product, max >> 32, U32_MAX);
}

/* a + b + c, or a * b + c */
NOINLINE PairC pair_of_three(TranslationC *t, uint16_t op, int32_t a, int32_t b, int32_t c) {
    uint64_t max_a = t->values[a].max, max_b = t->values[b].max, max_c = t->values[c].max;
    uint64_t max = op == U_UADD3 ? max_a + max_b + max_c : max_a * max_b + max_c;
    if (max <= U32_MAX) return pair_low(t, value_add(t, op == U_UADD3 ? value_add(t, a, b) : value_mul(t, a, b), c));
    if (op == U_UMADD && is_constant(t, a)) SWAP_IDS(a, b);
    int by_constant = op == U_UMADD && is_constant(t, b);
    InstructionC *instruction = instruction_new(t, by_constant ? U_UMADDI : op, 0, by_constant ? t->values[b].constant : 0);
    takes(instruction, a);
    if (!by_constant) takes(instruction, b);
    takes(instruction, c);
    return pair_of(t, instruction, max >> 32, U32_MAX);
}

/* Quotient (as `high`) and remainder of a by b. */
NOINLINE PairC pair_div(TranslationC *t, int32_t a, int32_t b) {
    uint64_t max_a = t->values[a].max, max_b = t->values[b].max, divisor = t->values[b].constant;
    if (is_constant(t, b) && divisor) {
        if (is_constant(t, a)) return (PairC){value_constant(t, max_a / divisor), value_constant(t, max_a % divisor)};
        if (divisor == 1) return (PairC){a, value_constant(t, 0)};
        if (!(divisor & (divisor - 1))) {
            int32_t mask = value_constant(t, divisor - 1);
            return (PairC){unary(t, U_SHRI, (uint64_t)log2_of(divisor), a, max_a / divisor), value_and(t, a, mask)};
        }
        InstructionC *division = instruction_new(t, U_UDIVI, 0, divisor);
        takes(division, a);
        return pair_of(t, division, max_a / divisor, divisor - 1);
    }
    InstructionC *division = instruction_new(t, U_UDIV, EFFECT_KEEP | EFFECT_BAIL, 0);
    takes(division, a);
    takes(division, b);
    return pair_of(t, division, max_a, max_b);
}

#endif
