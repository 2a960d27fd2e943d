"""THE table of Wasm instructions that guests may use: immediates, effect on the operand stack, and what each is charged as.

What is left out is refused: exceptions, tail calls, references as values, vectors, atomics. Instructions behind the prefix 0xFC
are numbered 0x100 + their second number. (Wasm core specification, section 5.4; FIP-0032 for what is free.)
"""

from __future__ import annotations

import re

UNREACHABLE, NOP, BLOCK, LOOP, IF, ELSE, END = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0B
BR, BR_IF, BR_TABLE, RETURN, CALL, CALL_INDIRECT = 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11
DROP, SELECT = 0x1A, 0x1B
LOCAL_GET, LOCAL_TEE, GLOBAL_GET, GLOBAL_SET = 0x20, 0x22, 0x23, 0x24
I32_CONST, I64_CONST = 0x41, 0x42
I32_GT_U, I32_ADD, I32_SUB, I64_LT_S, I64_SUB, I64_MUL, I64_EXTEND_I32_U = 0x4B, 0x6A, 0x6B, 0x53, 0x7D, 0x7E, 0xAD
MEMORY_GROW = 0x40
PREFIX = 0xFC
MEMORY_INIT, DATA_DROP, MEMORY_COPY, MEMORY_FILL = 0x108, 0x109, 0x10A, 0x10B
TABLE_INIT, ELEM_DROP, TABLE_COPY, TABLE_GROW, TABLE_SIZE, TABLE_FILL = 0x10C, 0x10D, 0x10E, 0x10F, 0x110, 0x111

EMPTY_BLOCK = 0x40
I32, I64 = 0x7F, 0x7E

FREE = frozenset({NOP, BLOCK, LOOP, UNREACHABLE, RETURN, ELSE, END, DROP})

# Charged by the topmost operand: the unit is a byte copied, a byte filled; how many bytes one of the operand stands for.
COPIED = {MEMORY_INIT: 1, MEMORY_COPY: 1, TABLE_INIT: 8, TABLE_COPY: 8}
FILLED = {MEMORY_FILL: 1, MEMORY_GROW: 65536, TABLE_FILL: 8, TABLE_GROW: 8}

# What moves control has no row here: the limiter knows its effect.
CONTROL = frozenset({BLOCK, LOOP, IF, ELSE, END, BR, BR_IF, BR_TABLE, RETURN, CALL, CALL_INDIRECT, UNREACHABLE})

# (first, last, operands taken, values left)
_EFFECTS = (
    (NOP, NOP, 0, 0),
    (DROP, DROP, 1, 0),
    (SELECT, SELECT, 3, 1),
    (LOCAL_GET, LOCAL_GET, 0, 1), (0x21, 0x21, 1, 0), (LOCAL_TEE, LOCAL_TEE, 1, 1),
    (GLOBAL_GET, GLOBAL_GET, 0, 1), (GLOBAL_SET, GLOBAL_SET, 1, 0),
    (0x25, 0x25, 1, 1), (0x26, 0x26, 2, 0),  # table.get, table.set
    (0x28, 0x35, 1, 1),  # loads
    (0x36, 0x3E, 2, 0),  # stores
    (0x3F, 0x3F, 0, 1), (MEMORY_GROW, MEMORY_GROW, 1, 1),
    (0x41, 0x44, 0, 1),  # constants
    (0x45, 0x45, 1, 1), (0x46, 0x4F, 2, 1), (0x50, 0x50, 1, 1), (0x51, 0x66, 2, 1),  # tests and comparisons
    (0x67, 0x69, 1, 1), (0x6A, 0x78, 2, 1),  # i32
    (0x79, 0x7B, 1, 1), (0x7C, 0x8A, 2, 1),  # i64
    (0x8B, 0x91, 1, 1), (0x92, 0x98, 2, 1),  # f32
    (0x99, 0x9F, 1, 1), (0xA0, 0xA6, 2, 1),  # f64
    (0xA7, 0xC4, 1, 1),  # conversions, sign extensions
    (0x100, 0x107, 1, 1),  # saturating conversions
    (MEMORY_INIT, MEMORY_INIT, 3, 0), (DATA_DROP, DATA_DROP, 0, 0), (MEMORY_COPY, TABLE_INIT, 3, 0), (ELEM_DROP, ELEM_DROP, 0, 0),
    (TABLE_COPY, TABLE_COPY, 3, 0), (TABLE_GROW, TABLE_GROW, 2, 1), (TABLE_SIZE, TABLE_SIZE, 0, 1), (TABLE_FILL, TABLE_FILL, 3, 0),
)

EFFECTS: dict[int, tuple[int, int]] = {
    opcode: (taken, left) for first, last, taken, left in _EFFECTS for opcode in range(first, last + 1)
}

_U32 = rb"[\x80-\xff]{0,4}[\x00-\x7f]"
_S64 = rb"[\x80-\xff]{0,9}[\x00-\x7f]"

# One instruction, br_table aside: its length depends on a number in it. Alternatives in the order of how common they are.
INSTRUCTION = re.compile(
    rb"[\x0c\x0d\x10\x20-\x26\x41]" + _U32
    + rb"|[\x00\x01\x05\x0b\x0f\x1a\x1b\x45-\xc4]"
    + rb"|[\x28-\x3e\x11]" + _U32 + _U32
    + rb"|[\x02-\x04](?:[\x40\x6f\x70\x7b-\x7f]|" + _U32 + rb")"
    + rb"|\x42" + _S64
    + rb"|[\x3f\x40]" + _U32
    + rb"|\x43.{4}|\x44.{8}"
    + rb"|\xfc(?:[\x00-\x07]|[\x09\x0b\x0d\x0f\x10\x11]" + _U32 + rb"|[\x08\x0a\x0c\x0e]" + _U32 + _U32 + rb")",
    re.DOTALL,
)
