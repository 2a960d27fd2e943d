"""dag-cbor in C: the scan for links, reading and writing values.

What is wrong is not described here: `scan` returns None, `decode` and `encode` the object they were told to, and `miden.ipld` then
runs its readable twin, which says what and where.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Next
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_FromDouble
from cpython.list cimport PyList_Append, PyList_GET_SIZE
from cpython.long cimport PyLong_FromUnsignedLongLong
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.math cimport isfinite
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy


cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        pass
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    int PyObject_GenericSetAttr(object item, object name, object value) except -1
    unsigned long long PyLong_AsUnsignedLongLong(object number) except? 0xFFFFFFFFFFFFFFFF
    object PyType_GenericAlloc(PyTypeObject *cls, Py_ssize_t count)


cdef enum:
    MAX_DIGEST = 64
    LINK_HEAD = 6  # bytes in front of the digest in the usual CID: version 1, one byte of codec, blake2b-256, 32
    USUAL_LINK = 41  # bytes of such a CID with the head of its byte string and a zero
    MAX_HEAD = 9


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


cdef inline object make_cid(object cls, const uint8_t *start, Py_ssize_t size):
    """Return the bytes of a CID, or the object of a class with them in its slot ``_bytes``."""
    cdef object raw = PyBytes_FromStringAndSize(<const char *>start, size)
    cdef object made
    if cls is None:
        return raw
    made = PyType_GenericAlloc(<PyTypeObject *>cls, 0)
    PyObject_GenericSetAttr(made, "_bytes", raw)
    return made


cdef inline bint is_plain(const uint8_t *data, Py_ssize_t size) noexcept nogil:
    """Tell whether a CID is of the usual form, for a block that may have links or none: cbor, raw or dag-cbor by blake2b-256."""
    return size == LINK_HEAD + 32 and (data[1] == 0x71 or data[1] == 0x55 or data[1] == 0x51) and memcmp(
        data + 2, b"\xa0\xe4\x02\x20", 4
    ) == 0


def scan(bytes data not None, object cls=None, /):
    """Return the CIDs of a block and its number of fields, or None for a block without the structure.

    CIDs are their bytes, or objects of a class that keeps these in its slot ``_bytes``.
    """
    cdef list links = []
    cdef Py_ssize_t count = 0
    cdef uint64_t fields = 0
    return (links, fields) if scan_links(data, links, cls, False, &count, &fields) else None


def count_plain(bytes data not None, /):
    """Return how many CIDs and fields a block has if it has the structure and all CIDs are of the usual form, else None."""
    cdef Py_ssize_t count = 0
    cdef uint64_t fields = 0
    return (count, fields) if scan_links(data, None, None, True, &count, &fields) else None


cdef bint scan_links(bytes data, list links, object cls, bint plain, Py_ssize_t *count, uint64_t *field_count) except -1:
    """Count links and fields, and append the links to a list if there is one; false for a block without the structure."""
    cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef const uint8_t *at = start
    cdef const uint8_t *end = start + PyBytes_GET_SIZE(data)
    cdef uint64_t expected = 1, argument, fields = 0
    cdef Py_ssize_t offset, found, known = 0
    cdef uint8_t byte
    cdef int info, width, index
    while expected:
        expected -= 1
        fields += 1
        if at >= end:
            return False
        byte = at[0]
        at += 1
        info = byte & 31
        argument = info
        if info >= 24:
            if info > 27:
                return False
            width = 1 << (info - 24)
            if end - at < width:
                return False
            argument = at[0]
            for index in range(1, width):
                argument = argument << 8 | at[index]
            at += width
        byte >>= 5
        if byte == 2 or byte == 3:
            if argument > <uint64_t>(end - at):
                return False
            at += argument
        elif byte == 4 or byte == 5:
            if byte == 5:
                if argument >> 63:
                    return False
                argument *= 2
            # More items than bytes cannot end well; only whether the sum fits 64 bits decides which error it is.
            if argument > <uint64_t>(end - at) or expected > <uint64_t>(end - at):
                return False
            expected += argument
        elif byte == 6:
            if argument != 42:
                expected += 1
                continue
            if end - at >= USUAL_LINK and memcmp(at, b"\x58\x27\x00\x01", 4) == 0 and is_cid(at + 3, LINK_HEAD + 32):
                found = LINK_HEAD + 32
                at += USUAL_LINK
            else:
                offset = at - start
                found = link_size(start, end - start, &offset, False)
                if found < 0:
                    return False
                at = start + offset
            if plain and not is_plain(at - found, found):
                return False
            known += 1
            if links is not None:
                PyList_Append(links, make_cid(cls, at - found, found))
    if at != end:
        return False
    count[0] = known
    field_count[0] = fields
    return True


def decode(bytes data not None, Py_ssize_t max_depth, object cls, object failed, /):
    """Return the value of a block in strict form, or `failed`. Links are objects of a class that keeps the bytes in ``_bytes``."""
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
                    value = make_cid(cls, start + offset - found, found)
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


def freeze_pointers(list pointers not None, object cls, Py_ssize_t bucket_size, /):
    """Make tuples of the buckets among the pointers of a map, in place; return whether all items are pointers.

    Those are objects of a class, and lists of 1 to `bucket_size` pairs, sorted by their keys. Tuples of what holds no references
    are nothing that the garbage collector looks at. The twin of this is `miden.ipld.hamt.readable_freeze`.
    """
    cdef object pointer, entry, key, last
    cdef Py_ssize_t index
    cdef list frozen
    for index in range(PyList_GET_SIZE(pointers)):
        pointer = pointers[index]
        if type(pointer) is cls:
            continue
        if type(pointer) is not list or not 1 <= PyList_GET_SIZE(pointer) <= bucket_size:
            return False
        last = None
        frozen = []
        for entry in <list>pointer:
            if type(entry) is not list or PyList_GET_SIZE(entry) != 2:
                return False
            key = (<list>entry)[0]
            if type(key) is not bytes or (last is not None and not (<bytes>last < <bytes>key)):
                return False
            last = key
            frozen.append((key, (<list>entry)[1]))
        pointers[index] = tuple(frozen)
    return True


include "dagcbor_write.pxi"
