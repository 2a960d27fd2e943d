"""`miden store repack`: keep the objects in fewer, smaller files."""

from __future__ import annotations

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("repack")
@click.option("--full", is_flag=True, help="Make one pack of everything, the old packs too.")
@store_options
def command(console: Console, full: bool, place: str | None, config: str | None) -> int:
    """Put loose objects into a pack: one file with an index, compressed with what they have in common."""
    from miden.cli.artifacts import plural
    from miden.cli.store.places import find_store

    with find_store(place, config) as store:
        done = store.repack(full=full)
    if console.json:
        console.document(done._asdict())
        return 0
    size = f"{done.after:,} of {done.before:,} bytes"
    console.print(f"packed {plural(done.objects, 'object')} in place of {plural(done.files, 'file')}: {size}")
    return 0
