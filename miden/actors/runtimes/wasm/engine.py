"""wasmtime, and all that this package knows of it.

The way between guest and kernel is taken often, so it goes past wasmtime's Python classes: arguments come as raw cells, gas is
read and written in one cell that is used again, and memory is a view. Nothing here knows what the imports mean.
"""

from __future__ import annotations

import ctypes
import threading
from importlib.metadata import version
from struct import Struct
from typing import NamedTuple

from miden.errors import BackendError, FormatError

try:
    import wasmtime
    from wasmtime import _ffi as ffi
except ImportError as problem:
    raise BackendError(
        "actors in WebAssembly need wasmtime", kind="MissingExtra", hint="pip install 'miden[wasm]'"
    ) from problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from miden.actors.runtimes.wasm.abi import Import

MAX_NATIVE_STACK = 4 << 20
MAX_TABLE = 20_000
PAGE = 65536
VERSION = version("wasmtime")

_CELL = 16
_LETTERS = {"I": "I12x", "i": "i12x", "Q": "Q8x", "q": "q8x"}
_U32 = 0xFFFFFFFF

_Callback = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


def _function(name: str, result: Any, *arguments: Any) -> Any:
    """A function of the library with types of our own, which cost less on the way than pointers to structures."""
    function = ffi.dll[name]
    function.restype, function.argtypes = result, arguments
    return function


_pointer = ctypes.c_void_p
_global_new = _function("wasmtime_global_new", _pointer, _pointer, _pointer, _pointer, _pointer)
_global_get = _function("wasmtime_global_get", None, _pointer, _pointer, _pointer)
_global_set = _function("wasmtime_global_set", _pointer, _pointer, _pointer, _pointer)
_memory_data = _function("wasmtime_memory_data", _pointer, _pointer, _pointer)
_memory_size = _function("wasmtime_memory_data_size", ctypes.c_size_t, _pointer, _pointer)
_linker_define = _function(
    "wasmtime_linker_define", _pointer, _pointer, _pointer, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, _pointer
)
_linker_instantiate = _function("wasmtime_linker_instantiate", _pointer, _pointer, _pointer, _pointer, _pointer, _pointer)
_export_get = _function("wasmtime_instance_export_get", ctypes.c_bool, _pointer, _pointer, ctypes.c_char_p, ctypes.c_size_t, _pointer)
_call_unchecked = _function("wasmtime_func_call_unchecked", _pointer, _pointer, _pointer, _pointer, ctypes.c_size_t, _pointer)
_trap_new = _function("wasmtime_trap_new", ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
_view = ctypes.pythonapi.PyMemoryView_FromMemory
_view.restype, _view.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)
_WRITABLE = 0x200


class Stopped(Exception):  # noqa: N818 - how a guest ends, not an error of ours
    """A guest trapped, or could not be started."""


class Code(NamedTuple):
    """Code that can be started: the compiled module, the pages of its memory, the elements of its table if that is exported."""

    module: wasmtime.Module
    address: int
    """Where the module is for the library."""
    pages: int
    table: int | None


