/* Tier two: what hot code is translated to (docs/adr: "Two execution tiers").
 *
 * A region is a node and what lies below it, up to calls and other things that only the plain engine does, as one program
 * of micro-operations. It consists of segments, straight pieces of rows with one check at their start. Operands are places
 * relative to the top of the stack at the start of the segment; places above the stack serve as scratch.
 *
 * A micro-operation that finds anything unusual bails out: the segment is undone, the continuations that the plain engine
 * would have at the start of the segment are put back, and the plain engine runs the same rows again. It alone reports
 * faults, so the order of checks within a segment is free, and a check may be stricter than it has to be.
 */
#ifndef MIDEN_TIER_UOPS_H
#define MIDEN_TIER_UOPS_H

#include "machine.h"

/* d, e: places written; a, b, c: places read. Two in one write d and then e, and read `target` in the second. */
typedef struct {
    uint16_t op;
    int16_t d, e, a, b, c;
    int32_t target; /* branches: where to; SEGMENT, LARGE, EXIT: its resume record */
    uint64_t imm;
} UopC;

/* Where the plain engine takes over: continuations below the region's own, the last one to be done next. */
typedef struct {
    uint32_t start, count;
    uint32_t row; /* of the block, if the last one is CONT_BLOCK */
} ResumeC;

/* One allocation: the arrays lie behind. */
typedef struct {
    void *retired;    /* the next one in the list of those that are used no more; first, for code.h */
    const UopC *uops;
    const ResumeC *resumes;
    const ContinuationC *continuations;
    uint64_t depth;   /* continuations that its rows may need at once */
    uint32_t misses;  /* how often a dyn in it led elsewhere than when it was made */
} RegionC;

/* SEGMENT, UNDO: imm rows; a lowest and c highest place of the top; b highest place used; d, e: first place and number of those that
 * are saved for a bail-out (UNDO). Those that end a segment move the top by d. LARGE: e opcode, imm its immediate. CALL: e kind of
 * the node, imm the callee. UNDOC is UNDO where there are calls in the segment (tier_calls.h). */
#define FOR_EACH_UOP(X) FOR_EACH_FROM_LAST(X) FOR_EACH_OTHER(X)

/* Those that can take their operand a from the last result. */
#define FOR_EACH_FROM_LAST(X)                                                                                            \
    X(BRZ) X(BRNZ) X(BREQ) X(BRNE) X(BRLT) X(BRGE)                                                                       \
    X(MOV) X(ADD) X(ADDI) X(PLUS) X(PLUSI) X(SUB) X(SUBR) X(NEG) X(MUL) X(MULI) X(TIMES) X(MADD) X(MADDI) X(ADDM) X(NEGADD) \
    X(EQ) X(EQI) X(EQZ) X(NEQ) X(NEQI) X(NEZ) X(LT) X(GE) X(AND) X(ANDI) X(OR) X(XOR) X(XORI) X(SHRI) X(SHLI) X(LO32) X(HI32)        \
    X(UADD) X(UADDL) X(UADDH) X(UADDI) X(UADDLI) X(UADD3) X(UADD3L) X(USUB) X(USUBL) X(USUBH) X(USUBI) X(USUBLI)         \
    X(UMUL) X(UMULL) X(UMULH) X(UMULI) X(UMULLI) X(UMADD) X(UMADDL) X(UDIV) X(UDIVI) X(ROTL) X(XROTL) X(UMADDI) \
    X(XOR_XOR) X(AND_XOR) X(XOR_AND) X(UADDL_XROTL) X(UADD3L_XROTL) X(ADDI_BRNZ) X(LD) X(LDU)

#define FOR_EACH_OTHER(X)                                                                                                \
    X(SEGMENT) X(UNDO) X(UNDOC) X(LARGE) X(CALL) X(RETURN) X(OPEN) X(ENTER) X(KERNEL) X(ENTERK) X(LEAVE) X(DYN) X(DYNI)  \
    X(EXIT) X(DONE) X(JUMP) X(ADJUST) X(BAIL) X(MOVI) X(EXPM)                                                            \
    X(CHK) X(CHK2) X(CHKB) X(CHKB2) X(CHK1) X(CHKZ) X(CHKEQ) X(CHKEQI) X(CSWAP)                                          \
    X(LDI) X(LDF) X(LDW) X(ST) X(STI) X(STF) X(STW) X(ADVPOP) X(CLK)

enum Uop {
#define UOP_NAME(name) U_##name,
    FOR_EACH_UOP(UOP_NAME)
#undef UOP_NAME
    U_COUNT,
#define UOP_NAME(name) U_LAST_##name,
    FOR_EACH_FROM_LAST(UOP_NAME)
#undef UOP_NAME
    U_END,
};

/* The variant of a micro-operation of FOR_EACH_FROM_LAST that takes a from the last result. */
#define FROM_LAST(op) ((uint16_t)((op) + U_COUNT + 1))

/* Operations that are executed as they are. */
#define FOR_EACH_LARGE(X)                                                                                              \
    X(INV, inv) X(CALLER, caller) X(SDEPTH, sdepth) X(EXT2MUL, ext2mul) X(EMIT, emit) X(FRIE2F4, frie2f4)              \
    X(HPERM, hperm) X(MPVERIFY, mpverify) X(PIPE, pipe) X(MSTREAM, mstream) X(HORNERBASE, hornerbase)                  \
    X(HORNEREXT, hornerext) X(EVALCIRCUIT, evalcircuit) X(LOGPRECOMPILE, logprecompile) X(MRUPDATE, mrupdate)          \
    X(CRYPTOSTREAM, cryptostream)

#define SEGMENT_SAVED 128 /* places that a segment may save */
#define SEGMENT_STORES 64 /* elements that a segment may store before its last check */

#endif
