"""Read an artifact of any kind for a verb, and write files that are not to be overwritten by accident."""

from __future__ import annotations

from miden.cli.files import load_program, named, read_bytes, write_atomically
from miden.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console
    from miden.mast.library import Library
    from miden.package.artifacts import Loaded


def load_any(path: str, console: Console) -> Loaded:
    """Return the artifact in a file (- for standard input); source text is assembled as a program.

    Everything is verified: files come from anywhere.
    """
    from miden.package.artifacts import Loaded

    data = read_bytes(path)
    if not is_source(path, data):
        return load_bytes(path, data)
    program = load_program(path, console, data=data)
    return Loaded("program", program, program.to_bytes())


def is_source(path: str, data: bytes) -> bool:
    """Tell whether a file holds source text; raises `FormatError` for an artifact of no known kind."""
    from miden.package.artifacts import sniff

    with named(path):
        return sniff(data) == "masm"


def load_bytes(path: str, data: bytes) -> Loaded:
    """Return the artifact that bytes are, verified; errors name the file that they are from."""
    from miden.package.artifacts import load_artifact

    with named(path):
        return load_artifact(data)


def load_library(path: str, console: Console) -> Library:
    """Return the library, or kernel, in a file, verified; `InputError` of kind ``NotALibrary`` for anything else."""
    library = load_any(path, console).library
    if library is None:
        raise InputError(f"{path} holds no library", kind="NotALibrary", hint="miden inspect shows what it is")
    return library


def load_core(path: str | None, console: Console) -> Library | None:
    """Return the library to link in place of the core library, or None."""
    return None if path is None else load_library(path, console)


def write_new(path: str, data: bytes, *, force: bool) -> None:
    """Write a file whole; refuse to replace one unless `force`."""
    if path == "-":
        write_atomically(path, data)
        return
    from miden.cli.writing import written_whole

    with written_whole(path, force=force) as file:
        file.write(data)


def plural(count: int, noun: str) -> str:
    """Return ``1 node`` or ``2 nodes``.

    >>> plural(1, "node"), plural(2000, "node")
    ('1 node', '2,000 nodes')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
