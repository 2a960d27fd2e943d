"""`miden registry init`: make an empty registry."""

from __future__ import annotations

from miden.cli.parameters import Choice, FilePath, IntRange, argument, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "init",
    argument("folder", FilePath()),
    option(
        "--kind",
        type=Choice(["server", "indexed", "directory"]),
        default="indexed",
        help="What to make: for miden registry serve, a folder with an index (the default), or a folder to drop files into.",
    ),
    option("--name", metavar="NAME", help="What a registry of a server calls itself; by default the last part of FOLDER."),
    option("--root-keys", type=IntRange(1, 32), default=1, help="How many keys the root has; 1 by default."),
    option("--threshold", type=IntRange(1, 32), default=1, help="How many of them have to sign; 1 by default."),
    option("--offline", type=FilePath(), metavar="DIR", help="Where keys of root and targets go; by default FOLDER/keys/offline."),
)
def command(console: Console, folder: str, kind: str, name: str | None, root_keys: int, threshold: int, offline: str | None) -> int:
    """Make an empty registry in FOLDER, which must be empty or not there.

    A registry of a server signs what it has. Give its root.json to those who are to use it, by a way that you trust; move the
    offline keys to a safe place, and name it with --offline whenever they are needed.
    """
    from pathlib import Path

    path = Path(folder)
    facts: dict[str, object] = {"registry": folder, "kind": kind}
    if kind == "server":
        from miden.registry.server.catalog import ROOT, Catalog
        from miden.registry.server.keys import OFFLINE

        Catalog.create(path, name or path.resolve().name, root_keys=root_keys, threshold=threshold, offline=offline).close()
        facts |= {"root": str(path / ROOT), "offline_keys": str(path / OFFLINE) if offline is None else offline}
    elif kind == "indexed":
        from miden.registry.backends.indexed import IndexedRegistry

        IndexedRegistry.create(path, path.resolve().name).close()
    else:
        path.mkdir(parents=True, exist_ok=True)
    if console.json:
        console.document(facts)
        return 0
    console.facts([(key.replace("_", " "), str(value)) for key, value in facts.items()])
    if kind == "server":
        console.note(f"move {facts['offline_keys']} to a safe place: who has these keys is the registry")
    return 0
