"""Recorded guests: what each invocation asked of the kernel, kept as data, and run again without any runtime.

A log has what guests did, in the order in which it happened: a call of the kernel with its arguments and what came of it, gas that
the guest used, and how the invocation ended. Replaying it against the same state drives the same kernel through the same calls
and says where it answers differently; so a recording of code that is not at hand still tests the machine to the unit of gas.

The log is JSON lines, one list a line, that starts with a letter:

``["i", receiver, method, params]``
    An invocation begins; all until its end is its own, but for invocations inside it.
``["g", name, compute, other]`` and ``["u", used, grown]``
    Gas that the runtime charges, and gas that the guest used since it last had control; in milligas.
``["s", name, [arguments], {options}, result]``
    A call of the kernel and what came of it. If it caused invocations, those follow, and then ``["=", result]``.
``["r", handle]``, ``["x", code, handle, message]``, ``["t", code, message]``, ``["o"]``, ``["f"]``
    The end: a return, an exit, a trap, out of gas, a fatal error.

Bytes are ``{"b": hexadecimal}``, long ones of results ``{"h": their blake2b-128, "n": size}``; CIDs ``{"c": text}``, addresses
``{"a": text}``, an error of the kernel ``{"e": number}``.
"""

from __future__ import annotations

import json
from hashlib import blake2b

from miden.actors.address import Address
from miden.actors.codes import Exit, ExitCode, Fatal, GuestTrap, OutOfGas, SyscallError
from miden.actors.kernel import SYSCALLS
from miden.errors import FormatError, IntegrityError, MidenError
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NoReturn

    from miden.actors.gas import GasTracker
    from miden.actors.kernel import Kernel
    from miden.actors.runtimes import Runtime
    from miden.ipld.blocks import Blockstore

_LONG = 64
"""Bytes of a result that are kept as they are; of a longer one, only the hash."""
_SHOWN = 300
"""Characters of a line that an error shows."""


def _encode(value: Any, *, short: bool = False) -> Any:
    """Return a value as JSON has it; of long bytes only the hash if `short`."""
    if isinstance(value, bytes):
        if short and len(value) > _LONG:
            return {"h": blake2b(value, digest_size=16).hexdigest(), "n": len(value)}
        return {"b": value.hex()}
    if isinstance(value, Cid):
        return {"c": str(value)}
    if isinstance(value, Address):
        return {"a": str(value)}
    if isinstance(value, (tuple, list)):
        return [_encode(item, short=short) for item in value]
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        (kind, content), *more = value.items()
        if more or not isinstance(content, str) or kind not in _READERS:
            raise FormatError(f"a recording has no value {value!r}", kind="InvalidRecording")
        return _READERS[kind](content)
    return [_decode(item) for item in value] if isinstance(value, list) else value


_READERS: dict[str, Callable[[str], Any]] = {"b": bytes.fromhex, "c": Cid.parse, "a": Address.parse}


class _Outcome:
    """What comes of a call of the kernel, as it is recorded."""

    def __init__(self) -> None:
        self.result: Any = None

    def watch(self, call: Callable[..., Any], args: Iterable[Any], options: dict[str, Any]) -> Any:
        """Make a call; what it returns or raises goes on, and is kept."""
        try:
            result = call(*args, **options)
        except SyscallError as error:
            self.result = {"e": error.number.value}
            raise
        except OutOfGas:
            self.result = {"e": "gas"}
            raise
        except Fatal:
            self.result = {"e": "fatal"}
            raise
        self.result = _encode(result, short=True)
        return result


class _RecordingGas:
    """The gas tracker as a runtime sees it while it is recorded."""

    def __init__(self, gas: GasTracker, log: list[list[Any]]) -> None:
        self._gas = gas
        self._log = log
        self._handed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gas, name)

    def charge(self, name: str, compute: int, other: int = 0) -> None:
        self._log.append(["g", name, compute, other])
        self._gas.charge(name, compute, other)

    def refuel(self) -> int:
        self._handed = self._gas.refuel()
        return self._handed

    def settle(self, left: int, grown: int = 0) -> None:
        self._log.append(["u", self._handed - left, grown])
        self._handed = max(left, 0)
        self._gas.settle(left, grown)


