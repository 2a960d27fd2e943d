# The C side of RPO-256 for the other modules: see rpo.h.
from libc.stdint cimport uint8_t, uint64_t


cdef extern from "felt.h" nogil:
    ctypedef uint64_t felt_t
    ctypedef struct ext2_t:
        felt_t base
        felt_t phi
    uint64_t FELT_P
    felt_t felt_add(felt_t a, felt_t b)
    felt_t felt_sub(felt_t a, felt_t b)
    felt_t felt_neg(felt_t a)
    felt_t felt_mul(felt_t a, felt_t b)
    felt_t felt_inv(felt_t a)
    felt_t felt_pow(felt_t a, uint64_t exponent)
    felt_t felt_canonical(uint64_t value)
    uint64_t felt_fold(uint64_t high, uint64_t low)
    ext2_t ext2_mul(ext2_t a, ext2_t b)
    ext2_t ext2_inv(ext2_t a)


cdef extern from "rpo.h" nogil:
    ctypedef struct SpongeC:
        felt_t[12] state
    ctypedef struct RpoVariantC:
        const char *name
    const RpoVariantC *const *rpo_selected
    void rpo_follow(const RpoVariantC *const *choice)
    void rpo_permute(felt_t *state)
    void rpo_hash_elements(const felt_t *elements, size_t count, felt_t *digest)
    void rpo_hash_bytes(const uint8_t *bytes, size_t count, felt_t *digest)
    void rpo_merge_in_domain(const felt_t *left, const felt_t *right, felt_t domain, felt_t *digest)
    void sponge_init(SpongeC *sponge, felt_t tag)
    void sponge_absorb(SpongeC *sponge, felt_t element)
    void sponge_finish(SpongeC *sponge, felt_t *digest)


cdef extern from "rpo_batch.h" nogil:
    ctypedef struct RpoInputC:
        const felt_t *elements
        size_t count
        felt_t *digest
    void rpo_merge_many(const felt_t *pairs, const felt_t *domains, size_t count, felt_t *digests)
    void rpo_hash_rows(const felt_t *rows, size_t count, size_t width, felt_t *digests)
    void rpo_sort_inputs(RpoInputC *inputs, size_t count)
    void rpo_hash_sorted(const RpoInputC *inputs, size_t count)


# The choice of the variant, and threads: in rpo.pyx, for the other modules of the core.
cdef const RpoVariantC *const *variant_slot() noexcept nogil
cdef bint wants_two_threads(threads, Py_ssize_t permutations) except -1
cdef int in_two_threads(first, second) except -1
