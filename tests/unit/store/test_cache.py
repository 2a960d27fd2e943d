"""The hot cache: right values under eviction, one load for each key, and the hit rates it is chosen for (R16)."""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import InputError
from miden.store.cache import ArcCache, Cache, Loaded, LruCache, make_cache

if TYPE_CHECKING:
    from collections.abc import Sequence

GETS = int(os.environ.get("MIDEN_CACHE_GETS", "50000"))
"""Look-ups of the long test; a million before a release."""

policies = pytest.mark.parametrize("policy", ["arc", "lru"])


def load_one(key: int) -> Loaded[int, int]:
    return Loaded(key * 7, 1, (key,))


def zipf(count: int, seed: int = 1, keys: int = 10_000, exponent: float = 0.9) -> list[int]:
    """Return look-ups of keys whose rank says how often they are asked for."""
    weights = list(itertools.accumulate(1 / (rank + 1) ** exponent for rank in range(keys)))
    return random.Random(seed).choices(range(keys), cum_weights=weights, k=count)


def with_scan(trace: Sequence[int], seed: int = 2) -> list[int]:
    """Replace a third of the look-ups by keys that are asked for once."""
    rng, fresh = random.Random(seed), itertools.count(max(trace) + 1)
    return [key if rng.random() >= 1 / 3 else next(fresh) for key in trace]


def hit_rate(cache: Cache[int, int], trace: Sequence[int]) -> float:
    for key in trace:
        assert cache.get_or_load(key, load_one) == key * 7
    return cache.counters.hit_rate


def test_hit_rates_on_the_two_traces_of_the_promise() -> None:
    trace = zipf(200_000)
    scanned = with_scan(trace)
    arc, lru = hit_rate(ArcCache(1000), trace), hit_rate(LruCache(1000), trace)
    assert arc >= 0.61 > 0.56 > lru
    arc, lru = hit_rate(ArcCache(1000), scanned), hit_rate(LruCache(1000), scanned)
    assert arc >= 0.41 > 0.32 > lru


@policies
def test_a_budget_of_one_object_gives_the_same_values_as_no_cache(policy: str) -> None:
    cache: Cache[int, int] = make_cache(policy, 1)
    trace = zipf(GETS, seed=3, keys=50)
    assert [cache.get_or_load(key, load_one) for key in trace] == [key * 7 for key in trace]
    counters = cache.counters
    assert counters.hits + counters.misses == GETS
    assert counters.evictions == counters.loads - 1
    assert (counters.entries, counters.bytes) == (1, 1)


@policies
def test_without_a_budget_nothing_is_evicted(policy: str) -> None:
    cache: Cache[int, int] = make_cache(policy, None)
    for key in range(1000):
        cache.get_or_load(key, lambda key: Loaded(key, 10**9, (key,)))
    assert (cache.counters.evictions, len(cache), cache.counters.bytes) == (0, 1000, 10**12)


@policies
def test_what_is_larger_than_the_budget_is_handed_out_and_not_kept(policy: str) -> None:
    cache: Cache[int, int] = make_cache(policy, 10)
    cache.put(Loaded(1, 4, (1,)))
    assert cache.get_or_load(2, lambda key: Loaded(2, 11, (key,))) == 2
    assert (cache.counters.rejected, 1 in cache, 2 in cache) == (1, True, False)


@policies
def test_an_entry_is_found_under_all_its_keys_and_leaves_with_all_of_them(policy: str) -> None:
    cache: Cache[str, str] = make_cache(policy, 10)
    cache.put(Loaded("forest", 6, ("a", "b", "c")))
    assert [cache.get(key) for key in "abc"] == ["forest"] * 3
    assert len(cache) == 1
    cache.put(Loaded("other", 6, ("d",)))
    assert [cache.get(key) for key in "abcd"] == [None, None, None, "other"]
    cache.put(Loaded("again", 3, ("d", "e")))
    assert (cache.get("d"), cache.get("e"), cache.counters.bytes) == ("again", "again", 3)
    assert cache.discard("e")
    assert not cache.discard("d")
    assert cache.counters.bytes == 0


