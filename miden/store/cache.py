"""The hot cache: loaded objects in memory, within a budget of bytes.

`ArcCache` adapts between recency and frequency (the ARC policy: two lists of entries, two of ghosts, a target between
them that every hit on a ghost moves); `LruCache` drops what was used longest ago. Both are safe under threads, load each
key once however many threads ask for it, and count what they do.

An entry may be found under several keys: a forest serves all its roots. Its first key names it among the ghosts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from threading import Event, Lock, get_ident
from typing import Generic, NamedTuple, TypeVar

from miden.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")

DEFAULT_BUDGET = 64 * 2**20
"""Bytes that a cache of a long-lived process holds unless it is told otherwise."""


class Loaded(NamedTuple, Generic[K, V]):
    """What a loader returns: a value, its weight in bytes, and every key it serves."""

    value: V
    weight: int
    keys: tuple[K, ...]


class CacheCounters(NamedTuple):
    """What a cache has done and holds; a snapshot.

    `hits`, `misses`: look-ups answered from memory, and not. `loads`: calls of a loader that returned. `joined`: look-ups
    that waited for the load of another thread in place of their own. `evictions`: entries dropped for the budget.
    `rejected`: values larger than the whole budget, handed out and not kept. `entries`, `bytes`: what is held now.
    `budget`: None without a limit.
    """

    hits: int
    misses: int
    loads: int
    joined: int
    evictions: int
    rejected: int
    entries: int
    bytes: int
    budget: int | None

    @property
    def hit_rate(self) -> float:
        """Share of look-ups answered from memory, 0 before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


class _Entry(Generic[K, V]):
    __slots__ = ("frequent", "keys", "value", "weight")

    def __init__(self, value: V, weight: int, keys: tuple[K, ...]) -> None:
        self.value = value
        self.weight = weight
        self.keys = keys
        self.frequent = False


class _Flight(Generic[V]):
    """A load in progress: who waits for it finds its result or its error here."""

    __slots__ = ("error", "keep", "landed", "owner", "value")

    def __init__(self) -> None:
        self.owner = get_ident()
        self.landed: Event | None = None
        """Made by the first that waits: most loads have nobody waiting."""
        self.keep = True
        """False when the key was discarded meanwhile: what is being loaded may be older than that."""
        self.value: V | None = None
        self.error: Exception | None = None


