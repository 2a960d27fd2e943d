"""`miden hash`: the hash of a program."""

from __future__ import annotations

import click

from miden.cli.verb import core_option, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("hash")
@click.argument("file", type=click.Path(allow_dash=True))
@core_option
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
