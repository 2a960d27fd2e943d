"""A bar for work that takes long: on a terminal, with rich where it is installed, and never with ``--json``."""

from __future__ import annotations

import sys
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from miden.cli.console import Console

    Show = Callable[[int, int], None]
    """Called with how much is done, and of how much."""


@contextmanager
def progress(console: Console, what: str) -> Iterator[Show | None]:
    """Yield a function that moves the bar, or None where there is none to be seen.

    The bar is on standard error, and gone when the block ends.
    """
    if console.json or not sys.stderr.isatty():
        yield None
        return
    try:
        from rich.console import Console as RichConsole
        from rich.progress import Progress
    except ImportError:
        yield None
        return
    with Progress(console=RichConsole(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
