"""Checking a store: every file, every object, every seal and pin; and mending what other copies can mend."""

from __future__ import annotations

from contextlib import nullcontext
from typing import NamedTuple

from miden.errors import FormatError, IntegrityError, MidenError, StorageError
from miden.store.envelope import Envelope, object_id
from miden.store.kinds import decode
from miden.store.objects import CodeObject
from miden.store.provider import Checked, Entry, Finding, Maintained, StoredObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from miden.store.chain import Chain
    from miden.store.gc import Progress
    from miden.store.keys import ObjectKey
    from miden.store.pins import Pins
    from miden.store.provider import Provider


class Checkup(NamedTuple):
    """What a check found: objects looked at, their bytes, and everything that is wrong."""

    objects: int
    bytes: int
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong any more."""
        return all(finding.repaired for finding in self.findings)


def check_store(chain: Chain, pins: Pins, *, repair: bool = False, fast: bool = False, progress: Progress | None = None) -> Checkup:
    """Check all local providers of a chain, and never stop at the first damage.

    Every object is hashed anew, whatever its seal says; afterwards exactly those that are whole have seals. `fast` leaves the
    objects' contents out. With `repair` what is damaged is set aside, and fetched from the other providers of the chain: never
    is a copy believed that was not verified just now. Indexes are made anew. Readers go on meanwhile, writers wait.
    """
    findings: list[Finding] = []
    marks: list[bytes] = []
    objects = size = 0
    for provider in chain.providers:
        if not provider.local:
            continue
        with provider.exclusive() if provider.writable and isinstance(provider, Maintained) else nullcontext():
            for finding in provider.check(repair=repair) if isinstance(provider, Checked) else ():
                findings.append(_mend(chain, provider, finding) if repair and finding.kind == "LostObject" else finding)
            if fast:
                continue
            entries, fault = _entries(provider)
            if fault is not None and not any(finding.provider == provider.name for finding in findings):
                findings.append(Finding(provider.name, fault.kind, fault.message))
            for number, entry in enumerate(entries):
                objects += 1
                size += entry.size
                data, wrong = _examine(provider, entry)
                if wrong is not None:
                    finding = Finding(provider.name, "DamagedObject", wrong, entry.keys)
                    if repair and provider.writable:
                        finding = _replace(chain, provider, finding, data)
                    findings.append(finding)
                elif data is not None:
                    marks.append(chain.border.seals.mark(data))
                if progress is not None:
                    progress(number + 1, len(entries))
    findings += _check_pins(chain, pins)
    if not fast:
        chain.border.seals.replace(marks)
    return Checkup(objects, size, tuple(findings))


def _entries(provider: Provider) -> tuple[list[Entry], MidenError | None]:
    """Return the objects of a provider, or why they cannot be told; where there is no inventory, what its keys lead to."""
    try:
        if isinstance(provider, Maintained):
            return list(provider.inventory()), None
        return [Entry(b"", (key,), 0, 0.0) for key in provider.keys()], None  # noqa: SIM118 (no mapping)
    except (IntegrityError, StorageError) as error:
        return [], error


def _examine(provider: Provider, entry: Entry) -> tuple[bytes | None, str | None]:
    """Return the bytes of an object, if they can be read, and what is wrong with it, or None; both None if it was removed."""
    data: bytes | None = None
    try:
        data = provider.get(entry.keys[0])
        if data is None:
            return None, None
        if entry.id and object_id(data) != entry.id:
            return data, f"its bytes are those of the object {object_id(data).hex()}, or of none"
        verify_object(data, entry.keys)
    except (FormatError, IntegrityError, StorageError) as error:
        return data, error.message
    return data, None


def verify_object(data: bytes, keys: Iterable[ObjectKey]) -> Envelope:
    """Verify the bytes of an object in full, and that it serves some keys.

    Raises `FormatError` or `IntegrityError`.
    """
    envelope = Envelope.from_bytes(data)
    for key in keys:
        if key not in envelope.keys:
            raise IntegrityError(
                "the object found is another one than was asked for", expected=str(key), found=str(envelope.keys[0]), kind="WrongObject"
            )
    found = decode(envelope, verify=True)
    if isinstance(found, CodeObject):
        len(found.forest.debug_info.decorators)  # which are read when they are asked for
    return envelope


def _replace(chain: Chain, provider: Provider, finding: Finding, data: bytes | None) -> Finding:
    """Set a damaged object aside and fetch it anew; return the finding with what came of it."""
    try:
        provider.quarantine(finding.keys[0], finding.what, data)
    except (StorageError, IntegrityError) as error:
        return finding._replace(what=f"{finding.what}; it cannot be set aside: {error.message}")
    return _mend(chain, provider, finding)


def _mend(chain: Chain, provider: Provider, finding: Finding) -> Finding:
    """Fetch what a finding is about from the other providers; return the finding with what came of it."""
    missing = set(finding.keys)
    for copy in _copies(chain.providers, provider, finding.keys):
        try:
            provider.put_many([copy])
        except StorageError as error:
            return finding._replace(what=f"{finding.what}; a copy cannot be put in its place: {error.message}")
        missing -= set(copy.keys)
    return finding._replace(repaired=not missing)


def _copies(providers: Sequence[Provider], broken: Provider, keys: Sequence[ObjectKey]) -> Iterator[StoredObject]:
    """Iterate over verified objects that serve some of the keys, from any provider but one."""
    missing = set(keys)
    for other in providers:
        if other is broken:
            continue
        for key in keys:
            if key not in missing:
                continue
            try:
                data = other.get(key)
                if data is None:
                    continue
                envelope = verify_object(data, (key,))
            except MidenError:  # this copy is no help; its own provider's turn comes, or has been
                continue
            missing -= set(envelope.keys)
            yield StoredObject(envelope.keys, data)


def _check_pins(chain: Chain, pins: Pins) -> Iterator[Finding]:
    """Iterate over what is wrong with pins: files that are damaged, pinned objects that are in no local provider."""
    try:
        pinned = sorted({key for keys in pins.all().values() for key in keys})
    except (IntegrityError, StorageError) as error:
        yield Finding("pins", error.kind, error.message)
        return
    for provider in chain.providers:
        if provider.local and pinned:
            try:
                here = provider.contains(pinned)
            except (IntegrityError, StorageError):  # told of before
                return
            pinned = [key for key in pinned if key not in here]
    for key in pinned:
        yield Finding("pins", "LostObject", "a pinned object is in no local provider", (key,))
