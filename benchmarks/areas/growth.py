"""How time grows with cycles, nodes, depth, memory, forests and threads: the power it grows with is 1 where cost is linear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import Series, nanoseconds

import miden
from areas.hot import LIMITS
from areas.loops import INPUTS, LOOPS
from areas.memory import PAGES, forest
from areas.threads import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Setting

TITLE = "Growth"
DEPTH = "begin push.1 while.true dup.0 sub.1 dup neq.0 end repeat.{count} drop end end"
PUSH_DROP = bytes([91, 41])


def program_series(setting: Setting, name: str, label: str, sizes: list[int], make: Callable[[int], tuple[str, list[int]]]) -> Series:
    """Return the time of programs of growing size, the reference's beside it; `make` gives source and stack."""
    series, reference = Series(name, label), setting.reference
    for size in sizes:
        source, stack = make(size)
        program = miden.assemble(source)
        output = miden.execute(program, stack=stack, limits=LIMITS)
        theirs = None
        if reference:
            answer = reference.run(source, stack, bench=3, count_cycles=False)
            if answer["stack"] != list(output.stack):
                raise SystemExit(f"{name}: the results differ at {size}")
            theirs = float(answer["bench_min_ns"])
        ours = nanoseconds(lambda program=program, stack=stack: miden.execute(program, stack=stack, limits=LIMITS))  # type: ignore[misc]
        series.points.append((size, ours, theirs))
    return series


def node_series(sizes: list[int]) -> Iterator[Series]:
    """Yield reading forests of many nodes, with and without their digests, and running them once."""
    names = ("reading a forest, every digest computed", "reading a trusted forest", "running each node once")
    all_series = [Series(name, "nodes") for name in names]
    for size in sizes:
        data = forest(size).to_bytes()

        def once(data: bytes = data) -> Callable[[], object]:
            fresh = miden.MastForest.from_trusted_bytes(data)
            program = miden.Program(fresh, fresh.roots[0])
            return lambda: miden.execute(program, limits=LIMITS)

        times = (
            nanoseconds(lambda data=data: miden.MastForest.from_bytes(data)),  # type: ignore[misc]
            nanoseconds(lambda data=data: miden.MastForest.from_trusted_bytes(data)),  # type: ignore[misc]
            min(nanoseconds(once(), 1) for _ in range(3)),
        )
        for series, taken in zip(all_series, times, strict=True):
            series.points.append((size, taken, None))
    yield from all_series


def forest_series(sizes: list[int]) -> Series:
    """Return the time of a program whose parts are external, each in a forest of its own."""
    series = Series("external nodes, a forest each", "forests")
    for size in sizes:
        host, builder, top = miden.Host(), miden.ForestBuilder(), None
        for number in range(size):
            part = miden.ForestBuilder()
            node = part.add_block(PUSH_DROP, [number])
            part.add_root(node)
            host.add_library(part.build())
            external = builder.add_external(part.digest_bytes(node))
            top = external if top is None else builder.add_join(top, external)
        if top is None:
            continue
        builder.add_root(top)
        program = miden.Program(builder.build(), top)
        series.points.append((size, nanoseconds(lambda p=program, h=host: miden.execute(p, host=h)), None))  # type: ignore[misc]
    return series


def thread_series(setting: Setting, sizes: list[int]) -> Series:
    """Return the time of a program in each of several threads."""
    program, stack = miden.assemble(LOOPS["mixed"]), [setting.size(100_000, 500), *INPUTS]
    series = Series("a program in each thread", "threads")
    for size in sizes:
        series.points.append((size, nanoseconds(lambda size=size: together(program, stack, size)), None))  # type: ignore[misc]
    return series


def collect(setting: Setting) -> Iterator[Series]:
    """Yield one series for each thing that grows."""

    def sizes(full: int, steps: int) -> list[int]:
        top = setting.size(full, max(16, full // 100))
        return [max(4, top // 4**step) for step in reversed(range(steps if not setting.quick else 3))]

    yield program_series(setting, "a mixed loop", "iterations", sizes(262_144, 6), lambda n: (LOOPS["mixed"], [n, *INPUTS]))
    yield program_series(setting, "elements pushed and dropped", "stack depth", sizes(4096, 5), lambda n: (DEPTH.format(count=n), [n]))
    yield program_series(setting, "cells side by side", "memory cells", sizes(262_144, 6), lambda n: (PAGES.format(stride=1), [n]))
    yield program_series(setting, "cells on a page each", "memory pages", sizes(65_536, 5), lambda n: (PAGES.format(stride=64), [n]))
    yield from node_series(sizes(65_536, 5))
    yield forest_series(sizes(4096, 5))
    yield thread_series(setting, [1, 2, 4, 8])
