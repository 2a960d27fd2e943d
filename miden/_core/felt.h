/* The Goldilocks field: p = 2^64 - 2^32 + 1. Every function here takes and returns canonical values, that is below p,
 * and none of them branches on a value but on ones that come up once in 2^32 times.
 *
 * All reductions come from 2^64 = 2^32 - 1 (mod p), hence 2^96 = -1 (mod p).
 */
#ifndef MIDEN_FELT_H
#define MIDEN_FELT_H

#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#define ALWAYS_INLINE static __forceinline
#define NOINLINE static __declspec(noinline)
#define LIKELY(x) (x)
#define UNLIKELY(x) (x)
#else
#define ALWAYS_INLINE static inline __attribute__((always_inline, unused))
#define NOINLINE static __attribute__((noinline, unused))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#endif

#if defined(__GNUC__) && !defined(__clang__)
#define UNROLLED(count) _Pragma(UNROLLED_TEXT(GCC unroll count))
#define UNROLLED_TEXT(...) #__VA_ARGS__
#else
#define UNROLLED(count)
#endif

typedef uint64_t felt_t;

#define FELT_P 0xffffffff00000001ULL
#define FELT_EPSILON 0xffffffffULL /* 2^64 mod p */
#define FELT_GENERATOR 7ULL
#define FELT_HALF 0x7fffffff80000001ULL /* 1/2 */

/* a * b as high * 2^64 + low. */
ALWAYS_INLINE void wide_mul(uint64_t a, uint64_t b, uint64_t *high, uint64_t *low) {
#if defined(__SIZEOF_INT128__)
    unsigned __int128 product = (unsigned __int128)a * b;
    *high = (uint64_t)(product >> 64);
    *low = (uint64_t)product;
#elif defined(_MSC_VER) && defined(_M_X64)
    *low = _umul128(a, b, high);
#else
    uint64_t a0 = a & FELT_EPSILON, a1 = a >> 32, b0 = b & FELT_EPSILON, b1 = b >> 32;
    uint64_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0;
    uint64_t middle = (p00 >> 32) + (p01 & FELT_EPSILON) + (p10 & FELT_EPSILON);
    *low = (middle << 32) | (p00 & FELT_EPSILON);
    *high = a1 * b1 + (p01 >> 32) + (p10 >> 32) + (middle >> 32);
#endif
}

/* 2^64 mod p where something has carried or borrowed: added, or taken away, what is left is right again. */
ALWAYS_INLINE uint64_t epsilon_if(int carried) {
    return (uint32_t)(0 - (uint32_t)carried);
}

/* Some value below 2^64 that is congruent to high * 2^64 + low, for any high and low.
 *
 * With high = h1 * 2^32 + h0 the number is low - h1 + h0 * (2^32 - 1). If low - h1 borrows, the wrapped difference is
 * at least 2^64 - 2^32 + 1, so taking away 2^32 - 1 for the borrow cannot borrow again. h0 * (2^32 - 1) is at most
 * 2^64 - 2^33 + 1; if the sum carries, the wrapped sum is below that, so adding 2^32 - 1 cannot carry again. */
ALWAYS_INLINE uint64_t felt_fold(uint64_t high, uint64_t low) {
    uint64_t h1 = high >> 32, h0 = high & FELT_EPSILON;
    uint64_t difference = low - h1;
    difference -= epsilon_if(low < h1);
    uint64_t term = (h0 << 32) - h0;
    uint64_t sum = difference + term;
    return sum + epsilon_if(sum < term);
}

/* The canonical value of any 64-bit number: at most one p too much. */
ALWAYS_INLINE felt_t felt_canonical(uint64_t value) {
    uint64_t reduced = value - FELT_P;
    return value < FELT_P ? value : reduced; /* a conditional move */
}

ALWAYS_INLINE felt_t felt_add(felt_t a, felt_t b) {
    uint64_t complement = FELT_P - b; /* a + b = a - (p - b) never leaves 64 bits upwards */
    return a - complement - epsilon_if(a < complement);
}

ALWAYS_INLINE felt_t felt_sub(felt_t a, felt_t b) {
    return a - b - epsilon_if(a < b);
}

ALWAYS_INLINE felt_t felt_neg(felt_t a) {
    return (FELT_P - a) & (0 - (uint64_t)(a != 0));
}

/* Keeps a branch that is all but never taken from becoming a calculation that everything after it waits for. */
#if defined(__GNUC__)
#define RARELY() __asm__ volatile("")
#else
#define RARELY() (void)0
#endif

/* felt_fold where the borrow is a branch: it happens once in 2^32 products. So a mask costs more (one permutation 7.4 us
 * instead of 5.5, gcc 12 -O2). */
ALWAYS_INLINE uint64_t felt_fold_rare(uint64_t high, uint64_t low) {
    uint64_t h1 = high >> 32, h0 = high & FELT_EPSILON;
    uint64_t difference = low - h1;
    if (UNLIKELY(low < h1)) {
        RARELY();
        difference -= FELT_EPSILON;
    }
    uint64_t term = (h0 << 32) - h0;
    uint64_t sum = difference + term;
    return sum + epsilon_if(sum < term);
}

