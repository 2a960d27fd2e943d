"""Calls of other actors. (fvm.md section 2.6.)"""

from __future__ import annotations

from miden.actors.address import Address
from miden.actors.codes import ErrorNumber, Fatal, SyscallError
from miden.actors.gas import MILLIGAS
from miden.actors.kernel.base import KernelBase, fail, syscall
from miden.actors.registry import NO_BLOCK
from miden.errors import FormatError

READ_ONLY = 1
"""The one flag of a send."""


class SendCalls(KernelBase):
    """Calls of module ``send``."""

    __slots__ = ()

    @syscall("send")
    def send(
        self, to: Address | bytes, method: int, params: int = NO_BLOCK, value: int = 0, gas_limit: int | None = None, flags: int = 0
    ) -> tuple[int, int, int, int]:
        """Call a method of another actor, in a transaction of its own.

        Parameters
        ----------
        to
            An address, or its bytes.
        params
            The handle of the parameters; 0 for none.
        gas_limit
            In gas; None for all that is left.
        flags
            1 for a call that changes nothing.

        Returns
        -------
        exit code, handle of the return value (0 for none), its codec, its size

        Raises
        ------
        SyscallError
            ILLEGAL_ARGUMENT for a bad address or other flags, READ_ONLY for value in a read-only call, INVALID_HANDLE,
            LIMIT_EXCEEDED at the depth of 1,024 calls, NOT_FOUND without a receiver, INSUFFICIENT_FUNDS. What goes wrong in the
            receiver is an exit code.
        """
        if isinstance(to, bytes):
            try:
                to = Address.from_bytes(to)
            except FormatError as problem:
                raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, problem.message) from problem
        if flags & ~READ_ONLY:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"a send has no flags {flags:#x}")
        read_only = self.read_only or bool(flags & READ_ONLY)
        if read_only and value:
            fail(ErrorNumber.READ_ONLY, "a read-only call moves no value")
        block = None if params == NO_BLOCK else self.registry.get(params)
        if self.registry.is_full:
            fail(ErrorNumber.LIMIT_EXCEEDED, "no handle is left for the return value")
        limit = None if gas_limit is None else gas_limit * MILLIGAS
        exit_code, result = self.calls.send(self.receiver, to, method, block, value, limit, read_only)
        if result is None:
            return exit_code, NO_BLOCK, 0, 0
        try:
            handle = self.registry.put_reachable(result)
        except SyscallError as problem:
            raise Fatal(f"a return value cannot be kept: {problem.message}", kind="CannotKeepReturn") from problem
        return exit_code, handle, result.codec, len(result.data)
