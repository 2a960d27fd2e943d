"""`miden block rm`: forget blocks."""

from __future__ import annotations

from miden.cli.parameters import argument, flag
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "rm",
    argument("names", multiple=True),
    flag("--force", help="Take back all pins of the blocks first."),
    *STORE_OPTIONS,
)
def command(console: Console, names: tuple[str, ...], force: bool, place: str | None, config: str | None) -> int:
    """Forget the blocks NAMES, CIDs or roots of code. What they link to stays; a pinned block is refused."""
    from miden.cli.block.names import read_cid
    from miden.cli.store.places import find_store
    from miden.errors import EXIT_NOT_FOUND
    from miden.ipld.objects import StoreBlocks, key_of

    removed: list[str] = []
    absent: list[str] = []
    with find_store(place, config) as store:
        blocks = StoreBlocks(store)
        for cid in [read_cid(name) for name in names]:
            for owner in store.pins.owners(key_of(cid)) if force else ():
                blocks.unpin(cid, owner=owner)
            (removed if blocks.remove(cid) else absent).append(str(cid))
    if console.json:
        console.document({"removed": removed, "absent": absent})
    else:
        for text in absent:
            console.note(f"{text} is not in the store")
    return EXIT_NOT_FOUND if absent else 0
