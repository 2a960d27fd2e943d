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


def scan(bytes data not None, object cls=None, /):
    """Return the CIDs of a block and its number of fields, or None for a block without the structure.

    CIDs are their bytes, or objects of a class that keeps these in its slot ``_bytes``.
    """
    cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef const uint8_t *at = start
    cdef const uint8_t *end = start + PyBytes_GET_SIZE(data)
    cdef uint64_t expected = 1, argument, fields = 0
    cdef Py_ssize_t offset, found
    cdef uint8_t byte
    cdef int info, width, index
    cdef list links = []
    while expected:
        expected -= 1
        fields += 1
        if at >= end:
            return None
        byte = at[0]
        at += 1
        info = byte & 31
        argument = info
        if info >= 24:
            if info > 27:
                return None
            width = 1 << (info - 24)
            if end - at < width:
                return None
            argument = at[0]
            for index in range(1, width):
                argument = argument << 8 | at[index]
            at += width
        byte >>= 5
        if byte == 2 or byte == 3:
            if argument > <uint64_t>(end - at):
                return None
            at += argument
        elif byte == 4 or byte == 5:
            if byte == 5:
                if argument >> 63:
                    return None
                argument *= 2
            # More items than bytes cannot end well; only whether the sum fits 64 bits decides which error it is.
            if argument > <uint64_t>(end - at) or expected > <uint64_t>(end - at):
                return None
            expected += argument
        elif byte == 6:
            if argument != 42:
                expected += 1
            elif end - at >= USUAL_LINK and memcmp(at, b"\x58\x27\x00\x01", 4) == 0 and is_cid(at + 3, LINK_HEAD + 32):
                PyList_Append(links, make_cid(cls, at + 3, LINK_HEAD + 32))
                at += USUAL_LINK
            else:
                offset = at - start
                found = link_size(start, end - start, &offset, False)
                if found < 0:
                    return None
                at = start + offset
                PyList_Append(links, make_cid(cls, at - found, found))
    if at != end:
        return None
    return links, fields


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


cdef struct Buffer:
    uint8_t *data
    Py_ssize_t size
    Py_ssize_t capacity


cdef inline int reserve(Buffer *out, Py_ssize_t count) except -1:
    cdef Py_ssize_t capacity = out.capacity
    cdef uint8_t *grown
    if out.size + count > capacity:
        while out.size + count > capacity:
            capacity *= 2
        grown = <uint8_t *>realloc(out.data, capacity)
        if grown == NULL:
            raise MemoryError
        out.data = grown
        out.capacity = capacity
    return 0


cdef inline void put_head(Buffer *out, int major, uint64_t argument) noexcept nogil:
    """Write a head; there is room for it."""
    cdef uint8_t *at = out.data + out.size
    cdef int width, index
    if argument < 24:
        at[0] = <uint8_t>(major << 5 | <int>argument)
        out.size += 1
        return
    width = 0 if argument < 0x100 else 1 if argument < 0x10000 else 2 if argument >> 32 == 0 else 3
    at[0] = <uint8_t>(major << 5 | 24 + width)
    width = 1 << width
    for index in range(width):
        at[1 + index] = <uint8_t>(argument >> 8 * (width - 1 - index))
    out.size += 1 + width


cdef inline int put_bytes(Buffer *out, int major, const char *data, Py_ssize_t size) except -1:
    """Write a byte string or a text with its head."""
    reserve(out, MAX_HEAD + size)
    put_head(out, major, <uint64_t>size)
    memcpy(out.data + out.size, data, <size_t>size)
    out.size += size
    return 0


cdef list sorted_entries(dict mapping):
    """Return (length of a key in UTF-8, its bytes, value) in the order of dag-cbor, or None for keys that are no text."""
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t position = 0, size
    cdef const char *text
    cdef list entries = []
    while PyDict_Next(mapping, &position, &key, &value):
        if type(<object>key) is not str:
            return None
        text = PyUnicode_AsUTF8AndSize(<object>key, &size)
        entries.append((size, PyBytes_FromStringAndSize(text, size), <object>value))
    entries.sort()  # no two keys are the same, so values are not compared
    return entries


