/* RPO-256 on AVX2, for x86-64 without the 52-bit multiply-add. A product of 64 bits takes four of 32 here, and vectors alone
 * are hardly faster than scalar code. But the two use different ports: eight elements of a state go in two vectors while the
 * other four are multiplied as scalars (14 cycles for a square of all twelve, 17 with three vectors, 27 as scalars; Zen 3).
 * Two states are five vectors and four scalars.
 *
 * Redo. One step of the reduction borrows once in 2^32 products. It is not corrected but noted, and a permutation in which
 * it happened is computed again by the scalar code. */
#ifndef MIDEN_RPO_AVX2_H
#define MIDEN_RPO_AVX2_H

#include "rpo.h"
#include "vectors.h"

#if CPU_X86_64

#define AVX2_TARGET __attribute__((target("avx2")))
#define AVX2_FUNCTION static __attribute__((noinline, unused)) AVX2_TARGET
#define VECTOR_INLINE static inline __attribute__((always_inline, unused)) AVX2_TARGET

#define V u64x4_t
#define SPREAD(x) ((V)_mm256_set1_epi64x((int64_t)(x)))
#define LOAD4(p) ((V)_mm256_loadu_si256((const __m256i *)(p)))
#define STORE4(p, x) _mm256_storeu_si256((__m256i *)(p), (__m256i)(x))
#define ROTATE(x, n) ((V)_mm256_permute4x64_epi64((__m256i)(x), LANES_ROTATED_##n))
#define BLEND(mask, x, y) ((V)_mm256_blend_epi32((__m256i)(x), (__m256i)(y), ((mask) & 2 ? 0x0c : 0) | ((mask) & 4 ? 0x30 : 0)))

/* The product of the lower halves of lanes. */
#define MUL_LOW(x, y) ((V)_mm256_mul_epu32((__m256i)(x), (__m256i)(y)))
/* The upper halves of lanes in place of the lower ones. */
#define UPPER(x) ((V)_mm256_castps_si256(_mm256_movehdup_ps(_mm256_castsi256_ps((__m256i)(x)))))
/* All ones in the upper half of a lane where that of x is greater than that of y, both signed; there is no other comparison
 * of 64 bits that is cheap. The lower half is of no use. */
#define UPPER_GREATER(x, y) ((V)_mm256_cmpgt_epi32((__m256i)(x), (__m256i)(y)))
/* Added to the operands of a comparison: unsigned order becomes signed order. */
#define AVX2_BIAS SPREAD(1ULL << 63)

#define NAME(x) x##_avx2
#include "rpo_columns.h"
#include "rpo_lanes.h"
#undef NAME

/* sum + 2^32 - 1 in lanes where adding to `biased` carried; the sum must then be far enough below 2^64, and the addend so
 * that the upper halves of `biased` and of the sum are never equal if it did. */
VECTOR_INLINE V avx2_carry(V biased, V sum) {
    return sum + (UPPER_GREATER(biased, sum) >> 32);
}

/* The value of high * 2^64 + biased low: felt_fold of felt.h. Takes and gives unbiased and biased as said; a borrow is
 * noted in the upper halves of `redo`. high = h1 * 2^32 + h0 and h0 * (2^32 - 1) <= 2^64 - 2^33 + 1: if it carries, the sum
 * is more than 2^32 below the operand. */
VECTOR_INLINE V avx2_fold(V high, V biased_low, V *redo) {
    V difference = biased_low - (high >> 32);
    *redo |= UPPER_GREATER(difference, biased_low);
    __asm__ volatile("" : "+x"(*redo)); /* now, not later: until then both operands would have to be kept */
    return avx2_carry(difference, difference + MUL_LOW(high, SPREAD(FELT_EPSILON))) ^ AVX2_BIAS;
}

/* x = u * 2^32 + l: x^2 = l^2 + (lu mod 2^31) * 2^33 + (u^2 + lu / 2^31) * 2^64. The second term is a multiple of 2^33, so
 * the upper halves alone tell whether it carries; it is at most 2^64 - 2^33 and l^2 is no more than that plus 1. */
VECTOR_INLINE V avx2_square(V x, V *redo) {
    V upper = UPPER(x), cross = MUL_LOW(x, upper);
    V biased = MUL_LOW(x, x) ^ AVX2_BIAS;
    V low = avx2_carry(biased, biased + (cross << 33));
    return avx2_fold(MUL_LOW(upper, upper) + (cross >> 31), low, redo);
}

VECTOR_INLINE V avx2_mul(V x, V y, V *redo) {
    V x_upper = UPPER(x), y_upper = UPPER(y);
    V low = MUL_LOW(x, y);
    V first = MUL_LOW(x_upper, y) + (low >> 32); /* neither sum reaches 2^64 */
    V second = MUL_LOW(x, y_upper) + (first & FELT_EPSILON);
    V high = MUL_LOW(x_upper, y_upper) + (first >> 32) + (second >> 32);
    low = (V)_mm256_blend_epi32((__m256i)low, (__m256i)(second << 32), 0xaa);
    return avx2_fold(high, low ^ AVX2_BIAS, redo);
}

