"""Garbage collection: what no pin leads to is deleted, unless it is young.

It runs under the lock of writers: nothing can come to need an object between the look and the deletion. Readers go on; one
that had just found what is deleted finds it no more. Code that is only called dynamically is linked by nothing: pin it.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from miden.errors import FormatError, InputError, IntegrityError
from miden.store.envelope import Envelope
from miden.store.provider import Maintained

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.store.keys import ObjectKey
    from miden.store.pins import Pins
    from miden.store.provider import Entry, Provider

    Progress = Callable[[int, int], None]
    """Called with how much is done, and of how much."""

GRACE = 3600.0
"""Seconds for which an object is kept without a pin: as long as an installation may take."""

CHUNK = 64


class Collected(NamedTuple):
    """What a collection did, or would do in a dry run.

    `missing` are keys that something kept needs and that are not in this provider.
    """

    kept: int
    removed: int
    freed: int
    removed_keys: tuple[ObjectKey, ...]
    missing: tuple[ObjectKey, ...]
    dry_run: bool


def collect(home: Provider, pins: Pins, *, grace: float = GRACE, dry_run: bool = False, progress: Progress | None = None) -> Collected:
    """Delete the objects of a provider that neither a pin nor a young object leads to.

    Raises `InputError` of kind ``NotMaintained`` for a provider that cannot do that, `IntegrityError` if pins or an object that
    is kept are damaged: what they need is not known then.
    """
    if not isinstance(home, Maintained):
        raise InputError(f"the provider {home.name} cannot collect garbage", kind="NotMaintained")
    with home.exclusive():
        entries = list(home.inventory())
        by_key = {key: entry for entry in entries for key in entry.keys}
        roots = {key for keys in pins.all().values() for key in keys}
        oldest = time.time() - grace
        young = [entry.keys[0] for entry in entries if entry.written > oldest]  # a time in the future is not old
        kept, missing = _reach(home, by_key, {*roots, *young}, progress)
        dead = [entry for entry in entries if entry.id not in kept]
        keys = tuple(sorted(key for entry in dead for key in entry.keys))
        freed = sum(entry.size for entry in dead)
        if dry_run:
            freed += home.sweep(grace, dry_run=True)
        else:
            before = home.stat().bytes
            home.remove(keys)
            swept = home.sweep(grace)
            freed = max(swept, before - home.stat().bytes) if before >= 0 else freed + swept
    return Collected(len(entries) - len(dead), len(dead), freed, keys, tuple(sorted(missing)), dry_run)


def _reach(
    home: Provider, by_key: dict[ObjectKey, Entry], roots: set[ObjectKey], progress: Progress | None
) -> tuple[set[bytes], set[ObjectKey]]:
    """Return the ids of the objects that keys lead to, with what those need, and the keys that lead nowhere."""
    kept: set[bytes] = set()
    missing: set[ObjectKey] = set()
    waiting = sorted(roots)
    while waiting:
        chunk: list[ObjectKey] = []
        while waiting and len(chunk) < CHUNK:
            key = waiting.pop()
            entry = by_key.get(key)
            if entry is None:
                missing.add(key)
            elif entry.id not in kept:
                kept.add(entry.id)
                chunk.append(key)
        found = home.get_many(chunk)
        for key in chunk:
            waiting.extend(_links(key, found.get(key)))
        if progress is not None:
            progress(len(kept), len(by_key))
    return kept, missing


def _links(key: ObjectKey, data: bytes | None) -> tuple[ObjectKey, ...]:
    """Return what an object needs; `IntegrityError` if that is not certain."""
    try:
        if data is None:
            raise IntegrityError("it is not there", kind="LostObject")
        return Envelope.from_bytes(data).links
    except (FormatError, IntegrityError) as error:
        raise IntegrityError(
            f"the object {key} is damaged, so what it needs is not known: {error.message}",
            kind="DamagedObject",
            hint="run `miden store fsck --repair` first; nothing was deleted",
        ) from error
