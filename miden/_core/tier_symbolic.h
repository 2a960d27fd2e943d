/* One operation of a block, on symbols: the counterpart of the op_* functions. Shuffles only rearrange `symbols`. */
#ifndef MIDEN_TIER_SYMBOLIC_H
#define MIDEN_TIER_SYMBOLIC_H

#include "tier_compare.h"

/* The value of stack element `index`. */
ALWAYS_INLINE int32_t element(TranslationC *t, int32_t index) {
    return *symbol(t, t->top - index);
}

ALWAYS_INLINE void element_set(TranslationC *t, int32_t index, int32_t id) {
    *symbol(t, t->top - index) = id;
}

ALWAYS_INLINE int32_t element_pop(TranslationC *t) {
    int32_t id = element(t, 0);
    t->top--;
    return id;
}

ALWAYS_INLINE void element_push(TranslationC *t, int32_t id) {
    t->top++;
    element_set(t, 0, id);
}

ALWAYS_INLINE void elements_exchange(TranslationC *t, int32_t a, int32_t b, int count) {
    for (int i = 0; i < count; i++) {
        int32_t id = element(t, a + i);
        element_set(t, a + i, element(t, b + i));
        element_set(t, b + i, id);
    }
}

ALWAYS_INLINE void element_up(TranslationC *t, int32_t index) {
    int32_t moved = element(t, index);
    for (int32_t i = index; i > 0; i--) element_set(t, i, element(t, i - 1));
    element_set(t, 0, moved);
}

ALWAYS_INLINE void element_down(TranslationC *t, int32_t index) {
    int32_t moved = element(t, 0);
    element(t, index);
    for (int32_t i = 0; i < index; i++) element_set(t, i, element(t, i + 1));
    element_set(t, index, moved);
}

/* Elements a and b change places if `condition`, a bit, is 1. */
NOINLINE void elements_exchange_if(TranslationC *t, int32_t condition, int32_t a, int32_t b, int count) {
    if (is_constant(t, condition)) {
        if (t->values[condition].constant) elements_exchange(t, a, b, count);
        return;
    }
    for (int i = 0; i < count; i++) {
        int32_t first = element(t, a + i), second = element(t, b + i);
        if (first == second) continue;
        uint64_t max_first = t->values[first].max, max_second = t->values[second].max;
        InstructionC *exchange = instruction_new(t, U_CSWAP, 0, 0);
        takes(exchange, condition);
        takes(exchange, first);
        takes(exchange, second);
        uint64_t max = max_first > max_second ? max_first : max_second;
        element_set(t, a + i, gives(t, exchange, max));
        element_set(t, b + i, gives(t, exchange, max));
    }
}

/* --- memory and advice ------------------------------------------------------------------------------------------ */

/* Addresses that are computed may not lead to the word of the frame pointer (such an access bails out), so that it and
 * other cells are known apart. Of those, cells at different distances from one value are. */
ALWAYS_INLINE KnownC known_cell(TranslationC *t, int32_t address) {
    KnownC cell = {0, address, -1};
    const InstructionC *made;
    if (is_constant(t, address)) {
        cell.base = -1;
        cell.offset = t->values[address].constant;
    } else if ((made = made_by(t, address, U_ADDI)) != NULL || (made = made_by(t, address, U_PLUSI)) != NULL) {
        cell.base = made->in[0];
        cell.offset = made->imm;
    }
    return cell;
}

ALWAYS_INLINE void know_cell(TranslationC *t, KnownC cell, int32_t value) {
    cell.value = value;
    t->known[t->known_count++ % KNOWN_CELLS] = cell;
}

ALWAYS_INLINE int32_t find_cell(const TranslationC *t, KnownC cell) {
    for (uint32_t i = 0; i < t->known_count && i < KNOWN_CELLS; i++) {
        if (t->known[i].base == cell.base && t->known[i].offset == cell.offset && t->known[i].value >= 0) return t->known[i].value;
    }
    return -1;
}

