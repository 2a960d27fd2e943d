"""Actors written in Python: for builtins, for tests, and to think an actor through before it is written for a machine.

An actor is a class; its methods are its exported methods::

    class Counter(Actor):
        name = "counter"

        @constructor
        def start(self, start: int = 0) -> None:
            self.state = [start]

        @method
        def increment(self, by: int) -> list[int]:
            ...

Parameters come as a list in canonical dag-cbor and are checked against the annotations: `int` (from 0, below 2^63), `bytes`, `str`,
`bool`, `Cid`, `Address` (from its bytes), lists and dictionaries of these; `Any` takes all. What a method returns goes back as
dag-cbor. Whatever an actor does, it does through the kernel, at the kernel's prices. Python itself is not metered, so that code
from others does not belong here.
"""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints, overload

from miden.actors.address import Address, to_address
from miden.actors.codes import ErrorNumber, Exit, ExitCode, Fatal, GuestTrap, OutOfGas, SyscallError
from miden.actors.events import INDEXED, Entry
from miden.actors.methods import CONSTRUCTOR, method_number
from miden.actors.registry import NO_BLOCK
from miden.actors.state import INIT_ID
from miden.errors import FormatError, InputError, IntegrityError, NetworkError, StorageError
from miden.ipld import dagcbor
from miden.ipld.cid import CBOR, DAG_CBOR, RAW, Cid
from miden.ipld.multihash import BLAKE2B_256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import ClassVar, NoReturn, TypeVar

    from miden.actors.kernel import Kernel
    from miden.ipld.blocks import Blockstore
    from miden.ipld.dagcbor import Value

    F = TypeVar("F", bound=Callable[..., Any])

MAX_INT = (1 << 63) - 1
"""The highest number that a parameter annotated as `int` takes."""

_MARK = "__actor_method__"


class Method(NamedTuple):
    """A method of an actor: its name and number, the Python function, and what it takes."""

    name: str
    number: int
    function: Callable[..., Value]
    caller: int | None
    """The only actor that may call it, None for any."""
    parameters: tuple[tuple[str, Any], ...]
    optional: bool
    """Whether it may be called without parameters."""
    bare: bool
    """Whether its one parameter is the whole value, not the first of a list."""
    returns: Any
    doc: str


class _Mark(NamedTuple):
    name: str | None
    number: int | None
    caller: int | None
    bare: bool


@overload
def method(function: F, /) -> F: ...


@overload
def method(*, name: str | None = None, number: int | None = None, caller: int | None = None, bare: bool = False) -> Callable[[F], F]: ...


def method(
    function: F | None = None, /, *, name: str | None = None, number: int | None = None, caller: int | None = None, bare: bool = False
) -> Any:
    """Export a method of an actor.

    Its name is that of the function in camel case unless told, its number that of the name unless told; with `caller`, only that
    actor may call it, others end with exit code 18. The one parameter of a `bare` method is the whole value that is passed.
    """

    def mark(target: F) -> F:
        setattr(target, _MARK, _Mark(name, number, caller, bare))
        return target

    return mark if function is None else mark(function)


@overload
def constructor(function: F, /) -> F: ...


@overload
def constructor(*, caller: int = INIT_ID, bare: bool = False) -> Callable[[F], F]: ...


def constructor(function: F | None = None, /, *, caller: int = INIT_ID, bare: bool = False) -> Any:
    """Export the constructor: method 1, which only the Init actor calls unless told otherwise."""
    mark = method(name="Constructor", number=CONSTRUCTOR, caller=caller, bare=bare)
    return mark if function is None else mark(function)


class Reply(NamedTuple):
    """How a call of another actor ended."""

    exit_code: int
    codec: int
    data: bytes

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.exit_code == ExitCode.OK

    @property
    def value(self) -> Value:
        """The value it returned, None without one; raises `FormatError` for bytes that are none."""
        return dagcbor.decode(self.data) if self.codec else None


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.strip("_").split("_"))


def _method(attribute: str, function: Callable[..., Any], mark: _Mark) -> Method:
    name = mark.name or _camel(attribute)
    number = method_number(name) if mark.number is None else mark.number
    parameters = list(inspect.signature(function).parameters.values())[1:]
    known = {"Address": Address, "Cid": Cid, "Value": object}
    hints = get_type_hints(function, None, known)
    optional = all(parameter.default is not parameter.empty for parameter in parameters)
    typed = tuple((parameter.name, hints.get(parameter.name, object)) for parameter in parameters)
    doc = inspect.getdoc(function) or ""
    return Method(name, number, function, mark.caller, typed, optional, mark.bare, hints.get("return", object), doc)


