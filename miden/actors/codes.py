"""How invocations end and how calls of the kernel fail: exit codes, error numbers, and the exceptions that carry them.

(fvm.md section 2.6.)

A call of the kernel gives a value, or raises `SyscallError` (the guest sees the number and goes on), `OutOfGas` (the guest
stops), or `Fatal` (the whole message stops). `Exit` and `GuestTrap` end one invocation. None of them leaves `Machine.apply`.
"""

from __future__ import annotations

from enum import IntEnum

from miden.errors import MidenError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.actors.messages import Receipt

FIRST_USER_EXIT_CODE = 16
"""The lowest exit code that an actor may choose; those below are the machine's."""


class ExitCode(IntEnum):
    """How a message or an invocation ended. 0 is success, 1 to 15 are the machine's, all others the actor's.

    >>> ExitCode(6).name, exit_name(40)
    ('SYS_INSUFFICIENT_FUNDS', '40')
    """

    OK = 0
    SYS_SENDER_INVALID = 1
    SYS_SENDER_STATE_INVALID = 2
    SYS_ILLEGAL_INSTRUCTION = 4
    SYS_INVALID_RECEIVER = 5
    SYS_INSUFFICIENT_FUNDS = 6
    SYS_OUT_OF_GAS = 7
    SYS_ILLEGAL_EXIT_CODE = 9
    SYS_ASSERTION_FAILED = 10
    SYS_MISSING_RETURN = 11
    USR_ILLEGAL_ARGUMENT = 16
    USR_NOT_FOUND = 17
    USR_FORBIDDEN = 18
    USR_INSUFFICIENT_FUNDS = 19
    USR_ILLEGAL_STATE = 20
    USR_SERIALIZATION = 21
    USR_UNHANDLED_MESSAGE = 22
    USR_UNSPECIFIED = 23
    USR_ASSERTION_FAILED = 24
    USR_READ_ONLY = 25
    USR_NOT_PAYABLE = 26


def exit_name(code: int) -> str:
    """Return the name of an exit code, or the number as text.

    >>> exit_name(7), exit_name(99)
    ('SYS_OUT_OF_GAS', '99')
    """
    return ExitCode(code).name if code in ExitCode._value2member_map_ else str(code)


class ErrorNumber(IntEnum):
    """Why a call of the kernel failed, as the guest sees it.

    >>> ErrorNumber.NOT_FOUND.value
    6
    """

    ILLEGAL_ARGUMENT = 1
    ILLEGAL_OPERATION = 2
    LIMIT_EXCEEDED = 3
    ASSERTION_FAILED = 4
    INSUFFICIENT_FUNDS = 5
    NOT_FOUND = 6
    INVALID_HANDLE = 7
    ILLEGAL_CID = 8
    ILLEGAL_CODEC = 9
    SERIALIZATION = 10
    FORBIDDEN = 11
    BUFFER_TOO_SMALL = 12
    READ_ONLY = 13

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a message that the machine itself cannot run because of this error."""
        return _TOP_LEVEL.get(self, ExitCode.SYS_ASSERTION_FAILED)


_TOP_LEVEL = {
    ErrorNumber.INSUFFICIENT_FUNDS: ExitCode.SYS_INSUFFICIENT_FUNDS,
    ErrorNumber.NOT_FOUND: ExitCode.SYS_INVALID_RECEIVER,
}


class SyscallError(Exception):
    """A call of the kernel failed; but for `block_link` it changed nothing.

    >>> raise SyscallError(ErrorNumber.NOT_FOUND, "no such block")
    Traceback (most recent call last):
    miden.actors.codes.SyscallError: NOT_FOUND: no such block
    """

    def __init__(self, number: ErrorNumber, message: str) -> None:
        super().__init__(f"{number.name}: {message}")
        self.number = number
        self.message = message


class OutOfGas(Exception):  # noqa: N818 - it is no error, it is how an invocation ends
    """The innermost gas limit is reached; the guest stops."""


class Exit(Exception):  # noqa: N818
    """A guest ends its invocation: `code`, `block` (a handle, 0 for none) and a message for people."""

    def __init__(self, code: int, block: int = 0, message: str = "") -> None:
        super().__init__(f"exit {exit_name(code)}{': ' if message else ''}{message}")
        self.code = code
        self.block = block
        self.message = message


class GuestTrap(Exception):  # noqa: N818
    """A guest broke: a trap, a fault of memory, an assertion. `code` is what its caller sees."""

    def __init__(self, message: str, code: ExitCode = ExitCode.SYS_ILLEGAL_INSTRUCTION) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Fatal(MidenError):  # noqa: N818 - the field's own name
    """The machine cannot go on with a message: a block of its state is missing, or does not decode.

    The message ends with exit code 10 and uses up its gas; the state stays as it was.
    """


class ActorError(MidenError):
    """A message that was sent for somebody did not succeed; `receipt` says how it ended.

    `kind` is the name that the actor's interface has for the exit code, or the code's own.
    """

    def __init__(self, message: str, receipt: Receipt, *, kind: str | None = None) -> None:
        super().__init__(message, kind=kind or exit_name(receipt.exit_code))
        self.receipt = receipt

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "receipt": self.receipt.to_dict()}
