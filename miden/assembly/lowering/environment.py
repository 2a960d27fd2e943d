"""Constants, the environment and events (assembly.md sections 4.7 and 4.9)."""

from __future__ import annotations

from miden.assembly.lowering.sequences import Frame, NotLoweredError, join, push, push_all, push_exact, sequence
from miden.field import Word

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


def _push(args: tuple[int | Word], _frame: Frame) -> Sequence:
    """Push an element, or the four elements of a word; element 3 ends on top."""
    value = args[0]
    return push_all(value) if isinstance(value, Word) else push(value)


def _push_slice(args: tuple[Word, int, int], _frame: Frame) -> Sequence:
    """Push the elements first..last (exclusive) of a word."""
    word, first, last = args
    if first > last or last > len(word):
        raise NotLoweredError("InvalidRange", f"invalid slice: {first}..{last} is not a range within a word", "indices of a word are 0..3")
    if first == last:
        raise NotLoweredError("EmptySlice", f"invalid slice: {first}..{last} is empty", "the end of a slice is exclusive")
    return push_all(word[first:last])


def _emit(args: tuple[int, ...], _frame: Frame) -> Sequence:
    return join(push_exact(args[0]), _EMIT_DROP)


FORMS: dict[str, Lowering] = {"push": _push, "push_slice": _push_slice, "emit": _emit}
