/* Memory: 64-cell pages by (context, page) in one hash table, with a small direct-mapped cache in front of it
 * (performance.md section 3).
 *
 * A read never creates anything: it sees the zero page where there is none. What was written is known by the word, four
 * cells; the limit counts four elements for every word written over all contexts. The word of the frame pointer is kept
 * in the context itself and never on a page.
 */
#ifndef MIDEN_MEMORY_H
#define MIDEN_MEMORY_H

#include "machine.h"

#define INITIAL_PAGE_TABLE 64
#define FIRST_SLAB 4
#define LARGEST_SLAB 256

ALWAYS_INLINE PageSlotC *page_cache_slot(MachineC *m, uint64_t key) {
    return &m->page_cache[(key ^ (key >> PAGE_BITS)) % PAGE_CACHE];
}

/* The slot of a page in the table: its own, or the empty one where it would go. */
ALWAYS_INLINE PageSlotC *page_table_slot(PageSlotC *table, uint64_t size, uint64_t seed, uint64_t key) {
    uint64_t position = mix64(key ^ seed) & (size - 1);
    while (table[position].key != key && table[position].key != NO_PAGE) position = (position + 1) & (size - 1);
    return &table[position];
}

NOINLINE PageC *page_find_slow(MachineC *m, uint64_t key, PageSlotC *cached) {
    PageSlotC *slot = page_table_slot(m->page_table, m->page_table_size, m->page_seed, key);
    cached->key = key;
    cached->page = slot->key == key ? slot->page : &m->zero_page;
    return cached->page;
}

/* The page of an address of the current context below FMP_WORD: never NULL, the zero page where nothing was written. */
ALWAYS_INLINE PageC *page_find(MachineC *m, uint64_t address) {
    uint64_t key = m->context_key | (address >> PAGE_SHIFT);
    PageSlotC *cached = page_cache_slot(m, key);
    if (LIKELY(cached->key == key)) return cached->page;
    return page_find_slow(m, key, cached);
}

NOINLINE int page_table_grow(MachineC *m) {
    uint64_t size = m->page_table_size * 2;
    PageSlotC *table = allocate_array(size, sizeof *table);
    if (!table) return fault0(m, STATUS_NO_MEMORY);
    for (uint64_t i = 0; i < size; i++) table[i].key = NO_PAGE;
    for (uint64_t i = 0; i < m->page_table_size; i++) {
        if (m->page_table[i].key != NO_PAGE) *page_table_slot(table, size, m->page_seed, m->page_table[i].key) = m->page_table[i];
    }
    free(m->page_table);
    m->page_table = table;
    m->page_table_size = size;
    return STATUS_OK;
}

NOINLINE int page_create(MachineC *m, uint64_t key, PageC **page) {
    if (2 * (m->page_count + 1) > m->page_table_size) {
        int status = page_table_grow(m);
        if (status) return status;
    }
    if (!m->slabs || m->slabs->used == m->slabs->size) {
        uint32_t size = m->slabs ? m->slabs->size * 2 : FIRST_SLAB;
        if (size > LARGEST_SLAB) size = LARGEST_SLAB;
        SlabC *slab = calloc(1, sizeof(SlabC) + size * sizeof(PageC));
        if (!slab) return fault0(m, STATUS_NO_MEMORY);
        slab->previous = m->slabs;
        slab->size = size;
        m->slabs = slab;
    }
    *page = &m->slabs->pages[m->slabs->used++];
    (*page)->key = key;
    PageSlotC slot = {key, *page};
    *page_table_slot(m->page_table, m->page_table_size, m->page_seed, key) = slot;
    *page_cache_slot(m, key) = slot;
    m->page_count++;
    return STATUS_OK;
}

/* MEMORY_LIMIT unless this many more words may be written. */
ALWAYS_INLINE int memory_check_limit(MachineC *m, uint64_t words) {
    if (UNLIKELY(4 * words > m->max_memory - m->memory_elements)) return fault1(m, STATUS_MEMORY_LIMIT, m->max_memory);
    return STATUS_OK;
}

/* Mark the word of an address as written for the first time; `page` may change from the zero page to a new one. */
NOINLINE int memory_create_word(MachineC *m, uint64_t address, PageC **page) {
    int status = memory_check_limit(m, 1);
    if (status) return status;
    if (*page == &m->zero_page) {
        status = page_create(m, m->context_key | (address >> PAGE_SHIFT), page);
        if (status) return status;
    }
    (*page)->written[(address >> 2) % PAGE_WORDS] = 1;
    m->memory_elements += 4;
    return STATUS_OK;
}

/* The page of an address below FMP_WORD with its word marked as written. */
ALWAYS_INLINE int page_for_write(MachineC *m, uint64_t address, PageC **page) {
    *page = page_find(m, address);
    if (LIKELY((*page)->written[(address >> 2) % PAGE_WORDS])) return STATUS_OK;
    return memory_create_word(m, address, page);
}

/* Mark the frame-pointer word of the current context as written. */
ALWAYS_INLINE int frame_for_write(MachineC *m) {
    if (UNLIKELY(!m->context->has_frame)) {
        int status = memory_check_limit(m, 1);
        if (status) return status;
        m->context->has_frame = 1;
        m->memory_elements += 4;
    }
    return STATUS_OK;
}

/* --- checked access in the current context ---------------------------------------------------------------------- */

