"""`miden registry token new`: make a token."""

from __future__ import annotations

from miden.cli.parameters import FilePath, Number, argument, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "new",
    argument("folder", FilePath()),
    option(
        "--scope", name="scopes", multiple=True, metavar="SCOPE", help="publish:NAME, publish:NAMESPACE/*, publish:*, or yank: likewise."
    ),
    option("--note", default="", help="What it is for."),
    option("--days", type=Number(), help="Days until it expires; never by default."),
)
def command(console: Console, folder: str, scopes: tuple[str, ...], note: str, days: float | None) -> int:
    """Make a token for the registry in FOLDER and print it; it is shown this once.

    Give it to miden publish in the variable MIDEN_TOKEN, or in a file with --token-file.
    """
    from miden.registry.server.catalog import Catalog
    from miden.registry.server.tokens import make_token

    catalog = Catalog(folder)
    try:
        with catalog.database.writing() as connection:
            seconds = None if days is None else int(days * 86400)
            number, token = make_token(connection, scopes, note=note, seconds=seconds)
    finally:
        catalog.close()
    if console.json:
        console.document({"id": number, "token": token, "scopes": list(scopes)})
    else:
        console.print(token)
    return 0
