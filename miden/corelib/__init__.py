"""The core library: `miden::core`, in Miden assembly of our own. (processor.md section 8.)

`asm/` holds the sources, one file for each module; `build` assembles them into one library file when the package is
built; `core_library` loads that file when a program first needs it; `handlers` answers the events of its procedures.
The contracts are those of the reference's core library, the code is not: digests differ from the reference's.

>>> from miden.corelib import core_library
>>> "::miden::core::math::u64::wrapping_add" in core_library().exports
True
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.assembler import Assembler
    from miden.mast.forest import MastForest
    from miden.mast.library import Library
    from miden.serde.reader import Reader

__all__ = ["FILE_NAME", "NAMESPACE", "core_bytes", "core_forest", "core_library", "link_core"]

NAMESPACE = "::miden::core"
"""Every module of the core library is below this path."""

FILE_NAME = "core.masl"
"""The assembled library, in the folder of this package; `miden.corelib.build` writes it."""

_reader: Reader | None = None
_forest: MastForest | None = None
_library: Library | None = None


def core_bytes() -> bytes:
    """Return the file of the core library: the one that was built with the package.

    A source tree that has none assembles it from its sources, which takes a moment; `make build` writes it.

    Raises
    ------
    NotFoundError
        If the installation has neither the file nor the sources.

    Examples
    --------
    >>> core_bytes()[:5]
    b'MAST\\x00'
    """
    import os

    path = os.path.join(os.path.dirname(__file__), FILE_NAME)  # noqa: PTH118, PTH120  pathlib costs start-up time
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError:
        from miden.corelib.build import assemble_core_library

        return assemble_core_library().to_bytes()


def core_forest() -> MastForest:
    """Return the code of the core library, which is all that a run needs; read once, then kept.

    The file is part of the installed package and trusted like its code: no digest is recomputed. Raises as `core_bytes`.

    >>> core_forest() is core_forest()
    True
    """
    global _forest, _reader
    if _forest is None:
        from miden.serde.forest import read_forest
        from miden.serde.reader import Reader

        _reader = Reader(core_bytes())
        _forest = read_forest(_reader, verify=False)
    return _forest


def core_library() -> Library:
    """Return the core library: `core_forest`, and what it exports. Raises as `core_bytes`.

    >>> "::miden::core::sys::truncate_stack" in core_library().items
    True
    """
    global _library, _reader
    if _library is None:
        from miden.mast.library import Library
        from miden.serde.library import read_exports

        forest = core_forest()
        assert _reader is not None
        library = read_exports(Library, _reader, forest)
        _reader.finish()
        _library, _reader = library, None
    return _library


def link_core(assembler: Assembler, library: Library | None = None) -> None:
    """Let an assembler link the core library dynamically, loaded when a program first names something of it.

    `library` is one to link in its place, such as the reference's own file.

    >>> from miden.assembly import Assembler
    >>> assembler = Assembler()
    >>> link_core(assembler)
    >>> assembler.assemble_program("begin exec.::miden::core::sys::truncate_stack end").forest.summary()["external"]
    1
    """
    if library is None:
        assembler.link_on_demand(NAMESPACE, core_library)
    else:
        assembler.link_library(library)
