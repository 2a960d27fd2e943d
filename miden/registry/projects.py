"""Projects and registries: what a project needs, its lock, its packages, and the entries of its file."""

from __future__ import annotations

from pathlib import Path

from miden.errors import NotFoundError, ProjectError
from miden.package.needs import active_needs, project_needs
from miden.package.project import FILE_NAME, Project
from miden.registry.install import newer_versions
from miden.registry.lockfile import FILE_NAME as LOCK_NAME
from miden.registry.lockfile import Lock, locked_needs_error
from miden.registry.planning import plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from typing import Any

    from miden.package.needs import Need
    from miden.registry.install import Change, Installer, Outdated
    from miden.registry.installed import Home
    from miden.registry.sources import Sources

DEFAULT_FEATURES = ("default",)


def collect_needs(
    folder: str | os.PathLike[str], features: Iterable[str] = DEFAULT_FEATURES, *, project: Project | None = None
) -> list[Need]:
    """Return what a project needs of registries, with the projects that it depends on by path.

    `features` are those of the project itself; `project` is it, if it has been read. Raises `ProjectError`.
    """
    pending = [Path(folder).resolve()]
    seen: set[Path] = set()
    found: list[Need] = []
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        if project is None or seen:
            project = Project.read(path)
        active = active_needs(project_needs(project), DEFAULT_FEATURES if seen else features)
        seen.add(path)
        for item in project.dependencies.values():
            if item.path is None:
                if item.name in active:
                    found.append(active[item.name])
            elif (item.path / FILE_NAME).is_file():
                pending.append(item.path)
    return found


def current_lock(
    folder: str | os.PathLike[str], sources: Callable[[], Sources], *, locked: bool = False, features: Iterable[str] = DEFAULT_FEATURES
) -> Lock:
    """Return the lock of a project, brought up to date with its needs and written if it was not.

    What is locked keeps its version if it fits. `sources` is only called if versions have to be chosen. With `locked` an
    outdated lock is a `ProjectError` of kind ``LockOutdated``, and nothing is written. Raises as `planning.plan` does.
    """
    needs = collect_needs(folder, features)
    lock = Lock.read(folder)
    unmet = (lock or Lock()).unmet(needs)
    if lock is not None and not unmet and not lock.superfluous(needs):
        return lock
    if not needs and lock is None:
        return Lock()
    if locked:
        raise locked_needs_error(unmet, str(Path(folder) / LOCK_NAME))
    made = plan(needs, sources(), locked=None if lock is None else lock.versions(), root=Project.read(folder).name) if needs else Lock()
    made.write(folder)
    return made


def updated_lock(folder: str | os.PathLike[str], sources: Sources, names: Iterable[str] = ()) -> tuple[Lock, Lock]:
    """Return the lock of a project as it is, and with the highest versions its needs accept: all, or those of some names.

    Nothing is written. Raises `NotFoundError` of kind ``PackageNotFound`` for a name that is not locked.
    """
    old = Lock.read(folder) or Lock()
    chosen = set(names)
    unknown = sorted(chosen - set(old.versions()))
    if unknown:
        raise NotFoundError(f"{unknown[0]} is not in the lock file", kind="PackageNotFound", hint="miden tree shows what is")
    keep = {name: version for name, version in old.versions().items() if name not in chosen} if chosen else {}
    needs = collect_needs(folder)
    return old, plan(needs, sources, locked=keep, root=Project.read(folder).name)


def outdated_packages(folder: str | os.PathLike[str], sources: Sources) -> list[Outdated]:
    """Return the packages a project is linked with of which there are newer versions.

    What is asked of one is what the project asks, or of those that only others need, any version.
    """
    asked = {need.name: need.requirement.text for need in collect_needs(folder)}
    lock = Lock.read(folder) or Lock()
    found = (newer_versions(name, item.version, asked.get(name, "*"), sources) for name, item in lock.linked().items())
    return [item for item in found if item is not None]


def install_project(folder: str | os.PathLike[str], lock: Lock, installer: Installer) -> Change:
    """Bring the packages of a project's lock here."""
    return installer.install_lock(lock, str(Path(folder).resolve()))


def linked_packages(lock: Lock, home: Home) -> dict[str, bytes]:
    """Return the bytes of the packages that a project is linked with, by name; they are installed."""
    return {name: home.data(item.entry()) for name, item in lock.linked().items()}


# the project file


def add_dependency(content: str, name: str, requirement: str, **options: Any) -> str:
    """Return the text of a project file with a dependency, new or changed; everything else stays as it is written.

    `options` are fields such as ``linkage`` and ``features``; empty texts and lists are left out.

    >>> print(add_dependency('[package]\\nname = "a"  # mine', "acme/math", "^1.2"))
    [package]
    name = "a"  # mine
    <BLANKLINE>
    [dependencies]
    "acme/math" = "^1.2"
    <BLANKLINE>
    """
    import tomlkit

    document = tomlkit.parse(content)
    table = document.get("dependencies")
    if table is None:
        if content and not content.endswith("\n\n"):
            document.add(tomlkit.nl())
        table = tomlkit.table()
        document.add("dependencies", table)
    fields = {key: value for key, value in options.items() if value or value is False}
    value: Any = requirement
    if fields:
        value = tomlkit.inline_table()
        value.update({"version": requirement, **fields})
    table[name] = value
    return tomlkit.dumps(document)


def remove_dependency(content: str, name: str, path: str) -> str:
    """Return the text of a project file without a dependency.

    Raises `ProjectError` of kind ``DependencyNotFound`` if there is none of this name.
    """
    import tomlkit

    document = tomlkit.parse(content)
    table = document.get("dependencies", {})
    if name not in table:
        known = ", ".join(table) or "none"
        raise ProjectError(f"{name} is no dependency of this project", path=path, kind="DependencyNotFound", hint=f"there is {known}")
    del table[name]
    return tomlkit.dumps(document)
