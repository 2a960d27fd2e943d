/* RPO-256 (mast.md section 2): the permutation and the sponges built on it. State is 12 elements: capacity 0..3, rate
 * 4..11, digest 4..7. Scalar code for any 64-bit machine here; what runs is chosen through `rpo_selected`.
 *
 * The matrix. It is circulant, so a product is a convolution of length 12, and x^12 - 1 = (x^3 - 1)(x^3 + 1)(x^6 + 1).
 * Let g be its first column: 7 8 21 22 6 7 9 10 13 26 8 23. Folding g by these factors gives
 *     mod x^6 + 1, halved:               -1  -1   4  -2  -1  -8
 *     mod x^3 + 1, quartered, negated:    8  -1  -1          (so: -8 1 1)
 *     mod x^3 - 1, quartered:            16   8  16
 * all powers of two: the product costs shifts and additions only. The halves and quarters cancel against the factor 2
 * that each recombination (sum and difference) brings.
 *
 * Lazy values. Inside the rounds a value is any 64-bit number congruent to the element. It is split into two halves
 * below 2^32 and both are multiplied by the matrix; rows add up to 160, so results are below 160 * 2^32 < 2^40, and a
 * round constant's half keeps them there. Intermediate sums are below 2^45 in absolute value: signed 64-bit words do.
 */
#ifndef MIDEN_RPO_H
#define MIDEN_RPO_H

#include <stddef.h>
#include <string.h>

#include "felt.h"
#include "rpo_constants.h"

#define RPO_RATE 4       /* first rate element; also the first digest element */
#define RPO_RATE_WIDTH 8
#define RPO_BYTES_PER_FELT 7

/* Twelve half-words through the matrix. */
ALWAYS_INLINE void rpo_matrix_half(const int64_t in[12], int64_t out[12]) {
    int64_t sum[6], diff[6], even[3], odd[3];
    for (int i = 0; i < 6; i++) {
        sum[i] = in[i] + in[i + 6];  /* mod x^6 - 1 */
        diff[i] = in[i] - in[i + 6]; /* mod x^6 + 1 */
    }
    for (int i = 0; i < 3; i++) {
        even[i] = sum[i] + sum[i + 3]; /* mod x^3 - 1 */
        odd[i] = sum[i] - sum[i + 3];  /* mod x^3 + 1 */
    }
    int64_t total = 16 * (even[0] + even[1] + even[2]);
    int64_t cube_minus[3] = {total - 8 * even[2], total - 8 * even[0], total - 8 * even[1]};
    int64_t cube_plus[3] = {
        -8 * odd[0] - odd[1] - odd[2],
        odd[0] - 8 * odd[1] - odd[2],
        odd[0] + odd[1] - 8 * odd[2],
    };
    int64_t six_minus[6];
    for (int i = 0; i < 3; i++) {
        six_minus[i] = cube_minus[i] + cube_plus[i];
        six_minus[i + 3] = cube_minus[i] - cube_plus[i];
    }
    int64_t six_plus[6] = {
        -diff[0] + 8 * diff[1] + diff[2] + 2 * diff[3] - 4 * diff[4] + diff[5],
        -diff[0] - diff[1] + 8 * diff[2] + diff[3] + 2 * diff[4] - 4 * diff[5],
        4 * diff[0] - diff[1] - diff[2] + 8 * diff[3] + diff[4] + 2 * diff[5],
        -2 * diff[0] + 4 * diff[1] - diff[2] - diff[3] + 8 * diff[4] + diff[5],
        -diff[0] - 2 * diff[1] + 4 * diff[2] - diff[3] - diff[4] + 8 * diff[5],
        -8 * diff[0] - diff[1] - 2 * diff[2] + 4 * diff[3] - diff[4] - diff[5],
    };
    for (int i = 0; i < 6; i++) {
        out[i] = six_minus[i] + six_plus[i];
        out[i + 6] = six_minus[i] - six_plus[i];
    }
}

/* state := matrix * state + constants, lazily. */
ALWAYS_INLINE void rpo_linear(uint64_t state[12], const uint64_t constants[12]) {
    int64_t low[12], high[12], low_out[12], high_out[12];
    for (int i = 0; i < 12; i++) {
        low[i] = (int64_t)(state[i] & FELT_EPSILON);
        high[i] = (int64_t)(state[i] >> 32);
    }
    rpo_matrix_half(low, low_out);
    rpo_matrix_half(high, high_out);
    for (int i = 0; i < 12; i++) {
        uint64_t a = (uint64_t)low_out[i] + (constants[i] & FELT_EPSILON); /* below 2^40 */
        uint64_t b = (uint64_t)high_out[i] + (constants[i] >> 32);         /* below 2^40 */
        /* a + b * 2^32 with b = b1 * 2^32 + b0 is a + b1 * (2^32 - 1) + b0 * 2^32. The first two terms stay below
         * 2^41, so if the sum carries, what is left is that small and adding 2^32 - 1 cannot carry again. */
        uint64_t small = a + (b >> 32) * FELT_EPSILON;
        uint64_t result = small + (b << 32);
        state[i] = result + (FELT_EPSILON & (0 - (uint64_t)(result < small)));
    }
}

