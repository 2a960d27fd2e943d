"""Forest files in C: see decode.h. A function returns None for bytes that are wrong; `miden.serde` then says how."""

cimport cython

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc


cdef extern from "decode.h" nogil:
    ctypedef struct CursorC:
        const uint8_t *data
        uint64_t pos
        uint64_t end
        bint ok
    ctypedef struct DecodedC:
        uint8_t *nodes
        uint8_t *operations
        uint8_t *immediates
        uint32_t *op_counts
        uint64_t op_total
        uint64_t imm_total
    ctypedef struct DebugSectionC:
        uint64_t decorator_count
        uint64_t node_count
        const uint32_t *op_counts
    int NODE_INFO_SIZE
    int NODE_COLUMN_SIZE
    bint c_decode_nodes "decode_nodes"(
        CursorC *cursor, uint64_t node_count, uint64_t start, uint64_t end, const uint8_t *dyn, const uint8_t *dyncall, DecodedC *decoded)
    int walk_debug_section(CursorC *cursor, DebugSectionC *section, bint check)

include "buffers.pxi"


cdef const uint8_t *bytes_of(bytes data) noexcept:
    """Return where the bytes are."""
    return <const uint8_t *>PyBytes_AS_STRING(data)


def decode_nodes(
    bytes data not None, uint64_t infos, uint64_t node_count, uint64_t start, uint64_t end, bytes dyn not None, bytes dyncall not None, /
):
    """Decode node infos from `infos` on, with operations in data[start:end]; `dyn` and `dyncall` are constant digests.

    Returns the columns of nodes, operations and immediates, and the number of operations of each node as native u32.
    """
    cdef CursorC cursor
    cdef DecodedC decoded
    cdef uint64_t size = len(data), room
    cdef const uint8_t *dyn_digest = bytes_of(dyn)
    cdef const uint8_t *dyncall_digest = bytes_of(dyncall)
    cdef bint ok
    cdef bytes nodes, op_counts
    if not (infos <= size and node_count <= (size - infos) // NODE_INFO_SIZE and start <= end <= size and len(dyn) == len(dyncall) == 32):
        return None
    room = end - start
    nodes = PyBytes_FromStringAndSize(NULL, node_count * NODE_COLUMN_SIZE)
    op_counts = PyBytes_FromStringAndSize(NULL, 4 * node_count)
    cursor.data, cursor.pos, cursor.end, cursor.ok = bytes_of(data), infos, size, True
    decoded.nodes, decoded.op_counts = <uint8_t *>bytes_of(nodes), <uint32_t *>bytes_of(op_counts)
    decoded.op_total = decoded.imm_total = 0
    decoded.operations = <uint8_t *>malloc(room + 1)
    decoded.immediates = <uint8_t *>malloc(room + 1)
    try:
        if decoded.operations == NULL or decoded.immediates == NULL:
            raise MemoryError
        with nogil:
            ok = c_decode_nodes(&cursor, node_count, start, end, dyn_digest, dyncall_digest, &decoded)
        if not ok:
            return None
        operations = PyBytes_FromStringAndSize(<char *>decoded.operations, decoded.op_total)
        immediates = PyBytes_FromStringAndSize(<char *>decoded.immediates, 8 * decoded.imm_total)
        return nodes, operations, immediates, op_counts
    finally:
        free(decoded.operations)
        free(decoded.immediates)


def walk_debug_info(
    bytes data not None, uint64_t pos, uint64_t end, uint64_t decorator_count, op_counts, bint check, /
):
    """Walk over a debug section from `pos` on and return where it ends, before `end`.

    `op_counts` has the number of raw operations of each node. Decorators themselves are looked at if `check` is set.
    """
    cdef CursorC cursor
    cdef DebugSectionC section
    cdef _Matrix counts = _Matrix.__new__(_Matrix, op_counts, "IL", 4, 1, False)
    cdef int status
    if not pos <= end <= <uint64_t>len(data):
        return None
    cursor.data, cursor.pos, cursor.end, cursor.ok = bytes_of(data), pos, end, True
    section.decorator_count, section.node_count, section.op_counts = decorator_count, counts.rows, <const uint32_t *>counts.data
    with nogil:
        status = walk_debug_section(&cursor, &section, check)
    if status < 0:
        raise MemoryError
    return cursor.pos if cursor.ok else None
