"""`miden block stat`: describe a block, and what it reaches."""

from __future__ import annotations

from miden.cli.parameters import argument, flag
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "stat",
    argument("name"),
    flag("--deep", help="Count everything that the block reaches, and say what of it is missing."),
    *STORE_OPTIONS,
)
def command(console: Console, name: str, deep: bool, place: str | None, config: str | None) -> int:
    """Say what the CID NAME, or that of a root of code, tells of its block: codec, hash, size, links, and who pins it."""
    from miden.cli.block.names import describe, read_cid
    from miden.cli.console import cell
    from miden.cli.progress import progress
    from miden.cli.store.places import find_store
    from miden.ipld.blocks import load_block, reachable
    from miden.ipld.links import COMMITMENTS, links
    from miden.ipld.objects import StoreBlocks, key_of

    cid = read_cid(name)
    with find_store(place, config) as store, progress(console, "counting") as show:
        blocks = StoreBlocks(store)
        data = load_block(blocks, cid)
        key = key_of(cid)
        facts = {**describe(cid), "key": str(key), "bytes": len(data), "links": len(links(cid.codec, data)), "pins": store.pins.owners(key)}
        if deep:
            reached: set[object] = set()
            needed = {cid: None}
            size = 0
            for number, (child, content) in enumerate(reachable(blocks, [cid], missing=True)):
                reached.add(child)
                size += len(content)
                needed.update(dict.fromkeys(other for other in links(child.codec, content) if other.codec not in COMMITMENTS))
                if show is not None:
                    show(number, len(needed))
            missing = [str(other) for other in needed if other not in reached and not other.is_identity]
            facts |= {"reaches": len(reached), "reaches_bytes": size, "missing": missing}
    if console.json:
        console.document(facts)
    else:
        console.facts([(fact.replace("_", " "), cell(value)) for fact, value in facts.items()])
    return 0