/* ADDRESS_OUT_OF_BOUNDS, then UNALIGNED_WORD_ACCESS. */
ALWAYS_INLINE int memory_check_word(MachineC *m, uint64_t address) {
    if (UNLIKELY(address >= ADDRESS_END)) return fault1(m, STATUS_ADDRESS_OUT_OF_BOUNDS, address);
    if (UNLIKELY(address & 3)) return fault1(m, STATUS_UNALIGNED_WORD_ACCESS, address);
    return STATUS_OK;
}

/* Where an element is; `address` is below ADDRESS_END. */
ALWAYS_INLINE const felt_t *memory_cell(MachineC *m, uint64_t address) {
    if (UNLIKELY(address >= FMP_WORD)) return &m->context->frame[address & 3];
    return &page_find(m, address)->cells[address % PAGE_CELLS];
}

ALWAYS_INLINE int memory_read(MachineC *m, uint64_t address, felt_t *value) {
    if (UNLIKELY(address >= ADDRESS_END)) return fault1(m, STATUS_ADDRESS_OUT_OF_BOUNDS, address);
    *value = *memory_cell(m, address);
    return STATUS_OK;
}

ALWAYS_INLINE int memory_read_word(MachineC *m, uint64_t address, felt_t word[4]) {
    int status = memory_check_word(m, address);
    if (UNLIKELY(status)) return status;
    memcpy(word, memory_cell(m, address), 4 * sizeof(felt_t));
    return STATUS_OK;
}

/* Where to write an element or a word that has been checked; marks the word. */
ALWAYS_INLINE int memory_cell_for_write(MachineC *m, uint64_t address, felt_t **cell) {
    PageC *page;
    int status;
    if (UNLIKELY(address >= FMP_WORD)) {
        status = frame_for_write(m);
        *cell = &m->context->frame[address & 3];
        return status;
    }
    status = page_for_write(m, address, &page);
    *cell = &page->cells[address % PAGE_CELLS];
    return status;
}

ALWAYS_INLINE int memory_write(MachineC *m, uint64_t address, felt_t value) {
    felt_t *cell;
    if (UNLIKELY(address >= ADDRESS_END)) return fault1(m, STATUS_ADDRESS_OUT_OF_BOUNDS, address);
    int status = memory_cell_for_write(m, address, &cell);
    if (UNLIKELY(status)) return status;
    *cell = value;
    return STATUS_OK;
}

ALWAYS_INLINE int memory_write_word(MachineC *m, uint64_t address, const felt_t word[4]) {
    felt_t *cell;
    int status = memory_check_word(m, address);
    if (UNLIKELY(status)) return status;
    status = memory_cell_for_write(m, address, &cell);
    if (UNLIKELY(status)) return status;
    memcpy(cell, word, 4 * sizeof(felt_t));
    return STATUS_OK;
}

ALWAYS_INLINE int memory_is_written(MachineC *m, uint64_t address) {
    if (address >= FMP_WORD) return (int)m->context->has_frame;
    return page_find(m, address)->written[(address >> 2) % PAGE_WORDS];
}

/* Two words that will both be written, or neither: MEMORY_LIMIT. The addresses are checked and differ. */
ALWAYS_INLINE int memory_reserve_two(MachineC *m, uint64_t first, uint64_t second) {
    uint64_t missing = (uint64_t)!memory_is_written(m, first) + !memory_is_written(m, second);
    return missing ? memory_check_limit(m, missing) : STATUS_OK;
}

/* --- contexts --------------------------------------------------------------------------------------------------- */

ALWAYS_INLINE void context_select(MachineC *m, uint64_t index) {
    m->context = &m->contexts[index];
    m->context_key = index << PAGE_BITS;
}

/* Make room for one more context; MEMORY_LIMIT counts its frame-pointer word. */
ALWAYS_INLINE int context_reserve(MachineC *m) {
    int status = memory_check_limit(m, 1);
    if (UNLIKELY(status)) return status;
    if (UNLIKELY(m->context_count == m->context_capacity)) {
        uint64_t current = (uint64_t)(m->context - m->contexts);
        ContextC *larger = grow_array(m->contexts, &m->context_capacity, m->context_count + 1, sizeof *larger);
        if (!larger) return fault0(m, STATUS_NO_MEMORY);
        m->contexts = larger;
        m->context = &larger[current];
    }
    return STATUS_OK;
}

/* Open a context after context_reserve, its frame pointer written, and select it. */
ALWAYS_INLINE void context_open(MachineC *m, uint64_t id) {
    ContextC context = {{0, 0, FMP_INIT, 0}, id, 1};
    m->contexts[m->context_count] = context;
    context_select(m, m->context_count++);
    m->memory_elements += 4;
}

/* --- for people, not for programs ------------------------------------------------------------------------------- */

/* Index of the context with this id, or -1. */
NOINLINE int64_t context_find(const MachineC *m, uint64_t id) {
    uint64_t low = 0, high = m->context_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (m->contexts[middle].id < id) low = middle + 1;
        else high = middle;
    }
    return low < m->context_count && m->contexts[low].id == id ? (int64_t)low : -1;
}

/* The page of an address in a context given by its index; NULL if there is none. Leaves the cache alone. */
NOINLINE const PageC *page_peek(const MachineC *m, uint64_t index, uint64_t address) {
    uint64_t key = index << PAGE_BITS | address >> PAGE_SHIFT;
    const PageSlotC *slot = page_table_slot(m->page_table, m->page_table_size, m->page_seed, key);
    return slot->key == key ? slot->page : NULL;
}

#endif
