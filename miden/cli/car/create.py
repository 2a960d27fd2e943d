"""`miden car create`: make a CAR file of files."""

from __future__ import annotations

from miden.cli.parameters import Choice, FilePath, argument, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from miden.cli.console import Console
    from miden.ipld.cid import Cid


@verb(
    "create",
    argument("files", FilePath(allow_dash=True), multiple=True),
    option("-o", "--output", type=FilePath(), required=True, metavar="OUT", help="File to write."),
    option("--car-version", name="version", type=Choice(["1", "2"]), default="1", help="Version of the file; 2 has an index."),
    flag("--nodes", help="Write every node of the code in FILES as a block, named by its MAST root, in place of the files."),
    flag("--force", help="Replace OUT if it is there."),
)
def command(console: Console, files: tuple[str, ...], output: str, version: str, nodes: bool, force: bool) -> int:
    """Write FILES as blocks to a CAR file, whose roots they are.

    A program, library or package is a block of codec mast-forest, anything else one of codec raw. With --nodes the roots are those of
    the procedures, and source text is assembled.
    """
    from miden.cli.artifacts import plural
    from miden.cli.progress import progress
    from miden.cli.writing import written_whole
    from miden.ipld.car import CarWriter

    blocks: dict[Cid, bytes] = {}
    roots: dict[Cid, None] = {}
    with progress(console, "reading") as show:
        for number, path in enumerate(files):
            for cid, data, is_root in _nodes(path, console) if nodes else _whole(path):
                blocks[cid] = data
                if is_root:
                    roots[cid] = None
            if show is not None:
                show(number + 1, len(files))
    with written_whole(output, force=force) as file, CarWriter(file, roots, version=int(version)) as writer:
        for cid, data in blocks.items():
            writer.write(cid, data)
        writer.close()
        size = file.tell()
    named = list(map(str, roots))
    if console.json:
        console.document({"output": output, "version": int(version), "roots": named, "blocks": len(blocks), "bytes": size})
        return 0
    for root in named:
        console.print(console.style(root, "digest"))
    console.note(f"wrote {output} ({plural(len(blocks), 'block')}, {plural(size, 'byte')})")
    return 0


def _whole(path: str) -> Iterator[tuple[Cid, bytes, bool]]:
    from miden.cli.block.names import codec_of
    from miden.cli.files import read_bytes
    from miden.ipld.cid import Cid

    data = read_bytes(path)
    yield Cid.of(data, codec_of(data)), data, True


def _nodes(path: str, console: Console) -> Iterator[tuple[Cid, bytes, bool]]:
    from miden.cli.artifacts import load_any
    from miden.ipld.mast import explode
    from miden.mast.program import Program

    loaded = load_any(path, console)
    forest = loaded.forest
    starts = [loaded.artifact.entrypoint] if isinstance(loaded.artifact, Program) else list(forest.roots)
    tops = {forest.digest_bytes(node) for node in starts}
    for cid, data in explode(forest, starts):
        yield cid, data, cid.digest in tops
