"""`miden block unpin`: take pins of blocks back."""

from __future__ import annotations

from miden.cli.parameters import argument, option
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "unpin",
    argument("names", multiple=True),
    option("--owner", metavar="NAME", help="Whose pins; manual by default."),
    *STORE_OPTIONS,
)
def command(console: Console, names: tuple[str, ...], owner: str | None, place: str | None, config: str | None) -> int:
    """Take back the pins of the blocks NAMES, CIDs or roots of code; what nothing else needs is garbage then."""
    from miden.cli.block.names import read_cid
    from miden.cli.store.places import find_pinned_store
    from miden.errors import EXIT_NOT_FOUND
    from miden.ipld.objects import StoreBlocks

    taken: list[str] = []
    absent: list[str] = []
    with find_pinned_store(place, config) as store:
        for cid in [read_cid(name) for name in names]:
            (taken if StoreBlocks(store).unpin(cid, owner=owner) else absent).append(str(cid))
    if console.json:
        console.document({"unpinned": taken, "absent": absent})
    else:
        for text in absent:
            console.note(f"{text} was not pinned by {owner or 'manual'}")
    return EXIT_NOT_FOUND if absent else 0
