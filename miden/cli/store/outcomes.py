"""What verbs of code by its root and of blocks by their CIDs have in common: forgetting, unpinning, writing, taking in."""

from __future__ import annotations

from typing import NamedTuple

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.store.places import STORE_OPTIONS, find_pinned_store, find_store, keeps_pins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    from miden.cli.console import Console
    from miden.cli.progress import Show
    from miden.store.keys import ObjectKey
    from miden.store.store import ObjectStore

IMPORT_PARAMETERS = (
    argument("file", FilePath()),
    flag("--no-pin", help="Leave the roots to the next collection of garbage."),
    option("--owner", metavar="NAME", help="Who pins the roots; manual by default."),
    *STORE_OPTIONS,
)
"""What is taken in, and who keeps it."""

EXPORT_PARAMETERS = (
    option("-o", "--output", type=FilePath(), required=True, metavar="OUT", help="File to write."),
    flag("--partial", help="Leave out what is missing, in place of stopping there."),
    flag("--force", help="Replace OUT if it is there."),
    *STORE_OPTIONS,
)
"""Where things are written to, and from which store."""


def forget(console: Console, named: Mapping[str, ObjectKey], *, force: bool, place: str | None, config: str | None) -> int:
    """Remove objects, their pins before them with `force`, and say which were not there; return the exit code."""
    removed: list[str] = []
    absent: list[str] = []
    with find_store(place, config) as store:
        for name, key in named.items():
            for owner in store.pins.owners(key) if force else ():
                store.unpin(key, owner=owner)
            (removed if store.remove(key) else absent).append(name)
    return _told(console, "removed", removed, absent, "is not in the store")


def unpin(console: Console, named: Mapping[str, ObjectKey], *, owner: str | None, place: str | None, config: str | None) -> int:
    """Take pins back, and say which there were not; return the exit code."""
    taken: list[str] = []
    absent: list[str] = []
    with find_pinned_store(place, config) as store:
        for name, key in named.items():
            (taken if store.unpin(key, owner=owner) else absent).append(name)
    return _told(console, "unpinned", taken, absent, f"was not pinned by {owner or 'manual'}")


def _told(console: Console, done: str, names: list[str], absent: list[str], complaint: str) -> int:
    from miden.errors import EXIT_NOT_FOUND

    if console.json:
        console.document({done: names, "absent": absent})
    else:
        for name in absent:
            console.note(f"{name} {complaint}")
    return EXIT_NOT_FOUND if absent else 0


def write_out(console: Console, facts: dict[str, str], output: str, data: bytes, *, force: bool) -> int:
    """Write bytes to a new file, or to standard output, and say so; return the exit code."""
    from miden.cli.artifacts import plural, write_new

    write_new(output, data, force=force)
    if not console.json:
        console.note(f"wrote {output} ({plural(len(data), 'byte')})")
    elif output != "-":
        console.document({**facts, "output": output, "bytes": len(data)})
    return 0


class TakenIn(NamedTuple):
    """What an import brought: how many things of a kind, bytes, names of the roots, and of what is needed and not there."""

    noun: str
    things: int
    size: int
    roots: list[str]
    missing: list[str]


def take_in(
    console: Console,
    file: str,
    read: Callable[[ObjectStore, BinaryIO, bool | str, Show | None], TakenIn],
    *,
    no_pin: bool,
    owner: str | None,
    place: str | None,
    config: str | None,
) -> int:
    """Open a file and the store, let `read` put what is in the one into the other, and say what it was; return the exit code."""
    from miden.cli.artifacts import plural
    from miden.cli.files import named
    from miden.cli.progress import progress

    with find_store(place, config, create=True) as store, progress(console, "importing") as show:
        pin: bool | str = False if no_pin or not keeps_pins(store) else owner or True
        with open(file, "rb") as source, named(file):  # noqa: PTH123  pathlib costs start-up time
            done = read(store, source, pin, show)
    if console.json:
        console.document({f"{done.noun}s": done.things, "bytes": done.size, "roots": done.roots, "missing": done.missing})
        return 0
    for name in done.roots:
        console.print(console.style(name, "digest"))
    for name in done.missing:
        console.note(f"warning: {name} is needed and in no provider")
    console.note(f"read {plural(done.things, done.noun)}, {plural(done.size, 'byte')}")
    return 0
