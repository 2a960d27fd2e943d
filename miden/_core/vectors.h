/* What code in vectors shares, whatever the vectors: for x86-64 with GCC or clang, compiled per function, so that the build
 * keeps to the baseline. Vectors never cross a function without the target attribute. */
#ifndef MIDEN_VECTORS_H
#define MIDEN_VECTORS_H

#include <stdint.h>

#include "cpu.h"

#if CPU_X86_64
#include <immintrin.h>

typedef uint64_t u64x4_t __attribute__((vector_size(32)));

/* A loop over i that is unrolled, and one that is not. */
#if defined(__clang__)
#define VECTOR_EACH(count) _Pragma("clang loop unroll(full)") for (int i = 0; i < (count); i++)
#define VECTOR_LOOP _Pragma("clang loop unroll(disable)")
#else
#define VECTOR_EACH(count) _Pragma("GCC unroll 12") for (int i = 0; i < (count); i++)
#define VECTOR_LOOP _Pragma("GCC unroll 1")
#endif

/* Where lanes 0, 1, 2, 3 come from, two bits each. */
#define LANES_ROTATED_1 0x93 /* 3 0 1 2 */
#define LANES_ROTATED_2 0x4e /* 2 3 0 1 */
#define LANES_ROTATED_3 0x39 /* 1 2 3 0 */

#endif
#endif