ALWAYS_INLINE uint64_t rpo_power7(uint64_t x) {
    uint64_t x2 = felt_mul_lazy(x, x), x3 = felt_mul_lazy(x2, x), x4 = felt_mul_lazy(x2, x2);
    return felt_mul_lazy(x3, x4);
}

/* Six elements to the power 1/7, that is 10540996611094048183: in binary, 100 ten times, 0, 110 ten times, 111.
 * Six at a time keeps the multiplier busy without spilling (12, 4 and 3 are slower: performance.md section 1). */
#define RPO_LANES 6
#if defined(__GNUC__)
#define RPO_EACH(statement) _Pragma("GCC unroll 6") for (int j = 0; j < RPO_LANES; j++) statement
#else
#define RPO_EACH(statement) for (int j = 0; j < RPO_LANES; j++) statement
#endif
#define RPO_SQUARE(v, times) \
    for (int n = 0; n < (times); n++) RPO_EACH(v[j] = felt_mul_lazy(v[j], v[j]))

NOINLINE void rpo_root7(uint64_t *x) {
    uint64_t bit1[RPO_LANES], bit2[RPO_LANES], p2[RPO_LANES], p4[RPO_LANES], p10[RPO_LANES], t[RPO_LANES];
    RPO_EACH(bit1[j] = felt_mul_lazy(x[j], x[j]));
    RPO_EACH(t[j] = bit2[j] = felt_mul_lazy(bit1[j], bit1[j])); /* 100 */
    RPO_SQUARE(t, 3);
    RPO_EACH(t[j] = p2[j] = felt_mul_lazy(t[j], bit2[j])); /* 100 twice */
    RPO_SQUARE(t, 6);
    RPO_EACH(t[j] = p4[j] = felt_mul_lazy(t[j], p2[j])); /* four times */
    RPO_SQUARE(t, 12);
    RPO_EACH(t[j] = felt_mul_lazy(t[j], p4[j])); /* eight times */
    RPO_SQUARE(t, 6);
    RPO_EACH(t[j] = p10[j] = felt_mul_lazy(t[j], p2[j])); /* ten times: 30 bits */
    RPO_SQUARE(t, 31);
    RPO_EACH(t[j] = felt_mul_lazy(t[j], p10[j]));
    RPO_SQUARE(t, 1);
    RPO_EACH(t[j] = felt_mul_lazy(t[j], p10[j]));
    RPO_SQUARE(t, 2);
    RPO_EACH(x[j] = felt_mul_lazy(t[j], felt_mul_lazy(felt_mul_lazy(bit1[j], bit2[j]), x[j]))); /* ... times x^7 */
}

/* The permutation, in place; takes any 64-bit values, leaves canonical ones. */
NOINLINE void rpo_permute_scalar(felt_t state[12]) {
    uint64_t s[12];
    memcpy(s, state, sizeof s);
    for (int round = 0; round < RPO_ROUNDS; round++) {
        rpo_linear(s, RPO_ARK1[round]);
        for (int i = 0; i < 12; i++) s[i] = rpo_power7(s[i]);
        rpo_linear(s, RPO_ARK2[round]);
        rpo_root7(s);
        rpo_root7(s + RPO_LANES);
    }
    for (int i = 0; i < 12; i++) state[i] = felt_canonical(s[i]);
}

NOINLINE void rpo_permute_two_scalar(felt_t *states) {
    for (int i = 0; i < 2; i++) rpo_permute_scalar(states + RPO_STATE * i);
}

NOINLINE void rpo_permute_eight_scalar(felt_t *states) {
    for (int i = 0; i < 8; i++) rpo_permute_scalar(states + RPO_STATE * i);
}

/* One way to compute the permutation: of one state, of two and of eight that lie one behind the other. */
typedef struct {
    const char *name;
    void (*permute)(felt_t *state);
    void (*permute_two)(felt_t *states);
    void (*permute_eight)(felt_t *states);
    int eight_worth; /* from so many states on `permute_eight` is worth its price, lanes idle or not */
} RpoVariantC;

