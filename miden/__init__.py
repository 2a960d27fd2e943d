"""Miden assembly, MAST and the Miden VM.

Assemble a program, run it, look at what it left (stack values are listed top first):

>>> import miden
>>> program = miden.assemble("begin add mul end")
>>> output = miden.execute(program, stack=[2, 3, 4])
>>> output.stack[0], output.cycles
(20, 9)

Give it inputs as an `.inputs` file lists them, with the last one on top, and advice:

>>> program = miden.assemble("begin adv_push.1 add swap drop end")
>>> stack = miden.StackInputs.from_bottom([1])
>>> miden.execute(program, stack=stack, advice=miden.AdviceInputs([41])).stack[0]
42

A program that fails says where and why:

>>> try:
...     miden.execute(miden.assemble("begin push.0 inv end"))
... except miden.ExecutionError as error:
...     print(error.kind, error.clk)
DivideByZero 6

The tour goes on in `miden.Assembler` (libraries and kernels), `miden.Program` and `miden.MastForest` (what programs
are made of), `miden.Host` (events, other forests, decorators), `miden.Limits` and `miden.Processor` (stopping and
resuming), `miden.open_store` and `miden.VirtualMachine` (code kept under its root, and run from there), and
`miden.errors`. Values are integers below p everywhere; `miden.Felt` and `miden.Word` help with them.

Importing this package loads next to nothing: every name is loaded when it is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden._version import __version__
    from miden.assembly import Assembler, assemble, read_modules
    from miden.errors import (
        AssemblyError,
        BackendError,
        ExecutionError,
        FormatError,
        InputError,
        IntegrityError,
        LimitError,
        LinkError,
        LoweringError,
        MidenError,
        NetworkError,
        NotFoundError,
        ParseError,
        ProjectError,
        ResolutionError,
        SemanticError,
        StorageError,
    )
    from miden.field import Felt, Word
    from miden.hashing import hash_elements, hash_many
    from miden.mast.builder import ForestBuilder
    from miden.mast.forest import MastForest
    from miden.mast.library import KernelLibrary, Library
    from miden.mast.program import Kernel, Program
    from miden.package.artifacts import load_artifact
    from miden.package.build import build_project
    from miden.package.cache import BuildCache
    from miden.package.cached import CachedAssembler
    from miden.package.container import Container
    from miden.package.package import Package
    from miden.store import ObjectStore, VirtualMachine, open_store
    from miden.vm.backends import get_backend
    from miden.vm.host import Host
    from miden.vm.inputs import AdviceInputs, StackInputs
    from miden.vm.many import ManyOutputs, execute_many
    from miden.vm.mutations import ExtendMap, ExtendMerkleStore, ExtendPrecompileRequests, ExtendStack
    from miden.vm.options import Limits
    from miden.vm.outputs import ExecutionOutput
    from miden.vm.processor import Processor, execute

__all__ = [
    "__version__",
    "assemble",
    "execute",
    "execute_many",
    "Assembler",
    "read_modules",
    "Program",
    "Kernel",
    "Library",
    "KernelLibrary",
    "MastForest",
    "ForestBuilder",
    "Package",
    "Container",
    "BuildCache",
    "CachedAssembler",
    "build_project",
    "load_artifact",
    "ObjectStore",
    "open_store",
    "VirtualMachine",
    "StackInputs",
    "AdviceInputs",
    "Host",
    "ExtendStack",
    "ExtendMap",
    "ExtendMerkleStore",
    "ExtendPrecompileRequests",
    "Limits",
    "Processor",
    "ExecutionOutput",
    "ManyOutputs",
    "get_backend",
    "Felt",
    "Word",
    "hash_elements",
    "hash_many",
    "MidenError",
    "InputError",
    "ProjectError",
    "ResolutionError",
    "AssemblyError",
    "ParseError",
    "SemanticError",
    "LinkError",
    "LoweringError",
    "ExecutionError",
    "LimitError",
    "FormatError",
    "NotFoundError",
    "IntegrityError",
    "NetworkError",
    "StorageError",
    "BackendError",
]

_HOMES = {
    "miden._version": ("__version__",),
    "miden.assembly": ("Assembler", "assemble", "read_modules"),
    "miden.errors": tuple(name for name in __all__ if name.endswith("Error")),
    "miden.field": ("Felt", "Word"),
    "miden.hashing": ("hash_elements", "hash_many"),
    "miden.mast.builder": ("ForestBuilder",),
    "miden.mast.forest": ("MastForest",),
    "miden.mast.library": ("Library", "KernelLibrary"),
    "miden.mast.program": ("Program", "Kernel"),
    "miden.package.artifacts": ("load_artifact",),
    "miden.package.build": ("build_project",),
    "miden.package.cache": ("BuildCache",),
    "miden.package.cached": ("CachedAssembler",),
    "miden.package.container": ("Container",),
    "miden.package.package": ("Package",),
    "miden.store": ("ObjectStore", "VirtualMachine", "open_store"),
    "miden.vm.backends": ("get_backend",),
    "miden.vm.host": ("Host",),
    "miden.vm.inputs": ("AdviceInputs", "StackInputs"),
    "miden.vm.many": ("ManyOutputs", "execute_many"),
    "miden.vm.mutations": ("ExtendStack", "ExtendMap", "ExtendMerkleStore", "ExtendPrecompileRequests"),
    "miden.vm.options": ("Limits",),
    "miden.vm.outputs": ("ExecutionOutput",),
    "miden.vm.processor": ("Processor", "execute"),
}


def __getattr__(name: str) -> object:
    """Load a public name from its home when it is first used."""
    module = next((home for home, names in _HOMES.items() if name in names), None)
    if module is None:
        raise AttributeError(f"module 'miden' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted({*globals(), *__all__})
