"""The invocation: what it is, and its end. (fvm.md sections 2.4 and 2.6.)"""

from __future__ import annotations

from typing import NamedTuple

from miden.actors.codes import FIRST_USER_EXIT_CODE, Exit, ExitCode
from miden.actors.kernel.base import KernelBase, syscall
from miden.actors.registry import NO_BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

MAX_MESSAGE = 1024
"""Bytes of an exit message that are kept; of a longer one, the first and the last half of them."""


class MessageContext(NamedTuple):
    """The facts of an invocation, in the order in which guests get them."""

    origin: int
    nonce: int
    caller: int
    receiver: int
    method: int
    value: int
    premium: int
    flags: int
    """1 in a read-only call."""


class VmCalls(KernelBase):
    """Calls of module ``vm``."""

    __slots__ = ()

    @syscall("vm")
    def exit(self, code: int, handle: int = NO_BLOCK, message: str | bytes = "") -> NoReturn:
        """End the invocation with an exit code, a block and a text for people; codes 1 to 15 become 9.

        Raises
        ------
        Exit
            Always; it goes through the runtime to the machine.
        """
        if 0 < code < FIRST_USER_EXIT_CODE:
            raise Exit(ExitCode.SYS_ILLEGAL_EXIT_CODE, handle, f"actor aborted with code {code}")
        raw = message.encode(errors="surrogatepass") if isinstance(message, str) else message
        raise Exit(code, handle, _shorten(raw) if raw else "actor aborted")

    @syscall("vm")
    def message_context(self) -> MessageContext:
        """Return the facts of the invocation."""
        self._free("OnMessageContext")
        calls = self.calls
        flags = int(self.read_only)
        return MessageContext(calls.origin, calls.nonce, self.caller, self.receiver, self.method, self.value, calls.premium, flags)


def _shorten(raw: bytes) -> str:
    if len(raw) <= MAX_MESSAGE:
        return raw.decode(errors="replace")
    half = MAX_MESSAGE // 2
    start, end = raw[:half].decode(errors="replace"), raw[-half:].decode(errors="replace")
    return f"{start} ... (skipped {len(raw) - MAX_MESSAGE} bytes) ... {end}"
