"""`miden car index`: write a CAR file again as version 2, with an index."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "index",
    argument("file", FilePath()),
    option("-o", "--output", type=FilePath(), required=True, metavar="OUT", help="File to write."),
    flag("--force", help="Replace OUT if it is there."),
)
def command(console: Console, file: str, output: str, force: bool) -> int:
    """Write the blocks of FILE, each verified, as version 2 with an index by which one block is found without reading the others."""
    from miden.cli.artifacts import plural
    from miden.cli.files import named
    from miden.cli.progress import progress
    from miden.cli.writing import written_whole
    from miden.ipld.car.transfer import index_car

    with (
        open(file, "rb") as source,  # noqa: PTH123  pathlib costs start-up time
        named(file),
        progress(console, "indexing") as show,
        written_whole(output, force=force) as target,
    ):
        count = index_car(source, target, progress=show)
        size = target.tell()
    if console.json:
        console.document({"output": output, "version": 2, "blocks": count, "bytes": size})
        return 0
    console.note(f"wrote {output} ({plural(count, 'block')}, {plural(size, 'byte')})")
    return 0
