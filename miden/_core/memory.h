/* Memory: 64-cell pages by (context, page) in one hash table, with a small direct-mapped cache in front of it
 * (performance.md section 3).
 *
 * A read never creates anything: it sees the zero page where there is none. What was written is known by the word, four
 * cells; the limit counts four elements for every word written over all contexts. The word of the frame pointer is never
 * on a page: that of the current context is in the machine, those of callers are in their records, and one that is left
 * for good is kept only if it is not what it was opened with. So a context costs its id.
 *
 * A program that writes one word here and one there would make a page for each and use 17 times the memory that the limit
 * means to allow. So once there are many pages with little on them, words go into the table on their own, and a page that
 * has such words never becomes a real one. They are slow and never cached; no program of another kind gets to see them.
 */
#ifndef MIDEN_MEMORY_H
#define MIDEN_MEMORY_H

#include "machine.h"

#define INITIAL_PAGE_TABLE 64
#define FIRST_SLAB 4
#define LARGEST_SLAB 8192 /* 4 MiB of pages: what is not used yet is not touched, so it costs address space only */

#define FIRST_WORD_SLAB 64
#define MANY_PAGES 0x20000 /* 72 MiB */
#define FEW_ELEMENTS 32 /* a page, on average: half of it */

ALWAYS_INLINE PageSlotC *page_cache_slot(MachineC *m, uint64_t key) {
    return &m->page_cache[(key ^ (key >> PAGE_BITS)) % PAGE_CACHE];
}

/* The slot of a page or word in the table: its own, or the empty one where it would go. */
ALWAYS_INLINE PageSlotC *page_table_slot(PageSlotC *table, uint64_t size, uint64_t seed, uint64_t key) {
    uint64_t position = mix64(key ^ seed) & (size - 1);
    while (table[position].key != key && table[position].key != NO_PAGE) position = (position + 1) & (size - 1);
    return &table[position];
}

ALWAYS_INLINE uint64_t word_key(uint64_t page_key, uint64_t address) {
    return WORD_KEY | page_key << 4 | ((address >> 2) % PAGE_WORDS);
}

/* A word on its own, or NULL. */
NOINLINE WordC *word_find(const MachineC *m, uint64_t page_key, uint64_t address) {
    uint64_t key = word_key(page_key, address);
    PageSlotC *slot = page_table_slot(m->page_table, m->page_table_size, m->page_seed, key);
    return slot->key == key ? slot->word : NULL;
}

/* Whether a page has words on their own. */
NOINLINE int page_has_words(const MachineC *m, uint64_t page_key) {
    for (uint64_t place = 0; m->word_slabs && place < PAGE_WORDS; place++) {
        if (word_find(m, page_key, 4 * place)) return 1;
    }
    return 0;
}

/* Show a word that may stand on its own in its place on the view. */
NOINLINE PageC *page_view(MachineC *m, uint64_t page_key, uint64_t address) {
    const WordC *word = word_find(m, page_key, address);
    uint64_t place = (address >> 2) % PAGE_WORDS;
    m->view.written[place] = word ? WORD_ELSEWHERE : WORD_UNTOUCHED;
    if (word) memcpy(m->view.cells + 4 * place, word->cells, sizeof word->cells);
    else memset(m->view.cells + 4 * place, 0, sizeof word->cells);
    return &m->view;
}

NOINLINE PageC *page_find_slow(MachineC *m, uint64_t key, uint64_t address, PageSlotC *cached) {
    PageSlotC *slot = page_table_slot(m->page_table, m->page_table_size, m->page_seed, key);
    if (slot->key != key && m->word_slabs) return page_view(m, key, address);
    cached->key = key;
    cached->page = slot->key == key ? slot->page : &m->zero_page;
    return cached->page;
}

/* The page of an address of the current context below FMP_WORD: never NULL, the zero page where nothing was written. Only
 * the word of that address may be looked at. */
