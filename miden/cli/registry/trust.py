"""`miden registry trust`: pin the root metadata of a registry."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "trust",
    argument("url"),
    argument("root", FilePath(allow_dash=True)),
    flag("--plain-http", help="Allow http:// to other machines."),
    option("--home", type=FilePath(), metavar="DIR", help="Folder of installed packages; by default $MIDEN_HOME, or the user's own."),
)
def command(console: Console, url: str, root: str, plain_http: bool, home: str | None) -> int:
    """Believe from now on what the registry at URL says, as far as it leads back to the root metadata in the file ROOT.

    Get that file from the operator of the registry by a way that you trust; all that follows hangs on it.
    """
    from miden.cli.files import read_bytes
    from miden.cli.places import Places
    from miden.errors import InputError
    from miden.registry.backends.remote import RemoteRegistry

    data = read_bytes(root)
    registry = Places(home).open(url, root=data, plain=plain_http) if "://" in url else None
    if not isinstance(registry, RemoteRegistry):
        raise InputError(f"{url[:200]} is not the URL of a server", kind="InvalidUrl", hint="a folder needs no root metadata")
    try:
        registry.refresh()
        registry.pin(data)
        facts = {"registry": url, "origin": registry.origin, "log_entries": registry.logged}
    finally:
        registry.close()
    if console.json:
        console.document(facts)
        return 0
    console.facts([(key.replace("_", " "), str(value)) for key, value in facts.items()])
    return 0
