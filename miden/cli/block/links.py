"""`miden block links`: list what a block links to."""

from __future__ import annotations

from miden.cli.parameters import argument, flag
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "links",
    argument("name"),
    flag("-r", "--recursive", help="List everything that the block reaches, parents first."),
    *STORE_OPTIONS,
)
def command(console: Console, name: str, recursive: bool, place: str | None, config: str | None) -> int:
    """List the CIDs that the block NAME, a CID or a root of code, links to, in the order in which they stand in it."""
    from miden.cli.block.names import read_cid
    from miden.cli.store.places import find_store
    from miden.ipld.blocks import load_block, reachable
    from miden.ipld.links import links
    from miden.ipld.objects import StoreBlocks

    cid = read_cid(name)
    with find_store(place, config) as store:
        blocks = StoreBlocks(store)
        if recursive:
            found = [reached for reached, _ in reachable(blocks, [cid]) if reached != cid]
        else:
            found = links(cid.codec, load_block(blocks, cid))
    if console.json:
        console.document({"cid": str(cid), "links": list(map(str, found))})
        return 0
    for child in found:
        console.print(str(child))
    return 0
