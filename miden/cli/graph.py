"""`miden graph`: a picture of the nodes."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "graph",
    argument("file", FilePath(allow_dash=True)),
    argument("procedure", required=False),
    option("-o", "--output", type=FilePath(allow_dash=True), metavar="OUT", help="File to write; standard output by default."),
    flag("--svg", help="Write an SVG; so does an OUT that ends in .svg."),
    flag("--force", help="Replace OUT if it is there."),
)
def command(console: Console, file: str, procedure: str | None, output: str | None, svg: bool, force: bool) -> int:
    """Draw the nodes of FILE, or those of one PROCEDURE: in the language of Graphviz, or as SVG.

    PROCEDURE is a path or its last name, 0x and a digest or its start, or # and a node id. Procedure roots have a thick
    border, nodes of other forests a dashed one.
    """
    from miden.cli.artifacts import load_any, write_new
    from miden.package.graph import dot
    from miden.package.graph import svg as draw
    from miden.package.naming import find_procedure

    loaded = load_any(file, console)
    roots = None if procedure is None else [find_procedure(loaded, procedure)]
    kind = "svg" if svg or (output or "").endswith(".svg") else "dot"
    text = (draw if kind == "svg" else dot)(loaded, roots)
    if output not in (None, "-"):
        write_new(str(output), text.encode(), force=force)
    if console.json:
        console.document({"file": file, "format": kind, "nodes": len(loaded.forest), "output": output, "text": None if output else text})
    elif output in (None, "-"):
        console.print(text.rstrip("\n"))
    else:
        console.print(f"wrote {output} ({len(text):,} bytes)")
    return 0
