"""The quadratic extension (assembly.md section 4.4)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.lowering.sequences import Lowering

_INVERSE = "EV(ext2_inv) ADVPOP ADVPOP EXT2MUL MOVUP2 EQZ ASSERT(0) MOVUP2 ASSERT(0)"

FIXED = {
    "ext2add": "SWAP MOVUP3 ADD MOVDN2 ADD",
    "ext2sub": "NEG SWAP NEG MOVUP3 ADD MOVDN2 ADD",
    "ext2mul": "EXT2MUL DROP DROP",
    "ext2neg": "NEG SWAP NEG SWAP",
    "ext2inv": _INVERSE,
    "ext2div": f"{_INVERSE} EXT2MUL DROP DROP",
}

FORMS: dict[str, Lowering] = {}
