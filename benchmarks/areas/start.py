"""Starting: wall time of the command line from nothing, files in the system's cache, bytecode compiled as when installed."""

from __future__ import annotations

import compileall
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness import ROOT, Case, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Setting

TITLE = "Cold start"
MIDEN = Path(sys.executable).with_name("miden")
EXAMPLE = ROOT / "examples" / "fibonacci.masm"
BARE = [sys.executable, "-c", "pass"]
BUDGETS = {"miden --help": 80e6, "miden run": 100e6}
"""Nanoseconds beyond a bare interpreter."""


def started(command: list[str], text: str | None = None) -> float:
    """Return the wall time of one start."""
    return nanoseconds(lambda: subprocess.run(command, input=text, stdout=subprocess.DEVNULL, text=True, check=True), 1)


def collect(setting: Setting) -> Iterator[Case]:
    """Yield starts by themselves, beyond a bare interpreter, and beside the reference's."""
    compileall.compile_dir(str(ROOT / "miden"), quiet=1)
    run = [str(MIDEN), "run", str(EXAMPLE)]
    commands = {"miden --help": [str(MIDEN), "--help"], "miden run": run}
    for command in (BARE, *commands.values()):
        started(command)  # once, to warm the system's cache of files
    repeats = setting.size(3, 1)
    yield Case("python -c pass", lambda: min(started(BARE) for _ in range(repeats)), None, "absolute", unit="start")
    for name, command in commands.items():

        def beyond(command: list[str] = command) -> float:
            return min(started(command) for _ in range(repeats)) - min(started(BARE) for _ in range(repeats))

        yield Case(f"{name}, beyond python -c pass", beyond, None, "absolute", BUDGETS[name], unit="start")
    if setting.cli:
        theirs = [setting.cli, "run", str(EXAMPLE), "-i", str(EXAMPLE.with_suffix(".inputs"))]
        subprocess.run(theirs, stdout=subprocess.DEVNULL, check=True, cwd=ROOT)

        def cli() -> float:
            return min(started(theirs) for _ in range(repeats))

        yield Case("miden run, its command line", lambda: min(started(run) for _ in range(repeats)), cli, "of its time", 1.0, unit="start")
    if setting.path:
        command = [setting.path]
        stack = json.loads(EXAMPLE.with_suffix(".inputs").read_text(encoding="utf-8"))["operand_stack"]
        run_fields = {"stack": [int(value) for value in stack]}
        request = {"op": "program", "source": EXAMPLE.read_text(encoding="utf-8"), "corelib": "host", "run": run_fields}

        def harness() -> float:
            return min(started(command, json.dumps(request) + "\n") for _ in range(repeats))

        name = "miden run, its harness with the core library"
        yield Case(name, lambda: min(started(run) for _ in range(repeats)), harness, "of its time", None, unit="start")
