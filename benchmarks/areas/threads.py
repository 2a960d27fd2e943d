"""Two threads that run two programs, against one thread that runs one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from harness import Case, nanoseconds

import miden
from areas.hot import LIMITS
from areas.loops import INPUTS, LOOPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Setting

TITLE = "Two threads with a program each, against one thread with one"


def together(program: miden.Program, stack: list[int], threads: int) -> list[tuple[int, ...]]:
    """Run the program in so many threads at a time and return what each leaves."""
    results: list[tuple[int, ...]] = []

    def work() -> None:
        results.append(tuple(miden.execute(program, stack=stack, backend="core", limits=LIMITS).stack))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


def collect(setting: Setting) -> Iterator[Case]:
    """Yield loops that keep to registers, that use memory, and that open contexts."""
    for kind in ("mixed", "memory", "call", "hash"):
        program = miden.assemble(LOOPS[kind])
        stack = [setting.size(10_000 if kind == "hash" else 200_000, 500), *INPUTS]
        if len({*together(program, stack, 1), *together(program, stack, 2)}) != 1:
            raise SystemExit(f"{kind}: threads leave different results")
        yield Case(
            kind,
            ours=lambda program=program, stack=stack: nanoseconds(lambda: together(program, stack, 2)),  # type: ignore[misc]
            theirs=lambda program=program, stack=stack: nanoseconds(lambda: together(program, stack, 1)),  # type: ignore[misc]
            measure="of its time",
            bar=1.15,
            unit="run",
            against="one thread",
        )
