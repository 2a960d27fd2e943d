"""`miden car ls`: list the blocks of a CAR file."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "ls",
    argument("file", FilePath()),
    flag("-l", "--long", name="detailed", help="Show codec, hash function, size, links and offset of each block."),
    flag("--roots", help="List only the roots that the header names."),
)
def command(console: Console, file: str, detailed: bool, roots: bool) -> int:
    """List the blocks of FILE in their order, each verified."""
    from miden.cli.block.names import describe
    from miden.cli.console import cell
    from miden.cli.files import named
    from miden.ipld.car import CarReader
    from miden.ipld.links import LINK_FUNCTIONS, links

    rows: list[dict[str, object]] = []
    with open(file, "rb") as car, named(file):  # noqa: PTH123  pathlib costs start-up time
        reader = CarReader(car)
        listed = list(map(str, reader.roots))
        for cid, data, offset in () if roots else reader:
            row: dict[str, object] = {"cid": str(cid)}
            if detailed:
                known = cid.codec in LINK_FUNCTIONS
                row = {**describe(cid), "bytes": len(data), "links": len(links(cid.codec, data)) if known else None, "offset": offset}
            rows.append(row)
    if console.json:
        console.document({"version": reader.version, "roots": listed, **({} if roots else {"blocks": rows})})
    elif roots or not detailed:
        for cid_text in listed if roots else [str(row["cid"]) for row in rows]:
            console.print(cid_text)
    else:
        header = ("cid", "codec", "hash", "bytes", "links", "offset")
        console.table(header, [["?" if row[name] is None else cell(row[name]) for name in header] for row in rows])
    return 0
