"""Constants, the environment and events (assembly.md sections 4.7 and 4.9)."""

from __future__ import annotations

from miden.assembly.lowering.sequences import Frame, LoweringIssue, join, push, push_all, push_exact, sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.lowering.sequences import Lowering, Sequence

FIXED = {
    "sdepth": "SDEPTH",
    "caller": "CALLER",
    "clk": "CLK",
    "emit": "EMIT",
}

_EMIT_DROP = sequence("EMIT DROP")


def _push(args: tuple[object, ...], frame: Frame) -> Sequence:
    """Push an element, or the four elements of a word; element 3 ends on top."""
    value = args[0]
    return push_all(value) if isinstance(value, tuple) else push(value)  # type: ignore[arg-type]


def _push_slice(args: tuple[object, ...], frame: Frame) -> Sequence:
    """Push the elements first..last (exclusive) of a word."""
    word: tuple[int, ...] = args[0]  # type: ignore[assignment]
    first: int = args[1]  # type: ignore[assignment]
    last: int = args[2]  # type: ignore[assignment]
    if first > last or last > len(word):
        raise LoweringIssue("InvalidRange", f"invalid slice: {first}..{last} is not a range within a word", "indices of a word are 0..3")
    if first == last:
        raise LoweringIssue("EmptySlice", f"invalid slice: {first}..{last} is empty", "the end of a slice is exclusive")
    return push_all(word[first:last])


def _emit(args: tuple[int, ...], frame: Frame) -> Sequence:
    return join(push_exact(args[0]), _EMIT_DROP)


FORMS: dict[str, Lowering] = {"push": _push, "push_slice": _push_slice, "emit": _emit}
