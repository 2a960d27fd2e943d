"""A registry server on this machine, with its catalog at hand."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from miden.registry.backends.remote import RemoteRegistry
from miden.registry.http import Budget
from miden.registry.server.catalog import Catalog
from miden.registry.server.keys import OFFLINE
from miden.registry.server.serving import serving
from miden.registry.server.tokens import make_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from miden.registry.server.app import Settings
    from miden.registry.server.metrics import Metrics
    from miden.registry.server.serving import Limits

ORIGIN = "a test registry"
QUICK = Budget(connect=10, idle=20, total=60, minimum_rate=1000, grace=30)


class RunningRegistry:
    """A server that runs, and a token that may do everything."""

    def __init__(self, folder: Path, catalog: Catalog, url: str) -> None:
        self.folder = folder
        self.catalog = catalog
        self.url = url
        self.root = (catalog.folder / "root.json").read_bytes()
        self.token = self.make_token("publish:*", "yank:*")
        self._made: list[RemoteRegistry] = []

    def make_token(self, *scopes: str, seconds: int | None = None) -> str:
        with self.catalog.database.writing() as connection:
            return make_token(connection, scopes, seconds=seconds)[1]

    def client(self, name: str = "client", **options: object) -> RemoteRegistry:
        """Return a client with a folder of its own for each name."""
        own = {"root": self.root, "token": self.token, "budget": QUICK, **options}
        made = RemoteRegistry(self.url, name, state=self.folder / name / "state", cache=self.folder / name / "cache", **own)  # type: ignore[arg-type]
        self._made.append(made)
        return made

    def close(self) -> None:
        for made in self._made:
            made.close()


def make_catalog(folder: Path, **options: object) -> Catalog:
    """Make a registry; its offline keys are where `Catalog.create` puts them. Few bins, so that making it is quick."""
    return Catalog.create(folder, ORIGIN, **{"bin_bits": 2, **options})  # type: ignore[arg-type]


def offline_keys(catalog: Catalog) -> Path:
    return catalog.folder / OFFLINE


@contextmanager
def running_registry(
    folder: Path, *, settings: Settings | None = None, limits: Limits | None = None, metrics: Metrics | None = None
) -> Iterator[RunningRegistry]:
    """Make a registry in a folder and run a server for it."""
    catalog = make_catalog(Path(folder) / "registry")
    try:
        with serving(catalog, settings=settings, limits=limits, metrics=metrics) as url:
            made = RunningRegistry(Path(folder), catalog, url)
            try:
                yield made
            finally:
                made.close()
    finally:
        catalog.close()