cdef int put_scalar(Buffer *out, object item, object cls) except -1:
    """Write what is no list and no map and return 1; 0 for what has no encoding, or is of a type that is left to the twin."""
    cdef object kind = type(item)
    cdef Py_ssize_t size
    cdef const char *text
    cdef double number
    cdef uint64_t bits
    cdef object raw
    cdef int index
    if kind is bytes:
        put_bytes(out, 2, PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))
    elif kind is cls:
        raw = item._bytes
        size = PyBytes_GET_SIZE(raw)
        reserve(out, 3 + MAX_HEAD + size)
        put_head(out, 6, 42)
        put_head(out, 2, <uint64_t>size + 1)
        out.data[out.size] = 0
        memcpy(out.data + out.size + 1, PyBytes_AS_STRING(raw), <size_t>size)
        out.size += 1 + size
    elif kind is int:
        reserve(out, MAX_HEAD)
        try:
            if item >= 0:
                put_head(out, 0, PyLong_AsUnsignedLongLong(item))
            else:
                put_head(out, 1, PyLong_AsUnsignedLongLong(-1 - item))
        except OverflowError:
            return 0
    elif kind is str:
        text = PyUnicode_AsUTF8AndSize(item, &size)
        put_bytes(out, 3, text, size)
    elif item is None or item is True or item is False:
        reserve(out, 1)
        out.data[out.size] = 0xF6 if item is None else 0xF5 if item is True else 0xF4
        out.size += 1
    elif kind is float:
        number = PyFloat_AS_DOUBLE(item)
        if not isfinite(number):
            return 0
        reserve(out, MAX_HEAD)
        memcpy(&bits, &number, 8)
        out.data[out.size] = 0xFB
        for index in range(8):
            out.data[out.size + 1 + index] = <uint8_t>(bits >> 8 * (7 - index))
        out.size += 9
    else:
        return 0
    return 1


cdef struct Level:
    PyObject *items     # a list or tuple; entries of a map if is_map. Held by `alive`.
    Py_ssize_t next
    bint is_map


def encode(object value, Py_ssize_t max_depth, object cls, object failed, /):
    """Return the one encoding of a value, or `failed`. Links are objects of exactly this class."""
    cdef Buffer out
    cdef Level *levels = NULL
    cdef Level *level
    cdef Level *grown
    cdef Py_ssize_t depth = 0, capacity = 16
    cdef list alive = []
    cdef object item = value, kind, entry
    out.size = 0
    out.capacity = 256
    out.data = <uint8_t *>malloc(out.capacity)
    levels = <Level *>malloc(capacity * sizeof(Level))
    try:
        if out.data == NULL or levels == NULL:
            raise MemoryError
        while True:
            kind = type(item)
            if kind is list or kind is tuple or kind is dict:
                if depth >= max_depth:
                    return failed
                reserve(&out, MAX_HEAD)
                if kind is dict:
                    item = sorted_entries(item)
                    if item is None:
                        return failed
                    put_head(&out, 5, <uint64_t>PyList_GET_SIZE(item))
                else:
                    put_head(&out, 4, <uint64_t>len(item))
                if depth == capacity:
                    capacity *= 2
                    grown = <Level *>realloc(levels, capacity * sizeof(Level))
                    if grown == NULL:
                        raise MemoryError
                    levels = grown
                alive.append(item)
                levels[depth].items = <PyObject *>item
                levels[depth].next = 0
                levels[depth].is_map = kind is dict
                depth += 1
            elif not put_scalar(&out, item, cls):
                return failed
            while depth:
                level = &levels[depth - 1]
                if level.next < len(<object>level.items):
                    break
                alive.pop()
                depth -= 1
            if not depth:
                return PyBytes_FromStringAndSize(<const char *>out.data, out.size)
            if level.is_map:
                entry = (<list>level.items)[level.next]
                put_bytes(&out, 3, PyBytes_AS_STRING(entry[1]), PyBytes_GET_SIZE(entry[1]))
                item = entry[2]
            else:
                item = (<object>level.items)[level.next]
            level.next += 1
    except UnicodeEncodeError:
        return failed
    finally:
        free(out.data)
        free(levels)
