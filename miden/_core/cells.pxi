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


cdef dict frames_by_context(MachineC *m):
    """Return, for the index of every context that has one, the four elements of the frame-pointer word."""
    cdef uint64_t index
    cdef dict frames = dict.fromkeys(range(m.context_count), felt_word(NEW_FRAME))
    for index in range(m.frame_size):
        if m.frames[index].context:
            frames[m.frames[index].context] = felt_word(m.frames[index].cells)
    for index in range(m.call_count):
        frames[m.calls[index].context] = felt_word(m.calls[index].frame)
    frames[context_index(m)] = felt_word(m.user_frame)
    if m.has_root_frame:
        frames[0] = felt_word(m.root_frame)
    else:
        del frames[0]
    return frames


cdef dict cells_by_address(words):
    """Return address -> value of the four cells of words, given as (address, elements)."""
    return {address + place: element for address, word in words for place, element in enumerate(word)}
