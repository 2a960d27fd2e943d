"""RPO-256 in C (mast.md section 2): felts are integers below p, words and digests 32 bytes.

`miden.hashing` is the door for everyone else. Anything not below p raises ValueError.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.buffer cimport PyBUF_SIMPLE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memmove

include "buffers.pxi"


cdef extern from "rpo_variants.h" nogil:
    const RpoVariantC *rpo_variant_at(int index)
    void rpo_choose(const RpoVariantC *variant)


cdef felt_t felt_from_object(object value) except? 1:
    """Return a felt from an integer, or raise ValueError."""
    cdef uint64_t number
    try:
        number = value
    except OverflowError:
        raise ValueError(f"a felt must be in [0, p), found {value}") from None
    if number >= FELT_P:
        raise ValueError(f"a felt must be in [0, p), found {value}")
    return number


cdef int word_from_bytes(bytes data, felt_t *word) except -1:
    """Read one word from 32 bytes."""
    if len(data) != 32:
        raise ValueError(f"a word is 32 bytes, found {len(data)}")
    return felts_from_bytes(data, word, 4)


cdef int felts_from_bytes(bytes data, felt_t *felts, Py_ssize_t count) except -1:
    """Copy `count` little-endian felts that are known to be there and check them."""
    cdef Py_ssize_t index
    cdef const uint8_t *source = <const uint8_t *>PyBytes_AS_STRING(data)
    for index in range(count):
        felts[index] = load_u64(source + 8 * index)
        if felts[index] >= FELT_P:
            raise ValueError(f"element {index} is not below p: {felts[index]}")
    return 0


cdef inline uint64_t load_u64(const uint8_t *source) noexcept nogil:
    """Read eight bytes, little-endian on every machine."""
    cdef uint64_t value = 0
    cdef int index
    for index in range(8):
        value |= <uint64_t>source[index] << (8 * index)
    return value


cdef bytes felts_to_bytes(const felt_t *felts, Py_ssize_t count):
    """Write felts as little-endian bytes."""
    cdef bytes data = PyBytes_FromStringAndSize(NULL, 8 * count)
    cdef uint8_t *target = <uint8_t *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t index
    cdef int shift
    for index in range(count):
        for shift in range(8):
            target[8 * index + shift] = <uint8_t>(felts[index] >> (8 * shift))
    return data


def permute(state, /):
    """Return the permutation of 12 felts as a list (mast.md section 2.1)."""
    cdef felt_t[12] cells
    cdef int index
    if len(state) != 12:
        raise ValueError(f"the state is 12 felts, found {len(state)}")
    for index in range(12):
        cells[index] = felt_from_object(state[index])
    with nogil:
        rpo_permute(cells)
    return [cells[index] for index in range(12)]


def hash_elements(elements, /):
    """Return the digest of a sequence of felts; zero for none."""
    cdef Py_ssize_t count, index
    cdef felt_t *felts
    cdef felt_t[4] digest
    values = elements if isinstance(elements, (list, tuple)) else list(elements)
    count = len(values)
    felts = <felt_t *>malloc(count * sizeof(felt_t) + 1)
    if felts == NULL:
        raise MemoryError
    try:
        for index in range(count):
            felts[index] = felt_from_object(values[index])
        with nogil:
            rpo_hash_elements(felts, count, digest)
    finally:
        free(felts)
    return felts_to_bytes(digest, 4)


def hash_packed(bytes data, /):
    """Return the digest of felts that are given as little-endian bytes, eight each."""
    cdef Py_ssize_t count = len(data) // 8
    cdef felt_t *felts
    cdef felt_t[4] digest
    if len(data) % 8:
        raise ValueError(f"felts are 8 bytes each, found {len(data)} bytes")
    felts = <felt_t *>malloc(len(data) + 1)
    if felts == NULL:
        raise MemoryError
    try:
        felts_from_bytes(data, felts, count)
        with nogil:
            rpo_hash_elements(felts, count, digest)
    finally:
        free(felts)
    return felts_to_bytes(digest, 4)


def hash_bytes(data, /):
    """Return the digest of bytes: seven to a felt, zero digest for none (mast.md section 2.3)."""
    cdef felt_t[4] digest
    cdef Py_buffer view
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    with nogil:
        rpo_hash_bytes(<const uint8_t *>view.buf, view.len, digest)
    PyBuffer_Release(&view)
    return felts_to_bytes(digest, 4)


def merge(bytes left not None, bytes right not None, /):
    """Return the digest of two words."""
    return merge_in_domain(left, right, 0)


def merge_in_domain(bytes left not None, bytes right not None, domain, /):
    """Return the digest of two words in a domain, a felt."""
    cdef felt_t[4] a
    cdef felt_t[4] b
    cdef felt_t[4] digest
    cdef felt_t tag = felt_from_object(domain)
    word_from_bytes(left, a)
    word_from_bytes(right, b)
    rpo_merge_in_domain(a, b, tag, digest)
    return felts_to_bytes(digest, 4)


@cython.final
cdef class _PairsTask:
    """Some of many pairs, to be merged in place by one thread. Who made it keeps the memory until it is done."""

    cdef felt_t *felts
    cdef const felt_t *domains
    cdef Py_ssize_t count

    def __call__(self):
        with nogil:
            rpo_merge_many(self.felts, self.domains, self.count, self.felts)


cdef _PairsTask pairs_task(felt_t *felts, const felt_t *domains, Py_ssize_t start, Py_ssize_t stop):
    """Return the task for pairs start to stop."""
    cdef _PairsTask task = _PairsTask.__new__(_PairsTask)
    task.felts, task.domains, task.count = felts + 8 * start, domains + start, stop - start
    return task


def merge_many(bytes data not None, domain=0, threads=None, /):
    """Merge many pairs of words: 64 bytes in and 32 bytes out for each, without the GIL.

    `domain` is one felt for all, or a sequence with one felt for each pair; `threads` as for `hash_many`.
    """
    cdef Py_ssize_t index, pairs = len(data) // 64, middle = (pairs // 2 + 7) // 8 * 8  # whole lanes
    cdef felt_t *felts
    cdef felt_t *domains
    if len(data) % 64:
        raise ValueError(f"pairs of words are 64 bytes each, found {len(data)} bytes")
    cdef bint same = isinstance(domain, int)
    cdef felt_t tag = felt_from_object(domain) if same else 0
    if not same and len(domain) != pairs:
        raise ValueError(f"domains are one for each of the {pairs} pairs, found {len(domain)}")
    felts = <felt_t *>malloc(len(data) + 1)
    domains = <felt_t *>malloc(8 * pairs + 1)
    try:
        if felts == NULL or domains == NULL:
            raise MemoryError
        felts_from_bytes(data, felts, 8 * pairs)
        for index in range(pairs):
            domains[index] = tag if same else felt_from_object(domain[index])
        if wants_two_threads(threads, pairs) and middle < pairs:
            in_two_threads(pairs_task(felts, domains, 0, middle), pairs_task(felts, domains, middle, pairs))
            memmove(felts + 4 * middle, felts + 8 * middle, 32 * (pairs - middle))
        else:
            pairs_task(felts, domains, 0, pairs)()
        return felts_to_bytes(felts, 4 * pairs)
    finally:
        free(felts)
        free(domains)


@cython.final
cdef class _RowsTask:
    """Some of the rows of a matrix, to be hashed by one thread. Holds on to the buffers it works on."""

    cdef _Matrix rows
    cdef _Matrix digests
    cdef Py_ssize_t start
    cdef Py_ssize_t stop

    def __call__(self):
        cdef Py_ssize_t width = self.rows.width, count = self.stop - self.start
        cdef const felt_t *first = <const felt_t *>self.rows.data + self.start * width if count and width else NULL
        cdef felt_t *digests = <felt_t *>self.digests.data + 4 * self.start if count else NULL
        with nogil:
            rpo_hash_rows(first, count, width, digests)


cdef _RowsTask rows_task(_Matrix rows, _Matrix digests, Py_ssize_t start, Py_ssize_t stop):
    """Return the task for rows start to stop."""
    cdef _RowsTask task = _RowsTask.__new__(_RowsTask)
    task.rows, task.digests, task.start, task.stop = rows, digests, start, stop
    return task


def hash_many(source, threads=None, /):
    """Return the digests of the rows of a matrix of felts, 32 bytes each, without the GIL.

    Any two-dimensional C-contiguous buffer of unsigned 64-bit integers will do. `threads` is 1 or 2; None takes two if
    the machine has them and there is enough to do.
    """
    cdef _Matrix rows = felts_of(source, 2, False), cells
    cdef Py_ssize_t count = rows.rows, width = rows.width, middle, blocks = (width + 7) // 8
    cdef const uint64_t *first = <const uint64_t *>rows.data
    cdef Py_ssize_t wrong
    with nogil:
        wrong = first_above(first, count * width)
    if wrong >= 0:
        raise ValueError(f"element {wrong % width} of row {wrong // width} is not below p: {first[wrong]}")
    digests = bytearray(32 * count)
    cells = felts_of(memoryview(digests).cast("Q"), 1, True)
    middle = (count // 2 + 7) // 8 * 8  # whole lanes
    if wants_two_threads(threads, count * blocks) and middle < count:
        in_two_threads(rows_task(rows, cells, 0, middle), rows_task(rows, cells, middle, count))
    else:
        rows_task(rows, cells, 0, count)()
    return felts_to_bytes(<const felt_t *>PyByteArray_AS_STRING(digests), 4 * count)


def hash_packed_many(inputs, /):
    """Return the digests of many inputs of any lengths, 32 bytes each, without the GIL.

    An input is a bytes object: felts of eight bytes, little-endian. The digest of no felts is zero.
    """
    cdef Py_ssize_t index, total = 0, count = len(inputs), size
    cdef RpoInputC *work
    cdef felt_t *felts
    cdef felt_t *digests
    for data in inputs:
        size = len(data)
        if size % 8:
            raise ValueError(f"felts are 8 bytes each, found {size} bytes")
        total += size
    work = <RpoInputC *>malloc(count * sizeof(RpoInputC) + 1)
    felts = <felt_t *>malloc(total + 1)
    digests = <felt_t *>malloc(32 * count + 1)
    try:
        if work == NULL or felts == NULL or digests == NULL:
            raise MemoryError
        total = 0
        for index in range(count):
            size = len(inputs[index]) // 8
            felts_from_bytes(inputs[index], felts + total, size)
            work[index].elements, work[index].count, work[index].digest = felts + total, size, digests + 4 * index
            total += size
        with nogil:
            rpo_sort_inputs(work, count)
            rpo_hash_sorted(work, count)
        return felts_to_bytes(digests, 4 * count)
    finally:
        free(work)
        free(felts)
        free(digests)


cdef Py_ssize_t first_above(const uint64_t *felts, Py_ssize_t count) noexcept nogil:
    """Return the position of the first value that is not a felt, or -1."""
    cdef Py_ssize_t index
    for index in range(count):
        if felts[index] >= FELT_P:
            return index
    return -1


cdef bint wants_two_threads(threads, Py_ssize_t permutations) except -1:
    """Decide whether a second thread pays: starting one takes about as long as a hundred permutations in lanes."""
    if threads is not None:
        if threads not in (1, 2):
            raise ValueError(f"threads must be 1, 2 or None, found {threads!r}")
        return threads == 2
    if permutations < 512:
        return False
    import os

    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) > 1
    return (os.cpu_count() or 1) > 1


cdef int in_two_threads(first, second) except -1:
    """Call both, the second in a thread of its own, and wait for both; they release the GIL and keep what they use."""
    from threading import Thread

    thread = Thread(target=second, name="miden-hash")
    try:
        thread.start()
    except RuntimeError:  # no more threads to be had
        second()
        first()
        return 0
    try:
        first()
    finally:
        thread.join()
    return 0


cdef const RpoVariantC *const *variant_slot() noexcept nogil:
    """Return where the variant in use is kept, for `rpo_follow` in other modules."""
    return rpo_selected


def variants():
    """Return the names of the variants that this processor can run, the fastest first."""
    names = []
    cdef int index = 0
    while rpo_variant_at(index) is not NULL:
        names.append((<bytes>rpo_variant_at(index).name).decode())
        index += 1
    return tuple(names)


def variant():
    """Return the name of the variant in use."""
    return (<bytes>rpo_selected[0].name).decode()


def set_variant(str name not None, /):
    """Use another variant of the permutation in the whole core; "auto" is the fastest. For tests and benchmarks."""
    cdef int index = 0
    while rpo_variant_at(index) is not NULL:
        if name == "auto" or name == (<bytes>rpo_variant_at(index).name).decode():
            rpo_choose(rpo_variant_at(index))
            return
        index += 1
    raise ValueError(f"no variant {name!r} of the permutation here: expected auto, {', '.join(variants())}")


rpo_choose(rpo_variant_at(0))
