/* From a node to a region: the walk that engine.h makes, with its stack of continuations, but over both arms of a split and
 * once through the body of a loop. What is on that stack at the start of a segment is what the plain engine needs to go on
 * from there. Calls are in tier_calls.h.
 */
#ifndef MIDEN_TIER_TRANSLATE_H
#define MIDEN_TIER_TRANSLATE_H

#include "tier_calls.h"

#define FEWEST_ROWS 6 /* a shorter region is not worth its start */

/* Record the continuations on the stack and one more, which is in progress. */
NOINLINE int32_t record_resume(TranslationC *t, uint32_t kind, uint32_t node, uint32_t row) {
    uint64_t needed = t->continuation_count + t->frame_count + 1;
    t->continuations = translation_array(t, t->continuations, &t->continuation_capacity, needed, sizeof(ContinuationC));
    t->resumes = translation_array(t, t->resumes, &t->resume_capacity, t->resume_count + 1, sizeof(ResumeC));
    if (t->failed || needed > 16 * t->rows + 4096) { /* deep nesting makes it too large */
        t->failed = 1;
        return 0;
    }
    ResumeC resume = {(uint32_t)t->continuation_count, t->frame_count + 1, row};
    for (uint32_t i = 0; i < t->frame_count; i++) {
        ContinuationC record = {t->frames[i].kind, t->frames[i].node};
        t->continuations[t->continuation_count++] = record;
    }
    ContinuationC record = {kind, node};
    t->continuations[t->continuation_count++] = record;
    t->resumes[t->resume_count] = resume;
    return (int32_t)t->resume_count++;
}

/* Make sure that a segment is open; the arguments say what is in progress. */
NOINLINE void segment_open(TranslationC *t, uint32_t kind, uint32_t node, uint32_t row) {
    if (t->open) return;
    t->open = 1;
    t->segment = t->uop_count;
    int32_t resume = record_resume(t, kind, node, row);
    emit(t, U_SEGMENT)->target = resume;
    t->segment_rows = 0;
    t->top = t->lowest = t->highest = 0;
    t->reach = 1;
    t->value_count = t->instruction_count = t->stores = 0;
    t->frame = t->frame_store = -1;
    t->known_count = 0;
    t->callee_count = t->hidden_count = 0;
}

/* A row of a node in the open segment. */
ALWAYS_INLINE void count_row(TranslationC *t) {
    t->segment_rows++;
    t->rows++;
}

/* Take the condition of a branch off the stack. */
NOINLINE int32_t take_condition(TranslationC *t) {
    int32_t condition = element_pop(t);
    note_depth(t);
    check_at_most(t, condition, 1);
    return condition;
}

/* The next micro-operation is where this one leads. */
ALWAYS_INLINE void lead_here(TranslationC *t, int32_t uop) {
    t->uops[uop].target = (int32_t)t->uop_count;
}

/* End the segment, if one is open, so that what comes next starts with a top of its own. */
NOINLINE void segment_end(TranslationC *t) {
    if (!t->open) return;
    if (t->top == 0) {
        segment_close(t, U_ADJUST, -1, 0);
        if (!t->failed) t->uop_count--;
    } else {
        segment_close(t, U_ADJUST, -1, 0);
    }
}

/* End the segment with a jump or the end of the region; `target` is a resume record or to be filled in. */
NOINLINE int32_t segment_leave(TranslationC *t, uint16_t op, int32_t target) {
    uint64_t at;
    if (t->open) {
        at = segment_close(t, op, -1, 0);
    } else {
        at = t->uop_count;
        emit(t, op);
        if (t->failed) at = 0;
    }
    t->uops[at].target = target;
    return (int32_t)at;
}

/* Leave it to the plain engine from here on. */
NOINLINE void leave_region(TranslationC *t, uint32_t kind, uint32_t node, uint32_t row) {
    int32_t resume = record_resume(t, kind, node, row);
    segment_leave(t, U_EXIT, resume);
    t->live = 0;
}

