"""`VirtualMachine`: a long-lived object that runs many programs, from any threads, over one store.

What runs share is the store with its hot cache, the code that a backend has made of a forest, and links: what the last run of a
program fetched, the next one finds without asking. Everything else is made for a run and gone with it.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from time import perf_counter
from typing import NamedTuple

from miden.errors import ExecutionError, InputError, LimitError
from miden.mast.program import Program
from miden.store.keys import ObjectKey, as_key
from miden.vm.backends import get_backend
from miden.vm.host import Host
from miden.vm.links import Links
from miden.vm.options import DEFAULT_LIMITS, Limits
from miden.vm.processor import Processor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Protocol

    from miden.field import Word
    from miden.store.store import ObjectStore, Root
    from miden.vm.backends import Backend
    from miden.vm.host import Handler
    from miden.vm.inputs import AdviceInputs, StackInputs
    from miden.vm.outputs import ExecutionOutput

    class Registry(Protocol):
        """What knows programs by name."""

        def resolve(self, reference: str) -> Root:
            """Return the root that a name, such as ``demo@1.0``, stands for; `NotFoundError` if there is none."""


MAX_LINKED = 256
"""Programs whose links are kept."""


class RunCounters(NamedTuple):
    """What a machine has done: runs that ended, by how, and their cycles and seconds; `active` ones are still going."""

    succeeded: int
    trapped: int
    limited: int
    refused: int
    active: int
    cycles: int
    seconds: float


class VirtualMachine:
    """Runs programs of a store.

    Parameters
    ----------
    store
        Where programs, and what they call, come from.
    registry
        Turns names into roots; anything with a method ``resolve``.
    limits
        Limits of every run. A run may ask for less, never for more.
    backend
        As for `miden.execute`.
    handlers
        Event handlers of every run; they are called from the threads that run.
    make_host
        Makes the host of a run in place of the default one, which has the store and the handlers.
    prefetch
        Load all that a forest refers to in one round trip when it is first entered.

    Examples
    --------
    >>> from miden.assembly import assemble
    >>> from miden.store.providers.memory import MemoryProvider
    >>> from miden.store.store import ObjectStore
    >>> store = ObjectStore([MemoryProvider()])
    >>> [root] = store.insert(assemble("begin add end"))
    >>> machine = VirtualMachine(store, limits=Limits(max_cycles=1000))
    >>> machine.run(root, stack=[2, 3]).stack[0], machine.counters.succeeded
    (5, 1)
    """

    def __init__(
        self,
        store: ObjectStore,
        registry: Registry | None = None,
        limits: Limits | None = None,
        *,
        backend: str | Backend | None = None,
        handlers: Mapping[str | int, Handler] | None = None,
        make_host: Callable[[], Host] | None = None,
        prefetch: bool = False,
    ) -> None:
        self.store = store
        self.registry = registry
        self.limits = limits or DEFAULT_LIMITS
        self.backend = get_backend(backend)
        self._handlers = dict(handlers or {})
        self._prefetch = prefetch
        self._make_host = make_host or self._default_host
        self._linking = make_host is None and self.backend.make_links is not None
        self._links: OrderedDict[Word, tuple[int, Links]] = OrderedDict()
        self._lock = Lock()
        self._ended = {"succeeded": 0, "trapped": 0, "limited": 0, "refused": 0}
        self._active = 0
        self._cycles = 0
        self._seconds = 0.0

    def run(
        self,
        program: Program | Root,
        stack: StackInputs | Iterable[int] | None = None,
        advice: AdviceInputs | None = None,
        *,
        limits: Limits | None = None,
        debug: bool = False,
    ) -> ExecutionOutput:
        """Run a program to its end and return what it leaves; safe to call from many threads at once.

        Parameters
        ----------
        program
            A program, its root, or a name that the registry knows.
        stack, advice, debug
            As for `miden.Processor`.
        limits
            Limits of this run; those of the machine hold as well.

        Raises
        ------
        NotFoundError
            If the program is not in the store.
        ExecutionError
            If it traps; of kind ``ObjectNotFound`` if something it calls is not in the store.
        LimitError
            If it reaches a limit.
        IntegrityError
            If what the store has is wrong, and nothing else was found.
        """
        begin, epoch = perf_counter(), self.store.cache.epoch
        how, processor = "refused", None
        with self._lock:
            self._active += 1
        try:
            processor = self.start(program, stack, advice, limits=limits, debug=debug)
            processor.run()
            output = processor.output()
            how = "succeeded"
            if self._linking and not debug and processor.fetched:
                self._learn(processor, epoch)
        except LimitError:
            how = "limited"
            raise
        except ExecutionError:
            how = "trapped"
            raise
        finally:
            with self._lock:
                self._active -= 1
                self._ended[how] += 1
                self._cycles += processor.clk if processor is not None else 0
                self._seconds += perf_counter() - begin
        return output

    def start(
        self,
        program: Program | Root,
        stack: StackInputs | Iterable[int] | None = None,
        advice: AdviceInputs | None = None,
        *,
        limits: Limits | None = None,
        debug: bool = False,
    ) -> Processor:
        """Return a processor at the start of a run, for callers who stop and resume; it is not counted."""
        whole = program if isinstance(program, Program) else self.program(program)
        allowed = self.limits if limits is None else _tighter(self.limits, limits)
        known = self._links.get(whole.hash) if self._linking else None
        links = known[1] if known is not None and known[0] == self.store.cache.epoch else None
        return Processor(whole, stack, advice, self._make_host(), self.backend, allowed, debug, links=links)

    def _learn(self, processor: Processor, epoch: int) -> None:
        """Keep what a run fetched for the next run of its program, as long as the hot cache keeps all of it."""
        root, fetched = processor.program.hash, processor.fetched
        with self._lock:
            known = self._links.get(root)
        old = known[1].forests if known is not None and known[0] == epoch else ()
        if len(fetched) * 4 < len(old):  # not worth making the table anew
            return
        links = Links(self.backend, (*old, *fetched))
        with self._lock:
            if links and self.store.cache.epoch == epoch:
                self._links[root] = epoch, links
                self._links.move_to_end(root)
                while len(self._links) > MAX_LINKED:
                    self._links.popitem(last=False)

    def program(self, reference: Root) -> Program:
        """Return the program of a root or a name.

        Raises
        ------
        NotFoundError
            If the registry or the store has none.
        InputError
            Of kind ``InvalidRoot`` for a name where there is no registry.
        """
        return self.store.get_program(self._key(reference))

    def _key(self, reference: Root) -> ObjectKey:
        try:
            return as_key(reference)
        except InputError:
            if self.registry is None or not isinstance(reference, str):
                raise
        return as_key(self.registry.resolve(reference))

    def _default_host(self) -> Host:
        return Host(handlers=self._handlers, store=self.store, prefetch=self._prefetch)

    @property
    def counters(self) -> RunCounters:
        """What the machine has done so far."""
        with self._lock:
            return RunCounters(**self._ended, active=self._active, cycles=self._cycles, seconds=self._seconds)

    def __repr__(self) -> str:
        return f"<VirtualMachine {self.backend.name} over {self.store!r}>"


def _tighter(most: Limits, asked: Limits) -> Limits:
    """Return limits that hold both."""
    values: dict[str, Any] = most.to_dict()
    for name, value in asked.to_dict().items():
        if value is not None and (values[name] is None or value < values[name]):
            values[name] = value
    return Limits(**values)
