"""The Wasm runtime: runs one invocation of a guest on the kernel. (fvm.md sections 2.4 and 2.8.)"""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from miden.actors.codes import ErrorNumber, GuestTrap, SyscallError
from miden.actors.kernel import Cause
from miden.actors.runtimes.wasm.abi import NV18, NV21
from miden.actors.runtimes.wasm.engine import PAGE, Engine, Stopped
from miden.actors.runtimes.wasm.guest import Guest
from miden.actors.runtimes.wasm.metering import InstructionPrices
from miden.actors.runtimes.wasm.modules import Modules, check_folder
from miden.actors.stacks import run_deep
from miden.ipld.cid import RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from miden.actors.call_manager import CallManager
    from miden.actors.kernel import Kernel
    from miden.actors.runtimes.wasm.abi import Import
    from miden.ipld.blocks import Blockstore
    from miden.ipld.cid import Cid

INSTANCE_MEMORY = 512 << 20
MESSAGE_MEMORY = 2 << 30
_TABLE_ELEMENT = 8
LEVELS = 12
"""Guests on one stack: each may take `engine.MAX_NATIVE_STACK` of it."""


class WasmRuntime:
    """Runs actors whose code is a raw block with a Wasm module.

    Parameters
    ----------
    cache
        A folder for code made ready to run; nobody else may write to it. By default, none is used.
    memory
        Bytes that all guests of a message may have at a time: 2 GiB, as on the network, unless the host has less to give. A guest
        that asks for more is refused, so less than that may change what comes of a message.

    Raises
    ------
    BackendError
        Without wasmtime.
    InputError
        When the folder belongs to others or they may write to it.

    Examples
    --------
    >>> from miden.actors.runtimes.wasm.runtime import WasmRuntime
    >>> runtime = WasmRuntime()
    """

    def __init__(self, cache: Path | None = None, *, memory: int = MESSAGE_MEMORY) -> None:
        self._cache = cache
        self._memory = memory
        self._modules: dict[bool, tuple[Engine, Modules]] = {}
        check_folder(cache)
        self._here = threading.local()
        self._running: WeakKeyDictionary[CallManager, list[Guest]] = WeakKeyDictionary()

    def claims(self, code: Cid, blocks: Blockstore) -> bool:
        """Tell whether a code is a Wasm module."""
        if code.codec != RAW:
            return False
        data = blocks.get(code)
        return data is not None and data[:4] == b"\0asm"

    def invoke(self, kernel: Kernel, code: Cid, params: int) -> int:
        """Run a guest with the handle of its parameters, and return the handle of its return value."""
        level = getattr(self._here, "level", LEVELS)
        if level >= LEVELS:
            return run_deep(0, self._invoke_at, 1, kernel, code, params)
        try:
            return self._invoke_at(level + 1, kernel, code, params)
        finally:
            self._here.level = level

    def _invoke_at(self, level: int, kernel: Kernel, code: Cid, params: int) -> int:
        self._here.level = level
        engine, modules = self._for(kernel.guarded)
        prices = kernel.prices
        ready = modules.get(code, InstructionPrices(prices.instruction, prices.memory_byte, prices.memory_byte), kernel.machine.blocks)
        if ready.table is not None:
            kernel.gas.charge("wasm_table_init", prices.table_gas(ready.table))
        kernel.gas.charge("wasm_memory_init", prices.memory_gas(ready.pages * PAGE))
        running = self._running.setdefault(kernel.calls, [])
        room = self._memory - sum(len(guest.memory) for guest in running) - _TABLE_ELEMENT * (ready.table or 0)
        guest = Guest(kernel, engine.start(ready, max(0, min(INSTANCE_MEMORY, room))))
        running.append(guest)
        try:
            return self._run(guest, ready.pages * PAGE, params)
        finally:
            running.pop()
            guest.release()

    def _run(self, guest: Guest, memory: int, params: int) -> int:
        guest.memory_seen = memory
        guest.refuel()
        instance = guest.instance
        try:
            instance.instantiate()
        except Stopped as stopped:
            guest.settle()
            raise GuestTrap(f"failed to instantiate module: {stopped}") from None
        guest.settle()
        guest.refuel()
        try:
            returned = instance.invoke(params)
        except Stopped as stopped:
            guest.settle()
            raise GuestTrap(str(stopped)) from None
        guest.settle()
        return returned

    def _for(self, guarded: bool) -> tuple[Engine, Modules]:
        found = self._modules.get(guarded)
        if found is None:
            engine = Engine(NV21 if guarded else NV18, serve)
            found = engine, Modules(engine, "nv21" if guarded else "nv18", self._cache)
            self._modules[guarded] = found
        return found


def serve(entry: Import, guest: Guest, arguments: tuple[int, ...]) -> int:
    """Answer the call of an import: settle, charge the way in, check the place for the result, run, refuel."""
    left = guest.settle()
    kernel = guest.kernel
    kernel.enter()
    out = entry.out
    if out is None:
        place = 0
    else:
        place, arguments = arguments[0], arguments[1:]
        if place + out.size > len(guest.memory):
            # Upstream does not refuel here, so what the guest used so far is charged for once more.
            guest.charged_twice = guest.handed - left
            error = SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, "no space for return value")
            kernel.last_error = Cause(entry.module, entry.name, error)
            return error.number
    try:
        result = entry.call(guest, *arguments)
        if out is not None:
            out.pack_into(guest.memory, place, *result)  # type: ignore[misc]
    except SyscallError as error:
        if kernel.last_error is None or kernel.last_error.error is not error:
            kernel.last_error = Cause(entry.module, entry.name, error)
        number: int = error.number
    else:
        number = 0
    finally:
        guest.refuel()
    return number