/* Whether to end the segment as soon as may be: not within a call, for which there was room. */
ALWAYS_INLINE int segment_is_full(const TranslationC *t) {
    if (t->callee_count) return 0;
    return t->instruction_count > SEGMENT_INSTRUCTIONS - 32 || t->value_count > SEGMENT_VALUES - 200 || t->stores > SEGMENT_STORES - 4 ||
           t->reach < -DEEPEST_REACH || t->top > HIGHEST_REACH;
}

NOINLINE void translate_block(TranslationC *t, uint32_t id) {
    const NodeC *node = &t->code->nodes[id];
    const RowC *rows = block_rows(t->code, id);
    if (!rows) {
        t->failed = 1;
        return;
    }
    segment_open(t, CONT_START, id, 0);
    for (uint32_t i = 0; i < node->row_count; i++) {
        uint32_t opcode = rows[i].opcode;
        uint64_t imm = OPCODE_TRAITS[opcode] & OPCODE_IMMEDIATE ? load_u64(block_immediates(t->code, node) + IMMEDIATE_SIZE * rows[i].imm) : 0;
        if (t->open && segment_is_full(t)) segment_end(t);
        if (!t->open && (t->rows >= REGION_ROWS || t->failed)) {
            leave_region(t, CONT_BLOCK, id, i);
            return;
        }
        segment_open(t, CONT_BLOCK, id, i);
        if (opcode == OP_SPAN || opcode == OP_RESPAN || opcode == OP_END) {
            count_row(t);
            continue;
        }
        if (symbolic_operation(t, opcode, imm, t->segment_rows)) {
            count_row(t);
            note_depth(t);
            continue;
        }
        /* executed as it is, between two segments */
        if (t->segment_rows == 0) {
            t->uop_count = t->segment;
            t->open = 0;
        }
        segment_end(t);
        int32_t resume = record_resume(t, CONT_BLOCK, id, i);
        UopC *large = emit(t, U_LARGE);
        large->target = resume;
        large->d = DEPTH_CHANGES[opcode];
        large->e = (int16_t)opcode;
        large->imm = imm;
        t->rows++;
    }
}

ALWAYS_INLINE void push_frame(TranslationC *t, FrameC frame) {
    t->frames[t->frame_count++] = frame;
    if (t->frame_count > t->deepest) t->deepest = t->frame_count;
}

/* The last row of a join or a dyn. */
NOINLINE void translate_end_row(TranslationC *t, FrameC frame) {
    if (t->open && segment_is_full(t)) segment_end(t);
    segment_open(t, frame.kind, frame.node, 0);
    count_row(t);
}

/* A call that is a row of its own. */
NOINLINE void translate_call_row(TranslationC *t, uint32_t id, uint32_t kind, uint32_t callee) {
    segment_end(t);
    int32_t resume = record_resume(t, CONT_START, id, 0);
    UopC *call = emit(t, U_CALL);
    call->target = resume;
    call->e = (int16_t)kind;
    call->imm = callee;
    t->rows++;
}

/* CALL, SYSCALL, DYN and DYNCALL; a dyn only if it leads to the same root every time. */
NOINLINE void translate_call(TranslationC *t, uint32_t id) {
    NodeC *node = &t->code->nodes[id];
    int is_dyn = node->kind == NODE_DYN || node->kind == NODE_DYNCALL;
    uint32_t target = is_dyn ? LOAD_COUNT(&node->target) : 0, callee = is_dyn ? target - 1 : node->a;
    InsideC inside;
    if ((is_dyn && (!target || target == TARGET_VARIES)) || (!t->callee_count && !can_be_inlined(t->code, callee))) {
        leave_region(t, CONT_START, id, 0);
        return;
    }
    int fits = node->kind != NODE_DYN && fits_inside(t->code, callee, &inside);
    if (fits && !t->callee_count) {
        if (t->open && (segment_is_full(t) || !has_room_inside(t, &inside))) segment_end(t);
        if (!t->open) segment_open(t, CONT_START, id, 0);
        fits = has_room_inside(t, &inside);
    }
    if (fits || node->kind == NODE_DYN) {
        if (t->open && segment_is_full(t)) segment_end(t);
        segment_open(t, CONT_START, id, 0);
        uint32_t position = t->segment_rows;
        if (is_dyn) take_target(t, callee);
        if (fits) callee_open(t, callee, node->kind == NODE_SYSCALL, inside.touches_memory, position);
        count_row(t);
    } else {
        translate_call_row(t, id, node->kind, callee);
    }
    push_frame(t, (FrameC){.kind = is_dyn ? CONT_FINISH_DYN : CONT_FINISH_CALL, .node = id, .inside = fits});
    push_frame(t, (FrameC){.kind = CONT_START, .node = callee});
}

