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
    from miden.cli.block.names import read_keys
    from miden.cli.store.outcomes import unpin

    return unpin(console, read_keys(names), owner=owner, place=place, config=config)
