"""Links: a run that need not ask gives what one that asks gives, to the last limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import miden
from miden.errors import ExecutionError, LimitError
from miden.store.cache import make_cache
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from miden.store.virtual_machine import VirtualMachine
from miden.vm.backends import get_backend
from miden.vm.host import Host
from miden.vm.links import Links
from miden.vm.processor import Processor
from tests.support.objects import block_forest
from tests.support.programs import require_backend

if TYPE_CHECKING:
    from miden.mast.library import Library

PROCEDURES = """
pub proc one add.1 end
pub proc two mul.2 exec.one end
pub proc three push.3 add end
pub proc check dup neq.0 assert end
pub proc four call.three exec.two end
"""


@pytest.fixture(autouse=True)
def _core() -> None:
    require_backend("core")


def library() -> Library:
    return miden.Assembler().assemble_library({"l::m": PROCEDURES})


def program(text: str) -> miden.Program:
    assembler = miden.Assembler()
    assembler.link_library(library(), kind="dynamic")
    return assembler.assemble_program(f"use l::m begin {text} end")


def dynamic(name: str, instruction: str) -> str:
    root = library().exports[f"::l::m::{name}"]
    assert root is not None
    return f"push.{'.'.join(map(str, root))} mem_storew_be.40 dropw push.40 {instruction}"


PROGRAM = f"exec.m::four call.m::one exec.m::four {dynamic('three', 'dynexec')} {dynamic('two', 'dyncall')} exec.m::check"


def outcome(machine: VirtualMachine, what: miden.Program, stack: int, **limits: int) -> Any:
    try:
        output = machine.run(what, [stack], limits=miden.Limits(**limits))
    except ExecutionError as error:
        return type(error), error.kind, error.message, error.clk, error.ctx, error.node_id, error.op_index, error.facts.get("digest")
    return list(output.stack), output.cycles, output.snapshot()


@pytest.mark.parametrize("policy", ["whole", "procedures"])
def test_a_linked_run_is_the_same_run_at_every_limit(policy: str) -> None:
    what = program(PROGRAM)
    store = ObjectStore([MemoryProvider()], policy=policy)
    store.insert(library())
    hot = VirtualMachine(store)
    hot.run(what, [1])
    asked = store.counters.cache
    assert hot.run(what, [1]).stack == hot.run(what, [1]).stack
    assert store.counters.cache == asked  # nothing was asked for: neither by external nodes nor by dyn
    sizes = {id(forest): forest.nbytes for forest in (store.get(root) for root in library().forest.procedure_digests)}
    total = sum(sizes.values())
    limits = [{"max_fetches": count} for count in range(7)] + [{"max_fetched_bytes": size} for size in range(0, total + 2, 7)]
    limits += [{"max_fetched_bytes": total}, {}]
    seen = set()
    for limit in limits:
        for stack in (1, 0, 2**63):
            cold = VirtualMachine(store)
            cold._linking = False
            expected = outcome(cold, what, stack, **limit)
            assert outcome(hot, what, stack, **limit) == expected, limit
            seen.add(expected[1] if expected[0] is LimitError else "ran")
    assert seen == {"ran", "FetchLimitExceeded", "FetchedBytesLimitExceeded"}


def test_traps_inside_linked_code_are_the_same() -> None:
    what = program("exec.m::check exec.m::four")
    store = ObjectStore([MemoryProvider()], policy="procedures")
    store.insert(library())
    machine = VirtualMachine(store)
    machine.run(what, [1])
    cold = VirtualMachine(store)
    cold._linking = False
    hot = outcome(machine, what, 0)
    assert hot == outcome(cold, what, 0)
    assert hot[1] == "FailedAssertion"


def test_what_was_removed_is_missing_at_once() -> None:
    what = program("exec.m::three")
    store = ObjectStore([MemoryProvider()], policy="procedures")
    roots = store.insert(library())
    machine = VirtualMachine(store)
    for _ in range(3):
        machine.run(what, [1])
    root = library().exports["::l::m::three"]
    assert root in roots
    assert root is not None
    store.remove(root)
    with pytest.raises(ExecutionError) as caught:
        machine.run(what, [1])
    assert caught.value.kind == "ObjectNotFound"


def test_links_hold_nothing_that_the_hot_cache_gave_up() -> None:
    what = program("exec.m::four")
    store = ObjectStore([MemoryProvider()], policy="procedures", cache=make_cache("lru", 9000))
    store.insert(library())
    fillers = [root for number in range(30) for root in store.insert(block_forest(number, length=20))]
    machine = VirtualMachine(store)
    for filler in fillers:
        assert machine.run(what, [2]).stack[0] == 11
        assert machine.run(what, [2]).stack[0] == 11
        store.get(filler)
    counters = store.counters.cache
    assert counters.evictions > 20
    assert counters.bytes <= 9000


def test_forests_with_advice_are_merged_when_they_are_entered() -> None:
    with_data = library().with_advice_map(miden.mast.advice_map.AdviceMap({(1, 2, 3, 4): [7]}))
    store = ObjectStore([MemoryProvider()])
    store.insert(with_data)
    machine = VirtualMachine(store)
    text = "exec.m::one push.1.2.3.4 adv.push_mapval dropw adv_push.1 swap drop"
    assert machine.run(program(text), [1]).stack[0] == 7
    assert machine.run(program(text), [1]).stack[0] == 7
    assert len(Links(get_backend("core"), [store.get(root) for root in with_data.forest.procedure_digests])) == 0


def test_a_machine_of_the_pure_backend_asks() -> None:
    store = ObjectStore([MemoryProvider()])
    store.insert(library())
    machine = VirtualMachine(store, backend="pure")
    for _ in range(3):
        assert machine.run(program("exec.m::three"), [1]).stack[0] == 4
    assert store.counters.cache.hits == 2


def test_debugging_asks_so_that_decorators_are_seen() -> None:
    store = ObjectStore([MemoryProvider()])
    source = PROCEDURES + "pub proc traced trace.5 add.9 end"
    lib = miden.Assembler().assemble_library({"l::m": source})
    store.insert(lib)
    assembler = miden.Assembler()
    assembler.link_library(lib, kind="dynamic")
    what = assembler.assemble_program("use l::m begin exec.m::traced end")
    links = Links(get_backend("core"), [store.get(root) for root in lib.forest.procedure_digests])
    seen: list[int] = []
    host = Host(store=store, trace=lambda _, number: seen.append(number))
    processor = Processor(what, [1], host=host, debug=True, links=links)
    assert processor.run()
    assert seen == [5]


def test_what_is_no_link_is_refused() -> None:
    from miden._core.processor import Links as CoreLinks

    core = get_backend("core")
    forest = block_forest(1)
    code: Any = core.load(forest)
    digest = forest.digest_bytes(0)
    assert len(CoreLinks([])) == 0
    assert len(CoreLinks([(digest, code, 0, 1), (digest, code, 0, 1)])) == 1
    for entry in ((digest[1:], code, 0, 1), (digest, code, 1, 1), (digest, code, 0, -1), (b"\xff" * 32, code, 0, 1)):
        with pytest.raises(ValueError):
            CoreLinks([entry])
    for entries in ([(digest, None, 0, 1)], [(digest, code, 0)]):
        with pytest.raises((TypeError, ValueError)):
            CoreLinks(entries)  # type: ignore[arg-type,list-item]
    machine: Any = core.machine(code, 0, b"", [], [], miden.Limits())
    machine.link(CoreLinks([(digest, code, 0, 1)]), 5, 100)
    assert machine.links_left == (5, 100)
    with pytest.raises(ValueError, match="linked once"):
        machine.link(CoreLinks([]), 1, 1)
    machine = core.machine(code, 0, b"", [], [], miden.Limits())
    machine.run(1)
    with pytest.raises(ValueError, match="before its run"):
        machine.link(CoreLinks([]), 1, 1)


def test_many_links_are_all_found() -> None:
    core = get_backend("core")
    forests = [block_forest(number) for number in range(3000)]
    links = Links(core, forests)
    builder = miden.ForestBuilder()
    for at in (0, 1, 1499, 2999):
        builder.add_root(builder.add_external(forests[at].digests[0]))
    targets = builder.build()
    for number, at in enumerate((0, 1, 1499, 2999)):
        processor = Processor(miden.Program(targets, targets.roots[number]), links=links)
        with pytest.raises(ExecutionError, match="at most 16"):  # it pushed
            processor.run()
        assert processor.state.stack_get(0) == at
