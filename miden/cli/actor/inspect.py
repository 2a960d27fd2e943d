"""`miden actor inspect`: show the interface of an actor."""

from __future__ import annotations

from miden.cli.actor.machines import MACHINE_OPTIONS
from miden.cli.parameters import argument, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.actors.interfaces import Interface
    from miden.cli.console import Console


@verb(
    "inspect",
    argument("what"),
    option("-o", "--output", metavar="FILE", help="Write the interface to a file, as the block that it is."),
    *MACHINE_OPTIONS,
)
def command(console: Console, what: str, output: str | None, file: str | None, place: str | None, config: str | None) -> int:
    """Show the interface of WHAT: the address of an actor, a file with the code of one, or a file with an interface.

    Methods come with the numbers by which they are called.
    """
    from miden.actors.interfaces import print_interface

    interface = _find(what, file, place, config)
    if output is not None:
        from miden.cli.writing import written_whole

        with written_whole(output) as target:
            target.write(interface.to_block())
    if console.json:
        numbers = {name: method.number for name, method in interface.methods.items()}
        console.document({"cid": str(interface.cid), "numbers": numbers, "text": print_interface(interface), "interface": interface.form()})
        return 0
    console.print(print_interface(interface).rstrip("\n"))
    console.print()
    console.table(("method", "number"), [(name, str(method.number)) for name, method in interface.methods.items()])
    console.note(f"interface  {interface.cid}")
    return 0


def _find(what: str, file: str | None, place: str | None, config: str | None) -> Interface:
    import os

    from miden.actors.address import Address
    from miden.actors.interfaces.directory import interface_of
    from miden.cli.actor.code import is_code, read_code
    from miden.cli.actor.deploy import read_interface
    from miden.cli.actor.machines import opened
    from miden.errors import NotFoundError

    if is_code(what):
        interface = read_code(what).interface
        if interface is None:
            hint = "miden actor package puts one into it"
            raise NotFoundError(f"the code in {what} carries no interface", kind="NoInterface", hint=hint)
        return interface
    if os.path.exists(what):  # noqa: PTH110  pathlib costs start-up time
        return read_interface(what)
    address = Address.parse(what)
    with opened(file, place, config) as session:
        return interface_of(session.machine.tree, session.machine.blocks, address)
