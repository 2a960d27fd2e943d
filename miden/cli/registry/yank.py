"""`miden registry yank`: take a version back, or put it back."""

from __future__ import annotations

import click

from miden.cli.publish import publisher_options
from miden.cli.registries import Places, package_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("yank")
@click.argument("package", metavar="NAME@VERSION")
@click.option("--reason", help="Why; people read it.")
@click.option("--undo", is_flag=True, help="Put the version back.")
@publisher_options
@package_options
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
