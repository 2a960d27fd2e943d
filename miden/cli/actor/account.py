"""`miden actor account`: put an account into the state."""

from __future__ import annotations

from miden.cli.actor.machines import MACHINE_OPTIONS
from miden.cli.parameters import Text, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "account",
    option("--balance", type=Text(), default="0", metavar="AMOUNT", help="What it has, in the smallest unit."),
    option("--address", metavar="ADDRESS", help="The f1 or f3 address of its key; by default one that no key has."),
    *MACHINE_OPTIONS,
)
def command(console: Console, balance: str, address: str | None, file: str | None, place: str | None, config: str | None) -> int:
    """Put an account into the state, as if it had always been there, and print its address."""
    from miden.actors.address import Address
    from miden.cli.actor.machines import opened
    from miden.cli.actor.values import read_amount

    amount = read_amount(balance)
    with opened(file, place, config) as session:
        made = session.machine.create_account(amount, None if address is None else Address.parse(address))
        root = session.save()
    facts = {"account": str(made), "balance": str(amount), "root": root}
    if console.json:
        console.document(facts)
    else:
        console.print(str(made))
    return 0
