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
    flag(
        "--collect",
        help="Also let go of what only came for a run or was for a project that is gone, and remove files that nothing names any more.",
    ),
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

    if (project and packages) or not (project or packages or collect):
        raise MisuseError("give names, or --project, or --collect")
    files = 0
    with places.installer(console) as installer:
        before = installer.home.read()
        if project:
            change = install_project(project_folder(), Lock(), installer)
        elif packages:
            change = installer.uninstall(packages)
        if collect:
            change = installer.tidy()
            files = installer.home.collect(grace=0)
    gone = tuple(key for key in before.packages if key not in change.state.packages)
    change = change._replace(removed=gone)
    if console.json:
        console.document({**change_facts(change), "files_removed": files})
        return 0
    show_change(console, change)
    return 0
