/* RPO-256 on AVX-512 IFMA (52-bit multiply-add), for x86-64 with GCC or clang: one state in three vectors of 256 bits or
 * in one of 512 and one of 256, two states in three of 512, eight states with one element of each in a vector. Compiled
 * per function, so that the build keeps to the baseline; reached only through rpo_variants.h after cpu_has_ifma().
 *
 * One permutation is 6384 products, most of them in chains of squares. One state is bound by their latency, so two
 * states side by side cost hardly more than one; eight are bound by the ports.
 * Vectors never cross a function without the target attribute. */
#ifndef MIDEN_RPO_IFMA_H
#define MIDEN_RPO_IFMA_H

#include "cpu.h"
#include "felt.h"
#include "rpo_constants.h"
#include "vectors.h"

#if CPU_X86_64

#define IFMA_TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512ifma")))
#define VECTOR_INLINE static inline __attribute__((always_inline, unused)) IFMA_TARGET
#define IFMA_FUNCTION static __attribute__((noinline, unused)) IFMA_TARGET

/* Six vectors at a time keep the ports busy through the latency of a square without spilling: eight states take
 * 8.0 us so, 12.0 three and 9.8 four at a time, 9.6 all twelve (Zen 5, gcc 12). */
#define IFMA_GROUP 6
#define CHAINS IFMA_GROUP
/* Eight states cost as much as three calls for two (8.1 against 3 * 2.8 us), so six and more go together, part of the
 * lanes idle if need be. */
#define IFMA_WORTH 6

#define FE_LOW_MASK 0xfffffffffffffULL /* 52 bits */

typedef uint64_t u64x8_t __attribute__((vector_size(64)));

#define V u64x4_t
#define NAME(x) x##_x4
#define SPREAD(x) ((V)_mm256_set1_epi64x((int64_t)(x)))
#define LOAD4(p) ((V)_mm256_loadu_si256((const __m256i *)(p)))
#define MADD_LOW(a, x, y) ((V)_mm256_madd52lo_epu64((__m256i)(a), (__m256i)(x), (__m256i)(y)))
#define MADD_HIGH(a, x, y) ((V)_mm256_madd52hi_epu64((__m256i)(a), (__m256i)(x), (__m256i)(y)))
#define ROTATE(x, n) ((V)_mm256_permutex_epi64((__m256i)(x), LANES_ROTATED_##n))
#define BLEND(mask, x, y) ((V)_mm256_mask_blend_epi64(mask, (__m256i)(x), (__m256i)(y)))
#include "rpo_ifma_lanes.h"
#undef V
#undef NAME
#undef SPREAD
#undef LOAD4
#undef MADD_LOW
#undef MADD_HIGH
#undef ROTATE
#undef BLEND

#define V u64x8_t
#define NAME(x) x##_x8
#define SPREAD(x) ((V)_mm512_set1_epi64((int64_t)(x)))
#define LOAD4(p) ((V)_mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(p))))
#define MADD_LOW(a, x, y) ((V)_mm512_madd52lo_epu64((__m512i)(a), (__m512i)(x), (__m512i)(y)))
#define MADD_HIGH(a, x, y) ((V)_mm512_madd52hi_epu64((__m512i)(a), (__m512i)(x), (__m512i)(y)))
#define ROTATE(x, n) ((V)_mm512_permutex_epi64((__m512i)(x), LANES_ROTATED_##n))
#define BLEND(mask, x, y) ((V)_mm512_mask_blend_epi64((mask) | (mask) << 4, (__m512i)(x), (__m512i)(y)))
#include "rpo_ifma_lanes.h"

/* One state. */
IFMA_FUNCTION void rpo_permute_ifma(felt_t *state) {
    u64x4_t rows[3];
    for (int i = 0; i < 3; i++) rows[i] = (u64x4_t)_mm256_loadu_si256((const __m256i *)(state + 4 * i));
    columns_permute_x4(rows);
    for (int i = 0; i < 3; i++) _mm256_storeu_si256((__m256i *)(state + 4 * i), (__m256i)rows[i]);
}

/* Two states, the second 12 words behind the first. */
IFMA_FUNCTION void rpo_permute_two_ifma(felt_t *states) {
    u64x8_t rows[3];
    for (int i = 0; i < 3; i++) {
        __m256i first = _mm256_loadu_si256((const __m256i *)(states + 4 * i));
        __m256i second = _mm256_loadu_si256((const __m256i *)(states + RPO_STATE + 4 * i));
        rows[i] = (u64x8_t)_mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
    }
    columns_permute_x8(rows);
    for (int i = 0; i < 3; i++) {
        _mm256_storeu_si256((__m256i *)(states + 4 * i), _mm512_castsi512_si256((__m512i)rows[i]));
        _mm256_storeu_si256((__m256i *)(states + RPO_STATE + 4 * i), _mm512_extracti64x4_epi64((__m512i)rows[i], 1));
    }
}

#include "rpo_lanes.h"

/* state := matrix * state + constants, in every lane */
VECTOR_INLINE void lanes_linear(fe_x8 state[12], const uint64_t constants[12]) {
    V low[12], high[12];
    VECTOR_EACH(12) low[i] = state[i].low & FE_LOW_MASK;
    lanes_matrix_x8(low, low);
    VECTOR_EACH(12) high[i] = state[i].high;
    lanes_matrix_x8(high, high);
    VECTOR_EACH(12) {
        V added = SPREAD(constants[i]);
        state[i] = fe_carry_x8(low[i] + (added & FE_LOW_MASK), high[i] + (added >> 52));
    }
}

