"""`miden hash`: the hash of a program."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument
from miden.cli.verb import CORE_OPTION, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "hash",
    argument("file", FilePath(allow_dash=True)),
    CORE_OPTION,
)
def command(console: Console, file: str, core: str | None) -> int:
    """Print the hash of the program in FILE, source text or serialized (- for standard input).

    The hash is the root of the program's MAST: equal hashes mean equal code, whatever the source looks like.
    """
    from miden.cli.artifacts import load_core
    from miden.cli.files import load_program

    program = load_program(file, console, core=load_core(core, console))
    if console.json:
        console.document({"file": file, "hash": program.hash.to_hex()})
    else:
        console.print(program.hash.to_hex())
    return 0
