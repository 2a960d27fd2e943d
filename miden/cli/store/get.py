"""`miden store get`: write the code of a root to a file."""

from __future__ import annotations

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("get")
@click.argument("root")
@click.option("-o", "--output", type=click.Path(allow_dash=True), metavar="OUT", help="File to write (- for standard output); ROOT.masb.")
@click.option("--object", "whole", is_flag=True, help="Write the stored object itself: the bytes that a server sends.")
@click.option("--force", is_flag=True, help="Replace OUT if it is there.")
@store_options
def command(
    console: Console, root: str, output: str | None, whole: bool, force: bool, place: str | None, config: str | None
) -> int:
    """Write the code of ROOT, verified, to a file: the program that it starts, with the kernel it was stored with."""
    from miden.cli.artifacts import plural, write_new
    from miden.cli.store.places import find_store
    from miden.store.keys import as_key

    key = as_key(root)
    with find_store(place, config) as store:
        data = store.get_bytes(key) if whole else store.get_program(key).to_bytes()
    output = f"{key.digest.hex()}.{'miobj' if whole else 'masb'}" if output is None else output
    write_new(output, data, force=force)
    if console.json:
        if output != "-":
            console.document({"root": str(key), "output": output, "bytes": len(data)})
        return 0
    console.note(f"wrote {output} ({plural(len(data), 'byte')})")
    return 0