weights = st.integers(1, 12)
operations = st.lists(st.tuples(st.sampled_from(["load", "put", "get", "discard", "clear"]), st.integers(0, 15), weights), max_size=80)


@policies
@given(budget=st.integers(1, 40), steps=operations)
def test_values_and_budget_hold_whatever_happens(policy: str, budget: int, steps: list[tuple[str, int, int]]) -> None:
    cache: Cache[int, tuple[int, int]] = make_cache(policy, budget)
    current: dict[int, tuple[int, int]] = {}
    """What each key stands for now: a cache may forget it, never give another."""
    for number, (what, key, weight) in enumerate(steps):
        value = (key, number)
        if what == "load":
            expected = current.get(key) if key in cache else value
            current[key] = cache.get_or_load(key, lambda key, value=value, weight=weight: Loaded(value, weight, (key,)))
            assert current[key] == expected
        elif what == "put":
            cache.put(Loaded(value, weight, (key,)))
            current[key] = value
        elif what == "get":
            assert cache.get(key) in (None, current.get(key))
        elif what == "discard":
            cache.discard(key)
            current.pop(key, None)
        else:
            cache.clear()
            current.clear()
        counters = cache.counters
        assert counters.bytes <= budget
        assert counters.entries == len(cache) == sum(key in cache for key in range(16))


@given(steps=st.lists(st.integers(0, 12), max_size=200), capacity=st.integers(1, 8))
def test_lru_drops_what_was_used_longest_ago(steps: list[int], capacity: int) -> None:
    cache, model = LruCache[int, int](capacity), OrderedDict[int, int]()
    for key in steps:
        assert (key in cache) == (key in model)
        cache.get_or_load(key, load_one)
        model[key] = key
        model.move_to_end(key)
        if len(model) > capacity:
            model.popitem(last=False)


def test_a_scan_leaves_alone_what_arc_has_seen_twice() -> None:
    arc, lru = ArcCache[int, int](100), LruCache[int, int](100)
    for cache in (arc, lru):
        hit_rate(cache, [*range(50), *range(50), *range(1000, 2000)])
    assert sum(key in arc for key in range(50)) == 50
    assert sum(key in lru for key in range(50)) == 0


@policies
def test_ghosts_do_not_grow_without_end(policy: str) -> None:
    cache: Cache[int, int] = make_cache(policy, 64)
    hit_rate(cache, zipf(20_000, seed=4, keys=5000))
    if isinstance(cache, ArcCache):
        assert len(cache._recent_ghosts) + len(cache._frequent_ghosts) <= 64


@policies
def test_threads_that_want_one_key_load_it_once(policy: str) -> None:
    cache: Cache[int, object] = make_cache(policy, 1000)
    entered, go = threading.Event(), threading.Event()
    loads: list[int] = []
    results: list[object] = []

    def load(key: int) -> Loaded[int, object]:
        loads.append(key)
        entered.set()
        assert go.wait(30)
        return Loaded(object(), 1, (key,))

    threads = [threading.Thread(target=lambda: results.append(cache.get_or_load(5, load))) for _ in range(16)]
    threads[0].start()
    assert entered.wait(30)
    for thread in threads[1:]:
        thread.start()
    while cache.counters.joined < 15:  # all of them are waiting: ends as soon as the last has come
        threads[-1].join(0.001)
    go.set()
    for thread in threads:
        thread.join(30)
    assert loads == [5]
    assert len(results) == 16
    assert len(set(map(id, results))) == 1


