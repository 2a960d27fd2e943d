"""Assertions and `nop` (assembly.md section 4.1).

The one argument of the long forms is the error code: element 0 of the hash of the message, 0 without a message.
"""

from __future__ import annotations

from miden.assembly.lowering.sequences import Frame, sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.lowering.sequences import Lowering, Sequence

_WITH_CODE = {
    "assert": "ASSERT(0)",
    "assertz": "EQZ ASSERT(0)",
    "assert_eq": "EQ ASSERT(0)",
    "assert_eqw": "MOVUP4 EQ ASSERT(0) MOVUP3 EQ ASSERT(0) MOVUP2 EQ ASSERT(0) EQ ASSERT(0)",
    "u32assert": "PAD U32ASSERT2(0) DROP",
    "u32assert2": "U32ASSERT2(0)",
    "u32assertw": "U32ASSERT2(0) MOVUP3 MOVUP3 U32ASSERT2(0) MOVUP3 MOVUP3",
    "mtree_verify": "MPVERIFY(0)",
}

FIXED = {"nop": "NOOP", **_WITH_CODE}


def _with_code(text: str) -> Lowering:
    opcodes, codes = sequence(text)
    count = len(codes)

    def lower(args: tuple[int, ...], _frame: Frame) -> Sequence:
        return opcodes, (args[0],) * count

    return lower


FORMS: dict[str, Lowering] = {name: _with_code(text) for name, text in _WITH_CODE.items()}
