"""The resolver: a solution if and only if there is one, the best by its rule, fast, and with reasons if there is none."""

from __future__ import annotations

import os
import time
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from miden.errors import ResolutionError
from miden.field import Word
from miden.package.needs import Need
from miden.registry.index import IndexEntry, Linked
from miden.registry.resolver import resolve
from tests.strategies.universes import Universe, brute_force, entry, universes
from tests.support.resolvelib_search import search

if TYPE_CHECKING:
    from collections.abc import Sequence

UNIVERSES = int(os.environ.get("MIDEN_EXAMPLES", "1000"))


def versions(universe: Universe, needs: Sequence[Need], locked: dict[str, str] | None = None) -> dict[str, str] | None:
    try:
        return resolve(needs, lambda name: universe.get(name, []), locked=locked).versions()
    except ResolutionError as error:
        assert error.kind == "NoSolution"
        assert error.reasons
        return None


@pytest.mark.property
@settings(max_examples=UNIVERSES, suppress_health_check=list(HealthCheck))
@given(universes())
def test_the_best_solution_is_found_if_and_only_if_brute_force_finds_one(drawn: tuple[Universe, list[Need], dict[str, str]]) -> None:
    universe, root, locked = drawn
    assert versions(universe, root, locked) == brute_force(universe, root, locked)


