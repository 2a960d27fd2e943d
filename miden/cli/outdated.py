"""`miden outdated`: of what there are newer versions."""

from __future__ import annotations

from miden.cli.parameters import flag
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "outdated",
    flag("--installed", help="Look at what was installed by name, even inside a project."),
    *PACKAGE_OPTIONS,
)
@with_places
def command(console: Console, installed: bool, places: Places) -> int:
    """List packages of which there are newer versions: of the project around this folder, or those installed by name.

    "Compatible" is the newest that is asked for (miden update takes it), "latest" the newest there is.
    """
    from miden.package.project import find_project
    from miden.registry.projects import outdated_packages

    folder = None if installed else find_project(".")
    with places.installer(console, folder or ".") as installer:
        installer.sources.refresh()
        rows = installer.outdated() if folder is None else outdated_packages(folder, installer.sources)
    if console.json:
        console.document({"project": None if folder is None else str(folder), "packages": [row._asdict() for row in rows]})
        return 0
    if not rows:
        console.print("everything is up to date")
        return 0
    console.table(
        ("package", "now", "compatible", "latest", "asked for"),
        [(row.name, row.version, row.compatible, row.latest, row.requirement) for row in rows],
    )
    return 0
