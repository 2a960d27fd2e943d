"""`miden remove`: a dependency out of the project file and of its lock."""

from __future__ import annotations

from miden.cli.parameters import argument
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "remove",
    argument("packages", multiple=True, metavar="NAME..."),
    *PACKAGE_OPTIONS,
)
@with_places
def command(console: Console, packages: tuple[str, ...], places: Places) -> int:
    """Remove dependencies from the project around this folder, and what only they needed from its lock."""
    from miden.cli.registries import change_facts, project_folder, show_change
    from miden.package.files import write_whole
    from miden.package.project import FILE_NAME, Project
    from miden.registry.lockfile import Lock
    from miden.registry.projects import collect_needs, install_project, remove_dependency

    folder = project_folder()
    path = folder / FILE_NAME
    Project.read(folder)
    content = path.read_text(encoding="utf-8")
    for name in packages:
        content = remove_dependency(content, name, str(path))
    needs = collect_needs(folder, project=Project(content.encode(), folder, str(path)))
    lock = (Lock.read(folder) or Lock()).without_superfluous(needs)
    with places.installer(console, folder) as installer:
        change = install_project(folder, lock, installer)
    write_whole(path, content.encode())
    lock.write(folder)
    if console.json:
        console.document({"project": str(folder), "removed": list(packages), "installed": change_facts(change)})
        return 0
    console.print(f"removed {', '.join(packages)}")
    show_change(console, change)
    return 0
