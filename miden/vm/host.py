"""The host: what a program may ask of the world outside the machine (processor.md section 4.3).

A host serves forests by procedure root, answers events with advice mutations, prints what decorators ask for, and may
say more about a failed assertion. Subclass it, or give it libraries and handlers.
"""

from __future__ import annotations

from miden.errors import InputError
from miden.field import Word, check_felt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Protocol, TextIO, TypeAlias

    from miden.assembly.source import SourceFile
    from miden.corelib.handlers import CoreEvent
    from miden.mast.decorators import DebugOp
    from miden.mast.forest import MastForest
    from miden.mast.library import KernelLibrary, Library
    from miden.mast.program import Program
    from miden.vm.mutations import Mutation
    from miden.vm.state import ProcessState

    class ForestStore(Protocol):
        """Where a host looks for forests that it was not given; `miden.store.ObjectStore` is one."""

        def get(self, root: Word) -> MastForest:
            """Return the verified forest of a procedure root; `NotFoundError` naming the places asked."""

        def get_many(self, roots: Iterable[Word]) -> object:
            """Make those of many roots that can be had ready for `get`, in one round trip to each place."""

    Handler: TypeAlias = Callable[[ProcessState], Iterable[Mutation] | None]
    """Sees the state of the process, returns what to change in the advice provider; its exceptions end the run."""