/* The same for felt_canonical: of what felt_fold gives, one value in 2^32 is too large. */
ALWAYS_INLINE felt_t felt_canonical_rare(uint64_t value) {
    if (UNLIKELY(value >= FELT_P)) {
        RARELY();
        value -= FELT_P;
    }
    return value;
}

/* The product of any two 64-bit numbers, congruent but not always below p: for chains of products, closed by
 * felt_canonical. The bounds of felt_fold hold for every 128-bit product, so values never need reduction in between. */
ALWAYS_INLINE uint64_t felt_mul_lazy(uint64_t a, uint64_t b) {
    uint64_t high, low;
    wide_mul(a, b, &high, &low);
    return felt_fold_rare(high, low);
}

/* -(a + b) */
ALWAYS_INLINE felt_t felt_neg_add(felt_t a, felt_t b) {
    uint64_t complement = FELT_P - b, difference = complement - a; /* p if both are 0 */
    return felt_canonical_rare(difference - epsilon_if(complement < a));
}

ALWAYS_INLINE felt_t felt_mul(felt_t a, felt_t b) {
    return felt_canonical_rare(felt_mul_lazy(a, b));
}

/* a * b + c: the sum of the three is below 2^128, so one reduction does for all. */
ALWAYS_INLINE felt_t felt_mul_add(felt_t a, felt_t b, felt_t c) {
    uint64_t high, low;
    wide_mul(a, b, &high, &low);
    low += c;
    high += low < c;
    return felt_canonical_rare(felt_fold_rare(high, low));
}

ALWAYS_INLINE felt_t felt_square(felt_t a) {
    return felt_mul(a, a);
}

ALWAYS_INLINE uint64_t felt_square_times_lazy(uint64_t a, int times) {
    for (int i = 0; i < times; i++) a = felt_mul_lazy(a, a);
    return a;
}

/* a^exponent; 0^0 is 1. Always 64 squarings, whatever the exponent. */
NOINLINE felt_t felt_pow(felt_t a, uint64_t exponent) {
    uint64_t result = 1;
    for (int bit = 63; bit >= 0; bit--) {
        result = felt_mul_lazy(result, result);
        uint64_t mask = 0 - ((exponent >> bit) & 1);
        result = felt_mul_lazy(result, (a & mask) | (1 & ~mask));
    }
    return felt_canonical(result);
}

/* 1 / a, and 0 for 0: a^(p - 2), the exponent being 31 ones, a zero and 32 ones in binary. */
NOINLINE felt_t felt_inv(felt_t a) {
    uint64_t ones2 = felt_mul_lazy(felt_mul_lazy(a, a), a);
    uint64_t ones3 = felt_mul_lazy(felt_mul_lazy(ones2, ones2), a);
    uint64_t ones6 = felt_mul_lazy(felt_square_times_lazy(ones3, 3), ones3);
    uint64_t ones12 = felt_mul_lazy(felt_square_times_lazy(ones6, 6), ones6);
    uint64_t ones24 = felt_mul_lazy(felt_square_times_lazy(ones12, 12), ones12);
    uint64_t ones30 = felt_mul_lazy(felt_square_times_lazy(ones24, 6), ones6);
    uint64_t ones31 = felt_mul_lazy(felt_mul_lazy(ones30, ones30), a);
    uint64_t ones32 = felt_mul_lazy(felt_mul_lazy(ones31, ones31), a);
    return felt_canonical(felt_mul_lazy(felt_square_times_lazy(ones31, 33), ones32));
}

/* The quadratic extension: base + phi * X with X^2 = X - 2. */
typedef struct {
    felt_t base; /* the part without X */
    felt_t phi;  /* the factor of X */
} ext2_t;

ALWAYS_INLINE ext2_t ext2_add(ext2_t a, ext2_t b) {
    ext2_t sum = {felt_add(a.base, b.base), felt_add(a.phi, b.phi)};
    return sum;
}

ALWAYS_INLINE ext2_t ext2_sub(ext2_t a, ext2_t b) {
    ext2_t difference = {felt_sub(a.base, b.base), felt_sub(a.phi, b.phi)};
    return difference;
}

ALWAYS_INLINE ext2_t ext2_mul(ext2_t a, ext2_t b) {
    felt_t low = felt_mul(a.base, b.base), high = felt_mul(a.phi, b.phi);
    felt_t cross = felt_mul(felt_add(a.base, a.phi), felt_add(b.base, b.phi));
    /* cross - low is a.base * b.phi + a.phi * b.base + a.phi * b.phi, the factor of X once X^2 = X - 2 is used */
    ext2_t product = {felt_sub(low, felt_add(high, high)), felt_sub(cross, low)};
    return product;
}

ALWAYS_INLINE ext2_t ext2_scale(ext2_t a, felt_t factor) {
    ext2_t product = {felt_mul(a.base, factor), felt_mul(a.phi, factor)};
    return product;
}

/* 1 / a, and 0 for 0. */
NOINLINE ext2_t ext2_inv(ext2_t a) {
    felt_t norm = felt_add(felt_mul(a.base, felt_add(a.base, a.phi)), felt_mul(2, felt_square(a.phi)));
    felt_t factor = felt_inv(norm);
    ext2_t inverse = {felt_mul(felt_add(a.base, a.phi), factor), felt_mul(felt_neg(a.phi), factor)};
    return inverse;
}

#endif
