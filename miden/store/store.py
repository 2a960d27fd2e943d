"""`ObjectStore`: ask for a root, get verified code or a clear no."""

from __future__ import annotations

from contextlib import nullcontext
from typing import NamedTuple

from miden.errors import InputError, NotFoundError
from miden.mast.program import Program
from miden.store.border import Border
from miden.store.cache import Loaded, make_cache
from miden.store.chain import Answer, Chain, missing
from miden.store.envelope import MAX_PAYLOAD
from miden.store.fsck import check_store
from miden.store.gc import GRACE, collect
from miden.store.keys import CODE_SPACES, ObjectKey, as_key
from miden.store.objects import POLICIES, CodeObject, envelopes_of
from miden.store.pins import Pins
from miden.store.provider import Maintained, Repackable, StoredObject
from miden.store.seals import Seals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self, TypeAlias

    from miden.field import Word
    from miden.mast.forest import MastForest
    from miden.store.cache import Cache, CacheCounters
    from miden.store.chain import Fetched, ProviderCounters
    from miden.store.envelope import Envelope
    from miden.store.fsck import Checkup
    from miden.store.gc import Collected, Progress
    from miden.store.objects import Content
    from miden.store.provider import Provider, ProviderStat, Repacked

    Root: TypeAlias = Word | ObjectKey | str | tuple[int, int, int, int]


class StoreCounters(NamedTuple):
    """What a store has done: its hot cache, and each provider by name."""

    cache: CacheCounters
    providers: dict[str, ProviderCounters]