/* What the matrix made of the halves of elements, and a constant, to elements: as rpo_linear of rpo.h. */
VECTOR_INLINE V avx2_join(V low, V high, V added) {
    V a = low + (added & FELT_EPSILON), b = high + (added >> 32);
    V above = b >> 32, small = a + ((above << 32) - above); /* below 2^41 */
    V biased = (b << 32) ^ AVX2_BIAS;
    return avx2_carry(biased, biased + small) ^ AVX2_BIAS;
}

/* columns := matrix * columns + constants */
VECTOR_INLINE void avx2_linear(V columns[3], const uint64_t constants[12]) {
    V rows[3] = {LOAD4(constants), LOAD4(constants + 4), LOAD4(constants + 8)};
    V added[3], low[3], high[3];
    columns_from_rows_avx2(rows, added);
    VECTOR_EACH(3) low[i] = columns[i] & FELT_EPSILON;
    VECTOR_EACH(3) high[i] = columns[i] >> 32;
    columns_matrix_avx2(low, low);
    columns_matrix_avx2(high, high);
    VECTOR_EACH(3) columns[i] = avx2_join(low[i], high[i], added[i]);
}

/* The same for one element of four states in each vector. */
VECTOR_INLINE void avx2_linear_lanes(V state[12], const uint64_t constants[12]) {
    V low[12], high[12];
    VECTOR_EACH(12) low[i] = state[i] & FELT_EPSILON;
    lanes_matrix_avx2(low, low);
    VECTOR_EACH(12) high[i] = state[i] >> 32;
    lanes_matrix_avx2(high, high);
    VECTOR_EACH(12) state[i] = avx2_join(low[i], high[i], SPREAD(constants[i]));
}

#define FE_SCALARS 4
/* Twelve elements and twenty-four: vectors, then four scalars, and where a product of theirs must be computed again. */
#define AVX2_STATES(SUFFIX, VECTORS)                                                                   \
    typedef struct {                                                                                   \
        V vectors[VECTORS], redo;                                                                      \
        uint64_t scalars[FE_SCALARS];                                                                  \
    } fe_##SUFFIX;                                                                                     \
                                                                                                       \
    VECTOR_INLINE fe_##SUFFIX fe_square_##SUFFIX(fe_##SUFFIX x) {                                      \
        VECTOR_EACH(VECTORS) x.vectors[i] = avx2_square(x.vectors[i], &x.redo);                        \
        VECTOR_EACH(FE_SCALARS) x.scalars[i] = felt_mul_lazy(x.scalars[i], x.scalars[i]);              \
        return x;                                                                                      \
    }                                                                                                  \
                                                                                                       \
    VECTOR_INLINE fe_##SUFFIX fe_mul_##SUFFIX(fe_##SUFFIX x, fe_##SUFFIX y) {                          \
        x.redo |= y.redo;                                                                              \
        VECTOR_EACH(VECTORS) x.vectors[i] = avx2_mul(x.vectors[i], y.vectors[i], &x.redo);             \
        VECTOR_EACH(FE_SCALARS) x.scalars[i] = felt_mul_lazy(x.scalars[i], y.scalars[i]);              \
        return x;                                                                                      \
    }                                                                                                  \
                                                                                                       \
    VECTOR_INLINE void fe_from_columns_##SUFFIX(fe_##SUFFIX *x, const V columns[(VECTORS) + 1]) {      \
        VECTOR_EACH(VECTORS) x->vectors[i] = columns[i];                                               \
        VECTOR_EACH(FE_SCALARS) x->scalars[i] = columns[VECTORS][i];                                   \
    }                                                                                                  \
                                                                                                       \
    VECTOR_INLINE void columns_from_fe_##SUFFIX(const fe_##SUFFIX *x, V columns[(VECTORS) + 1]) {      \
        VECTOR_EACH(VECTORS) columns[i] = x->vectors[i];                                               \
        columns[VECTORS] = (V){x->scalars[0], x->scalars[1], x->scalars[2], x->scalars[3]};            \
    }
AVX2_STATES(one, 2)
AVX2_STATES(two, 5)
#undef AVX2_STATES

#define CHAINS 1
#define fe_square_dense_one fe_square_one
#define fe_square_dense_two fe_square_two
#define NAME(x) x##_one
#include "rpo_chains.h"
#undef NAME
#define NAME(x) x##_two
#include "rpo_chains.h"
#undef NAME
#undef CHAINS