class Engine:
    """Compiles and starts guests that import one table of functions.

    `serve` is called for every import that a guest calls, with the import, the guest that was given to `start`, and the arguments;
    it returns what the guest gets. If it raises, the guest traps, and `Instance.failure` keeps what was raised.
    """

    def __init__(self, imports: Sequence[Import], serve: Callable[[Import, Any, tuple[int, ...]], int]) -> None:
        self._engine = wasmtime.Engine(_config())
        self._linker = wasmtime.Linker(self._engine)
        self._linker.allow_shadowing = True
        self._linker_address = _address(self._linker)
        self._gas_type = wasmtime.GlobalType(wasmtime.ValType.i64(), True)
        self._serve = serve
        self._here = threading.local()
        # The gas of a guest is defined in the linker just before it is used. A start function, which runs meanwhile, has no memory
        # and so no address to send to: nothing is linked inside of this.
        self._linking = threading.Lock()
        self._types = {(entry.module, entry.name): _signature(entry) for entry in imports}
        self._callbacks = [self._bind(entry) for entry in imports]

    # code

    def check(self, wasm: bytes) -> None:
        """Refuse what is no valid module; raises `FormatError`."""
        try:
            wasmtime.Module.validate(self._engine, wasm)
        except wasmtime.WasmtimeError as problem:
            raise FormatError(f"no valid Wasm module: {_first_line(problem)}", kind="InvalidWasm") from problem

    def compile(self, wasm: bytes) -> Code:
        """Compile a module that was checked and metered; raises `FormatError` for imports and exports that guests do not have."""
        try:
            return self._code(wasmtime.Module(self._engine, wasm))
        except wasmtime.WasmtimeError as problem:
            raise FormatError(f"a Wasm module that does not compile: {_first_line(problem)}", kind="InvalidWasm") from problem

    def save(self, code: Code) -> bytes:
        """Return compiled code as bytes, which only the same version on the same kind of machine reads."""
        return bytes(code.module.serialize())

    def load(self, data: bytes) -> Code | None:
        """Return code from `save`, None if it is of another version. The bytes must be ours: they are run as they are."""
        try:
            return self._code(wasmtime.Module.deserialize(self._engine, data))
        except wasmtime.WasmtimeError:
            return None

    def _code(self, module: wasmtime.Module) -> Code:
        for entry in module.imports:
            if isinstance(entry.type, wasmtime.GlobalType):
                continue  # the gas that metering added, and no other
            known = self._types.get((entry.module, entry.name or ""))
            if known is None or not isinstance(entry.type, wasmtime.FuncType) or _names(entry.type) != known:
                raise FormatError(f"a guest cannot import {entry.module}.{entry.name} as it is declared", kind="UnknownImport")
        exports = {entry.name: entry.type for entry in module.exports}
        memory, table = exports.get("memory"), exports.get("table")
        if not isinstance(memory, wasmtime.MemoryType):
            raise FormatError("a guest exports its memory as memory", kind="NoMemory")
        invoke = exports.get("invoke")
        if not isinstance(invoke, wasmtime.FuncType) or _names(invoke) != (("i32",), ("i32",)):
            raise FormatError("a guest exports invoke, which takes an i32 and returns one", kind="NoEntryPoint")
        return Code(module, _address(module), memory.limits.min, table.limits.min if isinstance(table, wasmtime.TableType) else None)

    # guests

    def start(self, code: Code, memory_limit: int) -> Instance:
        """Make room for a guest, of at most `memory_limit` bytes; `Instance.instantiate` starts it."""
        return Instance(self, code, memory_limit)

    def _bind(self, entry: Import) -> Any:
        """Define an import; what is returned must live as long as the linker."""
        unpack = Struct("<" + "".join(_LETTERS[letter] for letter in "I" * (entry.out is not None) + entry.params)).unpack
        size = _CELL * (len(entry.params) + (entry.out is not None))
        serve, here, string_at, cell = self._serve, self._here, ctypes.string_at, ctypes.c_uint32.from_address

        def callback(_env: int, _caller: int, arguments: int, _count: int) -> int:
            instance = here.instance
            try:
                result = serve(entry, instance.guest, unpack(string_at(arguments, size)))
            except BaseException as problem:  # noqa: BLE001 - raised again where the guest was called
                instance.failure = problem
                return int(_trap_new(b"ended by the kernel", 19))
            cell(arguments).value = result
            return 0

        pointer = _Callback(callback)
        params, results = _signature(entry)
        kind = wasmtime.FuncType(*([getattr(wasmtime.ValType, name)() for name in names] for names in (params, results)))
        module, name = entry.module.encode(), entry.name.encode()
        error = ffi.wasmtime_linker_define_func_unchecked(
            self._linker.ptr(),
            ctypes.create_string_buffer(module),
            len(module),
            ctypes.create_string_buffer(name),
            len(name),
            kind.ptr(),
            ctypes.cast(pointer, ffi.wasmtime_func_unchecked_callback_t),
            None,
            ctypes.cast(0, ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        )
        if error:  # type: ignore[truthy-bool]
            raise wasmtime.WasmtimeError._from_ptr(error)
        return pointer


class Instance:
    """One guest: its store, its gas, its memory. Calls of the kernel find `guest` here."""

    __slots__ = (
        "_cell", "_code", "_context", "_func", "_gas", "_instance", "_memory", "_store", "_value", "engine", "failure", "guest",
    )  # fmt: skip

    def __init__(self, engine: Engine, code: Code, memory_limit: int) -> None:
        self.engine = engine
        self.guest: Any = None
        self.failure: BaseException | None = None
        self._store = wasmtime.Store(engine._engine)
        self._store.set_limits(memory_size=memory_limit, table_elements=MAX_TABLE, instances=1, tables=1, memories=1)
        self._context = ctypes.cast(self._store._context(), ctypes.c_void_p).value
        self._code = code
        self._value = ffi.wasmtime_val_t()
        self._value.kind = ffi.WASMTIME_I64
        self._gas = ffi.wasmtime_global_t()
        self._cell = self._context, ctypes.byref(self._gas), ctypes.byref(self._value)
        self._raise(_global_new(self._context, _address(engine._gas_type), ctypes.byref(self._value), ctypes.byref(self._gas)), None)
        self._instance = ffi.wasmtime_instance_t()
        self._memory: Any = None
        self._func: Any = None

    def get_gas(self) -> int:
        """Return what the guest has left in milligas; negative if it ran out."""
        _global_get(*self._cell)
        return int(self._value.of.i64)

    def set_gas(self, milligas: int) -> None:
        """Set what the guest has."""
        self._value.of.i64 = milligas
        _global_set(*self._cell)

    def instantiate(self) -> None:
        """Make memory and tables and run the start function; raises `Stopped`, or what a call of the kernel raised."""
        extern = ffi.wasmtime_extern_t()
        extern.kind = ffi.WASMTIME_EXTERN_GLOBAL
        extern.of.global_ = self._gas
        trap = ctypes.c_void_p()
        made = ctypes.byref(self._instance)
        with self.engine._linking:
            linker = self.engine._linker_address
            error = _linker_define(linker, self._context, b"gas", 3, b"gas_counter", 11, ctypes.byref(extern))
            self._raise(error, None)
            self._run(_linker_instantiate, linker, self._context, self._code.address, made, ctypes.byref(trap), trap=trap)
        self._memory = self._export(b"memory").memory
        self._func = self._export(b"invoke").func

    def invoke(self, argument: int) -> int:
        """Run the guest; raises `Stopped`, or what a call of the kernel raised."""
        cell = ffi.wasmtime_val_raw_t()
        cell.i32 = argument
        trap = ctypes.c_void_p()
        self._run(_call_unchecked, self._context, ctypes.byref(self._func), ctypes.byref(cell), 1, ctypes.byref(trap), trap=trap)
        return int(cell.i32) & _U32

    def memory_size(self) -> int:
        """Return the bytes of the guest's memory; 0 before it is instantiated."""
        return 0 if self._memory is None else int(_memory_size(self._context, ctypes.byref(self._memory)))

    def memory(self) -> memoryview:
        """Return a view of the guest's memory, good until it grows or is closed."""
        size = self.memory_size()
        if not size:
            return memoryview(b"")
        view: memoryview = _view(_memory_data(self._context, ctypes.byref(self._memory)), size, _WRITABLE)
        return view

    def close(self) -> None:
        """Free the guest."""
        self.guest = None
        self._store.close()

    def _run(self, function: Any, *arguments: Any, trap: ctypes.c_void_p) -> None:
        here = self.engine._here
        before = getattr(here, "instance", None)
        here.instance = self
        try:
            error = function(*arguments)
        finally:
            here.instance = before
        failure, self.failure = self.failure, None
        try:
            self._raise(error, trap.value)
        except Stopped:
            if failure is None:
                raise
        if failure is not None:
            raise failure

    def _raise(self, error: int | None, trap: int | None) -> None:
        if error:
            message = wasmtime.WasmtimeError._from_ptr(ctypes.cast(error, ctypes.POINTER(ffi.wasmtime_error_t)))
            raise Stopped(_first_line(message))
        if trap:
            raise Stopped(_first_line(wasmtime.Trap._from_ptr(ctypes.cast(trap, ctypes.POINTER(ffi.wasm_trap_t)))))

    def _export(self, name: bytes) -> Any:
        item = ffi.wasmtime_extern_t()
        _export_get(self._context, ctypes.byref(self._instance), name, len(name), ctypes.byref(item))
        return item.of


def assemble(text: str) -> bytes:
    """Return the module that a text in WAT stands for; raises `FormatError` that says what is wrong with it.

    >>> assemble("(module)").hex()
    '0061736d01000000'
    """
    try:
        return bytes(wasmtime.wat2wasm(text))
    except wasmtime.WasmtimeError as problem:
        raise FormatError(str(problem), kind="InvalidWat") from None


def _address(managed: Any) -> int:
    """Where an object of the library is."""
    return ctypes.cast(managed.ptr(), ctypes.c_void_p).value or 0


def _config() -> wasmtime.Config:
    """What guests may use, and how they are compiled: as upstream has it. (fvm.md section 2.12.)"""
    config = wasmtime.Config()
    for feature in (
        "wasm_threads",
        "wasm_tail_call",
        "wasm_relaxed_simd",
        "wasm_simd",
        "wasm_multi_value",
        "wasm_multi_memory",
        "wasm_memory64",
        "wasm_exceptions",
        "wasm_gc",
        "wasm_function_references",
        "wasm_wide_arithmetic",
        "wasm_custom_page_sizes",
        "wasm_stack_switching",
        "wasm_component_model",
        "memory_init_cow",
        "memory_may_move",
        "native_unwind_info",
    ):
        setattr(config, feature, False)
    config.wasm_bulk_memory = True
    config.cranelift_nan_canonicalization = True
    ffi.wasmtime_config_async_stack_size_set(config.ptr(), 2 * MAX_NATIVE_STACK)  # not used, but it bounds the other
    config.max_wasm_stack = MAX_NATIVE_STACK
    return config


def _signature(entry: Import) -> tuple[tuple[str, ...], tuple[str, ...]]:
    letters = "I" * (entry.out is not None) + entry.params
    return tuple("i32" if letter in "Ii" else "i64" for letter in letters), ("i32",)


def _names(kind: wasmtime.FuncType) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(map(str, kind.params)), tuple(map(str, kind.results))


def _first_line(problem: Exception) -> str:
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"

