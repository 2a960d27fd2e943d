/* Field elements in the lanes of one vector type, on 52-bit multiply-add: the part of rpo_ifma.h that is written once
 * and included for 4 and for 8 lanes. No guard: the includer defines
 *     V             vector of 64-bit words
 *     NAME(x)       x with the suffix of the width
 *     MADD_LOW(a, x, y), MADD_HIGH(a, x, y)
 *                   a + low (high) 52 bits of the 104-bit product of the low 52 bits of x and of y
 *     LOAD4(p)      four words at p, in every group of four lanes; SPREAD(x) one word in all lanes
 *     ROTATE(x, n), BLEND(mask, x, y)    as rpo_columns.h wants them
 *
 * An element is low + high * 2^52, where of `low` only the low 52 bits count (the instruction ignores the rest, so they
 * are never cleared) and high <= HIGH_MAX = 3 * 2^20 + 2^12 + 2. Nothing is compared, selected or made canonical
 * between the first load and the last store.
 *
 * Reduction. A product is l0 + l1 * 2^52 + l2 * 2^104, where
 *     l0 <= 2^52 - 1, l1 <= 3 * (2^52 - 1), l2 <= HIGH_MAX^2 + 2 * HIGH_MAX < 9.1 * 2^40
 * (l1 sums up to three halves of products; the high half of low * high is at most `high`). To l0 and l1 is added
 * p = (2^52 - 2^32 + 1) + 4095 * 2^52. Then with h = l1 >> 12, at most 3 * 2^40:
 *     l1 * 2^52 = (l1 mod 2^12) * 2^52 + h * 2^64,  2^64 = 2^32 - 1,  2^104 = -2^8  (mod p)
 *     low  = l0 + low half of h * (2^32 - 1) - l2 * 2^8: not negative, since l2 * 2^8 < 0.57 * 2^52 < 2^52 - 2^32 + 1,
 *            and below 3 * 2^52
 *     high = l1 mod 2^12 + high half of h * (2^32 - 1) + low / 2^52 <= 2^12 - 1 + 3 * 2^20 + 2 < HIGH_MAX.
 */

typedef struct {
    V low, high;
} NAME(fe);

VECTOR_INLINE NAME(fe) NAME(fe_reduce)(V l0, V l1, V l2) {
    const V epsilon = SPREAD(FELT_EPSILON);
    V h = l1 >> 12;
    NAME(fe) x;
    x.low = MADD_LOW(l0, h, epsilon) - (l2 << 8);
    x.high = MADD_HIGH(l1 & 4095, h, epsilon) + (x.low >> 52);
    return x;
}

#define FE_P_LOW SPREAD(0xfffff00000001ULL) /* p mod 2^52 */
#define FE_P_HIGH SPREAD(0xfffULL)          /* p >> 52 */
#define FE_ZERO SPREAD(0)

/* 15 instructions. Doubling `low` for l1 but `high` for l2 is one more than needed, but `high` is the last to be ready:
 * one square after another then takes 4 multiply-add and shift latencies, 16 instead of 18 cycles on Zen 5. The low half
 * of (2 low mod 2^52) * high is that of 2 * low * high, and l2 takes the high half of low * (2 high): the same product. */
VECTOR_INLINE NAME(fe) NAME(fe_square)(NAME(fe) x) {
    V twice = x.high + x.high;
    V l1 = MADD_LOW(MADD_HIGH(FE_P_HIGH, x.low, x.low), x.low + x.low, x.high);
    V l0 = MADD_LOW(FE_P_LOW, x.low, x.low);
    V l2 = MADD_HIGH(MADD_LOW(FE_ZERO, x.high, x.high), x.low, twice);
    return NAME(fe_reduce)(l0, l1, l2);
}

