"""Which registry answers for which name, decided by configuration alone.

A name is bound to registries by itself, else by its namespace, else to those that are bound to nothing. Registries it is
not bound to are never asked about it, so a private name cannot be had from a public place, whatever versions are offered
there. Where several registries are listed for a namespace, the first that has the name answers, and it alone: versions
of one package never come from two registries. A registry that cannot be reached is an error, not one that has nothing.
(R33.)

::

    [[registry]]
    name = "acme"
    location = "https://packages.acme.example"
    namespaces = ["acme"]          # everything called acme/...
    packages = ["intern-tools"]    # and this one

    [[registry]]
    name = "public"
    location = "https://packages.example"
    root = "public-root.json"      # root metadata to trust, for a registry with signatures
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import NamedTuple

from miden.errors import FormatError, IntegrityError, NotFoundError
from miden.package.project import valid_name
from miden.package.toml_file import TomlFile
from miden.registry.backends import open_registry
from miden.registry.names import PackageName, name_key, name_problem, unknown_package
from miden.serde.json_text import Fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from miden.field import Word
    from miden.registry.backends import Registry
    from miden.registry.index import IndexEntry

FILE_NAME = "miden-registries.toml"
MAX_REGISTRIES = 100
MAX_BOUND = 10_000
WORKERS = 8
"""Names that are looked up at once."""


class Bound(NamedTuple):
    """A registry and what is bound to it; one that is bound to nothing answers for all other names.

    A `mirror` may stand for any registry that a lock names: what is locked is known to the last byte.
    """

    registry: Registry
    namespaces: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    mirror: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it answers for names that are bound to no registry."""
        return not self.namespaces and not self.packages


class Row(NamedTuple):
    """What a file says of one registry."""

    name: str
    location: str
    namespaces: frozenset[str]
    packages: frozenset[str]
    root: str | None
    mirror: bool


