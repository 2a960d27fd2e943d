"""Many runs of one program: order, errors, requests, threads."""

from __future__ import annotations

import signal
import threading
from typing import Any

import numpy as np
import pytest

from miden.errors import ExecutionError, InputError
from miden.field import P, Word
from miden.mast.builder import ForestBuilder
from miden.mast.program import Program
from miden.vm import many
from miden.vm.host import Host
from miden.vm.inputs import AdviceInputs, StackInputs
from miden.vm.many import execute_many
from miden.vm.mutations import ExtendStack
from miden.vm.options import Limits
from miden.vm.processor import execute
from tests.support.columns import parse_operations
from tests.unit.vm.conftest import block_program

EVENT = 77


def countdown() -> Program:
    """Return a program that counts the top down to zero, one loop iteration each; 0 never ends within the limits."""
    builder = ForestBuilder()
    body = builder.add_block(*parse_operations("push.18446744069414584320 add dup0 eqz not"))
    start = builder.add_block(*parse_operations("push.1"))
    builder.add_root(builder.add_join(start, builder.add_loop(body)))
    return Program(builder.build(), 2 + 1)


def test_results_come_in_the_order_of_the_inputs(backend: str) -> None:
    outputs = execute_many(countdown(), [[n] for n in range(40, 0, -1)], workers=3, backend=backend)
    single = [execute(countdown(), [n], backend=backend) for n in range(40, 0, -1)]
    assert outputs.cycles.tolist() == [output.cycles for output in single]
    assert outputs.stack.tolist() == [output.stack for output in single]
    assert (len(outputs), outputs.errors, outputs.workers) == (40, {}, 3)
    assert (outputs.stack.dtype, outputs.cycles.dtype) == (np.uint64, np.uint64)


@pytest.mark.parametrize(
    "inputs",
    [
        [[3, P - 1], [4, 0]],
        [StackInputs([3, P - 1]), StackInputs([4])],
        {(3, P - 1): 0, (4,): 0}.keys(),
        np.array([[3, P - 1], [4, 0]], np.uint64),
        np.asfortranarray(np.array([[3, P - 1], [4, 0]], np.uint64)),
    ],
    ids=["lists", "stack inputs", "iterable", "matrix", "fortran order"],
)
def test_inputs_may_be_rows_or_a_matrix(backend: str, inputs: Any) -> None:
    assert execute_many(block_program("noop"), inputs, backend=backend).stack[:, :2].tolist() == [[3, P - 1], [4, 0]]


def test_signed_integers_will_do(backend: str) -> None:
    assert execute_many(block_program("incr"), np.array([[3], [4]]), backend=backend).stack[:, 0].tolist() == [4, 5]


@pytest.mark.parametrize("inputs", [[], np.zeros((0, 3), np.uint64)], ids=["list", "matrix"])
def test_no_inputs_give_no_results(backend: str, inputs: Any) -> None:
    assert execute_many(block_program("noop"), inputs, backend=backend).stack.shape == (0, 16)


def test_inputs_without_columns_are_zeros(backend: str) -> None:
    assert execute_many(block_program("incr"), np.zeros((3, 0), np.uint64), backend=backend).stack[:, 0].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "inputs",
    [
        [[1], [P]],
        [[1], [-1]],
        [[1], [0] * 17],
        np.array([[1], [P]], np.uint64),
        np.array([[1], [-1]]),
        np.zeros((2, 17), np.uint64),
        np.zeros(3, np.uint64),
        np.zeros((2, 2)),
    ],
)
def test_what_is_not_a_stack_is_refused(inputs: Any) -> None:
    with pytest.raises(InputError):
        execute_many(block_program("noop"), inputs)


