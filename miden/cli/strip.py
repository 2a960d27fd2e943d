"""`miden strip`: the same code without debug information."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.verb import MisuseError, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "strip",
    argument("file", FilePath()),
    option("-o", "--output", type=FilePath(allow_dash=True), metavar="OUT", help="File to write (- for standard output)."),
    flag("--in-place", help="Replace FILE itself."),
    flag("--force", help="Replace OUT if it is there."),
)
def command(console: Console, file: str, output: str | None, in_place: bool, force: bool) -> int:
    """Remove decorators and error messages from FILE: a program, library, package or container. Its root stays.

    OUT is of the same kind as FILE; other sections and the advice map are kept.
    """
    from miden.cli.artifacts import load_bytes, write_new
    from miden.cli.files import read_bytes
    from miden.package.container import Container
    from miden.package.diffing import root_of

    if (output is None) != in_place:
        raise MisuseError("give -o OUT, or --in-place to replace FILE" if output is None else "-o and --in-place exclude each other")
    loaded = load_bytes(file, read_bytes(file))
    stripped = loaded.content.strip_debug_info()
    if loaded.container is not None:
        envelope = Container.wrap(stripped, compact=loaded.container.compact)
        kept = [(number, data) for number, data in loaded.container.sections if number not in (1, 2, 3)]
        data = Container(stripped, envelope.identity, [*envelope.sections, *kept]).to_bytes()
    else:
        data = stripped.to_bytes()
    target = file if output is None else output
    write_new(target, data, force=force or in_place)
    if target == "-":
        return 0
    before = len(loaded.data)
    if console.json:
        console.document({"file": file, "output": target, "root": root_of(loaded), "bytes_before": before, "bytes_after": len(data)})
        return 0
    console.facts(
        [
            ("root", console.style(root_of(loaded), "digest")),
            ("wrote", f"{target} ({len(data):,} bytes; {before - len(data):,} fewer, {(before - len(data)) / before:.0%})"),
        ]
    )
    return 0
