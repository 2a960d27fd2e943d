"""`miden publish`: packages into a registry."""

from __future__ import annotations

import os

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from miden.cli.console import Console
    from miden.registry.backends import Registry

TOKEN_VARIABLE = "MIDEN_TOKEN"  # noqa: S105  the name of a variable


PUBLISHER_OPTIONS = (
    option("--key", name="keys", type=FilePath(), multiple=True, metavar="FILE", help="Key to sign with; repeatable."),
    option("--token-file", type=FilePath(), metavar="FILE", help="Where the token is; by default in MIDEN_TOKEN."),
)
"""The options of verbs that change what a registry has."""


@verb(
    "publish",
    argument("files", FilePath(), multiple=True, required=False, metavar="[FILE]..."),
    flag("--adopt", help="Sign too for what was published under the name before it was claimed."),
    flag("--dry-run", help="Verify the packages and say what would be published; send nothing."),
    *PUBLISHER_OPTIONS,
    *PACKAGE_OPTIONS,
)
@with_places
def command(
    console: Console,
    files: tuple[str, ...],
    adopt: bool,
    dry_run: bool,
    keys: tuple[str, ...],
    token_file: str | None,
    places: Places,
) -> int:
    """Publish package FILES, by default those that miden build made of the project around this folder.

    Each is verified first. A version never changes: publishing the same bytes again does nothing, others are refused.
    """
    from miden.cli.files import named, read_bytes
    from miden.registry.index import describe

    paths = list(files) or [str(path) for path in built_packages()]
    packages = []
    for path in paths:
        data = read_bytes(path)
        with named(path):
            packages.append((path, data, describe(data)))
    registry = None if dry_run else writable_registry(places, keys, token_file, adopt=adopt)
    rows: list[dict[str, Any]] = []
    try:
        for path, data, entry in packages:
            published = entry if registry is None else registry.publish(data)
            rows.append({"file": path, "name": published.name, "version": published.version, "sha256": published.sha256})
            if not console.json:
                done = "would be published" if registry is None else f"is in {registry.name}"
                console.print(f"{console.style(f'{published.name} {published.version}', 'value')} {done}")
    finally:
        if registry is not None:
            registry.close()
    if console.json:
        console.document({"registry": None if registry is None else registry.location, "published": rows, "dry_run": dry_run})
    return 0


def built_packages() -> list[Path]:
    """Return the packages that were built of the project around this folder; `NotFoundError` if there are none."""
    from miden.cli.registries import project_folder
    from miden.errors import NotFoundError

    folder = project_folder() / "target"
    found = sorted(folder.glob("*.masp"))
    if not found:
        raise NotFoundError(f"there is no package in {folder}", kind="FileNotFound", hint="miden build makes them")
    return found


def writable_registry(places: Places, keys: tuple[str, ...], token_file: str | None, *, adopt: bool = False) -> Any:
    """Open the one registry that is meant, to change it."""
    from miden.errors import InputError
    from miden.registry.backends import WritableRegistry

    places.remote = remote_options(keys, token_file, adopt=adopt)
    sources = places.sources()
    registries: list[Registry] = [bound.registry for bound in sources.bound]
    if len(registries) != 1:
        sources.close()
        hint = "say which with --registry"
        raise InputError(f"there are {len(registries)} registries to choose from, expected 1", kind="RegistryNeeded", hint=hint)
    if not registries[0].writable or not isinstance(registries[0], WritableRegistry):
        sources.close()
        hint = "copy the file into it, or make it one with an index: miden registry init"
        raise InputError(f"{registries[0].location} cannot be published to", kind="ReadOnlyRegistry", hint=hint)
    return registries[0]


def remote_options(keys: tuple[str, ...], token_file: str | None, *, adopt: bool) -> dict[str, Any]:
    """Return the options of a registry that is reached by HTTP."""
    options: dict[str, Any] = {"adopt": adopt}
    if keys:
        from miden.registry.trust.signing import load_key

        options["signers"] = [load_key(path) for path in keys]
    token = os.environ.get(TOKEN_VARIABLE)
    if token_file is not None:
        from miden.cli.files import read_bytes

        token = read_bytes(token_file).decode(errors="replace").strip()
    if token:
        options["token"] = token
    return options
