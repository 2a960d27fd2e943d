"""Transactions on what is installed: choose, fetch, verify, keep, and then switch in one step.

Everything that can fail comes before the switch. Packages are fetched side by side and verified in memory; only when all
of them are as their lock says is anything written: files under their hashes, code into the object store, pinned. None of
that is seen by anybody before the set is replaced. Whoever is killed, at any moment, leaves the old state or the new
one; what was written for nothing is collected later. Nothing in a package is ever run by installing it. (R7, R8, R40.)
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from miden.errors import InputError, IntegrityError, NotFoundError
from miden.isa import NodeKind
from miden.package.linked import is_core
from miden.package.needs import Need
from miden.package.requirements import Requirement
from miden.registry.index import EXECUTABLE, Linked
from miden.registry.installed import USER, Home, InstalledPackage, InstalledSet, Wanted
from miden.registry.lockfile import RUN, Lock, LockedPackage
from miden.registry.names import PackageReference, unknown_package
from miden.registry.planning import plan_linked, plan_running
from miden.registry.resolver import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from miden.field import Word
    from miden.package.package import Package
    from miden.registry.index import IndexEntry
    from miden.registry.sources import Sources
    from miden.store.store import ObjectStore

    Progress = Callable[[int, int, str], None]
    """Called with bytes that are here, of how many, and the name of the package that came last."""

OWNER = "package "
"""How owners of pins begin that stand for installed packages."""
JOBS = 8
ATTEMPTS = 10
MAX_TRANSACTION = 2**30
"""Bytes of all packages of one transaction."""


class Change(NamedTuple):
    """What a transaction did: ids of packages that came, went, and stayed."""

    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]
    kept: tuple[tuple[str, str], ...]
    state: InstalledSet


class Outdated(NamedTuple):
    """A package of which there are newer versions: the newest that was asked for, and the newest of all."""

    name: str
    version: str
    compatible: str
    latest: str
    requirement: str


class Installer:
    """Installs packages into a home, and their code into an object store.

    Parameters
    ----------
    home
        Where packages are kept.
    store
        Where code is kept; None keeps packages only.
    sources
        Where packages come from; None for what needs none of them.
    progress
        Called while packages are fetched.
    jobs
        Packages that are fetched at once.
    """

    def __init__(
        self,
        home: Home,
        store: ObjectStore | None = None,
        sources: Sources | None = None,
        *,
        progress: Progress | None = None,
        jobs: int = JOBS,
    ) -> None:
        self.home = home
        self.store = store
        self._sources = sources
        self._progress = progress
        self._jobs = jobs

    @property
    def sources(self) -> Sources:
        """Where packages come from; `NotFoundError` of kind ``NoRegistry`` if nowhere."""
        if self._sources is None or not self._sources.bound:
            raise NotFoundError(
                "no registry is known", kind="NoRegistry", hint="name one with --registry, or list it in miden-registries.toml"
            )
        return self._sources

    # transactions

    def install(self, references: Iterable[str], *, owner: str = USER) -> Change:
        """Install packages by name, such as ``acme/math@^1.2``, with all that they need to run.

        Of each the highest version that is accepted is taken. Raises `ResolutionError`, `NotFoundError`, `IntegrityError`,
        and what registries raise; nothing has changed then.
        """
        entries = []
        wanted = []
        for text in references:
            reference = PackageReference(text)
            entry = self.choose(reference)
            entries.append(entry)
            wanted.append(Wanted(owner, entry.name, entry.version, reference.requirement))
        return self.apply(plan_running(entries, self.sources), wanted, replace=lambda old: old.owner == owner and old.name in names(wanted))

    def resolve(self, reference: str) -> Word:
        """Return the root of a program or procedure by its name, such as ``acme/math@1.2::u64::add``; install it if need be.

        This is what `miden.store.VirtualMachine` asks of its registry. Raises as `install` does, `NotFoundError` of kind
        ``ProcedureNotFound``, and `InputError` of kind ``NotAProgram`` for a library without a procedure.
        """
        from miden.registry.lazy import find_export

        asked = PackageReference(reference)
        entry = self.ensure(asked).entry
        if asked.procedure is not None:
            return entry.exports[find_export(entry, asked.procedure)]
        if entry.kind != EXECUTABLE:
            message = f"package {entry.name} {entry.version} holds no program"
            raise InputError(message, kind="NotAProgram", hint=f"name a procedure: {reference}::PROCEDURE")
        return entry.code

    def ensure(self, reference: PackageReference) -> InstalledPackage:
        """Return an installed package that a reference accepts, the highest; install it for a run if there is none."""
        requirement = Requirement(reference.requirement)

        def accepts(entry: IndexEntry) -> bool:
            return requirement.accepts(entry.version, entry.code)

        found = self.home.read().find(reference.name.text, accepts)
        if found is None:
            self.install([f"{reference.name.text}@{reference.requirement}"], owner=RUN)
            found = self.home.read().find(reference.name.text, accepts)
            assert found is not None  # it was just installed
        return found

    def choose(self, reference: PackageReference) -> IndexEntry:
        """Return the highest version of a package that a reference accepts, without looking at what it needs."""
        name = reference.name.text
        self.sources.registry_of(name)
        need = Need(name, reference.requirement)
        alone = [entry.replace(needs=None) for entry in self.sources.versions(name)]
        version = resolve([need], lambda _: alone, root="what was asked for").packages[name].entry.version
        return next(entry for entry in self.sources.versions(name) if entry.version == version)

    def install_lock(self, lock: Lock, owner: str) -> Change:
        """Install exactly the packages of a lock, for a project; what the project had before and needs no more goes."""
        wanted = [Wanted(owner, item.name, item.version, f"={item.version}") for item in lock.packages]
        return self.apply(lock, wanted, replace=lambda old: old.owner == owner)

    def install_linked(self, package: Package, given: Collection[Word] = ()) -> Change:
        """Install what a package was linked with, for it to run; it may itself be in no registry.

        What has one of the digests `given` is at hand and not looked for.

        Raises `NotFoundError` of kind ``LinkedNotFound`` for code that no registry has.
        """
        state = self.home.read()
        here = {item.entry.code for item in state.packages.values()}.union(given)
        needed = (item for item in package.dependencies if item.digest not in here and not is_core(item.name))
        linked = tuple(Linked(item.name, item.digest) for item in needed)
        if not linked:
            return Change((), (), tuple(state.packages), state)
        lock = plan_linked(package.name, linked, self.sources)
        wanted = [Wanted(RUN, item.name, item.version, f"={item.version}") for item in lock.packages]
        return self.apply(lock, wanted, replace=lambda _: False)

    def uninstall(self, packages: Sequence[str]) -> Change:
        """Take back what was asked for by name, or came for a run; what others use stays.

        Raises `NotFoundError` of kind ``PackageNotFound`` for a name that was not asked for.
        """
        with self.home.writing() as state:
            mine = [item for item in state.wanted if item.owner in (USER, RUN)]
            known = [item.name for item in mine]
            for name in packages:
                if name not in known:
                    raise unknown_package(name, known, "what was installed by name")
            return self._switch(state, [item for item in state.wanted if item not in mine or item.name not in packages], [])

    def tidy(self) -> Change:
        """Let go of what only came for a run, and of what projects asked for whose folders are gone."""
        with self.home.writing() as state:
            kept = [item for item in state.wanted if item.owner == USER or (item.owner != RUN and Path(item.owner).is_dir())]
            return self._switch(state, kept, [])

    def upgrade(self, packages: Sequence[str] = ()) -> Change:
        """Bring what was asked for by name to the highest version that was asked for; all of it, or some by name."""
        state = self.home.read()
        mine = [item for item in state.wanted if item.owner == USER]
        for name in packages:
            if name not in [item.name for item in mine]:
                raise unknown_package(name, [item.name for item in mine], "what was installed by name")
        return self.install([f"{item.name}@{item.requirement}" for item in mine if not packages or item.name in packages])

    def apply(self, lock: Lock, wanted: Sequence[Wanted], replace: Callable[[Wanted], bool]) -> Change:
        """Bring the packages of a lock here, and switch to the state in which they are wanted.

        What is wanted already and `replace` does not pick stays wanted.
        """
        fetched: dict[tuple[str, str], tuple[bytes, Package]] = {}
        missing = list(lock.packages)
        for _ in range(ATTEMPTS):
            missing = [item for item in missing if not self._complete(item, self.home.read())]
            fetched |= self._fetch(missing)
            with self.home.writing() as state:
                missing = [item for item in lock.packages if item.id not in fetched and not self._complete(item, state)]
                if not missing:
                    added = self._keep(lock, fetched)
                    return self._switch(state, [*(item for item in state.wanted if not replace(item)), *wanted], added)
        raise InputError("what was to be kept was removed again and again", kind="Busy", hint="somebody else is uninstalling: try later")

    # steps

    def _fetch(self, items: Sequence[LockedPackage]) -> dict[tuple[str, str], tuple[bytes, Package]]:
        """Return locked packages, verified in memory; those of which the file is here are not asked of a registry."""
        from concurrent.futures import ThreadPoolExecutor

        total = sum(item.size for item in items)
        if total > MAX_TRANSACTION:
            message = f"the packages have {total} bytes, at most {MAX_TRANSACTION} are installed at once"
            raise InputError(message, kind="TransactionTooLarge", hint="install fewer of them at once")
        done = 0

        def one(item: LockedPackage) -> tuple[LockedPackage, bytes, Package]:
            data = self._here(item)
            if data is None:
                data = self._from_registry(item)
            return item, data, item.check(data)

        found: dict[tuple[str, str], tuple[bytes, Package]] = {}
        with ThreadPoolExecutor(max(1, min(self._jobs, len(items)))) as pool:
            waiting = [pool.submit(one, item) for item in items]
            try:
                for future in waiting:
                    item, data, package = future.result()
                    found[item.id] = data, package
                    done += len(data)
                    if self._progress is not None:
                        self._progress(done, total, item.name)
            except BaseException:
                for future in waiting:
                    future.cancel()
                raise
        return found

    def _complete(self, item: LockedPackage, state: InstalledSet) -> bool:
        """Tell whether the very package is installed: it was verified when it was."""
        installed = state.packages.get(item.id)
        if installed is None:
            return False
        if installed.entry.blake3 != item.blake3:
            item.check_entry(installed.entry)
        return self.home.has(installed.entry)

    def _here(self, item: LockedPackage) -> bytes | None:
        """Return the file of a package if it is here and whole."""
        try:
            return self.home.data(item.entry())
        except (NotFoundError, IntegrityError):  # it is fetched, again if need be
            return None

    def _from_registry(self, item: LockedPackage) -> bytes:
        registry = self.sources.registry_of(item.name)
        if not self.sources.may_stand_for(registry, item.registry):
            raise IntegrityError(
                f"{item.name} is locked to registry {item.registry}, and is bound to {registry.name}",
                expected=item.registry,
                found=registry.name,
                kind="RegistryMismatch",
                hint="miden update chooses it anew from the registry that it is bound to now",
            )
        entry = next((entry for entry in self.sources.versions(item.name) if entry.version == item.version), None)
        if entry is None:
            raise NotFoundError(f"registry {registry.name} has no {item.name} {item.version}", kind="PackageNotFound")
        item.check_entry(entry)
        return registry.fetch(entry)

    def _keep(self, lock: Lock, fetched: dict[tuple[str, str], tuple[bytes, Package]]) -> list[InstalledPackage]:
        """Write packages and their code, which nobody sees yet."""
        from miden.registry.index import describe_package

        by_id = {item.id: item for item in lock.packages}
        added = []
        for key, (data, package) in fetched.items():
            item = by_id[key]
            entry = describe_package(package, data)
            if not self.home.has(entry):
                self.home.put(entry, data)
            self._keep_code(entry, package)
            linked = {link.digest for link in entry.linked}
            added.append(InstalledPackage(entry, item.registry, tuple(need for need in item.needs if by_id[need].code in linked)))
        return added

    def _keep_code(self, entry: IndexEntry, package: Package) -> None:
        forest = package.forest
        if self.store is not None and any(forest.kind(root) != NodeKind.EXTERNAL for root in forest.roots):
            self.store.insert(package, pin=pin_owner(entry))

    def _switch(self, state: InstalledSet, wanted: Sequence[Wanted], added: Sequence[InstalledPackage]) -> Change:
        """Replace the set, then let go of the pins of what is gone: by this transaction, or by one that was killed."""
        following = state.with_wanted(wanted, added)
        before, after = set(state.packages), set(following.packages)
        if (following.wanted, following.packages) != (state.wanted, state.packages):
            self.home.switch(following)
        else:
            following = state
        if self.store is not None:
            needed = {pin_owner(item.entry) for item in following.packages.values()}
            for owner in self.store.pins.all():
                if owner.startswith(OWNER) and owner not in needed:
                    self.store.pins.drop_owner(owner)
        return Change(tuple(sorted(after - before)), tuple(sorted(before - after)), tuple(sorted(after & before)), following)

    # questions

    def outdated(self, state: InstalledSet | None = None) -> list[Outdated]:
        """Return what was asked for by name and has newer versions."""
        state = self.home.read() if state is None else state
        found = []
        for item in state.wanted:
            if item.owner == USER:
                newer = newer_versions(item.name, item.version, item.requirement, self.sources)
                if newer is not None:
                    found.append(newer)
        return found

    def restore(self) -> list[str]:
        """Bring back what is missing or damaged of the installed packages: files from registries, code into the store.

        Returns the names of what was brought back.
        """
        mended = []
        with self.home.writing() as state:
            for item in state.packages.values():
                try:
                    data = self.home.data(item.entry)
                except (NotFoundError, IntegrityError):
                    data = self.sources.fetch(item.entry)
                    mended.append(item.entry.name)
                package = LockedPackage(item.entry, item.registry, "run").check(data)
                if item.entry.name in mended:
                    self.home.put(item.entry, data)
                self._keep_code(item.entry, package)
        return mended


def names(wanted: Iterable[Wanted]) -> set[str]:
    """Return the names of what is wanted."""
    return {item.name for item in wanted}


def pin_owner(entry: IndexEntry) -> str:
    """Return the owner of the pins of an installed package."""
    return f"{OWNER}{entry.name} {entry.version} {entry.blake3[:16]}"


def newer_versions(name: str, version: str, requirement: str, sources: Sources) -> Outdated | None:
    """Return what there is above a version, of what is asked for and at all; None if there is nothing."""
    from miden.package.requirements import Requirement, version_key

    entries = [entry for entry in sources.versions(name) if entry.yanked is None]
    asked = Requirement(requirement)
    compatible = [entry.version for entry in entries if asked.accepts(entry.version, entry.code)]
    releases = [entry.version for entry in entries if version_key(entry.version)[3]]
    best = max([version, *compatible], key=version_key)
    latest = max([version, *releases], key=version_key)
    return None if best == latest == version else Outdated(name, version, best, latest, requirement)
