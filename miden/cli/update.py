"""`miden update`: the lock of a project to the highest versions that it accepts."""

from __future__ import annotations

from miden.cli.parameters import argument, flag
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "update",
    argument("packages", multiple=True, required=False, metavar="[NAME]..."),
    flag("--dry-run", help="Say what would be done, and do nothing."),
    *PACKAGE_OPTIONS,
)
@with_places
def command(console: Console, packages: tuple[str, ...], dry_run: bool, places: Places) -> int:
    """Choose versions for the project around this folder anew: of all packages, or only of those named."""
    from miden.cli.registries import change_facts, project_folder
    from miden.registry.projects import install_project, updated_lock

    folder = project_folder()
    with places.installer(console, folder) as installer:
        installer.sources.refresh()
        old, new = updated_lock(folder, installer.sources, packages)
        change = None
        if not dry_run:
            change = install_project(folder, new, installer)
            new.write(folder)
    before, after = old.versions(), new.versions()
    moved = [(name, before.get(name), after.get(name)) for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    if console.json:
        rows = [{"name": name, "from": was, "to": now} for name, was, now in moved]
        console.document({"project": str(folder), "changed": rows, "installed": change and change_facts(change), "dry_run": dry_run})
        return 0
    for name, was, now in moved:
        console.print(f"{console.style(name, 'value')} {was or 'new'} -> {now or 'gone'}")
    if not moved:
        console.print("everything is up to date")
    return 0
