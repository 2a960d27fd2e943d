"""The kernel: what an actor can ask of its machine while it runs, one instance for each invocation. (fvm.md section 2.4.)

The calls are those of the Filecoin VM, one module here for each of its modules, with values of Python in place of guest memory.
Every method charges its own price; charging the way in (`Kernel.enter`) is the runtime's part.
"""

from __future__ import annotations

from miden.actors.kernel.actor import ActorCalls
from miden.actors.kernel.base import SYSCALLS, Cause
from miden.actors.kernel.crypto import CryptoCalls
from miden.actors.kernel.debug import DebugCalls
from miden.actors.kernel.event import EventCalls
from miden.actors.kernel.gas import GasCalls
from miden.actors.kernel.ipld import IpldCalls
from miden.actors.kernel.network import NetworkCalls
from miden.actors.kernel.rand import RandCalls
from miden.actors.kernel.self_ import SelfCalls
from miden.actors.kernel.send import SendCalls
from miden.actors.kernel.vm import VmCalls

__all__ = ["SYSCALLS", "Cause", "Kernel"]


class Kernel(IpldCalls, SelfCalls, SendCalls, VmCalls, ActorCalls, NetworkCalls, CryptoCalls, EventCalls, GasCalls, RandCalls, DebugCalls):
    """Everything that one invocation can ask.

    Methods return values, or raise `SyscallError` (the guest sees the number), `OutOfGas`, `Fatal`, and `exit` raises `Exit`.
    """

    __slots__ = ()
