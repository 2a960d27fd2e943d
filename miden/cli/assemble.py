"""`miden assemble`: from source text to a program file."""

from __future__ import annotations

import os

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.verb import CORE_OPTION, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "assemble",
    argument("file", FilePath(allow_dash=True)),
    option(
        "-o",
        "--output",
        type=FilePath(allow_dash=True),
        metavar="OUT",
        help="File to write (- for standard output); FILE with the extension .masb by default.",
    ),
    option("--link", name="linked", type=FilePath(), multiple=True, metavar="FILE", help="Library that is called and needed at run time."),
    flag("--strip", help="Leave debug information out."),
    flag("--warnings-as-errors", help="Refuse a program with warnings."),
    CORE_OPTION,
)
def command(
    console: Console, file: str, output: str | None, linked: tuple[str, ...], strip: bool, warnings_as_errors: bool, core: str | None
) -> int:
    """Assemble the program in FILE and write it, readable by this and by the reference implementation.

    OUT holds the whole program or, if anything fails, what it held before.
    """
    from miden.cli.artifacts import load_core
    from miden.cli.files import load_program, write_atomically
    from miden.mast.program import Program

    replacing = load_core(core, console)
    program = load_program(file, console, warnings_as_errors=warnings_as_errors, linked=linked, core=replacing)
    if strip:
        program = Program(program.forest.strip_debug_info(), program.entrypoint, program.kernel)
    data = program.to_bytes()
    if output is None:
        output = "-" if file == "-" else os.path.splitext(file)[0] + ".masb"  # noqa: PTH122
    write_atomically(output, data)
    facts = {"file": file, "output": output, "hash": program.hash.to_hex(), "bytes": len(data), "nodes": len(program.forest)}
    if output == "-":
        return 0
    if console.json:
        console.document(facts)
    else:
        console.facts([("hash", program.hash.to_hex()), ("wrote", f"{output} ({len(data):,} bytes, {len(program.forest):,} nodes)")])
    return 0
