/* From a segment's instructions to micro-operations: what is live, where results go, the moves at the end.
 *
 * A result goes straight to the place where it ends up, if nobody needs what is there any more; else to scratch above
 * the stack, and is moved at the end. Places of the start that are overwritten before the last instruction that may bail
 * out are saved by UNDO.
 */
#ifndef MIDEN_TIER_EMIT_H
#define MIDEN_TIER_EMIT_H

#include "tier_symbolic.h"

NOINLINE void *translation_array(TranslationC *t, void *array, uint64_t *capacity, uint64_t count, size_t size) {
    if (count <= *capacity) return array;
    void *larger = grow_array(array, capacity, count, size);
    if (!larger) t->failed = 1;
    return larger ? larger : array;
}

/* The next micro-operation. Without memory: one that is overwritten again and again. */
NOINLINE UopC *emit(TranslationC *t, uint16_t op) {
    t->uops = translation_array(t, t->uops, &t->uop_capacity, t->uop_count + 1, sizeof(UopC));
    if (t->failed && t->uop_count) t->uop_count--;
    UopC *uop = &t->uops[t->uop_count++];
    memset(uop, 0, sizeof *uop);
    uop->op = op;
    return uop;
}

/* --- liveness --------------------------------------------------------------------------------------------------- */

ALWAYS_INLINE void use_at_end(TranslationC *t, int32_t id) {
    t->values[id].last = AT_END;
    t->values[id].uses++;
}

/* Drop what nobody needs; note who reads a value last. `operands` are read by the branch at the end. */
NOINLINE void find_live(TranslationC *t, const int32_t *operands, int operand_count) {
    for (int32_t place = t->reach; place <= t->top; place++) {
        int32_t id = t->symbols[place + SYMBOLIC_BIAS];
        ValueC *value = &t->values[id];
        if (value->kind == VALUE_CONSTANT || (value->kind == VALUE_ENTRY && value->place == place)) continue;
        use_at_end(t, id);
        if (value->wanted == NO_PLACE) value->wanted = (int16_t)place;
    }
    for (int i = 0; i < operand_count; i++) use_at_end(t, operands[i]);
    t->last_check = -1;
    for (int32_t i = t->instruction_count - 1; i >= 0; i--) {
        InstructionC *instruction = &t->instructions[i];
        int live = instruction->effects & EFFECT_KEEP;
        for (int k = 0; k < instruction->out_count; k++) live |= t->values[instruction->out[k]].uses > 0;
        if (!live) {
            instruction->op = U_COUNT;
            continue;
        }
        if ((instruction->effects & EFFECT_BAIL) && t->last_check < 0) t->last_check = i;
        for (int k = 0; k < instruction->in_count; k++) {
            ValueC *value = &t->values[instruction->in[k]];
            if (value->last < i) value->last = i;
            value->uses++;
        }
    }
}

/* Two instructions in one, where the first has no other use: a xor or a sum in its place takes the operands of both. */
typedef struct {
    uint16_t outer, inner, fused;
} FusionC;

NOINLINE void fuse(TranslationC *t) {
    static const FusionC FUSIONS[] = {
        {U_ROTL, U_XOR, U_XROTL}, {U_ADDI, U_MUL, U_MADDI}, {U_ADD, U_MUL, U_MADD}, {U_NEG, U_ADD, U_NEGADD}, {U_NEG, U_PLUS, U_NEGADD},
    };
    for (int32_t i = 0; i < t->instruction_count; i++) {
        InstructionC *outer = &t->instructions[i];
        for (size_t k = 0; k < sizeof FUSIONS / sizeof *FUSIONS; k++) {
            if (outer->op != FUSIONS[k].outer) continue;
            int side = 0;
            InstructionC *inner = NULL;
            for (; side < outer->in_count && !inner; side++) {
                if (t->values[outer->in[side]].uses == 1) inner = made_by(t, outer->in[side], FUSIONS[k].inner);
            }
            if (!inner) continue;
            int32_t rest = outer->in_count == 2 ? outer->in[side == 1] : -1;
            outer->op = FUSIONS[k].fused;
            outer->in_count = 0;
            for (int n = 0; n < 2; n++) {
                ValueC *value = &t->values[inner->in[n]];
                if (value->last < i) value->last = i;
                takes(outer, inner->in[n]);
            }
            if (rest >= 0) takes(outer, rest);
            inner->op = U_COUNT;
            break;
        }
    }
}

