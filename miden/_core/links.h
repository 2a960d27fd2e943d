/* Other forests: what external nodes and dyn misses lead to.
 *
 * The driver is asked once for a digest from a code in a run, and its answer kept. Links are answers that are known before:
 * one table, made once and shared by many machines, of what a store gives for a digest, whoever asks. A machine takes a link
 * only as far as its run may fetch; beyond that it asks the driver, which says so.
 */
#ifndef MIDEN_LINKS_H
#define MIDEN_LINKS_H

#include "contexts.h"

/* Index of a code in this run, added if it is new; UINT32_MAX without memory. */
NOINLINE uint32_t machine_add_code(MachineC *m, CodeC *code) {
    if (m->code_count == m->code_capacity) {
        uint64_t capacity = m->code_capacity;
        CodeC **larger = grow_array(m->codes, &capacity, m->code_count + 1, sizeof *larger);
        if (!larger || capacity > UINT32_MAX) return UINT32_MAX;
        m->codes = larger;
        m->code_capacity = (uint32_t)capacity;
    }
    m->codes[m->code_count] = code;
    return m->code_count++;
}

ALWAYS_INLINE ResolutionC *resolution_slot(ResolutionC *table, uint64_t size, uint64_t seed, uint32_t from, uint32_t request, const felt_t digest[4]) {
    uint64_t position = mix64(digest[0] ^ mix64(digest[1] ^ seed) ^ ((uint64_t)from << 8 | request)) & (size - 1);
    for (;; position = (position + 1) & (size - 1)) {
        ResolutionC *slot = &table[position];
        if (!slot->request) return slot;
        if (slot->from_code == from && slot->request == request && digest_compare(slot->digest, digest) == 0) return slot;
    }
}

/* Remember the driver's answer. Without memory it is simply asked again. */
NOINLINE void resolution_add(MachineC *m, uint32_t request, const felt_t digest[4]) {
    if (2 * (m->resolution_count + 1) > m->resolution_size) {
        uint64_t size = m->resolution_size ? 2 * m->resolution_size : 32;
        ResolutionC *table = calloc(size, sizeof *table);
        if (!table) return;
        for (uint64_t i = 0; i < m->resolution_size; i++) {
            const ResolutionC *old = &m->resolutions[i];
            if (old->request) *resolution_slot(table, size, m->page_seed, old->from_code, old->request, old->digest) = *old;
        }
        free(m->resolutions);
        m->resolutions = table;
        m->resolution_size = size;
    }
    ResolutionC *slot = resolution_slot(m->resolutions, m->resolution_size, m->page_seed, m->code, request, digest);
    if (!slot->request) m->resolution_count++;
    ResolutionC resolution = {{digest[0], digest[1], digest[2], digest[3]}, m->code, request, m->answer_code, m->answer_root};
    *slot = resolution;
}

/* Note that a link is used, for the first time or again; false if that is beyond what the run may fetch. */
ALWAYS_INLINE int link_take(MachineC *m, uint32_t link, uint32_t code) {
    uint8_t *taken = m->links_taken, *code_taken = taken + m->links->count;
    if (taken[link]) return 1;
    uint64_t bytes = code_taken[code] ? 0 : m->links->bytes[code];
    if (!m->links_left || bytes > m->links_bytes_left) return 0;
    m->links_left--;
    m->links_bytes_left -= bytes;
    taken[link] = code_taken[code] = 1;
    return 1;
}

/* Find code and root for a digest: among the links, from the driver's answer or an earlier one; else leave the request. */
NOINLINE int resolve(MachineC *m, uint32_t request, const felt_t digest[4]) {
    if (m->has_answer) {
        resolution_add(m, request, digest);
        return STATUS_OK;
    }
    if (m->links) {
        const LinksC *links = m->links;
        const ResolutionC *slot = resolution_slot(links->table, links->size, 0, 0, 1, digest);
        if (slot->request && link_take(m, links->numbers[slot - links->table], slot->code)) {
            m->answer_code = m->links_base + slot->code;
            m->answer_root = slot->root;
            return STATUS_OK;
        }
    }
    if (m->resolution_size) {
        const ResolutionC *slot = resolution_slot(m->resolutions, m->resolution_size, m->page_seed, m->code, request, digest);
        if (slot->request) {
            m->answer_code = slot->code;
            m->answer_root = slot->root;
            return STATUS_OK;
        }
    }
    memcpy(m->request_digest, digest, sizeof m->request_digest);
    return (int)request;
}

ALWAYS_INLINE void forest_select(MachineC *m, uint32_t code) {
    m->code = code;
    m->forest = m->codes[code];
}

/* Go to the code that was resolved, leaving a record of the way back. */
ALWAYS_INLINE void forest_enter(MachineC *m) {
    continuation_push(m, CONT_ENTER_FOREST, m->code);
    forest_select(m, m->answer_code);
    m->has_answer = 0;
}

/* A table of links with room for `count` of them and so many codes; NULL without memory. */
NOINLINE LinksC *links_new(uint64_t count, uint64_t code_count) {
    LinksC *links = calloc(1, sizeof *links);
    if (!links) return NULL;
    links->size = 4;
    while (links->size < 2 * count) links->size *= 2;
    links->code_count = code_count;
    links->table = calloc(links->size, sizeof *links->table);
    links->numbers = calloc(links->size, sizeof *links->numbers);
    links->codes = calloc(code_count + 1, sizeof *links->codes);
    links->bytes = calloc(code_count + 1, sizeof *links->bytes);
    return links;
}

NOINLINE void links_free(LinksC *links) {
    if (!links) return;
    free(links->table);
    free(links->numbers);
    free(links->codes);
    free(links->bytes);
    free(links);
}

/* Add a link, unless there is one for this digest. */
NOINLINE void links_add(LinksC *links, const felt_t digest[4], uint32_t code, uint32_t root) {
    ResolutionC *slot = resolution_slot(links->table, links->size, 0, 0, 1, digest);
    if (slot->request) return;
    ResolutionC link = {{digest[0], digest[1], digest[2], digest[3]}, 0, 1, code, root};
    *slot = link;
    links->numbers[slot - links->table] = (uint32_t)links->count++;
}

/* Give a machine links, before its run; 0 without memory. */
NOINLINE int machine_link(MachineC *m, const LinksC *links, uint64_t most, uint64_t most_bytes) {
    uint8_t *taken = calloc(links->count + links->code_count + 1, 1);
    if (!taken) return 0;
    uint32_t base = m->code_count;
    for (uint64_t i = 0; i < links->code_count; i++) {
        if (machine_add_code(m, links->codes[i]) == UINT32_MAX) {
            m->code_count = base;
            free(taken);
            return 0;
        }
    }
    m->links = links;
    m->links_base = base;
    m->links_taken = taken;
    m->links_left = most;
    m->links_bytes_left = most_bytes;
    return 1;
}

#endif
