"""Stack manipulation (assembly.md section 4.6)."""

from __future__ import annotations

from miden.assembly.lowering.sequences import Frame, sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.lowering.sequences import Lowering, Sequence

FIXED = {
    "drop": "DROP",
    "dropw": "DROP*4",
    "padw": "PAD*4",
    "swapdw": "SWAPDW",
    "reversew": "RW",
    "reversedw": "RW SWAPW RW",
    "cswap": "CSWAP",
    "cswapw": "CSWAPW",
    "cdrop": "CSWAP DROP",
    "cdropw": "CSWAPW DROP*4",
}

_FAR = range(10, 16)
"""Positions the operations reach only through SWAPDW and a near move by 8 less."""

DUP = {n: f"DUP{n}" for n in (0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15)} | {n: f"PAD DUP{n + 1} ADD" for n in (8, 10, 12, 14)}
SWAP = (
    {1: "SWAP", 2: "SWAP MOVUP2"}
    | {n: f"MOVDN{n - 1} MOVUP{n}" for n in range(3, 9)}
    | {9: "MOVDN8 SWAPDW SWAP SWAPDW MOVUP8", 10: "MOVDN8 SWAPDW SWAP MOVUP2 SWAPDW MOVUP8"}
    | {n: f"MOVDN8 SWAPDW MOVDN{n - 9} MOVUP{n - 8} SWAPDW MOVUP8" for n in range(11, 16)}
)
MOVUP = {n: f"MOVUP{n}" for n in range(2, 9)} | {9: "SWAPDW SWAP SWAPDW MOVUP8"} | {n: f"SWAPDW MOVUP{n - 8} SWAPDW MOVUP8" for n in _FAR}
MOVDN = {n: f"MOVDN{n}" for n in range(2, 9)} | {9: "MOVDN8 SWAPDW SWAP SWAPDW"} | {n: f"MOVDN8 SWAPDW MOVDN{n - 8} SWAPDW" for n in _FAR}
DUPW = {0: "DUP3*4", 1: "DUP7*4", 2: "DUP11*4", 3: "DUP15*4"}
SWAPW = {1: "SWAPW", 2: "SWAPW2", 3: "SWAPW3"}
MOVUPW = {2: "SWAPW SWAPW2", 3: "SWAPW SWAPW2 SWAPW3"}
MOVDNW = {2: "SWAPW2 SWAPW", 3: "SWAPW3 SWAPW2 SWAPW"}


def _positions(rows: dict[int, str]) -> Lowering:
    compiled: dict[int, Sequence] = {}

    def lower(args: tuple[int, ...], _frame: Frame) -> Sequence:
        position = args[0]
        row = compiled.get(position)
        if row is None:
            row = compiled[position] = sequence(rows[position])
        return row

    return lower


FORMS: dict[str, Lowering] = {
    "dup": _positions(DUP),
    "dupw": _positions(DUPW),
    "swap": _positions(SWAP),
    "swapw": _positions(SWAPW),
    "movup": _positions(MOVUP),
    "movdn": _positions(MOVDN),
    "movupw": _positions(MOVUPW),
    "movdnw": _positions(MOVDNW),
}
