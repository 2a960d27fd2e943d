"""Deep calls without deep stacks: every few levels, a chain of calls goes on in a thread of its own, which its caller waits for.

A message may go 1,024 calls deep, each of which takes frames of Python and, for guests in native code, much of the machine's
stack. Neither the recursion limit nor the stack of the caller's thread has to be raised for that.
"""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

LEVELS = 24
"""Levels of calls on one stack."""
STACK_SIZE = 64 << 20
"""Bytes of each further stack; only what is used takes memory."""

_sizing = threading.Lock()


def run_deep(level: int, function: Callable[P, R], *args: P.args, **options: P.kwargs) -> R:
    """Call a function, on a new stack if its level is a multiple of `LEVELS`; what it raises is raised here.

    >>> run_deep(24, sum, [1, 2])
    3
    """
    if level % LEVELS:
        return function(*args, **options)
    results: list[R] = []
    problems: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function(*args, **options))
        except BaseException as problem:  # noqa: BLE001 - handed to the caller as it is
            problems.append(problem)

    with _sizing:
        before = threading.stack_size(STACK_SIZE)
        try:
            thread = threading.Thread(target=work, name=f"miden-actors-{level}", daemon=True)
            thread.start()
        finally:
            threading.stack_size(before)
    try:
        thread.join()
    except BaseException:
        # an interrupt: the calls below still change the state, and end soon
        thread.join()
        raise
    if problems:
        raise problems[0]
    return results[0]
