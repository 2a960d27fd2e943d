"""`miden registry token list`: list tokens."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "list",
    argument("folder", FilePath()),
)
def command(console: Console, folder: str) -> int:
    """List the tokens of the registry in FOLDER: ids, scopes and whether they hold; never the tokens themselves."""
    from miden.registry.server.catalog import Catalog
    from miden.registry.server.tokens import list_tokens

    catalog = Catalog(folder)
    try:
        with catalog.database.reading() as connection:
            rows = list_tokens(connection)
    finally:
        catalog.close()
    if console.json:
        console.document({"tokens": rows})
        return 0
    console.table(("id", "state", "scopes", "note"), [(row["id"], row["state"], " ".join(row["scopes"]), row["note"]) for row in rows])
    return 0