class _RecordingKernel:
    """The kernel as a runtime sees it while it is recorded."""

    def __init__(self, kernel: Kernel, log: list[list[Any]]) -> None:
        self._kernel = kernel
        self._log = log
        self.gas = _RecordingGas(kernel.gas, log)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._kernel, name)
        if name not in SYSCALLS or name == "exit":
            return found
        return lambda *args, **options: self._record(name, found, args, options)

    def enter(self) -> None:
        """Charge the way in, and keep that."""
        self.gas.charge("OnSyscall", self._kernel.prices.syscall)

    def emit(self, entries: Any) -> None:
        """Emit an event by the call that is recorded."""
        type(self._kernel).emit(self, entries)  # type: ignore[arg-type]

    def _record(self, name: str, call: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        line = ["s", name, _encode(args), {key: _encode(value) for key, value in options.items()}]
        self._log.append(line)
        outcome = _Outcome()
        try:
            return outcome.watch(call, args, options)
        finally:
            if self._log[-1] is line:
                line.append(outcome.result)
            else:
                self._log.append(["=", outcome.result])


class RecordingRuntime:
    """Runs what another runtime runs, and keeps what the guests did in `log`.

    >>> from miden.actors.builtin import builtin_runtime
    >>> runtime = RecordingRuntime(builtin_runtime())
    >>> runtime.log
    []
    """

    def __init__(self, runtime: Runtime, log: list[list[Any]] | None = None) -> None:
        self._runtime = runtime
        self.log: list[list[Any]] = [] if log is None else log
        """Lines of the recording; several runtimes of one machine share a list."""

    def claims(self, code: Cid, blocks: Blockstore) -> bool:
        """Tell whether the other runtime runs a code."""
        return self._runtime.claims(code, blocks)

    def invoke(self, kernel: Kernel, code: Cid, params: int) -> int:
        """Run a guest and keep what it does."""
        write = self.log.append
        write(["i", kernel.receiver, kernel.method, params])
        try:
            handle = self._runtime.invoke(_RecordingKernel(kernel, self.log), code, params)  # type: ignore[arg-type]
        except Exit as end:
            write(["x", int(end.code), end.block, end.message])
            raise
        except GuestTrap as trap:
            write(["t", int(trap.code), trap.message])
            raise
        except OutOfGas:
            write(["o"])
            raise
        except Fatal:
            write(["f"])
            raise
        write(["r", handle])
        return handle


class ReplayRuntime:
    """Plays a recording in place of guests; claims every code.

    Raises `IntegrityError` of kind ``ReplayDiffers``, out of the machine, where the kernel answers differently than it did, and
    `FormatError` for a log that is none.
    """

    def __init__(self, log: Iterable[list[Any]]) -> None:
        self._lines = list(log)
        self._count = 0

    @property
    def finished(self) -> bool:
        """Whether all of the recording was played."""
        return self._count >= len(self._lines)

    def claims(self, code: Cid, blocks: Blockstore) -> bool:
        """Claim every code."""
        return True

    def invoke(self, kernel: Kernel, code: Cid, params: int) -> int:
        """Play one invocation."""
        self._same(["i", kernel.receiver, kernel.method, params], self._next())
        try:
            while True:
                line = self._next()
                try:
                    ended, handle = self._play(kernel, line)
                except (ValueError, TypeError, IndexError, KeyError, AttributeError) as problem:
                    if isinstance(problem, MidenError):
                        raise
                    raise FormatError(f"line {self._count} of a recording is none: {problem}", kind="InvalidRecording") from problem
                if ended:
                    return handle
        except OutOfGas:
            self._same(["o"], self._next())
            raise
        except Fatal:
            self._same(["f"], self._next())
            raise

    def _play(self, kernel: Kernel, line: list[Any]) -> tuple[bool, int]:
        """Do what a line says; returns whether it was the end, and with which handle."""
        kind, *rest = line
        if kind == "g":
            name, compute, other = rest
            kernel.gas.charge(name, _amount(compute), _amount(other))
        elif kind == "u":
            used, grown = rest
            kernel.gas.settle(kernel.gas.refuel() - used, grown)
        elif kind == "s":
            self._call(kernel, *rest)
        elif kind == "r":
            return True, _amount(rest[0])
        elif kind == "x":
            code, handle, message = rest
            raise Exit(_amount(code), _amount(handle), str(message))
        elif kind == "t":
            code, message = rest
            raise GuestTrap(str(message), ExitCode(code))
        else:
            self._differs(line, "a call of the kernel, gas, or an end")
        return False, 0

    def _call(self, kernel: Kernel, name: str, args: list[Any], options: dict[str, Any], *result: Any) -> None:
        if name not in SYSCALLS or name == "exit":
            raise FormatError(f"the kernel has no call {name!r}", kind="InvalidRecording")
        outcome = _Outcome()
        number = self._count
        decoded = [_decode(value) for value in args]
        try:
            outcome.watch(getattr(kernel, name), decoded, {key: _decode(value) for key, value in options.items()})
        except SyscallError:
            pass  # the guest saw it and went on, as the next line says
        finally:
            if outcome.result is not None or result:
                self._same(["=", outcome.result], ["=", *result] if result else self._next(), f"{name} of line {number}")

    def _next(self) -> list[Any]:
        line = self._lines[self._count] if self._count < len(self._lines) else None
        self._count += 1
        if not isinstance(line, list) or not line:
            raise FormatError(f"a recording ends early, or has no list in line {self._count}", kind="InvalidRecording")
        return line

    def _same(self, expected: list[Any], found: list[Any], what: str = "the invocation") -> None:
        if expected != found:
            self._differs(found, str(expected), what)

    def _differs(self, recorded: list[Any], now: str, what: str = "the recording") -> NoReturn:
        text = f"{what} differs from the recording in line {self._count}"
        raise IntegrityError(text, expected=json.dumps(recorded)[:_SHOWN], found=now[:_SHOWN], kind="ReplayDiffers")


def _amount(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"expected a number, found {value!r}")
    return value


def write_log(log: Iterable[list[Any]]) -> str:
    """Return a log as JSON lines."""
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in log)


def read_log(text: str) -> list[list[Any]]:
    """Read a log from JSON lines; raises `FormatError`."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as problem:
            raise FormatError(f"line {number} of a recording is no JSON: {problem}", kind="InvalidRecording") from problem
        if not isinstance(value, list):
            raise FormatError(f"line {number} of a recording is no list", kind="InvalidRecording")
        lines.append(value)
    return lines
