"""The command line: one module for each verb, loaded when it is asked for.

`app` has the table of verbs, `parameters` reads plain command lines and `commands` asks click about the others,
`console` is what verbs print with, `failures` how errors become messages and exit codes.
Nothing below this package reads the environment or prints. (Exit codes are those of `miden.errors`.)
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with `arguments`, by default those of the process, and return the exit code."""
    from miden.cli.app import run_app

    return run_app(arguments)
