"""The command line: one module for each verb, loaded when it is asked for.

`app` has the table of verbs, `parameters` reads plain command lines and `commands` asks click about the others,
`console` is what verbs print with, `failures` how errors become messages and exit codes.
Nothing below this package reads the environment or prints. (Exit codes are those of `miden.errors`.)
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

STARTUP_OBJECTS = 100_000
"""Objects that may be made before the first search for garbage."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with `arguments`, by default those of the process, and return the exit code."""
    from miden.cli.app import run_app

    return run_app(arguments)


def start() -> int:
    """Run the command line of this process and end it: what the installed commands call."""
    import gc
    import sys

    if hasattr(sys.stdout, "reconfigure"):  # a terminal, or a file, of another encoding gets what it has no letters for spelled out
        sys.stdout.reconfigure(errors="backslashreplace")
    # What is loaded and made at start-up stays: looking for garbage in it again and again takes longer than making it.
    gc.set_threshold(STARTUP_OBJECTS)
    code = main()
    leave(code)
    return code


def leave(code: int) -> None:
    """End the process without taking the interpreter apart, unless something waits for that or output cannot be written."""
    import atexit
    import os
    import sys

    if getattr(atexit, "_ncallbacks", bool)():
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return
    os._exit(code)
