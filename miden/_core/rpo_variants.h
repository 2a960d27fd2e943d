/* The variants of RPO-256 that this build has and this processor can run, and the choice among them. Included by the
 * module `rpo` alone: it holds the code of all variants, the others reach it through `rpo_selected`. */
#ifndef MIDEN_RPO_VARIANTS_H
#define MIDEN_RPO_VARIANTS_H

#include "rpo.h"
#include "rpo_ifma.h"

#if CPU_X86_64
static const RpoVariantC RPO_IFMA = {"ifma", rpo_permute_ifma, rpo_permute_two_ifma, rpo_permute_eight_ifma};
static const RpoVariantC RPO_IFMA512 = {"ifma512", rpo_permute_ifma512, rpo_permute_two_ifma, rpo_permute_eight_ifma};
#endif

ALWAYS_INLINE int rpo_variant_count(void) {
    return cpu_has_ifma() ? 3 : 1;
}

/* The variants, the fastest first. */
ALWAYS_INLINE const RpoVariantC *rpo_variant_at(int index) {
    (void)index;
#if CPU_X86_64
    if (cpu_has_ifma() && index < 2) return (index == 0) == cpu_prefers_512() ? &RPO_IFMA512 : &RPO_IFMA;
#endif
    return &RPO_SCALAR;
}

ALWAYS_INLINE void rpo_choose(const RpoVariantC *variant) {
    rpo_choice = variant;
}

#endif
