"""`miden vendor`: the packages of a project into a folder of its own."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "vendor",
    argument("folder", FilePath(), default="vendor"),
    flag("--locked", help="Fail if the lock file does not meet the project's needs."),
    *PACKAGE_OPTIONS,
)
@with_places
def command(console: Console, folder: str, locked: bool, places: Places) -> int:
    """Copy every package that the project around this folder needs into FOLDER, which is a registry then.

    Use it with --registry FOLDER, or by an entry of miden-registries.toml with mirror = true.
    """
    from pathlib import Path

    from miden.cli.registries import project_folder
    from miden.registry.backends.indexed import IndexedRegistry
    from miden.registry.projects import current_lock, install_project

    project = project_folder()
    with places.installer(console, project) as installer:
        lock = current_lock(project, lambda: installer.sources, locked=locked)
        install_project(project, lock, installer)
        registry = IndexedRegistry.create(folder, Path(folder).resolve().name)
        for item in lock.packages:
            registry.publish(installer.home.data(item.entry()))
    if console.json:
        console.document({"folder": folder, "packages": [f"{item.name}@{item.version}" for item in lock.packages]})
        return 0
    console.print(f"copied {len(lock.packages)} packages to {folder}")
    console.print(f"use them with --registry {folder}, or in miden-registries.toml:")
    console.print(f'\n[[registry]]\nname = "vendor"\nlocation = "{folder}"\nmirror = true')
    return 0
