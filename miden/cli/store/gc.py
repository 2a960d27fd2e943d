"""`miden store gc`: delete what nothing needs any more."""

from __future__ import annotations

import re

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console

_DURATION = re.compile(r"(\d{1,9}(?:\.\d+)?)([smhd]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@verb("gc")
@click.option("--grace", metavar="TIME", default="1h", help="Keep what is younger, pinned or not: 90, 30m, 1h, 7d; 1h by default.")
@click.option("-n", "--dry-run", is_flag=True, help="Delete nothing; say what would be deleted.")
@store_options
def command(console: Console, grace: str, dry_run: bool, place: str | None, config: str | None) -> int:
    """Delete the objects that neither a pin nor a young object leads to, and what interrupted writers have left behind."""
    from miden.cli.artifacts import plural
    from miden.cli.progress import progress
    from miden.cli.store.places import find_pinned_store

    match = _DURATION.fullmatch(grace)
    if match is None:
        raise click.BadParameter(f"expected a time such as 90, 30m, 1h or 7d, found {grace[:40]!r}", param_hint="--grace")
    with find_pinned_store(place, config) as store, progress(console, "following links") as show:
        done = store.gc(grace=float(match[1]) * _SECONDS[match[2]], dry_run=dry_run, progress=show)
    if console.json:
        keys = {"removed_roots": list(map(str, done.removed_keys)), "missing": list(map(str, done.missing))}
        console.document({"kept": done.kept, "removed": done.removed, "freed": done.freed, "dry_run": dry_run, **keys})
        return 0
    for key in done.missing:
        console.note(f"warning: {key} is needed and not in the store")
    verb_ = "would delete" if dry_run else "deleted"
    console.print(f"{verb_} {plural(done.removed, 'object')} ({plural(done.freed, 'byte')}), kept {done.kept:,}")
    return 0
