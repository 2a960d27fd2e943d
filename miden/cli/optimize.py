"""`miden optimize`: shorter operation sequences with the same effect."""

from __future__ import annotations

import sys

from miden.cli.parameters import FilePath, IntRange, argument, option
from miden.cli.verb import MisuseError, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from miden.cli.console import Console
    from miden.package.artifacts import Loaded

DEFAULT_WIDTH = 300


@verb(
    "optimize",
    argument("file", FilePath(allow_dash=True), required=False),
    argument("procedure", required=False),
    option("-e", "--instructions", metavar="TEXT", help="Instructions to look at in place of a file, straight-line."),
    option(
        "--width",
        type=IntRange(1, 100000),
        default=DEFAULT_WIDTH,
        metavar="N",
        help=f"States of each length that the search keeps, {DEFAULT_WIDTH} by default: more find more and take longer.",
    ),
)
def command(console: Console, file: str | None, procedure: str | None, instructions: str | None, width: int) -> int:
    """Look for fewer operations with the same effect, in the blocks of FILE, in those of one PROCEDURE, or in a TEXT.

    What is found is proved to be the same: both are run on symbols, and must leave the same stack, make the same checks, and
    ask memory and advice for the same things. Nothing is changed: assembling gives what it always gives. Code between blocks
    and operations that depend on the clock, the depth of the stack or the host stay as they are.
    """
    if (file is None) == (instructions is None):
        raise MisuseError("expected a FILE, or -e and instructions")
    if instructions is not None:
        found = [_facts(None, instructions, width)]
    else:
        found = list(_blocks(console, str(file), procedure, width))
    shorter = [facts for facts in found if facts["operations"][1] < facts["operations"][0]]
    before, after = (sum(facts["operations"][side] for facts in found) for side in (0, 1))
    if console.json:
        console.document({"blocks": shorter, "looked_at": len(found), "operations": [before, after]})
        return 0
    for facts in shorter:
        name = "" if facts["node"] is None else f"node {facts['node']}: "
        counts = f"{facts['operations'][0]:,} operations -> {facts['operations'][1]:,}, {facts['rows'][0]:,} rows -> {facts['rows'][1]:,}"
        console.print(console.style(f"{name}{counts}", "key"))
        console.print(" ".join(facts["instructions"]) or "nothing")
        console.print()
    console.print(f"{before:,} operations of {len(found):,} block{'' if len(found) == 1 else 's'} -> {after:,}, proved equal")
    return 0


def _blocks(console: Console, file: str, procedure: str | None, width: int) -> Iterator[dict[str, Any]]:
    from miden.cli.artifacts import load_any
    from miden.isa import NodeKind
    from miden.mast.traversal import preorder
    from miden.package.naming import find_procedure

    loaded: Loaded = load_any(file, console)
    forest = loaded.forest
    chosen = range(len(forest)) if procedure is None else sorted(preorder(forest, [find_procedure(loaded, procedure)]))
    blocks = [node for node in chosen if forest.kind(node) == NodeKind.BLOCK]
    advance, close = _progress(console, sum(len(forest.block_operations(node)) for node in blocks))
    try:
        for node in blocks:
            yield _facts(node, forest.block_operations(node), width, advance)
    finally:
        close()


def _facts(node: int | None, code: Any, width: int, advance: Callable[[int], None] | None = None) -> dict[str, Any]:
    from miden.optimize.blocks import optimize

    found = optimize(code, width, advance)
    return {
        "node": node,
        "operations": [len(found.before), len(found.after)],
        "rows": list(found.rows),
        "instructions": list(found.instructions) if len(found.after) < len(found.before) else [],
    }


def _progress(console: Console, total: int) -> tuple[Callable[[int], None] | None, Callable[[], None]]:
    """Show a bar on a terminal, where rich is installed; return how to move it, and how to end it."""
    if console.json or not sys.stderr.isatty():
        return None, lambda: None
    try:
        from rich.console import Console as RichConsole
        from rich.progress import Progress
    except ImportError:
        return None, lambda: None
    progress = Progress(console=RichConsole(stderr=True), transient=True)
    task = progress.add_task("operations", total=total)
    progress.start()
    return lambda count: progress.advance(task, count), progress.stop
