"""`miden registry keys list`: who signs what."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "list",
    argument("folder", FilePath()),
    option("--offline", type=FilePath(), metavar="DIR", help="Where keys of root and targets are; by default FOLDER/keys/offline."),
)
def command(console: Console, folder: str, offline: str | None) -> int:
    """List the roles of the registry in FOLDER: how many keys have to sign, until when it holds, and which keys are here."""
    from pathlib import Path

    from miden.registry.server.catalog import Catalog
    from miden.registry.server.keys import OFFLINE

    catalog = Catalog(folder)
    try:
        rows = catalog.roles(Path(folder) / OFFLINE if offline is None else offline)
    finally:
        catalog.close()
    if console.json:
        console.document({"roles": [row._asdict() for row in rows]})
        return 0
    cells = [(row.role, f"{row.threshold} of {len(row.keys)}", row.expires, str(row.here), row.paths) for row in rows]
    console.table(("role", "threshold", "until", "keys here", "speaks for"), cells)
    return 0
