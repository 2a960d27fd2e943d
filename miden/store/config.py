"""How a store is set up: a TOML file, of the user or in the store's own directory, and arguments that win over it.

::

    [store]
    path = "/srv/miden/objects"     # a directory, or KIND:PLACE for another kind of provider
    policy = "procedures"           # how large objects are: whole, procedures
    cache = "256 MiB"               # of the hot cache; "none" for no limit
    cache-policy = "arc"            # arc, lru
    quota = "20 GiB"                # what objects and packs may take on the disk
    core-library = true             # whether commands that put something also keep the core library there

    [[store.remotes]]               # asked after it, in this order; what they have is verified and kept
    kind = "http"                   # any provider
    location = "https://store.example"
    timeout = 5.0                   # anything else is an option of the provider
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from miden.errors import InputError
from miden.package.toml_file import TomlFile
from miden.store.cache import POLICIES as CACHE_POLICIES
from miden.store.cache import make_cache
from miden.store.objects import POLICIES
from miden.store.provider import open_provider

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.store.store import ObjectStore

OWN_FILE = "config.toml"
"""Name of the file in a store's directory; it may say how objects are kept, not where others come from."""

_SIZE = re.compile(r"(\d{1,15})\s*(?:(K|M|G|T)i?B?|B)?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_KIND = re.compile(r"([a-z][a-z0-9-]+):(.*)", re.ASCII | re.DOTALL)

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "path": str,
    "policy": str,
    "cache": (str, int),
    "cache-policy": str,
    "quota": (str, int),
    "core-library": bool,
    "remotes": list,
}


class Remote(NamedTuple):
    """A provider that is asked after the store itself."""

    kind: str
    location: str
    options: dict[str, Any]


class StoreConfig(NamedTuple):
    """What a file says; None where it says nothing."""

    path: str | None = None
    policy: str | None = None
    cache: int | str | None = None
    cache_policy: str | None = None
    quota: int | str | None = None
    core_library: bool | None = None
    remotes: tuple[Remote, ...] = ()

    @classmethod
    def from_toml(cls, content: bytes, path: str, *, trusted: bool = True) -> StoreConfig:
        """Read a file; `trusted` files may name a path and remotes.

        Raises `ProjectError` with the line for what is not understood.

        >>> StoreConfig.from_toml(b'[store]\\ncache = "64 MiB"', "config.toml").cache
        '64 MiB'
        """
        file = TomlFile(content, path)
        table = file.data.get("store", {})
        if not isinstance(table, dict):
            file.fail("store is a table", "store", kind="InvalidConfig")
        for name, value in table.items():
            if name not in _FIELDS or (not trusted and name in ("path", "remotes")):
                known = ", ".join(name for name in _FIELDS if trusted or name not in ("path", "remotes"))
                file.fail(f"there is no setting {name!r} here", f"store.{name}", kind="InvalidConfig", hint=f"there is {known}")
            if not isinstance(value, _FIELDS[name]) or (isinstance(value, bool) and _FIELDS[name] is not bool):
                file.fail(f"{name} cannot be a {type(value).__name__}", f"store.{name}", kind="InvalidConfig")
        remotes = [_remote(file, table, number) for number in range(len(table.get("remotes", ())))]
        config = cls(**{name.replace("-", "_"): value for name, value in {**table, "remotes": tuple(remotes)}.items()})
        try:
            config.check()
        except InputError as error:
            file.fail(error.message, "store", kind=error.kind, hint=error.hint)
        return config

    @classmethod
    def read(cls, path: str | Path, *, trusted: bool = True) -> StoreConfig:
        """Read a file by its path; one that is not there says nothing."""
        try:
            return cls.from_toml(Path(path).read_bytes(), str(path), trusted=trusted)
        except FileNotFoundError:
            return cls()

    def check(self) -> None:
        """Raise `InputError` for a size or a policy that is none."""
        for what, value, choices in (("policy", self.policy, POLICIES), ("cache-policy", self.cache_policy, tuple(CACHE_POLICIES))):
            if value is not None and value not in choices:
                raise InputError(f"{what} is one of {', '.join(choices)}, found {value!r}", kind="UnknownPolicy")
        for size in (self.cache, self.quota):
            if size is not None:
                parse_size(size)

    def over(self, other: StoreConfig) -> StoreConfig:
        """Return what this says, and where it says nothing what another says; remotes of both, these first."""
        mine = self._asdict()
        merged = {name: value if mine[name] is None else mine[name] for name, value in other._asdict().items()}
        return StoreConfig(**{**merged, "remotes": (*self.remotes, *other.remotes)})

    def to_toml(self) -> str:
        """Write what a store's own file may say."""
        names = {"policy": self.policy, "cache": self.cache, "cache-policy": self.cache_policy, "quota": self.quota}
        names |= {"core-library": self.core_library}
        lines = [f"{name} = {_literal(value)}" for name, value in names.items() if value is not None]
        return "\n".join(["[store]", *lines, ""])

    def with_own(self) -> StoreConfig:
        """Return these settings with those of the store's own file under them, if it has one."""
        kind, location = split_place(self.path or "")
        if self.path is None or kind != "filesystem":
            return self
        return self.over(StoreConfig.read(Path(location) / OWN_FILE, trusted=False))

    def open(self, *, create: bool = False, writable: bool = True) -> ObjectStore:
        """Open the store, with its own file under this one and the remotes behind it.

        Raises
        ------
        InputError
            If there is no path, or a provider is unknown.
        NotFoundError
            If there is no store and none is to be made.
        StorageError
            If it cannot be used.
        """
        from miden.store.opening import open_store
        from miden.store.store import ObjectStore

        if self.path is None:
            raise InputError("no place of a store is given", kind="NoStore", hint="name one with path, or with --store")
        kind, location = split_place(self.path)
        config = self.with_own()
        remotes = [open_provider(remote.kind, remote.location, **remote.options) for remote in config.remotes]
        settings: dict[str, Any] = {
            "policy": config.policy or POLICIES[0],
            "cache": make_cache(config.cache_policy or "arc", None if config.cache is None else parse_size(config.cache)),
        }
        if kind == "filesystem":
            quota = None if config.quota is None else parse_size(config.quota)
            return open_store(location, create=create, writable=writable, remotes=remotes, quota=quota, **settings)
        own = {"local": True} if kind == "fsspec" else {}  # it is the store itself here, not a place to copy from
        return ObjectStore([open_provider(kind, location, **own), *remotes], **settings)


