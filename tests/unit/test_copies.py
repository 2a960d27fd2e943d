"""What people send between processes, or copy: programs that ran, what runs leave, errors."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import miden
from miden import errors
from miden.actors.interfaces import parse_interface
from miden.errors import MidenError
from miden.ipld.cid import Cid
from miden.vm.merkle import MerkleTree

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),  # noqa: S301  our own bytes
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
ERRORS = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MidenError)), key=lambda kind: kind.__name__
)


@pytest.fixture(params=WAYS)
def again(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return WAYS[request.param]


def test_a_program_that_ran(again: Callable[[Any], Any], backend: str) -> None:
    program = miden.assemble("begin push.2 mul end")
    before = miden.execute(program, [4], backend=backend)
    twin = again(program)
    assert twin == program
    assert twin.to_bytes() == program.to_bytes()
    assert miden.execute(twin, [4], backend=backend).stack == before.stack


def test_what_a_run_leaves(again: Callable[[Any], Any], backend: str) -> None:
    leaves = [miden.Word((number, 0, 0, 0)) for number in range(4)]
    advice = miden.AdviceInputs(stack=[1, 2], map={leaves[1]: [5, 6]}, store=[MerkleTree(leaves)])
    output = miden.execute(miden.assemble("begin push.7 push.100 mem_store adv_push.1 drop end"), advice=advice, backend=backend)
    twin = again(output)
    assert twin.to_dict(memory=True) == output.to_dict(memory=True)
    assert twin.to_dict(memory=True)["memory"]["0"][0] == [100, 7]
    assert (twin.advice_map, twin.snapshot(), twin.mhz) == (output.advice_map, output.snapshot(), output.mhz)
    assert list(twin.merkle_store.nodes()) == list(output.merkle_store.nodes())
    assert len(twin.merkle_store) > 0
    assert repr(again(twin)) == repr(output)


def test_memory_of_many_contexts_is_told_in_one_pass(backend: str) -> None:
    """A pass for each of 20,000 contexts would take minutes."""
    program = miden.assemble("proc f push.1 drop end proc g repeat.100 call.f end end begin repeat.200 exec.g end end")
    output = miden.execute(program, backend=backend)
    twin = pickle.loads(pickle.dumps(output))  # noqa: S301  our own bytes
    assert len(twin.contexts) == 1 + 20_000
    assert twin.contexts == output.contexts
    assert all(twin.memory(ctx) == output.memory(ctx) for ctx in twin.contexts[::7000])


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_errors(again: Callable[[Any], Any], kind: type[MidenError]) -> None:
    facts = {
        name: 3 if name in ("line", "offset", "clk") else name
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.kind == parameter.KEYWORD_ONLY and name not in ("diagnostic", "diagnostics", "facts", "reasons", "asked")
    }
    error = kind("what happened", **facts)
    twin = again(error)
    assert type(twin) is kind
    assert (str(twin), twin.args, twin.to_dict()) == (str(error), error.args, error.to_dict())


def test_errors_with_a_place_in_the_source(again: Callable[[Any], Any]) -> None:
    for source in ("begin nothing end", "begin push.2 assert end"):
        with pytest.raises(MidenError) as caught:
            miden.execute(miden.assemble(source))
        assert str(again(caught.value)) == str(caught.value)


def test_interfaces_and_what_their_methods_give(again: Callable[[Any], Any]) -> None:
    interface = parse_interface("actor a method Get() -> (count Int, from Link)")
    assert again(interface) == interface
    assert hash(again(interface)) == hash(interface)
    assert interface != parse_interface("actor b")
    assert repr(interface) == "<Interface a: Get>"
    link = Cid.of(b"x")
    given = interface.decode_result("Get", b"\x82\x05\xd8\x2a\x58\x27\0" + link.to_bytes())
    assert again(given) == given
    assert (again(given).count, again(given).from_) == (5, link)
