/* Comparisons and what is made of them. The assembler spells them as differences of 32-bit numbers, and one of elements as two
 * of those; here they are one instruction again.
 */
#ifndef MIDEN_TIER_COMPARE_H
#define MIDEN_TIER_COMPARE_H

#include "tier_values.h"

/* The number with these halves, or -1 if that is nothing known. */
NOINLINE int32_t value_whole(TranslationC *t, int32_t high, int32_t low) {
    const InstructionC *made = made_by(t, high, U_HI32), *other = made_by(t, low, U_LO32);
    if (made) return other && made->in[0] == other->in[0] ? made->in[0] : -1;
    if (!is_constant(t, high)) return -1;
    if (is_constant(t, low)) return value_constant(t, t->values[high].constant << 32 | t->values[low].constant);
    return t->values[high].constant == 0 && t->values[low].max <= U32_MAX ? low : -1;
}

/* The difference that a value is the borrow of, and what was taken from what; NULL if it is none. */
NOINLINE const InstructionC *difference(TranslationC *t, int32_t id, int32_t operands[2]) {
    const InstructionC *made = made_by(t, id, U_USUB);
    if (made) {
        operands[1] = made->in[1];
    } else if ((made = made_by(t, id, U_USUBI)) != NULL) {
        operands[1] = value_constant(t, made->imm);
    }
    if (!made || made->out[0] != id) return NULL;
    operands[0] = made->in[0];
    return made;
}

/* a <= b if the difference borrows or is zero; -1 if that is not what the two say. */
NOINLINE int32_t value_at_most(TranslationC *t, int32_t borrow, int32_t zero) {
    int32_t operands[2];
    const InstructionC *made = difference(t, borrow, operands), *same = made_by(t, zero, U_EQZ);
    return made && same && same->in[0] == made->out[1] ? binary(t, U_GE, operands[1], operands[0], 1) : -1;
}

/* Elements are compared by halves: a < b, or a <= b, if that is so for the low ones and the high ones are the same, or if the
 * high one is less. The value that says so, or -1 if `above` and `tie` are something else. */
NOINLINE int32_t value_less(TranslationC *t, int32_t above, int32_t tie) {
    int32_t high[2], low[2];
    const InstructionC *both = made_by(t, tie, U_AND), *highs = difference(t, above, high);
    if (!both || !highs) return -1;
    const InstructionC *same = made_by(t, both->in[1], U_EQZ);
    int32_t less = both->in[0];
    if (!same) {
        same = made_by(t, both->in[0], U_EQZ);
        less = both->in[1];
    }
    if (!same || same->in[0] != highs->out[1]) return -1;
    const InstructionC *at_most = made_by(t, less, U_GE);
    if (at_most) low[0] = at_most->in[1], low[1] = at_most->in[0];
    else if (!difference(t, less, low)) return -1;
    int32_t a = value_whole(t, high[0], low[0]), b = value_whole(t, high[1], low[1]);
    if (a < 0 || b < 0) return -1;
    return at_most ? binary(t, U_GE, b, a, 1) : binary(t, U_LT, a, b, 1);
}

NOINLINE int32_t value_not(TranslationC *t, int32_t a) {
    static const uint16_t OPPOSITES[][2] = {
        {U_EQZ, U_NEZ}, {U_NEZ, U_EQZ}, {U_EQI, U_NEQI}, {U_NEQI, U_EQI}, {U_EQ, U_NEQ}, {U_NEQ, U_EQ}, {U_LT, U_GE}, {U_GE, U_LT},
    };
    check_at_most(t, a, 1);
    if (is_constant(t, a)) return value_constant(t, t->values[a].constant ^ 1);
    int32_t operands[2];
    if (difference(t, a, operands)) return binary(t, U_GE, operands[0], operands[1], 1);
    for (size_t i = 0; i < sizeof OPPOSITES / sizeof *OPPOSITES; i++) {
        const InstructionC *made = made_by(t, a, OPPOSITES[i][0]);
        if (!made) continue;
        InstructionC copy = *made, *opposite = instruction_new(t, OPPOSITES[i][1], 0, copy.imm);
        for (int k = 0; k < copy.in_count; k++) takes(opposite, copy.in[k]);
        return gives(t, opposite, 1);
    }
    return unary(t, U_XORI, 1, a, 1);
}

NOINLINE int32_t value_or(TranslationC *t, int32_t a, int32_t b) {
    if (is_constant(t, a)) SWAP_IDS(a, b);
    if (is_constant(t, b)) return t->values[b].constant ? b : a;
    int32_t less = value_less(t, a, b);
    if (less < 0) less = value_less(t, b, a);
    if (less < 0) less = value_at_most(t, a, b);
    if (less < 0) less = value_at_most(t, b, a);
    if (less >= 0) return less;
    return binary(t, U_OR, a, b, 1);
}

#endif
