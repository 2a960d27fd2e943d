"""`miden store get`: write the code of a root to a file."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "get",
    argument("root"),
    option("-o", "--output", type=FilePath(allow_dash=True), metavar="OUT", help="File to write (- for standard output); ROOT.masb."),
    flag("--object", name="whole", help="Write the stored object itself: the bytes that a server sends."),
    flag("--force", help="Replace OUT if it is there."),
    *STORE_OPTIONS,
)
def command(console: Console, root: str, output: str | None, whole: bool, force: bool, place: str | None, config: str | None) -> int:
    """Write the code of ROOT, verified, to a file: the program that it starts, with the kernel it was stored with."""
    from miden.cli.store.outcomes import write_out
    from miden.cli.store.places import find_store
    from miden.store.keys import as_key

    key = as_key(root)
    with find_store(place, config) as store:
        data = store.get_bytes(key) if whole else store.get_program(key).to_bytes()
    output = f"{key.digest.hex()}.{'miobj' if whole else 'masb'}" if output is None else output
    return write_out(console, {"root": str(key)}, output, data, force=force)
