"""Memory: what a node, a context and a page take, and whether many runs leave anything behind.

Each figure comes from a process of its own: ``python -m areas.memory PROBE SIZE`` prints bytes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import miden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Figure, Setting

TITLE = "Memory"
LIMITS = miden.Limits(max_cycles=2**32 - 1)
CALLS = """proc step
    {body}
end
begin
    push.1
    while.true
        call.step sub.1 dup neq.0
    end
end
"""
PAGES = "begin push.1 while.true dup dup mul.{stride} mem_store sub.1 dup neq.0 end end"


def status(name: str) -> int:
    """Return a figure of this process in bytes: VmRSS now, VmHWM at most.

    The peak that `getrusage` knows will not do: a process starts with that of the process it was forked from.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"this system does not tell {name}")


def forest(nodes: int) -> miden.MastForest:
    """Return a forest of about so many nodes: half blocks of two operations, half joins."""
    builder = miden.ForestBuilder()
    push, drop = 91, 41
    top = builder.add_block(bytes([push, drop]), [0])
    for number in range(1, nodes // 2):
        top = builder.add_join(top, builder.add_block(bytes([push, drop]), [number]))
    builder.add_root(top)
    return builder.build()


def growth_while(work: Callable[[], object]) -> int:
    """Return by how much the peak exceeds what there was before."""
    before = status("VmRSS")
    kept = work()
    grown = status("VmHWM") - before
    del kept
    return grown


def probe_node(size: int) -> float:
    """Return bytes for a node of a forest that was read from a file, in the form that runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forest"
        # another process makes it: the builder's memory would hide the forest's
        script = f"from areas.memory import forest; open({str(path)!r}, 'wb').write(forest({size}).to_bytes())"
        subprocess.run([sys.executable, "-c", script], check=True)
        data = path.read_bytes()
    backend = miden.get_backend("core")
    backend.load(miden.MastForest.from_trusted_bytes(forest(10).to_bytes()))
    before = status("VmRSS")
    read = miden.MastForest.from_trusted_bytes(data)
    code = backend.load(read)
    grown = status("VmRSS") - before
    del code
    return grown / size


def probe_run(source: str, size: int) -> float:
    """Return bytes for each of `size` iterations of a program."""
    program = miden.assemble(source)
    miden.execute(program, stack=[2], limits=LIMITS)
    return growth_while(lambda: miden.execute(program, stack=[size], limits=LIMITS)) / size


def probe_context(size: int) -> float:
    """Return bytes for a context that was opened and has no memory."""
    return probe_run(CALLS.format(body="push.1 drop"), size)


def probe_context_page(size: int) -> float:
    """Return bytes for a context that wrote one cell."""
    return probe_run(CALLS.format(body="push.1 mem_store.0"), size)


def probe_page(size: int) -> float:
    """Return bytes for a page of 64 cells."""
    return probe_run(PAGES.format(stride=64), size)


def probe_runs(size: int) -> float:
    """Return how many bytes the process grows by between the first tenth of many runs and their end."""
    program = miden.assemble(PAGES.format(stride=8))
    for _ in range(size // 10):
        miden.execute(program, stack=[1000], limits=LIMITS)
    before = status("VmRSS")
    for _ in range(size - size // 10):
        miden.execute(program, stack=[1000], limits=LIMITS)
    return float(status("VmRSS") - before)


PROBES: dict[str, tuple[str, int, int, str, float | None]] = {
    "node": ("a node of a loaded forest", 200_000, 2000, "bytes", None),
    "context": ("a context without memory", 200_000, 2000, "bytes", None),
    "context_page": ("a context with one cell written", 100_000, 2000, "bytes", None),
    "page": ("a page of 64 cells", 50_000, 2000, "bytes", None),
    "runs": ("growth over the last 900 of 1,000 runs", 1000, 50, "bytes", 512 * 1024.0),
}
"""Probe -> what it measures, size, size of a quick run, unit, bar."""


def collect(setting: Setting) -> Iterator[Figure]:
    """Yield the figures, each from its own process."""
    from harness import Figure

    if not Path("/proc/self/status").exists():  # only Linux tells
        return
    for probe, (name, full, quick, unit, bar) in PROBES.items():
        command = [sys.executable, "-m", "areas.memory", probe, str(setting.size(full, quick))]
        done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"the memory probe {probe} failed:\n{done.stderr}")
        yield Figure(name, max(0.0, float(done.stdout)), unit, bar)


if __name__ == "__main__":
    print(globals()[f"probe_{sys.argv[1]}"](int(sys.argv[2])))
