"""Which machine a command means: its file, its blocks in the store, its runtimes.

The file is JSON: the root of the state, the settings of the machine, and the Python files whose actors it runs, each with the hash
of what was deployed. It is replaced in one step after all blocks are in the store, so that a crash leaves the state before.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import NamedTuple

from miden.cli.parameters import FilePath, option
from miden.cli.store.places import STORE_OPTIONS
from miden.errors import FormatError, InputError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from miden.actors.machine import Machine
    from miden.actors.trace import Observer
    from miden.ipld.objects import StoreBlocks

MACHINE_OPTIONS = (
    option("--machine", name="file", type=FilePath(), metavar="FILE", help="The machine; by default MIDEN_MACHINE, or machine.json."),
    *STORE_OPTIONS,
)
"""The options of every verb of a machine."""

VERSION = 1
MAX_FILE = 1 << 20
"""Bytes of the longest machine file that is read."""


class Settings(NamedTuple):
    """What a machine file says."""

    root: str
    sender: str
    """The account that sends unless told otherwise."""
    profile: str
    prices: str
    epoch: int
    python: dict[str, str]
    """File -> blake2b-256 hash, as hexadecimal digits."""


def machine_path(file: str | None) -> str:
    """Return the path of the machine that is meant."""
    return os.path.abspath(file or os.environ.get("MIDEN_MACHINE") or "machine.json")  # noqa: PTH100  pathlib costs start-up time


def read_settings(path: str) -> Settings:
    """Read a machine file; raises `NotFoundError` or `FormatError`."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  pathlib costs start-up time
            data = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise NotFoundError(f"there is no machine {path}", kind="MachineNotFound", hint="miden actor init begins one") from None
    try:
        facts = json.loads(data) if len(data) <= MAX_FILE else None
    except ValueError as problem:
        raise FormatError(f"{path} is no JSON: {problem}", kind="InvalidMachine") from None
    kinds = {"root": str, "sender": str, "profile": str, "prices": str, "epoch": int, "python": dict}
    if not isinstance(facts, dict) or facts.pop("machine", None) != VERSION or {name: type(facts.get(name)) for name in facts} != kinds:
        raise FormatError(f"{path} is no machine of version {VERSION}", kind="InvalidMachine")
    if not all(isinstance(digest, str) for digest in facts["python"].values()):
        raise FormatError(f"{path}: expected hashes of Python files", kind="InvalidMachine")
    return Settings(**facts)


class Session:
    """A machine at work for one command."""

    def __init__(self, path: str, settings: Settings, blocks: StoreBlocks, machine: Machine, *, kept: Settings | None = None) -> None:
        self.path = path
        self.settings = settings
        self._kept = kept
        self.blocks = blocks
        self.machine = machine

    def save(self) -> str:
        """Write the state to the store and its root to the machine file, if anything changed, and return the root."""
        from miden.cli.store.places import keeps_pins
        from miden.ipld.cid import Cid

        root, before = self.machine.flush(), self.settings.root
        self.settings = self.settings._replace(root=str(root))
        if self.settings == self._kept:
            return before
        if keeps_pins(self.blocks.store):
            self.blocks.pin(root, owner=self.owner)
        write_settings(self.path, self.settings)
        if keeps_pins(self.blocks.store) and before and before != str(root):
            self.blocks.unpin(Cid.parse(before), owner=self.owner)
        return str(root)

    @property
    def owner(self) -> str:
        """Who pins the state."""
        return f"machine {self.path}"


def write_settings(path: str, settings: Settings) -> None:
    """Write a machine file, whole or not at all."""
    from miden.cli.writing import written_whole

    with written_whole(path) as file:
        file.write(json.dumps({"machine": VERSION, **settings._asdict()}, indent=2).encode() + b"\n")


@contextmanager
def opened(
    file: str | None, place: str | None, config: str | None, *, observers: Sequence[Observer] = (), python: Sequence[str] = ()
) -> Iterator[Session]:
    """Open the machine that is meant, for one command at a time; `python` are files whose actors it runs from now on, as they are.

    Raises
    ------
    NotFoundError, FormatError
        Without a machine, or a state that it names.
    IntegrityError
        When another Python file is not what was deployed.
    """
    from miden.actors.machine import Machine
    from miden.cli.actor.code import python_entry, runtimes
    from miden.cli.store.places import find_store
    from miden.ipld.cid import Cid
    from miden.ipld.objects import StoreBlocks
    from miden.store.locks import WriterLock

    path = machine_path(file)
    read_settings(path)
    with WriterLock(f"{path}.lock", path).held(), find_store(place, config) as store:
        kept = read_settings(path)
        settings = kept._replace(python={**kept.python, **dict(python_entry(name, path) for name in python)})
        blocks = StoreBlocks(store)
        found = runtimes(settings.python, path)
        machine = Machine(blocks, Cid.parse(settings.root), observers=observers, runtimes=found, **options(settings))
        yield Session(path, settings, blocks, machine, kept=kept)


def options(settings: Settings) -> dict[str, Any]:
    """Return the options of a machine with these settings."""
    from miden.actors.context import GUARDED_VERSION, MachineContext

    if settings.epoch < 0:
        raise InputError("an epoch is not negative", kind="Epoch")
    version = 18 if settings.prices == "nv18" else GUARDED_VERSION
    context = MachineContext(epoch=settings.epoch, network_version=version)
    return {"context": context, "prices": settings.prices, "profile": settings.profile}