/* --- places ----------------------------------------------------------------------------------------------------- */

ALWAYS_INLINE int16_t scratch_take(TranslationC *t) {
    if (t->free_count) return (int16_t)t->free_places[--t->free_count];
    return (int16_t)t->next_place++;
}

ALWAYS_INLINE int is_scratch(const TranslationC *t, int32_t place) {
    return place > t->highest && place > t->top;
}

/* A place of the start is written by instruction `at`. */
ALWAYS_INLINE void note_write(TranslationC *t, int32_t place, int32_t at) {
    if (place > 0 || at >= t->last_check) return;
    if (place < t->first_saved) t->first_saved = place;
    if (place > t->last_saved) t->last_saved = place;
}

/* What was at a place at the start, or NULL for places above it. */
ALWAYS_INLINE ValueC *entry_at(TranslationC *t, int32_t place, int32_t *entry_ids) {
    return place <= 0 ? &t->values[entry_ids[-place]] : NULL;
}

ALWAYS_INLINE UopC *emit_move(TranslationC *t, int32_t to, int32_t from) {
    UopC *move = emit(t, U_MOV);
    move->d = (int16_t)to;
    move->a = (int16_t)from;
    return move;
}

ALWAYS_INLINE void move_value(TranslationC *t, int32_t to, const ValueC *value) {
    UopC *move = emit_move(t, to, value->place);
    if (value - t->values == t->last_result) move->op = FROM_LAST(U_MOV);
}

/* Where a result of instruction `at` goes. */
NOINLINE int16_t place_result(TranslationC *t, ValueC *value, int32_t at, int32_t *entry_ids) {
    if (value->uses == 0) return (int16_t)t->dump;
    if (value->wanted != NO_PLACE) {
        ValueC *occupant = entry_at(t, value->wanted, entry_ids);
        if (!occupant || occupant->last <= at || occupant->place != value->wanted) {
            note_write(t, value->wanted, at);
            return value->wanted;
        }
    }
    return scratch_take(t);
}

/* A value that waits in a place that a result wants may go where it ends up before that result is made. */
NOINLINE void move_early(TranslationC *t, const ValueC *result, int32_t at, int32_t *entry_ids) {
    if (result->uses == 0 || result->wanted == NO_PLACE || result->wanted > 0) return;
    ValueC *occupant = entry_at(t, result->wanted, entry_ids);
    if (occupant->place != result->wanted || occupant->last != AT_END || occupant->wanted == NO_PLACE) return;
    ValueC *next = entry_at(t, occupant->wanted, entry_ids);
    if (next && next->last >= at && next->place == occupant->wanted) return;
    note_write(t, occupant->wanted, at - 1); /* before the check of that instruction */
    move_value(t, occupant->wanted, occupant);
    occupant->place = occupant->wanted;
}

/* The place of an operand; a constant is put into scratch and stays there for the segment. */
NOINLINE int16_t operand(TranslationC *t, int32_t id) {
    ValueC *value = &t->values[id];
    if (value->kind == VALUE_CONSTANT && value->place == NO_PLACE) {
        UopC *move = emit(t, U_MOVI);
        value->place = move->d = (int16_t)t->next_place++;
        move->imm = value->constant;
    }
    return value->place;
}

/* --- instructions ----------------------------------------------------------------------------------------------- */

/* The micro-operation that gives only those results of a pair that are used. */
ALWAYS_INLINE uint16_t pair_variant(const InstructionC *instruction, int high, int low, uint64_t *imm) {
    static const uint16_t VARIANTS[][3] = {
        /* both, low, high */
        {U_UADD, U_UADDL, U_UADDH},   {U_UADDI, U_UADDLI, U_UADDI}, {U_UADD3, U_UADD3L, U_UADD3}, {U_USUB, U_USUBL, U_USUBH},
        {U_USUBI, U_USUBLI, U_USUBI}, {U_UMUL, U_UMULL, U_UMULH},   {U_UMADD, U_UMADDL, U_UMADD},
    };
    if (instruction->op == U_UMULI) {
        int power = !(instruction->imm & (instruction->imm - 1));
        if (low && high) return U_UMULI;
        if (!power) return low ? U_UMULLI : U_UMULI;
        *imm = (uint64_t)(low ? log2_of(instruction->imm) : 32 - log2_of(instruction->imm));
        return low ? U_SHLI : U_SHRI;
    }
    for (int i = 0; i < 7; i++) {
        if (VARIANTS[i][0] == instruction->op) return VARIANTS[i][high && low ? 0 : low ? 1 : 2];
    }
    return instruction->op;
}

