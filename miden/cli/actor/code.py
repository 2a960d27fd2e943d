"""The code of actors as files: what block it is, which interface it has, and what runs it.

MASM (source, libraries, packages), WebAssembly (text or binary) and Python. What runs the first two is imported when there is code
for it: WebAssembly needs an extra that not every installation has.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import NamedTuple

from miden.errors import FormatError, InputError, IntegrityError
from miden.ipld.cid import MAST_FOREST, RAW, Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miden.actors.interfaces import Interface
    from miden.actors.kernel import Kernel
    from miden.actors.runtimes import Runtime
    from miden.actors.runtimes.native import Actor
    from miden.ipld.blocks import Blockstore

WASM_MAGIC = b"\0asm"
ARTIFACTS = (".masl", ".masp", ".masb")
KINDS = f".masm, {', '.join(ARTIFACTS)}, .wasm, .wat, .py or .py:CLASS"


class Code(NamedTuple):
    """What a file holds: the block of the code, an interface if the file tells one, and the Python file it is run from.

    `needs` are blocks that the code links to: those of the kernel and the core library.
    """

    cid: Cid
    data: bytes
    interface: Interface | None = None
    python: str | None = None
    needs: tuple[tuple[Cid, bytes], ...] = ()


def is_code(path: str) -> bool:
    """Tell whether the name of a file says that it holds code."""
    return path.lower().endswith((".masm", *ARTIFACTS, ".wasm", ".wat", ".py")) or ".py:" in path


def read_code(path: str) -> Code:
    """Return the code in a file; raises `InputError` for a kind of file that is none, and what its reader raises."""
    file, _, name = path.partition(".py:")
    if name or path.endswith(".py"):
        return _read_python(f"{file}.py" if name else path, name)
    from miden.actors.interfaces.carried import carried_interface
    from miden.cli.files import read_bytes

    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122  pathlib costs start-up time
    if suffix == ".masm":
        from miden.actors.runtimes.masm import actor_code

        return _masm_code(*actor_code(path))
    if suffix not in (*ARTIFACTS, ".wasm", ".wat"):
        raise InputError(f"{path} is no code of an actor: expected {KINDS}", kind="UnknownCode")
    data = read_bytes(path)
    if suffix in ARTIFACTS:
        return _masm_code(Cid.of(data, MAST_FOREST), data)
    if suffix == ".wat":
        data = _assemble_wat(path, data)
    if not data.startswith(WASM_MAGIC):
        raise FormatError(f"{path} is no WebAssembly module", offset=0, kind="InvalidWasm")
    return Code(Cid.of(data, RAW), data, carried_interface(data))


def _masm_code(cid: Cid, data: bytes) -> Code:
    from miden.actors.interfaces.carried import carried_interface
    from miden.actors.runtimes.masm.code import linked_nodes

    return Code(cid, data, carried_interface(data), needs=tuple(linked_nodes(data)))


def _assemble_wat(path: str, text: bytes) -> bytes:
    from miden.actors.runtimes.wasm.engine import assemble

    try:
        return assemble(text.decode())
    except UnicodeDecodeError as problem:
        raise FormatError(f"{path} is not UTF-8: {problem.reason}", offset=problem.start, kind="InvalidText") from None
    except FormatError as problem:
        raise FormatError(f"{path} does not assemble: {problem.message}", kind=problem.kind) from None


# Python


def load_actors(path: str, data: bytes) -> list[type[Actor]]:
    """Run the text of a Python file and return the actors that it defines; raises `InputError` if it has none or fails."""
    from types import ModuleType

    from miden.actors.runtimes.native import Actor

    name = f"miden_actor_{hashlib.blake2b(path.encode(), digest_size=8).hexdigest()}"
    module = sys.modules[name] = ModuleType(name)  # where dataclasses look for it
    module.__file__ = path
    try:
        exec(compile(data, path, "exec"), module.__dict__)  # noqa: S102 - whoever deploys the file trusts it
    except Exception as problem:
        raise InputError(f"{path} does not run: {type(problem).__name__}: {problem}", kind="InvalidPython") from problem
    found = [item for item in vars(module).values() if isinstance(item, type) and issubclass(item, Actor) and item.__module__ == name]
    if not found:
        raise InputError(f"{path} defines no actor", kind="NoActor", hint="an actor is a subclass of miden.actors.runtimes.native.Actor")
    return found


def _read_python(path: str, name: str) -> Code:
    from miden.actors.interfaces.derive import interface_of_class
    from miden.actors.runtimes.native import native_block
    from miden.cli.files import read_bytes

    found = {actor.__name__: actor for actor in load_actors(path, read_bytes(path))}
    if not name and len(found) > 1:
        raise InputError(f"{path} defines several actors", kind="SeveralActors", hint=f"name one: {path}:{next(iter(found))}")
    actor = next(iter(found.values())) if not name else found.get(name)
    if actor is None:
        raise InputError(f"{path} defines no actor {name}", kind="NoActor", hint=f"there are {', '.join(found)}")
    data = native_block(actor)
    return Code(Cid.of(data, RAW), data, interface_of_class(actor), path)


def python_entry(path: str, machine: str) -> tuple[str, str]:
    """Return how a machine file names a Python file, from its own folder, and its hash."""
    from miden.cli.files import read_bytes

    return os.path.relpath(path, os.path.dirname(machine)), _digest(read_bytes(path))  # noqa: PTH120


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=32).hexdigest()


# runtimes


class Deferred:
    """A runtime that is imported when there is code for it."""

    def __init__(self, claims: Callable[[Cid, Blockstore], bool], make: Callable[[], Runtime]) -> None:
        self.claims = claims
        self._make = make
        self._made: Runtime | None = None

    def invoke(self, kernel: Kernel, code: Cid, params: int) -> int:
        """Run a code; raises `BackendError` if what runs it is not installed."""
        if self._made is None:
            self._made = self._make()
        return self._made.invoke(kernel, code, params)


def _is_wasm(code: Cid, blocks: Blockstore) -> bool:
    data = blocks.get(code) if code.codec == RAW else None
    return data is not None and data.startswith(WASM_MAGIC)


def _masm() -> Runtime:
    from miden.actors.runtimes.masm import MasmRuntime

    return MasmRuntime()


def _wasm() -> Runtime:
    from platformdirs import user_cache_path

    from miden.actors.runtimes.wasm.runtime import WasmRuntime

    return WasmRuntime(user_cache_path("miden") / "wasm")


def runtimes(python: Mapping[str, str], machine: str) -> list[Runtime]:
    """Return what runs the code of a machine: MASM, WebAssembly, and the Python files that its file names.

    Raises `IntegrityError` for one that is not what was deployed, `InputError` for two with actors of one name.
    """
    from miden.actors.builtin import builtin_runtime
    from miden.actors.runtimes.native import NativeRuntime
    from miden.cli.files import read_bytes

    classes: dict[str, type[Actor]] = {}
    for name, digest in python.items():
        path = os.path.join(os.path.dirname(machine), name)  # noqa: PTH118, PTH120
        data = read_bytes(path)
        found = _digest(data)
        if found != digest:
            hint = "deploy it again to run what it is now"
            raise IntegrityError(f"{path} is not what was deployed", expected=digest, found=found, kind="CodeChanged", hint=hint)
        for actor in load_actors(path, data):
            if actor.name in classes:
                raise InputError(f"{path} defines actor {actor.name!r}, which another file defines", kind="ActorExists")
            classes[actor.name] = actor
    masm = Deferred(lambda code, _: code.codec == MAST_FOREST, _masm)
    return [builtin_runtime(), NativeRuntime(classes.values()), masm, Deferred(_is_wasm, _wasm)]
