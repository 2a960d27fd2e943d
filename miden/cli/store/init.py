"""`miden store init`: make a store."""

from __future__ import annotations

from miden.cli.parameters import Choice, argument, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "init",
    argument("place", required=False),
    option("--policy", type=Choice(["whole", "procedures"]), help="How large objects are: whole forests, or single procedures."),
    option("--cache", metavar="SIZE", help="Bytes of the hot cache, such as 256MiB, or none."),
    option("--cache-policy", type=Choice(["arc", "lru"]), help="What the hot cache drops first."),
    option("--quota", metavar="SIZE", help="Bytes that the objects may take on the disk."),
    option("--core-library", type=Choice(["yes", "no"]), help="Whether the core library is in it; yes by default, if no PLACE is given."),
)
def command(
    console: Console,
    place: str | None,
    policy: str | None,
    cache: str | None,
    cache_policy: str | None,
    quota: str | None,
    core_library: str | None,
) -> int:
    """Make a store at PLACE, by default the user's own; a store that is there already gets the new settings only.

    The user's own store has the core library, pinned: whatever a program links to is in it then.
    """
    from miden.cli.files import write_atomically
    from miden.cli.store.places import find_config, preinstall
    from miden.errors import InputError
    from miden.store.config import OWN_FILE, StoreConfig, split_place

    found = find_config(place, None)
    core = None if core_library is None else core_library == "yes"
    settings = StoreConfig(policy=policy, cache=cache, cache_policy=cache_policy, quota=quota, core_library=core)
    settings.check()
    assert found.path is not None  # filled in above
    kind, location = split_place(found.path)
    if kind != "filesystem" and settings != StoreConfig():
        raise InputError("only a store in a directory keeps settings", kind="NoSettings", hint="put them into the config file")
    found = found._replace(remotes=())
    found.open(create=True).close()
    if settings != StoreConfig():
        import os

        own = os.path.join(location, OWN_FILE)  # noqa: PTH118  pathlib costs start-up time
        write_atomically(own, settings.over(StoreConfig.read(own, trusted=False)).to_toml().encode())
    with found.open() as store:  # with its settings
        preinstall(store, found, default=place is None)
    if console.json:
        said = {name: value for name, value in settings._asdict().items() if value not in (None, ())}
        console.document({"store": found.path, **said})
        return 0
    console.facts([("store", str(found.path))])
    return 0
