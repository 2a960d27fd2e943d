"""Limits: what they accept, and that they stay as they are."""

from __future__ import annotations

import pickle

import pytest

from miden.errors import InputError
from miden.vm.options import MAX_CYCLES, Limits


def test_limits_have_the_documented_defaults() -> None:
    assert Limits().to_dict() == {
        "max_cycles": 2**29,
        "max_stack": 2**20,
        "max_memory": 2**26,
        "max_advice": 2**26,
        "max_continuations": 2**22,
        "max_fetches": 10**4,
        "max_fetched_bytes": 2**28,
        "deadline": None,
    }


def test_limits_cannot_be_changed() -> None:
    limits = Limits()
    with pytest.raises(AttributeError, match="replace"):
        limits.max_cycles = 5
    with pytest.raises(AttributeError):
        del limits.max_cycles


def test_replace_changes_a_copy() -> None:
    limits = Limits(max_stack=100)
    assert limits.replace(max_cycles=5).to_dict() == {**limits.to_dict(), "max_cycles": 5}
    assert limits.max_cycles == 2**29


def test_equal_limits_are_equal_and_hash_alike() -> None:
    assert Limits(max_cycles=7) == Limits(max_cycles=7) != Limits()
    assert hash(Limits(max_cycles=7)) == hash(Limits(max_cycles=7))
    assert Limits() != 5


def test_limits_survive_pickling() -> None:
    assert pickle.loads(pickle.dumps(Limits(deadline=2.5))) == Limits(deadline=2.5)  # noqa: S301  our own bytes


def test_repr_shows_what_was_changed() -> None:
    assert repr(Limits(max_cycles=7, deadline=1.0)) == "Limits(max_cycles=7, deadline=1.0)"


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("max_cycles", 1, MAX_CYCLES),
        ("max_stack", 16, 2**31),
        ("max_memory", 0, 2**40),
        ("max_advice", 0, 2**40),
        ("max_continuations", 1, 2**31),
        ("max_fetches", 0, 2**31),
        ("max_fetched_bytes", 0, 2**40),
    ],
)
def test_each_limit_has_a_range(name: str, least: int, most: int) -> None:
    for value in (least, most):
        assert getattr(Limits(**{name: value}), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(InputError, match=name) as error:
            Limits(**{name: value})
        assert error.value.kind == "InvalidLimit"


@pytest.mark.parametrize("value", [1.5, "7", None, True])
def test_a_limit_is_an_integer(value: object) -> None:
    with pytest.raises(InputError, match="max_cycles must be an integer"):
        Limits(max_cycles=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), 1e9, "1", True])
def test_a_deadline_is_a_positive_number_of_seconds(value: object) -> None:
    with pytest.raises(InputError, match="deadline"):
        Limits(deadline=value)  # type: ignore[arg-type]
