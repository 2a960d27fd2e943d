"""From needs to a plan: which packages, pinned, have to be here.

Versions are chosen for linking. What was built before is not changed by that: it runs with exactly the code that it was
linked with, so the packages that have this code belong to the plan as well.
"""

from __future__ import annotations

from miden.errors import NotFoundError
from miden.mast.versions import CURRENT
from miden.registry.lockfile import LINK, RUN, Lock, LockedPackage
from miden.registry.names import name_problem
from miden.registry.resolver import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from miden.package.needs import Need
    from miden.registry.index import IndexEntry, Linked
    from miden.registry.resolver import Chosen
    from miden.registry.sources import Sources


def plan(needs: Iterable[Need], sources: Sources, *, locked: Mapping[str, str] | None = None, root: str = "the project") -> Lock:
    """Choose versions for needs, and return the lock of all that is needed to link with them and to run.

    `locked` are versions to keep if they fit. Raises `ResolutionError`, and `NotFoundError` of kind ``LinkedNotFound`` for a
    package that was linked with code no registry has.
    """
    resolution = resolve(needs, sources.versions, locked=locked, root=root, prefetch=sources.prefetch)
    return lock_of(resolution.packages, sources)


def plan_running(entries: Iterable[IndexEntry], sources: Sources) -> Lock:
    """Return the lock of what is needed to run packages: themselves, and what they were linked with; raises as `plan` does."""
    return _with_linked({}, list(entries), sources)


def plan_linked(name: str, linked: Iterable[Linked], sources: Sources) -> Lock:
    """Return the lock of what a package called `name` was linked with; raises as `plan` does."""
    found = {entry.id: entry for entry in (_find(name, link, CURRENT.number, {}, sources) for link in linked)}
    return plan_running(found.values(), sources)


def lock_of(chosen: Mapping[str, Chosen], sources: Sources) -> Lock:
    """Return the lock of versions that were chosen; raises as `plan` does."""
    return _with_linked(chosen, [item.entry for item in chosen.values()], sources)


def _with_linked(chosen: Mapping[str, Chosen], start: list[IndexEntry], sources: Sources) -> Lock:
    packages: list[LockedPackage] = []
    pending = list(start)
    seen = {entry.id for entry in pending}
    while pending:
        entry = pending.pop()
        item = chosen.get(entry.name)
        linked = item is not None and item.entry.version == entry.version
        needs = {(need.name, chosen[need.name].entry.version) for need in item.needs} if linked and item is not None else set()
        for link in entry.linked:
            found = _find(f"{entry.name} {entry.version}", link, entry.mast, chosen, sources)
            needs.add(found.id)
            if found.id not in seen:
                seen.add(found.id)
                pending.append(found)
        registry = sources.registry_of(entry.name).name
        features = item.features if linked and item is not None else ()
        packages.append(LockedPackage(entry, registry, LINK if linked else RUN, features, needs))
    return Lock(packages)


def _find(who: str, link: Linked, mast: int, chosen: Mapping[str, Chosen], sources: Sources) -> IndexEntry:
    """Return the version that has the code a package was linked with: the one chosen if it has, else the highest."""
    item = chosen.get(link.name)
    if item is not None and item.entry.code == link.digest:
        return item.entry
    entries = () if name_problem(link.name) else sources.versions(link.name)
    for found in reversed(entries):
        if found.code == link.digest and found.mast == mast:
            return found
    raise NotFoundError(
        f"{who} was linked with {link.name[:80]!a} {link.digest.to_hex()}, which no registry has",
        kind="LinkedNotFound",
        hint="publish the package it was linked with, or build it again",
    )