class GuestBlocks:
    """The blocks that an invocation can reach, as a store: what a HAMT in an actor's state is read from and written to."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def get(self, cid: Cid) -> bytes:
        """Open a block and read it."""
        kernel = self._kernel
        kernel.enter()
        handle, _, size = kernel.block_open(cid)
        return _read(kernel, handle, size)

    def put(self, cid: Cid, data: bytes) -> None:
        """Make a block and link it."""
        link = self.add(data, cid.codec, cid.hash_code)
        if link != cid:
            raise InputError(f"block {cid} cannot be put: the kernel links it as {link}", kind="BlockMismatch")

    def put_many(self, blocks: Iterable[tuple[Cid, bytes]]) -> int:
        """Make and link blocks, children before those that link to them, and return how many."""
        count = 0
        for cid, data in blocks:
            self.put(cid, data)
            count += 1
        return count

    def add(self, data: bytes, codec: int = DAG_CBOR, hash_code: int = BLAKE2B_256) -> Cid:
        """Make a block, link it and return its CID."""
        kernel = self._kernel
        kernel.enter()
        handle = kernel.block_create(codec, data)
        kernel.enter()
        return kernel.block_link(handle, hash_code, 32)

    def __contains__(self, cid: Cid) -> bool:
        return self._kernel.registry.is_reachable(cid.to_bytes())


class Actor:
    """An actor at work: one object for each invocation. Subclass it, give it a `name`, and mark methods."""

    name: ClassVar[str] = ""
    """What its code is named by: the code's CID is that of the block ``native:`` + name."""
    methods: ClassVar[Mapping[int, Method]] = {}
    """Exported methods by number; filled in when the class is made."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        found = {CONSTRUCTOR: _DEFAULT, **cls.methods}
        for attribute, function in vars(cls).items():
            mark = getattr(function, _MARK, None)
            if mark is not None:
                made = _method(attribute, function, mark)
                found[made.number] = made
        cls.methods = found

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        """All that can be asked, for what has no short form here; call `kernel.enter` before each call."""
        self.blocks = GuestBlocks(kernel)
        """The blocks that can be reached, as a store."""

    # the invocation

    @property
    def caller(self) -> int:
        """ID of the actor that calls."""
        return self.kernel.caller

    @property
    def receiver(self) -> int:
        """ID of this actor."""
        return self.kernel.receiver

    @property
    def value(self) -> int:
        """Value received with the call."""
        return self.kernel.value

    @property
    def balance(self) -> int:
        """What this actor has."""
        self.kernel.enter()
        return self.kernel.current_balance()

    @property
    def epoch(self) -> int:
        """The epoch of the network."""
        self.kernel.enter()
        return self.kernel.network_context().epoch

    # state

    @property
    def state(self) -> Any:
        """The state, a value of dag-cbor; set it to change it."""
        self.kernel.enter()
        return self.load(self.kernel.root())

    @state.setter
    def state(self, value: Value) -> None:
        link = self.store(value)
        self.kernel.enter()
        self.kernel.set_root(link)

    def load(self, cid: Cid) -> Any:
        """Return the value of a block that can be reached."""
        return dagcbor.decode(self.blocks.get(cid))

    def store(self, value: Value) -> Cid:
        """Put a value into a block and return its link."""
        return self.blocks.add(dagcbor.encode(value))

    # others

    def send(
        self,
        to: Address | str | bytes | int,
        method: int | str,
        params: Value | bytes = None,
        *,
        value: int = 0,
        gas_limit: int | None = None,
        read_only: bool = False,
    ) -> Reply:
        """Call a method of another actor by number or name; `params` is a value, or CBOR as bytes.

        Raises `SyscallError` when the call cannot be made; what goes wrong in the other actor is in the reply.
        """
        kernel = self.kernel
        handle = NO_BLOCK
        if params is not None:
            raw = isinstance(params, bytes)
            kernel.enter()
            handle = kernel.block_create(CBOR if raw else DAG_CBOR, params if isinstance(params, bytes) else dagcbor.encode(params))
        number = method_number(method) if isinstance(method, str) else method
        kernel.enter()
        exit_code, result, codec, size = kernel.send(to_address(to), number, handle, value, gas_limit, int(read_only))
        return Reply(exit_code, codec, _read(kernel, result, size) if result else b"")

    def emit(self, entries: Mapping[str, Value]) -> None:
        """Emit an event with indexed entries whose values are CBOR."""
        self.kernel.enter()
        self.kernel.emit([Entry(INDEXED, key, CBOR, dagcbor.encode(value)) for key, value in entries.items()])

    def log(self, text: str) -> None:
        """Log a text, where the machine listens."""
        self.kernel.enter()
        self.kernel.log(text)

    def abort(self, code: int, message: str = "") -> NoReturn:
        """End the invocation with an exit code; all that it changed is taken back."""
        self.kernel.enter()
        self.kernel.exit(code, NO_BLOCK, message)

    def require(self, condition: object, code: int, message: str) -> None:
        """Abort unless a condition holds."""
        if not condition:
            self.abort(code, message)

    def fallback(self, number: int) -> Value:
        """Answer a method that is not exported: by exit code 22, unless overridden."""
        self.abort(ExitCode.USR_UNHANDLED_MESSAGE, f"{self.name or type(self).__name__} has no method {number}")


@constructor
def _construct(actor: Actor) -> None:
    """Begin without a state."""


_DEFAULT = _method("construct", _construct, getattr(_construct, _MARK))
"""The constructor of an actor that has none of its own."""


class NativeRuntime:
    """Runs actors that are classes.

    >>> class Nothing(Actor):
    ...     name = "nothing"
    >>> runtime = NativeRuntime([Nothing])
    >>> runtime.claims(native_code(Nothing), {})
    True
    """

    def __init__(self, actors: Iterable[type[Actor]]) -> None:
        self.actors = {native_code(actor): actor for actor in actors}

    def claims(self, code: Cid, blocks: Blockstore) -> bool:
        """Tell whether a code is one of the classes."""
        return code in self.actors

    def invoke(self, kernel: Kernel, code: Cid, params: int) -> int:
        """Run a method; an exception that an actor does not catch ends it: a failed call of the kernel with 24, or 25 for a change in
        a read-only call, all else with 24 as a trap."""
        kind = self.actors[code]
        try:
            actor = kind(kernel)
            found = kind.methods.get(kernel.method)
            if found is None:
                value = actor.fallback(kernel.method)
            else:
                if found.caller is not None and kernel.caller != found.caller:
                    actor.abort(ExitCode.USR_FORBIDDEN, f"only actor {found.caller} calls {found.name}")
                value = found.function(actor, *_arguments(actor, found, params))
            if value is None:
                return NO_BLOCK
            kernel.enter()
            return kernel.block_create(DAG_CBOR, dagcbor.encode(value))
        except (Exit, OutOfGas, Fatal, GuestTrap, StorageError, NetworkError, IntegrityError):
            # the last three are the machine's trouble, not the actor's: no message may end by them
            raise
        except SyscallError as error:
            code_ = ExitCode.USR_READ_ONLY if error.number == ErrorNumber.READ_ONLY else ExitCode.USR_ASSERTION_FAILED
            raise Exit(code_, NO_BLOCK, str(error)) from error
        except Exception as problem:
            raise GuestTrap(f"{type(problem).__name__}: {problem}", ExitCode.USR_ASSERTION_FAILED) from problem


def native_block(actor: type[Actor]) -> bytes:
    """Return the block that a class's code is named by."""
    if not actor.name:
        raise InputError(f"actor {actor.__name__} has no name", kind="NoActorName")
    return f"native:{actor.name}".encode()


