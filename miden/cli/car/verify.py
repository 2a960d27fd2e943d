"""`miden car verify`: check every block, link and index of a CAR file."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "verify",
    argument("file", FilePath()),
    flag("--complete", help="Also fail if something that a root or block names is not in the file."),
)
def command(console: Console, file: str, complete: bool) -> int:
    """Hash every block of FILE, read its links, and compare the index with the blocks; say what is named and not there."""
    from miden.cli.files import named
    from miden.cli.progress import progress
    from miden.errors import EXIT_OK, NotFoundError
    from miden.ipld.car.transfer import check_car

    with open(file, "rb") as car, named(file), progress(console, "verifying") as show:  # noqa: PTH123  pathlib costs start-up time
        found = check_car(car, progress=show)
    if complete and found.missing:
        raise NotFoundError(
            f"{file} names {len(found.missing)} blocks that are not in it, such as {found.missing[0]}", kind="CarIncomplete"
        )
    facts = {**found._asdict(), "roots": list(map(str, found.roots)), "missing": list(map(str, found.missing))}
    if console.json:
        console.document(facts)
        return EXIT_OK
    console.facts(
        [
            ("version", str(found.version) + (", with an index" if found.indexed else "")),
            *(("root", str(root)) for root in found.roots),
            *((name, f"{facts[name]:,}") for name in ("blocks", "bytes", "repeated", "unknown")),
            ("missing", f"{len(found.missing):,}"),
        ]
    )
    return EXIT_OK
