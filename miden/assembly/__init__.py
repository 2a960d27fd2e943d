"""The assembler: Miden assembly to MAST. (assembly.md.)

A reading order: `ast`, `parser`, `sema` (one module), `linker` (modules together), `compiler` and `body` (procedures to
nodes), `lowering` (instructions to operations), `forest_builder` (nodes), `assembler` (the door).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.assembler import Assembler, assemble
    from miden.assembly.modules import read_modules
    from miden.assembly.source import SourceFile

__all__ = ["Assembler", "SourceFile", "assemble", "read_modules"]

_HOMES = {
    "Assembler": "miden.assembly.assembler",
    "assemble": "miden.assembly.assembler",
    "read_modules": "miden.assembly.modules",
    "SourceFile": "miden.assembly.source",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home when it is first used."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'miden.assembly' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value
