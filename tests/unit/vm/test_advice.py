"""The advice provider: what merges do, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miden.field import Word
from miden.vm.advice import AdviceProvider, PrecompileRequest
from miden.vm.advice_error import AdviceError
from miden.vm.backends import get_backend
from miden.vm.inputs import AdviceInputs
from miden.vm.options import DEFAULT_LIMITS
from tests.unit.vm.conftest import block_program

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = [Word((n, 0, 0, 0)) for n in range(1, 5)]


@pytest.fixture
def provider(backend: str) -> Callable[..., AdviceProvider]:
    def make(stack: list[int] | None = None, entries: dict[Word, list[int]] | None = None) -> AdviceProvider:
        machine_backend = get_backend(backend)
        code = machine_backend.load(block_program("noop").forest)
        inputs = AdviceInputs(stack or [], entries)
        machine = machine_backend.machine(code, 0, b"", [], inputs.stack, DEFAULT_LIMITS)
        return AdviceProvider(inputs, machine_backend, machine, DEFAULT_LIMITS.max_advice)

    return make


def test_the_first_value_pushed_is_popped_first(provider: Callable[..., AdviceProvider]) -> None:
    advice = provider([3])
    advice.push([1, 2])
    assert advice.stack() == [1, 2, 3]


def test_merging_equal_entries_changes_nothing(provider: Callable[..., AdviceProvider]) -> None:
    advice = provider([], {KEYS[0]: [1]})
    advice.merge({KEYS[0]: [1], KEYS[1]: [2]})
    assert advice.map() == {KEYS[0]: (1,), KEYS[1]: (2,)}


def test_a_merge_that_conflicts_changes_nothing(provider: Callable[..., AdviceProvider]) -> None:
    advice = provider([], {KEYS[0]: [1]})
    with pytest.raises(AdviceError, match="already present"):
        advice.merge({KEYS[1]: [2], KEYS[0]: [3]})
    assert advice.map() == {KEYS[0]: (1,)}


def test_the_conflict_reported_is_the_first_in_montgomery_order(provider: Callable[..., AdviceProvider]) -> None:
    early, late = Word((2**32 + 1, 0, 0, 0)), Word((1, 0, 0, 0))  # in Montgomery form 2**32 - 2 and 2**32 - 1
    advice = provider([], {late: [1], early: [1]})
    with pytest.raises(AdviceError) as error:
        advice.merge({late: [2], early: [2]})
    assert early.to_hex() in error.value.message
    assert list(advice.map()) == [early, late]


def test_requests_are_kept_in_order(provider: Callable[..., AdviceProvider]) -> None:
    advice = provider()
    advice.add_requests([PrecompileRequest(1, b"a"), PrecompileRequest(2, b"b")])
    assert advice.requests == [PrecompileRequest(1, b"a"), PrecompileRequest(2, b"b")]
    assert len({PrecompileRequest(1, b"a"), PrecompileRequest(1, b"a")}) == 1


def test_repr_counts(provider: Callable[..., AdviceProvider]) -> None:
    assert repr(provider([], {KEYS[0]: []})) == "<AdviceProvider 1 map entries, 0 nodes, 0 requests>"
    assert len(provider([], {KEYS[0]: []})) == 1
    assert list(provider([], {KEYS[0]: []})) == [KEYS[0].to_bytes()]