class _Queue(OrderedDict[K, V]):
    """Things with a weight, least recently used first, and the sum of their weights."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0


class Cache(ABC, Generic[K, V]):
    """A cache with a budget of bytes; a policy is a subclass that says what to drop.

    Parameters
    ----------
    budget
        Bytes that the entries may weigh together; None for no limit, for a process that runs one program.

    Raises
    ------
    InputError
        For a budget that is not a positive integer.
    """

    policy = ""

    def __init__(self, budget: int | None = DEFAULT_BUDGET) -> None:
        if budget is not None and (type(budget) is not int or budget < 1):
            raise InputError(f"the budget must be a positive number of bytes or None, found {budget!r}", kind="InvalidBudget")
        self.budget = budget
        self.epoch = 0
        """Moves whenever something is held no more: who keeps parts of values knows that they may be old."""
        self.release: Callable[[V], object] | None = None
        """Called with a value that is no longer held, with the lock held: to cut what would keep it alive. It may be in use."""
        self._index: dict[K, _Entry[K, V]] = {}
        self._flights: dict[K, _Flight[V]] = {}
        self._lock = Lock()
        self._bytes = 0
        self._hits = self._misses = self._loads = self._joined = self._evictions = self._rejected = self._entries = 0

    # -- looking

    def get(self, key: K) -> V | None:
        """Return the value of a key if it is held, else None; both are counted."""
        with self._lock:
            entry = self._index.get(key)
            if entry is None:
                self._misses += 1
                return None
            self._hits += 1
            self._touch(entry)
            return entry.value

    def get_or_load(self, key: K, load: Callable[[K], Loaded[K, V]]) -> V:
        """Return the value of a key, calling `load` if it is not held.

        Threads that ask for a key while it is loaded wait for that load and get its result, or the error it raised. The
        lock is not held while a loader runs.

        >>> cache = LruCache(100)
        >>> cache.get_or_load("a", lambda key: Loaded(key.upper(), 10, (key,)))
        'A'
        >>> cache.get_or_load("a", lambda key: 1 / 0), cache.counters.hits
        ('A', 1)
        """
        with self._lock:  # the short way of `get_or_load_many`, for the look-up that every external call makes
            entry = self._index.get(key)
            if entry is not None:
                self._hits += 1
                self._touch(entry)
                return entry.value
        return self.get_or_load_many((key,), lambda _: {key: load(key)})[key]

    def get_or_load_many(self, keys: Iterable[K], load: Callable[[Sequence[K]], Mapping[K, Loaded[K, V]]]) -> dict[K, V]:
        """Return the values of keys, calling `load` at most once for those that are neither held nor being loaded.

        A key that the loader leaves out is left out of the result.
        """
        found: dict[K, V] = {}
        wanted = list(dict.fromkeys(keys))
        while wanted:
            ours, theirs = self._claim(wanted, found)
            if ours:
                self._load(ours, load, found)
            wanted = self._join(theirs, found)
        return found

    def peek(self, key: K) -> V | None:
        """Return the value of a key if it is held, without counting or remembering that it was looked at."""
        entry = self._index.get(key)
        return None if entry is None else entry.value

    def __contains__(self, key: object) -> bool:
        return key in self._index

    def __len__(self) -> int:
        """Return the number of entries."""
        return self._entries

    @property
    def counters(self) -> CacheCounters:
        """What the cache has done so far."""
        with self._lock:
            return CacheCounters(
                self._hits,
                self._misses,
                self._loads,
                self._joined,
                self._evictions,
                self._rejected,
                self._entries,
                self._bytes,
                self.budget,
            )

    # -- changing

    def put(self, loaded: Loaded[K, V]) -> None:
        """Hold a value under all its keys; an entry that had one of them is replaced."""
        with self._lock:
            self._insert(loaded)

    def discard(self, key: K) -> bool:
        """Drop the entry of a key, under all its keys, and return whether there was one; a load in progress is not kept either."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                flight.keep = False
            entry = self._index.get(key)
            if entry is not None:
                self._remove(entry)
            return entry is not None

    def clear(self) -> None:
        """Drop everything; what is being loaded is still handed to those who wait for it."""
        with self._lock:
            for flight in self._flights.values():
                flight.keep = False
            for entry in {id(entry): entry for entry in self._index.values()}.values():
                self._remove(entry)
            self._forget()

    # -- loading

    def _claim(self, wanted: list[K], found: dict[K, V]) -> tuple[dict[K, _Flight[V]], dict[K, _Flight[V]]]:
        """Sort keys into held ones, those we have to load, and those that another thread loads."""
        ours: dict[K, _Flight[V]] = {}
        theirs: dict[K, _Flight[V]] = {}
        with self._lock:
            for key in wanted:
                entry = self._index.get(key)
                if entry is not None:
                    self._hits += 1
                    self._touch(entry)
                    found[key] = entry.value
                    continue
                self._misses += 1
                flight = self._flights.get(key)
                if flight is None:
                    ours[key] = self._flights[key] = _Flight()
                elif flight.owner == get_ident():
                    for claimed in ours:
                        del self._flights[claimed]
                    raise InputError(f"the loader of {key!r} asks for what it loads", kind="RecursiveLoad")
                else:
                    self._joined += 1
                    theirs[key] = flight
                    if flight.landed is None:
                        flight.landed = Event()
        return ours, theirs

    def _load(self, ours: dict[K, _Flight[V]], load: Callable[[Sequence[K]], Mapping[K, Loaded[K, V]]], found: dict[K, V]) -> None:
        error: Exception | None = None
        loaded: Mapping[K, Loaded[K, V]] = {}
        try:
            loaded = load(tuple(ours))
        except Exception as caught:
            error = caught
            raise
        finally:  # an interrupt leaves neither value nor error: those who wait then load for themselves
            with self._lock:
                if loaded:
                    self._loads += 1
                done: set[int] = set()
                for key, flight in ours.items():
                    self._flights.pop(key, None)
                    result = loaded.get(key)
                    if result is not None:
                        flight.value = result.value
                        if flight.keep and id(result) not in done:  # one object may serve several of the keys
                            self._insert(result)
                            done.add(id(result))
                    flight.error = error
            for flight in ours.values():
                if flight.landed is not None:
                    flight.landed.set()
        found.update((key, result.value) for key, result in loaded.items() if key in ours)

    def _join(self, theirs: dict[K, _Flight[V]], found: dict[K, V]) -> list[K]:
        """Wait for the loads of other threads and return the keys that they did not bring."""
        again = []
        for key, flight in theirs.items():
            assert flight.landed is not None
            flight.landed.wait()
            if flight.error is not None:
                raise flight.error
            if flight.value is None:
                again.append(key)
            else:
                found[key] = flight.value
        return again

    # -- the entries; the lock is held

    def _insert(self, loaded: Loaded[K, V]) -> None:
        value, weight, keys = loaded
        for key in keys:
            old = self._index.get(key)
            if old is not None:
                self._remove(old)
        if self.budget is not None and weight > self.budget:
            self._rejected += 1
            self.epoch += 1
            if self.release is not None:
                self.release(value)
            return
        entry = _Entry(value, weight, keys)
        self._admit(entry, self.budget)
        for key in keys:
            self._index[key] = entry
        self._bytes += weight
        self._entries += 1

    def _remove(self, entry: _Entry[K, V]) -> None:
        """Drop an entry without a trace."""
        self._unlink(entry)
        self._drop(entry)

    def _evict(self, entry: _Entry[K, V]) -> None:
        """Drop an entry that its queue has given up, for the budget."""
        self._drop(entry)
        self._evictions += 1

    def _drop(self, entry: _Entry[K, V]) -> None:
        for key in entry.keys:
            if self._index.get(key) is entry:
                del self._index[key]
        self._bytes -= entry.weight
        self._entries -= 1
        self.epoch += 1
        if self.release is not None:
            self.release(entry.value)

    # -- the policy; the lock is held

    @abstractmethod
    def _touch(self, entry: _Entry[K, V]) -> None:
        """Note that an entry was used."""

    @abstractmethod
    def _admit(self, entry: _Entry[K, V], budget: int | None) -> None:
        """Make room for an entry and take it into a queue."""

    @abstractmethod
    def _unlink(self, entry: _Entry[K, V]) -> None:
        """Take an entry out of its queue."""

    @abstractmethod
    def _forget(self) -> None:
        """Forget what is remembered beyond the entries."""

    def __repr__(self) -> str:
        budget = "no limit" if self.budget is None else f"{self.budget} bytes"
        return f"<{type(self).__name__} {self._entries} entries, {self._bytes} of {budget}>"