/* CONT_FINISH_CALL and CONT_FINISH_DYN, where the end can be reached. */
NOINLINE void translate_call_end(TranslationC *t, FrameC frame) {
    if (frame.inside) {
        count_row(t);
        callee_close(t);
    } else if (t->code->nodes[frame.node].kind != NODE_DYN) {
        segment_end(t);
        int32_t resume = record_resume(t, frame.kind, frame.node, 0);
        emit(t, U_RETURN)->target = resume;
        t->rows++;
    } else {
        translate_end_row(t, frame);
    }
}

/* CONT_START of a node that can be reached. */
NOINLINE void translate_start(TranslationC *t, uint32_t id) {
    const NodeC *node = &t->code->nodes[id];
    int32_t condition, branch;
    int full = !t->callee_count && (t->frame_count + 4 > TRANSLATED_CONTINUATIONS || t->rows >= REGION_ROWS);
    if (node->kind == NODE_EXTERNAL || t->failed || full) {
        leave_region(t, CONT_START, id, 0);
        return;
    }
    if (node->kind == NODE_BLOCK) {
        translate_block(t, id);
        return;
    }
    if (node->kind > NODE_BLOCK) {
        translate_call(t, id);
        return;
    }
    if (t->open && segment_is_full(t)) segment_end(t);
    segment_open(t, CONT_START, id, 0);
    count_row(t);
    switch (node->kind) {
    case NODE_JOIN:
        push_frame(t, (FrameC){.kind = CONT_FINISH_JOIN, .node = id});
        push_frame(t, (FrameC){.kind = CONT_START, .node = node->b});
        push_frame(t, (FrameC){.kind = CONT_START, .node = node->a});
        break;
    case NODE_SPLIT:
        condition = take_condition(t);
        branch = (int32_t)segment_close(t, 0, condition, 0);
        push_frame(t, (FrameC){.kind = CONT_FINISH_SPLIT, .node = id, .skip = branch});
        push_frame(t, (FrameC){.kind = CONT_START, .node = node->a});
        break;
    default: /* NODE_LOOP */
        condition = take_condition(t);
        branch = (int32_t)segment_close(t, 0, condition, 0);
        push_frame(t, (FrameC){.kind = CONT_FINISH_LOOP, .node = id, .skip = branch, .head = (int32_t)t->uop_count});
        push_frame(t, (FrameC){.kind = CONT_START, .node = node->a});
    }
}

/* CONT_FINISH_SPLIT: after the first arm comes the second, after that what is behind the split. */
NOINLINE void translate_arm_end(TranslationC *t, FrameC frame) {
    if (!frame.second) {
        int32_t jump = -1;
        if (t->live) {
            segment_open(t, CONT_FINISH_SPLIT, frame.node, 0);
            count_row(t);
            jump = segment_leave(t, U_JUMP, 0);
        }
        lead_here(t, frame.skip);
        t->live = 1;
        push_frame(t, (FrameC){.kind = CONT_FINISH_SPLIT, .node = frame.node, .second = 1, .skip = jump});
        push_frame(t, (FrameC){.kind = CONT_START, .node = t->code->nodes[frame.node].b});
        return;
    }
    if (t->live) {
        segment_open(t, CONT_FINISH_SPLIT, frame.node, 0);
        count_row(t);
        segment_end(t);
    }
    if (frame.skip >= 0) {
        lead_here(t, frame.skip);
        t->live = 1;
    }
}

