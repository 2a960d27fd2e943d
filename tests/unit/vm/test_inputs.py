"""Stack and advice inputs made in Python."""

from __future__ import annotations

import pytest

from miden.errors import InputError
from miden.field import P, Word
from miden.vm.inputs import AdviceInputs, StackInputs

EDGES = [0, 1, 2**32 - 1, 2**32, P - 1]


def test_the_last_value_from_the_bottom_is_the_top() -> None:
    assert list(StackInputs.from_bottom([1, 2, 3])) == [3, 2, 1]


def test_the_first_value_from_the_top_is_the_top() -> None:
    assert StackInputs.from_top([1, 2, 3])[0] == 1
    assert StackInputs([1, 2, 3]) == StackInputs.from_bottom([3, 2, 1])


def test_every_felt_is_an_input() -> None:
    assert list(StackInputs(EDGES)) == EDGES


@pytest.mark.parametrize("value", [P, -1, 2**64, pytest.param(10**5000, id="huge"), 1.0, "1", None, True])
def test_what_is_not_a_felt_is_no_stack_input(value: object) -> None:
    with pytest.raises(InputError, match="stack input 1") as error:
        StackInputs([0, value])  # type: ignore[list-item]
    assert error.value.kind == "NotFieldElement"


def test_sixteen_inputs_are_the_most() -> None:
    assert len(StackInputs(range(16))) == 16
    with pytest.raises(InputError, match="at most 16 inputs, found 17") as error:
        StackInputs(range(17))
    assert error.value.kind == "InputLengthExceeded"


def test_equal_stack_inputs_hash_alike() -> None:
    assert hash(StackInputs([1])) == hash(StackInputs.from_bottom([1]))
    assert StackInputs([1]) != [1]


def test_advice_keys_become_words() -> None:
    assert AdviceInputs(map={(1, 2, 3, 4): [5]}).map == {Word((1, 2, 3, 4)): (5,)}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "advice",
    [{"stack": [P]}, {"stack": ["1"]}, {"map": {(1, 2, 3): []}}, {"map": {(1, 2, 3, P): []}}, {"map": {(0, 0, 0, 0): [-1]}}],
)
def test_what_is_not_a_felt_is_no_advice(advice: dict[str, object]) -> None:
    with pytest.raises(InputError):
        AdviceInputs(**advice)  # type: ignore[arg-type]


def test_repr_counts() -> None:
    assert repr(AdviceInputs([1], {Word(): ()})) == "<AdviceInputs 1 stack elements, 1 map entry, 0 trees>"
