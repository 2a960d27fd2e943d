"""A second opinion on versions: the search of resolvelib, for universes without features and kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, ResolutionTooDeep, Resolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from miden.package.needs import Need
    from miden.registry.index import IndexEntry


class _Provider(AbstractProvider):  # type: ignore[type-arg]
    """Needs are requirements, entries are candidates."""

    def __init__(self, universe: Mapping[str, Sequence[IndexEntry]]) -> None:
        self._universe = universe

    def identify(self, requirement_or_candidate: Need | IndexEntry) -> str:
        return requirement_or_candidate.name

    def get_preference(self, identifier: str, **more: Any) -> str:
        return identifier

    def find_matches(self, identifier: str, requirements: Mapping[str, Iterator[Need]], incompatibilities: Any) -> Iterable[IndexEntry]:
        needs = list(requirements[identifier])
        bad = {entry.version for entry in incompatibilities[identifier]}
        found = [entry for entry in self._universe.get(identifier, ()) if entry.version not in bad]
        return [entry for entry in reversed(found) if all(self.is_satisfied_by(need, entry) for need in needs)]

    def is_satisfied_by(self, requirement: Need, candidate: IndexEntry) -> bool:
        return requirement.requirement.accepts(candidate.version)

    def get_dependencies(self, candidate: IndexEntry) -> Iterable[Need]:
        return candidate.needs.needs


def search(universe: Mapping[str, Sequence[IndexEntry]], needs: Sequence[Need], rounds: int = 500) -> dict[str, str] | None:
    """Return versions that fit together, or None if the search ends without any."""
    try:
        result = Resolver(_Provider(universe), BaseReporter()).resolve(needs, max_rounds=rounds)
    except (ResolutionImpossible, ResolutionTooDeep, RecursionError):
        return None
    return {name: entry.version for name, entry in result.mapping.items()}
