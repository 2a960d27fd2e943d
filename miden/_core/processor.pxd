# The parts of the machine that its Python handle touches: see machine.h.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from miden._core.forest cimport CodeC
from miden._core.rpo cimport felt_t


cdef extern from "engine.h" nogil:
    uint64_t FMP_WORD
    uint64_t WORD_KEY
    int PAGE_BITS
    int PAGE_CELLS
    int PAGE_WORDS
    int STATUS_DONE
    uint32_t HOT_AFTER
    int STATUS_EXTERNAL
    int STATUS_DYN
    int STATUS_MERKLE_VERIFY
    int STATUS_MERKLE_UPDATE

    ctypedef struct PageC:
        felt_t[64] cells
        uint8_t[16] written
        uint64_t key
    ctypedef struct SlabC:
        SlabC *previous
        uint32_t used
        PageC *pages
    ctypedef struct WordC:
        felt_t[4] cells
        uint64_t key
    ctypedef struct WordSlabC:
        WordSlabC *previous
        uint32_t used
        WordC *words
    ctypedef struct FrameWordC:
        felt_t[4] cells
        uint64_t context
    ctypedef struct CallC:
        uint64_t context
        felt_t[4] frame
    int CONT_ENTER_FOREST
    ctypedef struct ContinuationC:
        uint32_t kind
        uint32_t node
    ctypedef struct MachineC:
        felt_t *sp
        felt_t *floor
        uint64_t max_cycles
        uint64_t max_stack
        uint64_t max_memory
        uint64_t max_continuations
        uint32_t entrypoint
        CodeC *forest
        felt_t[4] user_frame
        int has_root_frame
        felt_t[4] root_frame
        uint64_t clk
        felt_t *advice
        uint64_t advice_count
        uint64_t advice_capacity
        uint32_t code
        uint32_t hot_after
        felt_t[4] fn_hash
        felt_t *kernel
        uint64_t kernel_count
        felt_t[4] transcript
        CallC *calls
        uint64_t call_count
        uint32_t *contexts
        uint64_t context_count
        FrameWordC *frames
        uint64_t frame_size
        SlabC *slabs
        WordSlabC *word_slabs
        const LinksC *links
        uint64_t links_left
        uint64_t links_bytes_left
        felt_t[4] request_digest
        felt_t *path
        uint64_t path_length
        int has_path
        int has_root
        felt_t[4] root
        int has_answer
        uint32_t answer_code
        uint32_t answer_root
        int last
        int finished
        ContinuationC *continuations
        uint64_t continuation_count
        uint32_t node_id
        int64_t op_index
        int debug
        int decorator_slot
        int fault_count
        uint64_t[4] fault_values
    ctypedef struct LinksC:
        CodeC **codes
        uint64_t *bytes
        uint64_t size
        uint64_t count
        uint64_t code_count
        void *table
        void *numbers
    ctypedef struct LimitsC:
        uint64_t max_cycles
        uint64_t max_stack
        uint64_t max_memory
        uint64_t max_continuations
        int debug

    MachineC *machine_new(CodeC *code, uint32_t entrypoint, const LimitsC *limits)
    void machine_free(MachineC *m)
    int machine_run(MachineC *m, uint64_t cycles)
    uint32_t machine_add_code(MachineC *m, CodeC *code)
    LinksC *links_new(uint64_t count, uint64_t code_count)
    void links_free(LinksC *links)
    void links_add(LinksC *links, const felt_t *digest, uint32_t code, uint32_t root)
    int machine_link(MachineC *m, const LinksC *links, uint64_t most, uint64_t most_bytes)
    uint64_t stack_depth(const MachineC *m, const felt_t *sp)
    const felt_t *NEW_FRAME
    uint64_t context_index(const MachineC *m)
    int64_t context_find(const MachineC *m, uint64_t id)
    const felt_t *frame_peek(const MachineC *m, uint64_t index)
    const felt_t *word_peek(const MachineC *m, uint64_t index, uint64_t address)
    void *grow_array(void *array, uint64_t *capacity, uint64_t needed, size_t size)
    void *allocate_array(uint64_t count, size_t size)
