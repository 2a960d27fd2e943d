"""Assemble the kernel of actors and the library ``miden::actor``; run as a module, write their files.

usage: python -m miden.actors.runtimes.masm.build [FOLDER]

The files keep the texts of error codes and leave out everything else about the sources: those are in the package.
"""

from __future__ import annotations

import sys
from pathlib import Path

from miden.actors.runtimes.masm.library import FOLDER, KERNEL_FILE, LIBRARY_FILE, NAMESPACE, SOURCES, without_sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.source import SourceFile
    from miden.mast.library import KernelLibrary, Library


def actor_modules() -> dict[str, SourceFile]:
    """Return module path -> source of the library, in the order of the paths."""
    from miden.assembly.modules import read_modules

    return read_modules(SOURCES / "actor", NAMESPACE)


def kernel_source() -> SourceFile:
    """Return the source of the kernel."""
    from miden.assembly.source import SourceFile

    return SourceFile.from_path(SOURCES / "kernel.masm")


def assemble_kernel() -> KernelLibrary:
    """Assemble the kernel from its source."""
    from miden.assembly.assembler import Assembler

    return without_sources(Assembler(warnings_as_errors=True).assemble_kernel(kernel_source()))


def assemble_actor_library(kernel: KernelLibrary) -> Library:
    """Assemble the library ``miden::actor`` from its sources, against a kernel."""
    from miden.assembly.assembler import Assembler
    from miden.corelib import link_core

    assembler = Assembler(kernel, warnings_as_errors=True)
    link_core(assembler)
    return without_sources(assembler.assemble_library(actor_modules()))


def write_libraries(folder: str | Path = FOLDER) -> None:
    """Assemble both and write their files, each whole."""
    kernel = assemble_kernel()
    for name, library in ((KERNEL_FILE.name, kernel), (LIBRARY_FILE.name, assemble_actor_library(kernel))):
        target = Path(folder, name)
        temporary = target.with_name(target.name + ".new")
        temporary.write_bytes(library.to_bytes())
        temporary.replace(target)


if __name__ == "__main__":
    write_libraries(*sys.argv[1:2])
