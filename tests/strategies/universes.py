"""Universes of packages for the resolver, and what brute force finds in them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from miden.field import Word
from miden.package.needs import Need, Needs, feature_needs
from miden.registry.index import IndexEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ZERO = Word((0, 0, 0, 0))
FEATURE = "more"
Universe = dict[str, list[IndexEntry]]


def entry(
    name: str,
    version: str,
    needs: Iterable[Need] = (),
    features: Mapping[str, Iterable[str]] | None = None,
    *,
    kind: str = "library",
    mast: int = 0,
    code: Word = ZERO,
    yanked: str | None = None,
) -> IndexEntry:
    """Return an entry of which only what the resolver looks at is real."""
    said = Needs(needs, features)
    return IndexEntry(
        name,
        version,
        kind=kind,
        mast=mast,
        code=code,
        roots=ZERO,
        content=ZERO,
        blake3="0" * 64,
        sha256="0" * 64,
        size=0,
        needs=said,
        yanked=yanked,
    )


def _requirement(low: int, high: int) -> str:
    return f">={low}.0.0, <={high}.0.0"


@st.composite
def universes(draw: st.DrawFn) -> tuple[Universe, list[Need], dict[str, str]]:
    """Draw packages, the needs of a root, and locked versions: few and small, so that conflicts are common."""
    names = [f"p{index}" for index in range(draw(st.integers(1, 5)))]
    highest = draw(st.integers(1, 3 if len(names) < 5 else 2))

    def need(name: str, *, optional: bool = False) -> Need:
        low = draw(st.integers(1, highest))
        features = (FEATURE,) if draw(st.integers(0, 4)) == 0 else ()
        return Need(name, _requirement(low, draw(st.integers(low, highest))), optional=optional, features=features)

    def some(left_out: str, most: int) -> list[str]:
        others = [name for name in names if name != left_out]
        return draw(st.lists(st.sampled_from(others), max_size=most, unique=True)) if others else []

    universe: Universe = {}
    for name in names:
        universe[name] = []
        kind = "kernel" if draw(st.integers(0, 7)) == 0 else "library"
        for version in range(1, highest + 1):
            needs = [need(other) for other in some(name, 2)]
            features: dict[str, list[str]] = {}
            if draw(st.booleans()):
                features[FEATURE] = []
                extra = [other for other in some(name, 1) if all(other != item.name for item in needs)]
                for other in extra:
                    needs.append(need(other, optional=True))
                    features[FEATURE].append(f"dep:{other}")
                if needs and draw(st.booleans()):
                    features[FEATURE].append(f"{needs[0].name}/{FEATURE}")
                if draw(st.integers(0, 3)) == 0:
                    features["default"] = [FEATURE]
            yanked = "unsound" if draw(st.integers(0, 9)) == 0 else None
            mast = 1 if draw(st.integers(0, 14)) == 0 else 0
            universe[name].append(entry(name, f"{version}.0.0", needs, features, kind=kind, mast=mast, yanked=yanked))
    root = [need(name) for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))]
    locked = {name: f"{draw(st.integers(1, highest))}.0.0" for name in names if draw(st.integers(0, 3)) == 0}
    return universe, root, locked


def brute_force(universe: Universe, root: Sequence[Need], locked: Mapping[str, str]) -> dict[str, str] | None:
    """Look at every choice of versions, and return the best of those that are solutions, by the rule of the resolver."""
    best: tuple[list[int], dict[str, str]] | None = None
    names = list(universe)
    for choice in product(*((None, *universe[name]) for name in names)):
        chosen = {name: item for name, item in zip(names, choice, strict=True) if item is not None}
        order = _order_if_solution(chosen, root, locked)
        if order is None:
            continue
        rank = [_rank(chosen[name], locked) for name in order]
        if best is None or rank > best[0]:
            best = rank, {name: chosen[name].version for name in order}
    return None if best is None else best[1]


def _rank(item: IndexEntry, locked: Mapping[str, str]) -> int:
    return 1000 if locked.get(item.name) == item.version else int(item.version.partition(".")[0])


def _order_if_solution(chosen: Mapping[str, IndexEntry], root: Sequence[Need], locked: Mapping[str, str]) -> list[str] | None:
    """Return the names in the order in which they are met, if the choice is a solution without anything superfluous."""
    if sum(item.kind == "kernel" for item in chosen.values()) > 1:
        return None
    if any(item.mast or (item.yanked and locked.get(item.name) != item.version) for item in chosen.values()):
        return None
    asked: dict[str, set[str]] = {}
    pending = sorted(root, key=lambda need: need.name)
    order: list[str] = []
    expanded = 0
    seen_features: set[tuple[str, str]] = set()
    while True:
        later: list[Need] = []
        for need in pending:
            item = chosen.get(need.name)
            if item is None or not need.requirement.accepts(item.version):
                return None
            if not all(item.needs.has_feature(feature) for feature in need.features):
                return None
            if need.name not in order:
                order.append(need.name)
            for feature in (*need.features, "default"):
                if feature not in asked.setdefault(need.name, set()):
                    asked[need.name].add(feature)
                    if need.name in order[:expanded]:
                        later += feature_needs(item.needs, feature)
                        seen_features.add((need.name, feature))
        if later:
            pending = later
            continue
        if expanded == len(order):
            break
        name = order[expanded]
        expanded += 1
        pending = [need for need in chosen[name].needs.needs if not need.optional]
        for feature in sorted(asked[name], key=lambda feature: feature == "default"):
            pending += feature_needs(chosen[name].needs, feature)
    return order if set(order) == set(chosen) else None
