# A validated forest in C, and its Python handle: see code.h.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from miden._core.rpo cimport felt_t


cdef extern from "batch.h" nogil:
    ctypedef struct PackC:
        uint8_t *padded
        uint8_t *inserted
        uint64_t row_count
        uint64_t op_count
    const uint8_t[256] OPCODE_TRAITS
    int OPCODE_PLAIN
    int OPCODE_IMMEDIATE
    int NODE_BLOCK
    void pack_block(PackC *pack, const uint8_t *opcodes, uint64_t count, const uint64_t *immediates)
    void block_digest_c "block_digest"(const uint8_t *opcodes, uint64_t count, const uint64_t *immediates, felt_t *digest)


cdef extern from "code.h" nogil:
    ctypedef struct NodeC:
        uint32_t kind
        uint32_t flags
    ctypedef struct CodeC:
        NodeC *nodes
        uint64_t node_count
        uint64_t op_count
        uint64_t root_count
    ctypedef struct ColumnsC:
        const uint8_t *nodes
        const uint8_t *operations
        const uint8_t *immediates
        const uint8_t *roots
        uint64_t node_bytes
        uint64_t operation_bytes
        uint64_t immediate_bytes
        uint64_t root_bytes
        char *reason
        size_t reason_size
    int code_build(ColumnsC *columns, CodeC **result)
    void code_free(CodeC *code)
    int64_t code_find_root(CodeC *code, const felt_t *digest)
    void code_digest(const CodeC *code, uint64_t id, felt_t *digest)
    uint64_t block_padded_count(const CodeC *code, const NodeC *node)
    uint32_t load_u32(const uint8_t *bytes)
    uint64_t load_u64(const uint8_t *bytes)
    void store_u64(uint8_t *bytes, uint64_t value)


cdef extern from "digests.h" nogil:
    ctypedef struct DigestsC:
        felt_t *digests
        uint64_t node_count
        uint64_t batch_count
    int digests_prepare(DigestsC *work, ColumnsC *columns)
    int digests_share(DigestsC *work)
    void digests_hash_blocks(const DigestsC *work, int share)
    void digests_hash_inner(const DigestsC *work, const ColumnsC *columns)
    int64_t digests_find_wrong(const DigestsC *work, const ColumnsC *columns)
    void digests_free(DigestsC *work)


cdef class Code:
    cdef CodeC *c_code
    cdef tuple columns
    cdef public object owner
