"""`miden actor init`: begin a machine."""

from __future__ import annotations

import os

from miden.cli.actor.machines import MACHINE_OPTIONS
from miden.cli.parameters import Choice, IntRange, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console

BALANCE = 10**24


@verb(
    "init",
    option("--profile", type=Choice(["miden", "fvm"]), default="miden", help="Blocks and links: fvm as on Filecoin, miden with MAST too."),
    option(
        "--prices",
        type=Choice(["nv21", "nv18", "unit"]),
        default="nv21",
        help="What gas costs, and whose rules hold; unit counts cycles.",
    ),
    option("--epoch", type=IntRange(0, (1 << 62) - 1), default="0", metavar="N", help="The epoch that actors see."),
    flag("--force", help="Begin again where there is a machine."),
    *MACHINE_OPTIONS,
)
def command(
    console: Console, profile: str, prices: str, epoch: int, force: bool, file: str | None, place: str | None, config: str | None
) -> int:
    """Begin a machine: a state with the builtin actors and one account, which sends all messages unless told otherwise."""
    from miden.actors.machine import Machine
    from miden.cli.actor.machines import Session, Settings, machine_path, options, read_settings
    from miden.cli.store.places import find_store
    from miden.errors import InputError
    from miden.ipld.objects import StoreBlocks
    from miden.store.locks import WriterLock

    path = machine_path(file)
    with WriterLock(f"{path}.lock", path).held(), find_store(place, config, create=True) as store:
        settings = Settings("", "", profile, prices, epoch, {})
        if os.path.lexists(path):
            if not force:
                raise InputError(f"there is a machine {path} already", kind="MachineExists", hint="--force begins again")
            settings = settings._replace(root=read_settings(path).root)
        blocks = StoreBlocks(store)
        machine = Machine.genesis(blocks, **options(settings))
        sender = machine.create_account(balance=BALANCE)
        session = Session(path, settings._replace(sender=str(sender)), blocks, machine)
        root = session.save()
    facts = {"machine": path, "root": root, "account": str(sender), "balance": str(BALANCE)}
    if console.json:
        console.document(facts)
    else:
        console.facts(list(facts.items()))
    return 0
