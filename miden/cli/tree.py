"""`miden tree`: what needs what, downwards."""

from __future__ import annotations

from miden.cli.parameters import IntRange, argument, option
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "tree",
    argument("package", required=False, metavar="[NAME]"),
    option("--depth", type=IntRange(1), metavar="N", help="How many levels to show."),
    *PACKAGE_OPTIONS,
)
@with_places
def command(console: Console, package: str | None, depth: int | None, places: Places) -> int:
    """Draw the packages of the project around this folder, or an installed package with what it runs with.

    Outside a project, and without a name, all installed packages are drawn. A package that was drawn before is marked (*).
    One that is only there to run what was built before is marked (run).
    """
    from miden.cli.graphs import installed_graph, project_graph
    from miden.package.project import find_project
    from miden.registry.graphs import draw

    graph = project_graph() if package is None and find_project(".") is not None else installed_graph(places, package)
    if console.json:
        console.document(graph.to_dict())
        return 0
    for line in draw(graph, depth):
        console.print(line)
    return 0
