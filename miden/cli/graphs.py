"""The graphs that `miden tree` and `miden why` are about."""

from __future__ import annotations

from miden.cli.registries import project_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.places import Places
    from miden.registry.graphs import Graph


def project_graph() -> Graph:
    """Return the graph of the project around this folder, as its lock has it."""
    from miden.package.project import Project
    from miden.registry.graphs import of_lock
    from miden.registry.lockfile import Lock
    from miden.registry.projects import collect_needs

    folder = project_folder()
    return of_lock(Lock.read(folder) or Lock(), Project.read(folder), collect_needs(folder))


def installed_graph(places: Places, name: str | None) -> Graph:
    """Return the graph of what is installed, or of one package of it."""
    from miden.registry.graphs import of_installed
    from miden.registry.installed import read_home

    return of_installed(read_home(places.home), name)
