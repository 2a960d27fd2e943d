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
    from miden.mast.library import Library

__all__ = ["FILE_NAME", "NAMESPACE", "core_library"]

NAMESPACE = "::miden::core"
"""Every module of the core library is below this path."""

FILE_NAME = "core.masl"
"""The assembled library, in the folder of this package; `miden.corelib.build` writes it."""

_library: Library | None = None


def core_library() -> Library:
    """Return the core library: read once from the file that was built with the package, then kept.

    The file is part of the installed package and trusted like its code: no digest is recomputed. A source tree that has no
    such file assembles it from its sources, which takes a moment; `make build` writes it.

    Raises
    ------
    NotFoundError
        If the installation has neither the file nor the sources.
    """
    global _library
    if _library is None:
        import os

        from miden.mast.library import Library

        path = os.path.join(os.path.dirname(__file__), FILE_NAME)  # noqa: PTH118, PTH120  pathlib costs start-up time
        try:
            with open(path, "rb") as file:  # noqa: PTH123
                data = file.read()
        except FileNotFoundError:
            from miden.corelib.build import assemble_core_library

            _library = assemble_core_library()
        else:
            _library = Library.from_trusted_bytes(data)
    return _library
