"""Advice: reads from the advice stack, and the system events of ``adv.*`` (assembly.md section 4.7)."""

from __future__ import annotations

from miden.assembly.lowering.sequences import Frame, sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.lowering.sequences import Lowering, Sequence

FIXED = {
    "adv_pipe": "PIPE",
    "adv_loadw": "ADVPOPW",
    "adv.push_mapval": "EV(map_value_to_stack)",
    "adv.push_mapval_count": "EV(map_value_count_to_stack)",
    "adv.has_mapkey": "EV(has_map_key)",
    "adv.push_mtnode": "EV(merkle_node_to_stack)",
    "adv.insert_mem": "EV(mem_to_map)",
    "adv.insert_hdword": "EV(hdword_to_map)",
    "adv.insert_hdword_d": "EV(hdword_to_map_with_domain)",
    "adv.insert_hqword": "EV(hqword_to_map)",
    "adv.insert_hperm": "EV(hperm_to_map)",
}

_PADDED = {padding: sequence(f"EV(map_value_to_stack_n_{padding})") for padding in (0, 4, 8)}


def _adv_push(args: tuple[int, ...], _frame: Frame) -> Sequence:
    return sequence(f"ADVPOP*{args[0]}")


def _push_mapvaln(args: tuple[int, ...], _frame: Frame) -> Sequence:
    return _PADDED[args[0]]


FORMS: dict[str, Lowering] = {"adv_push": _adv_push, "adv.push_mapvaln": _push_mapvaln}
