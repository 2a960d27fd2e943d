"""Guest code made ready to run, kept in memory and on disk: metering and compiling take seconds, loading takes milliseconds."""

from __future__ import annotations

import os
import platform
import tempfile
from contextlib import suppress
from hashlib import blake2b

from blake3 import blake3

from miden.actors.codes import Fatal
from miden.actors.runtimes.wasm import engine as wasm_engine
from miden.actors.runtimes.wasm.binary import Module
from miden.actors.runtimes.wasm.limiter import limit_stack
from miden.actors.runtimes.wasm.metering import InstructionPrices, meter
from miden.errors import FormatError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from miden.actors.runtimes.wasm.engine import Code, Engine
    from miden.ipld.blocks import Blockstore
    from miden.ipld.cid import Cid

MAX_STACK = 2048
"""Units of the stack limiter."""
METERING_VERSION = 1
"""Raised when the same code is metered differently."""
_SEAL = 32


def instrument(wasm: bytes, prices: InstructionPrices, max_stack: int = MAX_STACK) -> bytes:
    """Return a module, valid as the engine has checked, with its stack limited and its instructions paid for.

    Raises `FormatError` for code that cannot be metered.
    """
    module = Module(wasm)
    limit_stack(module, max_stack)
    meter(module, prices)
    return module.encode()


def check_folder(folder: Path | None) -> None:
    """Refuse a folder that others own or may write to, as what is in it is run as it is; raises `InputError`."""
    if folder is None or os.name != "posix" or not folder.is_dir():
        return
    facts = folder.stat()
    if facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        message, hint = f"others own {folder}, or may write to it", "compiled code is run as it is: use a private folder"
        raise InputError(message, kind="UnsafeFolder", hint=hint)


class Modules:
    """Code that is ready to run, by its CID and the prices it was metered with.

    Files are run as they are: see `check_folder`. Each has a seal over its bytes, so that what a full disk left of one is not used.
    """

    def __init__(self, engine: Engine, abi: str, folder: Path | None = None) -> None:
        self._engine = engine
        self._abi = abi
        self._folder = folder
        self._ready: dict[tuple[Cid, InstructionPrices], Code] = {}

    def get(self, code: Cid, prices: InstructionPrices, blocks: Blockstore) -> Code:
        """Return code that can be started; raises `Fatal` if it is missing, or is none."""
        found = self._ready.get((code, prices))
        if found is None:
            try:
                found = self._load(code, prices) or self._build(code, prices, blocks)
            except FormatError as problem:
                raise Fatal(f"code {code} cannot run: {problem.message}", kind=problem.kind, hint=problem.hint) from problem
            self._ready[code, prices] = found
        return found

    def _build(self, code: Cid, prices: InstructionPrices, blocks: Blockstore) -> Code:
        wasm = blocks.get(code)
        if wasm is None:
            raise Fatal(f"code {code} is missing from the store", kind="MissingBlock")
        self._engine.check(wasm)
        built = self._engine.compile(instrument(wasm, prices))
        if self._folder is not None:
            self._save(self._path(self._folder, code, prices), self._engine.save(built))
        return built

    def _path(self, folder: Path, code: Cid, prices: InstructionPrices) -> Path:
        facts = (METERING_VERSION, wasm_engine.VERSION, platform.machine(), platform.system(), self._abi, MAX_STACK, *prices, str(code))
        return folder / f"{blake2b(repr(facts).encode(), digest_size=20).hexdigest()}.cwasm"

    def _load(self, code: Cid, prices: InstructionPrices) -> Code | None:
        if self._folder is None:
            return None
        path = self._path(self._folder, code, prices)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        if len(data) <= _SEAL or blake3(data[_SEAL:]).digest() != data[:_SEAL]:
            return None
        return self._engine.load(data[_SEAL:])

    def _save(self, path: Path, data: bytes) -> None:
        """Write a file whole or not at all. A disk that does not take it is no reason not to run."""
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, suffix=".new")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(blake3(data).digest() + data)
                os.replace(name, path)  # noqa: PTH105 - the name is a string already
            except OSError:
                os.unlink(name)  # noqa: PTH108
                raise
