"""Forests in C: `Code`, which the machine executes, and the hashing and padding of blocks (mast.md sections 4 and 5).

Columns are those of `miden.mast.forest.MastForest`. Bad input raises ValueError with the reason.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from miden._core.rpo cimport FELT_P, felt_t, in_two_threads, rpo_follow, variant_slot, wants_two_threads

rpo_follow(variant_slot())


cdef inline const uint8_t *bytes_of(bytes data) noexcept:
    """Return where the bytes are."""
    return <const uint8_t *>PyBytes_AS_STRING(data)


cdef bytes words_to_bytes(const felt_t *felts, uint64_t count):
    """Write felts as little-endian bytes."""
    cdef bytes data = PyBytes_FromStringAndSize(NULL, 8 * count)
    cdef uint8_t *target = <uint8_t *>PyBytes_AS_STRING(data)
    cdef uint64_t index
    for index in range(count):
        store_u64(target + 8 * index, felts[index])
    return data


cdef void columns_init(ColumnsC *columns, bytes nodes, bytes operations, bytes immediates, bytes roots, char *reason, size_t size) noexcept:
    """Point at the columns; the caller keeps the objects."""
    memset(columns, 0, sizeof(ColumnsC))
    columns.nodes, columns.node_bytes = bytes_of(nodes), len(nodes)
    columns.operations, columns.operation_bytes = bytes_of(operations), len(operations)
    columns.immediates, columns.immediate_bytes = bytes_of(immediates), len(immediates)
    columns.roots, columns.root_bytes = bytes_of(roots), len(roots)
    columns.reason, columns.reason_size = reason, size


cdef uint64_t *block_immediates(bytes opcodes, immediates) except NULL:
    """Check the operations of a block and return its immediates, to be freed by the caller."""
    cdef Py_ssize_t index, needed = 0, count = len(immediates)
    cdef const uint8_t *codes = bytes_of(opcodes)
    cdef uint64_t *values
    if not opcodes:
        raise ValueError("a block has at least one operation")
    for index in range(len(opcodes)):
        if not OPCODE_TRAITS[codes[index]] & OPCODE_PLAIN:
            raise ValueError(f"operation {index} has opcode {codes[index]}, which cannot stand in a block")
        if OPCODE_TRAITS[codes[index]] & OPCODE_IMMEDIATE:
            needed += 1
    if needed != count:
        raise ValueError(f"the operations take {needed} immediates, found {count}")
    values = <uint64_t *>malloc(8 * count + 1)
    if values == NULL:
        raise MemoryError
    try:
        for index in range(count):
            number = immediates[index]
            if not 0 <= number < FELT_P:
                raise ValueError(f"immediate {index} is not below p: {number}")
            values[index] = number
    except BaseException:
        free(values)
        raise
    return values


def block_digest(bytes opcodes not None, immediates, /):
    """Return the 32-byte digest of a basic block from its raw operations and all their immediates, error codes included."""
    cdef felt_t[4] digest
    cdef uint64_t count = len(opcodes)
    cdef const uint8_t *codes = bytes_of(opcodes)
    cdef uint64_t *values = block_immediates(opcodes, immediates)
    with nogil:
        block_digest_c(codes, count, values, digest)
    free(values)
    return words_to_bytes(digest, 4)


def padded_operations(bytes opcodes not None, /):
    """Return the padded opcodes of a block, and as many bytes that are 1 where a NOOP was inserted.

    >>> padded_operations(bytes([91, 91]))
    (b'[[\\x00\\x00', b'\\x00\\x00\\x01\\x01')
    """
    cdef PackC pack
    cdef Py_ssize_t needed = sum(OPCODE_TRAITS[opcode] & OPCODE_IMMEDIATE != 0 for opcode in opcodes)
    cdef uint64_t *values = block_immediates(opcodes, (0,) * needed)
    cdef bytes padded, inserted
    cdef uint64_t count = len(opcodes)
    try:
        memset(&pack, 0, sizeof(pack))
        pack_block(&pack, bytes_of(opcodes), count, values)
        padded = PyBytes_FromStringAndSize(NULL, pack.op_count)
        inserted = PyBytes_FromStringAndSize(NULL, pack.op_count)
        memset(&pack, 0, sizeof(pack))
        pack.padded = <uint8_t *>PyBytes_AS_STRING(padded)
        pack.inserted = <uint8_t *>PyBytes_AS_STRING(inserted)
        pack_block(&pack, bytes_of(opcodes), count, values)
    finally:
        free(values)
    return padded, inserted


@cython.final
cdef class _DigestWork:
    """The digests of a forest while they are computed. Holds on to the columns, so that threads may too."""

    cdef DigestsC c_work
    cdef ColumnsC c_columns
    cdef char[200] reason
    cdef bytes nodes
    cdef bytes operations
    cdef bytes immediates

    def __cinit__(self, bytes nodes not None, bytes operations not None, bytes immediates not None):
        cdef int status
        self.nodes, self.operations, self.immediates = nodes, operations, immediates
        columns_init(&self.c_columns, nodes, operations, immediates, b"", self.reason, sizeof(self.reason))
        with nogil:
            status = digests_prepare(&self.c_work, &self.c_columns)
        if status == -1:
            raise ValueError((<bytes>self.reason).decode())
        if status:
            raise MemoryError

    def __dealloc__(self):
        digests_free(&self.c_work)

    cdef int run(self, threads) except -1:
        """Compute all digests."""
        if wants_two_threads(threads, self.c_work.batch_count):
            if digests_share(&self.c_work) < 0:
                raise MemoryError
            in_two_threads(block_share(self, 0), block_share(self, 1))
        else:
            block_share(self, 0)()
        with nogil:
            digests_hash_inner(&self.c_work, &self.c_columns)
        return 0


@cython.final
cdef class _BlockShare:
    """One share of the blocks, for one thread."""

    cdef _DigestWork work
    cdef int share

    def __call__(self):
        with nogil:
            digests_hash_blocks(&self.work.c_work, self.share)


cdef _BlockShare block_share(_DigestWork work, int share):
    """Return a share as something to call."""
    cdef _BlockShare result = _BlockShare.__new__(_BlockShare)
    result.work, result.share = work, share
    return result


def compute_digests(nodes, operations, immediates, threads=None, /):
    """Return the digests of all nodes, 32 bytes each, recomputed from the operations up, without the GIL.

    Nodes may stand in any order; the digest of an external node is taken as it is. `threads` is 1 or 2; None takes two if
    the machine has them and there is enough to do. ValueError for columns that are no forest, or for a node that is its
    own descendant.
    """
    cdef _DigestWork work = _DigestWork(nodes, operations, immediates)
    work.run(threads)
    return words_to_bytes(work.c_work.digests, 4 * work.c_work.node_count)


def find_wrong_digest(nodes, operations, immediates, threads=None, /):
    """Recompute all digests as `compute_digests` does; return the first node whose record has another one, and its
    digest, or None.
    """
    cdef _DigestWork work = _DigestWork(nodes, operations, immediates)
    cdef int64_t wrong
    work.run(threads)
    with nogil:
        wrong = digests_find_wrong(&work.c_work, &work.c_columns)
    return None if wrong < 0 else (wrong, words_to_bytes(work.c_work.digests + 4 * wrong, 4))


@cython.final
cdef class Code:
    """A validated forest ready for execution; immutable but for `set_decorators` and `owner`.

    Built from the columns of a forest: ``Code(nodes, operations, immediates, roots)``. Blocks have to take the operations
    and immediates in node order, without gaps. ValueError says what is wrong with columns that are not a forest.
    """

    def __cinit__(self, bytes nodes not None, bytes operations not None, bytes immediates not None, bytes roots not None):
        cdef ColumnsC columns
        cdef char[200] reason
        cdef int status
        columns_init(&columns, nodes, operations, immediates, roots, reason, sizeof(reason))
        self.columns = (nodes, operations, immediates, roots)  # which the code goes on reading
        with nogil:
            status = code_build(&columns, &self.c_code)
        if status == -1:
            raise ValueError((<bytes>reason).decode())
        if status:
            raise MemoryError

    def __dealloc__(self):
        code_free(self.c_code)

    def __len__(self):
        return self.c_code.node_count

    def find_root(self, bytes digest not None):
        """Return the first root with this 32-byte digest, or -1."""
        cdef felt_t[4] word
        cdef int index
        if len(digest) != 32:
            raise ValueError(f"a digest is 32 bytes, found {len(digest)}")
        for index in range(4):
            word[index] = load_u64(bytes_of(digest) + 8 * index)
        return code_find_root(self.c_code, word)

    def digest_bytes(self, uint64_t node_id):
        """Return the 32 bytes of a node's digest."""
        cdef felt_t[4] digest
        if node_id >= self.c_code.node_count:
            raise IndexError(f"node {node_id} is not among the {self.c_code.node_count} nodes")
        code_digest(self.c_code, node_id, digest)
        return words_to_bytes(digest, 4)

    def padded_count(self, uint64_t node_id):
        """Return the number of padded operations of a block; 0 for other nodes."""
        if node_id >= self.c_code.node_count:
            raise IndexError(f"node {node_id} is not among the {self.c_code.node_count} nodes")
        if self.c_code.nodes[node_id].kind != NODE_BLOCK:
            return 0
        return block_padded_count(self.c_code, &self.c_code.nodes[node_id])

    def set_decorators(self, bytes node_flags not None):
        """Say which nodes have decorators, one byte a node: 1 before_enter, 2 after_exit, 4 before operations."""
        cdef uint64_t index, count = self.c_code.node_count
        if <uint64_t>len(node_flags) != count:
            raise ValueError(f"decorator flags are one byte a node: expected {count}, found {len(node_flags)}")
        for index in range(count):
            self.c_code.nodes[index].flags = bytes_of(node_flags)[index] & 7

    def __repr__(self):
        return f"<Code of {self.c_code.node_count} nodes, {self.c_code.root_count} roots, {self.c_code.op_count} operations>"
