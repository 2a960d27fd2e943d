"""All system events: what they push and store, and how they fail (processor.md section 4.2, examples of section 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from miden.errors import ExecutionError, LimitError
from miden.field import P, Word
from miden.hashing import event_id
from miden.vm.events import SYSTEM_EVENTS
from miden.vm.inputs import AdviceInputs
from miden.vm.merkle import MerkleTree
from miden.vm.options import Limits
from tests.support.rpo_by_definition import hash_elements, merge, permute

if TYPE_CHECKING:
    from tests.unit.vm.conftest import Run

IDS = {row.name.removeprefix("sys::"): row.event_id for row in SYSTEM_EVENTS.values()}
KEY = Word((1, 2, 3, 4))
LEAVES = [Word((n, 0, 0, 0)) for n in range(1, 5)]
ROOT = Word(merge(merge(LEAVES[0], LEAVES[1]), merge(LEAVES[2], LEAVES[3])))


def emit(run: Run, name: str, *arguments: int, **options: Any) -> Any:
    """Emit a system event with arguments from stack element 1 on."""
    return run("emit", stack=[IDS[name], *arguments], **options)


def failure(run: Run, name: str, *arguments: int, **options: Any) -> ExecutionError:
    with pytest.raises(ExecutionError) as error:
        emit(run, name, *arguments, **options)
    return error.value


def on_stack(word: Word) -> tuple[int, ...]:
    """Return the elements of a word as they lie on the stack, top first."""
    return word[::-1]


def test_there_are_nineteen_and_each_id_is_the_hash_of_its_name() -> None:
    assert len(SYSTEM_EVENTS) == 19
    for row in SYSTEM_EVENTS.values():
        assert event_id(row.name) == row.event_id


def test_the_event_stays_on_the_stack(run: Run) -> None:
    assert emit(run, "has_map_key", 1, 2).stack[:3] == [IDS["has_map_key"], 1, 2]


def test_merkle_node_merge_stores_the_parent(run: Run) -> None:
    store = emit(run, "merkle_node_merge", *on_stack(LEAVES[1]), *on_stack(LEAVES[0])).merkle_store
    assert store.get_node(Word(merge(LEAVES[0], LEAVES[1])).to_bytes(), 1, 1) == LEAVES[1].to_bytes()


def test_merkle_node_to_stack_pushes_the_node(run: Run) -> None:
    advice = AdviceInputs([99], store=[MerkleTree(LEAVES)])
    output = emit(run, "merkle_node_to_stack", 2, 3, *on_stack(ROOT), advice=advice)
    assert output.advice_stack == [4, 0, 0, 0, 99]


@pytest.mark.parametrize(
    ("depth", "index", "text"),
    [
        (2, 4, "provided node index 4 is out of bounds for a merkle tree node at depth 2"),
        (3, 0, "failed to lookup value in Merkle store: node"),
    ],
)
def test_merkle_node_to_stack_needs_the_node(run: Run, depth: int, index: int, text: str) -> None:
    error = failure(run, "merkle_node_to_stack", depth, index, *on_stack(ROOT), advice=AdviceInputs(store=[MerkleTree(LEAVES)]))
    assert error.kind == "AdviceError"
    assert error.message.startswith(f"advice provider error at clock cycle 1: {text}")
    assert (error.clk, error.ctx, error.node_id, error.op_index) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("name", "pushed"),
    [
        ("map_value_to_stack", [11, 12, 13, 14, 15]),
        ("map_value_count_to_stack", [5]),
        ("map_value_to_stack_n_0", [5, 11, 12, 13, 14, 15]),
        ("map_value_to_stack_n_4", [5, 11, 12, 13, 14, 15, 0, 0, 0]),
        ("map_value_to_stack_n_8", [5, 11, 12, 13, 14, 15, 0, 0, 0]),
        ("has_map_key", [1]),
    ],
)
def test_map_events_push_the_value_of_the_key(run: Run, name: str, pushed: list[int]) -> None:
    advice = AdviceInputs([99], {KEY: [11, 12, 13, 14, 15]})
    assert emit(run, name, *on_stack(KEY), advice=advice).advice_stack == [*pushed, 99]


@pytest.mark.parametrize("count", [0, 4, 8])
def test_a_value_that_fits_is_not_padded(run: Run, count: int) -> None:
    output = emit(run, "map_value_to_stack_n_4", *on_stack(KEY), advice=AdviceInputs([], {KEY: range(count)}))
    assert output.advice_stack == [count, *range(count)]


@pytest.mark.parametrize(
    "name", ["map_value_to_stack", "map_value_count_to_stack", "map_value_to_stack_n_0", "map_value_to_stack_n_4", "map_value_to_stack_n_8"]
)
def test_map_events_need_the_key(run: Run, name: str) -> None:
    error = failure(run, name, *on_stack(KEY))
    assert error.message == f"advice provider error at clock cycle 1: value for key {KEY.to_hex()} not present in the advice map"


def test_has_map_key_pushes_zero_for_an_absent_key(run: Run) -> None:
    assert emit(run, "has_map_key", *on_stack(KEY)).advice_stack == [0]


def test_ext2_inv_pushes_the_inverse(run: Run) -> None:
    assert emit(run, "ext2_inv", 5, 7).advice_stack == [14867525070871456020, 12251941956551477646]


def test_ext2_inv_of_zero_divides_by_zero(run: Run) -> None:
    error = failure(run, "ext2_inv", 0, 0)
    assert (error.kind, error.message) == ("DivideByZero", "division by zero at clock cycle 1")


@pytest.mark.parametrize(
    ("value", "clz", "ctz", "clo", "cto"),
    [(0, 32, 32, 0, 0), (1, 31, 0, 0, 1), (2**31, 0, 31, 1, 0), (2**32 - 1, 0, 0, 32, 32), (0xF00F_00FF, 0, 0, 4, 8), (12, 28, 2, 0, 0)],
)
def test_bit_counts(run: Run, value: int, clz: int, ctz: int, clo: int, cto: int) -> None:
    for name, count in (("u32_clz", clz), ("u32_ctz", ctz), ("u32_clo", clo), ("u32_cto", cto)):
        assert emit(run, name, value).advice_stack == [count]


@pytest.mark.parametrize("name", ["u32_clz", "u32_ctz", "u32_clo", "u32_cto"])
@pytest.mark.parametrize("value", [2**32, P - 1])
def test_bit_counts_are_of_32_bits(run: Run, name: str, value: int) -> None:
    error = failure(run, name, value)
    assert (error.kind, error.message) == ("NotU32Values", f"operation expected u32 values, but got values: [{value}] (error code: 0)")


@pytest.mark.parametrize(("value", "log"), [(1, 0), (2, 1), (3, 1), (2**32 - 1, 31), (2**32, 32), (P - 1, 63)])
def test_ilog2_is_of_the_whole_felt(run: Run, value: int, log: int) -> None:
    assert emit(run, "ilog2", value).advice_stack == [log]


def test_zero_has_no_logarithm(run: Run) -> None:
    error = failure(run, "ilog2", 0)
    assert error.kind == "LogArgumentZero"
    assert error.message == "attempted to calculate integer logarithm with zero argument at clock cycle 1"


def test_mem_to_map_stores_a_range_of_elements(run: Run) -> None:
    output = run(f"mstorew drop*4 push.{IDS['mem_to_map']} emit drop", stack=[40, 4, 3, 2, 1, *on_stack(KEY), 41, 46])
    assert output.advice_map == {KEY: (2, 3, 4, 0, 0)}


def test_an_empty_range_stores_an_empty_value(run: Run) -> None:
    assert emit(run, "mem_to_map", *on_stack(KEY), 7, 7).advice_map == {KEY: ()}


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (5, 4, "memory range start address cannot exceed end address, but was (5, 4)"),
        (2**32, 0, "memory address cannot exceed 2^32 but was 4294967296"),
        (0, 2**32, "memory address cannot exceed 2^32 but was 4294967296"),
    ],
)
def test_mem_to_map_checks_the_range(run: Run, start: int, end: int, text: str) -> None:
    error = failure(run, "mem_to_map", *on_stack(KEY), start, end)
    assert (error.kind, error.message) == ("MemoryError", text)


def test_a_range_of_all_memory_is_a_limit_error_at_once(run: Run) -> None:
    error = failure(run, "mem_to_map", *on_stack(KEY), 0, 2**32 - 1)
    assert isinstance(error, LimitError)
    assert (error.kind, error.exit_code, error.clk) == ("AdviceLimitExceeded", 6, 1)


def test_hdword_to_map_stores_two_words_under_their_hash(run: Run) -> None:
    output = emit(run, "hdword_to_map", *on_stack(LEAVES[1]), *on_stack(LEAVES[0]))
    assert output.advice_map == {Word(merge(LEAVES[0], LEAVES[1])): (*LEAVES[0], *LEAVES[1])}


def test_hdword_to_map_with_domain_takes_the_domain_from_the_stack(run: Run) -> None:
    output = emit(run, "hdword_to_map_with_domain", *on_stack(LEAVES[1]), *on_stack(LEAVES[0]), 77)
    key = Word(permute([0, 77, 0, 0, *LEAVES[0], *LEAVES[1]])[4:8])
    assert output.advice_map == {key: (*LEAVES[0], *LEAVES[1])}


def test_hqword_to_map_stores_four_words_under_their_hash(run: Run) -> None:
    words = [element for leaf in reversed(LEAVES) for element in on_stack(leaf)]
    output = run(f"push.{IDS['hqword_to_map']} emit drop", stack=words)
    values = [element for leaf in LEAVES for element in leaf]
    assert output.advice_map == {Word(hash_elements(values)): tuple(values)}


def test_hqword_to_map_reads_zero_below_the_stack(run: Run) -> None:
    output = emit(run, "hqword_to_map", *range(1, 16))
    assert next(iter(output.advice_map.values())) == (0, *range(15, 0, -1))


def test_hperm_to_map_stores_the_rate_under_the_digest(run: Run) -> None:
    output = emit(run, "hperm_to_map", *on_stack(LEAVES[1]), *on_stack(LEAVES[0]), *on_stack(KEY))
    key = Word(permute([*KEY, *LEAVES[0], *LEAVES[1]])[4:8])
    assert output.advice_map == {key: (*LEAVES[0], *LEAVES[1])}


@pytest.mark.parametrize("name", ["hdword_to_map", "mem_to_map"])
def test_the_same_value_may_be_stored_twice(run: Run, name: str) -> None:
    output = run("emit emit", stack=[IDS[name], 1, 2, 3, 4, 5, 6, 7, 8])
    assert len(output.advice_map) == 1


def test_another_value_under_a_key_is_an_error(run: Run) -> None:
    error = failure(run, "mem_to_map", *on_stack(KEY), 0, 1, advice=AdviceInputs([], {KEY: [7]}))
    assert error.message == f"advice provider error at clock cycle 1: value for key {KEY.to_hex()} already present in the advice map"
    assert error.hint is not None
    assert "[7]" in error.hint
    assert "[0]" in error.hint


@pytest.mark.parametrize(("room", "fits"), [(128 + 8 * 3, True), (128 + 8 * 3 - 1, False)])
def test_the_advice_limit_is_exact(run: Run, room: int, fits: bool) -> None:
    limits = Limits(max_advice=room)
    advice = AdviceInputs([1, 2], {Word(): [1, 2, 3]}, [MerkleTree(LEAVES)])
    if fits:
        assert len(emit(run, "mem_to_map", *on_stack(KEY), 0, 3, advice=advice, limits=limits).advice_map) == 2
    else:
        assert failure(run, "mem_to_map", *on_stack(KEY), 0, 3, advice=advice, limits=limits).kind == "AdviceLimitExceeded"


def test_popped_advice_makes_room(run: Run) -> None:
    limits = Limits(max_advice=16)
    assert run("emit advpop drop " * 9, stack=[IDS["ilog2"], 8], limits=limits).advice_stack == []
    with pytest.raises(LimitError):
        run("emit " * 3, stack=[IDS["ilog2"], 8], limits=limits)