/* The same with 14 instructions, for code that fills the ports. */
VECTOR_INLINE NAME(fe) NAME(fe_square_dense)(NAME(fe) x) {
    V twice = x.high + x.high;
    V l1 = MADD_LOW(MADD_HIGH(FE_P_HIGH, x.low, x.low), x.low, twice);
    V l0 = MADD_LOW(FE_P_LOW, x.low, x.low);
    V l2 = MADD_HIGH(MADD_LOW(FE_ZERO, x.high, x.high), x.low, twice);
    return NAME(fe_reduce)(l0, l1, l2);
}

VECTOR_INLINE NAME(fe) NAME(fe_mul)(NAME(fe) x, NAME(fe) y) {
    V l0 = MADD_LOW(FE_P_LOW, x.low, y.low);
    V l1 = MADD_LOW(MADD_LOW(MADD_HIGH(FE_P_HIGH, x.low, y.low), x.low, y.high), x.high, y.low);
    V l2 = MADD_HIGH(MADD_HIGH(MADD_LOW(FE_ZERO, x.high, y.high), x.low, y.high), x.high, y.low);
    return NAME(fe_reduce)(l0, l1, l2);
}

VECTOR_INLINE NAME(fe) NAME(fe_load)(V value) {
    NAME(fe) x = {value, value >> 52};
    return x;
}

/* The canonical value. The term for bits 12 and up of `high` (weight 2^64) is below 2^42, so if adding it carries, the
 * wrapped sum is that small and adding 2^32 - 1 neither carries again nor reaches p. */
VECTOR_INLINE V NAME(fe_canonical)(NAME(fe) x) {
    V above = x.high >> 12;
    V term = (above << 32) - above;
    V sum = (x.low & FE_LOW_MASK) + (x.high << 52) + term;
    sum += (V)(sum < term) & FELT_EPSILON;
    return sum - ((V)(sum >= FELT_P) & FELT_P);
}

/* After the matrix: any low < 2^60 and high < 2^31 to an element. high = q * 2^12 + r, q * 2^64 = q * (2^32 - 1) is
 * below 2^51, so its low half is all of it. The new `high` is below 2^12 + 2^9. */
VECTOR_INLINE NAME(fe) NAME(fe_carry)(V low, V high) {
    NAME(fe) x;
    x.low = MADD_LOW(low, high >> 12, SPREAD(FELT_EPSILON));
    x.high = (high & 4095) + (x.low >> 52);
    return x;
}

#include "rpo_columns.h"

/* state := matrix * state + constants */
VECTOR_INLINE void NAME(columns_linear)(NAME(fe) state[3], const uint64_t constants[12]) {
    V rows[3] = {LOAD4(constants), LOAD4(constants + 4), LOAD4(constants + 8)};
    V added[3], low[3], high[3], low_out[3], high_out[3];
    NAME(columns_from_rows)(rows, added);
    VECTOR_EACH(3) {
        low[i] = state[i].low & FE_LOW_MASK;
        high[i] = state[i].high;
    }
    NAME(columns_matrix)(low, low_out);
    NAME(columns_matrix)(high, high_out);
    VECTOR_EACH(3) state[i] = NAME(fe_carry)(low_out[i] + (added[i] & FE_LOW_MASK), high_out[i] + (added[i] >> 52));
}

#include "rpo_chains.h"

/* The permutation on rows, in place. */
VECTOR_INLINE void NAME(columns_permute)(V rows[3]) {
    V columns[3];
    NAME(fe) state[3];
    NAME(columns_from_rows)(rows, columns);
    VECTOR_EACH(3) state[i] = NAME(fe_load)(columns[i]);
    for (int round = 0; round < RPO_ROUNDS; round++) {
        NAME(columns_linear)(state, RPO_ARK1[round]);
        NAME(fe_power7)(state, 3);
        NAME(columns_linear)(state, RPO_ARK2[round]);
        NAME(fe_root7)(state, 3);
    }
    VECTOR_EACH(3) columns[i] = NAME(fe_canonical)(state[i]);
    NAME(rows_from_columns)(columns, rows);
}

#undef FE_P_LOW
#undef FE_P_HIGH
#undef FE_ZERO