/* After a store: forget the cell, and those that may be the same. */
ALWAYS_INLINE void forget_cells(TranslationC *t, KnownC cell) {
    for (uint32_t i = 0; i < t->known_count && i < KNOWN_CELLS; i++) {
        if (t->known[i].base != cell.base || t->known[i].offset == cell.offset) t->known[i].value = -1;
    }
}

ALWAYS_INLINE void address_is_checked(TranslationC *t, int32_t address) {
    if (t->values[address].max >= FMP_WORD) t->values[address].max = FMP_WORD - 1;
}

NOINLINE int32_t value_load(TranslationC *t, int32_t address) {
    InstructionC *load;
    KnownC cell = known_cell(t, address);
    int32_t value;
    if (is_constant(t, address)) {
        if (cell.offset >= ADDRESS_END) {
            always_bails(t);
            return value_constant(t, 0);
        }
        if (cell.offset == FMP_ADDR && t->frame >= 0) return t->frame;
        if (cell.offset >= FMP_WORD) {
            value = gives(t, instruction_new(t, U_LDF, 0, cell.offset), FELT_P - 1);
            if (cell.offset == FMP_ADDR) t->frame = value;
            return value;
        }
    }
    value = find_cell(t, cell);
    if (value >= 0) return value;
    if (is_constant(t, address)) {
        load = instruction_new(t, U_LDI, 0, cell.offset);
    } else if (t->values[address].max < FMP_WORD) {
        load = instruction_new(t, U_LDU, 0, 0);
        takes(load, address);
    } else {
        load = instruction_new(t, U_LD, EFFECT_KEEP | EFFECT_BAIL, 0);
        takes(load, address);
        address_is_checked(t, address);
    }
    value = gives(t, load, FELT_P - 1);
    know_cell(t, cell, value);
    return value;
}

/* A word does not cross the end of memory, so an address that is known is only known to be aligned or not. */
ALWAYS_INLINE int word_address(TranslationC *t, int32_t address) {
    if (!is_constant(t, address)) return 1;
    uint64_t constant = t->values[address].constant;
    if (constant < FMP_WORD && !(constant & 3)) return 1;
    always_bails(t);
    return 0;
}

NOINLINE void load_word(TranslationC *t) {
    int32_t address = element_pop(t);
    InstructionC *load = NULL;
    element(t, 3);
    if (word_address(t, address)) {
        load = instruction_new(t, U_LDW, EFFECT_KEEP | EFFECT_BAIL, 0);
        takes(load, address);
    }
    for (int i = 0; i < 4; i++) element_set(t, 3 - i, load ? gives(t, load, FELT_P - 1) : value_constant(t, 0));
    if (load) address_is_checked(t, address);
}

NOINLINE void store_word(TranslationC *t) {
    int32_t address = element_pop(t);
    element(t, 3);
    if (!word_address(t, address)) return;
    InstructionC *store = instruction_new(t, U_STW, EFFECT_KEEP | EFFECT_BAIL | EFFECT_STORE, 0);
    takes(store, address);
    for (int i = 0; i < 4; i++) takes(store, element(t, 3 - i));
    address_is_checked(t, address);
    t->known_count = 0;
    t->stores += 4;
}

/* Of several stores of the frame pointer only the last one counts: a bail-out does all of them again. */
NOINLINE void store_frame(TranslationC *t, uint64_t address, int32_t value) {
    if (address == FMP_ADDR) {
        if (t->frame_store >= 0) t->instructions[t->frame_store].effects = 0;
        t->frame_store = t->instruction_count;
        t->frame = value;
    }
    takes(instruction_new(t, U_STF, EFFECT_KEEP | EFFECT_BAIL | EFFECT_STORE, address), value);
    t->stores++;
}

