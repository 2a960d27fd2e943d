"""One program on many inputs, over threads.

Runs of programs that ask for nothing happen in C without the GIL, some at a time for each thread; the others are driven
one by one. Which input a result belongs to, and which error is the first, does not depend on the threads.
"""

from __future__ import annotations

import threading
from time import perf_counter

from miden.errors import ExecutionError, InputError
from miden.field import P
from miden.isa import MIN_STACK_DEPTH
from miden.status import Status
from miden.vm.backends import get_backend
from miden.vm.inputs import NO_ADVICE, StackInputs
from miden.vm.options import DEFAULT_LIMITS
from miden.vm.processor import Processor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TypeAlias

    import numpy as np
    from numpy.typing import NDArray

    from miden.mast.program import Program
    from miden.vm.backends import Backend
    from miden.vm.host import Host
    from miden.vm.inputs import AdviceInputs
    from miden.vm.options import Limits

    Numbers: TypeAlias = NDArray[np.uint64]

NOT_RUN = -1
"""Status of an input whose run did not end in C."""

SLICE = 2**20
"""Cycles after which a driven run looks whether it was called off."""

LOOK_SECONDS = 0.05
"""How often the main thread shows progress and looks at Ctrl-C."""


class ManyOutputs:
    """The results of `execute_many`, one row for each input, in their order.

    Attributes
    ----------
    stack
        Matrix of uint64, 16 columns, top first; zeros where the run failed.
    cycles
        Clock cycles of each run; of one that failed, the cycle where it did.
    errors
        Position of the input -> the error of its run; empty unless all errors were asked for.
    backend
        Name of the backend that ran.
    workers
        Number of threads.
    wall_seconds
        Wall-clock time of all runs together.

    Examples
    --------
    >>> import miden
    >>> outputs = miden.execute_many(miden.assemble("begin push.2 mul end"), [[1], [2], [3]])
    >>> outputs.stack[:, 0].tolist(), len(outputs)
    ([2, 4, 6], 3)
    """

    __slots__ = ("backend", "cycles", "errors", "stack", "wall_seconds", "workers")

    def __init__(
        self, stack: Numbers, cycles: Numbers, errors: dict[int, ExecutionError], backend: str, workers: int, wall_seconds: float
    ) -> None:
        self.stack = stack
        self.cycles = cycles
        self.errors = errors
        self.backend = backend
        self.workers = workers
        self.wall_seconds = wall_seconds

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self.cycles)

    def __repr__(self) -> str:
        failed = f", {len(self.errors)} failed" if self.errors else ""
        return f"<ManyOutputs {len(self)} runs{failed}, backend={self.backend}>"


def execute_many(
    program: Program,
    inputs: Iterable[StackInputs | Iterable[int]] | NDArray[Any],
    *,
    workers: int | None = None,
    advice: AdviceInputs | None = None,
    host_factory: Callable[[int], Host] | None = None,
    limits: Limits | None = None,
    backend: str | Backend | None = None,
    errors: str = "first",
    progress: bool = False,
) -> ManyOutputs:
    """Run a program on many inputs and return what the runs leave, as numpy arrays in the order of the inputs.

    Parameters
    ----------
    program
        An assembled program.
    inputs
        Stack inputs, top first: a numpy matrix of integers with at most 16 columns, or an iterable of `StackInputs` or
        of sequences of felts.
    workers
        Number of threads; None is one for each processor. The core runs without the GIL.
    advice
        `AdviceInputs` of every run.
    host_factory
        Called with the position of an input, returns the `Host` of its run, if it makes a request.
    limits
        `Limits` of each run.
    backend
        As for `miden.execute`.
    errors
        ``first`` raises the error of the first input, in their order, whose run fails, and leaves out the runs behind it;
        ``all`` runs everything and returns the errors.
    progress
        Show a progress bar on standard error.

    Raises
    ------
    InputError
        For inputs that are not acceptable, saying which.
    ExecutionError
        With ``errors="first"``, if a run fails; ``facts["run"]`` is the position of its input.

    Examples
    --------
    >>> import miden
    >>> program = miden.assemble("begin push.100 swap u32assert2 u32wrapping_sub end")
    >>> outputs = execute_many(program, [[1], [2], [3]])
    >>> outputs.stack[:, 0].tolist(), outputs.cycles.tolist()
    ([99, 98, 97], [11, 11, 11])
    >>> program = miden.assemble("begin push.6 swap div end")
    >>> outputs = execute_many(program, [[1], [0], [3]], errors="all")
    >>> outputs.stack[:, 0].tolist(), outputs.errors[1].kind
    ([6, 0, 2], 'DivideByZero')
    """
    if errors not in ("first", "all"):
        raise InputError(f"errors must be 'first' or 'all', found {errors!r}", kind="InvalidInput")
    if workers is not None and (type(workers) is not int or workers < 1):
        raise InputError(f"workers must be a positive integer or None, found {workers!r}", kind="InvalidInput")
    batch = _Batch(program, _matrix(inputs), advice or NO_ADVICE, host_factory, limits or DEFAULT_LIMITS, get_backend(backend))
    batch.stop_at_error = errors == "first"
    return batch.execute(_threads(workers, len(batch.inputs)), _Progress(len(batch.inputs)) if progress else None)


