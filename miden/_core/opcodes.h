/* GENERATED from miden/isa.py by `make gen` - do not edit. */
#ifndef MIDEN_OPCODES_H
#define MIDEN_OPCODES_H

enum Opcode {
    OP_NOOP = 0,
    OP_EQZ = 1,
    OP_NEG = 2,
    OP_INV = 3,
    OP_INCR = 4,
    OP_NOT = 5,
    OP_MLOAD = 7,
    OP_SWAP = 8,
    OP_CALLER = 9,
    OP_MOVUP2 = 10,
    OP_MOVDN2 = 11,
    OP_MOVUP3 = 12,
    OP_MOVDN3 = 13,
    OP_ADVPOPW = 14,
    OP_EXPACC = 15,
    OP_MOVUP4 = 16,
    OP_MOVDN4 = 17,
    OP_MOVUP5 = 18,
    OP_MOVDN5 = 19,
    OP_MOVUP6 = 20,
    OP_MOVDN6 = 21,
    OP_MOVUP7 = 22,
    OP_MOVDN7 = 23,
    OP_SWAPW = 24,
    OP_EXT2MUL = 25,
    OP_MOVUP8 = 26,
    OP_MOVDN8 = 27,
    OP_SWAPW2 = 28,
    OP_SWAPW3 = 29,
    OP_SWAPDW = 30,
    OP_EMIT = 31,
    OP_ASSERT = 32,
    OP_EQ = 33,
    OP_ADD = 34,
    OP_MUL = 35,
    OP_AND = 36,
    OP_OR = 37,
    OP_U32AND = 38,
    OP_U32XOR = 39,
    OP_FRIE2F4 = 40,
    OP_DROP = 41,
    OP_CSWAP = 42,
    OP_CSWAPW = 43,
    OP_MLOADW = 44,
    OP_MSTORE = 45,
    OP_MSTOREW = 46,
    OP_PAD = 48,
    OP_DUP0 = 49,
    OP_DUP1 = 50,
    OP_DUP2 = 51,
    OP_DUP3 = 52,
    OP_DUP4 = 53,
    OP_DUP5 = 54,
    OP_DUP6 = 55,
    OP_DUP7 = 56,
    OP_DUP9 = 57,
    OP_DUP11 = 58,
    OP_DUP13 = 59,
    OP_DUP15 = 60,
    OP_ADVPOP = 61,
    OP_SDEPTH = 62,
    OP_CLK = 63,
    OP_U32ADD = 64,
    OP_U32SUB = 66,
    OP_U32MUL = 68,
    OP_U32DIV = 70,
    OP_U32SPLIT = 72,
    OP_U32ASSERT2 = 74,
    OP_U32ADD3 = 76,
    OP_U32MADD = 78,
    OP_HPERM = 80,
    OP_MPVERIFY = 81,
    OP_PIPE = 82,
    OP_MSTREAM = 83,
    OP_SPLIT = 84,
    OP_LOOP = 85,
    OP_SPAN = 86,
    OP_JOIN = 87,
    OP_DYN = 88,
    OP_HORNERBASE = 89,
    OP_HORNEREXT = 90,
    OP_PUSH = 91,
    OP_DYNCALL = 92,
    OP_EVALCIRCUIT = 93,
    OP_LOGPRECOMPILE = 94,
    OP_MRUPDATE = 96,
    OP_CRYPTOSTREAM = 100,
    OP_SYSCALL = 104,
    OP_CALL = 108,
    OP_END = 112,
    OP_REPEAT = 116,
    OP_RESPAN = 120,
    OP_HALT = 124,
};

enum NodeKind {
    NODE_JOIN = 0,
    NODE_SPLIT = 1,
    NODE_LOOP = 2,
    NODE_BLOCK = 3,
    NODE_CALL = 4,
    NODE_SYSCALL = 5,
    NODE_DYN = 6,
    NODE_DYNCALL = 7,
    NODE_EXTERNAL = 8,
};

enum NodeDomain {
    DOMAIN_JOIN = 87,
    DOMAIN_SPLIT = 84,
    DOMAIN_LOOP = 85,
    DOMAIN_CALL = 108,
    DOMAIN_SYSCALL = 104,
    DOMAIN_DYN = 88,
    DOMAIN_DYNCALL = 92,
};

#define BATCH_GROUPS 8
#define GROUP_OPS 9
#define MIN_STACK_DEPTH 16
#define FMP_ADDR 4294967294ULL
#define FMP_INIT 2147483648ULL
#define MAX_KERNEL_PROCEDURES 255

