"""`miden size`: what makes a file large."""

from __future__ import annotations

from miden.cli.parameters import Choice, FilePath, IntRange, argument, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console

LISTED = 40
"""Procedures that are listed, at most; --json lists all."""

ORDERS = {"own": "own_bytes", "total": "total_bytes", "name": "name"}


@verb(
    "size",
    argument("file", FilePath(allow_dash=True)),
    option("--sort", type=Choice(list(ORDERS)), default="own", help="Order of the procedures; own by default."),
    option("-n", "--lines", type=IntRange(0), default=LISTED, help=f"How many procedures to list; {LISTED} by default."),
)
def command(console: Console, file: str, sort: str, lines: int) -> int:
    """Show the bytes of FILE by part and by procedure.

    A node that several procedures share is in the total of each and in the own bytes of the first alone, so that the own
    bytes add up. Bytes of a procedure are nodes and operations; debug information is a part of its own.
    """
    from miden.cli.artifacts import load_any
    from miden.package.sizes import procedure_sizes, section_sizes

    loaded = load_any(file, console)
    sections = section_sizes(loaded)
    procedures = procedure_sizes(loaded)
    whole = len(loaded.data)
    debug = sections["debug information"]
    totals = [size.total_nodes for size in procedures]
    unshared = sum(count for count in totals if count is not None)
    facts = {
        "file": file,
        "bytes": whole,
        "nodes": len(loaded.forest),
        "debug_share": round(debug / whole, 6),
        "nodes_if_nothing_were_shared": None if None in totals else unshared,
        "sections": sections,
    }
    if console.json:
        console.document({**facts, "procedures": [size.to_dict() for size in procedures]})
        return 0
    shared = "" if None in totals or unshared <= len(loaded.forest) else f"; {unshared:,} if procedures shared none"
    console.facts([("bytes", f"{whole:,}, {debug / whole:.0%} of them debug information"), ("nodes", f"{len(loaded.forest):,}{shared}")])
    console.print()
    console.table(("part", "bytes", "share"), [(name, f"{size:,}", f"{size / whole:.1%}") for name, size in sections.items() if size])
    if not procedures or not lines:
        return 0
    console.print()
    key = ORDERS[sort]
    ordered = sorted(procedures, key=lambda size: size.name if key == "name" else (-(getattr(size, key) or 0), size.name))
    rows = [
        (f"{size.own_bytes:,}", f"{size.own_nodes:,}", _number(size.total_bytes), _number(size.total_nodes), size.name)
        for size in ordered[:lines]
    ]
    console.table(("own bytes", "own nodes", "total bytes", "total nodes", "procedure"), rows)
    if len(ordered) > lines:
        console.print(f"and {len(ordered) - lines:,} more; -n lists more, --json all")
    return 0


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