/* Eight states, each 12 words behind the one before. */
IFMA_FUNCTION void rpo_permute_eight_ifma(felt_t *states) {
    fe_x8 state[12];
    const __m512i offsets = _mm512_setr_epi64(0, 12, 24, 36, 48, 60, 72, 84);
    for (int i = 0; i < 12; i++) state[i] = fe_load_x8((V)_mm512_i64gather_epi64(offsets, (const void *)(states + i), 8));
    for (int round = 0; round < RPO_ROUNDS; round++) {
        lanes_linear(state, RPO_ARK1[round]);
        for (int i = 0; i < 12; i += IFMA_GROUP) fe_power7_x8(state + i, IFMA_GROUP);
        lanes_linear(state, RPO_ARK2[round]);
        for (int i = 0; i < 12; i += IFMA_GROUP) fe_root7_dense_x8(state + i, IFMA_GROUP);
    }
    for (int i = 0; i < 12; i++) {
        V value = fe_canonical_x8(state[i]);
        for (int lane = 0; lane < 8; lane++) states[RPO_STATE * lane + i] = value[lane];
    }
}

#undef V
#undef NAME
#undef SPREAD
#undef LOAD4
#undef MADD_LOW
#undef MADD_HIGH
#undef ROTATE
#undef BLEND

/* A state in two vectors: columns 0 and 1 side by side, and column 2. Fewer instructions get in each other's way than
 * with three vectors (2.6 instead of 2.85 us, Zen 5), where 512 bits cost no more than 256. */
typedef struct {
    fe_x8 wide;
    fe_x4 narrow;
} fe_x12;

VECTOR_INLINE fe_x12 fe_square_x12(fe_x12 x) {
    fe_x12 square = {fe_square_x8(x.wide), fe_square_x4(x.narrow)};
    return square;
}

VECTOR_INLINE fe_x12 fe_square_dense_x12(fe_x12 x) {
    fe_x12 square = {fe_square_dense_x8(x.wide), fe_square_dense_x4(x.narrow)};
    return square;
}

VECTOR_INLINE fe_x12 fe_mul_x12(fe_x12 x, fe_x12 y) {
    fe_x12 product = {fe_mul_x8(x.wide, y.wide), fe_mul_x4(x.narrow, y.narrow)};
    return product;
}

#define NAME(x) x##_x12
#include "rpo_chains.h"
#undef NAME

VECTOR_INLINE u64x8_t vectors_join(u64x4_t first, u64x4_t second) {
    return (u64x8_t)_mm512_inserti64x4(_mm512_castsi256_si512((__m256i)first), (__m256i)second, 1);
}

VECTOR_INLINE u64x4_t vector_first(u64x8_t both) {
    return (u64x4_t)_mm512_castsi512_si256((__m512i)both);
}

VECTOR_INLINE u64x4_t vector_second(u64x8_t both) {
    return (u64x4_t)_mm512_extracti64x4_epi64((__m512i)both, 1);
}

VECTOR_INLINE fe_x12 wide_from_columns(const fe_x4 columns[3]) {
    fe_x12 state = {
        {vectors_join(columns[0].low, columns[1].low), vectors_join(columns[0].high, columns[1].high)},
        columns[2],
    };
    return state;
}

VECTOR_INLINE void columns_from_wide(fe_x12 state, fe_x4 columns[3]) {
    columns[0] = (fe_x4){vector_first(state.wide.low), vector_first(state.wide.high)};
    columns[1] = (fe_x4){vector_second(state.wide.low), vector_second(state.wide.high)};
    columns[2] = state.narrow;
}

/* state := matrix * state + constants */
VECTOR_INLINE fe_x12 wide_linear(fe_x12 state, const uint64_t constants[12]) {
    fe_x4 columns[3];
    columns_from_wide(state, columns);
    columns_linear_x4(columns, constants);
    return wide_from_columns(columns);
}

/* One state, in wide vectors. */
IFMA_FUNCTION void rpo_permute_ifma512(felt_t *felts) {
    u64x4_t rows[3], words[3];
    fe_x4 columns[3];
    for (int i = 0; i < 3; i++) rows[i] = (u64x4_t)_mm256_loadu_si256((const __m256i *)(felts + 4 * i));
    columns_from_rows_x4(rows, words);
    VECTOR_EACH(3) columns[i] = fe_load_x4(words[i]);
    fe_x12 state = wide_from_columns(columns);
    for (int round = 0; round < RPO_ROUNDS; round++) {
        state = wide_linear(state, RPO_ARK1[round]);
        fe_power7_x12(&state, 1);
        state = wide_linear(state, RPO_ARK2[round]);
        fe_root7_x12(&state, 1);
    }
    columns_from_wide(state, columns);
    VECTOR_EACH(3) words[i] = fe_canonical_x4(columns[i]);
    rows_from_columns_x4(words, rows);
    for (int i = 0; i < 3; i++) _mm256_storeu_si256((__m256i *)(felts + 4 * i), (__m256i)rows[i]);
}

#undef VECTOR_INLINE
#undef CHAINS

#endif
#endif
