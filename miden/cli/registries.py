"""What verbs about packages share: opening what installing needs, and showing what it did."""

from __future__ import annotations

from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from miden.cli.console import Console
    from miden.cli.places import Places
    from miden.registry.install import Change, Installer


@contextmanager
def open_installer(places: Places, console: Console, folder: str | os.PathLike[str] = ".") -> Iterator[Installer]:
    """Open everything that installing needs, with a bar for what is fetched."""
    from miden.cli.progress import progress
    from miden.registry.install import Installer
    from miden.registry.installed import Home

    sources = places.sources(folder)
    with Home(places.home) as home, places.store() as store, progress(console, "fetching packages") as show:
        moved = None if show is None else lambda done, total, _: show(done, total)
        try:
            yield Installer(home, store, sources, progress=moved)
        finally:
            sources.close()


def project_folder(path: str = ".") -> Path:
    """Return the folder of the project around a folder; `NotFoundError` of kind ``ProjectNotFound`` if there is none."""
    from miden.errors import NotFoundError
    from miden.package.project import FILE_NAME, find_project

    found = find_project(path)
    if found is None:
        raise NotFoundError(f"there is no {FILE_NAME} in {path} or above", kind="ProjectNotFound", hint="miden new makes a project")
    return found


def change_facts(change: Change) -> dict[str, object]:
    """Return what a transaction did, ready for JSON."""
    return {
        "added": [f"{name}@{version}" for name, version in change.added],
        "removed": [f"{name}@{version}" for name, version in change.removed],
        "kept": [f"{name}@{version}" for name, version in change.kept],
    }


def show_change(console: Console, change: Change) -> None:
    """Print what a transaction did, for people."""
    for mark, style, items in (("+", "good", change.added), ("-", "bad", change.removed)):
        for name, version in items:
            console.print(f"{console.style(mark, style)} {name} {version}")
    if not change.added and not change.removed:
        console.print("nothing to change")


def warn_of_similar(console: Console, installer: Installer, names: list[str], known: list[str]) -> None:
    """Warn of names that are new here and look like others: those that are known, and those of the registry."""
    from miden.assembly.diagnostics import Diagnostic
    from miden.registry.names import similar_names

    for name in names:
        if name in known:
            continue
        others = {*known, *(other for registry in installer.sources.candidates(name) for other in registry.names())}
        near = similar_names(name, sorted(others))
        if near:
            message = f"{name} is new here, and its name is very like {' and '.join(near[:3])}"
            console.warn([Diagnostic("SimilarName", "warning", message, None, 0, 0, hint="make sure that it is the one that you mean")])
