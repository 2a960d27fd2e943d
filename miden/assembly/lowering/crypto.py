"""Hashing, Merkle trees and the STARK verifier's instructions (assembly.md section 4.8)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.lowering.sequences import Lowering

_HMERGE = "PAD*4 SWAPW2 SWAPW HPERM DROP*4 SWAPW DROP*4"
_FETCH_NODE = "EV(merkle_node_to_stack) ADVPOP*4"

FIXED = {
    "hperm": "HPERM",
    "hash": "PUSH(4) PAD PAD PAD SWAPW PAD DUP7 DUP7 DUP7 HPERM DROP*4 SWAPW DROP*4",
    "hmerge": _HMERGE,
    "mtree_get": f"{_FETCH_NODE} MPVERIFY(0) MOVUP4 DROP MOVUP4 DROP",
    "mtree_set": (
        f"{_FETCH_NODE} MOVUP5 MOVUP5 DUP5 DUP5 SWAPDW SWAPW SWAPW2 DUP13 DUP13 MRUPDATE MOVUP4 DROP MOVUP4 DROP "
        "SWAPW DROP*4 SWAPW DROP*4 SWAPW"
    ),
    "mtree_merge": f"EV(merkle_node_merge) {_HMERGE}",
    "crypto_stream": "CRYPTOSTREAM",
    "fri_ext2fold4": "FRIE2F4",
    "horner_eval_base": "HORNERBASE",
    "horner_eval_ext": "HORNEREXT",
    "eval_circuit": "EVALCIRCUIT",
    "log_precompile": "LOGPRECOMPILE",
}

FORMS: dict[str, Lowering] = {}
