"""`miden store init`: make an empty store."""

from __future__ import annotations

import click

from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("init")
@click.argument("place", required=False)
@click.option("--policy", type=click.Choice(["whole", "procedures"]), help="How large objects are: whole forests, or single procedures.")
@click.option("--cache", metavar="SIZE", help="Bytes of the hot cache, such as 256MiB, or none.")
@click.option("--cache-policy", type=click.Choice(["arc", "lru"]), help="What the hot cache drops first.")
@click.option("--quota", metavar="SIZE", help="Bytes that the objects may take on the disk.")
def command(
    console: Console, place: str | None, policy: str | None, cache: str | None, cache_policy: str | None, quota: str | None
) -> int:
    """Make an empty store at PLACE, by default the user's own; a store that is there already gets the new settings only."""
    from miden.cli.files import write_atomically
    from miden.cli.store.places import find_config
    from miden.errors import InputError
    from miden.store.config import OWN_FILE, StoreConfig, split_place

    found = find_config(place, None)
    settings = StoreConfig(policy=policy, cache=cache, cache_policy=cache_policy, quota=quota)
    settings.check()
    assert found.path is not None  # filled in above
    kind, location = split_place(found.path)
    if kind != "filesystem" and settings != StoreConfig():
        raise InputError("only a store in a directory keeps settings", kind="NoSettings", hint="put them into the config file")
    found._replace(remotes=()).open(create=True).close()
    if settings != StoreConfig():
        import os

        own = os.path.join(location, OWN_FILE)  # noqa: PTH118  pathlib costs start-up time
        write_atomically(own, settings.over(StoreConfig.read(own, trusted=False)).to_toml().encode())
    if console.json:
        console.document({"store": found.path, **{name: value for name, value in settings._asdict().items() if value}})
        return 0
    console.facts([("store", found.path)])
    return 0
