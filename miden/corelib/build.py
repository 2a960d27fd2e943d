"""Assemble the core library from its sources; run as a module, write its file.

usage: python -m miden.corelib.build [FILE]

The file keeps the texts of error codes and leaves out everything else about the sources: those are in the package.
"""

from __future__ import annotations

import sys
from pathlib import Path

from miden.corelib import FILE_NAME, NAMESPACE
from miden.errors import NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.source import SourceFile
    from miden.mast.library import Library

FOLDER = Path(__file__).parent
SOURCES = FOLDER / "asm"


def core_modules() -> dict[str, SourceFile]:
    """Return module path -> source, in the order of the paths; `NotFoundError` if the sources are not installed."""
    from miden.assembly.modules import read_modules

    if not SOURCES.is_dir():
        hint = "install miden again: its wheel carries both the core library and its sources"
        raise NotFoundError(f"the sources of the core library are not at {SOURCES}", kind="CoreLibraryNotFound", hint=hint)
    return read_modules(SOURCES, NAMESPACE)


def assemble_core_library() -> Library:
    """Assemble the core library from its sources.

    Raises `AssemblyError` for a source that does not assemble, `NotFoundError` if there are none.
    """
    from miden.assembly.assembler import Assembler
    from miden.mast.debug_info import DebugInfo

    library = Assembler(warnings_as_errors=True).assemble_library(core_modules())
    texts = DebugInfo(error_codes=library.forest.debug_info.error_codes)
    return type(library)(library.forest.replace(debug_info=texts), library.items)


def write_core_library(path: str | Path = FOLDER / FILE_NAME) -> int:
    """Assemble the core library and write its file whole; return its size in bytes."""
    data = assemble_core_library().to_bytes()
    target = Path(path)
    temporary = target.with_name(target.name + ".new")
    temporary.write_bytes(data)
    temporary.replace(target)
    return len(data)


if __name__ == "__main__":
    write_core_library(*sys.argv[1:2])