class LruCache(Cache[K, V]):
    """Drops what was used longest ago.

    >>> cache = LruCache(2)
    >>> for key in "aba": _ = cache.get_or_load(key, lambda key: Loaded(ord(key), 1, (key,)))
    >>> cache.put(Loaded(99, 1, ("c",)))
    >>> cache.get("a"), cache.get("b"), cache.get("c")
    (97, None, 99)
    """

    policy = "lru"

    def __init__(self, budget: int | None = DEFAULT_BUDGET) -> None:
        super().__init__(budget)
        self._queue: OrderedDict[K, _Entry[K, V]] = OrderedDict()

    def _touch(self, entry: _Entry[K, V]) -> None:
        self._queue.move_to_end(entry.keys[0])

    def _admit(self, entry: _Entry[K, V], budget: int | None) -> None:
        if budget is not None:
            while self._bytes + entry.weight > budget:
                self._evict(self._queue.popitem(last=False)[1])
        self._queue[entry.keys[0]] = entry

    def _unlink(self, entry: _Entry[K, V]) -> None:
        del self._queue[entry.keys[0]]

    def _forget(self) -> None:
        """There is nothing: what was dropped leaves no trace."""


class ArcCache(Cache[K, V]):
    """Keeps apart what was used once and what was used again, and learns how to share the budget between them.

    A long scan passes through the first part and leaves the second alone. Entries that were dropped stay for a while as
    ghosts, names with a weight: one that is asked for again says which part is too small. Ghosts weigh as much as the
    budget at most, so there are never more of them than small entries would be.

    Source: Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003, with bytes for pages.
    """

    policy = "arc"

    def __init__(self, budget: int | None = DEFAULT_BUDGET) -> None:
        super().__init__(budget)
        self._recent: _Queue[K, _Entry[K, V]] = _Queue()
        self._frequent: _Queue[K, _Entry[K, V]] = _Queue()
        self._recent_ghosts: _Queue[K, int] = _Queue()
        self._frequent_ghosts: _Queue[K, int] = _Queue()
        self._target = 0.0

    def _touch(self, entry: _Entry[K, V]) -> None:
        name = entry.keys[0]
        if entry.frequent:
            self._frequent.move_to_end(name)
            return
        del self._recent[name]
        self._recent.bytes -= entry.weight
        entry.frequent = True
        self._frequent[name] = entry
        self._frequent.bytes += entry.weight

    def _admit(self, entry: _Entry[K, V], budget: int | None) -> None:
        name, weight = entry.keys[0], entry.weight
        if budget is not None:
            once, again = self._recent_ghosts, self._frequent_ghosts
            wanted_again = name in again
            if name in once:  # it was seen once lately: the part for such things is too small
                self._target = min(float(budget), self._target + weight * max(1.0, again.bytes / (once.bytes or 1)))
                once.bytes -= once.pop(name)
                entry.frequent = True
            elif wanted_again:
                self._target = max(0.0, self._target - weight * max(1.0, once.bytes / (again.bytes or 1)))
                again.bytes -= again.pop(name)
                entry.frequent = True
            while self._bytes + weight > budget:
                self._give_up(wanted_again)
            recent = self._recent.bytes + (0 if entry.frequent else weight)
            _trim(once, budget - recent)
            _trim(again, 2 * budget - self._bytes - weight - once.bytes)
        queue = self._frequent if entry.frequent else self._recent
        queue[name] = entry
        queue.bytes += weight

    def _give_up(self, wanted_again: bool) -> None:
        """Turn the oldest entry of the part that is too large into a ghost."""
        recent = self._recent
        over = recent.bytes > self._target or (wanted_again and recent.bytes == self._target)
        if recent and (over or not self._frequent):
            queue, ghosts = recent, self._recent_ghosts
        else:
            queue, ghosts = self._frequent, self._frequent_ghosts
        name, entry = queue.popitem(last=False)
        queue.bytes -= entry.weight
        ghosts[name] = entry.weight
        ghosts.bytes += entry.weight
        self._evict(entry)

    def _unlink(self, entry: _Entry[K, V]) -> None:
        queue = self._frequent if entry.frequent else self._recent
        del queue[entry.keys[0]]
        queue.bytes -= entry.weight

    def _forget(self) -> None:
        for ghosts in (self._recent_ghosts, self._frequent_ghosts):
            ghosts.clear()
            ghosts.bytes = 0
        self._target = 0.0


def _trim(ghosts: _Queue[K, int], budget: int) -> None:
    """Forget the oldest ghosts beyond a budget."""
    while ghosts and ghosts.bytes > budget:
        ghosts.bytes -= ghosts.popitem(last=False)[1]


POLICIES: dict[str, type[Cache[object, object]]] = {"arc": ArcCache, "lru": LruCache}


def make_cache(policy: str = "arc", budget: int | None = DEFAULT_BUDGET) -> Cache[K, V]:
    """Return a cache of a policy, ``arc`` or ``lru``; `InputError` of kind ``UnknownPolicy`` for another.

    >>> make_cache("arc", 1000)
    <ArcCache 0 entries, 0 of 1000 bytes>
    """
    kind = POLICIES.get(policy)
    if kind is None:
        raise InputError(f"the policy of a cache is one of {', '.join(POLICIES)}, found {policy!r}", kind="UnknownPolicy")
    return kind(budget)  # type: ignore[return-value]  # the table cannot say that any K and V will do