/* What an opcode is: the table below has one byte of these for each of the 256 bytes. */
#define OPCODE_IMMEDIATE 1  /* takes one entry of the immediates */
#define OPCODE_PLAIN 2      /* may stand in a basic block */

static const unsigned char OPCODE_TRAITS[256] = {
    2, 2, 2, 2, 2, 2, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 3, 0, 2, 0, 2, 0, 2, 3, 2, 2, 0, 0, 0, 0, 0, 2, 2, 3, 0, 2, 2, 0,
    2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

/* X(opcode name, function suffix, change of the stack depth), for operations but those of the families below. */
#define FOR_EACH_OPERATION(X) \
    X(NOOP, noop, 0) \
    X(EQZ, eqz, 0) \
    X(NEG, neg, 0) \
    X(INV, inv, 0) \
    X(INCR, incr, 0) \
    X(NOT, not, 0) \
    X(MLOAD, mload, 0) \
    X(SWAP, swap, 0) \
    X(CALLER, caller, 0) \
    X(ADVPOPW, advpopw, 0) \
    X(EXPACC, expacc, 0) \
    X(SWAPW, swapw, 0) \
    X(EXT2MUL, ext2mul, 0) \
    X(SWAPW2, swapw2, 0) \
    X(SWAPW3, swapw3, 0) \
    X(SWAPDW, swapdw, 0) \
    X(EMIT, emit, 0) \
    X(ASSERT, assert, -1) \
    X(EQ, eq, -1) \
    X(ADD, add, -1) \
    X(MUL, mul, -1) \
    X(AND, and, -1) \
    X(OR, or, -1) \
    X(U32AND, u32and, -1) \
    X(U32XOR, u32xor, -1) \
    X(FRIE2F4, frie2f4, -1) \
    X(DROP, drop, -1) \
    X(CSWAP, cswap, -1) \
    X(CSWAPW, cswapw, -1) \
    X(MLOADW, mloadw, -1) \
    X(MSTORE, mstore, -1) \
    X(MSTOREW, mstorew, -1) \
    X(PAD, pad, 1) \
    X(ADVPOP, advpop, 1) \
    X(SDEPTH, sdepth, 1) \
    X(CLK, clk, 1) \
    X(U32ADD, u32add, 0) \
    X(U32SUB, u32sub, 0) \
    X(U32MUL, u32mul, 0) \
    X(U32DIV, u32div, 0) \
    X(U32SPLIT, u32split, 1) \
    X(U32ASSERT2, u32assert2, 0) \
    X(U32ADD3, u32add3, -1) \
    X(U32MADD, u32madd, -1) \
    X(HPERM, hperm, 0) \
    X(MPVERIFY, mpverify, 0) \
    X(PIPE, pipe, 0) \
    X(MSTREAM, mstream, 0) \
    X(HORNERBASE, hornerbase, 0) \
    X(HORNEREXT, hornerext, 0) \
    X(PUSH, push, 1) \
    X(EVALCIRCUIT, evalcircuit, 0) \
    X(LOGPRECOMPILE, logprecompile, 0) \
    X(MRUPDATE, mrupdate, 0) \
    X(CRYPTOSTREAM, cryptostream, 0) \

/* X(opcode name, n), for the operations that differ by a place of the stack only: element n. */
#define FOR_EACH_DUP(X) \
    X(DUP0, 0) \
    X(DUP1, 1) \
    X(DUP2, 2) \
    X(DUP3, 3) \
    X(DUP4, 4) \
    X(DUP5, 5) \
    X(DUP6, 6) \
    X(DUP7, 7) \
    X(DUP9, 9) \
    X(DUP11, 11) \
    X(DUP13, 13) \
    X(DUP15, 15) \

#define FOR_EACH_MOVUP(X) \
    X(MOVUP2, 2) \
    X(MOVUP3, 3) \
    X(MOVUP4, 4) \
    X(MOVUP5, 5) \
    X(MOVUP6, 6) \
    X(MOVUP7, 7) \
    X(MOVUP8, 8) \

#define FOR_EACH_MOVDN(X) \
    X(MOVDN2, 2) \
    X(MOVDN3, 3) \
    X(MOVDN4, 4) \
    X(MOVDN5, 5) \
    X(MOVDN6, 6) \
    X(MOVDN7, 7) \
    X(MOVDN8, 8) \

/* The n of an opcode. */
static const unsigned char OPCODE_PLACE[128] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 3, 3, 0, 0, 4, 4, 5, 5, 6, 6, 7, 7, 0, 0, 8, 8, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

#endif