/* CONT_FINISH_LOOP: back to the body, or on; a loop inside the region is also left from its first row. */
NOINLINE void translate_loop_end(TranslationC *t, FrameC frame) {
    int32_t jump = -1;
    if (t->live) {
        segment_open(t, CONT_FINISH_LOOP, frame.node, 0);
        count_row(t);
        int32_t condition = take_condition(t);
        uint64_t branch = segment_close(t, 0, condition, 1);
        t->uops[branch].target = frame.head;
        if (frame.skip < 0) return;
        jump = segment_leave(t, U_JUMP, 0);
    }
    if (frame.skip < 0) return;
    lead_here(t, frame.skip);
    segment_open(t, CONT_SKIPPED_LOOP, frame.node, 0);
    count_row(t);
    segment_end(t);
    if (jump >= 0) lead_here(t, jump);
    t->live = 1;
}

NOINLINE void translate_frames(TranslationC *t) {
    while (t->frame_count && !t->failed) {
        FrameC frame = t->frames[--t->frame_count];
        switch (frame.kind) {
        case CONT_START:
            if (t->live) translate_start(t, frame.node);
            break;
        case CONT_FINISH_JOIN:
            if (t->live) translate_end_row(t, frame);
            break;
        case CONT_FINISH_CALL:
        case CONT_FINISH_DYN:
            if (t->live) translate_call_end(t, frame);
            break;
        case CONT_FINISH_SPLIT: translate_arm_end(t, frame); break;
        default: translate_loop_end(t, frame);
        }
    }
    if (t->live && !t->failed) segment_leave(t, U_DONE, 0);
}

/* Copy a translation into one allocation; NULL without memory. */
NOINLINE RegionC *region_build(const TranslationC *t) {
    size_t uops = t->uop_count * sizeof(UopC), resumes = t->resume_count * sizeof(ResumeC);
    size_t continuations = t->continuation_count * sizeof(ContinuationC);
    RegionC *region = malloc(sizeof *region + uops + resumes + continuations);
    if (!region) return NULL;
    char *place = (char *)(region + 1);
    region->uops = memcpy(place, t->uops, uops);
    region->resumes = memcpy(place + uops, t->resumes, resumes);
    region->continuations = memcpy(place + uops + resumes, t->continuations, continuations);
    region->depth = t->deepest + 4;
    region->misses = 0;
    region->retired = NULL;
    return region;
}

/* The region of a node: for a loop its body, from there on. NULL if it is not worth it or there is no memory; `rows` are
 * those that were translated. */
NOINLINE RegionC *translate(CodeC *code, uint32_t id, uint64_t *rows) {
    RegionC *region = NULL;
    TranslationC *t = malloc(sizeof *t);
    *rows = 0;
    if (!t) return NULL;
    memset(t, 0, offsetof(TranslationC, symbols));
    t->code = code;
    t->live = 1;
    t->uops = translation_array(t, NULL, &t->uop_capacity, 64, sizeof(UopC));
    if (!t->failed) {
        const NodeC *node = &code->nodes[id];
        if (node->kind == NODE_LOOP) {
            push_frame(t, (FrameC){.kind = CONT_FINISH_LOOP, .node = id, .skip = -1});
            push_frame(t, (FrameC){.kind = CONT_START, .node = node->a});
        } else {
            push_frame(t, (FrameC){.kind = CONT_START, .node = id});
        }
        translate_frames(t);
        *rows = t->rows;
        if (!t->failed && t->rows >= FEWEST_ROWS && t->uop_count < INT32_MAX) region = region_build(t);
    }
    free(t->uops);
    free(t->resumes);
    free(t->continuations);
    free(t);
    return region;
}

#endif
