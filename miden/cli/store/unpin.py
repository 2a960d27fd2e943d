"""`miden store unpin`: take pins back."""

from __future__ import annotations

from miden.cli.parameters import argument, option
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "unpin",
    argument("roots", multiple=True),
    option("--owner", metavar="NAME", help="Whose pins; manual by default."),
    *STORE_OPTIONS,
)
def command(console: Console, roots: tuple[str, ...], owner: str | None, place: str | None, config: str | None) -> int:
    """Take back the pins of ROOTS: the next collection of garbage deletes them unless something else needs them."""
    from miden.cli.store.outcomes import unpin
    from miden.store.keys import as_key

    return unpin(console, {root: as_key(root) for root in roots}, owner=owner, place=place, config=config)
