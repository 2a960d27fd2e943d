"""`miden block get`: write a block to a file."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "get",
    argument("name"),
    option("-o", "--output", type=FilePath(allow_dash=True), metavar="OUT", help="File to write (- for standard output); the CID."),
    flag("--force", help="Replace OUT if it is there."),
    *STORE_OPTIONS,
)
def command(console: Console, name: str, output: str | None, force: bool, place: str | None, config: str | None) -> int:
    """Write the block that NAME, a CID or a root of code, stands for, verified, to a file."""
    from miden.cli.block.names import read_cid
    from miden.cli.store.outcomes import write_out
    from miden.cli.store.places import find_store
    from miden.ipld.blocks import load_block
    from miden.ipld.objects import StoreBlocks

    cid = read_cid(name)
    with find_store(place, config) as store:
        data = load_block(StoreBlocks(store), cid)
    return write_out(console, {"cid": str(cid)}, str(cid) if output is None else output, data, force=force)
