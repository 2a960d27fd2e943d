"""Packages for tests of registries: small libraries and programs that were really assembled."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import miden
from miden.package.needs import SECTION, Need, Needs
from miden.package.package import Dependency, Package, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@cache
def library(namespace: str, value: int = 1) -> miden.Library:
    """Return a library with one procedure that pushes a value; another value is another root."""
    return miden.Assembler().assemble_library({namespace: f"pub proc value push.{value} swap drop end"})


def make_package(
    name: str,
    version: str = "1.0.0",
    needs: Mapping[str, str] | Iterable[Need] = (),
    *,
    value: int = 1,
    features: Mapping[str, Iterable[str]] | None = None,
    linked: Iterable[Dependency] = (),
    description: str | None = None,
    artifact: miden.Library | miden.Program | None = None,
) -> Package:
    """Return a package; `needs` are names and requirements, or needs."""
    listed = [Need(needed, text) for needed, text in needs.items()] if hasattr(needs, "items") else list(needs)
    said = Needs(listed, features)
    return Package(
        name,
        library(name.rpartition("/")[2].replace("-", "_"), value) if artifact is None else artifact,
        version=version,
        description=description,
        dependencies=linked,
        sections=[] if said.is_empty else [Section(SECTION, said.to_bytes())],
    )


def package_bytes(name: str, version: str = "1.0.0", needs: Mapping[str, str] | Iterable[Need] = (), **more: object) -> bytes:
    """Return the bytes of a package."""
    return make_package(name, version, needs, **more).to_bytes()  # type: ignore[arg-type]
