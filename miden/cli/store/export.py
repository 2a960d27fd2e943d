"""`miden store export`: write roots and all they need to one file."""

from __future__ import annotations

from miden.cli.parameters import argument, flag
from miden.cli.store.outcomes import EXPORT_PARAMETERS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "export",
    argument("roots", multiple=True, required=False),
    flag("--all", name="everything", help="Write every root in the store."),
    *EXPORT_PARAMETERS,
)
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
    from miden.cli.artifacts import plural
    from miden.cli.progress import progress
    from miden.cli.store.places import find_store
    from miden.cli.writing import written_whole
    from miden.store.bundle import export_bundle
    from miden.store.keys import as_key

    with find_store(place, config) as store, progress(console, "exporting") as show:
        wanted = [*map(as_key, roots), *(store.roots() if everything else ())]
        with written_whole(output, force=force) as file:
            done = export_bundle(store, wanted, file, partial=partial, progress=show)
    facts = {"output": output, "roots": len(done.roots), "objects": done.objects, "bytes": done.bytes}
    if console.json:
        console.document({**facts, "missing": list(map(str, done.missing))})
        return 0
    for key in done.missing:
        console.note(f"warning: {key} is missing")
    console.note(f"wrote {output} ({plural(done.objects, 'object')}, {plural(done.bytes, 'byte')})")
    return 0
