"""What all calls of the kernel share: the facts of an invocation, and the memory of the last error."""

from __future__ import annotations

from functools import wraps
from typing import NamedTuple

from miden.actors.codes import ErrorNumber, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Concatenate, NoReturn, ParamSpec, TypeVar

    from miden.actors.call_manager import CallManager
    from miden.actors.gas import GasTracker
    from miden.actors.machine import Machine
    from miden.actors.prices import PriceList
    from miden.actors.registry import BlockRegistry
    from miden.actors.state import ActorState

    P = ParamSpec("P")
    R = TypeVar("R")
    K = TypeVar("K", bound="KernelBase")

SYSCALLS: dict[str, str] = {}
"""Name of a method of the kernel that a guest reaches -> the module of the guest's import."""


class Cause(NamedTuple):
    """A call of the kernel that failed."""

    module: str
    function: str
    error: SyscallError

    def __str__(self) -> str:
        return f"{self.module}::{self.function}: {self.error}"


def syscall(module: str) -> Callable[[Callable[Concatenate[K, P], R]], Callable[Concatenate[K, P], R]]:
    """Mark a method as a call that guests make; the kernel remembers whether the last one failed."""

    def mark(method: Callable[Concatenate[K, P], R]) -> Callable[Concatenate[K, P], R]:
        name = method.__name__
        SYSCALLS[name] = module

        @wraps(method)
        def call(self: K, /, *args: P.args, **options: P.kwargs) -> R:
            try:
                result = method(self, *args, **options)
            except SyscallError as error:
                self.last_error = Cause(module, name, error)
                raise
            self.last_error = None
            return result

        return call

    return mark


def fail(number: ErrorNumber, message: str) -> NoReturn:
    """Refuse a call of the kernel."""
    raise SyscallError(number, message)


def fit(data: bytes, room: int | None) -> None:
    """Raise BUFFER_TOO_SMALL unless a result fits the room that the guest has for it."""
    if room is not None and len(data) > room:
        fail(ErrorNumber.BUFFER_TOO_SMALL, f"{len(data)} bytes do not fit a buffer of {room}")


class KernelBase:
    """The facts of one invocation."""

    __slots__ = (
        "caller",
        "calls",
        "gas",
        "guarded",
        "last_error",
        "machine",
        "method",
        "prices",
        "read_only",
        "receiver",
        "registry",
        "value",
    )

    def __init__(
        self, calls: CallManager, registry: BlockRegistry, *, caller: int, receiver: int, method: int, value: int, read_only: bool
    ) -> None:
        self.calls = calls
        self.machine: Machine = calls.machine
        self.gas: GasTracker = calls.gas
        self.prices: PriceList = calls.machine.prices
        self.registry = registry
        self.caller = caller
        """ID of the actor that calls."""
        self.receiver = receiver
        """ID of the actor that runs."""
        self.method = method
        self.value = value
        """Value received, already in the balance."""
        self.read_only = read_only
        self.guarded = calls.machine.guarded
        """Whether links are scanned and checked: network version 21 and later."""
        self.last_error: Cause | None = None
        """The failure of the last call of the kernel; None if that succeeded."""

    def __repr__(self) -> str:
        return f"<Kernel f0{self.caller} -> f0{self.receiver} method {self.method}>"

    @property
    def origin(self) -> int:
        """ID of the actor that sent the message."""
        return self.calls.origin

    @property
    def nonce(self) -> int:
        """The nonce of the message."""
        return self.calls.nonce

    @property
    def premium(self) -> int:
        """What the message pays for each gas above the base fee."""
        return self.calls.premium

    def enter(self) -> None:
        """Charge the way from the guest to the kernel; a runtime does so before each call that a guest makes."""
        self.gas.charge("OnSyscall", self.prices.syscall)

    def _self(self) -> ActorState | None:
        """Return the record of the actor that runs, None if it was deleted."""
        return self.calls.get_actor(self.receiver)

    def _free(self, name: str) -> None:
        """Name a question that costs nothing in the trace."""
        if self.calls.tracing:
            self.gas.charge(name, 0)
