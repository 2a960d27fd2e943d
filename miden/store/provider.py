"""The protocol of a place where objects are kept: bytes by key, nothing else.

A provider believes nothing and decodes nothing but the head of an envelope: `miden.store.store` verifies. It may run in
any number of threads at once. Errors of the place itself (a full disk, a broken connection) are `StorageError`, bytes that
the place knows to be damaged `IntegrityError`; an object that is not there is no error.

Third parties add providers under the entry point group ``miden.providers``: name -> a callable that takes the location as
text and keyword options, and returns a provider.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from miden.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from miden.store.keys import ObjectKey

GROUP = "miden.providers"
"""Entry point group of providers."""


class StoredObject(NamedTuple):
    """What a provider keeps: the bytes of an envelope, and the keys they are found by."""

    keys: tuple[ObjectKey, ...]
    data: bytes


class ProviderStat(NamedTuple):
    """What a provider holds: objects, keys that lead to them, and bytes they take; -1 where it cannot tell."""

    objects: int
    keys: int
    bytes: int


class Entry(NamedTuple):
    """One object in an inventory: its id (BLAKE3 of its bytes), the keys that lead to it, its size and its age.

    `written` counts seconds since the epoch by the clock of the place.
    """

    id: bytes
    keys: tuple[ObjectKey, ...]
    size: int
    written: float


class Finding(NamedTuple):
    """Something that a check found: where, of what kind, in words, the keys it concerns, and whether it was mended.

    Kinds are ``DamagedObject``, ``LostObject``, ``DamagedIndex``, ``DamagedPack``, ``UnreadableFile``, ``UnfinishedRemoval``,
    ``DamagedPins``.
    """

    provider: str
    kind: str
    what: str
    keys: tuple[ObjectKey, ...] = ()
    repaired: bool = False


@runtime_checkable
class Provider(Protocol):
    """A place where objects are kept.

    Attributes
    ----------
    name
        For messages; unique in a chain.
    writable
        Whether `put_many`, `remove` and `quarantine` do anything but raise.
    local
        Whether it is this machine's own: seals are honoured, and what comes from elsewhere is written back to it.
    """

    name: str
    writable: bool
    local: bool

    def get(self, key: ObjectKey) -> bytes | None:
        """Return the bytes of the object that is found by a key, or None."""

    def get_many(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, bytes]:
        """Return the bytes for the keys there are, in one round trip."""
        ...

    def contains(self, keys: Iterable[ObjectKey]) -> set[ObjectKey]:
        """Return the keys there are, in one round trip."""
        ...

    def put_many(self, objects: Iterable[StoredObject]) -> None:
        """Keep objects; they survive a loss of power when this returns.

        A crash before leaves some of them, each whole, or none. A key that leads to an object already keeps it, so putting
        again changes nothing but the age, and may mend what is damaged.
        """
        ...

    def remove(self, keys: Iterable[ObjectKey]) -> int:
        """Forget keys, and objects that no key leads to any more; return how many keys there were."""
        ...

    def keys(self) -> Iterator[ObjectKey]:
        """Iterate over all keys, in the order of their bytes."""
        ...

    def stat(self) -> ProviderStat:
        """Count what is there."""
        ...

    def quarantine(self, key: ObjectKey, reason: str, data: bytes | None = None) -> None:
        """Set aside what a key leads to: no key leads there any more.

        `data` is what `get` returned and was found wrong: nothing is done if the key leads to something else by now. None
        stands for what could not be read.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; the provider is not used again."""
        ...


@runtime_checkable
class Maintained(Protocol):
    """What a provider offers besides, if garbage can be collected in it."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep other writers out, threads and processes, while the block runs; may be entered again by the same thread."""

    def inventory(self) -> Iterator[Entry]:
        """Iterate over all objects."""
        ...

    def sweep(self, grace: float, *, dry_run: bool = False) -> int:
        """Delete what interrupted writers left behind more than `grace` seconds ago; return the bytes it took."""
        ...


class Repacked(NamedTuple):
    """What a repack did: objects in the new pack, files that are gone, bytes before and after."""

    objects: int
    files: int
    before: int
    after: int


@runtime_checkable
class Repackable(Protocol):
    """What a provider offers besides, if it can keep its objects in fewer files and bytes."""

    def repack(self, *, full: bool = False) -> Repacked:
        """Move objects together; `full` also those that are together already."""
        ...


@runtime_checkable
class Checked(Protocol):
    """What a provider offers besides, if it has files of its own to check."""

    def check(self, *, repair: bool = False) -> Iterator[Finding]:
        """Iterate over what is wrong with the place, objects' contents aside; never stop at the first."""
        ...


def open_provider(kind: str, location: str, **options: object) -> Provider:
    """Return a provider by the name of its entry point.

    Raises `InputError` of kind ``UnknownProvider`` if no installed package has one of that name.

    >>> open_provider("memory", "")
    <MemoryProvider 'memory', 0 objects>
    """
    maker = _BUILT_IN.get(kind)
    if maker is None:
        from importlib.metadata import entry_points

        found = entry_points(group=GROUP, name=kind)
        if not found:
            known = sorted({*_BUILT_IN, *(entry.name for entry in entry_points(group=GROUP))})
            raise InputError(f"there is no provider {kind!r}, there is {', '.join(known)}", kind="UnknownProvider")
        make: Callable[..., Provider] = next(iter(found)).load()
    else:
        from importlib import import_module

        make = getattr(import_module(maker[0]), maker[1])
    return make(location, **options)


_BUILT_IN = {
    "filesystem": ("miden.store.providers.filesystem.provider", "open_filesystem"),
    "memory": ("miden.store.providers.memory", "open_memory"),
    "sqlite": ("miden.store.providers.sqlite", "open_sqlite"),
    "lmdb": ("miden.store.providers.lmdb", "open_lmdb"),
    "fsspec": ("miden.store.providers.fsspec", "open_fsspec"),
    "http": ("miden.store.providers.http", "open_http"),
}
"""Our own providers, by name: they work in a checkout that is not installed."""
