"""The two ways an operation leaves the machine: a fault ends the run, a request pauses it.

Both are exceptions inside `miden.pure` only; `Machine.run` turns them into a `miden.status.Status`. An operation
raises before it changes anything, so the state at every stop is the state before the row that stopped, and
running on after a request simply executes that row again, this time with the answer at hand.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.status import Status


class Fault(Exception):  # noqa: N818 - how a program ends, caught by the machine; the error is made above it
    """The program trapped; `values` are the operands that `miden.status.FAULTS` names for `status`."""

    def __init__(self, status: Status, *values: int) -> None:
        super().__init__(status)
        self.status = status
        self.values = values


class Request(Exception):  # noqa: N818 - not an error
    """The machine needs something from the driver before it can execute this row."""

    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.status = status
