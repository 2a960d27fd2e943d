"""`miden registry keys claim`: give a namespace or a name to publishers."""

from __future__ import annotations

from miden.cli.parameters import FilePath, IntRange, argument, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "claim",
    argument("folder", FilePath()),
    argument("scope"),
    option("--key", name="keys", type=FilePath(), required=True, multiple=True, metavar="FILE", help="Public key; repeatable."),
    option("--threshold", type=IntRange(1), default=1, help="How many of the keys have to sign; 1 by default."),
    option("--offline", type=FilePath(), metavar="DIR", help="Where the key of targets is; by default FOLDER/keys/offline."),
)
def command(console: Console, folder: str, scope: str, keys: tuple[str, ...], threshold: int, offline: str | None) -> int:
    """Give SCOPE, a namespace written NAMESPACE/* or one name, to the holders of keys: what they do not sign is not served.

    What was published in it before is out of reach until they sign it, with their next version. The registry itself, and
    whoever steals its online keys, can no longer change anything in the scope.
    """
    from pathlib import Path

    from miden.registry.server.catalog import Catalog
    from miden.registry.server.keys import OFFLINE

    catalog = Catalog(folder)
    try:
        role = catalog.claim(scope, keys, threshold, Path(folder) / OFFLINE if offline is None else offline)
    finally:
        catalog.close()
    if console.json:
        console.document({"scope": scope, "role": role, "threshold": threshold, "keys": list(keys)})
    else:
        console.print(f"{scope} is signed by {threshold} of {len(keys)} keys from now on")
    return 0
