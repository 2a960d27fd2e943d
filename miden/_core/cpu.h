/* What this processor can run, asked once when a module is loaded. The build itself only assumes the baseline of the
 * platform; code for more is compiled per function and reached through pointers (performance.md section 9). */
#ifndef MIDEN_CPU_H
#define MIDEN_CPU_H

#if defined(__x86_64__) && defined(__GNUC__)
#define CPU_X86_64 1
#include <cpuid.h>
#else
#define CPU_X86_64 0
#endif

/* Multiply-add of 52-bit integers in vectors of 256 and 512 bits. The compiler's check covers the operating system's
 * side too: whether it saves these registers. */
static inline int cpu_has_ifma(void) {
#if CPU_X86_64
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512ifma");
#else
    return 0;
#endif
}

/* Vectors of 256 bits, and products and shifts that leave the flags alone. */
static inline int cpu_has_avx2(void) {
#if CPU_X86_64
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
#else
    return 0;
#endif
}

/* Whether vectors of 512 bits cost no more than those of 256, in time or in clock rate: AMD from Zen 5 (family 26) on.
 * Only speed hangs on the answer. */
static inline int cpu_prefers_512(void) {
#if CPU_X86_64
    unsigned eax, ebx, ecx, edx;
    __builtin_cpu_init();
    if (!__builtin_cpu_is("amd") || !__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return 0;
    unsigned family = eax >> 8 & 0xf;
    if (family == 0xf) family += eax >> 20 & 0xff;
    return family >= 26;
#else
    return 0;
#endif
}

#endif
