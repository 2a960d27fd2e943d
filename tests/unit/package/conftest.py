"""Artifacts to pack, and projects to build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import miden
from miden.package.package import Dependency, Package, Section

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIBRARY = {
    "demo::math": """
#! Doubles the value.
@inline
pub proc double(a: felt) -> felt
    dup.0 add
end

pub proc half
    push.2 div
end

pub const FOUR = 4
pub type pair = struct { a: u32, b: felt }
""",
    "demo::more": """
use demo::math
pub proc quad
    exec.math::double exec.math::double
end
""",
}


@pytest.fixture(scope="session")
def library() -> miden.Library:
    return miden.Assembler().assemble_library(LIBRARY)


@pytest.fixture(scope="session")
def program() -> miden.Program:
    return miden.assemble('begin push.1 if.true push.2 else push.3 end drop push.1 assert.err="never" end')


@pytest.fixture(scope="session")
def kernel() -> miden.KernelLibrary:
    return miden.Assembler().assemble_kernel("pub proc whoami caller end")


@pytest.fixture(scope="session")
def package(library: miden.Library) -> Package:
    word = miden.Word((1, 2, 3, 4))
    return Package(
        "demo",
        library,
        version="1.2.3",
        description="Doubles things",
        dependencies=[Dependency("base", word)],
        sections=[Section("notes", b"hello"), Section("debug_info", b"\x00\x01")],
    )


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a project: its file, then modules by path; returns the folder."""

    def write(manifest: str, files: dict[str, str] | None = None, name: str = "project") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "miden-project.toml").write_text(manifest, encoding="utf-8")
        for path, text in (files or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        return folder

    return write
