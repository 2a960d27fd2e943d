"""Packages that are installed when a run first meets a root of theirs.

`RegistryProvider` is the last provider of a store: asked for a root that nobody before it has, it looks for a package that
exports it, installs that one package in a transaction of its own, and hands its code out. The store verifies it once more,
as it does everything that comes from a provider that is not local.
"""

from __future__ import annotations

from miden.errors import NotFoundError
from miden.registry.installed import Wanted
from miden.registry.lockfile import RUN, Lock, LockedPackage
from miden.store.keys import CODE_SPACES
from miden.store.objects import envelopes_of
from miden.store.provider import ProviderStat, StoredObject
from miden.store.store import ObjectStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import NoReturn

    from miden.registry.index import IndexEntry
    from miden.registry.install import Installer
    from miden.store.keys import ObjectKey


class RegistryProvider:
    """Code of packages that are not installed yet.

    Parameters
    ----------
    installer
        What they are installed with.

    Attributes
    ----------
    installed
        (name, version) of the packages that came, in order.
    """

    name = "registries"
    writable = False
    local = False

    def __init__(self, installer: Installer) -> None:
        self._installer = installer
        self.installed: list[tuple[str, str]] = []

    def get(self, key: ObjectKey) -> bytes | None:
        """Install a package that exports a root, and return its code; None if no registry has one."""
        found = self._find(key)
        if found is None:
            return None
        from miden.package.package import Package

        lock = Lock([LockedPackage(found, self._installer.sources.registry_of(found.name).name, RUN)])
        wanted = Wanted(RUN, found.name, found.version, f"={found.version}")
        change = self._installer.apply(lock, [wanted], replace=lambda _: False)
        self.installed += change.added
        package = Package.from_trusted_bytes(self._installer.home.data(found))
        return next((envelope.to_bytes() for envelope in envelopes_of(package) if key in envelope.keys), None)

    def get_many(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, bytes]:
        """Return the code for the keys that some package exports."""
        found = ((key, self.get(key)) for key in keys)
        return {key: data for key, data in found if data is not None}

    def contains(self, keys: Iterable[ObjectKey]) -> set[ObjectKey]:
        """Return the keys that some package exports; nothing is installed."""
        return {key for key in keys if self._find(key) is not None}

    def _find(self, key: ObjectKey) -> IndexEntry | None:
        if key.space not in CODE_SPACES:
            return None
        entries = [entry for entry in self._installer.sources.provides(key.root) if entry.mast == key.space]
        entries.sort(key=lambda entry: (entry.yanked is not None, entry.name, entry.version))
        return entries[0] if entries else None

    def keys(self) -> Iterator[ObjectKey]:
        """Iterate over nothing: what registries have is not listed."""
        return iter(())

    def stat(self) -> ProviderStat:
        """Return that nothing is known of how much there is."""
        return ProviderStat(-1, -1, -1)

    def put_many(self, objects: Iterable[StoredObject]) -> None:
        """Refuse: packages are published, not put."""
        self._refuse()

    def remove(self, keys: Iterable[ObjectKey]) -> int:
        """Refuse."""
        self._refuse()

    def quarantine(self, key: ObjectKey, reason: str, data: bytes | None = None) -> None:
        """Do nothing: what is wrong stays where it came from."""

    def _refuse(self) -> NoReturn:
        raise NotFoundError("code is not put into registries by their roots: publish a package", kind="NotWritable")

    def close(self) -> None:
        """Do nothing: registries belong to who opened them."""


def with_registries(store: ObjectStore, provider: RegistryProvider) -> ObjectStore:
    """Return a store that asks registries last; it shares all else with the one that is given."""
    return ObjectStore([*store.chain.providers, provider], cache=store.cache, policy=store.policy, seals=store.seals, pins=store.pins)


def find_export(entry: IndexEntry, procedure: str) -> str:
    """Return the path of the exported procedure that a person means: a whole path, or the end of one.

    Raises `NotFoundError` of kind ``ProcedureNotFound`` if there is none, or several.
    """
    absolute = procedure if procedure.startswith("::") else f"::{procedure}"
    found = [path for path in entry.exports if f"::{path.removeprefix('::')}" == absolute]
    if not found and not procedure.startswith("::"):
        found = [path for path in entry.exports if path.endswith(f"::{procedure}")]
    if len(found) == 1:
        return found[0]
    from difflib import get_close_matches

    near = found or get_close_matches(procedure, entry.exports, 3, 0.4) or list(entry.exports)[:3]
    what = "exports no procedure" if not found else f"exports {len(found)} procedures"
    hint = f"there is {', '.join(near)}" if near else None
    raise NotFoundError(f"{entry.name} {entry.version} {what} {procedure[:80]}", kind="ProcedureNotFound", hint=hint)
