"""`miden store gc`: delete what nothing needs any more."""

from __future__ import annotations

import re

from miden.cli.parameters import flag, option
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import MisuseError, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console

_DURATION = re.compile(r"(\d{1,9}(?:\.\d+)?)([smhd]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@verb(
    "gc",
    option("--grace", default="1h", metavar="TIME", help="Keep what is younger, pinned or not: 90, 30m, 1h, 7d; 1h by default."),
    flag("-n", "--dry-run", help="Delete nothing; say what would be deleted."),
    *STORE_OPTIONS,
)
def command(console: Console, grace: str, dry_run: bool, place: str | None, config: str | None) -> int:
    """Delete the objects that neither a pin nor a young object leads to, and what interrupted writers have left behind."""
    from miden.cli.artifacts import plural
    from miden.cli.progress import progress
    from miden.cli.store.places import find_pinned_store

    match = _DURATION.fullmatch(grace)
    if match is None:
        raise MisuseError(f"expected a time such as 90, 30m, 1h or 7d, found {grace[:40]!r}", option="--grace")
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
