"""`miden car export`: write blocks of a store and all they link to to a CAR file."""

from __future__ import annotations

from miden.cli.parameters import Choice, argument, option
from miden.cli.store.outcomes import EXPORT_PARAMETERS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "export",
    argument("roots", multiple=True),
    option("--car-version", name="version", type=Choice(["1", "2"]), default="1", help="Version of the file; 2 has an index."),
    *EXPORT_PARAMETERS,
)
def command(
    console: Console,
    roots: tuple[str, ...],
    output: str,
    version: str,
    partial: bool,
    force: bool,
    place: str | None,
    config: str | None,
) -> int:
    """Write the blocks of ROOTS, which are CIDs or roots of code, and all that they link to, verified, to a CAR file."""
    from miden.cli.artifacts import plural
    from miden.cli.block.names import read_cid
    from miden.cli.progress import progress
    from miden.cli.store.places import find_store
    from miden.cli.writing import written_whole
    from miden.ipld.car.transfer import export_car
    from miden.ipld.objects import StoreBlocks

    wanted = [read_cid(root) for root in roots]
    with find_store(place, config) as store, progress(console, "exporting") as show, written_whole(output, force=force) as file:
        count = export_car(StoreBlocks(store), wanted, file, version=int(version), partial=partial, progress=show)
        size = file.tell()
    if console.json:
        console.document({"output": output, "version": int(version), "roots": list(map(str, wanted)), "blocks": count, "bytes": size})
        return 0
    console.note(f"wrote {output} ({plural(count, 'block')}, {plural(size, 'byte')})")
    return 0
