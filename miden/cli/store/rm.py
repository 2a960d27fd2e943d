"""`miden store rm`: forget roots."""

from __future__ import annotations

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("rm")
@click.argument("roots", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Take pins back first, whoever set them.")
@store_options
def command(console: Console, roots: tuple[str, ...], force: bool, place: str | None, config: str | None) -> int:
    """Forget ROOTS; the other roots of the same object stay. A pinned root is refused."""
    from miden.cli.store.places import find_store
    from miden.errors import EXIT_NOT_FOUND
    from miden.store.keys import as_key

    keys = [as_key(root) for root in roots]
    removed: list[str] = []
    absent: list[str] = []
    with find_store(place, config) as store:
        for key in keys:
            for owner in store.pins.owners(key) if force else ():
                store.unpin(key, owner=owner)
            (removed if store.remove(key) else absent).append(str(key))
    if console.json:
        console.document({"removed": removed, "absent": absent})
        return EXIT_NOT_FOUND if absent else 0
    for root in absent:
        console.note(f"{root} is not in the store")
    return EXIT_NOT_FOUND if absent else 0
