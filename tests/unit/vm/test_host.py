"""The host: events, handlers, mutations, and the forests it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from miden.errors import ExecutionError, InputError
from miden.field import P, Word
from miden.hashing import event_id
from miden.mast.builder import ForestBuilder
from miden.vm.advice import PrecompileRequest
from miden.vm.host import Host, NullHost
from miden.vm.mutations import ExtendMap, ExtendMerkleStore, ExtendPrecompileRequests, ExtendStack
from tests.support.columns import parse_operations

if TYPE_CHECKING:
    from miden.mast.forest import MastForest
    from miden.vm.state import ProcessState
    from tests.unit.vm.conftest import Run

NAME = "app::event"
ID = event_id(NAME)
KEY = Word((1, 2, 3, 4))


def answer(*mutations: Any) -> Host:
    return Host(handlers={NAME: lambda _: mutations})


def failure(run: Run, host: Host | None, text: str = "emit", stack: tuple[int, ...] = (ID,)) -> ExecutionError:
    with pytest.raises(ExecutionError) as error:
        run(text, stack=list(stack), host=host)
    return error.value


# -- registration


def test_handlers_are_registered_by_name_or_id() -> None:
    host = Host(handlers={NAME: lambda _: None})
    assert host.register(5, lambda _: None) == 5
    assert host.events == (NAME, "5")
    assert (host.resolve_event(ID), host.resolve_event(5), host.resolve_event(6)) == (NAME, None, None)


@pytest.mark.parametrize("event", ["sys::ilog2", 7444351342957461231])
def test_system_events_are_reserved(event: str | int) -> None:
    with pytest.raises(InputError, match=r"attempted to add event handler for '.*' \(reserved system event\)") as error:
        Host(handlers={event: lambda _: None})
    assert error.value.kind == "ReservedEventNamespace"


def test_an_event_has_one_handler() -> None:
    host = answer()
    with pytest.raises(InputError, match=rf"attempted to add event handler for '{NAME}' \(already registered\)") as error:
        host.register(ID, lambda _: None, name=NAME)
    assert error.value.kind == "DuplicateEventHandler"


def test_handlers_can_be_replaced_and_removed() -> None:
    host = answer()
    assert host.replace(NAME, lambda _: None)
    assert host.unregister(NAME)
    assert not host.unregister(NAME)
    assert not host.replace(NAME, lambda _: None)


@pytest.mark.parametrize("event", [-1, P, 1.5])
def test_an_event_id_is_a_felt(event: object) -> None:
    with pytest.raises(InputError, match="event id"):
        Host().register(event, lambda _: None)  # type: ignore[arg-type]


# -- mutations


def test_the_last_value_pushed_becomes_the_top(run: Run) -> None:
    assert run("emit", stack=[ID], host=answer(ExtendStack([1, 2]), ExtendStack([3]))).advice_stack == [3, 2, 1]
    assert run("emit", stack=[ID], host=answer(ExtendStack.popped_first([1, 2]))).advice_stack == [1, 2]


def test_map_entries_are_merged(run: Run) -> None:
    assert run("emit emit", stack=[ID], host=answer(ExtendMap({KEY: [5]}))).advice_map == {KEY: (5,)}


def test_a_map_conflict_is_an_advice_error(run: Run) -> None:
    error = failure(run, answer(ExtendMap({KEY: [5]}), ExtendMap({KEY: [6]})))
    assert (error.kind, error.clk) == ("AdviceError", 1)
    assert error.message.startswith("advice provider error at clock cycle 1: value for key")


def test_store_nodes_are_taken_as_they_are(run: Run) -> None:
    store = run("emit", stack=[ID], host=answer(ExtendMerkleStore([(KEY, Word(), KEY)]))).merkle_store
    assert store.get_node(KEY.to_bytes(), 1, 1) == KEY.to_bytes()


def test_precompile_requests_are_appended(run: Run) -> None:
    output = run("emit emit", stack=[ID], host=answer(ExtendPrecompileRequests([(7, b"data")])))
    assert output.precompile_requests == (PrecompileRequest(7, b"data"), PrecompileRequest(7, b"data"))


@pytest.mark.parametrize("make", [lambda: ExtendStack([P]), lambda: ExtendMap({KEY: [-1]}), lambda: ExtendPrecompileRequests([(P, b"")])])
def test_mutations_hold_felts(make: Any) -> None:
    with pytest.raises(InputError):
        make()


# -- events at run time


def test_an_event_without_a_handler_fails(run: Run) -> None:
    error = failure(run, None)
    assert error.kind == "EventError"
    assert error.message == f"error during processing of event with ID: {ID}: no event handler registered"


def test_an_exception_of_a_handler_ends_the_run(run: Run) -> None:
    def handler(state: ProcessState) -> None:
        raise ValueError("no such account")

    error = failure(run, Host(handlers={NAME: handler}), "noop noop emit")
    assert error.message == f"error during processing of event '{NAME}' (ID: {ID}): no such account"
    assert (error.clk, error.op_index, error.facts["cause"]) == (3, 2, "ValueError")
    assert isinstance(error.__cause__, ValueError)


def test_an_exception_that_says_little_is_named(run: Run) -> None:
    error = failure(run, Host(handlers={NAME: lambda _: dict[str, Any]()["x"]}))
    assert error.message.endswith(": KeyError: 'x'")


@pytest.mark.parametrize("result", [5, [5], ["ExtendStack"], {"values": [1]}])
def test_a_handler_returns_mutations(run: Run, result: Any) -> None:
    assert "an event handler returns" in failure(run, Host(handlers={NAME: lambda _: result})).message


def test_a_handler_may_be_a_generator(run: Run) -> None:
    def handler(state: ProcessState) -> Any:
        yield ExtendStack([state.clk])

    assert run("emit", stack=[ID], host=Host(handlers={NAME: handler})).advice_stack == [1]


def test_the_null_host_ignores_events(run: Run) -> None:
    assert run("emit", stack=[ID], host=NullHost()).stack[0] == ID


def test_a_handler_sees_the_state(run: Run) -> None:
    seen: dict[str, Any] = {}

    def handler(state: ProcessState) -> None:
        seen.update(
            clk=state.clk,
            ctx=state.ctx,
            depth=state.depth,
            top=state.stack_get(0),
            below=state.stack_get(99),
            word=state.stack_word(1),
            stack=state.stack(),
            unwritten=state.memory_get(100),
            untouched=state.memory_get(42),
            written=state.memory_get(40),
            memory_word=state.memory_word(40),
            no_word=state.memory_word(44),
            memory=state.memory(),
            advice=state.advice.stack(),
            advice_depth=state.advice_depth,
            digest=state.hash_elements([0]),
            addresses=state.memory_range(3, 4),
        )

    run("push.5 push.40 mstore drop emit", stack=[ID, 1, 2, 3, 4], host=Host(handlers={NAME: handler}))
    assert seen["clk"] == 5
    assert seen["ctx"] == 0
    assert seen["depth"] == 16
    assert seen["top"] == ID
    assert seen["below"] == 0
    assert seen["word"] == (4, 3, 2, 1)
    assert seen["stack"][:5] == [ID, 1, 2, 3, 4]
    assert (seen["unwritten"], seen["untouched"], seen["written"]) == (None, 0, 5)
    assert (seen["memory_word"], seen["no_word"]) == ((5, 0, 0, 0), None)
    assert seen["memory"] == {40: 5, 41: 0, 42: 0, 43: 0}
    assert (seen["advice"], seen["advice_depth"]) == ([], 0)
    assert seen["digest"][0] == 18126731724905382595
    assert seen["addresses"] == range(3, 4)


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda state: state.memory_word(41), "word access at memory address 41 in context 0 is unaligned"),
        (lambda state: state.memory_get(2**32), "memory address cannot exceed 2^32 but was 4294967296"),
        (lambda state: state.memory_get(-1), "memory address cannot exceed 2^32 but was -1"),
        (lambda state: state.memory_range(1, 2), "memory range start address cannot exceed end address, but was (2, 1)"),
        (lambda state: state.advice.get_node(KEY, 1, 2), "provided node index 2 is out of bounds for a merkle tree node at depth 1"),
    ],
)
def test_what_a_handler_may_not_ask(run: Run, ask: Any, text: str) -> None:
    error = failure(run, Host(handlers={NAME: ask}), stack=(ID, 2, 1))
    assert error.message.endswith(text)


def test_a_handler_reads_the_advice_provider(run: Run) -> None:
    seen: list[Any] = []

    def handler(state: ProcessState) -> Any:
        view = state.advice
        seen.append((view.get(KEY), view.map(), view.has_root(KEY)))
        if view.has_root(KEY):
            seen.append((view.get_node(KEY, 1, 1), view.get_path(KEY, 1, 1)))
        return [ExtendMap({KEY: [5]}), ExtendMerkleStore([(KEY, Word(), KEY)])]

    run("emit emit", stack=[ID], host=Host(handlers={NAME: handler}))
    assert seen == [(None, {}, False), ((5,), {KEY: (5,)}, True), (KEY, [Word()])]


# -- forests


def forest_of(text: str, *, external: bool = False) -> MastForest:
    builder = ForestBuilder()
    builder.add_root(builder.add_block(*parse_operations(text)))
    if external:
        builder.add_root(builder.add_external(KEY))
    return builder.build()


def test_procedure_roots_are_served() -> None:
    forest = forest_of("incr")
    host = Host([forest])
    assert host.get_forest(forest.digests[0]) is forest
    assert list(host.roots()) == [forest.digests[0]]
    assert repr(host) == "<Host 1 roots, 0 events>"


def test_roots_that_are_external_are_not_served() -> None:
    assert Host([forest_of("incr", external=True)]).get_forest(KEY) is None


def test_a_later_library_replaces_an_earlier_one() -> None:
    first, second = forest_of("incr"), forest_of("incr", external=True)
    assert Host([first, second]).get_forest(first.digests[0]) is second


def test_what_a_handler_advises_is_not_lost(run: Run) -> None:
    def fail(_: ProcessState) -> None:
        raise InputError("a library is missing", hint="pip install it")

    assert failure(run, Host(handlers={NAME: fail})).hint == "pip install it"
