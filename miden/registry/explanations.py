"""Say in sentences why no versions fit together, naming the chain of needs that leads to each conflict.

The needs at the root are first cut down to few that are in conflict by themselves; then the search is run on those
once more, and the conflicts it meets are grouped: versions that fail alike are told together.
"""

from __future__ import annotations

from miden.errors import ResolutionError
from miden.registry.resolver import KernelNeed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from miden.package.needs import Need
    from miden.registry.resolver import Conflict, Reason, Search, Table

    Link = tuple[str | None, str, str]
    """Owner, what it needs, and what it asks of it."""
    Chain = tuple[Link, ...]

MAX_SENTENCES = 8
MAX_TRIED = 64
"""Needs at the root that are tried without."""
LIMIT = 5_000
"""Decisions of one of these searches that may be taken back."""
BUDGET = 50_000
"""Decisions of all of them, after which needs are no longer left out."""


def explain(search: Search, needs: Sequence[Need], root: str) -> ResolutionError:
    """Return the error for needs that no versions satisfy together."""
    needs = _smallest(search, needs)
    groups: dict[tuple[str, tuple[Chain, ...]], dict[str, set[str]]] = {}

    def collect(conflict: Conflict) -> None:
        chains = tuple(sorted({_chain(search, reason) for reason in _shown(conflict)}, key=str))
        if not conflict.reasons:
            kernels = sorted(conflict.blame)
            chains = tuple(_chain(search, search.reasons[name][0]) for name in kernels)
        versions = groups.setdefault((conflict.package if conflict.reasons else "", chains), {})
        for owner in {link[0] for chain in chains for link in chain if link[0] is not None}:
            versions.setdefault(owner, set()).add(search.entry(owner).version)

    search.on_conflict = collect
    try:
        search.run(needs, LIMIT)
    except ResolutionError:
        pass
    finally:
        search.on_conflict = None
    sentences = [_sentence(search, name, chains, versions, root) for (name, chains), versions in groups.items()]
    sentences = list(dict.fromkeys(sentences))
    shown = sentences[:MAX_SENTENCES]
    if len(sentences) > len(shown):
        shown.append(f"and {len(sentences) - len(shown)} more conflicts of this kind")
    hint = "ask for other versions, or update the packages that ask for these"
    return ResolutionError("no versions fit together", reasons=shown, kind="NoSolution", hint=hint)


def _smallest(search: Search, needs: Sequence[Need]) -> list[Need]:
    """Return few needs that cannot be satisfied together: none of those tried can be left out."""
    kept = list(needs)
    spent = 0
    for need in list(needs)[:MAX_TRIED]:
        if spent > BUDGET:
            break
        fewer = [other for other in kept if other is not need]
        try:
            if search.run(fewer, LIMIT) is not None:
                kept = fewer
        except ResolutionError:
            continue
        finally:
            spent += search.decisions
    return kept


def _shown(conflict: Conflict) -> Iterable[Reason]:
    """Return the reasons that show a conflict: the last one, and one that is against it if there is such."""
    if len(conflict.reasons) < 2:
        return conflict.reasons
    last = conflict.reasons[-1]
    against = [reason for reason in conflict.reasons[:-1] if not reason.mask & last.mask]
    return (against[0], last) if against else conflict.reasons


def _chain(search: Search, reason: Reason) -> Chain:
    """Return the needs that lead from the root to a reason, the first ones met."""
    links: list[Link] = []
    while True:
        links.append((reason.owner, reason.need.name, _asked(reason.need)))
        if reason.owner is None:
            return tuple(reversed(links))
        reason = search.reasons[reason.owner][0]


def _asked(need: Need) -> str:
    if isinstance(need, KernelNeed):
        return str(need)
    features = f" with {' and '.join(need.features)}" if need.features else ""
    return f"{need.requirement.text}{features}"


def _sentence(search: Search, name: str, chains: tuple[Chain, ...], versions: dict[str, set[str]], root: str) -> str:
    def told(chain: Chain) -> str:
        parts = []
        for owner, needed, asked in chain:
            who = root if owner is None else f"{owner} {_versions(search.table(owner), versions[owner])}"
            parts.append(f"{who} needs {needed} {asked}")
        return ", ".join(parts)

    if not name:
        kernels = " and ".join(chain[-1][1] for chain in chains)
        return f"there can be one kernel, and {kernels} are two: {'; '.join(told(chain) for chain in chains)}"
    table = search.table(name)
    if len(chains) == 1:
        return f"{told(chains[0])}, {_missing(table)}"
    return f"{' and '.join(told(chain) for chain in chains)}, and no version of {name} is both"


def _missing(table: Table) -> str:
    """Say what there is of a package of which no version will do."""
    if not table.entries:
        return f"and there is no package {table.name}"
    usable = {table.entries[index].version for index in table.versions.within(table.usable)}
    yanked = {entry.version for entry in table.entries if entry.yanked is not None} - usable
    foreign = {entry.version for entry in table.entries} - usable - yanked
    parts = [_listed(table, usable) if usable else "none that can be taken"]
    if yanked:
        parts.append(f"{_listed(table, yanked)} taken back")
    if foreign:
        parts.append(f"{_listed(table, foreign)} of another MAST version")
    return f"and there are {', '.join(parts)}"


def _listed(table: Table, versions: set[str]) -> str:
    ordered = [version for version in table.versions.versions if version in versions]
    return ", ".join(ordered) if len(ordered) <= 4 else f"{ordered[0]} to {ordered[-1]} ({len(ordered)} versions)"


def _versions(table: Table, versions: set[str]) -> str:
    ordered = [version for version in table.versions.versions if version in versions]
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"
