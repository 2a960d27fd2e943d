"""Every fault becomes an exception with the reference's kind and message (processor.md section 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from miden.assembly.source import SourceFile
from miden.errors import ExecutionError, LimitError
from miden.field import P, Word
from miden.mast.builder import ForestBuilder
from miden.mast.decorators import AsmOp
from miden.mast.program import Kernel, Program
from miden.status import FAULTS, Status
from miden.vm.host import Host
from miden.vm.inputs import AdviceInputs
from miden.vm.merkle import MerkleTree
from miden.vm.options import Limits
from miden.vm.processor import Processor, execute
from tests.support.columns import parse_operations
from tests.support.rpo_by_definition import merge

if TYPE_CHECKING:
    from tests.unit.vm.conftest import Run

LEAVES = [Word((1, 2, 3, 4)), Word((5, 6, 7, 8))]
ROOT = Word(merge(tuple(LEAVES[0]), tuple(LEAVES[1])))
TREE = AdviceInputs(store=[MerkleTree(LEAVES)])


def failure(run: Run, text: str, stack: list[int] | None = None, **options: Any) -> ExecutionError:
    with pytest.raises(ExecutionError) as error:
        run(text, stack=stack or [], **options)
    return error.value


def fails(backend: str, builder: ForestBuilder, root: int, stack: list[int] | None = None, **options: Any) -> ExecutionError:
    builder.add_root(root)
    with pytest.raises(ExecutionError) as error:
        execute(Program(builder.build(), root, options.pop("kernel", None)), stack=stack, backend=backend, **options)
    return error.value


def block(builder: ForestBuilder, text: str) -> int:
    return builder.add_block(*parse_operations(text))


BLOCK_FAULTS = {
    "assert.7": ([2], "FailedAssertion", "assertion failed at clock cycle 1 with error code: 7"),
    "noop not": ([2], "NotBinaryValueOp", "operation expected a binary value, but got 2"),
    "u32and": ([2**32, P - 1], "NotU32Values", f"operation expected u32 values, but got values: [4294967296, {P - 1}] (error code: 0)"),
    "u32assert2.9": ([1, P - 1], "NotU32Values", f"operation expected u32 values, but got values: [{P - 1}] (error code: 9)"),
    "noop noop inv": ([0], "DivideByZero", "division by zero at clock cycle 3"),
    "mload": ([2**32], "MemoryError", "memory address cannot exceed 2^32 but was 4294967296"),
    "noop mloadw": ([5], "MemoryError", "word memory access at address 5 in context 0 is unaligned at clock cycle 2"),
    "crypto_stream": (
        [0] * 12 + [8, 8],
        "MemoryError",
        "memory address 8 in context 0 was read and written, or written twice, in the same clock cycle 1",
    ),
    "advpop": ([], "AdviceError", "advice provider error at clock cycle 1: advice stack read failed"),
    "frie2f4": ([0] * 9 + [4], "InvalidFriDomainSegment", "FRI domain segment value cannot exceed 3, but was 4"),
    "noop frie2f4": (
        [0] * 11 + [2, 1],
        "InvalidFriLayerFolding",
        "degree-respecting projection is inconsistent: expected (1, 2) but was (0, 0)",
    ),
    "eval_circuit": (
        [0, 3, 4],
        "AceChipError",
        "failed to execute arithmetic circuit evaluation operation: num of variables should be word aligned and non-zero but was 3",
    ),
    "noop eval_circuit": (
        [0, 4, 3],
        "AceChipError",
        "failed to execute arithmetic circuit evaluation operation: num of evaluation gates should be word aligned and non-zero but was 3",
    ),
    "noop noop eval_circuit": (
        [0, 2**30, 4],
        "AceChipError",
        "failed to execute arithmetic circuit evaluation operation: num of wires must be less than 2^30 but was 1073741828",
    ),
    "pad": ([], "OutputStackOverflow", "stack should have at most 16 elements at the end of program execution, but had 17 elements"),
}


@pytest.mark.parametrize("text", BLOCK_FAULTS)
def test_operations_fail_with_the_words_of_the_reference(run: Run, text: str) -> None:
    stack, kind, message = BLOCK_FAULTS[text]
    error = failure(run, text, stack)
    assert (error.kind, error.message) == (kind, message)
    assert type(error) is ExecutionError


def test_a_split_needs_a_binary_condition(backend: str) -> None:
    builder = ForestBuilder()
    error = fails(backend, builder, builder.add_split(block(builder, "noop"), block(builder, "incr")), [2])
    assert (error.kind, error.message) == ("NotBinaryValueIf", "if statement expected a binary value on top of the stack, but got 2")
    assert (error.clk, error.node_id, error.op_index) == (0, 2, None)


def test_a_loop_needs_a_binary_condition(backend: str) -> None:
    builder = ForestBuilder()
    error = fails(backend, builder, builder.add_loop(block(builder, "noop")), [1, 3])
    assert (error.kind, error.message, error.clk) == ("NotBinaryValueLoop", "loop condition must be a binary value, but got 3", 4)


def test_a_callee_leaves_sixteen_elements(backend: str) -> None:
    builder = ForestBuilder()
    error = fails(backend, builder, builder.add_call(block(builder, "pad pad")))
    assert error.kind == "InvalidStackDepthOnReturn"
    assert error.message == "when returning from a call or dyncall, stack depth must be 16, but was 18"
    assert error.ctx == 1


def test_a_syscall_needs_a_kernel_procedure(backend: str) -> None:
    builder = ForestBuilder()
    callee = block(builder, "noop")
    error = fails(backend, builder, builder.add_syscall(callee), kernel=Kernel([(1, 2, 3, 4)]))
    digest = builder.digest_bytes(callee).hex()
    assert error.message == f"syscall failed: procedure with root {digest} was not found in the kernel"


@pytest.mark.parametrize(("text", "code"), [("mpverify.5", 5), ("mrupdate", 0)])
def test_a_wrong_merkle_value_is_shown(run: Run, text: str, code: int) -> None:
    wrong = Word((9, 9, 9, 9))
    error = failure(run, text, [*reversed(wrong), 1, 0, *reversed(ROOT), 4, 3, 2, 1], advice=TREE)
    assert error.kind == "MerklePathVerificationFailed"
    assert error.message == (
        f"merkle path verification failed for value {wrong.to_hex()[2:]} at index 0 in the Merkle tree "
        f"with root {ROOT.to_hex()[2:]} (error code: {code})"
    )


@pytest.mark.parametrize("text", ["mpverify.0", "mrupdate"])
def test_merkle_operations_need_the_tree(run: Run, text: str) -> None:
    error = failure(run, f"noop {text}", [1, 2, 3, 4, 1, 0, 0, 0, 0, 7])
    inner = "failed to lookup value in Merkle store" if text == "mpverify.0" else "Merkle store backend update failed"
    assert error.message == f"advice provider error at clock cycle 2: {inner}: root Word([7, 0, 0, 0]) is not in the store"
    assert (error.kind, error.clk, error.op_index) == ("AdviceError", 2, 1)


def test_messages_of_the_forest_replace_error_codes(backend: str) -> None:
    builder = ForestBuilder()
    code = builder.register_error("must be one")
    error = fails(backend, builder, block(builder, f"assert.{code}"))
    assert error.message == "assertion failed at clock cycle 1 with error message: must be one"
    assert error.facts["code"] == code
    assert error.facts["text"] == "must be one"


def test_a_merkle_failure_has_its_message(backend: str) -> None:
    builder = ForestBuilder()
    code = builder.register_error("not a leaf")
    error = fails(backend, builder, block(builder, f"mpverify.{code}"), [9, 9, 9, 9, 1, 0, *reversed(ROOT)], advice=TREE)
    assert error.message.endswith("(error message: not a leaf)")


def test_the_host_may_add_to_a_failed_assertion(run: Run) -> None:
    host = Host(on_assert_failed=lambda state, code: f"code {code} at {state.clk}")
    assert (
        failure(run, "assert.7", [2], host=host).message == "assertion failed at clock cycle 1 with error code: 7 (host error: code 7 at 1)"
    )
    quiet = Host(on_assert_failed=lambda _state, _code: None)
    assert failure(run, "assert.7", [2], host=quiet).message.endswith("error code: 7")


@pytest.mark.parametrize(
    ("limits", "text", "kind"),
    [
        (Limits(max_cycles=3), "noop noop", "CycleLimitExceeded"),
        (Limits(max_stack=17), "pad pad drop drop", "StackLimitExceeded"),
        (Limits(max_memory=4), "push.4 mstore push.8 mstore drop drop", "MemoryLimitExceeded"),
    ],
)
def test_limits_are_limit_errors(run: Run, limits: Limits, text: str, kind: str) -> None:
    error = failure(run, text, limits=limits)
    assert isinstance(error, LimitError)
    assert (error.kind, error.exit_code) == (kind, 6)
    assert error.hint is not None
    assert error.hint.startswith("raise Limits.")


def test_a_run_of_exactly_max_cycles_succeeds(run: Run) -> None:
    assert run("noop noop", limits=Limits(max_cycles=4)).cycles == 4


def test_nesting_is_a_limit(backend: str) -> None:
    builder = ForestBuilder()
    node = block(builder, "noop")
    for _ in range(50):
        node = builder.add_join(node, node if len(builder) < 2 else 0)
    error = fails(backend, builder, node, limits=Limits(max_continuations=20))
    assert (error.kind, error.message) == ("ContinuationLimitExceeded", "the continuation stack may hold at most 20 records")


def test_every_fault_has_a_row() -> None:
    assert {status for status in Status if status >= 16} == set(FAULTS)


def test_errors_are_json_ready(run: Run) -> None:
    facts = failure(run, "assert.7", [2]).to_dict()
    assert facts["kind"] == "FailedAssertion"
    assert (facts["clk"], facts["ctx"], facts["node_id"], facts["op_index"]) == (1, 0, 0, 0)
    assert facts["facts"]["code"] == 7


def test_the_same_error_comes_again(backend: str) -> None:
    builder = ForestBuilder()
    builder.add_root(block(builder, "inv"))
    processor = Processor(Program(builder.build(), 0), backend=backend)
    errors = []
    for _ in range(2):
        with pytest.raises(ExecutionError) as error:
            processor.run()
        errors.append(error.value)
    assert errors[0] is errors[1]
    assert repr(processor) == f"<Processor {backend} failed clk=1>"


def test_the_source_line_is_shown(backend: str) -> None:
    builder = ForestBuilder()
    source = SourceFile("begin\n  # größer\n  push.0 inv\nend", "demo.masm")
    start = source.text.index("inv")
    place = (source.name, source.byte_offset(start), source.byte_offset(start + 3))
    ops = [builder.add_decorator(AsmOp(None, "::main", "push.0", 1)), builder.add_decorator(AsmOp(place, "::main", "inv", 1))]
    root = builder.add_block(*parse_operations("pad inv"), op_decorators=[(0, ops[0]), (1, ops[1])])
    builder.add_root(root)
    host = Host()
    host.add_sources({source.name: source})
    with pytest.raises(ExecutionError) as error:
        execute(Program(builder.build(), root), host=host, backend=backend)
    shown = str(error.value)
    assert "demo.masm:3:10" in shown
    assert "push.0 inv" in shown
    assert "division by zero at clock cycle 2" in shown
    assert error.value.facts["procedure"] == "::main"
    assert error.value.facts["instruction"] == "inv"
    assert error.value.to_dict()["diagnostic"]["kind"] == "DivideByZero"


def test_without_the_source_the_place_is_a_fact(backend: str) -> None:
    builder = ForestBuilder()
    op = builder.add_decorator(AsmOp(("gone.masm", 3, 9), "::main", "inv", 1))
    root = builder.add_block(*parse_operations("inv"), op_decorators=[(0, op)])
    error = fails(backend, builder, root)
    assert error.facts["location"] == {"uri": "gone.masm", "start": 3, "end": 9}
    assert error.diagnostic is None
