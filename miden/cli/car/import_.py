"""`miden car import`: put the blocks of a CAR file into a store."""

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
    """Put the blocks of FILE, a CAR file of any version, into the store, and pin its roots.

    Everything is verified before anything is put. Nodes of MAST become code, which runs by its root.
    """
    return take_in(console, file, _read, no_pin=no_pin, owner=owner, place=place, config=config)


def _read(store: ObjectStore, file: BinaryIO, pin: bool | str, show: Show | None) -> TakenIn:
    from miden.ipld.car.transfer import import_car
    from miden.ipld.objects import StoreBlocks

    done = import_car(StoreBlocks(store), file, pin=pin, progress=show)
    found = done.contents
    return TakenIn("block", found.blocks, found.bytes, list(map(str, found.roots)), list(map(str, done.missing)))
