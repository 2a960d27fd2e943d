"""A counter: the smallest actor with a state, ``[count]``.

miden actor deploy examples/actors/counter.py start=5
"""

from __future__ import annotations

from miden.actors.codes import ExitCode
from miden.actors.runtimes.native import MAX_INT, Actor, constructor, method


class Counter(Actor):
    """Counts up."""

    name = "counter"

    @constructor
    def start(self, start: int = 0) -> None:
        """Begin with a count."""
        self.state = [start]

    @method
    def increment(self, by: int) -> list[int]:
        """Add to the count, tell it, and return it; 20 if it would not fit 63 bits."""
        count = self.state[0] + by
        self.require(count <= MAX_INT, ExitCode.USR_ILLEGAL_STATE, "the count is at its end")
        self.state = [count]
        self.emit({"count": count})
        return [count]

    @method
    def get(self) -> list[int]:
        """Return the count."""
        return [self.state[0]]
