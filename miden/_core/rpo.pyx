"""RPO-256 in C (mast.md section 2): felts are integers below p, words and digests 32 bytes.

`miden.hashing` is the door for everyone else. Anything not below p raises ValueError.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy


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


def hash_bytes(const uint8_t[::1] data, /):
    """Return the digest of bytes: seven to a felt, zero digest for none (mast.md section 2.3)."""
    cdef felt_t[4] digest
    cdef size_t count = data.shape[0]
    cdef const uint8_t *start = &data[0] if count else NULL
    with nogil:
        rpo_hash_bytes(start, count, digest)
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


def merge_pairs(bytes data not None, domain=0, /):
    """Merge many pairs of words: 64 bytes in and 32 bytes out for each, without the GIL."""
    cdef Py_ssize_t pairs = len(data) // 64
    cdef felt_t *felts
    cdef felt_t tag = felt_from_object(domain)
    if len(data) % 64:
        raise ValueError(f"pairs of words are 64 bytes each, found {len(data)} bytes")
    felts = <felt_t *>malloc(len(data) + 1)
    if felts == NULL:
        raise MemoryError
    try:
        felts_from_bytes(data, felts, 8 * pairs)
        with nogil:
            # in place: a digest is written after its pair was read, and never beyond it
            rpo_merge_pairs(felts, pairs, tag, felts)
        return felts_to_bytes(felts, 4 * pairs)
    finally:
        free(felts)
