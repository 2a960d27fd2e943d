"""The driver: slices, resuming, other forests, deadlines, Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import miden
from miden.errors import BackendError, ExecutionError, InputError, LimitError
from miden.field import Word
from miden.hashing import event_id
from miden.mast.advice_map import AdviceMap
from miden.mast.builder import ForestBuilder
from miden.mast.program import Program
from miden.status import Status
from miden.vm.backends import get_backend
from miden.vm.host import Host
from miden.vm.inputs import AdviceInputs
from miden.vm.mutations import ExtendStack
from miden.vm.options import DEFAULT_LIMITS, Limits
from miden.vm.processor import Processor, execute
from tests.support.columns import parse_operations
from tests.unit.vm.conftest import block_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.mast.forest import MastForest
    from miden.vm.state import ProcessState

EVENT = event_id("app::event")
KEY = Word((1, 2, 3, 4))


def block(builder: ForestBuilder, text: str) -> int:
    return builder.add_block(*parse_operations(text))


def forest_of(text: str, advice: dict[Word, list[int]] | None = None) -> MastForest:
    builder = ForestBuilder()
    builder.add_root(block(builder, text))
    builder.advice_map = AdviceMap(advice or {})  # type: ignore[arg-type]  # a dict of lists is fine
    return builder.build()


def external_program(*digests: Word, advice: dict[Word, list[int]] | None = None) -> Program:
    """Return a program that runs the procedures with these digests one after the other."""
    builder = ForestBuilder()
    builder.advice_map = AdviceMap(advice or {})  # type: ignore[arg-type]  # a dict of lists is fine
    node = builder.add_external(digests[0])
    for digest in digests[1:]:
        node = builder.add_join(node, builder.add_external(digest))
    builder.add_root(node)
    return Program(builder.build(), node)


def endless() -> Program:
    builder = ForestBuilder()
    root = builder.add_loop(block(builder, "pad incr"))
    builder.add_root(root)
    return Program(builder.build(), root)


def failure(program: Program, backend: str, **options: Any) -> ExecutionError:
    with pytest.raises(ExecutionError) as error:
        execute(program, backend=backend, **options)
    return error.value


# -- slices


def stepping_program() -> tuple[Program, Host]:
    """Return a program that stops for everything a machine can ask for."""
    library = forest_of("incr incr")
    builder = ForestBuilder()
    first = block(builder, f"push.{EVENT} emit drop advpop advpop drop")
    other = builder.add_external(library.digests[0])
    root = builder.add_join(builder.add_join(first, other), block(builder, "drop push.5 push.40 mstore drop noop noop"))
    builder.add_root(root)
    return Program(builder.build(), root), Host([library], {EVENT: lambda state: [ExtendStack([state.clk, 3])]})


def test_slices_of_any_size_give_the_same_run(backend: str) -> None:
    program, host = stepping_program()
    whole = execute(program, host=host, backend=backend)
    for size in (1, 2, 3, 7):
        processor = Processor(program, host=host, backend=backend)
        clock = 0
        while not processor.run(cycles=size):
            clock += size
            assert processor.clk == clock
        output = processor.output()
        assert (output.stack, output.cycles, output.snapshot()) == (whole.stack, whole.cycles, whole.snapshot())


def test_a_run_of_no_cycles_does_nothing(backend: str) -> None:
    processor = Processor(block_program("noop"), backend=backend)
    assert not processor.run(cycles=0)
    assert processor.clk == 0


def test_a_finished_run_stays_finished(backend: str) -> None:
    processor = Processor(block_program("noop"), backend=backend)
    assert processor.run()
    assert processor.run(cycles=5)
    assert (processor.clk, processor.done) == (3, True)
    assert repr(processor) == f"<Processor {backend} ended clk=3>"


def test_a_run_of_exactly_its_cycles_has_ended(backend: str) -> None:
    processor = Processor(block_program("noop"), backend=backend)
    assert processor.run(cycles=3)


def test_there_is_no_output_before_the_end(backend: str) -> None:
    processor = Processor(block_program("noop"), backend=backend)
    with pytest.raises(InputError, match="not ended"):
        processor.output()
    assert repr(processor) == f"<Processor {backend} running clk=0>"


def test_cycles_are_not_negative(backend: str) -> None:
    with pytest.raises(InputError):
        Processor(block_program("noop"), backend=backend).run(cycles=-1)


def test_the_state_can_be_looked_at_between_slices(backend: str) -> None:
    processor = Processor(block_program("push.5 push.6"), backend=backend)
    processor.run(cycles=2)
    assert (processor.state.clk, processor.state.stack_get(0)) == (2, 5)


# -- inputs


def test_a_plain_sequence_is_a_stack_top_first(backend: str) -> None:
    assert execute(block_program("noop"), [1, 2], backend=backend).stack[:3] == [1, 2, 0]


def test_bad_stack_inputs_are_refused(backend: str) -> None:
    with pytest.raises(InputError):
        execute(block_program("noop"), [-1], backend=backend)


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(BackendError, match="there is no backend 'other'"):
        execute(block_program("noop"), backend="other")


def test_the_programs_advice_map_is_there_from_the_start(backend: str) -> None:
    program = Program(forest_of("noop", {KEY: [7]}), 0)
    assert execute(program, backend=backend).advice_map == {KEY: (7,)}


def test_a_conflict_with_the_programs_advice_map_fails_at_clock_zero(backend: str) -> None:
    error = failure(Program(forest_of("noop", {KEY: [7]}), 0), backend, advice=AdviceInputs([], {KEY: [8]}))
    assert (error.kind, error.clk) == ("AdviceError", 0)
    assert error.message.startswith("advice provider error at clock cycle 0: value for key")


def test_the_programs_advice_map_does_not_count_against_the_limit(backend: str) -> None:
    program = Program(forest_of("noop", {KEY: [7]}), 0)
    assert execute(program, backend=backend, limits=Limits(max_advice=0)).advice_map == {KEY: (7,)}


# -- other forests


def test_external_procedures_come_from_the_host(backend: str) -> None:
    library = forest_of("incr incr incr")
    output = execute(external_program(library.digests[0], library.digests[0]), host=Host([library]), backend=backend)
    assert (output.stack[0], output.cycles) == (6, 12)


def test_the_host_is_asked_once_for_each_digest(backend: str) -> None:
    library = forest_of("incr")
    asked: list[Word] = []

    class Asked(Host):
        def get_forest(self, digest: Word) -> MastForest | None:
            asked.append(digest)
            return library

    digest = library.digests[0]
    execute(external_program(digest, digest, digest), host=Asked(), backend=backend)
    assert asked == [digest]


def test_a_procedure_nobody_has_is_an_error(backend: str) -> None:
    error = failure(external_program(KEY), backend)
    assert error.kind == "NoMastForestWithProcedure"
    assert error.message == f"no MAST forest contains the procedure with root digest {KEY.to_hex()}"


def test_a_forest_without_the_procedure_is_malformed(backend: str) -> None:
    class Wrong(Host):
        def get_forest(self, digest: Word) -> MastForest:
            return forest_of("incr")

    error = failure(external_program(KEY), backend, host=Wrong())
    assert error.kind == "MalformedMastForestInHost"
    assert error.message == f"MAST forest in host indexed by procedure root {KEY.to_hex()} doesn't contain that root"


def test_an_external_root_for_an_external_node_is_circular(backend: str) -> None:
    class Circular(Host):
        def get_forest(self, digest: Word) -> MastForest:
            return external_program(digest).forest

    error = failure(external_program(KEY), backend, host=Circular())
    assert error.kind == "CircularExternalNode"
    assert error.message == f"external node with mast root {KEY.to_hex()} resolved to an external node"


def test_the_advice_map_of_an_entered_forest_is_merged(backend: str) -> None:
    library = forest_of("incr", {KEY: [5]})
    output = execute(external_program(library.digests[0]), host=Host([library]), backend=backend)
    assert output.advice_map == {KEY: (5,)}


def test_a_conflict_with_the_advice_map_of_an_entered_forest_fails(backend: str) -> None:
    library = forest_of("incr", {KEY: [5]})
    error = failure(external_program(library.digests[0]), backend, host=Host([library]), advice=AdviceInputs([], {KEY: [6]}))
    assert error.kind == "AdviceError"


@pytest.mark.parametrize(("fetches", "fits"), [(2, True), (1, False)])
def test_fetches_are_limited(backend: str, fetches: int, fits: bool) -> None:
    first, second = forest_of("incr"), forest_of("neg")
    program = external_program(first.digests[0], second.digests[0], first.digests[0])
    limits, host = Limits(max_fetches=fetches), Host([first, second])
    if fits:
        assert execute(program, host=host, backend=backend, limits=limits).stack[0] == 0
    else:
        error = failure(program, backend, host=host, limits=limits)
        assert isinstance(error, LimitError)
        assert error.kind == "FetchLimitExceeded"


def dyn_program(digest: Sequence[int], call: bool) -> Program:
    """Return a program that stores a digest and runs it."""
    builder = ForestBuilder()
    store = block(builder, " ".join(f"push.{element}" for element in digest) + " push.40 mstorew drop*4 push.40")
    root = builder.add_join(store, builder.add_dyncall() if call else builder.add_dyn())
    builder.add_root(root)
    return Program(builder.build(), root)


@pytest.mark.parametrize("call", [False, True])
def test_dynamic_targets_come_from_the_host(backend: str, call: bool) -> None:
    library = forest_of("incr")
    output = execute(dyn_program(library.digests[0], call), host=Host([library]), backend=backend)
    assert (output.stack[0], output.cycles) == (1, 21)


@pytest.mark.parametrize("call", [False, True])
def test_a_dynamic_target_nobody_has_is_an_error(backend: str, call: bool) -> None:
    error = failure(dyn_program(KEY, call), backend)
    assert error.kind == "DynamicNodeNotFound"
    assert f"with root {KEY.to_hex()}; the block could not be found" in error.message


def test_a_dynamic_target_may_be_an_external_node(backend: str) -> None:
    library = forest_of("incr")
    digest = library.digests[0]
    stub = external_program(digest).forest

    class Stubs(Host):
        def __init__(self) -> None:
            super().__init__()
            self.answers = [stub, library]

        def get_forest(self, digest: Word) -> MastForest:
            return self.answers.pop(0)

    error = failure(dyn_program(digest, False), backend, host=Stubs())
    # the resolution is kept for the run, so the stub is found again
    assert error.kind == "CircularExternalNode"


# -- time


def test_a_deadline_ends_an_endless_loop(backend: str) -> None:
    start = time.perf_counter()
    error = failure(endless(), backend, stack=[1], limits=Limits(deadline=0.2))
    assert isinstance(error, LimitError)
    assert (error.kind, error.exit_code) == ("DeadlineExceeded", 6)
    assert 0.2 <= time.perf_counter() - start < 2
    assert error.clk > 0


def test_the_deadline_counts_time_spent_running(backend: str) -> None:
    processor = Processor(endless(), [1], backend=backend, limits=Limits(deadline=0.1))
    assert not processor.run(cycles=10)
    time.sleep(0.15)
    assert not processor.run(cycles=10)


def test_the_time_is_measured(backend: str) -> None:
    output = execute(block_program("noop"), backend=backend)
    assert output.wall_seconds > 0
    assert output.mhz > 0


def interrupt_after(seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, signal.raise_signal, [signal.SIGINT])
    timer.start()
    return timer


def test_ctrl_c_stops_an_endless_loop_in_a_state_that_can_go_on(backend: str) -> None:
    processor = Processor(endless(), [1], backend=backend, limits=Limits(max_cycles=2**31))
    timer = interrupt_after(0.1)
    with pytest.raises(KeyboardInterrupt):
        processor.run()
    timer.join()
    stopped = processor.clk
    assert stopped > 0
    reference = Processor(endless(), [1], backend=backend, limits=Limits(max_cycles=2**31))
    assert not reference.run(cycles=stopped)
    assert reference.snapshot() == processor.snapshot()
    assert not processor.run(cycles=5)
    assert processor.clk == stopped + 5
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_a_handler_leaves_the_event_to_be_served(backend: str) -> None:
    calls: list[int] = []

    def handler(state: ProcessState) -> Any:
        calls.append(state.clk)
        if len(calls) == 1:
            signal.raise_signal(signal.SIGINT)
        return [ExtendStack([7])]

    processor = Processor(block_program("emit advpop drop"), [EVENT], host=Host(handlers={EVENT: handler}), backend=backend)
    with pytest.raises(KeyboardInterrupt):
        processor.run()
    assert processor.run()
    assert calls == [1, 1]
    assert processor.output().advice_stack == []


def circuit_program(gates: int) -> Program:
    """Return a program that writes a circuit of equal gates, each twice the first wire, which is 0, and evaluates it."""
    gate = 2 << 60 | (gates + 1) << 30 | gates + 1
    write = f"push.0 push.1 while.true push.{gate} dup.1 add.4 mem_store add.1 dup neq.{gates} end drop"
    return miden.assemble(f"begin {write} push.{gates} push.2 push.0 eval_circuit drop drop drop end")


def test_a_circuit_is_the_same_on_both_machines(backend: str) -> None:
    assert execute(circuit_program(64), backend=backend).cycles == 1114


def test_a_large_circuit_does_not_keep_the_machine_to_itself(backend: str) -> None:
    if backend != "core":
        pytest.skip("the pure machine is slow anyway")
    core, program = get_backend("core"), circuit_program(1_200_000)
    machine = core.machine(core.load(program.forest), program.entrypoint, b"", [], [], DEFAULT_LIMITS)
    clocks = [0]
    while machine.run(2**20) == Status.BUDGET:
        clocks.append(machine.clk)
    assert (machine.status, machine.clk) == (Status.DONE, 17 * 1_200_000 + 26)
    assert clocks[-1] == clocks[-2]  # a call that did nothing but a part of the circuit


@pytest.mark.parametrize("text", ["noop*20", "emit advpop drop", "push.0 assert.3"])
def test_ctrl_c_in_the_first_slice_loses_nothing(backend: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(handlers={EVENT: lambda _: [ExtendStack([7])]})
    processor = Processor(block_program(text), [EVENT], host=host, backend=backend)
    machine = processor._machine

    class Interrupted:
        """The machine, with a SIGINT that comes while it runs and is raised as soon as it returns."""

        def __getattr__(self, name: str) -> Any:
            return getattr(machine, name)

        def run(self, cycles: int) -> int:
            machine.run(cycles)
            raise KeyboardInterrupt

    monkeypatch.setattr(processor, "_machine", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        processor.run()
    monkeypatch.undo()
    if "assert" in text:
        with pytest.raises(ExecutionError) as error:
            processor.run()
        assert error.value.kind == "FailedAssertion"
    else:
        assert processor.run()
        assert processor.snapshot() == execute(block_program(text), [EVENT], host=host, backend=backend).snapshot()


def test_a_handler_of_the_program_keeps_sigint(backend: str) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        handler = Host(handlers={EVENT: lambda _: signal.raise_signal(signal.SIGINT)})
        execute(block_program("emit"), [EVENT], host=handler, backend=backend)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT]


def test_runs_in_threads(backend: str) -> None:
    results: list[int] = []

    def work() -> None:
        results.append(execute(block_program("incr*50"), backend=backend).stack[0])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [50] * 4
