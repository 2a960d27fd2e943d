"""The code of actors as files: what block it is, which interface it has, and what runs it.

MASM (source, libraries, packages), WebAssembly (text or binary) and Python. The two that are not Python are found by name when they
are needed: not every installation has them.
"""

from __future__ import annotations

import hashlib
import os
from importlib import import_module
from typing import NamedTuple

from miden.errors import BackendError, FormatError, InputError, IntegrityError
from miden.ipld.cid import MAST_FOREST, RAW, Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from miden.actors.interfaces import Interface
    from miden.actors.kernel import Kernel
    from miden.actors.runtimes import Runtime
    from miden.actors.runtimes.native import Actor
    from miden.ipld.blocks import Blockstore

WASM_MAGIC = b"\0asm"
ARTIFACTS = (".masl", ".masp", ".masb")
KINDS = f".masm, {', '.join(ARTIFACTS)}, .wasm, .wat, .py or .py:CLASS"


class Code(NamedTuple):
    """What a file holds: the block of the code, an interface if the file tells one, and the Python file it is run from."""

    cid: Cid
    data: bytes
    interface: Interface | None = None
    python: str | None = None


def read_code(path: str) -> Code:
    """Return the code in a file; raises `InputError` for a kind of file that is none, and what its reader raises."""
    file, _, name = path.partition(".py:")
    if name or path.endswith(".py"):
        return _read_python(f"{file}.py" if name else path, name)
    from miden.cli.files import read_bytes

    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122  pathlib costs start-up time
    if suffix == ".masm":
        cid, data = _part("miden.actors.runtimes.masm", "actor_code", "MASM")(path)
        return Code(cid, data)
    if suffix not in (*ARTIFACTS, ".wasm", ".wat"):
        raise InputError(f"{path} is no code of an actor: expected {KINDS}", kind="UnknownCode")
    data = read_bytes(path)
    if suffix in ARTIFACTS:
        return Code(Cid.of(data, MAST_FOREST), data)
    if suffix == ".wat":
        data = _assemble_wat(path, data)
    if not data.startswith(WASM_MAGIC):
        raise FormatError(f"{path} is no WebAssembly module", offset=0, kind="InvalidWasm")
    return Code(Cid.of(data, RAW), data)


def _part(module: str, name: str, kind: str) -> Any:
    """Return something of a runtime that may not be installed; raises `BackendError`."""
    try:
        return getattr(import_module(module), name)
    except ImportError as problem:
        raise BackendError(
            f"actors in {kind} cannot be run here: {problem}", kind="NoRuntime", hint=f'pip install "miden[{kind.lower()}]"'
        ) from problem


def _assemble_wat(path: str, text: bytes) -> bytes:
    assemble = _part("wasmtime", "wat2wasm", "Wasm")
    try:
        return bytes(assemble(text.decode()))
    except (ValueError, _part("wasmtime", "WasmtimeError", "Wasm")) as problem:
        raise FormatError(f"{path} does not assemble: {problem}", kind="InvalidWat") from None


# Python


def load_actors(path: str) -> list[type[Actor]]:
    """Run a Python file and return the actors that it defines; raises `InputError` for a file that has none or fails."""
    from importlib.util import module_from_spec, spec_from_file_location

    from miden.actors.runtimes.native import Actor

    name = f"miden_actor_{hashlib.blake2b(path.encode(), digest_size=8).hexdigest()}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is no Python file", kind="InvalidPython")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except OSError:
        raise
    except Exception as problem:
        raise InputError(f"{path} does not run: {type(problem).__name__}: {problem}", kind="InvalidPython") from problem
    found = [item for item in vars(module).values() if isinstance(item, type) and issubclass(item, Actor) and item.__module__ == name]
    if not found:
        raise InputError(f"{path} defines no actor", kind="NoActor", hint="an actor is a subclass of miden.actors.runtimes.native.Actor")
    return found


def _read_python(path: str, name: str) -> Code:
    from miden.actors.interfaces.derive import interface_of_class
    from miden.actors.runtimes.native import native_block

    found = {actor.__name__: actor for actor in load_actors(path)}
    if not name and len(found) > 1:
        raise InputError(f"{path} defines several actors", kind="SeveralActors", hint=f"name one: {path}:{next(iter(found))}")
    actor = next(iter(found.values())) if not name else found.get(name)
    if actor is None:
        raise InputError(f"{path} defines no actor {name}", kind="NoActor", hint=f"there are {', '.join(found)}")
    data = native_block(actor)
    return Code(Cid.of(data, RAW), data, interface_of_class(actor), path)


def file_digest(path: str) -> str:
    """Return the hash of a file as hexadecimal digits."""
    from miden.cli.files import read_bytes

    return hashlib.blake2b(read_bytes(path), digest_size=32).hexdigest()


def python_entry(path: str, machine: str) -> tuple[str, str]:
    """Return how a machine file names a Python file, from its own folder, and its hash."""
    folder = os.path.dirname(machine)  # noqa: PTH120
    return os.path.relpath(path, folder), file_digest(path)


# runtimes


class Deferred:
    """A runtime that is imported when there is code for it."""

    def __init__(self, module: str, name: str, kind: str) -> None:
        self._where = (module, name, kind)
        self._found: Runtime | None = None

    def claims(self, code: Cid, blocks: Blockstore) -> bool:
        """Tell whether a code is of this kind."""
        if self._where[2] == "MASM":
            return code.codec == MAST_FOREST
        data = blocks.get(code) if code.codec == RAW else None
        return data is not None and data.startswith(WASM_MAGIC)

    def invoke(self, kernel: Kernel, code: Cid, params: int) -> int:
        """Run a code; raises `BackendError` if what runs it is not installed."""
        if self._found is None:
            self._found = _part(*self._where)()
        return self._found.invoke(kernel, code, params)


def runtimes(python: Mapping[str, str], machine: str) -> list[Runtime]:
    """Return what runs the code of a machine: MASM, WebAssembly, and the Python files that its file names.

    Raises `IntegrityError` for one that is not what was deployed, `InputError` for two with actors of one name.
    """
    from miden.actors.builtin import builtin_runtime
    from miden.actors.runtimes.native import NativeRuntime

    classes: dict[str, type[Actor]] = {}
    for name, digest in python.items():
        path = os.path.join(os.path.dirname(machine), name)  # noqa: PTH118, PTH120
        found = file_digest(path)
        if found != digest:
            hint = "deploy it again to run what it is now"
            raise IntegrityError(f"{path} is not what was deployed", expected=digest, found=found, kind="CodeChanged", hint=hint)
        for actor in load_actors(path):
            if actor.name in classes:
                raise InputError(f"{path} defines actor {actor.name!r}, which another file defines", kind="ActorExists")
            classes[actor.name] = actor
    masm = Deferred("miden.actors.runtimes.masm", "MasmRuntime", "MASM")
    wasm = Deferred("miden.actors.runtimes.wasm.runtime", "WasmRuntime", "Wasm")
    return [builtin_runtime(), NativeRuntime(classes.values()), masm, wasm]
