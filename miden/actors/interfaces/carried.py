"""Interfaces inside of code: a section of a package, or a custom section of a WebAssembly module, that holds the block.

Whoever has the code has its interface, then, wherever the two come from. The section is part of what the CID of the code names; the
machine does not look at it.
"""

from __future__ import annotations

from miden.actors.interfaces.interface import Interface
from miden.actors.runtimes.wasm.binary import MAGIC as WASM_MAGIC
from miden.actors.runtimes.wasm.binary import Reader, sized
from miden.errors import InputError
from miden.mast.library import Library
from miden.mast.program import Program
from miden.package.artifacts import load_artifact
from miden.package.container import MAGIC as CONTAINER_MAGIC
from miden.package.masp import MAGIC as PACKAGE_MAGIC
from miden.package.package import Package, Section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SECTION = "actor_interface"
"""The name of the section, in packages and in modules."""

CUSTOM = 0


def with_interface(code: bytes, interface: Interface) -> bytes:
    """Return code that carries an interface, in place of one that it may carry: a package, or a WebAssembly module.

    A library or a program becomes a package with the name of the interface.

    Raises
    ------
    InputError
        For code that cannot carry one: a forest alone, a container, or what is none of these.
    FormatError, IntegrityError
        For bytes that are no code.

    Examples
    --------
    >>> from miden.actors.interfaces import parse_interface
    >>> interface = parse_interface("actor nothing")
    >>> code = with_interface(b"\\0asm\\x01\\0\\0\\0", interface)
    >>> carried_interface(code).cid == interface.cid
    True
    """
    block = interface.to_block()
    if code.startswith(WASM_MAGIC):
        kept = [code[start:end] for start, _, end, name in _sections(code) if name != SECTION.encode()]
        return WASM_MAGIC + b"".join(kept) + bytes((CUSTOM,)) + sized(sized(SECTION.encode()) + block)
    return _with_section(code, Section(SECTION, block), interface.name)


def _with_section(code: bytes, section: Section, name: str) -> bytes:
    loaded = load_artifact(code)
    artifact = loaded.content
    if loaded.container is not None or not isinstance(artifact, (Program, Library, Package)):
        raise InputError(f"a {loaded.kind} carries no interface", kind="UnknownCode", hint="expected a package, a library or a program")
    if isinstance(artifact, (Program, Library)):
        return Package(name, artifact, sections=[section]).to_bytes()
    others = [other for other in artifact.sections if other.id != SECTION]
    return artifact.replace_sections([*others, section]).to_bytes()


def carried_interface(code: bytes) -> Interface | None:
    """Return the interface that code carries, or None; of a package only the form is checked, not its digests.

    Raises `FormatError` for a package or module that does not decode, and for an interface that is none.
    """
    if code.startswith(WASM_MAGIC):
        found = next((code[start:end] for _, start, end, name in _sections(code) if name == SECTION.encode()), None)
    elif code.startswith((PACKAGE_MAGIC, CONTAINER_MAGIC)):
        package = load_artifact(code, trusted=True).content
        found = package.section(SECTION) if isinstance(package, Package) else None
    else:
        return None
    return None if found is None else Interface.from_block(found)


def _sections(module: bytes) -> Iterator[tuple[int, int, int, bytes | None]]:
    """Yield each section of a module: where it starts, where its content does, its end, and its name if it is a custom one."""
    reader = Reader(module, len(WASM_MAGIC))
    while reader.offset < reader.end:
        start, number, size = reader.offset, reader.byte(), reader.u32()
        content, name = reader.offset, None
        reader.take(size)
        if number == CUSTOM:
            inner = Reader(module, content, reader.offset)
            name = inner.take(inner.u32())
            content = inner.offset
        yield start, content, reader.offset, name
