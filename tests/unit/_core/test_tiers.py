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
    core = Backend("core")
    code = core.code(forest)  # one for all: where a dyn leads is known after the first run
    plain, hot, slow = (core.machine(code, len(forest.records) - 1, **inputs) for _ in range(3))
    plain.tier, hot.tier, slow.tier = PLAIN, HOT, HOT
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
    "the low half twice": "u32split drop push.4294967295 u32and add",
    "the low half of a comparison": "dup0 eqz push.4294967295 u32and add",
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


CALLEES = {
    "arithmetic": "dup1 add swap incr swap dup0 drop",
    "more pops than pushes, made up": "add mul add pad pad drop*3",
    "zeros let in": "drop*9 push.5 push.6 add drop",
    "memory of its own": "push.100 mload incr push.100 mstore swap push.200 mstore add drop*2",
    "a word": "push.40 mloadw incr push.44 mstorew drop*4",
    "locals": "push.4294967294 mload push.8 add push.4294967294 mstore drop dup0 push.4294967294 mload push.18446744069414584313 add mstore"
    " drop push.4294967294 mload push.18446744069414584313 add push.4294967294 mstore drop",
    "a frame pointer that stays": "push.77 push.4294967294 mstore drop push.4294967295 mload drop",
    "its hash": "caller swap drop",
    "its depth and clock": "sdepth clk add add",
    "a fault in a later pass": "incr dup0 push.1 u32and drop",
    "one element too many": "dup0 dup0 drop",
}
KINDS = ("call", "syscall", "dyn", "dyncall")


def calling(text: str, kind: str, *, nested: bool = False) -> tuple[Columns, bytes]:
    """Return a loop over calls of a procedure, and its kernel."""
    forest = Columns()
    callee = forest.root(forest.join(forest.block(text), forest.block("noop")))
    kernel = forest.digest_bytes(callee)
    if nested:
        before, after = forest.block("push.3 push.60 mstore add push.60 mload"), forest.block("push.60 mload add drop")
        inner = forest.syscall(callee) if kind == "call" else forest.call(callee)
        callee = forest.root(forest.join(before, forest.join(inner, after)))
        kernel += forest.digest_bytes(callee)
    dyn = kind.startswith("dyn")
    store = " ".join(f"push.{element}" for element in forest.digest(callee)) + " push.8 mstorew drop*4 push.8"
    site = getattr(forest, kind)() if dyn else getattr(forest, kind)(callee)
    called = forest.join(forest.block(f"dup0 push.3 mul swap dup2 add {store if dyn else 'noop'}"), site)
    end = forest.block(f"push.5000 mload push.{P - 1} add push.5000 mstore eqz not")
    start = forest.block("push.40 push.5000 mstore drop push.70 push.4294967294 mstore drop push.1")
    forest.join(start, forest.loop(forest.join(forest.join(called, called), end)))
    return forest, kernel


@pytest.mark.parametrize("nested", [False, True], ids=["", "nested"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", CALLEES.values(), ids=CALLEES)
def test_calls_in_a_loop_give_the_same_in_both_tiers(text: str, kind: str, nested: bool) -> None:
    forest, kernel = calling(text, kind, nested=nested)
    status, hot = both(forest, kernel=kernel, stack=[2**32 - 9, 5, 6, *range(3, 16)])
    if kind == "call" and not nested:
        name = next(name for name in CALLEES if CALLEES[name] == text)
        ended = {"one element too many": Status.STACK_DEPTH_ON_RETURN, "a fault in a later pass": Status.NOT_U32}
        assert status == ended.get(name, Status.OUTPUT_STACK_OVERFLOW)
        assert status in ended.values() or len(hot.contexts()) == 81


@pytest.mark.parametrize("limits", [{"max_memory": 60}, {"max_continuations": 4}, {"max_stack": 30}, {"max_cycles": 500}])
@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_is_reached_in_a_callee_in_the_same_row(kind: str, limits: dict[str, int]) -> None:
    forest, kernel = calling("push.7 push.100 mstore pad*4 drop*6", kind, nested=True)
    status, _ = both(forest, kernel=kernel, stack=[1, 2, 3], **limits)
    assert status >= Status.CYCLE_LIMIT


@pytest.mark.parametrize("kind", ["dyn", "dyncall"])
def test_a_dyn_that_leads_elsewhere_later_is_the_same_run(kind: str) -> None:
    forest = Columns()
    first, second = (
        forest.root(forest.block(text)) for text in ("dup1 add swap push.3 mul swap", "swap push.5 add mul dup0 swap drop pad drop")
    )
    stores = [
        forest.block(" ".join(f"push.{element}" for element in forest.digest(root)) + " push.8 mstorew drop*4 push.8")
        for root in (first, second)
    ]
    # the first 30 passes lead to one procedure, of the others every second one to the other
    choose = forest.block("push.5000 mload dup0 push.170 u32div drop eqz swap push.1 u32and and")
    body = forest.join(forest.join(choose, forest.split(stores[1], stores[0])), getattr(forest, kind)())
    end = forest.block(f"push.5000 mload push.{P - 1} add push.5000 mstore eqz not")
    forest.join(forest.block("push.200 push.5000 mstore drop push.1"), forest.loop(forest.join(body, end)))
    core = Backend("core")
    code, entrypoint = core.code(forest), len(forest.records) - 1
    made = [core.machine(code, entrypoint, stack=[1, 2]) for _ in range(4)]
    for each, tier, budget in zip(made, (PLAIN, HOT, HOT, PLAIN), (600, FOREVER, FOREVER, FOREVER), strict=True):
        each.tier = tier
        each.run(budget)
    assert len({each.snapshot() for each in made[1:]}) == 1


COMPARISONS = {
    "lt": "u32split movup2 u32split movup2 u32sub swap eqz movup2 movup3 u32sub swap drop and or",
    "lte": "u32split movup2 u32split movup2 u32sub swap eqz movup2 movup3 u32sub swap eqz or and or",
    "gt": "u32split movup2 u32split swap movdn2 u32sub swap eqz movup3 movup3 u32sub swap drop and or",
    "gte": "u32split movup2 u32split swap movdn2 u32sub swap eqz movup3 movup3 u32sub swap eqz or and or",
}
EDGES = (0, 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**33 - 1, 5 << 32, (5 << 32) + 7, P - 2**32, P - 1)


@pytest.mark.parametrize("operation", COMPARISONS.values(), ids=COMPARISONS)
def test_comparisons_of_all_edges_are_the_same_in_both_tiers(operation: str) -> None:
    forest = Columns()
    texts = [f"{operation} not add", f"dup0 {operation} add"]
    for edge in EDGES:
        texts.append(f"push.{edge} {operation} add")
        texts.append(f"push.{edge} swap {operation} not add")
    on_true, on_false = forest.block("incr"), forest.block("push.3 add")
    body = forest.block(" ".join(f"dup1 dup1 {text}" for text in texts))
    body = forest.join(body, forest.join(forest.block(f"dup1 dup1 {operation}"), forest.split(on_true, on_false)))
    start, end = (
        forest.block("push.4 push.5000 mstore drop push.1"),
        forest.block(f"push.5000 mload push.{P - 1} add push.5000 mstore eqz not"),
    )
    forest.join(forest.join(start, forest.loop(forest.join(body, end))), forest.block("drop*200"))
    for a in EDGES:
        for b in EDGES:
            plain, hot = (machine(forest, tier, stack=[a, b]) for tier in (PLAIN, HOT))
            assert plain.run(FOREVER) == hot.run(FOREVER) == Status.DONE
            assert plain.snapshot() == hot.snapshot()


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
