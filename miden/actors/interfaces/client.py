"""Python calls actors: an object with a function for each method of an interface."""

from __future__ import annotations

from miden.actors.address import Address, to_address
from miden.actors.codes import ActorError
from miden.actors.interfaces.directory import interface_of
from miden.actors.interfaces.values import python_name, snake
from miden.actors.messages import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from miden.actors.interfaces.interface import Interface, Method
    from miden.actors.machine import Machine
    from miden.actors.messages import Receipt

DEFAULT_GAS = 1_000_000_000


class Client:
    """An actor as Python sees it: ``actor.transfer(to=…, amount=…)`` sends a message, and gives back what the method gives.

    Parameters
    ----------
    machine
        The machine whose state has the actor.
    address
        The actor.
    sender
        The account that sends. Methods that are declared read-only are called so, and cost nothing.
    interface
        By default the one that the actor advertises.
    gas_limit
        Gas for each message.
    value
        Tokens sent with each message.
    read_only
        Call all methods so, not only those that are declared so.

    Raises
    ------
    NotFoundError
        If there is no such actor, or no interface.
    """

    def __init__(
        self,
        machine: Machine,
        address: Address | str | int,
        *,
        sender: Address | str | int,
        interface: Interface | None = None,
        gas_limit: int = DEFAULT_GAS,
        value: int = 0,
        read_only: bool = False,
    ) -> None:
        self.machine = machine
        self.address = to_address(address)
        self.sender = to_address(sender)
        self.interface = interface_of(machine.tree, machine.blocks, self.address) if interface is None else interface
        self.gas_limit = gas_limit
        self.value = value
        self.read_only = read_only
        self.receipt: Receipt | None = None
        """How the last call ended."""
        self._methods = {python_name(snake(name)): method for name, method in self.interface.methods.items()}

    def using(self, **options: Any) -> Client:
        """Return the same actor called otherwise; `options` are those of the class, such as another sender, or tokens to send."""
        kept = {"sender": self.sender, "interface": self.interface, "gas_limit": self.gas_limit, "value": self.value}
        return Client(self.machine, self.address, **{**kept, "read_only": self.read_only, **options})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = self.__dict__.get("_methods", {}).get(name)
        if method is None:
            raise AttributeError(f"the interface has no method {name}; it has {', '.join(self.__dict__.get('_methods', ()))}")

        def call(*args: Any, **named: Any) -> Any:
            return self.call(method, *args, **named)

        call.__name__ = name
        call.__doc__ = _help(method)
        return call

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._methods]

    def call(self, asked: Method | str | int, *args: Any, **named: Any) -> Any:
        """Call a method and return what it gives.

        Raises
        ------
        InputError
            For values that the method does not take; nothing is sent.
        ActorError
            When the message does not succeed; its `kind` is the name of the error in the interface.
        FormatError
            For a result that is not what the interface says.
        """
        method = self.interface.method(asked) if isinstance(asked, (str, int)) else asked
        fields = {python_name(field.name): field.name for field in method.params.fields}
        params = self.interface.encode_params(method.number, *args, **{fields.get(name, name): value for name, value in named.items()})
        receipt = self.send(method.number, params, read_only=method.read_only)
        return self.interface.decode_result(method.number, receipt.return_data)

    def send(self, number: int, params: bytes = b"", *, read_only: bool = False) -> Receipt:
        """Call a method by number with parameters as CBOR, and return the receipt; raises `ActorError` as `call` does."""
        if read_only or self.read_only:
            receipt = self.machine.call_readonly(self.address, number, params, sender=self.sender, gas_limit=self.gas_limit)
        else:
            receipt = self.machine.apply(self._message(number, params))
        self.receipt = receipt
        if not receipt.ok:
            name = self.interface.exit_name(receipt.exit_code)
            method = self.interface.numbers.get(number)
            called = f"{self.interface.name}.{method.name}" if method else f"method {number} of {self.address}"
            raise ActorError(f"{called} ended with exit code {receipt.exit_code}, {name}", receipt, kind=name)
        return receipt

    def _message(self, number: int, params: bytes) -> Message:
        sender = self.machine.tree.lookup(self.sender)
        account = None if sender is None else self.machine.tree.get(sender)
        return Message(
            sender=self.sender,
            to=self.address,
            method=number,
            params=params,
            value=self.value,
            nonce=0 if account is None else account.nonce,
            gas_limit=self.gas_limit,
        )


def _help(method: Method) -> str:
    from miden.actors.interfaces.text import method_line

    return f"{method_line(method)}."