NOINLINE void store_element(TranslationC *t) {
    int32_t address = element_pop(t), value = element(t, 0);
    KnownC cell = known_cell(t, address);
    InstructionC *store;
    if (is_constant(t, address)) {
        if (cell.offset >= ADDRESS_END) {
            always_bails(t);
            return;
        }
        if (cell.offset >= FMP_WORD) {
            store_frame(t, cell.offset, value);
            return;
        }
        store = instruction_new(t, U_STI, EFFECT_KEEP | EFFECT_BAIL | EFFECT_STORE, cell.offset);
    } else {
        store = instruction_new(t, U_ST, EFFECT_KEEP | EFFECT_BAIL | EFFECT_STORE, 0);
        takes(store, address);
        address_is_checked(t, address);
    }
    takes(store, value);
    t->stores++;
    forget_cells(t, cell);
    know_cell(t, cell, value);
}

ALWAYS_INLINE int32_t value_advice(TranslationC *t) {
    return gives(t, instruction_new(t, U_ADVPOP, EFFECT_KEEP | EFFECT_BAIL | EFFECT_ADVICE, 0), FELT_P - 1);
}

/* --- operations ------------------------------------------------------------------------------------------------- */

ALWAYS_INLINE void push_pair(TranslationC *t, PairC pair) {
    element_push(t, pair.low);
    element_push(t, pair.high);
}

/* [_, b, acc, e, ...] -> [e & 1, b * b, acc * (b if e is odd else 1), e >> 1, ...] */
NOINLINE void accumulate_power(TranslationC *t) {
    int32_t exponent = element(t, 3), accumulator = element(t, 2), base = element(t, 1);
    int32_t one = value_constant(t, 1), odd = value_and(t, exponent, one);
    uint64_t max = t->values[exponent].max;
    element_set(t, 3, is_constant(t, exponent) ? value_constant(t, max >> 1) : unary(t, U_SHRI, 1, exponent, max >> 1));
    InstructionC *multiply = instruction_new(t, U_EXPM, 0, 0);
    takes(multiply, odd);
    takes(multiply, base);
    takes(multiply, accumulator);
    element_set(t, 2, gives(t, multiply, FELT_P - 1));
    element_set(t, 1, value_mul(t, base, base));
    element_set(t, 0, odd);
}

