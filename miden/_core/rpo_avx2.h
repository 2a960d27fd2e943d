/* RPO-256 on AVX2 and BMI2, for x86-64 without the 52-bit multiply-add. A product of 64 bits takes four of 32, and vectors
 * alone are hardly faster than scalar code. But the two use different ports: eight elements of a state go in two vectors while
 * the other four are multiplied as scalars (17 cycles for a square of all twelve, 23 with three vectors, 37 as scalars; Zen 3).
 * Two states are five vectors and four scalars (15 cycles for twelve elements).
 *
 * Redo. Once in 2^31 products the lower word of a product is so small that the reduction of vectors may be wrong. That is not
 * corrected but noted, and a permutation in which it happened is computed again by the scalar code. */
#ifndef MIDEN_RPO_AVX2_H
#define MIDEN_RPO_AVX2_H

#include "rpo.h"
#include "vectors.h"

#if CPU_X86_64

#define AVX2_TARGET __attribute__((target("avx2,bmi2")))
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
/* Minimum, maximum and equality of halves of lanes, unsigned. */
#define HALVES_MIN(x, y) ((V)_mm256_min_epu32((__m256i)(x), (__m256i)(y)))
#define HALVES_MAX(x, y) ((V)_mm256_max_epu32((__m256i)(x), (__m256i)(y)))
#define HALVES_EQUAL(x, y) ((V)_mm256_cmpeq_epi32((__m256i)(x), (__m256i)(y)))

#define NAME(x) x##_avx2
#include "rpo_columns.h"
#undef NAME

/* The value of high * 2^64 + low: felt_fold of felt.h. high = h1 * 2^32 + h0. The upper half of `least` keeps the least upper
 * half of a low word; where that was 2 or more, low - h1 neither borrows nor is below 2^32. So the upper half of the sum is
 * greater than that of the term unless the sum carried, and then it is not. */
VECTOR_INLINE V avx2_fold(V high, V low, V *least) {
    *least = HALVES_MIN(*least, low);
    V term = MUL_LOW(high, SPREAD(FELT_EPSILON)), sum = low - (high >> 32) + term;
    return sum + (HALVES_EQUAL(HALVES_MAX(sum, term), term) >> 32);
}

/* x = u * 2^32 + l: x^2 = l^2 + lu * 2^33 + u^2 * 2^64. What is above the 33 lowest bits of l^2 goes to lu, which has room. */
VECTOR_INLINE V avx2_square(V x, V *least) {
    V upper = x >> 32, square = MUL_LOW(x, x);
    V middle = MUL_LOW(x, upper) + (square >> 33);
    return avx2_fold(MUL_LOW(upper, upper) + (middle >> 31), (middle << 33) | (square & ((1ULL << 33) - 1)), least);
}

VECTOR_INLINE V avx2_mul(V x, V y, V *least) {
    V x_upper = x >> 32, y_upper = y >> 32;
    V low = MUL_LOW(x, y);
    V first = MUL_LOW(x_upper, y) + (low >> 32); /* neither sum reaches 2^64 */
    V second = MUL_LOW(x, y_upper) + (first & FELT_EPSILON);
    V high = MUL_LOW(x_upper, y_upper) + (first >> 32) + (second >> 32);
    low = (V)_mm256_blend_epi32((__m256i)low, (__m256i)(second << 32), 0xaa);
    return avx2_fold(high, low, least);
}

/* Whether a low word was so small that a product may be wrong. */
VECTOR_INLINE int avx2_doubtful(V least) {
    V enough = HALVES_EQUAL(HALVES_MAX(least, SPREAD(2ULL << 32)), least);
    return (_mm256_movemask_ps(_mm256_castsi256_ps((__m256i)enough)) & 0xaa) != 0xaa;
}

/* x * y / 2^64, lazily: Montgomery's product, two instructions shorter than felt_mul_lazy. Nothing has to be brought into his form
 * and back, because 2^64 is a cube root of one: a chain of these products that raises to e divides by 2^(64 (e - 1)), which is
 * one if e is 1 modulo 3, as 7 and the exponent of the root are.
 *
 * p * (2^32 + 1) is 1 modulo 2^64, so with t = low * (2^32 + 1) modulo 2^64 the lower word of t * p is low, and the upper ones differ by
 * the result. The upper word of t * p = (t << 64) - (t << 32) + t is t - (t >> 32), less the carry there was in making t, and below p;
 * so if the difference borrows, taking 2^32 - 1 away for it cannot borrow again. */
VECTOR_INLINE uint64_t bmi2_mul_lazy(uint64_t x, uint64_t y) {
    unsigned long long high, low = _mulx_u64(x, y, &high);
    uint64_t t = low << 32, s;
    __asm__("add %[low], %[t]\n\t"
            "shrx %[half], %[t], %[s]\n\t" /* leaves the carry alone */
            "sbb %[s], %[t]\n\t"
            "sub %[t], %[high]\n\t"
            "sbb %k[s], %k[s]\n\t" /* 2^32 - 1 or 0 */
            "sub %[s], %[high]"
            : [t] "+r"(t), [s] "=&r"(s), [high] "+r"(high)
            : [low] "r"(low), [half] "r"(32ULL)
            : "cc");
    return high;
}