class ObjectStore:
    """A hot cache over an ordered chain of providers, with verification between them.

    Parameters
    ----------
    providers
        Asked in this order; the first that is local and writable is where objects are put.
    cache
        The hot cache, see `miden.store.cache`; by default one that drops nothing.
    policy
        How large the objects are that `insert` makes: ``whole`` or ``procedures`` (see `miden.store.objects`).
    seals, pins
        What was verified before, what must be kept; by default they live as long as the store.
    max_payload
        Bytes of content that an object may have.

    Raises
    ------
    InputError
        For an unknown policy, or two providers of the same name.

    Examples
    --------
    >>> from miden.assembly import assemble
    >>> from miden.store.providers.memory import MemoryProvider
    >>> store = ObjectStore([MemoryProvider()])
    >>> program = assemble("begin add end")
    >>> [root] = store.insert(program)
    >>> root == program.hash, store.get(root) == program.forest
    (True, True)
    """

    def __init__(
        self,
        providers: Iterable[Provider],
        *,
        cache: Cache[ObjectKey, CodeObject] | None = None,
        policy: str = "whole",
        seals: Seals | None = None,
        pins: Pins | None = None,
        max_payload: int = MAX_PAYLOAD,
    ) -> None:
        if policy not in POLICIES:
            raise InputError(f"the policy is one of {', '.join(POLICIES)}, found {policy!r}", kind="UnknownPolicy")
        self.policy = policy
        self.cache: Cache[ObjectKey, CodeObject] = make_cache("arc", None) if cache is None else cache
        self.cache.release = _release
        self.seals = Seals() if seals is None else seals
        self.pins = Pins() if pins is None else pins
        self.chain = Chain(providers, Border(self.seals, max_payload))

    # -- finding

    def get(self, root: Root, *, content: bytes | None = None) -> MastForest:
        """Return a forest that has a procedure with this root.

        `content` insists on one certain forest, decorators, advice and all, by its content commitment
        (`miden.store.objects.content_of`).

        Raises `NotFoundError` of kind ``ObjectNotFound`` that names the providers asked; `IntegrityError` if all that was
        found was wrong.
        """
        return self.get_object(root, content=content).forest

    def get_program(self, root: Root) -> Program:
        """Return a program that starts at a root, with the kernel it was stored with.

        Code that was not stored as a program gets an empty kernel. Raises as `get` does.
        """
        key = as_key(root)
        found = self.get_object(key)
        if found.program is not None and found.program.hash == key.root:
            return found.program
        entrypoint = found.forest.find_procedure_root(key.digest)
        assert entrypoint is not None  # the border lets nothing else pass
        return Program(found.forest, entrypoint)

    def get_object(self, root: Root, *, content: bytes | None = None) -> CodeObject:
        """Return what is stored under a root, decoded, with its commitments; raises as `get` does."""
        key = root if type(root) is ObjectKey else as_key(root)  # what is held needs no check
        if content is None:
            return self.cache.get_or_load(key, self._load)
        found = self.cache.peek(key)
        if found is None or found.content != content:
            loaded = self._load(key, content)
            self.cache.put(loaded)
            found = loaded.value
        return found

    def get_bytes(self, root: Root) -> bytes:
        """Return the stored bytes of the object under a root, verified: an envelope. The hot cache is not asked; raises as `get` does."""
        key = as_key(root)
        answers: dict[ObjectKey, list[Answer]] = {}
        found = self.chain.fetch((key,), answers)
        if key not in found:
            raise missing(key, answers.get(key, ()))
        return found[key].data

    def get_many(self, roots: Iterable[Root]) -> dict[ObjectKey, MastForest]:
        """Return the forests of those roots that some provider has, asking each provider once."""
        found = self.cache.get_or_load_many([as_key(root) for root in roots], self._load_many)
        return {key: code.forest for key, code in found.items()}

    def fetch_many(self, keys: Iterable[ObjectKey]) -> dict[ObjectKey, Fetched]:
        """Return the objects of keys of any space that some provider has, verified, asking each provider once.

        The hot cache is neither asked nor filled. Raises `IntegrityError` if all that was found for a key was wrong, and
        `NotFoundError` if nobody has it and a provider could not be asked: a place that fails is not one without the object.
        """
        wanted = list(dict.fromkeys(keys))
        answers: dict[ObjectKey, list[Answer]] = {}
        found = self.chain.fetch(wanted, answers)
        for key in wanted:
            if key not in found and any(answer.error is not None for answer in answers.get(key, ())):
                raise missing(key, answers[key])
        return found

    def contains(self, root: Root) -> bool:
        """Tell whether the hot cache or some provider claims to have a root; nothing is loaded or verified."""
        key = as_key(root)
        return key in self.cache or any(key in provider.contains((key,)) for provider in self.chain.providers)

    def __contains__(self, root: object) -> bool:
        return self.contains(root)  # type: ignore[arg-type]  # what is no root is refused with an error

    def roots(self) -> Iterator[ObjectKey]:
        """Iterate over the keys in all providers that are local, each once."""
        seen: set[ObjectKey] = set()
        for provider in self.chain.providers:
            if provider.local:
                fresh = [key for key in provider.keys() if key not in seen]  # noqa: SIM118 (no mapping)
                seen.update(fresh)
                yield from fresh

    # -- changing

    def insert(self, content: Content, *, pin: bool | str = False) -> list[Word]:
        """Keep an artifact and return its roots, sorted; inserting again changes nothing.

        `pin` also pins the roots, for the owner ``manual`` or another. When this returns, the objects survive a loss of power.

        Raises `InputError` for what is no code, `IntegrityError` for wrong digests, `StorageError` if they cannot be kept.
        """
        return [key.root for key in self.keep(envelopes_of(content, self.policy), pin=pin)]

    def keep(self, envelopes: Iterable[Envelope], *, pin: bool | str = False) -> list[ObjectKey]:
        """Keep objects of any kind, which the caller has verified, and return their keys, sorted; see `insert`."""
        objects = [StoredObject(envelope.keys, envelope.to_bytes()) for envelope in envelopes]
        keys = sorted({key for stored in objects for key in stored.keys})
        home = self.home
        with home.exclusive() if isinstance(home, Maintained) else nullcontext():
            home.put_many(objects)
            if pin:
                self.pins.add(keys, owner=pin if isinstance(pin, str) else None)
        self.seals.add([self.seals.mark(stored.data) for stored in objects])
        return keys

    def remove(self, root: Root) -> bool:
        """Forget a root in all providers that are local and writable; return whether one had it.

        The other roots of its forest stay. Raises `InputError` of kind ``Pinned`` for a pinned root, `StorageError` if a
        provider cannot.
        """
        key = as_key(root)
        owners = self.pins.owners(key)
        if owners:
            raise InputError(f"{key} is pinned by {', '.join(owners)}", kind="Pinned", hint="unpin it first")
        self.cache.discard(key)
        counts = [provider.remove((key,)) for provider in self.chain.providers if provider.local and provider.writable]
        return any(counts)

    def pin(self, *roots: Root, owner: str | None = None) -> None:
        """Keep roots and what they need whenever garbage is collected; `owner` names who wants that, by default ``manual``.

        Raises `NotFoundError` of kind ``ObjectNotFound`` if one is not where objects are put; then none is pinned.
        """
        keys, home = [as_key(root) for root in roots], self.home
        with home.exclusive() if isinstance(home, Maintained) else nullcontext():
            here = home.contains(keys)
            for key in keys:
                if key not in here:
                    raise missing(key, [Answer(home.name, None)])
            self.pins.add(keys, owner=owner)

    def unpin(self, root: Root, *, owner: str | None = None) -> bool:
        """Take back a pin and return whether there was one."""
        return self.pins.discard(as_key(root), owner=owner)

    # -- maintenance

    def gc(self, *, grace: float = GRACE, dry_run: bool = False, progress: Progress | None = None) -> Collected:
        """Delete what no pin leads to and is older than `grace` seconds, where objects are put; see `miden.store.gc.collect`."""
        done = collect(self.home, self.pins, grace=grace, dry_run=dry_run, progress=progress)
        if not dry_run:
            for key in done.removed_keys:
                self.cache.discard(key)
        return done

    def fsck(self, *, repair: bool = False, fast: bool = False, progress: Progress | None = None) -> Checkup:
        """Check everything that is local, and mend what can be mended; see `miden.store.fsck.check_store`."""
        return check_store(self.chain, self.pins, repair=repair, fast=fast, progress=progress)

    def repack(self, *, full: bool = False) -> Repacked:
        """Keep the objects in fewer files; `full` makes one pack of all.

        Raises `InputError` of kind ``NotMaintained`` for a provider that has no packs.
        """
        home = self.home
        if not isinstance(home, Repackable):
            raise InputError(f"the provider {home.name} has no packs", kind="NotMaintained")
        return home.repack(full=full)

    # -- telling

    def stat(self) -> dict[str, ProviderStat]:
        """Count what each provider holds, by its name."""
        return {provider.name: provider.stat() for provider in self.chain.providers}

    @property
    def counters(self) -> StoreCounters:
        """What the hot cache and the providers have done."""
        return StoreCounters(self.cache.counters, self.chain.counters)

    def close(self) -> None:
        """Close all providers."""
        for provider in self.chain.providers:
            provider.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ObjectStore {' > '.join(provider.name for provider in self.chain.providers) or 'without providers'}>"

    # -- loading

    @property
    def home(self) -> Provider:
        """The provider that objects are put into; `NotFoundError` of kind ``NoHome`` if there is none."""
        home = self.chain.home
        if home is None:
            raise NotFoundError("the store has no provider that is local and writable, so nothing can be put into it", kind="NoHome")
        return home

    def _load(self, key: ObjectKey, content: bytes | None = None) -> Loaded[ObjectKey, CodeObject]:
        key.check()
        _check_code(key)
        answers: dict[ObjectKey, list[Answer]] = {}
        found = self.chain.fetch((key,), answers, content=content)
        if key not in found:
            raise missing(key, answers.get(key, ()))
        return _loaded(found[key])

    def _load_many(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, Loaded[ObjectKey, CodeObject]]:
        results: dict[int, Loaded[ObjectKey, CodeObject]] = {}
        for key in keys:
            _check_code(key)
        found = self.chain.fetch(keys, {})
        for fetched in found.values():
            results.setdefault(id(fetched.admitted), _loaded(fetched))
        return {key: results[id(fetched.admitted)] for key, fetched in found.items()}


def _check_code(key: ObjectKey) -> None:
    if key.space not in CODE_SPACES:
        raise InputError(f"{key} is the key of a block, not the root of code", kind="InvalidRoot")


def _loaded(fetched: Fetched) -> Loaded[ObjectKey, CodeObject]:
    """Return an object as the hot cache wants it."""
    code, keys, _ = fetched.admitted
    assert isinstance(code, CodeObject)  # the border lets nothing else pass for a key of code
    return Loaded(code, memory_of(code.forest) + KEY_WEIGHT * len(keys), keys)


def _release(code: CodeObject) -> None:
    """Cut the circle of a forest and its compiled code, which would wait for the garbage collector; runs keep what they use."""
    code.forest.compiled.clear()


def memory_of(forest: MastForest) -> int:
    """Return about how many bytes a forest takes in memory when it has been run, with what a backend made of it.

    Measured: 1.8 KB for the objects around the columns, 16 for an operation and about 100 for a node in the core's form.
    """
    return 1800 + forest.nbytes + 17 * len(forest.operation_bytes) + 100 * len(forest)


KEY_WEIGHT = 180
"""Bytes of a key in the index of the hot cache."""
