"""Tier two (`miden/_core/tier_*.h`): it runs, it says what the plain engine says, and it is left and entered anywhere."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

import pytest

from miden.errors import BackendError
from miden.status import Status
from miden.vm.backends import get_backend
from tests.support.columns import Columns
from tests.support.machines import HAVE_CORE, Backend

if TYPE_CHECKING:
    from typing import Any

pytestmark = pytest.mark.skipif(not HAVE_CORE, reason="the core is not built")

P = 2**64 - 2**32 + 1
PLAIN, HOT = 1, 2
FOREVER = 2**29


def machine(forest: Columns, tier: int, **inputs: Any) -> Any:
    made = Backend("core").machine(forest, **inputs)
    made.tier = tier
    return made


def loop_of(body: str, passes: int = 100) -> Columns:
    """Return a program that runs `body` so many times; the count lies in memory."""
    forest = Columns()
    start = forest.block(f"push.{passes} push.5000 mstore drop push.1")
    block = forest.block(body)
    end = forest.block(f"push.5000 mload push.{P - 1} add push.5000 mstore eqz not")
    forest.join(start, forest.loop(forest.join(block, end)))
    return forest


def both(forest: Columns, **inputs: Any) -> tuple[Status, Any]:
    """Run in both tiers in one go, and in the second row by row; return the status and the machine of the second."""
    plain, hot, slow = machine(forest, PLAIN, **inputs), machine(forest, HOT, **inputs), machine(forest, HOT, **inputs)
    status = Status(plain.run(FOREVER))
    assert hot.run(FOREVER) == status
    while (one := slow.run(1)) == Status.BUDGET:
        pass
    assert one == status
    for other in (hot, slow):
        assert other.snapshot() == plain.snapshot()
        assert (other.node_id, other.op_index, other.fault_values) == (plain.node_id, plain.op_index, plain.fault_values)
    return status, hot


BODIES = {
    "a rotation": "u32split drop push.128 u32mul add",
    "a xor and a rotation": "u32split drop swap u32split drop dup1 u32xor push.65536 u32mul add",
    "a shift right": "u32split drop push.8 u32div drop",
    "both halves of a product": "u32split drop dup0 u32mul swap add",
    "sums with carry": "u32split drop swap u32split drop dup1 u32add add",
    "three sums": "u32split drop swap u32split drop dup1 dup1 u32add3 add",
    "a multiply-add": "u32split drop swap u32split drop dup1 dup1 u32madd add",
    "a difference": "u32split drop swap u32split drop dup1 u32sub drop",
    "a comparison": "u32split drop swap u32split drop dup1 u32sub swap drop add",
    "a power": "movup3 push.7 movdn3 expacc swap incr swap",
    "field arithmetic": "dup1 mul push.3 add swap dup1 add neg",
    "an extension product": "ext2mul swapw",
    "moves in a circle": "movup3 movup7 swap movdn5 swapw swapw2 swapw3 swapdw",
    "more pops than pushes": "add add mul pad pad pad",
    "more pushes than pops": "dup0 dup2 push.7 swap drop",
    "words": "u32split drop push.252 u32and dup0 movdn5 mloadw push.64 mstorew swapw",
    "elements": "u32split drop push.63 u32and dup0 mload incr dup1 mstore add",
    "a known address": "push.9 mload incr push.9 mstore",
    "the frame pointer": "push.4294967294 mload incr push.4294967294 mstore",
    "the end of memory": "push.4294967295 mload incr push.4294967295 mstore",
    "one cell by two addresses": "dup0 push.64 mstore drop dup1 incr dup0 dup0 neg add push.64 add mstore drop push.64 mload add",
    "the frame pointer stored by a computed address": (
        "dup0 push.4294967294 mstore drop dup1 incr dup0 dup0 neg add push.4294967294 add mstore drop push.4294967294 mload add"
    ),
    "the frame pointer loaded by a computed address": (
        "dup0 push.4294967294 mstore drop dup0 dup0 neg add push.4294967294 add mload add dup1 push.4294967294 mstore drop"
    ),
    "an inverse": "incr inv",
    "the depth and the clock": "sdepth clk add add",
    "a permutation": "hperm",
    "a swap on a condition": "dup0 push.3 eq cswap dup1 eqz cswapw",
    "bits": "dup0 eqz dup2 eqz and eqz not dup1 eqz or add",
    "an assertion": "dup0 dup0 eq assert.5 dup0 neg dup1 add eqz assert.6",
    "dead results": "dup0 dup2 mul drop dup0 u32split drop drop",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_loop_gives_the_same_in_both_tiers(body: str) -> None:
    status, _ = both(loop_of(body), stack=[3, P - 5, 2**33 + 7, 11, *range(12, 24)])
    assert status in (Status.DONE, Status.OUTPUT_STACK_OVERFLOW)


FAULTS = {
    "not 32 bits in the ninth pass": ("incr dup0 push.1 u32and drop", [2**32 - 9], Status.NOT_U32),
    "a division by zero": (f"push.{P - 1} add dup0 push.7 swap u32div drop drop", [9], Status.DIVIDE_BY_ZERO),
    "no inverse": (f"push.{P - 1} add dup0 inv drop", [9], Status.DIVIDE_BY_ZERO),
    "an assertion": ("incr dup0 push.17 eq eqz assert.42", [3], Status.FAILED_ASSERTION),
    "a bit that is none": ("incr dup0 not drop", [P - 4], Status.NOT_BINARY_OP),
    "an address too far": ("push.1 add dup0 mload drop", [2**32 - 9], Status.ADDRESS_OUT_OF_BOUNDS),
    "an address not aligned": ("incr dup0 dup0 dup0 dup0 dup0 mstorew drop*4", [3], Status.UNALIGNED_WORD_ACCESS),
    "nothing more to read": ("advpop drop", [], Status.ADVICE_STACK_EMPTY),
    "stores before a fault": (
        "incr dup0 push.100 mstore push.300 mstore push.9 u32and drop dup0 push.304 mstore drop",
        [2**32 - 9],
        Status.NOT_U32,
    ),
    "words stored before a fault": (
        "incr dup0 dup0 dup0 dup0 push.200 mstorew drop*4 dup0 push.9 u32and drop",
        [2**32 - 9],
        Status.NOT_U32,
    ),
    "advice popped before a fault": ("advpop drop incr dup0 push.9 u32and drop", [2**32 - 3], Status.NOT_U32),
    "pops at the bottom before a fault": (
        "push.6000 mload incr push.6000 mstore push.4294967290 add push.9 u32and add*20 pad*9",
        [1, 2, 3],
        Status.NOT_U32,
    ),
    "too much memory": ("push.4 add dup0 dup0 mstore drop", [0], Status.MEMORY_LIMIT),
    "too high a stack": ("pad", [], Status.STACK_LIMIT),
    "too many cycles": ("noop*30", [], Status.CYCLE_LIMIT),
}


@pytest.mark.parametrize(("body", "stack", "expected"), FAULTS.values(), ids=FAULTS)
def test_a_fault_under_way_is_the_same_in_both_tiers(body: str, stack: list[int], expected: Status) -> None:
    limits = {"max_memory": 60, "max_stack": 70} if expected in (Status.MEMORY_LIMIT, Status.STACK_LIMIT) else {}
    status, _ = both(loop_of(body), stack=stack, advice=list(range(9)), max_cycles=2000, **limits)
    assert status == expected


def test_a_split_in_a_loop_goes_both_ways() -> None:
    forest = Columns()
    start = forest.block("push.200 push.5000 mstore drop push.1")
    choose = forest.block("dup0 u32split drop push.1 u32and")
    split = forest.split(forest.block("push.3 mul incr"), forest.block("push.5 add"))
    end = forest.block(f"push.5000 mload push.{P - 1} add push.5000 mstore eqz not")
    forest.join(start, forest.loop(forest.join(forest.join(choose, split), end)))
    assert both(forest, stack=[27])[0] == Status.DONE


def test_a_loop_in_a_loop_with_a_call_is_left_and_entered() -> None:
    forest = Columns()
    callee = forest.block("dup1 add swap add*3 push.77 mstore")
    inner = forest.loop(forest.block(f"push.6000 mload push.{P - 1} add push.6000 mstore eqz not"))
    set_inner = forest.block("push.5 push.6000 mstore drop push.1")
    body = forest.join(forest.join(set_inner, inner), forest.call(callee))
    end = forest.block(f"push.5000 mload push.{P - 1} add push.5000 mstore eqz not")
    start = forest.block("push.40 push.5000 mstore drop push.1")
    forest.join(start, forest.loop(forest.join(body, end)))
    assert both(forest, stack=[5, 6])[0] == Status.DONE


def test_a_block_longer_than_a_segment_is_the_same() -> None:
    forest = Columns()
    forest.block(" ".join(f"dup{i % 8} push.{i} mul add swap u32split add dup0 push.{8 * i} mstore" for i in range(900)) + " drop*900")
    assert both(forest, stack=[1, 2, 3])[0] == Status.DONE


def test_a_node_that_contains_itself_ends_in_a_limit() -> None:
    forest = Columns()
    block = forest.block("incr")
    forest.join(block, 1)
    for tier in (PLAIN, HOT):
        made = machine(forest, tier, max_continuations=500)
        assert made.run(FOREVER) == Status.CONTINUATION_LIMIT
        assert made.depth == 16


def test_threads_may_translate_the_same_code_at_once() -> None:
    forest = loop_of(BODIES["field arithmetic"], 3000)
    core = Backend("core")
    code = core.code(forest)
    plain = machine(forest, PLAIN, stack=[1, 2])
    plain.run(FOREVER)
    machines = []
    for _ in range(8):
        made = core.machine(code, len(forest.records) - 1, stack=[1, 2])
        made.tier = HOT
        machines.append(made)
    threads = [Thread(target=made.run, args=(FOREVER,)) for made in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {made.snapshot() for made in machines} == {plain.snapshot()}


def test_a_machine_starts_by_heat_and_can_be_told_otherwise() -> None:
    made = Backend("core").machine(loop_of("noop"))
    assert made.tier == 0
    for tier in (1, 2, 0):
        made.tier = tier
        assert made.tier == tier
    with pytest.raises(ValueError, match="a tier is 0, 1 or 2, found 3"):
        made.tier = 3


def test_nothing_is_translated_while_decorators_are_visible() -> None:
    made = Backend("core").machine(loop_of("noop"), debug=True)
    made.tier = HOT
    assert made.tier == PLAIN


@pytest.mark.parametrize(("name", "tier"), [("core", 0), ("core:plain", 1), ("core:hot", 2)])
def test_a_backend_can_be_asked_for_by_tier(name: str, tier: int) -> None:
    forest = loop_of("noop")
    backend = get_backend(name)
    assert backend.name == name
    from miden.vm.options import Limits

    assert backend.machine(Backend("core").code(forest), 0, b"", [], [], Limits()).tier == tier  # type: ignore[attr-defined]


def test_the_pure_backend_has_no_tiers() -> None:
    with pytest.raises(BackendError, match="no backend 'pure:hot'"):
        get_backend("pure:hot")
