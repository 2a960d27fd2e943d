"""`miden list`: what is installed, or what there is."""

from __future__ import annotations

from miden.cli.parameters import flag
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "list",
    flag("--available", help="List the packages of the registries in place of those that are installed."),
    *PACKAGE_OPTIONS,
)
@with_places
def command(console: Console, available: bool, places: Places) -> int:
    """List installed packages: what they are, where they came from, and who asked for them."""
    from miden.registry.installed import read_home

    if available:
        sources = places.sources()
        names = sorted({(name, bound.registry.name) for bound in sources.bound for name in bound.registry.names()})
        sources.close()
        if console.json:
            console.document({"packages": [{"name": name, "registry": registry} for name, registry in names]})
        else:
            console.table(("package", "registry"), names)
        return 0
    state = read_home(places.home)
    owners: dict[tuple[str, str], list[str]] = {}
    for item in state.wanted:
        owners.setdefault((item.name, item.version), []).append(item.owner)
    rows = [
        (item.entry.name, item.entry.version, item.entry.kind, item.registry, item.entry.code.to_hex(), owners.get(key, []))
        for key, item in state.packages.items()
    ]
    if console.json:
        fields = ("name", "version", "kind", "registry", "digest", "wanted_by")
        console.document({"home": str(places.home), "packages": [dict(zip(fields, row, strict=True)) for row in rows]})
        return 0
    if not rows:
        console.print("nothing is installed")
        return 0
    console.table(
        ("package", "version", "kind", "registry", "digest", "asked for by"),
        [(*row[:4], f"{row[4][:14]}..", ", ".join(row[5]) or "another package") for row in rows],
    )
    return 0
