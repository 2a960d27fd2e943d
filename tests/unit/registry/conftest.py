"""Registries, homes and stores to install with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miden.registry.backends.indexed import IndexedRegistry
from miden.registry.install import Installer
from miden.registry.installed import Home
from miden.registry.sources import Sources
from miden.store import open_store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def registry(tmp_path: Path) -> IndexedRegistry:
    """An empty registry in a folder."""
    return IndexedRegistry.create(tmp_path / "registry", "local")


@pytest.fixture
def installer(tmp_path: Path, registry: IndexedRegistry) -> Installer:
    """An installer from that registry, with a home and a store on disk."""
    return Installer(Home(tmp_path / "home"), open_store(tmp_path / "store", create=True), Sources.of(registry))
