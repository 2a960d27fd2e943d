"""The kernel of actors and the library ``miden::actor`` that actors are written with.

`asm/` holds the sources; `build` assembles them into two files when the package is built; they are loaded when the first actor is
assembled or called.

>>> from miden.actors.runtimes.masm.library import actor_library, kernel_library
>>> len(kernel_library().kernel)
35
>>> "::miden::actor::cbor::read_uint" in actor_library().exports
True
"""

from __future__ import annotations

import functools
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from miden.assembly.assembler import Assembler
    from miden.assembly.source import Source
    from miden.mast.library import KernelLibrary, Library

    AnyLibrary = TypeVar("AnyLibrary", bound=Library)

FOLDER = Path(__file__).parent
SOURCES = FOLDER / "asm"
KERNEL_FILE = FOLDER / "kernel.masl"
LIBRARY_FILE = FOLDER / "actor.masl"

NAMESPACE = "miden::actor"
"""Every module of the library is below this path."""

ENTRY = "invoke"
"""The procedure of an actor that the machine calls: [handle of the parameters, ...] -> [handle of the result, ...]."""


@functools.cache
def kernel_library() -> KernelLibrary:
    """Return the kernel; a source tree that was not built assembles it."""
    from miden.mast.library import KernelLibrary

    if KERNEL_FILE.is_file():
        return KernelLibrary.from_trusted_bytes(KERNEL_FILE.read_bytes())
    from miden.actors.runtimes.masm.build import assemble_kernel

    return assemble_kernel()


@functools.cache
def actor_library() -> Library:
    """Return the library ``miden::actor``; a source tree that was not built assembles it."""
    from miden.mast.library import Library

    if LIBRARY_FILE.is_file():
        return Library.from_trusted_bytes(LIBRARY_FILE.read_bytes())
    from miden.actors.runtimes.masm.build import assemble_actor_library

    return assemble_actor_library(kernel_library())


def error_text(code: int) -> str | None:
    """Return the text of an error of the kernel or the library, which actors that copied their code do not have."""
    return kernel_library().forest.error_message(code) or actor_library().forest.error_message(code)


def actor_assembler() -> Assembler:
    """Return an assembler for actors: with the kernel, the library (which is copied into actors), and the core library."""
    from miden.assembly.assembler import Assembler
    from miden.corelib import link_core

    assembler = Assembler(kernel_library())
    assembler.link_library(actor_library(), kind="static")
    link_core(assembler)
    return assembler


def assemble_actor(source: Source, path: str = "actor") -> Library:
    """Assemble an actor that is one module, and return the library that has its `invoke`.

    Nothing of where the source was is in it, so that the same text has the same CID everywhere. Raises `AssemblyError` for a source
    that does not assemble.

    >>> library = assemble_actor("pub proc invoke drop push.0 end")
    >>> list(library.exports)
    ['::actor::invoke']
    """
    return without_sources(_assembler().assemble_library({path: source}))


def without_sources(library: AnyLibrary) -> AnyLibrary:
    """Return a library that knows the texts of its error codes, and nothing else about its sources."""
    from miden.mast.debug_info import DebugInfo

    texts = DebugInfo(error_codes=library.forest.debug_info.error_codes)
    return type(library)(library.forest.replace(debug_info=texts), library.items)


@functools.cache
def _assembler() -> Assembler:
    return actor_assembler()
