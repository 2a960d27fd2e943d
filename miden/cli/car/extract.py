"""`miden car extract`: write blocks of a CAR file to files."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "extract",
    argument("file", FilePath()),
    argument("names", multiple=True, required=False),
    option(
        "-o",
        "--output",
        type=FilePath(allow_dash=True),
        metavar="OUT",
        help="File for the one block that is named (- for standard output).",
    ),
    option("-d", "--folder", type=FilePath(), metavar="DIR", help="Folder for files that are called as their CIDs; by default this one."),
    flag("--force", help="Replace files that are there."),
)
def command(console: Console, file: str, names: tuple[str, ...], output: str | None, folder: str | None, force: bool) -> int:
    """Write the blocks of FILE that NAMES say, CIDs or roots of code, or all of them, verified, to files of their own."""
    import os

    from miden.cli.artifacts import plural, write_new
    from miden.cli.block.names import read_cid
    from miden.cli.files import named
    from miden.cli.verb import MisuseError
    from miden.ipld.car import CarFile, CarReader

    if output is not None and (len(names) != 1 or folder is not None):
        raise MisuseError("--output is for one block, and without --folder", option="--output")
    if folder is not None:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    cids = [read_cid(name) for name in names]
    written: list[dict[str, object]] = []
    with open(file, "rb") as car, named(file):  # noqa: PTH123  pathlib costs start-up time
        if cids:
            opened = CarFile(car)
            wanted = iter([(cid, opened.get(cid)) for cid in cids])
        else:
            wanted = ((section.cid, section.data) for section in CarReader(car))
        for cid, data in wanted:
            path = os.path.join(folder or "", str(cid)) if output is None else output  # noqa: PTH118
            write_new(path, data, force=force)
            written.append({"cid": str(cid), "output": path, "bytes": len(data)})
    if console.json:
        if output != "-":
            console.document({"blocks": written})
        return 0
    if output is None:
        for row in written:
            console.print(str(row["output"]))
    console.note(f"wrote {plural(len(written), 'block')}")
    return 0
