"""The advice map of a forest."""

from __future__ import annotations

import pytest

from miden.errors import InputError
from miden.field import P, Word
from miden.mast.advice_map import AdviceMap, montgomery_key


def test_keys_iterate_in_montgomery_order() -> None:
    keys = [(0, 0, 0, 0), (0, 0, 0, 5), (2**32 + 1, 0, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0), (P - 1, 0, 0, 0)]
    assert list(AdviceMap((key, ()) for key in reversed(keys))) == keys
    assert [montgomery_key(key)[0] for key in keys[3:]] == [4294967295, 8589934590, 18446744065119617026]


def test_a_map_is_a_mapping_of_words_to_felts() -> None:
    advice = AdviceMap({(1, 2, 3, 4): [5]})
    assert advice[Word((1, 2, 3, 4))] == advice[1, 2, 3, 4] == (5,)
    assert (1, 2, 3, 4) in advice
    assert advice.get((0, 0, 0, 0)) is None
    assert advice == AdviceMap([(Word((1, 2, 3, 4)), (5,))])
    assert hash(advice) == hash(AdviceMap({(1, 2, 3, 4): [5]}))
    assert advice != {Word((1, 2, 3, 4)): (5,)}


@pytest.mark.parametrize("entries", [{(1, 2, 3): []}, {(1, 2, 3, P): []}, {(1, 2, 3, 4): [P]}, {(1, 2, 3, 4): ["x"]}])
def test_what_is_no_advice_is_refused(entries: dict[tuple[int, ...], list[int]]) -> None:
    with pytest.raises(InputError):
        AdviceMap(entries)


def test_merging_unites_and_keeps_the_inputs() -> None:
    first, second = AdviceMap({(1, 0, 0, 0): [1]}), AdviceMap({(1, 0, 0, 0): [1], (2, 0, 0, 0): [2]})
    assert first.merge(second) == second
    assert len(first) == 1


def test_merging_different_values_of_a_key_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        AdviceMap({(1, 0, 0, 0): [1]}).merge(AdviceMap({(1, 0, 0, 0): [2]}))
    assert caught.value.kind == "AdviceMapKeyCollisionOnMerge"


def test_extending_takes_the_new_values() -> None:
    assert AdviceMap({(1, 0, 0, 0): [1]}).extend(AdviceMap({(1, 0, 0, 0): [2]}))[1, 0, 0, 0] == (2,)
