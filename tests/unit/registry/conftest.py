"""Registries, homes and stores to install with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from miden.registry.backends.indexed import IndexedRegistry
from miden.registry.install import Installer
from miden.registry.installed import Home
from miden.registry.sources import Sources
from miden.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def registry(tmp_path: Path) -> IndexedRegistry:
    """An empty registry in a folder."""
    return IndexedRegistry.create(tmp_path / "registry", "local")


@pytest.fixture
def installer(tmp_path: Path, registry: IndexedRegistry) -> Installer:
    """An installer from that registry, with a home and a store on disk."""
    return Installer(Home(tmp_path / "home"), open_store(tmp_path / "store", create=True), Sources.of(registry))


@pytest.fixture
def measure() -> Callable[[Callable[[], object]], float]:
    """Measure processor seconds of this process, the best of three."""

    def best(work: Callable[[], object]) -> float:
        found = []
        for _ in range(3):
            started = time.process_time()
            work()
            found.append(time.process_time() - started)
        return min(found)

    return best
