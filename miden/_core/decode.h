/* The file format of forests in C (mast.md section 7): the nodes with their operations, and a walk over the debug section
 * that finds its end and checks it. Everything is hostile: each read looks at what is left first, and a count at the
 * bytes that so many items need at the least.
 *
 * There is one way to be wrong here, `ok` set to 0. Whoever calls then reads the bytes once more in Python
 * (`miden.serde`), which says what is wrong and where; both accept the same bytes.
 */
#ifndef MIDEN_DECODE_H
#define MIDEN_DECODE_H

#include <stdlib.h>
#include <string.h>

#include "felt.h"
#include "opcodes.h"

typedef struct {
    const uint8_t *data;
    uint64_t pos, end;
    int ok;
} CursorC;

#define NODE_INFO_SIZE 40     /* value u64, digest */
#define NODE_COLUMN_SIZE 64   /* a record of code.h */
#define DECORATOR_INFO_SIZE 5 /* variant u8, offset u32 */
#define NODE_PAYLOAD_BITS 60
#define NODE_CHILD_BITS 30

ALWAYS_INLINE uint64_t load_bytes(const uint8_t *bytes, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

ALWAYS_INLINE void store_bytes(uint8_t *bytes, int size, uint64_t value) {
    for (int i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

/* Move on by `size` bytes and return where they start; where the cursor is if there are not so many. */
ALWAYS_INLINE const uint8_t *cursor_skip(CursorC *cursor, uint64_t size) {
    const uint8_t *start = cursor->data + cursor->pos;
    if (size > cursor->end - cursor->pos) {
        cursor->ok = 0;
        return NULL;
    }
    cursor->pos += size;
    return start;
}

ALWAYS_INLINE uint64_t cursor_fixed(CursorC *cursor, int size) {
    const uint8_t *bytes = cursor_skip(cursor, (uint64_t)size);
    return bytes ? load_bytes(bytes, size) : 0;
}

ALWAYS_INLINE uint64_t cursor_vint(CursorC *cursor) {
    const uint8_t *bytes = cursor_skip(cursor, 1);
    if (!bytes) return 0;
    uint8_t first = *bytes;
    if (first & 1) return first >> 1;
    if (first == 0) return cursor_fixed(cursor, 8);
    int size = 2;
    while (!(first >> (size - 1) & 1)) size++;
    return cursor_skip(cursor, (uint64_t)size - 1) ? load_bytes(bytes, size) >> size : 0;
}

/* A number of items of at least `item_size` bytes each that must follow. */
ALWAYS_INLINE uint64_t cursor_count(CursorC *cursor, uint64_t item_size) {
    uint64_t count = cursor_vint(cursor);
    if (count > (cursor->end - cursor->pos) / item_size) {
        cursor->ok = 0;
        return 0;
    }
    return count;
}

ALWAYS_INLINE int is_flag(uint64_t value) {
    return value <= 1;
}

/* Whether `count` bytes after the first are there and go on with it. */
ALWAYS_INLINE int has_tail(const uint8_t *text, uint64_t left, uint64_t count) {
    if (left <= count) return 0;
    for (uint64_t i = 1; i <= count; i++) {
        if ((text[i] & 0xc0) != 0x80) return 0;
    }
    return 1;
}

/* UTF-8 as Unicode defines it: shortest forms only, no surrogates, nothing above U+10FFFF. */
NOINLINE int is_utf8(const uint8_t *text, uint64_t size) {
    for (uint64_t i = 0; i < size;) {
        const uint8_t *at = text + i;
        uint8_t first = at[0];
        uint64_t left = size - i;
        if (first < 0x80) i += 1;
        else if (first >= 0xc2 && first <= 0xdf && has_tail(at, left, 1)) i += 2;
        else if (first >= 0xe0 && first <= 0xef && has_tail(at, left, 2)) {
            if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f)) return 0;
            i += 3;
        } else if (first >= 0xf0 && first <= 0xf4 && has_tail(at, left, 3)) {
            if ((first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f)) return 0;
            i += 4;
        } else return 0;
    }
    return 1;
}

ALWAYS_INLINE void cursor_text(CursorC *cursor) {
    uint64_t size = cursor_count(cursor, 1);
    const uint8_t *text = cursor_skip(cursor, size);
    if (text && !is_utf8(text, size)) cursor->ok = 0;
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

/* The columns that nodes are decoded to, and how far they have got. Room for as many operations, and for as many bytes
 * of immediates, as there are bytes of block data is enough: blocks that overlap are refused. */
typedef struct {
    uint8_t *nodes, *operations, *immediates;
    uint32_t *op_counts; /* of each node, 0 if it is no block */
    uint64_t op_total, imm_total;
} DecodedC;

/* The operations of one block, at the cursor. */
ALWAYS_INLINE void decode_operations(CursorC *cursor, DecodedC *decoded, uint64_t *op_count, uint64_t *imm_count) {
    uint64_t count = cursor_count(cursor, 1), immediates = 0;
    if (count == 0 || count > UINT32_MAX) cursor->ok = 0;
    if (!cursor->ok) return;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *opcode = cursor_skip(cursor, 1);
        if (!opcode || !(OPCODE_TRAITS[*opcode] & OPCODE_PLAIN)) {
            cursor->ok = 0;
            return;
        }
        decoded->operations[decoded->op_total + i] = *opcode;
        if (OPCODE_TRAITS[*opcode] & OPCODE_IMMEDIATE) {
            const uint8_t *value = cursor_skip(cursor, 8);
            if (!value || load_bytes(value, 8) >= FELT_P) {
                cursor->ok = 0;
                return;
            }
            memcpy(decoded->immediates + 8 * (decoded->imm_total + immediates++), value, 8);
        }
    }
    *op_count = count;
    *imm_count = immediates;
}

/* Decode `node_count` infos at the cursor; the block data are data[start..end]. Returns `ok`. */
NOINLINE int decode_nodes(CursorC *cursor, uint64_t node_count, uint64_t start, uint64_t end, const uint8_t *dyn,
                          const uint8_t *dyncall, DecodedC *decoded) {
    uint64_t left = end - start; /* block data not taken by a block yet */
    for (uint64_t id = 0; id < node_count; id++) {
        const uint8_t *info = cursor_skip(cursor, NODE_INFO_SIZE);
        if (!info) return 0;
        uint64_t value = load_bytes(info, 8), payload = value & ((1ULL << NODE_PAYLOAD_BITS) - 1);
        uint64_t kind = value >> NODE_PAYLOAD_BITS, a = 0, b = 0, op_count = 0, imm_count = 0;
        const uint8_t *digest = info + 8;
        for (int i = 0; i < 4; i++) {
            if (load_bytes(digest + 8 * i, 8) >= FELT_P) return 0;
        }
        switch (kind) {
        case NODE_BLOCK: {
            if (payload > end - start) return 0;
            /* blocks that need more bytes than there are overlap, so what is left is all that one may take: never more
             * operations or immediates than there is room for */
            uint64_t from = start + payload;
            CursorC block = {cursor->data, from, end - from < left ? end : from + left, 1};
            decode_operations(&block, decoded, &op_count, &imm_count);
            if (!block.ok) return 0;
            left -= block.pos - from;
            break;
        }
        case NODE_JOIN:
        case NODE_SPLIT:
            a = payload >> NODE_CHILD_BITS;
            b = payload & ((1ULL << NODE_CHILD_BITS) - 1);
            break;
        case NODE_LOOP:
        case NODE_CALL:
        case NODE_SYSCALL: a = payload; break;
        case NODE_DYN:
            if (payload || memcmp(digest, dyn, 32) != 0) return 0;
            break;
        case NODE_DYNCALL:
            if (payload || memcmp(digest, dyncall, 32) != 0) return 0;
            break;
        case NODE_EXTERNAL:
            if (payload) return 0;
            break;
        default: return 0;
        }
        if (a >= node_count || b >= node_count) return 0; /* 0 where there is no child, and there is a node */
        if (decoded->op_total + op_count > UINT32_MAX || decoded->imm_total + imm_count > UINT32_MAX) return 0;
        uint8_t *record = decoded->nodes + NODE_COLUMN_SIZE * id;
        store_bytes(record, 4, kind);
        store_bytes(record + 4, 4, a);
        store_bytes(record + 8, 4, b);
        store_bytes(record + 12, 4, op_count ? decoded->op_total : 0);
        store_bytes(record + 16, 4, op_count);
        store_bytes(record + 20, 4, op_count ? decoded->imm_total : 0);
        store_bytes(record + 24, 4, imm_count);
        store_bytes(record + 28, 4, 0);
        memcpy(record + 32, digest, 32);
        decoded->op_counts[id] = (uint32_t)op_count;
        decoded->op_total += op_count;
        decoded->imm_total += imm_count;
    }
    return 1;
}

/* --- debug section ------------------------------------------------------------------------------------------------ */

/* Where the parts of a debug section are. */
typedef struct {
    uint64_t decorator_count, node_count;
    const uint32_t *op_counts;
    uint64_t data_start, data_end;      /* of decorators */
    uint64_t offsets_start, string_count; /* of the string table */
    uint64_t strings_start, strings_end;
    uint64_t infos;
} DebugSectionC;

static int compare_codes(const void *first, const void *second) {
    uint64_t a = *(const uint64_t *)first, b = *(const uint64_t *)second;
    return (a > b) - (a < b);
}

/* Error codes with their messages, each code once. Returns -2 without memory. */
NOINLINE int walk_error_codes(CursorC *cursor) {
    uint64_t count = cursor_count(cursor, 9);
    if (!cursor->ok || count == 0) return 0;
    uint64_t *codes = malloc((size_t)count * sizeof *codes);
    if (!codes) return -2;
    for (uint64_t i = 0; i < count && cursor->ok; i++) {
        codes[i] = cursor_fixed(cursor, 8);
        cursor_text(cursor);
    }
    if (cursor->ok) {
        qsort(codes, (size_t)count, sizeof *codes, compare_codes);
        for (uint64_t i = 1; i < count; i++) {
            if (codes[i] == codes[i - 1]) cursor->ok = 0;
        }
    }
    free(codes);
    return 0;
}

/* The node that a list belongs to, seen for the first time. */
ALWAYS_INLINE uint64_t walk_node(CursorC *cursor, const DebugSectionC *section, uint8_t *seen) {
    uint64_t node = cursor_vint(cursor);
    if (node >= section->node_count || seen[node]) {
        cursor->ok = 0;
        return 0;
    }
    seen[node] = 1;
    return node;
}

ALWAYS_INLINE void walk_decorator_id(CursorC *cursor, const DebugSectionC *section) {
    if (cursor_fixed(cursor, 4) >= section->decorator_count) cursor->ok = 0;
}

/* Lists of decorators before operations, which ascend. Returns -2 without memory. */
NOINLINE int walk_op_decorators(CursorC *cursor, const DebugSectionC *section) {
    uint64_t lists = cursor_count(cursor, 2);
    uint8_t *seen = calloc((size_t)section->node_count + 1, 1);
    if (!seen) return -2;
    for (uint64_t i = 0; i < lists && cursor->ok; i++) {
        uint64_t node = walk_node(cursor, section, seen);
        uint64_t count = cursor_count(cursor, 5), previous = 0;
        if (!cursor->ok || section->op_counts[node] == 0) {
            cursor->ok = 0;
            break;
        }
        for (uint64_t j = 0; j < count && cursor->ok; j++) {
            uint64_t index = cursor_vint(cursor);
            if (index < previous || index > section->op_counts[node]) cursor->ok = 0;
            previous = index;
            walk_decorator_id(cursor, section);
        }
    }
    free(seen);
    return 0;
}

/* Lists of decorators of nodes. Returns -2 without memory. */
NOINLINE int walk_node_decorators(CursorC *cursor, const DebugSectionC *section) {
    uint64_t lists = cursor_count(cursor, 2);
    uint8_t *seen = calloc((size_t)section->node_count + 1, 1);
    if (!seen) return -2;
    for (uint64_t i = 0; i < lists && cursor->ok; i++) {
        walk_node(cursor, section, seen);
        uint64_t count = cursor_count(cursor, 4);
        for (uint64_t j = 0; j < count && cursor->ok; j++) walk_decorator_id(cursor, section);
    }
    free(seen);
    return 0;
}

/* The strings of decorators: each is looked at once, and all that are used fit in the data beside each other. */
typedef struct {
    uint64_t *offsets; /* UINT64_MAX once a string has been checked */
    uint64_t left;     /* bytes of string data not taken yet */
} StringsC;

ALWAYS_INLINE void walk_string(CursorC *cursor, const DebugSectionC *section, StringsC *strings) {
    uint64_t index = cursor_vint(cursor);
    if (!cursor->ok || index >= section->string_count) {
        cursor->ok = 0;
        return;
    }
    uint64_t offset = strings->offsets[index];
    if (offset == UINT64_MAX) return;
    CursorC text = {cursor->data, section->strings_start, section->strings_end, 1};
    cursor_skip(&text, offset);
    uint64_t start = text.pos;
    cursor_text(&text);
    if (!text.ok || text.pos - start > strings->left) {
        cursor->ok = 0;
        return;
    }
    strings->left -= text.pos - start;
    strings->offsets[index] = UINT64_MAX;
}

/* Check every decorator. Returns -2 without memory. */
NOINLINE int walk_decorators(CursorC *cursor, const DebugSectionC *section) {
    enum { ASM_OP = 0, STACK_ALL, STACK_TOP, MEM_ALL, MEM_INTERVAL, LOCAL_INTERVAL, ADV_STACK_TOP, TRACE };
    static const uint8_t SIZES[] = {0, 0, 1, 0, 8, 6, 2, 4};
    StringsC strings = {malloc((size_t)section->string_count * sizeof(uint64_t) + 1), section->strings_end - section->strings_start};
    if (!strings.offsets) return -2;
    CursorC table = {cursor->data, section->offsets_start, cursor->end, 1};
    for (uint64_t i = 0; i < section->string_count; i++) {
        strings.offsets[i] = cursor_vint(&table);
        /* no string starts behind the data; this one keeps clear of the mark for a checked string */
        if (strings.offsets[i] == UINT64_MAX) strings.offsets[i]--;
    }
    for (uint64_t i = 0; i < section->decorator_count && cursor->ok; i++) {
        const uint8_t *info = cursor->data + section->infos + DECORATOR_INFO_SIZE * i;
        uint8_t variant = info[0];
        CursorC source = {cursor->data, section->data_start, section->data_end, 1};
        cursor_skip(&source, load_bytes(info + 1, 4));
        if (variant > TRACE) source.ok = 0;
        else if (variant != ASM_OP) cursor_skip(&source, SIZES[variant]);
        else {
            cursor_skip(&source, 1);
            if (!is_flag(cursor_fixed(&source, 1))) source.ok = 0;
            uint64_t located = cursor_fixed(&source, 1);
            if (!is_flag(located)) source.ok = 0;
            for (int part = located ? 0 : 1; part < 3 && source.ok; part++) {
                walk_string(&source, section, &strings);
                if (part == 0) cursor_skip(&source, 8);
            }
        }
        cursor->ok = source.ok;
    }
    free(strings.offsets);
    return 0;
}

/* Walk over a debug section at the cursor, decorators included if `check` is set: 0, or -2 without memory. */
NOINLINE int walk_debug_section(CursorC *cursor, DebugSectionC *section, int check) {
    if (walk_error_codes(cursor) < 0) return -2;
    uint64_t size = cursor_count(cursor, 1);
    section->data_start = cursor->pos;
    cursor_skip(cursor, size);
    section->data_end = cursor->pos;
    section->string_count = cursor_count(cursor, 1);
    section->offsets_start = cursor->pos;
    for (uint64_t i = 0; i < section->string_count && cursor->ok; i++) cursor_vint(cursor);
    size = cursor_count(cursor, 1);
    section->strings_start = cursor->pos;
    cursor_skip(cursor, size);
    section->strings_end = cursor->pos;
    section->infos = cursor->pos;
    if (section->decorator_count > UINT64_MAX / DECORATOR_INFO_SIZE) cursor->ok = 0;
    else cursor_skip(cursor, DECORATOR_INFO_SIZE * section->decorator_count);
    if (!cursor->ok) return 0;
    if (walk_op_decorators(cursor, section) < 0) return -2;
    for (int lists = 0; lists < 2 && cursor->ok; lists++) {
        if (walk_node_decorators(cursor, section) < 0) return -2;
    }
    return cursor->ok && check ? walk_decorators(cursor, section) : 0;
}

#endif
