"""Which store a command means, and the options that say so."""

from __future__ import annotations

import os

from miden.cli.parameters import FilePath, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.store.config import StoreConfig
    from miden.store.store import ObjectStore

PLACE_HELP = "The store: a directory, or KIND:PLACE; by default MIDEN_STORE, what the config file says, or the user's own."


STORE_OPTIONS = (
    option("--store", name="place", metavar="PLACE", help=PLACE_HELP),
    option("--config", type=FilePath(), metavar="FILE", help="Settings; by default MIDEN_CONFIG, or the user's own file."),
)
"""The options of every verb of a store."""


def find_config(place: str | None, config: str | None) -> StoreConfig:
    """Return the settings of the store that is meant, its path filled in."""
    from pathlib import Path

    from platformdirs import user_config_dir, user_data_dir

    from miden.errors import NotFoundError
    from miden.store.config import StoreConfig

    named = config or os.environ.get("MIDEN_CONFIG")
    if named is not None and not os.path.exists(named):  # noqa: PTH110  pathlib costs start-up time
        raise NotFoundError(f"there is no config file {named}", kind="FileNotFound")
    found = StoreConfig.read(named or Path(user_config_dir("miden")) / "config.toml")
    path = place or os.environ.get("MIDEN_STORE") or found.path or os.path.join(user_data_dir("miden"), "store")  # noqa: PTH118
    return found._replace(path=os.path.expanduser(path))  # noqa: PTH111


def find_store(place: str | None, config: str | None, *, create: bool = False, writable: bool = True, default: bool = False) -> ObjectStore:
    """Open the store that is meant; `default` is for one with a place that is the one to use where none is named.

    One that something is to be put into gets the core library, if it is the default store and no setting says otherwise.
    """
    found = find_config(place, config)
    store = found.open(create=create, writable=writable)
    if create:
        preinstall(store, found, default=default or place is None)
    return store


def preinstall(store: ObjectStore, config: StoreConfig, *, default: bool) -> None:
    """Keep the core library in a store, or let go of it, as its settings say; if they do not, it is kept in the default one."""
    said = config.with_own().core_library
    if (default or said is not None) and keeps_pins(store):
        from miden.corelib.keeping import keep_core_library, release_core_library

        (release_core_library if said is False else keep_core_library)(store)


def find_pinned_store(place: str | None, config: str | None, *, writable: bool = True) -> ObjectStore:
    """Open the store that is meant for something that is about pins: without any, all that it has is garbage."""
    from miden.errors import InputError

    store = find_store(place, config, writable=writable)
    if not keeps_pins(store):
        store.close()
        raise InputError(f"{store!r} keeps no pins", kind="NoPins", hint="only a store in a directory does")
    return store


def keeps_pins(store: ObjectStore) -> bool:
    """Tell whether the pins of a store outlive this process."""
    from miden.store.pins import DiskPins

    return isinstance(store.pins, DiskPins)
