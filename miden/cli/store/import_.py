"""`miden store import`: put what is in a bundle into the store."""

from __future__ import annotations

from miden.cli.store.outcomes import IMPORT_PARAMETERS, TakenIn, take_in
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from miden.cli.console import Console
    from miden.cli.progress import Show
    from miden.store.store import ObjectStore


@verb("import", *IMPORT_PARAMETERS)
def command(console: Console, file: str, no_pin: bool, owner: str | None, place: str | None, config: str | None) -> int:
    """Put the objects of FILE, which `miden store export` wrote, into the store, and pin its roots. Everything is verified."""
    return take_in(console, file, _read, no_pin=no_pin, owner=owner, place=place, config=config)


def _read(store: ObjectStore, file: BinaryIO, pin: bool | str, show: Show | None) -> TakenIn:
    from miden.store.bundle import import_bundle

    done = import_bundle(store, file, pin=pin, progress=show)
    return TakenIn("object", done.objects, done.bytes, list(map(str, done.roots)), list(map(str, done.missing)))