class _Batch:
    """The work of one call."""

    def __init__(
        self,
        program: Program,
        inputs: Numbers,
        advice: AdviceInputs,
        host_factory: Callable[[int], Host] | None,
        limits: Limits,
        backend: Backend,
    ) -> None:
        import numpy as np

        self.program = program
        self.inputs = inputs
        self.advice = advice
        self.host_factory = host_factory
        self.limits = limits
        self.backend = backend
        self.stop_at_error = True
        self.stack = np.zeros((len(inputs), MIN_STACK_DEPTH), np.uint64)
        self.cycles = np.zeros(len(inputs), np.uint64)
        self.statuses = np.full(len(inputs), NOT_RUN, np.int32)
        self.errors: dict[int, ExecutionError] = {}
        self._left: Iterator[int] = iter(())
        self._lock = threading.Lock()
        self._failure: BaseException | None = None
        self._stopped = False
        self._driven = 0

    def execute(self, workers: int, progress: _Progress | None) -> ManyOutputs:
        begin = perf_counter()
        try:
            done = self._run_in_core(workers, progress)
            left = [int(position) for position in (self.statuses != Status.DONE).nonzero()[0]]
            if self.stop_at_error:  # what is behind a fault need not be run
                faults = (position for position in left if self.statuses[position] != NOT_RUN)
                last = next((position for position in faults if self.statuses[position] >= Status.NOT_BINARY_IF), None)
                left = left if last is None else [position for position in left if position <= last]
            self._left = iter(left)
            _in_threads(self._drive, min(workers, max(1, len(left))), self._stop, progress, lambda: done + self._driven)
        finally:
            if progress is not None:
                progress.close()
        if self._failure is not None:
            raise self._failure
        if self.errors and self.stop_at_error:
            raise self.errors[min(self.errors)]
        errors = {position: self.errors[position] for position in sorted(self.errors)}
        return ManyOutputs(self.stack, self.cycles, errors, self.backend.name, workers, perf_counter() - begin)

    def _run_in_core(self, workers: int, progress: _Progress | None) -> int:
        """Run in C until a run makes a request; return how many have ended."""
        forest = self.program.forest
        advice_may_conflict = bool(self.advice.map) and bool(forest.advice_map)
        if self.backend.name == "pure" or self.limits.deadline is not None or advice_may_conflict or not len(self.inputs):
            return 0
        from miden._core.processor import Runs

        kernel = self.program.kernel.digest_bytes
        code = self.backend.load(forest)
        machine: Any = self.backend.machine(code, self.program.entrypoint, kernel, (), self.advice.stack, self.limits)
        runs = Runs(machine, self.inputs, self.stack, self.cycles, self.statuses, self.stop_at_error)
        _in_threads(runs.work, workers, runs.stop, progress, lambda: runs.finished)
        return int((self.statuses == Status.DONE).sum())

    def _drive(self) -> None:
        """Take runs one by one until none are left: the work of one thread."""
        while not self._stopped:
            with self._lock:
                position = next(self._left, None)
                first = min(self.errors, default=None)
            if position is None or (self.stop_at_error and first is not None and position > first):
                return
            try:
                self._run_one(position)
            except ExecutionError as error:
                error.facts["run"] = position
                error.add_note(f"in run {position} of {len(self.inputs)}")
                self.cycles[position] = error.clk
                with self._lock:
                    self.errors[position] = error
            except Exception as error:  # noqa: BLE001 -- raised in the main thread
                self._failure = error
                self._stopped = True
            self._driven += 1

    def _run_one(self, position: int) -> None:
        host = self.host_factory(position) if self.host_factory is not None else None
        stack = StackInputs(self.inputs[position].tolist())
        processor = Processor(self.program, stack, self.advice, host, self.backend, self.limits)
        while not processor.run(SLICE):
            if self._stopped:
                return
        output = processor.output()
        self.stack[position] = output.stack
        self.cycles[position] = output.cycles

    def _stop(self) -> None:
        self._stopped = True