def parse_size(size: int | str) -> int | None:
    """Read a number of bytes; ``none`` is no limit.

    Raises `InputError` of kind ``InvalidSize``.

    >>> parse_size("64 MiB"), parse_size("1k"), parse_size(5), parse_size("none")
    (67108864, 1024, 5, None)
    """
    text = str(size).strip()
    if text.lower() == "none":
        return None
    match = _SIZE.fullmatch(text)
    if match is None:
        raise InputError(f"a size is a number of bytes, KiB, MiB, GiB or TiB, or none, found {text[:40]!r}", kind="InvalidSize")
    return int(match[1]) * _UNITS[(match[2] or "").upper()]


def split_place(place: str) -> tuple[str, str]:
    """Return the kind and the location of a provider: a URL, ``KIND:LOCATION``, or a directory.

    >>> split_place("sqlite:/tmp/a.db"), split_place("https://x.example"), split_place("s3://bucket"), split_place("/srv/objects")
    (('sqlite', '/tmp/a.db'), ('http', 'https://x.example'), ('fsspec', 's3://bucket'), ('filesystem', '/srv/objects'))
    """
    if place.startswith(("http://", "https://")):
        return "http", place
    match = _KIND.fullmatch(place)
    if match is None:
        return "filesystem", place
    return ("fsspec", place) if match[2].startswith("//") else (match[1], match[2])


def _remote(file: TomlFile, table: dict[str, Any], number: int) -> Remote:
    field = f"store.remotes.{number}"
    entry = table["remotes"][number]
    if not isinstance(entry, dict):
        file.fail("a remote is a table", field, kind="InvalidConfig")
    for name in ("kind", "location"):
        if not isinstance(entry.get(name), str):
            file.fail(f"a remote has a {name}, which is text", f"{field}.{name}", kind="InvalidConfig")
    options = {name.replace("-", "_"): value for name, value in entry.items() if name not in ("kind", "location")}
    return Remote(entry["kind"], entry["location"], options)


def _literal(value: str | int) -> str:
    import json

    return json.dumps(value)  # what JSON writes for these is TOML