class Sources:
    """Registries in their order.

    Parameters
    ----------
    bound
        Registries with what is bound to them; their names are unique.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sources = Sources([Bound(open_registry(folder, "demo"), namespaces=frozenset(["acme"]))])
    ...     [registry.name for registry in sources.candidates("acme/math")], sources.candidates("math")
    (['demo'], [])
    """

    def __init__(self, bound: Iterable[Bound]) -> None:
        self.bound = tuple(bound)
        self._answers: dict[str, tuple[Registry | None, tuple[IndexEntry, ...]]] = {}
        self._lock = Lock()

    @classmethod
    def of(cls, *registries: Registry) -> Sources:
        """Return sources in which nothing is bound."""
        return cls(Bound(registry) for registry in registries)

    @classmethod
    def from_toml(
        cls, content: bytes, path: str | os.PathLike[str], open_one: Callable[..., Registry] = open_registry, **options: Any
    ) -> Sources:
        """Read a file of registries; a location that is no URL is a path from the folder of the file.

        `open_one` opens a registry, given its location, its name, and `options`. Raises `ProjectError` of kind
        ``InvalidRegistries`` with the line.
        """
        bound = []
        for row in read_table(content, path):
            given = {**options, "root": row.root} if row.root is not None else options
            bound.append(Bound(open_one(row.location, row.name, **given), row.namespaces, row.packages, row.mirror))
        return cls(bound)

    # which registry

    def candidates(self, name: str) -> list[Registry]:
        """Return the registries that a name is bound to, in the order in which they are asked."""
        parsed = PackageName(name)
        key = parsed.key
        namespace = None if parsed.namespace is None else name_key(parsed.namespace)
        by_name = [bound.registry for bound in self.bound if key in bound.packages]
        by_namespace = [bound.registry for bound in self.bound if namespace is not None and namespace in bound.namespaces]
        return by_name or by_namespace or [bound.registry for bound in self.bound if bound.is_open]

    def may_stand_for(self, registry: Registry, name: str) -> bool:
        """Tell whether a registry can give what is locked to the registry called `name`."""
        return registry.name == name or any(bound.mirror for bound in self.bound if bound.registry is registry)

    def registry_of(self, name: str) -> Registry:
        """Return the registry that answers for a name.

        Raises `NotFoundError` of kind ``PackageNotFound`` if none has it.
        """
        registry, _ = self._answer(name)
        if registry is None:
            asked = self.candidates(name)
            where = " or ".join(registry.name for registry in asked) or "any registry, as none answers for such names"
            known = (other for registry in asked for other in registry.names())
            raise unknown_package(name, known, where)
        return registry

    def versions(self, name: str) -> tuple[IndexEntry, ...]:
        """Return all versions of a package, lowest first; none for a name that is unknown."""
        return self._answer(name)[1]

    def _answer(self, name: str) -> tuple[Registry | None, tuple[IndexEntry, ...]]:
        with self._lock:
            found = self._answers.get(name)
        if found is None:
            found = self._ask(name)
            with self._lock:
                self._answers[name] = found
        return found

    def _ask(self, name: str) -> tuple[Registry | None, tuple[IndexEntry, ...]]:
        candidates = self.candidates(name)
        listed = any(not bound.is_open and bound.registry in candidates for bound in self.bound)
        answer: tuple[Registry | None, tuple[IndexEntry, ...]] = (None, ())
        for registry in candidates:
            entries = registry.versions(name)
            if any(entry.name != name for entry in entries):
                raise IntegrityError(f"registry {registry.name} answered for {name} with another package", kind="PackageMismatch")
            if not entries:
                continue
            if listed:
                return registry, tuple(entries)
            if answer[0] is not None:
                raise IntegrityError(
                    f"both {answer[0].name} and {registry.name} have a package {name}, and it is bound to neither",
                    kind="AmbiguousPackage",
                    hint=f'bind it: list it under packages of one of them in {FILE_NAME}, as packages = ["{name}"]',
                )
            answer = registry, tuple(entries)
        return answer

    def prefetch(self, names: Sequence[str]) -> None:
        """Look several names up at once, for `versions` to answer without waiting."""
        with self._lock:
            wanted = [name for name in names if name not in self._answers]
        if len(wanted) < 2:
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(WORKERS, len(wanted))) as pool:
            list(pool.map(self._answer, wanted))

    # all of them

    def provides(self, root: Word) -> list[IndexEntry]:
        """Return the versions that have a root, each from the registry that its name is bound to."""
        found: dict[tuple[str, str], IndexEntry] = {}
        for bound in self.bound:
            for entry in bound.registry.provides(root):
                answering = next((registry for registry in self.candidates(entry.name) if registry is bound.registry), None)
                if answering is not None and self._answer(entry.name)[0] is answering:
                    found.setdefault(entry.id, entry)
        return list(found.values())

    def fetch(self, entry: IndexEntry) -> bytes:
        """Return the bytes of a version from the registry that answers for its name; unverified."""
        return self.registry_of(entry.name).fetch(entry)

    def by_name(self, name: str) -> Registry:
        """Return the registry that is called so; `NotFoundError` of kind ``RegistryNotFound`` if there is none."""
        for bound in self.bound:
            if bound.registry.name == name:
                return bound.registry
        known = ", ".join(bound.registry.name for bound in self.bound) or "none"
        raise NotFoundError(f"there is no registry called {name}, there is {known}", kind="RegistryNotFound", hint=f"see {FILE_NAME}")

    def refresh(self) -> None:
        """Forget what was answered, and have all registries look again."""
        with self._lock:
            self._answers.clear()
        for bound in self.bound:
            bound.registry.refresh()

    def close(self) -> None:
        """Close all registries."""
        for bound in self.bound:
            bound.registry.close()

    def __repr__(self) -> str:
        return f"<Sources {', '.join(bound.registry.name for bound in self.bound)}>"


def read_table(content: bytes, path: str | os.PathLike[str]) -> list[Row]:
    """Return what a file says of registries; see `Sources.from_toml`."""
    file = TomlFile(content, str(path))
    rows = file.data.get("registry", [])
    if set(file.data) - {"registry"} or not isinstance(rows, list) or len(rows) > MAX_REGISTRIES:
        file.fail(f"registries are listed as [[registry]], at most {MAX_REGISTRIES}, and nothing else", kind="InvalidRegistries")
    found = []
    for index, row in enumerate(rows):
        try:
            found.append(_row(row, Path(path).parent))
        except FormatError as error:
            file.fail(error.message, f"registry.{index}", kind="InvalidRegistries")
        if found[-1].name in [other.name for other in found[:-1]]:
            file.fail(f"two registries are called {found[-1].name}", f"registry.{index}.name", kind="InvalidRegistries")
    return found


def _row(row: object, folder: Path) -> Row:
    fields = Fields(row, "a registry", "InvalidRegistries")
    fields.only("name", "location", "namespaces", "packages", "root", "mirror")
    name, location, root = fields.text("name"), fields.text("location"), fields.optional_text("root")
    if not valid_name(name):
        fields.fail("its name must be a letter, then letters, digits, - and _")
    namespaces, packages = fields.texts("namespaces", limit=MAX_BOUND), fields.texts("packages", limit=MAX_BOUND)
    if not all(map(valid_name, namespaces)) or any(map(name_problem, packages)):
        fields.fail("namespaces and packages must be lists of names")
    return Row(
        name,
        location if "://" in location else str(folder / location),
        frozenset(map(name_key, namespaces)),
        frozenset(map(name_key, packages)),
        None if root is None else str(folder / root),
        fields.flag("mirror"),
    )
