"""Python calls actors: an object with a function for each method of an interface."""

from __future__ import annotations

from miden.actors.address import Address, to_address
from miden.actors.codes import ActorError
from miden.actors.interfaces.directory import interface_of
from miden.actors.interfaces.values import python_name, snake
from miden.actors.messages import Message
from miden.errors import NotFoundError

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
    ) -> None:
        self.machine = machine
        self.address = to_address(address)
        self.sender = to_address(sender)
        actor_id = machine.tree.lookup(self.address)
        if actor_id is None:
            raise NotFoundError(f"no actor has address {self.address}", kind="ActorNotFound")
        self.interface = interface_of(machine.tree, machine.blocks, actor_id) if interface is None else interface
        self.gas_limit = gas_limit
        self.value = value
        self.receipt: Receipt | None = None
        """How the last call ended."""
        self._methods = {python_name(snake(name)): method for name, method in self.interface.methods.items()}

    def using(self, *, sender: Address | str | int | None = None, gas_limit: int | None = None, value: int | None = None) -> Client:
        """Return the same actor called otherwise: by another account, with more gas, or with tokens."""
        return Client(
            self.machine,
            self.address,
            sender=self.sender if sender is None else sender,
            interface=self.interface,
            gas_limit=self.gas_limit if gas_limit is None else gas_limit,
            value=self.value if value is None else value,
        )

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
        receipt = self.receipt = self._send(method, params)
        if not receipt.ok:
            name = self.interface.exit_name(receipt.exit_code)
            raise ActorError(f"{self.interface.name}.{method.name} ended with exit code {receipt.exit_code}, {name}", receipt, kind=name)
        return self.interface.decode_result(method.number, receipt.return_data)

    def _send(self, method: Method, params: bytes) -> Receipt:
        if method.read_only:
            return self.machine.call_readonly(self.address, method.number, params, sender=self.sender, gas_limit=self.gas_limit)
        sender = self.machine.tree.lookup(self.sender)
        account = None if sender is None else self.machine.tree.get(sender)
        message = Message(
            sender=self.sender,
            to=self.address,
            method=method.number,
            params=params,
            value=self.value,
            nonce=0 if account is None else account.nonce,
            gas_limit=self.gas_limit,
        )
        return self.machine.apply(message)


def _help(method: Method) -> str:
    from miden.actors.interfaces.text import method_line

    return f"{method_line(method)}."
