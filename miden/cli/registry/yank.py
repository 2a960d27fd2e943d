"""`miden registry yank`: take a version back, or put it back."""

from __future__ import annotations

from miden.cli.parameters import argument, flag, option
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.publish import PUBLISHER_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "yank",
    argument("package", metavar="NAME@VERSION"),
    option("--reason", help="Why; people read it."),
    flag("--undo", help="Put the version back."),
    *PUBLISHER_OPTIONS,
    *PACKAGE_OPTIONS,
)
@with_places
def command(
    console: Console,
    package: str,
    reason: str | None,
    undo: bool,
    keys: tuple[str, ...],
    token_file: str | None,
    places: Places,
) -> int:
    """Take a version back: nobody chooses it any more, but whoever has locked it still gets it."""
    from miden.cli.publish import writable_registry
    from miden.errors import InputError
    from miden.registry.names import PackageReference
    from miden.registry.versions import check_release

    reference = PackageReference(package)
    version = check_release(reference.requirement.removeprefix("="))
    if undo == (reason is not None):
        raise InputError("a version is taken back for a --reason, or put back with --undo", kind="ReasonNeeded")
    registry = writable_registry(places, keys, token_file)
    try:
        entry = registry.yank(reference.name.text, version, reason)
    finally:
        registry.close()
    if console.json:
        console.document({"name": entry.name, "version": entry.version, "yanked": entry.yanked})
    else:
        console.print(f"{entry.name} {entry.version} is {'no longer yanked' if entry.yanked is None else f'yanked: {entry.yanked}'}")
    return 0
