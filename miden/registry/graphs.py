"""Who needs whom: graphs of packages, drawn downwards as trees and upwards as chains."""

from __future__ import annotations

from typing import NamedTuple

from miden.registry.lockfile import RUN
from miden.registry.names import unknown_package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from miden.package.needs import Need
    from miden.package.project import Project
    from miden.registry.installed import InstalledSet
    from miden.registry.lockfile import Lock

    Id = tuple[str, str]

MAX_CHAINS = 100


class Graph(NamedTuple):
    """Packages as (name, version): where it starts, what each uses, and notes such as ``run``."""

    title: str
    starts: tuple[Id, ...]
    uses: Mapping[Id, tuple[Id, ...]]
    notes: Mapping[Id, str]

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        packages = [
            {"name": name, "version": version, "note": self.notes.get((name, version)), "uses": [_text(used) for used in uses]}
            for (name, version), uses in sorted(self.uses.items())
        ]
        return {"title": self.title, "starts": [_text(start) for start in self.starts], "packages": packages}


def of_lock(lock: Lock, project: Project, needs: Iterable[Need]) -> Graph:
    """Return the graph of a project."""
    linked = lock.linked()
    starts = tuple(sorted({linked[need.name].id for need in needs if need.name in linked}))
    notes = {item.id: RUN for item in lock.packages if item.use == RUN}
    return Graph(f"{project.name} {project.version}", starts, {item.id: item.needs for item in lock.packages}, notes)


def of_installed(state: InstalledSet, name: str | None) -> Graph:
    """Return the graph of what is installed, or of all versions of one package.

    Raises `NotFoundError` of kind ``PackageNotFound``.
    """
    asked = {(item.name, item.version) for item in state.wanted}
    starts = sorted(asked if name is None else {key for key in state.packages if key[0] == name})
    if name is not None and not starts:
        raise unknown_package(name, [other for other, _ in state.packages], "what is installed")
    return Graph("installed" if name is None else name, tuple(starts), {key: item.uses for key, item in state.packages.items()}, {})


def draw(graph: Graph, depth: int | None = None) -> list[str]:
    """Return the lines of a tree; what was drawn before is not drawn again.

    >>> draw(Graph("app 1.0.0", (("a", "1.0.0"),), {("a", "1.0.0"): (("b", "2.0.0"),), ("b", "2.0.0"): ()}, {}))
    ['app 1.0.0', '└── a 1.0.0', '    └── b 2.0.0']
    """
    lines = [graph.title]
    drawn: set[Id] = set()
    pending = [(start, "", index == len(graph.starts) - 1, 1) for index, start in enumerate(graph.starts)][::-1]
    while pending:
        item, margin, last, level = pending.pop()
        uses = graph.uses.get(item, ())
        again = item in drawn and bool(uses)
        drawn.add(item)
        note = graph.notes.get(item)
        marks = f"{f' ({note})' if note else ''}{' (*)' if again else ''}"
        lines.append(f"{margin}{'└── ' if last else '├── '}{_text(item)}{marks}")
        if not again and (depth is None or level < depth):
            inner = margin + ("    " if last else "│   ")
            pending += [(used, inner, index == len(uses) - 1, level + 1) for index, used in enumerate(uses)][::-1]
    return lines


def chains(graph: Graph, name: str) -> list[list[str]]:
    """Return every chain that leads to a package, each from the start on; at most `MAX_CHAINS`, the shortest first.

    Raises `NotFoundError` of kind ``PackageNotFound`` if the package is not in the graph.
    """
    targets = sorted(key for key in graph.uses if key[0] == name)
    if not targets:
        raise unknown_package(name, [other for other, _ in graph.uses], graph.title)
    users: dict[Id, list[Id]] = {}
    for key, uses in sorted(graph.uses.items()):
        for used in uses:
            users.setdefault(used, []).append(key)
    found: list[list[str]] = []
    pending: list[tuple[Id, ...]] = [(target,) for target in targets]
    at = 0
    while at < len(pending) and len(found) < MAX_CHAINS and at < MAX_CHAINS * MAX_CHAINS:
        chain = pending[at]
        at += 1
        if chain[0] in graph.starts:
            found.append([graph.title, *map(_text, chain)])
        pending += [(user, *chain) for user in users.get(chain[0], ()) if user not in chain]
    return found


def _text(item: Id) -> str:
    return f"{item[0]} {item[1]}"
