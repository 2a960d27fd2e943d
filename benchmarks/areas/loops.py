"""Loops of one kind of instruction each, for benchmarks: the count is the top of the stack, so one source serves all sizes."""

from __future__ import annotations


def _loop(body: str, *, state: int = 2, setup: str = "", before: str = "") -> str:
    """Return a program ``[n, s0, s1, ...]`` that runs `body` n times on `state` elements, with n out of the way below them.

    Four zeros lie below while the loop runs, so that a body may take its state apart without gaining depth; at the
    end they go.
    """
    padded = state + 5 <= 16
    pad = " ".join(["padw", *[f"movup.{state + 4}"] * (state + 1)]) if padded else ""
    unpad = " ".join([f"movup.{state + 1} drop"] * 4) if padded else ""
    count_down = f"movup.{state} sub.1 dup neq.0 swap movdn.{state + 1}"
    return f"""{before}
begin
    {setup} {pad}
    movdn.{state} push.1
    while.true
        {body}
        {count_down}
    end
    {unpad}
end
"""


_AS_U32 = "movup.2 u32cast movup.2 u32cast movup.2"
_ADDRESS_0 = "swap dup neg add swap"

LOOPS: dict[str, str] = {
    "field": _loop("repeat.8 dup.1 mul add.3 swap dup.1 add neg end"),
    "u32": _loop(
        "repeat.4 dup.1 u32wrapping_add dup.1 u32xor u32rotl.7 swap u32wrapping_mul.2654435761 dup u32shr.13 u32xor end",
        setup=_AS_U32,
    ),
    "memory": _loop("repeat.4 dup mem_load add.1 dup.1 mem_store dup mem_load movup.2 add swap add.5 u32and.4095 end", setup=_ADDRESS_0),
    "words": _loop("repeat.4 padw dup.4 mem_loadw_be add.1 dup.4 mem_storew_be dropw add.4 u32and.4092 end", setup=_ADDRESS_0),
    "stack": _loop("repeat.4 dup.1 swap.2 movup.7 movdn.3 dup.5 movdn.9 drop movup.8 drop swap dup.3 drop end"),
    "branch": _loop(
        "repeat.4 dup is_odd if.true add.3 else mul.5 add.1 end swap dup.1 dup.1 gt if.true add.11 else add.13 end end",
    ),
    "locals": _loop(
        "repeat.4 exec.step end",
        before="@locals(4)\nproc step\n    loc_store.0 loc_store.1 loc_load.0 loc_load.1 add loc_load.0 add.1\nend\n",
    ),
    "call": _loop("repeat.4 call.step end", before="proc step\n    dup.1 add swap add.1 swap\nend\n"),
    "dyn": _loop(
        "repeat.4 push.40 dynexec end",
        setup="procref.step mem_storew_be.40 dropw",
        before="proc step\n    dup.1 add swap add.1 swap\nend\n",
    ),
    "hash": _loop("repeat.2 hperm end", state=12),
    "mixed": _loop(
        "repeat.4 dup.1 u32wrapping_add dup mem_store.9 u32rotl.3 mem_load.9 u32xor swap"
        " dup.1 dup.1 u32lt if.true u32wrapping_add.5 else u32wrapping_add.9 end end",
        setup=_AS_U32,
    ),
}
"""Kind -> source. Inputs ``[n, a, b, ...]``, top first."""

INPUTS = [11400714819323198485, 5, *range(1, 14)]
"""What lies below the count at the start, top first."""