static const RpoVariantC RPO_SCALAR = {"scalar", rpo_permute_scalar, rpo_permute_two_scalar, rpo_permute_eight_scalar, 8};

/* The variant in use. The module `rpo` owns the choice and makes it when it is loaded; every other module that includes
 * this header points `rpo_selected` at that choice when it is loaded itself (`rpo_follow`), so that there is one. */
static const RpoVariantC *rpo_choice = &RPO_SCALAR;
static const RpoVariantC *const *rpo_selected = &rpo_choice;

ALWAYS_INLINE void rpo_follow(const RpoVariantC *const *choice) {
    rpo_selected = choice;
}

ALWAYS_INLINE void rpo_permute(felt_t *state) {
    (*rpo_selected)->permute(state);
}

/* A sponge that overwrites its rate. `tag` goes to capacity element 0. */
typedef struct {
    felt_t state[12];
    int filled; /* rate elements written since the last permutation */
} SpongeC;

ALWAYS_INLINE void sponge_init(SpongeC *sponge, felt_t tag) {
    memset(sponge, 0, sizeof *sponge);
    sponge->state[0] = tag;
}

ALWAYS_INLINE void sponge_absorb(SpongeC *sponge, felt_t element) {
    sponge->state[RPO_RATE + sponge->filled++] = element;
    if (sponge->filled == RPO_RATE_WIDTH) {
        rpo_permute(sponge->state);
        sponge->filled = 0;
    }
}

/* Close a partial block with zeros; the digest is then at state[RPO_RATE]. Nothing absorbed: a zero digest. */
ALWAYS_INLINE void sponge_finish(SpongeC *sponge, felt_t digest[4]) {
    if (sponge->filled) {
        for (int i = sponge->filled; i < RPO_RATE_WIDTH; i++) sponge->state[RPO_RATE + i] = 0;
        rpo_permute(sponge->state);
    }
    memcpy(digest, sponge->state + RPO_RATE, 4 * sizeof(felt_t));
}

NOINLINE void rpo_hash_elements(const felt_t *elements, size_t count, felt_t digest[4]) {
    SpongeC sponge;
    sponge_init(&sponge, count % RPO_RATE_WIDTH);
    for (size_t i = 0; i < count; i++) sponge_absorb(&sponge, elements[i]);
    sponge_finish(&sponge, digest);
}

/* Bytes in chunks of seven, little-endian; the last chunk is followed by a byte 1. */
NOINLINE void rpo_hash_bytes(const uint8_t *bytes, size_t count, felt_t digest[4]) {
    SpongeC sponge;
    size_t chunks = count / RPO_BYTES_PER_FELT + (count % RPO_BYTES_PER_FELT != 0);
    sponge_init(&sponge, RPO_RATE_WIDTH + chunks % RPO_RATE_WIDTH);
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        size_t start = chunk * RPO_BYTES_PER_FELT, length = count - start;
        if (length > RPO_BYTES_PER_FELT) length = RPO_BYTES_PER_FELT;
        uint64_t value = 0;
        for (size_t i = 0; i < length; i++) value |= (uint64_t)bytes[start + i] << (8 * i);
        if (chunk + 1 == chunks) value |= 1ULL << (8 * length);
        sponge_absorb(&sponge, value);
    }
    sponge_finish(&sponge, digest);
}

ALWAYS_INLINE void rpo_merge_in_domain(const felt_t left[4], const felt_t right[4], felt_t domain, felt_t digest[4]) {
    felt_t state[12] = {0, domain};
    memcpy(state + RPO_RATE, left, 4 * sizeof(felt_t));
    memcpy(state + RPO_RATE + 4, right, 4 * sizeof(felt_t));
    rpo_permute(state);
    memcpy(digest, state + RPO_RATE, 4 * sizeof(felt_t));
}

/* Two merges side by side: with vectors hardly more than one. */
ALWAYS_INLINE void rpo_merge_two(const felt_t left[2][4], const felt_t right[2][4], felt_t digests[2][4]) {
    felt_t states[2][RPO_STATE] = {{0}};
    for (int i = 0; i < 2; i++) {
        memcpy(states[i] + RPO_RATE, left[i], 4 * sizeof(felt_t));
        memcpy(states[i] + RPO_RATE + 4, right[i], 4 * sizeof(felt_t));
    }
    (*rpo_selected)->permute_two(states[0]);
    for (int i = 0; i < 2; i++) memcpy(digests[i], states[i] + RPO_RATE, 4 * sizeof(felt_t));
}

ALWAYS_INLINE void rpo_merge(const felt_t left[4], const felt_t right[4], felt_t digest[4]) {
    rpo_merge_in_domain(left, right, 0, digest);
}

#endif