/* What the matrix made of the halves of elements, and a constant, to elements: as rpo_linear of rpo.h. */
VECTOR_INLINE V avx2_join(V low, V high, V added) {
    V a = low + (added & FELT_EPSILON), b = high + (added >> 32);
    V above = b >> 32, small = a + ((above << 32) - above); /* below 2^41 */
    V bias = SPREAD(1ULL << 63), biased = (b << 32) ^ bias, sum = biased + small; /* unsigned order becomes signed order */
    return (sum + ((V)_mm256_cmpgt_epi32((__m256i)biased, (__m256i)sum) >> 32)) ^ bias;
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

#define FE_SCALARS 4
/* Twelve elements and twenty-four: vectors, then four scalars, and what avx2_fold keeps. */
#define AVX2_STATES(SUFFIX, VECTORS)                                                                   \
    typedef struct {                                                                                   \
        V vectors[VECTORS], least;                                                                     \
        uint64_t scalars[FE_SCALARS];                                                                  \
    } fe_##SUFFIX;                                                                                     \
                                                                                                       \
    VECTOR_INLINE fe_##SUFFIX fe_square_##SUFFIX(fe_##SUFFIX x) {                                      \
        VECTOR_EACH(VECTORS) x.vectors[i] = avx2_square(x.vectors[i], &x.least);                       \
        VECTOR_EACH(FE_SCALARS) x.scalars[i] = bmi2_mul_lazy(x.scalars[i], x.scalars[i]);              \
        return x;                                                                                      \
    }                                                                                                  \
                                                                                                       \
    VECTOR_INLINE fe_##SUFFIX fe_mul_##SUFFIX(fe_##SUFFIX x, fe_##SUFFIX y) {                          \
        x.least = HALVES_MIN(x.least, y.least);                                                        \
        VECTOR_EACH(VECTORS) x.vectors[i] = avx2_mul(x.vectors[i], y.vectors[i], &x.least);            \
        VECTOR_EACH(FE_SCALARS) x.scalars[i] = bmi2_mul_lazy(x.scalars[i], y.scalars[i]);              \
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
#define AVX2_PERMUTE(FUNCTION, SUFFIX, COUNT)                                                          \
    AVX2_FUNCTION void FUNCTION(felt_t *states) {                                                      \
        V rows[3 * (COUNT)], columns[3 * (COUNT)];                                                     \
        fe_##SUFFIX x;                                                                                 \
        x.least = SPREAD(~0ULL);                                                                       \
        VECTOR_EACH(3 * (COUNT)) rows[i] = LOAD4(states + 4 * i);                                      \
        VECTOR_EACH(COUNT) columns_from_rows_avx2(rows + 3 * i, columns + 3 * i);                      \
        for (int round = 0; round < RPO_ROUNDS; round++) {                                             \
            VECTOR_EACH(COUNT) avx2_linear(columns + 3 * i, RPO_ARK1[round]);                          \
            fe_from_columns_##SUFFIX(&x, columns);                                                     \
            fe_power7_##SUFFIX(&x, 1);                                                                 \
            columns_from_fe_##SUFFIX(&x, columns);                                                     \
            VECTOR_EACH(COUNT) avx2_linear(columns + 3 * i, RPO_ARK2[round]);                          \
            fe_from_columns_##SUFFIX(&x, columns);                                                     \
            fe_root7_##SUFFIX(&x, 1);                                                                  \
            columns_from_fe_##SUFFIX(&x, columns);                                                     \
        }                                                                                              \
        if (UNLIKELY(avx2_doubtful(x.least))) {                                                        \
            for (int i = 0; i < (COUNT); i++) rpo_permute_scalar(states + RPO_STATE * i);              \
            return;                                                                                    \
        }                                                                                              \
        VECTOR_EACH(COUNT) rows_from_columns_avx2(columns + 3 * i, rows + 3 * i);                      \
        VECTOR_EACH(3 * (COUNT)) STORE4(states + 4 * i, rows[i]);                                      \
        for (int i = 0; i < RPO_STATE * (COUNT); i++) states[i] = felt_canonical(states[i]);           \
    }
AVX2_PERMUTE(rpo_permute_avx2, one, 1)
AVX2_PERMUTE(rpo_permute_two_avx2, two, 2)
#undef AVX2_PERMUTE

/* Four times two: states with an element of each in a vector take no less. */
AVX2_FUNCTION void rpo_permute_eight_avx2(felt_t *states) {
    for (int i = 0; i < 8; i += 2) rpo_permute_two_avx2(states + RPO_STATE * i);
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
