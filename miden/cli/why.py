"""`miden why`: who needs a package, upwards."""

from __future__ import annotations

from miden.cli.parameters import argument, flag
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "why",
    argument("package", metavar="NAME"),
    flag("--installed", help="Ask about what is installed, even inside a project."),
    *PACKAGE_OPTIONS,
)
@with_places
def command(console: Console, package: str, installed: bool, places: Places) -> int:
    """Print every chain of packages that leads to one, from the project around this folder, or among installed packages."""
    from miden.cli.graphs import installed_graph, project_graph
    from miden.package.project import find_project
    from miden.registry.graphs import chains

    graph = installed_graph(places, None) if installed or find_project(".") is None else project_graph()
    found = chains(graph, package)
    if console.json:
        console.document({"package": package, "chains": found})
        return 0
    for chain in found:
        console.print(" -> ".join(chain))
    return 0
