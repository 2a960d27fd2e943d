/* The variants of RPO-256 that this build has and this processor can run, and the choice among them. Included by the
 * module `rpo` alone: it holds the code of all variants, the others reach it through `rpo_selected`. */
#ifndef MIDEN_RPO_VARIANTS_H
#define MIDEN_RPO_VARIANTS_H

#include "rpo.h"
#include "rpo_avx2.h"
#include "rpo_ifma.h"

#if CPU_X86_64
static const RpoVariantC RPO_AVX2 = {"avx2", rpo_permute_avx2, rpo_permute_two_avx2, rpo_permute_eight_avx2, 8};
static const RpoVariantC RPO_IFMA = {"ifma", rpo_permute_ifma, rpo_permute_two_ifma, rpo_permute_eight_ifma, IFMA_WORTH};
static const RpoVariantC RPO_IFMA512 = {"ifma512", rpo_permute_ifma512, rpo_permute_two_ifma, rpo_permute_eight_ifma, IFMA_WORTH};
#endif

/* The variant at an index, the fastest first; NULL behind the last. */
ALWAYS_INLINE const RpoVariantC *rpo_variant_at(int index) {
    const RpoVariantC *variants[5] = {NULL};
    int count = 0;
#if CPU_X86_64
    if (cpu_has_ifma()) {
        variants[count++] = cpu_prefers_512() ? &RPO_IFMA512 : &RPO_IFMA;
        variants[count++] = cpu_prefers_512() ? &RPO_IFMA : &RPO_IFMA512;
    }
    if (cpu_has_avx2()) variants[count++] = &RPO_AVX2;
#endif
    variants[count++] = &RPO_SCALAR;
    return index < count ? variants[index] : NULL;
}

ALWAYS_INLINE void rpo_choose(const RpoVariantC *variant) {
    rpo_choice = variant;
}

#endif
