# What is in memory, looked at from outside: a part of processor.pyx.


cdef const felt_t *cell_peek(MachineC *m, int64_t index, uint64_t address) noexcept:
    """Return where a context, by its index, has an element; NULL if its word was never written."""
    cdef const felt_t *word
    if index < 0:
        return NULL
    word = frame_peek(m, index) if address >= FMP_WORD else word_peek(m, index, address)
    return NULL if word == NULL else &word[address & 3]


cdef list cells_list(MachineC *m, uint64_t ctx, uint64_t address, uint64_t count):
    """Return elements from an address on; ValueError if the range leaves the address space."""
    cdef int64_t index = context_find(m, ctx)
    cdef const felt_t *cell
    cdef list values = []
    cdef uint64_t position
    if address >= <uint64_t>1 << 32 or count > (<uint64_t>1 << 32) - address:
        raise ValueError("the range leaves the address space")
    for position in range(address, address + count):
        cell = cell_peek(m, index, position)
        values.append(0 if cell == NULL else cell[0])
    return values
