"""`miden block pin`: keep blocks whenever garbage is collected."""

from __future__ import annotations

from miden.cli.parameters import argument, option
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "pin",
    argument("names", multiple=True),
    option("--owner", metavar="NAME", help="Who wants that; manual by default."),
    *STORE_OPTIONS,
)
def command(console: Console, names: tuple[str, ...], owner: str | None, place: str | None, config: str | None) -> int:
    """Keep the blocks NAMES, CIDs or roots of code, and all that they link to."""
    from miden.cli.block.names import read_cid
    from miden.cli.store.places import find_pinned_store
    from miden.ipld.objects import StoreBlocks

    cids = [read_cid(name) for name in names]
    with find_pinned_store(place, config) as store:
        StoreBlocks(store).pin(*cids, owner=owner)
    if console.json:
        console.document({"pinned": list(map(str, cids))})
    return 0
