"""`miden store unpin`: take pins back."""

from __future__ import annotations

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("unpin")
@click.argument("roots", nargs=-1, required=True)
@click.option("--owner", metavar="NAME", help="Whose pins; manual by default.")
@store_options
def command(console: Console, roots: tuple[str, ...], owner: str | None, place: str | None, config: str | None) -> int:
    """Take back the pins of ROOTS: the next collection of garbage deletes them unless something else needs them."""
    from miden.cli.store.places import find_pinned_store
    from miden.errors import EXIT_NOT_FOUND

    with find_pinned_store(place, config) as store:
        taken = [root for root in roots if store.unpin(root, owner=owner)]
    absent = [root for root in roots if root not in taken]
    if console.json:
        console.document({"unpinned": taken, "absent": absent})
        return EXIT_NOT_FOUND if absent else 0
    for root in absent:
        console.note(f"{root} was not pinned by {owner or 'manual'}")
    return EXIT_NOT_FOUND if absent else 0
