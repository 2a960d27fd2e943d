"""Writing values as dag-cbor, into one growing buffer."""


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