def native_code(actor: type[Actor]) -> Cid:
    """Return the code CID of a class; raises `InputError` for one without a name."""
    return Cid.of(native_block(actor), RAW)


def _read(kernel: Kernel, handle: int, size: int) -> bytes:
    kernel.enter()
    return kernel.block_read(handle, 0, size)[0]


def _arguments(actor: Actor, found: Method, params: int) -> list[Any]:
    """Decode the parameters of a method, or abort with exit code 21; a method without parameters does not look at them."""
    if not found.parameters:
        return []
    kernel = actor.kernel
    if params == NO_BLOCK:
        if not found.optional:
            actor.abort(ExitCode.USR_SERIALIZATION, f"{found.name} takes {len(found.parameters)} parameters")
        return []
    kernel.enter()
    codec, size = kernel.block_stat(params)
    data = _read(kernel, params, size)
    try:
        if codec not in (CBOR, DAG_CBOR):
            raise FormatError(f"parameters of codec {codec:#x}", kind="InvalidParameters")
        decoded = dagcbor.decode(data)
        values = [decoded] if found.bare else decoded
        if type(values) is not list or len(values) != len(found.parameters):
            raise FormatError(f"expected a list of {len(found.parameters)}", kind="InvalidParameters")
        return [_take(value, kind, name) for value, (name, kind) in zip(values, found.parameters, strict=True)]
    except FormatError as problem:
        actor.abort(ExitCode.USR_SERIALIZATION, f"parameters of {found.name}: {problem.message}")


def _take(value: Value, kind: Any, name: str) -> Any:
    """Return a value as the kind that a parameter is annotated with; raises `FormatError`."""
    if kind is object or kind is Any:
        return value
    if kind is Address:
        if type(value) is bytes:
            return Address.from_bytes(value)
    elif kind is Cid:
        if isinstance(value, Cid):
            return value
    elif get_origin(kind) is list:
        if type(value) is list:
            return [_take(item, get_args(kind)[0], name) for item in value]
    elif get_origin(kind) is dict:
        if type(value) is dict:
            return {key: _take(item, get_args(kind)[1], name) for key, item in value.items()}
    elif type(value) is kind and (kind is not int or 0 <= value <= MAX_INT):
        return value
    raise FormatError(f"{name} is no {getattr(kind, '__name__', kind)}", kind="InvalidParameters")
