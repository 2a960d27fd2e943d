"""`miden block ls`: list the blocks of a store."""

from __future__ import annotations

from miden.cli.parameters import flag
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "ls",
    flag("-l", "--long", name="detailed", help="Show codec, hash function, size and links of each block, and who pins it."),
    flag("--code", help="List the roots of code as well, as CIDs."),
    *STORE_OPTIONS,
)
def command(console: Console, detailed: bool, code: bool, place: str | None, config: str | None) -> int:
    """List the CIDs of the blocks in the store, sorted."""
    from miden.cli.block.names import describe
    from miden.cli.console import cell
    from miden.cli.store.places import find_store
    from miden.ipld.blocks import load_block
    from miden.ipld.links import links
    from miden.ipld.objects import StoreBlocks, key_of
    from miden.store.keys import BLOCK_SPACE

    rows: list[dict[str, object]] = []
    with find_store(place, config, writable=False) as store:
        blocks = StoreBlocks(store)
        for cid in sorted(cid for cid in blocks if code or key_of(cid).space == BLOCK_SPACE):
            row: dict[str, object] = {"cid": str(cid)}
            if detailed:
                data = load_block(blocks, cid)
                row = {**describe(cid), "bytes": len(data), "links": len(links(cid.codec, data)), "pins": store.pins.owners(key_of(cid))}
            rows.append(row)
    if console.json:
        console.document({"blocks": rows})
    elif not detailed:
        for row in rows:
            console.print(str(row["cid"]))
    else:
        header = ("cid", "codec", "hash", "bytes", "links", "pins")
        console.table(header, [[cell(row[name]) for name in header] for row in rows])
    return 0
