"""`miden actor call`: send a message to an actor."""

from __future__ import annotations

from typing import NamedTuple

from miden.cli.actor.machines import MACHINE_OPTIONS
from miden.cli.parameters import IntRange, argument, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from miden.actors.messages import Receipt
    from miden.cli.actor.machines import Session
    from miden.cli.console import Console

CALL_PARAMETERS = (
    argument("address"),
    argument("method"),
    argument("params", required=False, multiple=True, metavar="NAME=VALUE"),
    option("--params", name="raw", metavar="HEX", help="The parameters as CBOR, in place of NAME=VALUE."),
    option("--value", default="0", metavar="AMOUNT", help="Tokens to send with the message."),
    option("--gas", type=IntRange(1, (1 << 63) - 1), default="1000000000", metavar="N", help="The most gas that it may use."),
    option("--from", name="sender", metavar="ADDRESS", help="Who sends it; by default the machine's own account."),
    flag("--read-only", help="Refuse whatever would change the state; methods that are declared so are always called so."),
    *MACHINE_OPTIONS,
)
"""What says which message is meant."""


class Words(NamedTuple):
    """What a person said of a message: the values of `CALL_PARAMETERS`, those of the machine aside."""

    address: str
    method: str
    params: tuple[str, ...]
    raw: str | None
    value: str
    gas: int
    sender: str | None
    read_only: bool


def with_words(function: Callable[..., int]) -> Callable[..., int]:
    """Give the function of a verb the values of `CALL_PARAMETERS` as one argument, `words`."""

    def called(console: Console, **values: Any) -> int:
        words = Words(**{name: values.pop(name) for name in Words._fields})
        return function(console, words=words, **values)

    called.__doc__ = function.__doc__
    return called


@verb("call", *CALL_PARAMETERS)
@with_words
def command(console: Console, words: Words, file: str | None, place: str | None, config: str | None) -> int:
    """Call METHOD of the actor at ADDRESS, by name if the actor advertises an interface or by number, and print what it gives back.

    METHOD 0 is a bare transfer. The state is kept also when the message fails: then only the sender's count of messages has changed.
    """
    from miden.actors.codes import ActorError
    from miden.cli.actor.machines import opened
    from miden.cli.actor.values import print_events

    with opened(file, place, config) as session:
        try:
            result, receipt = send(session, words)
        except ActorError as error:
            session.save()
            if not console.json and error.receipt.failure:
                console.note(error.receipt.failure.rstrip())
            raise
        root = session.save()
    if console.json:
        from miden.actors.interfaces.values import to_json

        console.document({"result": to_json(result), "receipt": receipt.to_dict(), "root": root})
        return 0
    from miden.cli.actor.values import shown

    console.facts([("result", shown(result) or "none"), ("gas", f"{receipt.gas_used:,}")])
    print_events(console, receipt)
    return 0


def send(session: Session, words: Words) -> tuple[Any, Receipt]:
    """Send a message as the words of a command say, and return what it gives back and its receipt.

    Raises `ActorError` when it does not succeed, `InputError` and others before it is sent.
    """
    from miden.actors.address import Address
    from miden.actors.interfaces.client import Client
    from miden.actors.interfaces.directory import interface_of
    from miden.actors.interfaces.interface import Interface
    from miden.cli.actor.values import raw_value, read_amount, read_params, read_values
    from miden.cli.verb import MisuseError
    from miden.errors import NotFoundError

    machine, to = session.machine, Address.parse(words.address)
    method = words.method
    number = int(method) if method.isascii() and method.isdigit() else None
    try:
        interface = interface_of(machine.tree, machine.blocks, to)
    except NotFoundError:
        if number is None:
            raise
        interface = Interface("actor", ())
    client = Client(
        machine,
        to,
        sender=words.sender or session.settings.sender,
        interface=interface,
        gas_limit=words.gas,
        value=read_amount(words.value),
        read_only=words.read_only,
    )
    if words.raw is None and (number is None or number in interface.numbers):
        found = interface.method(method if number is None else number)
        result = client.call(found, **read_values(interface, found.name, words.params))
        assert client.receipt is not None
        return result, client.receipt
    if words.params:
        raise MisuseError("NAME=VALUE needs a method of an interface, and goes without --params")
    receipt = client.send(interface.method(method).number if number is None else number, read_params(words.raw))
    return raw_value(receipt.return_codec, receipt.return_data) if receipt.return_data else None, receipt
