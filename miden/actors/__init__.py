"""The actor machine: code and state by content address, run message by message, metered and watched.

>>> from miden.actors import Machine
>>> from miden.actors.interfaces.client import Client
>>> from miden.actors.interfaces.derive import interface_of_class
>>> from miden.actors.runtimes.native import Actor, NativeRuntime, constructor, method, native_code
>>> from miden.ipld.blocks import MemoryBlocks
>>> class Counter(Actor):
...     name = "counter"
...
...     @constructor
...     def start(self) -> None:
...         self.state = [0]
...
...     @method
...     def increment(self, by: int) -> int:
...         self.state = [self.state[0] + by]
...         return self.state[0]
>>> machine = Machine.genesis(MemoryBlocks(), runtimes=[NativeRuntime([Counter])])
>>> alice = machine.create_account(balance=1_000)
>>> counter = Client(machine, machine.deploy(native_code(Counter)), sender=alice, interface=interface_of_class(Counter))
>>> counter.increment(by=3), counter.increment(by=4)
(3, 7)

See docs/internals/actors.md, and docs/guides/actors.md for the command line. (fvm.md sections 2 and 5.)
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.actors.address import Address
    from miden.actors.codes import ActorError, ErrorNumber, ExitCode
    from miden.actors.context import MachineContext
    from miden.actors.interfaces.client import Client
    from miden.actors.machine import Machine
    from miden.actors.messages import Message, Receipt

_HOMES = {
    "ActorError": "codes",
    "Address": "address",
    "Client": "interfaces.client",
    "ErrorNumber": "codes",
    "ExitCode": "codes",
    "Machine": "machine",
    "MachineContext": "context",
    "Message": "messages",
    "Receipt": "messages",
}

__all__ = ["ActorError", "Address", "Client", "ErrorNumber", "ExitCode", "Machine", "MachineContext", "Message", "Receipt"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