ALWAYS_INLINE PageC *page_find(MachineC *m, uint64_t address) {
    uint64_t key = m->context_key | (address >> PAGE_SHIFT);
    PageSlotC *cached = page_cache_slot(m, key);
    if (LIKELY(cached->key == key)) return cached->page;
    return page_find_slow(m, key, address, cached);
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

/* Put an entry into the table, which has room for it. */
ALWAYS_INLINE void page_table_put(MachineC *m, PageSlotC slot) {
    *page_table_slot(m->page_table, m->page_table_size, m->page_seed, slot.key) = slot;
    m->page_table_used++;
}

/* Size of the next slab after one of `last` items. */
ALWAYS_INLINE uint32_t next_slab(uint32_t last, uint32_t first) {
    return last == 0 ? first : last >= LARGEST_SLAB ? LARGEST_SLAB : 2 * last;
}

/* Add a page; the table has room for it. */
NOINLINE int page_create(MachineC *m, uint64_t key, PageC **page) {
    if (!m->slabs || m->slabs->used == m->slabs->size) {
        uint32_t size = next_slab(m->slabs ? m->slabs->size : 0, FIRST_SLAB);
        SlabC *slab = malloc(sizeof(SlabC) + size * sizeof(PageC));
        if (!slab) return fault0(m, STATUS_NO_MEMORY);
        slab->previous = m->slabs;
        slab->used = 0;
        slab->size = size;
        m->slabs = slab;
    }
    *page = &m->slabs->pages[m->slabs->used++];
    memset(*page, 0, sizeof **page);
    (*page)->key = key;
    PageSlotC slot = {key, {*page}};
    page_table_put(m, slot);
    *page_cache_slot(m, key) = slot;
    m->page_count++;
    return STATUS_OK;
}

/* Add a word on its own; the table has room for it. */
NOINLINE int word_create(MachineC *m, uint64_t page_key, uint64_t address, WordC **word) {
    if (!m->word_slabs) { /* from now on, a page that is not there may have words */
        for (int i = 0; i < PAGE_CACHE; i++) {
            if (m->page_cache[i].page == &m->zero_page) m->page_cache[i].key = NO_PAGE;
        }
    }
    if (!m->word_slabs || m->word_slabs->used == m->word_slabs->size) {
        uint32_t size = next_slab(m->word_slabs ? m->word_slabs->size : 0, FIRST_WORD_SLAB);
        WordSlabC *slab = calloc(1, sizeof(WordSlabC) + size * sizeof(WordC));
        if (!slab) return fault0(m, STATUS_NO_MEMORY);
        slab->previous = m->word_slabs;
        slab->size = size;
        m->word_slabs = slab;
    }
    *word = &m->word_slabs->words[m->word_slabs->used++];
    (*word)->key = word_key(page_key, address);
    PageSlotC slot = {(*word)->key, {.word = *word}};
    page_table_put(m, slot);
    return STATUS_OK;
}

/* MEMORY_LIMIT unless this many more words may be written. */
ALWAYS_INLINE int memory_check_limit(MachineC *m, uint64_t words) {
    if (UNLIKELY(4 * words > m->max_memory - m->memory_elements)) return fault1(m, STATUS_MEMORY_LIMIT, m->max_memory);
    return STATUS_OK;
}

/* Where to write in a word that is not yet written on a page of its own. `page` is what page_find found. */
NOINLINE int memory_place_word(MachineC *m, PageC *page, uint64_t address, felt_t **cell) {
    uint64_t key = m->context_key | (address >> PAGE_SHIFT);
    WordC *word = page == &m->view ? word_find(m, key, address) : NULL;
    if (word) {
        *cell = &word->cells[address & 3];
        return STATUS_OK;
    }
    int status = memory_check_limit(m, 1);
    if (status) return status;
    if (2 * (m->page_table_used + 1) > m->page_table_size) {
        status = page_table_grow(m);
        if (status) return status;
    }
    int has_page = page != &m->zero_page && page != &m->view;
    if (!has_page && ((m->page_count >= MANY_PAGES && m->page_elements / m->page_count < FEW_ELEMENTS) || page_has_words(m, key))) {
        status = word_create(m, key, address, &word);
        if (status) return status;
        *cell = &word->cells[address & 3];
    } else {
        if (!has_page) status = page_create(m, key, &page);
        if (status) return status;
        page->written[(address >> 2) % PAGE_WORDS] = WORD_WRITTEN;
        m->page_elements += 4;
        *cell = &page->cells[address % PAGE_CELLS];
    }
    m->memory_elements += 4;
    return STATUS_OK;
}

/* Whether the current context has a frame-pointer word. */
ALWAYS_INLINE int frame_is_written(const MachineC *m) {
    return LIKELY(m->has_root_frame) || m->context_key;
}

/* Mark the frame-pointer word of the current context as written. */
ALWAYS_INLINE int frame_for_write(MachineC *m) {
    if (UNLIKELY(!frame_is_written(m))) {
        int status = memory_check_limit(m, 1);
        if (status) return status;
        m->has_root_frame = 1;
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

/* Where an element can be read, and the rest of its word with it; `address` is below ADDRESS_END. */
ALWAYS_INLINE const felt_t *memory_cell(MachineC *m, uint64_t address) {
    if (UNLIKELY(address >= FMP_WORD)) return &m->frame[address & 3];
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
    if (UNLIKELY(address >= FMP_WORD)) {
        *cell = &m->frame[address & 3];
        return frame_for_write(m);
    }
    PageC *page = page_find(m, address);
    if (UNLIKELY(page->written[(address >> 2) % PAGE_WORDS] != WORD_WRITTEN)) return memory_place_word(m, page, address, cell);
    *cell = &page->cells[address % PAGE_CELLS];
    return STATUS_OK;
}

ALWAYS_INLINE int memory_write(MachineC *m, uint64_t address, felt_t value) {
    felt_t *cell = NULL;
    if (UNLIKELY(address >= ADDRESS_END)) return fault1(m, STATUS_ADDRESS_OUT_OF_BOUNDS, address);
    int status = memory_cell_for_write(m, address, &cell);
    if (UNLIKELY(status)) return status;
    *cell = value;
    return STATUS_OK;
}

ALWAYS_INLINE int memory_write_word(MachineC *m, uint64_t address, const felt_t word[4]) {
    felt_t *cell = NULL;
    int status = memory_check_word(m, address);
    if (UNLIKELY(status)) return status;
    status = memory_cell_for_write(m, address, &cell);
    if (UNLIKELY(status)) return status;
    memcpy(cell, word, 4 * sizeof(felt_t));
    return STATUS_OK;
}

ALWAYS_INLINE int memory_is_written(MachineC *m, uint64_t address) {
    if (address >= FMP_WORD) return frame_is_written(m);
    return page_find(m, address)->written[(address >> 2) % PAGE_WORDS] != WORD_UNTOUCHED;
}

/* Two words that will both be written, or neither: MEMORY_LIMIT. The addresses are checked and differ. */
ALWAYS_INLINE int memory_reserve_two(MachineC *m, uint64_t first, uint64_t second) {
    uint64_t missing = (uint64_t)!memory_is_written(m, first) + !memory_is_written(m, second);
    return missing ? memory_check_limit(m, missing) : STATUS_OK;
}

/* --- for people, not for programs ------------------------------------------------------------------------------- */

/* The written word of an address below FMP_WORD in a context given by its index; NULL if there is none. Leaves the cache
 * alone. */
NOINLINE const felt_t *word_peek(const MachineC *m, uint64_t index, uint64_t address) {
    uint64_t key = index << PAGE_BITS | address >> PAGE_SHIFT, place = (address >> 2) % PAGE_WORDS;
    const PageSlotC *slot = page_table_slot(m->page_table, m->page_table_size, m->page_seed, key);
    if (slot->key != key) {
        const WordC *word = word_find(m, key, address);
        return word ? word->cells : NULL;
    }
    return slot->page->written[place] ? slot->page->cells + 4 * place : NULL;
}

#endif