ALWAYS_INLINE int sets_last(uint16_t op) {
    return op <= U_LDU || op == U_EXPM || op == U_LDI || op == U_LDF || op == U_ADVPOP || op == U_CLK;
}

/* Bring the operand that is the last result, if there is one, to the first place, where its micro-operation need not load it
 * again. The ids go with the places. */
ALWAYS_INLINE uint16_t operands_from_last(const TranslationC *t, uint16_t op, int count, int32_t *ids, int16_t *places) {
    int found = 0;
    if (t->last_result < 0 || op > U_LDU) return op;
    while (found < count && ids[found] != t->last_result) found++;
    if (found == count) return op;
    switch (found ? op : U_MOV) {
    case U_MOV: break;
    case U_UADD3: case U_UADD3L:
    case U_ADD: case U_PLUS: case U_MUL: case U_TIMES: case U_NEGADD: case U_EQ: case U_NEQ: case U_AND: case U_OR: case U_XOR:
    case U_UADD: case U_UADDL: case U_UADDH: case U_UMUL: case U_UMULL: case U_UMULH: case U_XROTL: case U_BREQ: case U_BRNE: case U_MADDI:
        break;
    case U_MADD: case U_UMADD: case U_UMADDL:
        if (found == 1) break;
        if (op != U_MADD) return op;
        op = U_ADDM; /* [c, b, a] */
        break;
    case U_SUB: op = U_SUBR; break;
    default: return op;
    }
    int16_t place = places[found];
    places[found] = places[0];
    places[0] = place;
    return FROM_LAST(op);
}

/* Two micro-operations in one, where the second goes on with the result of the first: pairs that are frequent in hashes of the
 * core library, and the end of a loop that counts. */
NOINLINE void fuse_last_two(TranslationC *t) {
    static const uint16_t PAIRS[][3] = {
        {U_XOR, U_XOR, U_XOR_XOR},           {U_AND, U_XOR, U_AND_XOR},           {U_XOR, U_AND, U_XOR_AND},
        {U_UADDL, U_XROTL, U_UADDL_XROTL},   {U_UADD3L, U_XROTL, U_UADD3L_XROTL}, {U_ADDI, U_BRNZ, U_ADDI_BRNZ},
    };
    if (t->uop_count < t->segment + 3 || t->failed) return;
    UopC *second = &t->uops[t->uop_count - 1], *first = second - 1;
    int from_last = first->op > U_COUNT;
    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++) {
        if (second->op != FROM_LAST(PAIRS[i][1]) || first->op != (from_last ? FROM_LAST(PAIRS[i][0]) : PAIRS[i][0])) continue;
        first->op = from_last ? FROM_LAST(PAIRS[i][2]) : PAIRS[i][2];
        first->e = second->d;
        first->target = second->b;
        if (PAIRS[i][0] != U_ADDI) first->imm = second->imm;
        t->uop_count--;
        return;
    }
}

