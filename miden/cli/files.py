"""Read programs and inputs from files, and write files whole or not at all."""

from __future__ import annotations

import os
import sys

from miden.errors import FormatError, InputError, IntegrityError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.cli.console import Console
    from miden.mast.library import Library
    from miden.mast.program import Program
    from miden.vm.inputs_file import InputFile

MAGIC = b"MAST\0"
"""First bytes of a serialized program (mast.md section 7.1)."""

PACKAGE_MAGIC = b"MASP\0"
"""First bytes of a package."""

OTHER_MAGIC = (PACKAGE_MAGIC, b"\x89MIDEN\r\n")
"""First bytes of a package, and of a container of our own."""

MAX_FILE_BYTES = 2**30
"""Largest program file that is read, 1 GiB."""


def read_bytes(path: str) -> bytes:
    """Return the content of a file, or of standard input for ``-``."""
    if path == "-":
        data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    else:
        with open(path, "rb") as file:  # noqa: PTH123  pathlib costs start-up time
            data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise FormatError(f"{path} has more than {MAX_FILE_BYTES} bytes", kind="FileTooLarge")
    return data


class named:  # noqa: N801  a block is `with named(path):`; contextlib takes a while to import
    """Put the name of a file before what is wrong with its bytes: a command may read several."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, (FormatError, IntegrityError)):
            error.message = f"{self.path}: {error.message}"
            error.args = (error.message, *error.args[1:])


def load_program(
    path: str,
    console: Console,
    *,
    warnings_as_errors: bool = False,
    data: bytes | None = None,
    linked: Sequence[str] = (),
    core: Library | None = None,
) -> Program:
    """Return the program of a file: source text that is assembled, a program, an executable package; warnings are shown.

    `data` is the content of the file, if the caller has it; `linked` are files of libraries that source text calls and that are
    needed at run time; `core` is linked in place of the core library.
    """
    data = read_bytes(path) if data is None else data
    if data.startswith(MAGIC):
        from miden.mast.program import Program

        with named(path):
            return Program.from_bytes(data)
    if data.startswith(OTHER_MAGIC):
        from miden.package.artifacts import load_artifact

        with named(path):
            program = load_artifact(data).program
        if program is None:
            raise InputError(f"{path} holds no program", kind="NotAProgram", hint="miden inspect shows what it is")
        return program
    from miden.assembly.assembler import Assembler
    from miden.assembly.source import SourceFile
    from miden.corelib import link_core

    source = SourceFile.from_bytes(data, "<stdin>" if path == "-" else path)
    assembler = Assembler(warnings_as_errors=warnings_as_errors)
    for library in linked:
        from miden.cli.artifacts import load_library

        assembler.link_library(load_library(library, console), kind="dynamic")
    link_core(assembler, core)
    program = assembler.assemble_program(source)
    console.warn(assembler.warnings)
    return program


def load_inputs(program_path: str, inputs_path: str | None) -> InputFile | None:
    """Return the inputs named, else those beside the program if there are any."""
    if inputs_path is None:
        inputs_path = os.path.splitext(program_path)[0] + ".inputs"  # noqa: PTH122  pathlib costs start-up time
        if program_path == "-" or not os.path.exists(inputs_path):  # noqa: PTH110
            return None
    from miden.vm.inputs_file import InputFile

    try:
        return InputFile.read(inputs_path)
    except InputError as error:
        raise InputError(f"{inputs_path}: {error.message}", kind=error.kind, hint=error.hint) from error


def write_atomically(path: str, data: bytes) -> None:
    """Write a file so that `path` holds all of `data` or what it held before, even if the machine stops half-way."""
    if path == "-":
        sys.stdout.buffer.write(data)
        return
    from miden.cli.writing import written_whole

    with written_whole(path) as file:
        file.write(data)
