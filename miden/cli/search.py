"""`miden search`: packages by what their names and descriptions say."""

from __future__ import annotations

from miden.cli.parameters import argument
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from miden.cli.console import Console
    from miden.registry.backends import Registry

LISTED = 50
"""Packages of one registry that are listed, at most."""


@verb(
    "search",
    argument("text"),
    *PACKAGE_OPTIONS,
)
@with_places
def command(console: Console, text: str, places: Places) -> int:
    """List packages whose name or description contains TEXT, with their highest versions, from all registries."""
    sources = places.sources()
    rows = []
    try:
        for bound in sources.bound:
            for name, version, description in search(bound.registry, text):
                rows.append({"name": name, "version": version, "description": description, "registry": bound.registry.name})
    finally:
        sources.close()
    if console.json:
        console.document({"packages": rows})
        return 0
    if not rows:
        console.print("nothing was found")
        return 0
    console.table(("package", "version", "registry", ""), [(r["name"], r["version"], r["registry"], r["description"]) for r in rows])
    return 0


def search(registry: Registry, text: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, highest version and description of what a registry finds."""
    from miden.registry.backends.remote import RemoteRegistry

    if isinstance(registry, RemoteRegistry):
        yield from registry.search(text)[:LISTED]
        return
    for name in registry.names(text)[:LISTED]:
        versions = registry.versions(name)
        if versions:
            yield name, versions[-1].version, versions[-1].description
