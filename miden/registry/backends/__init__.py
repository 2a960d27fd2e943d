"""Where packages come from: the protocol of a registry, and the table of its kinds.

A kind is chosen by what is opened: a folder with a ``packages.json`` is an indexed directory, another folder a plain
one, a URL goes by its scheme. Others add kinds by the entry point group ``miden.registries``: an entry is named by a URL
scheme and loads a callable ``(location, name, **options) -> Registry``.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, runtime_checkable

from miden.errors import BackendError, InputError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import Any

    from miden.field import Word
    from miden.registry.index import IndexEntry

ENTRY_POINTS = "miden.registries"
INDEX_FILE = "packages.json"

SCHEMES = {
    "http": "miden.registry.backends.remote:RemoteRegistry",
    "https": "miden.registry.backends.remote:RemoteRegistry",
    "oci": "miden.registry.backends.oci:OciRegistry",
}
"""URL scheme -> ``module:callable`` of the kinds that come with this package."""


@runtime_checkable
class Registry(Protocol):
    """Where packages are looked up and fetched.

    Nothing that a registry says is believed before it is checked by who asked: entries are what an index claims, and
    bytes are held against an entry by `miden.registry.index.check_package`.

    Attributes
    ----------
    name
        What messages and lock files call it; unique among the sources of a run.
    location
        Path or URL it was opened with.
    writable
        Whether it has `publish` and `yank`, see `WritableRegistry`.
    """

    name: str
    location: str
    writable: bool

    def names(self, search: str | None = None) -> list[str]:
        """Return the names of all packages, in the order of their keys; with `search` those that contain it, or whose description does."""
        ...

    def versions(self, name: str) -> list[IndexEntry]:
        """Return all versions of a package, lowest first, yanked ones too; an unknown name has none.

        Raises `FormatError` for an index that cannot be read, `OSError` or `BackendError` for a registry out of reach:
        that must never look as if the name were unknown.
        """
        ...

    def fetch(self, entry: IndexEntry) -> bytes:
        """Return the bytes that the registry has for an entry, at most ``entry.size`` of them; unverified.

        Raises `NotFoundError` of kind ``PackageNotFound`` if it has none. May be called by several threads at once.
        """
        ...

    def provides(self, root: Word) -> list[IndexEntry]:
        """Return the versions that export a procedure with this root, or are the program with this hash."""
        ...

    def refresh(self) -> None:
        """Look again at what was remembered from before."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


@runtime_checkable
class WritableRegistry(Registry, Protocol):
    """A registry that packages can be published to."""

    def publish(self, data: bytes) -> IndexEntry:
        """Add a package; return what the index says of it. Durable when it returns.

        A version never changes: the same bytes again are no error, others are an `IntegrityError` of kind
        ``VersionExists``. Raises `InputError` of kind ``NameClash`` for a name that differs from another one only in
        case or in ``-`` and ``_``.
        """
        ...

    def yank(self, name: str, version: str, reason: str | None) -> IndexEntry:
        """Take a version back for a reason, or put it back with None: it stays for those that have locked it.

        Raises `NotFoundError` of kind ``PackageNotFound``.
        """
        ...


def open_registry(
    location: str | Path, name: str | None = None, *, cache: str | os.PathLike[str] | None = None, **options: Any
) -> Registry:
    """Open a registry.

    Parameters
    ----------
    location
        A folder, or a URL.
    name
        What to call it; by default the last part of its location.
    cache
        Where to remember what was seen, for kinds that do: a file for a plain folder, a folder for a URL.
    options
        What its kind takes, such as ``offline=True`` of a remote one.

    Raises
    ------
    NotFoundError
        There is no such folder.
    InputError
        Of kind ``UnknownScheme``: nobody knows such URLs.
    BackendError
        The kind needs what is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     open_registry(folder, "demo").names()
    []
    """
    text = str(location)
    scheme, colon, _ = text.partition("://")
    if colon and scheme.lower() != "file":
        options = options if cache is None else {"cache": cache, **options}
        made = _kind(scheme.lower())(text, text.rstrip("/").rpartition("/")[2] if name is None else name, **options)
        if not isinstance(made, Registry):
            raise BackendError(f"what opens {scheme}: registries returned no registry but {type(made).__name__}", kind="InvalidBackend")
        return made
    folder = Path(text.removeprefix("file://") if colon else text)
    if not folder.is_dir():
        raise NotFoundError(f"there is no folder {folder}", kind="RegistryNotFound", hint="miden registry init makes one")
    name = folder.resolve().name if name is None else name
    if (folder / INDEX_FILE).exists():
        from miden.registry.backends.indexed import IndexedRegistry

        return IndexedRegistry(folder, name, **options)
    from miden.registry.backends.directory import DirectoryRegistry

    return DirectoryRegistry(folder, name, cache=cache, **options)


def _kind(scheme: str) -> Callable[..., object]:
    known = SCHEMES.get(scheme)
    if known is not None:
        module, _, made = known.partition(":")
        found: Callable[..., object] = getattr(import_module(module), made)
        return found
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS, name=scheme):
        loaded: Callable[..., object] = point.load()
        return loaded
    raise InputError(
        f"nobody here opens {scheme}: registries",
        kind="UnknownScheme",
        hint=f"known are folders, {', '.join(SCHEMES)}; a package can add others by the entry point group {ENTRY_POINTS}",
    )
