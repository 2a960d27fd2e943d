"""Debug and trace decorators: where they run, and the text they print (processor.md sections 4.4 and 4.5)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from miden.errors import ExecutionError
from miden.isa import FMP_ADDR
from miden.mast.builder import ForestBuilder
from miden.mast.decorators import AsmOp, DebugKind, DebugOp, TraceOp
from miden.mast.program import Program
from miden.vm.host import Host
from miden.vm.inputs import AdviceInputs
from miden.vm.processor import execute
from tests.support.columns import parse_operations

if TYPE_CHECKING:
    from miden.vm.state import ProcessState


def block_with(text: str, *links: tuple[int, Any], before: tuple[Any, ...] = (), after: tuple[Any, ...] = ()) -> Program:
    """Return a block with decorators before raw operations, before it and after it."""
    builder = ForestBuilder()
    ids = [(index, builder.add_decorator(decorator)) for index, decorator in links]
    before_ids = [builder.add_decorator(decorator) for decorator in before]
    after_ids = [builder.add_decorator(decorator) for decorator in after]
    root = builder.add_block(*parse_operations(text), op_decorators=ids, before_enter=before_ids, after_exit=after_ids)
    builder.add_root(root)
    return Program(builder.build(), root)


def clocks(program: Program, backend: str) -> list[tuple[int, int]]:
    """Return (trace id, clk) of every trace decorator that runs."""
    seen: list[tuple[int, int]] = []
    execute(program, host=Host(trace=lambda state, trace_id: seen.append((trace_id, state.clk))), backend=backend, debug=True)
    return seen


def printed(program: Program, backend: str, **options: Any) -> str:
    output = io.StringIO()
    execute(program, host=Host(output=output), backend=backend, debug=True, **options)
    return output.getvalue()


def test_decorators_run_at_the_clock_of_their_operation(backend: str) -> None:
    program = block_with(
        "noop noop", (0, TraceOp(1)), (1, TraceOp(2)), (1, TraceOp(3)), (2, TraceOp(4)), before=(TraceOp(0),), after=(TraceOp(5),)
    )
    assert clocks(program, backend) == [(0, 0), (1, 1), (2, 2), (3, 2), (4, 4), (5, 4)]


def test_padding_moves_decorators_along(backend: str) -> None:
    # eight increments fill a group, the push goes to the next one: a NOOP pads the block before its end
    program = block_with("incr*8 push.3 add", (8, TraceOp(8)), (9, TraceOp(9)), (10, TraceOp(10)))
    assert clocks(program, backend) == [(8, 9), (9, 10), (10, 13)]


def test_decorators_do_not_run_without_debug(backend: str) -> None:
    seen: list[int] = []
    program = block_with("noop", (0, TraceOp(1)))
    execute(program, host=Host(trace=lambda _, trace_id: seen.append(trace_id)), backend=backend)
    assert seen == []


def test_decorators_change_neither_cycles_nor_stack(backend: str) -> None:
    program = block_with("incr incr", (0, TraceOp(1)), (1, DebugOp(DebugKind.STACK_ALL)), before=(TraceOp(0),))
    plain = execute(program, backend=backend)
    debugged = execute(program, backend=backend, debug=True, host=Host(output=io.StringIO()))
    assert (plain.stack, plain.cycles) == (debugged.stack, debugged.cycles)


def test_source_information_does_nothing(backend: str) -> None:
    program = block_with("incr", (0, AsmOp(None, "::main", "add.1", 1)))
    assert execute(program, backend=backend, debug=True).stack[0] == 1


def test_control_flow_nodes_have_decorators_too(backend: str) -> None:
    builder = ForestBuilder()
    ids = [builder.add_decorator(TraceOp(n)) for n in range(2)]
    block = builder.add_block(*parse_operations("noop"))
    root = builder.add_join(block, block)
    builder.append_before_enter(root, ids[:1])
    builder.append_after_exit(root, ids[1:])
    builder.add_root(root)
    assert clocks(Program(builder.build(), root), backend) == [(0, 0), (1, 8)]


def test_decorators_of_other_forests_run(backend: str) -> None:
    library = block_with("incr", (0, TraceOp(7)))
    builder = ForestBuilder()
    first = builder.add_decorator(TraceOp(1))
    second = builder.add_decorator(TraceOp(2))
    root = builder.add_external(library.hash)
    builder.append_before_enter(root, [first])
    builder.append_after_exit(root, [second])
    builder.add_root(root)
    seen: list[tuple[int, int]] = []
    host = Host([library], trace=lambda state, trace_id: seen.append((trace_id, state.clk)))
    execute(Program(builder.build(), root), host=host, backend=backend, debug=True)
    assert seen == [(1, 0), (7, 1), (2, 3)]


def test_trace_prints_a_line(backend: str) -> None:
    assert printed(block_with("noop", (0, TraceOp(42))), backend) == "Trace with id 42 emitted at step 1 in context 0\n"


def test_the_whole_stack(backend: str) -> None:
    text = printed(block_with("noop", (0, DebugOp(DebugKind.STACK_ALL))), backend, stack=[11, 12])
    lines = text.splitlines()
    assert lines[:4] == ["Stack state before step 1:", "├──  0: 11", "├──  1: 12", "├──  2: 0"]
    assert lines[-2:] == ["├── 14: 0", "└── 15: 0"]


def test_the_top_of_the_stack(backend: str) -> None:
    text = printed(block_with("noop", (0, DebugOp(DebugKind.STACK_TOP, 2))), backend, stack=[11, 12])
    assert text == "Stack state in interval [0, 1] before step 1:\n├── 0: 11\n├── 1: 12\n└── (14 more items)\n"


def test_more_than_the_stack_has(backend: str) -> None:
    lines = printed(block_with("noop", (0, DebugOp(DebugKind.STACK_TOP, 18))), backend).splitlines()
    assert lines[0] == "Stack state before step 1:"
    assert lines[-2:] == ["├── 16: EMPTY", "└── 17: EMPTY"]


def test_the_advice_stack(backend: str) -> None:
    program = block_with("noop", (0, DebugOp(DebugKind.ADV_STACK_TOP, 0)), (1, DebugOp(DebugKind.ADV_STACK_TOP, 1)))
    text = printed(program, backend, advice=AdviceInputs([5, 6]))
    assert text == (
        "Advice stack state before step 1:\n├── 0: 5\n└── 1: 6\n"
        "Advice stack state in interval [0, 0] before step 3:\n├── 0: 5\n└── (1 more items)\n"
    )
    assert printed(program, backend).splitlines()[0] == "Advice stack empty before step 1."


def test_memory(backend: str) -> None:
    program = block_with(
        "push.7 push.40 mstore drop noop",
        (0, DebugOp(DebugKind.MEM_ALL)),
        (4, DebugOp(DebugKind.MEM_ALL)),
        (4, DebugOp(DebugKind.MEM_INTERVAL, 40, 40)),
        (4, DebugOp(DebugKind.MEM_INTERVAL, 43, 44)),
    )
    assert printed(program, backend) == (
        "Memory state before step 1 for the context 0:\n"
        "Memory state before step 5 for the context 0:\n"
        "├── 0x00000028: 7\n├── 0x00000029: 0\n├── 0x0000002a: 0\n└── 0x0000002b: 0\n"
        "Memory state before step 5 for the context 0 at address 0x00000028: 7\n"
        "Memory state before step 5 for the context 0 in the interval [43, 44]:\n"
        "├── 0x0000002b: 0\n└── 0x0000002c: EMPTY\n"
    )


def test_locals(backend: str) -> None:
    program = block_with(
        f"push.1004 push.{FMP_ADDR} mstore drop push.9 push.1001 mstore drop noop",
        (8, DebugOp(DebugKind.LOCAL_INTERVAL, 1, 1, 4)),
        (8, DebugOp(DebugKind.LOCAL_INTERVAL, 0, 2, 4)),
    )
    assert printed(program, backend) == (
        "State of procedure local 1 before step 9: 9\nState of procedure locals [0, 2] before step 9:\n├── 0: 0\n├── 1: 9\n└── 2: 0\n"
    )


def test_locals_need_a_frame(backend: str) -> None:
    with pytest.raises(ExecutionError) as error:
        printed(block_with("noop", (0, DebugOp(DebugKind.LOCAL_INTERVAL, 0, 0, 4))), backend)
    assert error.value.kind == "DebugHandlerError"
    assert error.value.message.startswith("debug handler error at clock cycle 1: the frame pointer is EMPTY")


def test_handlers_may_take_the_place_of_printing(backend: str) -> None:
    seen: list[Any] = []

    def debug(state: ProcessState, decorator: DebugOp) -> None:
        seen.append((state.clk, str(decorator)))

    execute(block_with("noop", (0, DebugOp(DebugKind.STACK_TOP, 3))), host=Host(debug=debug), backend=backend, debug=True)
    assert seen == [(1, "stack.3")]


def test_an_exception_of_a_handler_ends_the_run(backend: str) -> None:
    def fail(state: ProcessState, trace_id: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(ExecutionError) as error:
        execute(block_with("noop", (0, TraceOp(5))), host=Host(trace=fail), backend=backend, debug=True)
    assert error.value.kind == "TraceHandlerError"
    assert error.value.message == "trace handler error at clock cycle 1 for trace ID 5: enough"


def test_printing_goes_to_standard_output_by_default(backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    execute(block_with("noop", (0, TraceOp(42))), backend=backend, debug=True)
    assert capsys.readouterr().out == "Trace with id 42 emitted at step 1 in context 0\n"