/* Translate one operation; 0 for those that are executed as they are (LARGE). `position` is that of its row. */
NOINLINE int symbolic_operation(TranslationC *t, uint32_t opcode, uint64_t imm, uint32_t position) {
    int32_t a, b, c;
    PairC pair;
    switch (opcode) {
    case OP_NOOP: return 1;
    case OP_PUSH: element_push(t, value_constant(t, imm)); return 1;
    case OP_PAD: element_push(t, value_constant(t, 0)); return 1;
    case OP_DROP: element_pop(t); return 1;
#define CASE(NAME, n) case OP_##NAME:
        FOR_EACH_DUP(CASE) element_push(t, element(t, OPCODE_PLACE[opcode])); return 1;
        FOR_EACH_MOVUP(CASE) element_up(t, OPCODE_PLACE[opcode]); return 1;
        FOR_EACH_MOVDN(CASE) element_down(t, OPCODE_PLACE[opcode]); return 1;
#undef CASE
    case OP_SWAP: elements_exchange(t, 0, 1, 1); return 1;
    case OP_SWAPW: elements_exchange(t, 0, 4, 4); return 1;
    case OP_SWAPW2: elements_exchange(t, 0, 8, 4); return 1;
    case OP_SWAPW3: elements_exchange(t, 0, 12, 4); return 1;
    case OP_SWAPDW: elements_exchange(t, 0, 8, 8); return 1;
    case OP_CSWAP:
    case OP_CSWAPW:
        c = element_pop(t);
        check_at_most(t, c, 1);
        if (opcode == OP_CSWAP) elements_exchange_if(t, c, 0, 1, 1);
        else elements_exchange_if(t, c, 0, 4, 4);
        return 1;

    case OP_ADD: b = element_pop(t); element_set(t, 0, value_add(t, element(t, 0), b)); return 1;
    case OP_MUL: b = element_pop(t); element_set(t, 0, value_mul(t, element(t, 0), b)); return 1;
    case OP_NEG: element_set(t, 0, value_neg(t, element(t, 0))); return 1;
    case OP_INCR: b = value_constant(t, 1); element_set(t, 0, value_add(t, element(t, 0), b)); return 1;
    case OP_EQ: b = element_pop(t); element_set(t, 0, value_eq(t, element(t, 0), b)); return 1;
    case OP_EQZ: b = value_constant(t, 0); element_set(t, 0, value_eq(t, element(t, 0), b)); return 1;
    case OP_NOT: element_set(t, 0, value_not(t, element(t, 0))); return 1;
    case OP_AND:
    case OP_OR:
        b = element_pop(t), a = element(t, 0);
        check_at_most(t, a, 1);
        check_at_most(t, b, 1);
        element_set(t, 0, opcode == OP_AND ? value_and(t, a, b) : value_or(t, a, b));
        return 1;
    case OP_EXPACC: accumulate_power(t); return 1;
    case OP_ASSERT: check_is_one(t, element_pop(t)); return 1;
    case OP_CLK: element_push(t, gives(t, instruction_new(t, U_CLK, 0, position), FELT_P - 1)); return 1;

    case OP_MLOAD: element_set(t, 0, value_load(t, element(t, 0))); return 1;
    case OP_MLOADW: load_word(t); return 1;
    case OP_MSTORE: store_element(t); return 1;
    case OP_MSTOREW: store_word(t); return 1;
    case OP_ADVPOP: element_push(t, value_advice(t)); return 1;
    case OP_ADVPOPW:
        for (int i = 0; i < 4; i++) element_set(t, 3 - i, value_advice(t));
        return 1;

    case OP_U32SPLIT: push_pair(t, pair_split(t, element_pop(t))); return 1;
    case OP_U32ASSERT2:
        check_at_most(t, element(t, 0), U32_MAX);
        check_at_most(t, element(t, 1), U32_MAX);
        return 1;
    case OP_U32ADD:
    case OP_U32SUB:
    case OP_U32MUL:
    case OP_U32DIV:
    case OP_U32AND:
    case OP_U32XOR:
        b = element_pop(t), a = element_pop(t);
        check_at_most(t, a, U32_MAX);
        check_at_most(t, b, U32_MAX);
        if (t->values[a].max > U32_MAX || t->values[b].max > U32_MAX) a = b = value_constant(t, 1); /* never gets here */
        switch (opcode) {
        case OP_U32ADD: push_pair(t, pair_add(t, a, b)); return 1;
        case OP_U32SUB: push_pair(t, pair_sub(t, a, b)); return 1;
        case OP_U32MUL: push_pair(t, pair_mul(t, a, b)); return 1;
        case OP_U32DIV:
            pair = pair_div(t, a, b);
            element_push(t, pair.high);
            element_push(t, pair.low);
            return 1;
        case OP_U32AND: element_push(t, value_and(t, a, b)); return 1;
        default: element_push(t, value_xor(t, a, b)); return 1;
        }
    case OP_U32ADD3:
    case OP_U32MADD:
        c = element_pop(t), b = element_pop(t), a = element_pop(t);
        check_at_most(t, a, U32_MAX);
        check_at_most(t, b, U32_MAX);
        check_at_most(t, c, U32_MAX);
        if (t->values[a].max > U32_MAX || t->values[b].max > U32_MAX || t->values[c].max > U32_MAX) a = b = c = value_constant(t, 1);
        if (opcode == OP_U32ADD3) push_pair(t, pair_of_three(t, U_UADD3, a, b, c));
        else push_pair(t, pair_of_three(t, U_UMADD, b, c, a)); /* [b, a, c] -> a * b + c */
        return 1;
    default: return 0;
    }
}

#endif
