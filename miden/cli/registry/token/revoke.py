"""`miden registry token revoke`: take a token back."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "revoke",
    argument("folder", FilePath()),
    argument("id"),
)
def command(console: Console, folder: str, id: str) -> int:
    """Take back the token with this ID, as miden registry token list shows it."""
    from miden.errors import NotFoundError
    from miden.registry.server.catalog import Catalog
    from miden.registry.server.tokens import revoke_token

    catalog = Catalog(folder)
    try:
        with catalog.database.writing() as connection:
            if not revoke_token(connection, id):
                raise NotFoundError(f"there is no token {id[:40]!a} that still holds", kind="TokenUnknown")
    finally:
        catalog.close()
    if console.json:
        console.document({"revoked": id})
    else:
        console.print(f"token {id} no longer holds")
    return 0