/* Results go to d, e, b, c; operands come from a, b, c, those of a word to be stored from a, then d, e, b, c. */
NOINLINE void emit_instruction(TranslationC *t, int32_t at, int32_t *entry_ids) {
    InstructionC *instruction = &t->instructions[at];
    int16_t in[5], out[4] = {0, 0, 0, 0};
    uint64_t imm = instruction->imm;
    uint16_t op = instruction->op;
    int low = 0;
    for (int i = 0; i < instruction->out_count; i++) move_early(t, &t->values[instruction->out[i]], at, entry_ids);
    for (int i = 0; i < instruction->in_count; i++) in[i] = operand(t, instruction->in[i]);
    for (int i = 0; i < instruction->in_count; i++) {
        ValueC *value = &t->values[instruction->in[i]];
        if (value->last == at && value->kind == VALUE_RESULT && is_scratch(t, value->place) && value->place != t->dump) {
            t->free_places[t->free_count++] = value->place;
            value->last = -1; /* freed once, if it is an operand twice */
        }
    }
    for (int i = 0; i < instruction->out_count; i++) {
        ValueC *value = &t->values[instruction->out[i]];
        out[i] = value->place = place_result(t, value, at, entry_ids);
    }
    if (instruction->out_count == 2) {
        int high = t->values[instruction->out[0]].uses > 0;
        low = t->values[instruction->out[1]].uses > 0;
        op = pair_variant(instruction, high, low, &imm);
        if (op != instruction->op && low) out[0] = out[1]; /* the only result is in d */
    }
    uint16_t variant = operands_from_last(t, op, instruction->in_count, instruction->in, in);
    UopC *uop = emit(t, variant);
    uop->imm = imm;
    uop->d = out[0];
    uop->e = out[1];
    if (sets_last(op)) t->last_result = instruction->out[instruction->out_count == 2 && (op == instruction->op || low)];
    if (op == U_STW) {
        uop->a = in[0], uop->d = in[1], uop->e = in[2], uop->b = in[3], uop->c = in[4];
        uop->imm = at < t->last_check;
    } else if (op == U_LDW) {
        uop->a = in[0], uop->b = out[2], uop->c = out[3];
    } else {
        if (instruction->in_count > 0) uop->a = in[0];
        if (instruction->in_count > 1) uop->b = in[1];
        if (instruction->in_count > 2) uop->c = in[2];
        if (instruction->effects & EFFECT_STORE) uop->e = at < t->last_check; /* to be logged */
    }
    fuse_last_two(t);
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

/* Put everything where it ends up: moves that nobody waits for first, cycles through scratch, constants last. */
NOINLINE void emit_moves(TranslationC *t) {
    uint8_t readers[SYMBOLIC_SIZE];
    int32_t pending[SYMBOLIC_SIZE], count = 0;
    memset(readers, 0, sizeof readers);
    for (int32_t place = t->reach; place <= t->top; place++) {
        const ValueC *value = &t->values[t->symbols[place + SYMBOLIC_BIAS]];
        if (value->kind == VALUE_CONSTANT || value->place == place) continue;
        pending[count++] = place;
        if (!is_scratch(t, value->place) && readers[value->place + SYMBOLIC_BIAS] < 255) readers[value->place + SYMBOLIC_BIAS]++;
    }
    while (count) {
        int32_t left = 0;
        for (int32_t i = 0; i < count; i++) {
            int32_t place = pending[i];
            ValueC *value = &t->values[t->symbols[place + SYMBOLIC_BIAS]];
            if (readers[place + SYMBOLIC_BIAS]) {
                pending[left++] = place;
                continue;
            }
            move_value(t, place, value);
            if (!is_scratch(t, value->place)) readers[value->place + SYMBOLIC_BIAS]--;
        }
        if (left == count) {
            /* only cycles: what is in the first place of one goes to scratch */
            int32_t place = pending[0];
            int16_t scratch = scratch_take(t);
            emit_move(t, scratch, place);
            for (int32_t i = 0; i < count; i++) {
                ValueC *value = &t->values[t->symbols[pending[i] + SYMBOLIC_BIAS]];
                if (value->place == place) value->place = scratch;
            }
            readers[place + SYMBOLIC_BIAS] = 0;
        }
        count = left;
    }
    for (int32_t place = t->reach; place <= t->top; place++) {
        const ValueC *value = &t->values[t->symbols[place + SYMBOLIC_BIAS]];
        if (value->kind != VALUE_CONSTANT) continue;
        UopC *move = emit(t, U_MOVI);
        move->d = (int16_t)place;
        move->imm = value->constant;
    }
}

/* Is a place overwritten by the moves at the end? */
ALWAYS_INLINE int overwritten(const TranslationC *t, int32_t place) {
    if (place < t->reach || place > t->top) return 0;
    const ValueC *value = &t->values[t->symbols[place + SYMBOLIC_BIAS]];
    return value->kind == VALUE_CONSTANT || value->place != place;
}

/* The branch that is taken if `condition` is `wanted`; a comparison and the branch on it become one. */
NOINLINE uint16_t branch_for(TranslationC *t, int32_t condition, int wanted, int32_t operands[2], int *count) {
    static const uint16_t BRANCHES[][3] = {
        {U_EQZ, U_BRNZ, U_BRZ}, {U_NEZ, U_BRZ, U_BRNZ}, {U_EQ, U_BRNE, U_BREQ}, {U_NEQ, U_BREQ, U_BRNE}, {U_USUB, U_BRGE, U_BRLT},
        {U_LT, U_BRGE, U_BRLT}, {U_GE, U_BRLT, U_BRGE},
    };
    const ValueC *value = &t->values[condition];
    if (value->definition >= 0) {
        const InstructionC *made = &t->instructions[value->definition];
        for (size_t i = 0; i < sizeof BRANCHES / sizeof *BRANCHES; i++) {
            if (made->op != BRANCHES[i][0] || (made->op == U_USUB && made->out[0] != condition)) continue;
            *count = made->in_count;
            for (int k = 0; k < made->in_count; k++) operands[k] = made->in[k];
            return BRANCHES[i][wanted ? 2 : 1];
        }
    }
    *count = 1;
    operands[0] = condition;
    return wanted ? U_BRNZ : U_BRZ;
}

/* Finish the open segment with micro-operation `op`, a branch on `condition` (-1: none) being `wanted`. Returns its index. */
NOINLINE uint64_t segment_close(TranslationC *t, uint16_t op, int32_t condition, int wanted) {
    int32_t operands[2] = {-1, -1}, entry_ids[SYMBOLIC_BIAS];
    int operand_count = 0;
    if (condition >= 0) op = branch_for(t, condition, wanted, operands, &operand_count);
    find_live(t, operands, operand_count);
    fuse(t);
    for (int32_t id = 0; id < t->value_count; id++) {
        if (t->values[id].kind == VALUE_ENTRY) entry_ids[-t->values[id].place] = id;
    }
    t->free_count = 0;
    t->last_result = -1;
    t->dump = (t->highest > t->top ? t->highest : t->top) + 1;
    t->next_place = t->dump + 1;
    t->first_saved = 1;
    t->last_saved = -SYMBOLIC_BIAS;
    for (int32_t i = 0; i < t->instruction_count; i++) {
        if (t->instructions[i].op != U_COUNT) emit_instruction(t, i, entry_ids);
    }
    int16_t places[2] = {0, 0};
    for (int i = 0; i < operand_count; i++) {
        places[i] = operand(t, operands[i]);
        int from_last = operands[i] == t->last_result && (i == 0 || ((op == U_BREQ || op == U_BRNE) && operands[0] != operands[1]));
        if (from_last || !overwritten(t, places[i])) continue;
        int16_t scratch = (int16_t)t->next_place++;
        move_value(t, scratch, &t->values[operands[i]]);
        places[i] = scratch;
    }
    emit_moves(t);
    UopC *uop = emit(t, operands_from_last(t, op, operand_count, operands, places));
    uop->d = (int16_t)t->top;
    uop->a = places[0];
    uop->b = places[1];
    fuse_last_two(t);
    uint64_t end = t->uop_count - 1;
    UopC *segment = &t->uops[t->segment];
    segment->imm = t->segment_rows;
    segment->a = (int16_t)t->lowest;
    segment->c = (int16_t)t->highest;
    segment->b = (int16_t)t->next_place;
    int undo = t->first_saved <= t->last_saved;
    if (undo) {
        segment->d = (int16_t)t->first_saved;
        segment->e = (int16_t)(t->last_saved - t->first_saved + 1);
    }
    for (int32_t i = 0; i < t->last_check && !undo; i++) {
        undo = t->instructions[i].op != U_COUNT && (t->instructions[i].effects & (EFFECT_STORE | EFFECT_ADVICE));
    }
    int calls = 0;
    for (int32_t i = 0; i < t->last_check; i++) calls |= t->instructions[i].op != U_COUNT && (t->instructions[i].effects & EFFECT_CALL);
    if (undo || calls) segment->op = calls ? U_UNDOC : U_UNDO;
    t->open = 0;
    return end;
}

#endif