@pytest.mark.parametrize("options", [{"errors": "none"}, {"workers": 0}, {"workers": 1.5}, {"workers": True}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        execute_many(block_program("noop"), [[1]], **options)


def test_the_first_error_in_the_order_of_the_inputs_is_raised(backend: str) -> None:
    inputs = [[1]] * 50 + [[0]] + [[1]] * 7 + [[0]] * 40
    for workers in (1, 4):
        with pytest.raises(ExecutionError) as error:
            execute_many(block_program("noop inv"), inputs, workers=workers, backend=backend)
        assert (error.value.kind, error.value.clk, error.value.facts["run"]) == ("DivideByZero", 2, 50)
        assert error.value.__notes__ == ["in run 50 of 98"]


def test_all_errors_can_be_had(backend: str) -> None:
    outputs = execute_many(block_program("noop inv"), [[0], [1], [0], [P - 1]], errors="all", backend=backend)
    assert {position: error.kind for position, error in outputs.errors.items()} == {0: "DivideByZero", 2: "DivideByZero"}
    assert outputs.stack[:, 0].tolist() == [0, 1, 0, P - 1]
    assert outputs.cycles.tolist() == [2, 4, 2, 4]


def test_limits_hold_for_each_run(backend: str) -> None:
    outputs = execute_many(countdown(), [[5], [0], [6]], limits=Limits(max_cycles=1000), errors="all", backend=backend)
    assert [(position, error.kind, error.clk) for position, error in outputs.errors.items()] == [(1, "CycleLimitExceeded", 1000)]


def test_a_deadline_holds_for_each_run(backend: str) -> None:
    limits = Limits(max_cycles=2**31, deadline=0.1)
    outputs = execute_many(countdown(), [[5], [0], [6]], limits=limits, errors="all", backend=backend)
    assert [(position, error.kind) for position, error in outputs.errors.items()] == [(1, "DeadlineExceeded")]


def test_runs_that_make_requests_have_a_host_each(backend: str) -> None:
    def host(position: int) -> Host:
        return Host(handlers={EVENT: lambda state: [ExtendStack([10 * position + state.stack_get(1)])]})

    outputs = execute_many(
        block_program("emit advpop swap drop"), [[EVENT, n] for n in range(20)], host_factory=host, workers=4, backend=backend
    )
    assert outputs.stack[:, 0].tolist() == [11 * n for n in range(20)]


def test_a_request_in_one_run_leaves_the_others_right(backend: str) -> None:
    builder = ForestBuilder()
    asks, does_not = (builder.add_block(*parse_operations(text)) for text in (f"push.{EVENT} emit drop incr", "incr"))
    builder.add_root(builder.add_split(asks, does_not))
    program = Program(builder.build(), 2)
    host = Host(handlers={EVENT: lambda _: None})
    inputs = [[int(n in (0, 60, 99)), n] for n in range(100)]
    outputs = execute_many(program, inputs, host_factory=lambda _: host, workers=2, backend=backend)
    assert outputs.stack[:, 0].tolist() == list(range(1, 101))


def test_an_event_without_a_host_is_the_error_of_its_run(backend: str) -> None:
    with pytest.raises(ExecutionError) as error:
        execute_many(block_program("emit"), [[EVENT]] * 3, backend=backend)
    assert (error.value.kind, error.value.facts["run"]) == ("EventError", 0)


def test_every_run_has_the_advice(backend: str) -> None:
    advice = AdviceInputs([5, 6], {Word((1, 2, 3, 4)): [7]})
    outputs = execute_many(
        block_program("advpop advpop movup2 drop movup2 drop"), [[n] for n in range(30)], advice=advice, workers=2, backend=backend
    )
    assert outputs.stack[:, :2].tolist() == [[6, 5]] * 30


def test_an_error_of_the_host_factory_is_raised(backend: str) -> None:
    def host(position: int) -> Host:
        raise LookupError(position)

    with pytest.raises(LookupError):
        execute_many(block_program("emit"), [[EVENT]] * 3, host_factory=host, backend=backend)


def test_ctrl_c_calls_all_runs_off(backend: str) -> None:
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        execute_many(countdown(), [[0]] * 4, limits=Limits(max_cycles=2**31), workers=2, backend=backend)
    timer.join()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("miden-run") and thread.is_alive()]


@pytest.mark.parametrize("with_rich", [True, False])
def test_progress_is_shown_on_standard_error(with_rich: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if with_rich:
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(__import__("sys").modules, "rich.progress", None)
    execute_many(block_program("noop"), [[1]] * 5, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert ("runs" if with_rich else "5 of 5 runs\n") in shown.err


def test_the_number_of_threads_is_never_more_than_the_runs() -> None:
    assert execute_many(block_program("noop"), [[1]] * 2, workers=9).workers == 2
    assert many._threads(None, 1000) >= 1


def test_thousands_of_runs_agree_with_one_at_a_time(backend: str) -> None:
    program = block_program("dup0 mul incr u32split add")
    count = 2000 if backend == "core" else 50
    outputs = execute_many(program, np.arange(count, dtype=np.uint64).reshape(count, 1), backend=backend)
    assert all(execute(program, [n]).stack == outputs.stack[n].tolist() for n in range(0, count, 37))
