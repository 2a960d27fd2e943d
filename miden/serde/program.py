"""The file formats of programs, kernels, stack inputs and outputs. (mast.md section 8.)"""

from __future__ import annotations

from miden.errors import FormatError, InputError
from miden.field import Word, check_felt
from miden.isa import MIN_STACK_DEPTH
from miden.mast.program import Kernel, Program
from miden.serde.forest import forest_to_bytes, read_forest
from miden.serde.reader import Reader
from miden.serde.writer import felts, u32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def program_from_bytes(data: bytes, *, verify: bool = True) -> Program:
    """Read a program that is all of `data`."""
    reader = Reader(bytes(data))
    program = read_program(reader, verify=verify)
    reader.finish()
    return program


def read_program(reader: Reader, *, verify: bool = True) -> Program:
    """Read a program and leave the reader behind it."""
    forest = read_forest(reader, verify=verify)
    kernel = read_kernel(reader)
    start = reader.pos
    entrypoint = reader.u32()
    if entrypoint not in forest.roots:
        reader.fail(f"the entrypoint must be a procedure root, node {entrypoint} is not", pos=start, kind="InvalidEntrypoint")
    return Program(forest, entrypoint, kernel)


def program_to_bytes(program: Program) -> bytes:
    """Write a program."""
    return forest_to_bytes(program.forest) + kernel_to_bytes(program.kernel) + u32(program.entrypoint)


def read_kernel(reader: Reader) -> Kernel:
    """Read a kernel; its procedures must be in order."""
    start = reader.pos
    words = [Word(reader.felts(4)) for _ in range(reader.u8())]
    try:
        kernel = Kernel(words)
    except InputError as error:
        raise FormatError(error.message, offset=reader.base + start, kind=error.kind) from error
    if list(kernel.procedures) != words:
        reader.fail("the procedures of a kernel must be in the order of their bytes", pos=start, kind="UnsortedKernel")
    return kernel


def kernel_to_bytes(kernel: Kernel) -> bytes:
    """Write a kernel."""
    return bytes((len(kernel),)) + kernel.digest_bytes


def stack_to_bytes(values: Iterable[int]) -> bytes:
    """Write stack inputs or outputs: at most 16 felts, top first; zeros at the bottom are left out.

    >>> stack_to_bytes([3, 2, 1, 0])[:9].hex()
    '030300000000000000'
    """
    cells = [check_felt(value, "stack value") for value in values]
    if len(cells) > MIN_STACK_DEPTH:
        raise InputError(f"a stack has at most {MIN_STACK_DEPTH} values, found {len(cells)}", kind="StackTooDeep")
    while cells and cells[-1] == 0:
        cells.pop()
    return bytes((len(cells),)) + felts(cells)


def stack_from_bytes(data: bytes) -> list[int]:
    """Read stack inputs or outputs: 16 felts, top first.

    >>> stack_from_bytes(stack_to_bytes([3, 2, 1]))[:4]
    [3, 2, 1, 0]
    """
    reader = Reader(bytes(data))
    count = reader.u8()
    if count > MIN_STACK_DEPTH:
        reader.fail(f"a stack has at most {MIN_STACK_DEPTH} values, found {count}", pos=0, kind="StackTooDeep")
    cells = [*reader.felts(count), *[0] * (MIN_STACK_DEPTH - count)]
    reader.finish()
    return cells