def random_universe(packages: int, count: int, random: Random) -> Universe:
    """Return a universe in which every package has some needs, most of them open to many versions."""
    names = [f"p{index:05}" for index in range(packages)]
    needed = {(name, low): Need(name, f">={low}.0.0") for name in names for low in (1, count // 4, count // 2)}
    universe: Universe = {}
    for name in names:
        universe[name] = []
        for version in range(1, count + 1):
            chosen = {random.choice(names) for _ in range(random.randrange(4))} - {name}
            needs = [needed[other, random.choice((1, count // 4, count // 2))] for other in sorted(chosen)]
            universe[name].append(entry(name, f"{version}.0.0", needs))
    return universe


def test_whatever_resolvelib_finds_is_found() -> None:
    """resolvelib may miss a solution, and may find one that is not the highest; it never finds one where we find none."""
    random = Random(21)
    both = 0
    for _ in range(300):
        universe = random_universe(random.randrange(3, 8), random.randrange(4, 6), random)
        for entries in universe.values():
            for item in entries:
                tight = [Need(need.name, f"={random.randint(1, 3)}.0.0") for need in item.needs.needs]
                item.needs = type(item.needs)(tight)
        root = [Need(name) for name in random.sample(sorted(universe), 2)]
        theirs, ours = search(universe, root), versions(universe, root)
        assert theirs is None or ours is not None
        both += theirs is not None
    assert both > 50


def test_five_thousand_packages_with_twenty_versions_resolve_in_two_seconds() -> None:
    universe = random_universe(5000, 20, Random(7))
    root = [Need(name, "*") for name in universe]
    started = time.process_time()
    found = resolve(root, lambda name: universe[name])
    elapsed = time.process_time() - started
    assert len(found.packages) == 5000
    assert elapsed < 2.0


def test_a_chain_of_ten_thousand_packages_is_no_matter_of_recursion() -> None:
    universe = {f"p{i}": [entry(f"p{i}", "1.0.0", [Need(f"p{i + 1}")] if i < 10_000 else [])] for i in range(10_001)}
    assert len(resolve([Need("p0")], lambda name: universe[name]).packages) == 10_001


def test_versions_that_fail_alike_are_not_tried_in_every_combination() -> None:
    """Ten packages with ten versions, none of them to blame: 10**10 combinations, of which none is looked at."""
    universe = {f"a{i}": [entry(f"a{i}", f"{v}.0.0") for v in range(1, 11)] for i in range(10)}
    universe["z"] = [entry("z", f"{v}.0.0", [Need("x", "^1")]) for v in range(1, 11)]
    universe["b"] = [entry("b", "1.0.0", [Need("x", "^2")])]
    universe["x"] = [entry("x", "1.0.0"), entry("x", "2.0.0")]
    root = [Need(name) for name in (*(f"a{i}" for i in range(10)), "b", "z")]
    started = time.process_time()
    assert versions(universe, root) is None
    assert time.process_time() - started < 1.0


def test_a_search_that_is_too_hard_ends() -> None:
    """Pigeons and holes: a puzzle in which every search of this kind has to try very much."""
    pigeons, holes = 11, 10
    universe: Universe = {}
    for pigeon in range(pigeons):
        rows = []
        for hole in range(1, holes + 1):
            rows.append(entry(f"p{pigeon}", f"{hole}.0.0", [Need(f"h{hole}", f"={pigeon + 1}.0.0")]))
        universe[f"p{pigeon}"] = rows
    for hole in range(1, holes + 1):
        universe[f"h{hole}"] = [entry(f"h{hole}", f"{pigeon + 1}.0.0") for pigeon in range(pigeons)]
    started = time.process_time()
    with pytest.raises(ResolutionError) as caught:
        resolve([Need(f"p{pigeon}") for pigeon in range(pigeons)], lambda name: universe[name])
    assert caught.value.kind == "ResolutionTooHard"
    assert time.process_time() - started < 10


# what it chooses


def test_a_yanked_version_is_taken_only_if_it_is_locked() -> None:
    universe = {"a": [entry("a", "1.0.0"), entry("a", "1.1.0", yanked="unsound")]}
    assert versions(universe, [Need("a", "^1")]) == {"a": "1.0.0"}
    assert versions(universe, [Need("a", "^1")], {"a": "1.1.0"}) == {"a": "1.1.0"}


def test_a_version_of_another_mast_version_is_never_taken() -> None:
    universe = {"a": [entry("a", "1.0.0"), entry("a", "2.0.0", mast=1)]}
    assert versions(universe, [Need("a", ">=1")]) == {"a": "1.0.0"}


def test_a_digest_is_asked_for_by_itself_or_with_a_version() -> None:
    first, second = Word((1, 0, 0, 0)), Word((2, 0, 0, 0))
    universe = {"a": [entry("a", "1.0.0", code=first), entry("a", "1.1.0", code=second)]}
    assert versions(universe, [Need("a", first.to_hex())]) == {"a": "1.0.0"}
    assert versions(universe, [Need("a", f"1.0.0#{second.to_hex()}")]) is None


def test_pre_releases_are_taken_if_one_is_asked_for() -> None:
    universe = {"a": [entry("a", "1.0.0"), entry("a", "1.1.0-rc.1")]}
    assert versions(universe, [Need("a", "1.0.0")]) == {"a": "1.0.0"}
    assert versions(universe, [Need("a", "1.1.0-rc.1")]) == {"a": "1.1.0-rc.1"}


def test_features_bring_optional_needs() -> None:
    universe = {
        "a": [entry("a", "1.0.0", [Need("b", optional=True), Need("c", optional=True)], {"fast": ["dep:b"], "default": ["c"]})],
        "b": [entry("b", "1.0.0")],
        "c": [entry("c", "1.0.0")],
    }
    assert versions(universe, [Need("a")]) == {"a": "1.0.0", "c": "1.0.0"}
    assert versions(universe, [Need("a", features=["fast"])]) == {"a": "1.0.0", "b": "1.0.0", "c": "1.0.0"}
    assert versions(universe, [Need("a", default_features=False)]) == {"a": "1.0.0"}


def test_there_is_one_kernel() -> None:
    universe = {
        "one": [entry("one", "1.0.0", kind="kernel")],
        "two": [entry("two", "1.0.0", kind="kernel")],
        "a": [entry("a", "1.0.0", [Need("one")])],
        "b": [entry("b", "1.0.0", [Need("two")]), entry("b", "0.9.0", [Need("one")])],
    }
    assert versions(universe, [Need("a"), Need("b", "*")]) == {"a": "1.0.0", "b": "0.9.0", "one": "1.0.0"}
    with pytest.raises(ResolutionError, match="there can be one kernel, and one and two are two"):
        resolve([Need("a"), Need("b", "^1")], lambda name: universe.get(name, []))


def kernel(version: str, code: int, *procedures: int) -> IndexEntry:
    exports = {f"::$kernel::p{number}": Word((number, 0, 0, 0)) for number in procedures}
    return entry("os", version, kind="kernel", code=Word((code, 0, 0, 0))).replace(exports=exports)


def test_a_kernel_has_what_the_packages_built_for_another_version_of_it_call() -> None:
    built = entry("a", "1.0.0", [Need("os", "*")]).replace(linked=(Linked("os", Word((100, 0, 0, 0))),))
    older, newer = entry("a", "0.9.0", [Need("os", "*")]), kernel("1.1.0", 101, 1, 2, 3)
    universe = {"a": [built, older], "os": [kernel("1.0.0", 100, 1, 2), newer, kernel("2.0.0", 102, 2, 3)]}
    assert versions(universe, [Need("a", "*")]) == {"a": "1.0.0", "os": "1.1.0"}
    assert versions(universe, [Need("a", "*"), Need("os", "^2")]) == {"a": "0.9.0", "os": "2.0.0"}
    [reason] = reasons(universe, Need("a", "^1"), Need("os", "^2"))
    assert "a 1.0.0 needs os with the procedures of kernel 0x640000000000.. and app needs os ^2, and no version of os" in reason


# what it says


def reasons(universe: Universe, *needs: Need) -> tuple[str, ...]:
    with pytest.raises(ResolutionError) as caught:
        resolve(needs, lambda name: universe.get(name, []), root="app")
    return caught.value.reasons


def test_a_conflict_names_both_chains_and_nothing_else() -> None:
    universe = {
        "math": [entry("math", f"{v}.0.0") for v in (1, 2)],
        "geometry": [entry("geometry", f"1.{v}.0", [Need("math", "^1")]) for v in range(3)],
        "other": [entry("other", "1.0.0")],
    }
    assert reasons(universe, Need("geometry", "^1"), Need("math", "^2"), Need("other")) == (
        "app needs geometry ^1, geometry 1.0.0 to 1.2.0 needs math ^1 and app needs math ^2, and no version of math is both",
    )


def test_a_package_that_is_not_there_is_named_with_what_needs_it() -> None:
    universe = {"a": [entry("a", "1.0.0", [Need("nowhere", "^1")])]}
    assert reasons(universe, Need("a")) == ("app needs a *, a 1.0.0 needs nowhere ^1, and there is no package nowhere",)


def test_versions_that_cannot_be_taken_are_told_from_those_that_can() -> None:
    universe = {"a": [entry("a", "1.0.0"), entry("a", "2.0.0", yanked="no"), entry("a", "3.0.0", mast=1)]}
    assert reasons(universe, Need("a", ">=2")) == (
        "app needs a >=2, and there are 1.0.0, 2.0.0 taken back, 3.0.0 of another MAST version",
    )
