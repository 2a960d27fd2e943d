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
    from miden.cli.block.names import read_keys
    from miden.cli.store.outcomes import forget

    return forget(console, read_keys(names), force=force, place=place, config=config)
