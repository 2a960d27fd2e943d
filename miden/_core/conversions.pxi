# From Python's values to felts and limits, and back. Part of processor.pyx.

cdef uint64_t limit_from_object(object value, str name) except? 1:
    """Return a limit, which may be as large as it likes."""
    if type(value) is int and 0 <= value <= 0x7fffffff:  # nearly always, and faster
        return <uint64_t>value
    if value < 0:
        raise ValueError(f"{name} must not be negative, found {value}")
    return <uint64_t>min(value, 2**62)


cdef felt_t *felts_from_sequence(object values, str what) except NULL:
    """Return the felts of a sequence, to be freed by the caller; ValueError if one is not in [0, p)."""
    cdef Py_ssize_t index, count = len(values)
    cdef uint64_t felt
    cdef felt_t *felts = <felt_t *>allocate_array(count, sizeof(felt_t))
    if felts == NULL:
        raise MemoryError
    try:
        for index in range(count):
            value = values[index]
            try:
                felt = value
            except OverflowError:
                felt = FELT_P
            if felt >= FELT_P:
                raise ValueError(f"{what} holds {value}, which is not in [0, p)")
            felts[index] = felt
    except BaseException:
        free(felts)
        raise
    return felts


cdef felt_t *felts_from_packed(bytes data, str what) except NULL:
    """Return the felts of 8 bytes each, to be freed by the caller; ValueError if one is not below p."""
    cdef Py_ssize_t index, count = len(data) // 8
    cdef const uint8_t *source = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef felt_t *felts = <felt_t *>allocate_array(count, sizeof(felt_t))
    if felts == NULL:
        raise MemoryError
    for index in range(count):
        felts[index] = load_u64(source + 8 * index)
        if felts[index] >= FELT_P:
            free(felts)
            raise ValueError(f"{what} has an element that is not below p at byte {8 * index}")
    return felts


cdef inline tuple felt_word(const felt_t *cells):
    """Return four felts."""
    return (cells[0], cells[1], cells[2], cells[3])
