"""`miden registry advise`: sign a list of advisories."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "advise",
    argument("folder", FilePath()),
    argument("file", FilePath(allow_dash=True)),
)
def command(console: Console, folder: str, file: str) -> int:
    """Make the list in FILE the advisories of the registry in FOLDER, signed; miden audit holds what is used against it.

    \b
    {"format": 1, "advisories": [{"id": "MIDEN-2026-0001", "package": "acme/math", "affected": ["<1.4.2"],
      "severity": "high", "summary": "wrong quotient for negative divisors"}]}
    """
    from miden.cli.files import read_bytes
    from miden.registry.server.catalog import Catalog
    from miden.registry.trust.audit import read_advisories

    data = read_bytes(file)
    advisories = read_advisories(data)
    catalog = Catalog(folder)
    try:
        catalog.advise(data)
    finally:
        catalog.close()
    if console.json:
        console.document({"advisories": [advisory.id for advisory in advisories]})
    else:
        console.print(f"{len(advisories)} advisories are signed")
    return 0
