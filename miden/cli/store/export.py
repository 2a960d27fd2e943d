"""`miden store export`: write roots and all they need to one file."""

from __future__ import annotations

import os

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("export")
@click.argument("roots", nargs=-1)
@click.option("-o", "--output", type=click.Path(), required=True, metavar="OUT", help="File to write.")
@click.option("--all", "everything", is_flag=True, help="Write every root in the store.")
@click.option("--partial", is_flag=True, help="Leave out what is missing, in place of stopping there.")
@click.option("--force", is_flag=True, help="Replace OUT if it is there.")
@store_options
def command(
    console: Console,
    roots: tuple[str, ...],
    output: str,
    everything: bool,
    partial: bool,
    force: bool,
    place: str | None,
    config: str | None,
) -> int:
    """Write ROOTS and all that they link to, verified, to one file that `miden store import` takes."""
    import tempfile

    from miden.cli.artifacts import plural
    from miden.cli.progress import progress
    from miden.cli.store.places import find_store
    from miden.errors import InputError
    from miden.store.bundle import export_bundle
    from miden.store.keys import as_key

    if not force and os.path.lexists(output):
        raise InputError(f"{output} is there already", kind="FileExists", hint="choose another name, or give --force")
    folder = os.path.dirname(output) or "."  # noqa: PTH120  pathlib costs start-up time
    with find_store(place, config) as store, progress(console, "exporting") as show:
        wanted = [*map(as_key, roots), *(store.roots() if everything else ())]
        handle, temporary = tempfile.mkstemp(prefix=".miden-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                done = export_bundle(store, wanted, file, partial=partial, progress=show)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, output)  # noqa: PTH105
        except BaseException:
            os.unlink(temporary)  # noqa: PTH108
            raise
    facts = {"output": output, "roots": len(done.roots), "objects": done.objects, "bytes": done.bytes}
    if console.json:
        console.document({**facts, "missing": list(map(str, done.missing))})
        return 0
    for key in done.missing:
        console.note(f"warning: {key} is missing")
    console.note(f"wrote {output} ({plural(done.objects, 'object')}, {plural(done.bytes, 'byte')})")
    return 0