/* Permute `COUNT` states that lie one behind the other. */
#define AVX2_PERMUTE(FUNCTION, SUFFIX, COUNT)                                                              \
    AVX2_FUNCTION void FUNCTION(felt_t *states) {                                                          \
        V rows[3 * (COUNT)], columns[3 * (COUNT)];                                                         \
        fe_##SUFFIX x;                                                                                     \
        x.redo = SPREAD(0);                                                                                \
        VECTOR_EACH(3 * (COUNT)) rows[i] = LOAD4(states + 4 * i);                                          \
        VECTOR_EACH(COUNT) columns_from_rows_avx2(rows + 3 * i, columns + 3 * i);                          \
        for (int round = 0; round < RPO_ROUNDS; round++) {                                                 \
            VECTOR_EACH(COUNT) avx2_linear(columns + 3 * i, RPO_ARK1[round]);                              \
            fe_from_columns_##SUFFIX(&x, columns);                                                         \
            fe_power7_##SUFFIX(&x, 1);                                                                     \
            columns_from_fe_##SUFFIX(&x, columns);                                                         \
            VECTOR_EACH(COUNT) avx2_linear(columns + 3 * i, RPO_ARK2[round]);                              \
            fe_from_columns_##SUFFIX(&x, columns);                                                         \
            fe_root7_##SUFFIX(&x, 1);                                                                      \
            columns_from_fe_##SUFFIX(&x, columns);                                                         \
        }                                                                                                  \
        if (UNLIKELY(!_mm256_testz_si256((__m256i)x.redo, (__m256i)SPREAD(~FELT_EPSILON)))) {              \
            for (int i = 0; i < (COUNT); i++) rpo_permute_scalar(states + RPO_STATE * i);                  \
            return;                                                                                        \
        }                                                                                                  \
        VECTOR_EACH(COUNT) rows_from_columns_avx2(columns + 3 * i, rows + 3 * i);                          \
        VECTOR_EACH(3 * (COUNT)) STORE4(states + 4 * i, rows[i]);                                          \
        for (int i = 0; i < RPO_STATE * (COUNT); i++) states[i] = felt_canonical(states[i]);               \
    }
AVX2_PERMUTE(rpo_permute_avx2, one, 1)
AVX2_PERMUTE(rpo_permute_two_avx2, two, 2)
#undef AVX2_PERMUTE

/* An element of four states, and where its products note a borrow. */
typedef struct {
    V value, *redo;
} fe_lanes;

VECTOR_INLINE fe_lanes fe_square_lanes(fe_lanes x) {
    x.value = avx2_square(x.value, x.redo);
    return x;
}

VECTOR_INLINE fe_lanes fe_mul_lanes(fe_lanes x, fe_lanes y) {
    x.value = avx2_mul(x.value, y.value, x.redo);
    return x;
}

/* Six vectors at a time are busy without spilling. */
#define CHAINS 6
#define fe_square_dense_lanes fe_square_lanes
#define NAME(x) x##_lanes
#include "rpo_chains.h"
#undef NAME
#undef CHAINS

/* Permute four states, each 12 words behind the one before: with nothing to move between lanes, and vectors alone. */
AVX2_FUNCTION void avx2_permute_four(felt_t *states) {
    V state[12], redo = SPREAD(0);
    for (int i = 0; i < 12; i++) {
        state[i] = (V){states[i], states[RPO_STATE + i], states[2 * RPO_STATE + i], states[3 * RPO_STATE + i]};
    }
    for (int round = 0; round < RPO_ROUNDS; round++) {
        fe_lanes x[6];
        avx2_linear_lanes(state, RPO_ARK1[round]);
        for (int half = 0; half < 12; half += 6) {
            VECTOR_EACH(6) x[i] = (fe_lanes){state[half + i], &redo};
            fe_power7_lanes(x, 6);
            VECTOR_EACH(6) state[half + i] = x[i].value;
        }
        avx2_linear_lanes(state, RPO_ARK2[round]);
        for (int half = 0; half < 12; half += 6) {
            VECTOR_EACH(6) x[i] = (fe_lanes){state[half + i], &redo};
            fe_root7_lanes(x, 6);
            VECTOR_EACH(6) state[half + i] = x[i].value;
        }
    }
    if (UNLIKELY(!_mm256_testz_si256((__m256i)redo, (__m256i)SPREAD(~FELT_EPSILON)))) {
        for (int i = 0; i < 4; i++) rpo_permute_scalar(states + RPO_STATE * i);
        return;
    }
    for (int i = 0; i < 12; i++) {
        for (int lane = 0; lane < 4; lane++) states[RPO_STATE * lane + i] = felt_canonical(state[i][lane]);
    }
}

AVX2_FUNCTION void rpo_permute_eight_avx2(felt_t *states) {
    avx2_permute_four(states);
    avx2_permute_four(states + 4 * RPO_STATE);
}

#undef V
#undef SPREAD
#undef LOAD4
#undef STORE4
#undef ROTATE
#undef BLEND
#undef VECTOR_INLINE

#endif
#endif