def test_an_error_of_a_load_is_told_to_all_and_not_kept() -> None:
    cache: Cache[int, int] = make_cache("arc", 10)
    entered, go = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def fail(key: int) -> Loaded[int, int]:
        entered.set()
        assert go.wait(30)
        raise LookupError(f"no {key}")

    def ask() -> None:
        try:
            cache.get_or_load(1, fail)
        except LookupError as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads[0].start()
    assert entered.wait(30)
    for thread in threads[1:]:
        thread.start()
    while cache.counters.joined < 2:
        threads[-1].join(0.001)
    go.set()
    for thread in threads:
        thread.join(30)
    assert len(errors) == 3
    assert cache.get_or_load(1, load_one) == 7


def test_who_waits_for_an_interrupted_load_loads_for_itself() -> None:
    cache: Cache[int, int] = make_cache("arc", 10)
    entered, go = threading.Event(), threading.Event()
    results: list[object] = []

    def interrupted(_key: int) -> Loaded[int, int]:
        entered.set()
        assert go.wait(30)
        raise KeyboardInterrupt

    def ask(load: object) -> None:
        try:
            results.append(cache.get_or_load(1, load))  # type: ignore[arg-type]
        except KeyboardInterrupt:
            results.append("interrupted")

    first, second = threading.Thread(target=ask, args=(interrupted,)), threading.Thread(target=ask, args=(load_one,))
    first.start()
    assert entered.wait(30)
    second.start()
    while cache.counters.joined < 1:
        second.join(0.001)
    go.set()
    first.join(30)
    second.join(30)
    assert sorted(map(str, results)) == ["7", "interrupted"]


def test_what_was_discarded_while_it_was_loaded_is_not_kept() -> None:
    cache: Cache[int, int] = make_cache("arc", 10)

    def load(key: int) -> Loaded[int, int]:
        cache.discard(key)  # as another thread would: the lock is free
        return Loaded(1, 1, (key,))

    assert cache.get_or_load(3, load) == 1
    assert 3 not in cache


def test_a_loader_that_asks_for_what_it_loads_is_told_so() -> None:
    cache: Cache[int, int] = make_cache("arc", 10)
    with pytest.raises(InputError, match="asks for what it loads") as caught:
        cache.get_or_load(1, lambda key: Loaded(cache.get_or_load(key, load_one), 1, (key,)))
    assert caught.value.kind == "RecursiveLoad"
    assert cache.get_or_load(1, load_one) == 7


def test_many_keys_are_loaded_in_one_call_and_what_is_missing_is_left_out() -> None:
    cache: Cache[int, int] = make_cache("arc", 100)
    calls: list[Sequence[int]] = []

    def load(keys: Sequence[int]) -> dict[int, Loaded[int, int]]:
        calls.append(keys)
        return {key: load_one(key) for key in keys if key != 4}

    cache.put(load_one(2))
    assert cache.get_or_load_many([1, 2, 3, 4, 1], load) == {1: 7, 2: 14, 3: 21}
    assert calls == [(1, 3, 4)]


def test_threads_with_overlapping_keys_load_each_once() -> None:
    cache: Cache[int, int] = make_cache("arc", None)
    loaded: list[int] = []
    start = threading.Barrier(8)

    def load(keys: Sequence[int]) -> dict[int, Loaded[int, int]]:
        loaded.extend(keys)
        return {key: load_one(key) for key in keys}

    def work(seed: int) -> None:
        rng = random.Random(seed)
        start.wait(30)
        for _ in range(200):
            keys = rng.sample(range(300), 10)
            assert cache.get_or_load_many(keys, load) == {key: key * 7 for key in keys}

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(loaded) == sorted(set(loaded))


@pytest.mark.parametrize("budget", [0, -1, 1.5, True, "1"])
def test_a_budget_is_a_positive_number_of_bytes(budget: object) -> None:
    with pytest.raises(InputError, match="budget") as caught:
        make_cache("arc", budget)  # type: ignore[arg-type]
    assert caught.value.kind == "InvalidBudget"


def test_another_policy_is_refused() -> None:
    with pytest.raises(InputError, match="one of arc, lru") as caught:
        make_cache("fifo")
    assert caught.value.kind == "UnknownPolicy"
