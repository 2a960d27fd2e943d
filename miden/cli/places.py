"""Where packages are: the options that say so, and what they and the environment mean.

This is on the way of every `miden run`, so it imports next to nothing.
"""

from __future__ import annotations

import os

from miden.cli.parameters import FilePath, flag, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Any

    from miden.cli.console import Console
    from miden.registry.backends import Registry
    from miden.registry.install import Installer
    from miden.registry.sources import Sources
    from miden.store.store import ObjectStore

HOME_VARIABLE = "MIDEN_HOME"
REGISTRY_VARIABLE = "MIDEN_REGISTRY"

PACKAGE_OPTIONS = (
    option("--home", type=FilePath(), metavar="DIR", help="Folder of installed packages; by default $MIDEN_HOME, or the user's own."),
    option(
        "--registry",
        metavar="WHERE",
        help="The one registry to ask: a folder, a URL, or the name of one in miden-registries.toml; by default $MIDEN_REGISTRY, "
        "else what miden-registries.toml of the project or of the user says.",
    ),
    flag("--offline", help="Ask no registry over a network: what is here has to be enough."),
)
"""The options of every verb about packages."""


def with_places(function: Callable[..., int]) -> Callable[..., int]:
    """Give the function of a verb the values of `PACKAGE_OPTIONS` as one argument, `places`."""

    def called(console: Console, *, home: str | None, registry: str | None, offline: bool, **values: Any) -> int:
        return function(console, places=Places(home, registry, offline=offline), **values)

    called.__doc__ = function.__doc__
    return called


class Places:
    """What the options and the environment say about where packages are."""

    def __init__(self, home: str | None = None, registry: str | None = None, *, offline: bool = False) -> None:
        self._home = home or os.environ.get(HOME_VARIABLE)
        self._registry = registry or os.environ.get(REGISTRY_VARIABLE)
        self.offline = offline
        self.remote: dict[str, Any] = {}
        """What registries at a URL are opened with besides, such as keys of a publisher."""

    @property
    def home(self) -> Path:
        """Folder of installed packages."""
        from pathlib import Path

        if self._home is not None:
            return Path(self._home)
        import platformdirs

        return platformdirs.user_data_path("miden")

    @property
    def cache(self) -> Path:
        """Folder of what may be deleted."""
        if self._home is not None:
            return self.home / "cache"
        import platformdirs

        return platformdirs.user_cache_path("miden")

    def store(self, *, create: bool = True) -> ObjectStore:
        """Open the store in which the code of installed packages is."""
        from miden.cli.store.places import find_store

        own = None if self._home is None or os.environ.get("MIDEN_STORE") else str(self.home / "store")
        return find_store(own, None, create=create, default=True)

    def open(self, location: str, name: str | None = None, **options: Any) -> Registry:
        """Open one registry, with what is remembered of it in the home."""
        from hashlib import sha256

        from miden.registry.backends import open_registry

        slug = sha256(location.rstrip("/").encode()).hexdigest()[:32]
        if "://" in location and not location.startswith("file:"):
            if self._home is not None:
                options = {"state": self.home / "registries" / slug, "cache": self.cache / "registries" / slug, **options}
            return open_registry(location, name, offline=self.offline, **self.remote, **options)
        return open_registry(location, name, cache=self.cache / "folders" / f"{slug}.json")

    def sources(self, folder: str | os.PathLike[str] = ".") -> Sources:
        """Open the registries that are meant, for a project or a folder in one."""
        from miden.registry.sources import Bound, Sources

        listed = self._listed(folder)
        if self._registry is not None:
            if listed is not None:
                from miden.registry.sources import read_table

                for row in read_table(*listed):
                    if row.name == self._registry:
                        options = {} if row.root is None else {"root": row.root}
                        return Sources([Bound(self.open(row.location, row.name, **options), mirror=True)])
            return Sources([Bound(self.open(self._registry), mirror=True)])
        return Sources([]) if listed is None else Sources.from_toml(*listed, self.open)

    def _listed(self, folder: str | os.PathLike[str]) -> tuple[bytes, Path] | None:
        """Return the file of registries that is nearest: of the project, or of the user."""
        from pathlib import Path

        import platformdirs

        from miden.package.project import find_project
        from miden.package.toml_file import MAX_BYTES
        from miden.registry.sources import FILE_NAME

        project = find_project(folder)
        user = platformdirs.user_config_path("miden") if self._home is None else self.home
        for place in (project, user):
            path = None if place is None else Path(place) / FILE_NAME
            if path is not None and path.is_file():
                with path.open("rb") as file:
                    return file.read(MAX_BYTES + 1), path
        return None

    def installer(self, console: Console, folder: str | os.PathLike[str] = ".") -> AbstractContextManager[Installer]:
        """Open everything that installing needs, with a bar for what is fetched."""
        from miden.cli.registries import open_installer

        return open_installer(self, console, folder)
