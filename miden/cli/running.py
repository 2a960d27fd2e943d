"""What `miden run` does with packages: one named in place of a file, and those that a program needs."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.cli.console import Console
    from miden.cli.places import Places
    from miden.errors import ExecutionError
    from miden.field import Word
    from miden.mast.forest import MastForest
    from miden.mast.library import Library
    from miden.mast.program import Program
    from miden.package.package import Package
    from miden.registry.names import PackageReference
    from miden.store.store import ObjectStore


def package_reference(text: str) -> PackageReference | None:
    """Return the package that a person means where a file could be meant as well, or None for a file."""
    if text == "-" or os.path.lexists(text):
        return None
    from miden.errors import InputError
    from miden.registry.names import PackageReference

    try:
        return PackageReference(text)
    except InputError:
        return None


class Running:
    """A program of packages, and the store that its code comes from while it runs.

    `core` is what stands in place of the core library.
    """

    def __init__(self, console: Console, places: Places, core: Library | None = None, *, lazy: bool) -> None:
        self._console = console
        self._core = core
        self._other_cores: list[Word] = []
        self._places = places
        self._lazy = lazy
        self.store: ObjectStore | None = None
        self.installed: list[tuple[str, str]] = []

    def program_of(self, reference: PackageReference) -> Program:
        """Return the program of a package, installed if need be: its own, or one that calls a procedure it exports."""
        from miden.package.package import Package
        from miden.registry.lazy import find_export

        with self._places.installer(self._console) as installer:
            before = installer.home.read()
            found = installer.ensure(reference)
            self._came(tuple(key for key in installer.home.read().packages if key not in before.packages))
            package = Package.from_trusted_bytes(installer.home.data(found.entry))
            if reference.procedure is not None:
                package = package.make_executable(find_export(found.entry, reference.procedure))
            program = package.to_program()
        self._note_core(package)
        self.store = self._open()
        return program

    def prepare(self, data: bytes, given: Iterable[Library | Program | MastForest] = ()) -> None:
        """Make what a package was linked with available, now or when it is needed; `data` was read and verified before.

        What a person has given needs no package.
        """
        from miden.mast.library import Library
        from miden.package.linked import is_core
        from miden.package.package import Package

        package = Package.from_trusted_bytes(data)
        self._note_core(package)
        here = {library.digest for library in given if isinstance(library, Library)}
        if self._core is not None:
            here.add(self._core.digest)
        if all(item.digest in here or is_core(item.name) for item in package.dependencies):
            self.store = self._kept_cores()
            return
        if not self._lazy:
            with self._places.installer(self._console) as installer:
                self._came(installer.install_linked(package, here).added)
        self.store = self._open()

    def explain(self, error: ExecutionError) -> None:
        """Say in the hint of an error if a procedure is missing because the program was linked with another core library."""
        if error.kind not in ("NoMastForestWithProcedure", "DynamicNodeNotFound", "ObjectNotFound"):
            return
        if self._other_cores:
            others = " and ".join(digest.to_hex() for digest in self._other_cores)
            error.hint = (
                f"the package was linked with another core library, {others}: build it again, or name a file of that one with --core"
            )

    def _note_core(self, package: Package) -> None:
        """See which core library a package was linked with, if not with the one of this run."""
        from miden.package.linked import is_core

        linked = [item.digest for item in package.dependencies if is_core(item.name)]
        if linked:
            from miden.corelib import core_library

            core = core_library() if self._core is None else self._core
            self._other_cores = [digest for digest in linked if digest != core.digest]

    def _kept_cores(self) -> ObjectStore | None:
        """Return the store where core libraries of other versions are kept, if one is needed and there is one."""
        if not self._other_cores:
            return None
        from miden.errors import NotFoundError

        try:
            return self._places.store(create=False)
        except NotFoundError:
            return None

    def _open(self) -> ObjectStore:
        if not self._lazy:
            return self._places.store()
        from miden.registry.install import Installer
        from miden.registry.installed import Home
        from miden.registry.lazy import RegistryProvider, with_registries

        store = self._places.store()
        provider = RegistryProvider(Installer(Home(self._places.home), store, self._places.sources()))
        self.installed = provider.installed
        return with_registries(store, provider)

    def _came(self, added: tuple[tuple[str, str], ...]) -> None:
        self.installed += added
        for name, version in added:
            if not self._console.json:
                self._console.note(f"installed {name} {version}")