class Host:
    """The default host: forests of libraries, event handlers in Python, decorators printed to a stream.

    Parameters
    ----------
    libraries
        Libraries, kernels, programs or forests whose procedure roots resolve external nodes and dynamic calls. A
        later one replaces an earlier one for equal roots.
    handlers
        Event name, or id as an integer -> handler.
    store
        Where forests come from that the libraries do not have: a `miden.store.ObjectStore`, or anything with its `get`
        and `get_many`.
    prefetch
        Ask the store for all external roots of a forest at once when the forest is first entered, in place of one by one.
    debug, trace
        Called with (state, decorator) for a debug decorator and (state, id) for a trace decorator in place of
        printing. Their exceptions end the run.
    on_assert_failed
        Called with (state, error code) when an assertion failed; a text it returns is added to the message.
    output
        Where decorators print; None is standard output at the time of printing.
    core
        True serves the core library, and answers its events, where nothing else here does; both are loaded when a program
        first needs them. A library, such as the reference's own file, is served in its place; False serves none.

    Raises
    ------
    InputError
        Of kind ``ReservedEventNamespace`` or ``DuplicateEventHandler`` for a handler that cannot be registered.

    Examples
    --------
    >>> from miden.vm.mutations import ExtendStack
    >>> host = Host(handlers={"app::answer": lambda state: [ExtendStack([42])]})
    >>> host.events
    ('app::answer',)
    """

    def __init__(
        self,
        libraries: Iterable[Library | KernelLibrary | Program | MastForest] = (),
        handlers: Mapping[str | int, Handler] | None = None,
        *,
        store: ForestStore | None = None,
        prefetch: bool = False,
        debug: Callable[[ProcessState, DebugOp], None] | None = None,
        trace: Callable[[ProcessState, int], None] | None = None,
        on_assert_failed: Callable[[ProcessState, int], str | None] | None = None,
        output: TextIO | None = None,
        core: Library | bool = True,
    ) -> None:
        self._core = core
        self._core_forest: MastForest | None = None
        self._forests: dict[bytes, MastForest] = {}
        self._handlers: dict[int, tuple[str | None, Handler]] = {}
        self._sources: dict[str, SourceFile] = {}
        self.store = store
        self._prefetched: set[bytes] | None = set() if prefetch and store is not None else None
        self._debug = debug
        self._trace = trace
        self._on_assert_failed = on_assert_failed
        self._output = output
        for library in libraries:
            self.add_library(library)
        for event, handler in (handlers or {}).items():
            self.register(event, handler)

    # -- what the machine asks

    def get_forest(self, digest: Word) -> MastForest | None:
        """Return a forest that has a procedure root with this digest, or None; a store that has none raises `NotFoundError`."""
        key = digest.to_bytes()
        forest = self._forests.get(key) or self._get_core_forest(key)
        return self.store.get(digest) if forest is None and self.store is not None else forest

    def prefetch(self, forest: MastForest, limit: int) -> None:
        """Load what a forest refers to, if this host was told to: at most `limit` roots, in one round trip.

        Roots that cannot be had are not an error before they are called.
        """
        if self._prefetched is None:
            return
        from miden.vm.fetches import external_digests

        known, seen = self._forests, self._prefetched
        wanted = [digest for digest in external_digests(forest, limit) if digest not in known and digest not in seen]
        if wanted and self.store is not None:
            seen.update(wanted)
            self.store.get_many(map(Word.from_bytes, wanted))

    def on_event(self, state: ProcessState) -> Iterable[Mutation] | None:
        """Answer the event whose id is on top of the stack; an exception ends the run with an ``EventError``."""
        event_id = state.stack_get(0)
        registered = self._handlers.get(event_id)
        if registered is not None:
            return registered[1](state)
        core_event = self._core_event(event_id)
        if core_event is None:
            raise LookupError("no event handler registered")
        return core_event.handler(state)

    def on_debug(self, state: ProcessState, decorator: DebugOp) -> None:
        """Run a debug decorator: by default, print what it asks for."""
        if self._debug is not None:
            self._debug(state, decorator)
        else:
            from miden.vm.decorators import print_debug

            print_debug(state, decorator, self.output)

    def on_trace(self, state: ProcessState, trace_id: int) -> None:
        """Run a trace decorator: by default, print its id, the clock and the context."""
        if self._trace is not None:
            self._trace(state, trace_id)
        else:
            from miden.vm.decorators import print_trace

            print_trace(state, trace_id, self.output)

    def on_assert_failed(self, state: ProcessState, code: int) -> str | None:
        """Say more about an assertion that failed with an error code, or return None."""
        return self._on_assert_failed(state, code) if self._on_assert_failed is not None else None

    def resolve_event(self, event_id: int) -> str | None:
        """Return the name of an event, if it is known."""
        registered = self._handlers.get(event_id)
        if registered is not None:
            return registered[0]
        core_event = self._core_event(event_id)
        return core_event.name if core_event is not None else None

    def source(self, uri: str) -> SourceFile | None:
        """Return the source text that a location names, if it is known."""
        return self._sources.get(uri)

    # -- what the user sets up

    def add_library(self, library: Library | KernelLibrary | Program | MastForest) -> None:
        """Serve the procedure roots of a forest; roots that are external nodes are not served."""
        from miden.isa import NodeKind

        forest: MastForest = getattr(library, "forest", library)  # type: ignore[arg-type]  # a forest has no `forest`
        for root in forest.roots:
            if forest.kind(root) != NodeKind.EXTERNAL:
                self._forests[forest.digest_bytes(root)] = forest
        self.add_sources(getattr(library, "sources", None) or {})

    def add_sources(self, sources: Mapping[str, SourceFile]) -> None:
        """Know the texts that locations in debug information name, so that errors can show their lines."""
        self._sources.update(sources)

    def register(self, event: str | int, handler: Handler, *, name: str | None = None) -> int:
        """Register a handler for an event, by name or by id, and return the id."""
        event_id, name = self._identify(event, name)
        if event_id in self._handlers:
            text = f"attempted to add event handler for '{name or event_id}' (already registered)"
            raise InputError(text, kind="DuplicateEventHandler", hint="use replace() to change a handler")
        self._handlers[event_id] = (name, handler)
        return event_id

    def replace(self, event: str | int, handler: Handler, *, name: str | None = None) -> bool:
        """Set the handler of an event and return whether there was one before."""
        event_id, name = self._identify(event, name)
        existed = event_id in self._handlers
        self._handlers[event_id] = (name, handler)
        return existed

    def unregister(self, event: str | int) -> bool:
        """Forget the handler of an event and return whether there was one."""
        return self._handlers.pop(_event_id(event), None) is not None

    @property
    def events(self) -> tuple[str, ...]:
        """Names (or ids, in decimal) of the events that have handlers."""
        return tuple(name or str(event_id) for event_id, (name, _) in self._handlers.items())

    @property
    def output(self) -> TextIO:
        """Where decorators print."""
        if self._output is not None:
            return self._output
        import sys

        return sys.stdout

    def roots(self) -> Iterator[Word]:
        """Yield the digests that this host serves."""
        return map(Word.from_bytes, self._forests)

    def _get_core_forest(self, digest: bytes) -> MastForest | None:
        """Return the forest of the core library if it has a procedure root with this digest."""
        forest = self._core_forest
        if forest is None:
            if self._core is False:
                return None
            if self._core is True:
                from miden.corelib import core_forest

                forest = core_forest()
            else:
                forest = self._core.forest
            self._core_forest = forest
        root = forest.find_procedure_root(digest)
        return None if root is None else forest

    def _core_event(self, event_id: int) -> CoreEvent | None:
        if self._core is False:
            return None
        from miden.corelib.handlers import CORE_EVENTS

        return CORE_EVENTS.get(event_id)

    def _identify(self, event: str | int, name: str | None) -> tuple[int, str | None]:
        from miden.vm.events import SYSTEM_EVENTS

        if isinstance(event, str):
            name = event
        event_id = _event_id(event)
        if event_id in SYSTEM_EVENTS:
            text = f"attempted to add event handler for '{name or event_id}' (reserved system event)"
            raise InputError(text, kind="ReservedEventNamespace")
        return event_id, name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self._forests)} roots, {len(self._handlers)} events>"


def _event_id(event: str | int) -> int:
    if isinstance(event, str):
        from miden.hashing import event_id

        return event_id(event)
    return check_felt(event, "event id")


class NullHost(Host):
    """Serves no forest and ignores every event."""

    def __init__(self) -> None:
        super().__init__(core=False)

    def on_event(self, state: ProcessState) -> None:
        """Do nothing."""
