"""`miden install`: packages by name, or those that the lock of a project names."""

from __future__ import annotations

from miden.cli.parameters import argument, flag
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import MisuseError, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "install",
    argument("packages", multiple=True, required=False, metavar="[NAME[@VERSION]]..."),
    flag("--locked", help="Fail, before anything is written, if the lock file does not meet the project's needs."),
    flag("--frozen", help="The same as --locked and --offline."),
    flag("--upgrade", help="Bring what was installed by name to the highest version asked for; all, or those named."),
    *PACKAGE_OPTIONS,
)
@with_places
def command(console: Console, packages: tuple[str, ...], locked: bool, frozen: bool, upgrade: bool, places: Places) -> int:
    """Install packages with all that they need to run; without a name, the packages of the project around this folder.

    Everything is verified before anything is written, and what is installed changes in one step or not at all.
    """
    from miden.cli.registries import change_facts, project_folder, show_change, warn_of_similar
    from miden.registry.names import PackageReference
    from miden.registry.projects import current_lock, install_project

    places.offline |= frozen
    folder = None if packages or upgrade else project_folder()
    if (locked or frozen) and folder is None:
        raise MisuseError("--locked and --frozen are about the lock file of a project: give no names")
    with places.installer(console, folder or ".") as installer:
        if upgrade:
            change = installer.upgrade(packages)
        elif folder is None:
            known = [name for name, _ in installer.home.read().packages]
            warn_of_similar(console, installer, [PackageReference(text).name.text for text in packages], known)
            change = installer.install(packages)
        else:
            lock = current_lock(folder, lambda: installer.sources, locked=locked or frozen)
            change = install_project(folder, lock, installer)
    if console.json:
        console.document({"project": None if folder is None else str(folder), **change_facts(change)})
        return 0
    show_change(console, change)
    return 0