def _in_threads(
    work: Callable[[], None], workers: int, stop: Callable[[], None], progress: _Progress | None, count: Callable[[], int]
) -> None:
    """Call `work` in several threads and wait; call `stop` when Ctrl-C comes."""
    threads = [threading.Thread(target=work, name=f"miden-run-{number}", daemon=True) for number in range(workers)]
    started = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
        for thread in started:
            while thread.is_alive():
                thread.join(LOOK_SECONDS)
                if progress is not None:
                    progress.show(count())
        if progress is not None:
            progress.show(count())
    except BaseException:
        stop()
        for thread in started:
            thread.join()
        raise


def _threads(workers: int | None, count: int) -> int:
    if workers is None:
        import os

        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(workers, count))


def _matrix(inputs: Any) -> Numbers:
    """Return the inputs as a matrix of felts."""
    try:
        import numpy as np
    except ImportError as error:
        raise InputError("execute_many needs numpy", kind="MissingNumpy", hint="pip install numpy") from error
    if not isinstance(inputs, np.ndarray):
        rows = [_row(row, position) for position, row in enumerate(inputs)]
        width = max(map(len, rows), default=0)
        flat = [value for row in rows for value in (*row, *[0] * (width - len(row)))]
        return np.array(flat, np.uint64).reshape(len(rows), width)
    if inputs.ndim != 2 or inputs.shape[1] > MIN_STACK_DEPTH or inputs.dtype.kind not in "ui":
        text = f"a matrix of integers with at most {MIN_STACK_DEPTH} columns"
        raise InputError(f"inputs must be {text}, found shape {inputs.shape} of {inputs.dtype}", kind="InvalidMatrix")
    wrong = (inputs < 0) | (inputs.astype(np.uint64) >= P) if inputs.dtype.kind == "i" else inputs >= P
    if wrong.any():
        position = int(wrong.any(axis=1).argmax())
        value = int(inputs[position][wrong[position]][0])
        raise InputError(f"input {position} holds {value}, which is not in [0, p)", kind="NotFieldElement")
    return np.ascontiguousarray(inputs, np.uint64)


def _row(row: Any, position: int) -> tuple[int, ...]:
    try:
        return row.values if isinstance(row, StackInputs) else StackInputs(row).values
    except InputError as error:
        raise InputError(f"input {position}: {error.message}", kind=error.kind) from None


class _Progress:
    """A bar on standard error: of rich if there is one, else a line of text."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = -1
        self._bar: Any = None
        try:
            from rich.console import Console
            from rich.progress import Progress
        except ImportError:
            return
        self._bar = Progress(console=Console(stderr=True))
        self._task = self._bar.add_task("runs", total=total)
        self._bar.start()

    def show(self, done: int) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=done)
        elif done != self._shown:
            self._shown = done
            _write(f"\r{done} of {self._total} runs")

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        else:
            _write("\n")


def _write(text: str) -> None:
    import sys

    sys.stderr.write(text)
    sys.stderr.flush()
