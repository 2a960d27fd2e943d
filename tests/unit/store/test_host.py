"""A host over a store: code is found in the middle of a run, or the run says exactly what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import miden
from miden.errors import ExecutionError, IntegrityError, LimitError, StorageError
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from miden.vm.host import Host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.mast.library import Library
    from miden.store.keys import ObjectKey

LIBRARY = """
pub proc triple
    push.3 mul
end
pub proc negate
    neg
end
pub proc twice_triple
    exec.triple exec.triple
end
"""

CALLS = """
use lib::arith
begin
    exec.arith::triple
    call.arith::twice_triple
    exec.arith::triple
end
"""


def library(source: str = LIBRARY) -> Library:
    return miden.Assembler().assemble_library({"lib::arith": source})


def program(source: str, *libraries: Library, kind: str = "dynamic") -> miden.Program:
    assembler = miden.Assembler()
    for one in libraries:
        assembler.link_library(one, kind=kind)
    return assembler.assemble_program(source)


class Recording(MemoryProvider):
    """Writes down what it was asked for, and in which way."""

    def __init__(self, name: str = "recording") -> None:
        super().__init__(name)
        self.calls: list[tuple[str, int]] = []

    def get(self, key: ObjectKey) -> bytes | None:
        self.calls.append(("get", 1))
        return super().get(key)

    def get_many(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, bytes]:
        self.calls.append(("get_many", len(keys)))
        return super().get_many(keys)


class Broken(MemoryProvider):
    """Fails like a connection that is lost."""

    def get(self, key: ObjectKey) -> bytes | None:
        raise StorageError("the line is dead", kind="ConnectionFailed", provider=self.name)


def test_external_procedures_come_from_the_store(backend: str) -> None:
    lib = library()
    for policy in ("whole", "procedures"):
        store = ObjectStore([MemoryProvider()], policy=policy)
        store.insert(lib)
        linked = miden.execute(program(CALLS, lib, kind="static"), stack=[2], backend=backend)
        output = miden.execute(program(CALLS, lib), stack=[2], backend=backend, host=Host(store=store))
        assert list(output.stack) == list(linked.stack)
        assert output.stack[0] == 2 * 3**4
        assert output.cycles == miden.execute(program(CALLS, lib), stack=[2], backend=backend, host=Host([lib])).cycles


@pytest.mark.parametrize("instruction", ["dynexec", "dyncall"])
def test_dynamic_targets_come_from_the_store(backend: str, instruction: str) -> None:
    store = ObjectStore([MemoryProvider()], policy="procedures")
    lib = library()
    store.insert(lib)
    root = lib.exports["::lib::arith::triple"]
    assert root is not None
    words = ".".join(map(str, root))
    text = f"begin push.{words} mem_storew_be.40 dropw push.40 {instruction} end"
    output = miden.execute(miden.assemble(text), stack=[7], backend=backend, host=Host(store=store))
    assert output.stack[0] == 21
    assert store.counters.cache.loads == 1


def test_syscalls_come_from_the_store(backend: str) -> None:
    kernel = miden.Assembler().assemble_kernel("pub proc add_five push.5 add end")
    whole = miden.Assembler(kernel).assemble_program("begin syscall.add_five end")
    store = ObjectStore([MemoryProvider()])
    store.insert(kernel)
    assert whole.forest.summary()["external"] == 1
    output = miden.execute(whole, stack=[1], backend=backend, host=Host(store=store))
    assert output.stack[0] == 6
    assert output.cycles == miden.execute(whole, stack=[1], backend=backend, host=Host([kernel])).cycles
    root = store.insert(whole)[0]
    assert miden.execute(store.get_program(root), stack=[1], backend=backend, host=Host(store=store)).stack[0] == 6


def test_the_libraries_of_the_host_come_before_the_store() -> None:
    recording = Recording()
    store = ObjectStore([recording])
    store.insert(library())
    miden.execute(program(CALLS, library()), stack=[2], host=Host([library()], store=store))
    assert recording.calls == []


def test_a_missing_procedure_is_a_trap_that_names_root_place_and_providers(backend: str) -> None:
    lib = library()
    store = ObjectStore([MemoryProvider("near"), Broken("far")])
    with pytest.raises(ExecutionError) as caught:
        miden.execute(program(CALLS, lib), stack=[2], backend=backend, host=Host(store=store))
    error = caught.value
    root = lib.exports["::lib::arith::triple"]
    assert root is not None
    assert error.kind == "ObjectNotFound"
    assert root.to_hex() in error.message
    assert "near" in error.message
    assert "far (the line is dead)" in error.message
    assert error.facts["asked"] == ["near", "far (the line is dead)"]
    assert error.facts["digest"] == root.to_hex()
    assert error.facts["request"] == "external"
    assert error.to_dict()["kind"] == "ObjectNotFound"


def test_a_missing_procedure_is_placed_in_the_source(backend: str) -> None:
    store = ObjectStore([MemoryProvider("near")])
    text = "use lib::arith\nbegin\n    push.5\n    {}.arith::triple\nend"
    for instruction, line in (("exec", "    push.5"), ("call", "    call.arith::triple")):
        with pytest.raises(ExecutionError) as caught:
            miden.execute(program(text.format(instruction), library()), backend=backend, host=Host(store=store))
        assert caught.value.kind == "ObjectNotFound"
        assert line in str(caught.value)
        assert caught.value.facts["location"]["uri"]


def test_a_missing_dynamic_target_says_that_it_was_dynamic(backend: str) -> None:
    store = ObjectStore([MemoryProvider("near")])
    text = "begin push.1.2.3.4 mem_storew_be.40 dropw push.40 dynexec end"
    with pytest.raises(ExecutionError) as caught:
        miden.execute(miden.assemble(text), backend=backend, host=Host(store=store))
    assert (caught.value.kind, caught.value.facts["request"]) == ("ObjectNotFound", "dynamic")


def test_without_a_store_the_errors_are_those_of_the_reference(backend: str) -> None:
    with pytest.raises(ExecutionError) as caught:
        miden.execute(program(CALLS, library()), backend=backend)
    assert caught.value.kind == "NoMastForestWithProcedure"


def test_damaged_code_ends_the_run_and_is_never_executed(backend: str) -> None:
    lib = library()
    bad, good = MemoryProvider("bad"), MemoryProvider("good")
    for provider in (bad, good):
        ObjectStore([provider]).insert(lib)
    for own_id, (data, at) in list(bad._objects.items()):
        bad._objects[own_id] = data[:-60] + bytes([data[-60] ^ 1]) + data[-59:], at
    with pytest.raises(IntegrityError) as caught:
        miden.execute(program(CALLS, lib), stack=[2], backend=backend, host=Host(store=ObjectStore([bad])))
    assert caught.value.expected != caught.value.found
    assert len(bad.quarantined) == 1
    output = miden.execute(program(CALLS, lib), stack=[2], backend=backend, host=Host(store=ObjectStore([bad, good])))
    assert output.stack[0] == 162


def test_a_run_that_stopped_for_a_broken_store_goes_on_when_it_works_again(backend: str) -> None:
    lib = library()
    provider = MemoryProvider()
    store = ObjectStore([provider])
    processor = miden.Processor(program(CALLS, lib), [2], host=Host(store=store), backend=backend)
    provider.get = lambda _key: b"nonsense"  # type: ignore[method-assign]
    with pytest.raises(IntegrityError):
        processor.run()
    del provider.get
    store.insert(lib)
    assert processor.run()
    assert processor.output().stack[0] == 162


def test_what_a_run_fetches_is_limited_in_bytes_and_in_number(backend: str) -> None:
    lib = library()
    store = ObjectStore([MemoryProvider()], policy="procedures")
    roots = store.insert(lib)
    sizes = {root: store.get(root).nbytes for root in roots}
    by_path = {path.rpartition("::")[2]: sizes[root] for path, root in lib.exports.items() if root is not None}
    needed = by_path["triple"] + by_path["twice_triple"]
    calls = program(CALLS, lib)
    for limits in (miden.Limits(max_fetched_bytes=needed), miden.Limits(max_fetches=2)):
        assert miden.execute(calls, stack=[2], backend=backend, host=Host(store=store), limits=limits).stack[0] == 162
    with pytest.raises(LimitError) as caught:
        miden.execute(calls, backend=backend, host=Host(store=store), limits=miden.Limits(max_fetched_bytes=needed - 1))
    assert caught.value.kind == "FetchedBytesLimitExceeded"
    with pytest.raises(LimitError) as caught:
        miden.execute(calls, backend=backend, host=Host(store=store), limits=miden.Limits(max_fetches=1))
    assert caught.value.kind == "FetchLimitExceeded"


def test_a_forest_counts_once_however_many_of_its_roots_are_called() -> None:
    lib = library()
    store = ObjectStore([MemoryProvider()])
    store.insert(lib)
    limits = miden.Limits(max_fetched_bytes=store.get(next(iter(lib.forest.procedure_digests))).nbytes)
    assert miden.execute(program(CALLS, lib), stack=[2], host=Host(store=store), limits=limits).stack[0] == 162


def test_prefetching_asks_once_for_all_that_a_forest_refers_to(backend: str) -> None:
    source = "\n".join(f"pub proc p{number} push.{number} add end" for number in range(30))
    lib = miden.Assembler().assemble_library({"lib::many": source})
    calls = "\n".join(f"exec.many::p{number}" for number in range(30))
    caller = program(f"use lib::many\nbegin {calls} end", lib)
    one_by_one, at_once = Recording(), Recording()
    for recording, prefetch in ((one_by_one, False), (at_once, True)):
        store = ObjectStore([recording], policy="procedures")
        store.insert(lib)
        output = miden.execute(caller, backend=backend, host=Host(store=store, prefetch=prefetch))
        assert output.stack[0] == sum(range(30))
    assert one_by_one.calls == [("get", 1)] * 30
    assert at_once.calls == [("get_many", 30)]


def test_prefetching_follows_what_was_fetched_and_is_no_error_for_what_is_missing(backend: str) -> None:
    inner = miden.Assembler().assemble_library({"lib::inner": "pub proc one push.1 add end\npub proc two push.2 add end"})
    outer = miden.Assembler()
    outer.link_library(inner, kind="dynamic")
    middle = outer.assemble_library({"lib::middle": "use lib::inner\npub proc both exec.inner::one exec.inner::two end"})
    recording = Recording()
    store = ObjectStore([recording], policy="procedures")
    for lib in (inner, middle):
        store.insert(lib)
    missing = "use lib::middle\nbegin dup if.true exec.middle::both else push.0.0.0.0 mem_storew_be.40 dropw push.40 dynexec end end"
    output = miden.execute(program(missing, middle), stack=[1], backend=backend, host=Host(store=store, prefetch=True))
    assert output.stack[0] == 4
    assert recording.calls == [("get", 1), ("get_many", 2)]
