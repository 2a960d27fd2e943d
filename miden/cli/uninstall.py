"""`miden uninstall`: take back what was installed by name."""

from __future__ import annotations

from miden.cli.parameters import argument, flag
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import MisuseError, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "uninstall",
    argument("packages", multiple=True, required=False, metavar="[NAME]..."),
    flag("--project", help="In place of names: let go of the packages of the project around this folder."),
    flag("--collect", help="Remove the files of packages that nothing names any more right away."),
    *PACKAGE_OPTIONS,
)
@with_places
def command(console: Console, packages: tuple[str, ...], project: bool, collect: bool, places: Places) -> int:
    """Uninstall packages; what others use stays.

    Their code stays in the store until its garbage is collected: miden store gc.
    """
    from miden.cli.registries import change_facts, project_folder, show_change
    from miden.registry.lockfile import Lock
    from miden.registry.projects import install_project

    if project == bool(packages) and not collect:
        raise MisuseError("give either names or --project")
    with places.installer(console) as installer:
        if project:
            change = install_project(project_folder(), Lock(), installer)
        else:
            change = installer.uninstall(packages)
        files = installer.home.collect(grace=0) if collect else 0
    if console.json:
        console.document({**change_facts(change), "files_removed": files})
        return 0
    show_change(console, change)
    return 0
