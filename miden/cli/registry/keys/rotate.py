"""`miden registry keys rotate`: replace the keys of a role."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "rotate",
    argument("folder", FilePath()),
    option("--role", required=True, help="root, targets, timestamp, snapshot, registry or packages."),
    option("--offline", type=FilePath(), metavar="DIR", help="Where keys of root and targets are; by default FOLDER/keys/offline."),
)
def command(console: Console, folder: str, role: str, offline: str | None) -> int:
    """Make new keys for a role of the registry in FOLDER and take the old ones from it; their files get the ending .old.

    Clients follow by themselves: a new root is signed with the old keys and the new. After a theft of online keys, rotate
    timestamp, snapshot, registry and packages.
    """
    from pathlib import Path

    from miden.registry.server.catalog import Catalog
    from miden.registry.server.keys import OFFLINE

    catalog = Catalog(folder)
    try:
        catalog.rotate(role, Path(folder) / OFFLINE if offline is None else offline)
    finally:
        catalog.close()
    if console.json:
        console.document({"role": role})
    else:
        console.print(f"{role} has new keys")
    return 0
