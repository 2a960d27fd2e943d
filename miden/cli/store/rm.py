"""`miden store rm`: forget roots."""

from __future__ import annotations

from miden.cli.parameters import argument, flag
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "rm",
    argument("roots", multiple=True),
    flag("--force", help="Take pins back first, whoever set them."),
    *STORE_OPTIONS,
)
def command(console: Console, roots: tuple[str, ...], force: bool, place: str | None, config: str | None) -> int:
    """Forget ROOTS; the other roots of the same object stay. A pinned root is refused."""
    from miden.cli.store.outcomes import forget
    from miden.store.keys import as_key

    keys = [as_key(root) for root in roots]
    return forget(console, {str(key): key for key in keys}, force=force, place=place, config=config)
