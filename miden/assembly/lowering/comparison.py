"""Booleans and comparisons of elements (assembly.md section 4.3)."""

from __future__ import annotations

from miden.assembly.lowering.sequences import Frame, join, push_exact, sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.lowering.sequences import Lowering, Sequence

FIXED = {
    "not": "NOT",
    "and": "AND",
    "or": "OR",
    "xor": "DUP0 DUP2 OR MOVDN2 AND NOT AND",
    "eq": "EQ",
    "neq": "EQ NOT",
    "eqw": "DUP7 DUP4 EQ DUP7 DUP4 EQ AND DUP6 DUP3 EQ AND DUP5 DUP2 EQ AND",
    "lt": "U32SPLIT MOVUP2 U32SPLIT MOVUP2 U32SUB SWAP EQZ MOVUP2 MOVUP3 U32SUB SWAP DROP AND OR",
    "lte": "U32SPLIT MOVUP2 U32SPLIT MOVUP2 U32SUB SWAP EQZ MOVUP2 MOVUP3 U32SUB SWAP EQZ OR AND OR",
    "gt": "U32SPLIT MOVUP2 U32SPLIT SWAP MOVDN2 U32SUB SWAP EQZ MOVUP3 MOVUP3 U32SUB SWAP DROP AND OR",
    "gte": "U32SPLIT MOVUP2 U32SPLIT SWAP MOVDN2 U32SUB SWAP EQZ MOVUP3 MOVUP3 U32SUB SWAP EQZ OR AND OR",
}


def _against(zero: str, other: str) -> Lowering:
    is_zero, compare = sequence(zero), sequence(other)

    def lower(args: tuple[int, ...], _frame: Frame) -> Sequence:
        # 1 is pushed with PUSH here, not with PAD INCR
        return join(push_exact(args[0]), compare) if args[0] else is_zero

    return lower


FORMS: dict[str, Lowering] = {"eq": _against("EQZ", "EQ"), "neq": _against("EQZ NOT", "EQ NOT")}
