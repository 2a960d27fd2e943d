"""dag-cbor in C: the scan for links, and reading values.

What is wrong is not described here: `scan` returns None, `decode` the object it was told to, and `miden.ipld` then runs its
readable twin, which says what and where.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.float cimport PyFloat_FromDouble
from cpython.list cimport PyList_Append
from cpython.long cimport PyLong_FromUnsignedLongLong
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.math cimport isfinite
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy


cdef enum:
    MAX_DIGEST = 64
    LINK_HEAD = 6  # bytes in front of the digest in the usual CID: version 1, one byte of codec, blake2b-256, 32


cdef struct FrameC:
    uint64_t left           # entries still to come
    const uint8_t *last     # the last key of a map, NULL before the first
    uint64_t last_size
    bint is_map


cdef inline bint read_argument(
    const uint8_t *data, Py_ssize_t size, Py_ssize_t *offset, int *major, uint64_t *argument, bint strict
) noexcept nogil:
    """Read the head at `offset`; major type 7 with `strict` gives its first byte. False for what is no head."""
    cdef uint8_t byte
    cdef int info, width, index
    cdef uint64_t value = 0
    if offset[0] >= size:
        return False
    byte = data[offset[0]]
    offset[0] += 1
    major[0] = byte >> 5
    info = byte & 31
    if strict and major[0] == 7:
        argument[0] = byte
        return True
    if info < 24:
        argument[0] = info
        return True
    if info > 27:
        return False
    width = 1 << (info - 24)
    if size - offset[0] < width:
        return False
    for index in range(width):
        value = value << 8 | data[offset[0] + index]
    offset[0] += width
    argument[0] = value
    if not strict:
        return True
    if width == 1:
        return value >= 24
    return value >> (4 * width) != 0


cdef inline bint skip_varint(const uint8_t *data, Py_ssize_t size, Py_ssize_t *offset, uint64_t *value) noexcept nogil:
    """Read a minimal varint of at most 64 bits."""
    cdef int shift
    cdef uint8_t byte
    value[0] = 0
    for shift in range(0, 70, 7):
        if offset[0] >= size:
            return False
        byte = data[offset[0]]
        offset[0] += 1
        if shift == 63 and byte > 1:
            return False
        value[0] |= <uint64_t>(byte & 0x7F) << shift
        if byte < 0x80:
            return byte != 0 or shift == 0
    return False


cdef inline bint is_cid(const uint8_t *data, Py_ssize_t size) noexcept nogil:
    """Tell whether bytes are one CID and nothing else, by the rules of `miden.ipld.cid`."""
    cdef Py_ssize_t offset = 0
    cdef uint64_t value
    if size == LINK_HEAD + 32 and data[0] == 1 and data[1] < 0x80 and memcmp(data + 2, b"\xa0\xe4\x02\x20", 4) == 0:
        return True
    if size >= 2 and data[0] == 0x12 and data[1] == 0x20:
        return size == 34
    if not skip_varint(data, size, &offset, &value) or value != 1:
        return False
    if not skip_varint(data, size, &offset, &value) or not skip_varint(data, size, &offset, &value):
        return False
    return skip_varint(data, size, &offset, &value) and value <= MAX_DIGEST and <uint64_t>(size - offset) == value


cdef inline Py_ssize_t link_size(const uint8_t *data, Py_ssize_t size, Py_ssize_t *offset, bint strict) noexcept nogil:
    """Read what stands behind tag 42 and return the size of its CID, which ends at the new offset; -1 for what is no link."""
    cdef int major
    cdef uint64_t count
    if not read_argument(data, size, offset, &major, &count, strict) or major != 2:
        return -1
    if count < 1 or count > <uint64_t>(size - offset[0]) or data[offset[0]] != 0:
        return -1
    offset[0] += <Py_ssize_t>count
    if not is_cid(data + offset[0] - count + 1, <Py_ssize_t>count - 1):
        return -1
    return <Py_ssize_t>count - 1


cdef inline bint is_plain(const uint8_t *data, Py_ssize_t size) noexcept nogil:
    """Tell whether a CID is of the usual form, for a block that may have links or none: cbor, raw or dag-cbor by blake2b-256."""
    return size == LINK_HEAD + 32 and (data[1] == 0x71 or data[1] == 0x55 or data[1] == 0x51) and memcmp(
        data + 2, b"\xa0\xe4\x02\x20", 4
    ) == 0


def scan(bytes data not None, /):
    """Return the bytes of the CIDs of a block and its number of fields, or None for a block without the structure."""
    cdef list links = []
    cdef Py_ssize_t count = 0
    cdef uint64_t fields = 0
    return (links, fields) if scan_links(data, links, False, &count, &fields) else None


def count_plain(bytes data not None, /):
    """Return how many CIDs and fields a block has if it has the structure and all CIDs are of the usual form, else None."""
    cdef Py_ssize_t count = 0
    cdef uint64_t fields = 0
    return (count, fields) if scan_links(data, None, True, &count, &fields) else None


cdef bint scan_links(bytes data, list links, bint plain, Py_ssize_t *count, uint64_t *field_count) except -1:
    """Count links and fields, and append the links to a list if there is one; false for a block without the structure."""
    cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), offset = 0, found
    cdef uint64_t expected = 1, argument, fields = 0
    cdef int major
    while expected:
        expected -= 1
        fields += 1
        if not read_argument(start, size, &offset, &major, &argument, False):
            return False
        if major == 2 or major == 3:
            if argument > <uint64_t>(size - offset):
                return False
            offset += <Py_ssize_t>argument
        elif major == 4 or major == 5:
            if major == 5:
                if argument >> 63:
                    return False
                argument *= 2
            # More items than bytes cannot end well; only whether the sum fits 64 bits decides which error it is.
            if argument > <uint64_t>(size - offset) or expected > <uint64_t>(size - offset):
                return False
            expected += argument
        elif major == 6:
            if argument != 42:
                expected += 1
            else:
                found = link_size(start, size, &offset, False)
                if found < 0 or (plain and not is_plain(start + offset - found, found)):
                    return False
                count[0] += 1
                if links is not None:
                    PyList_Append(links, PyBytes_FromStringAndSize(<const char *>start + offset - found, found))
    if offset != size:
        return False
    field_count[0] = fields
    return True


def decode(bytes data not None, Py_ssize_t max_depth, object make_link, object failed, /):
    """Return the value of a block in strict form, or `failed`. Links are made by `make_link` from the bytes of a CID."""
    cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), offset = 0, depth = 0, capacity = 16, found
    cdef uint64_t argument
    cdef int major, order
    cdef FrameC *frames = <FrameC *>malloc(capacity * sizeof(FrameC))
    cdef FrameC *frame = NULL
    cdef FrameC *grown
    cdef list containers = [], keys = []
    cdef object value, container = None
    cdef object key = None
    cdef double number
    cdef uint64_t bits
    cdef int index
    if frames == NULL:
        raise MemoryError
    try:
        while True:
            if not read_argument(start, size, &offset, &major, &argument, True):
                return failed
            if depth and frame.is_map and key is None:
                if major != 3 or argument > <uint64_t>(size - offset):
                    return failed
                if frame.last != NULL:
                    if argument < frame.last_size:
                        return failed
                    if argument == frame.last_size:
                        order = memcmp(frame.last, start + offset, <size_t>argument)
                        if order >= 0:
                            return failed
                frame.last = start + offset
                frame.last_size = argument
                try:
                    key = PyUnicode_DecodeUTF8(<const char *>start + offset, <Py_ssize_t>argument, NULL)
                except UnicodeDecodeError:
                    return failed
                offset += <Py_ssize_t>argument
                continue
            if major == 4 or major == 5:
                if argument > <uint64_t>(size - offset) // (major - 3) or depth >= max_depth:
                    return failed
                if depth == capacity:
                    capacity *= 2
                    grown = <FrameC *>realloc(frames, capacity * sizeof(FrameC))
                    if grown == NULL:
                        raise MemoryError
                    frames = grown
                if depth:
                    containers.append(container)
                    keys.append(key)
                container = [] if major == 4 else {}
                key = None
                frame = &frames[depth]
                frame.left = argument
                frame.last = NULL
                frame.is_map = major == 5
                depth += 1
                if argument:
                    continue
                value = None
            else:
                if major == 0:
                    value = PyLong_FromUnsignedLongLong(argument)
                elif major == 1:
                    value = -1 - PyLong_FromUnsignedLongLong(argument)
                elif major == 2 or major == 3:
                    if argument > <uint64_t>(size - offset):
                        return failed
                    if major == 2:
                        value = PyBytes_FromStringAndSize(<const char *>start + offset, <Py_ssize_t>argument)
                    else:
                        try:
                            value = PyUnicode_DecodeUTF8(<const char *>start + offset, <Py_ssize_t>argument, NULL)
                        except UnicodeDecodeError:
                            return failed
                    offset += <Py_ssize_t>argument
                elif major == 6:
                    if argument != 42:
                        return failed
                    found = link_size(start, size, &offset, True)
                    if found < 0:
                        return failed
                    value = make_link(PyBytes_FromStringAndSize(<const char *>start + offset - found, found))
                elif argument == 0xF4:
                    value = False
                elif argument == 0xF5:
                    value = True
                elif argument == 0xF6:
                    value = None
                elif argument == 0xFB and size - offset >= 8:
                    bits = 0
                    for index in range(8):
                        bits = bits << 8 | start[offset + index]
                    offset += 8
                    memcpy(&number, &bits, 8)
                    if not isfinite(number):
                        return failed
                    value = PyFloat_FromDouble(number)
                else:
                    return failed
                if not depth:
                    return value if offset == size else failed
                if frame.is_map:
                    (<dict>container)[key] = value
                    key = None
                else:
                    PyList_Append(container, value)
                frame.left -= 1
            while not frame.left:
                value = container
                depth -= 1
                if not depth:
                    return value if offset == size else failed
                frame = &frames[depth - 1]
                container = containers.pop()
                key = keys.pop()
                if frame.is_map:
                    (<dict>container)[key] = value
                    key = None
                else:
                    PyList_Append(container, value)
                frame.left -= 1
    finally:
        free(frames)
