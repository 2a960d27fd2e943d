"""The word store of the pure machine."""

from __future__ import annotations

import pytest

from miden.pure.memory import Memory
from miden.pure.stops import Fault
from miden.status import Status


def test_words_of_different_contexts_are_different() -> None:
    memory = Memory(100)
    memory.write_element(1, 5, 9)
    assert memory.read_element(1, 5) == 9
    assert memory.read_element(0, 5) == 0
    assert memory.elements == 4


def test_reserving_writes_nothing() -> None:
    memory = Memory(8)
    memory.reserve(0, (0, 4))
    assert memory.contexts == {}
    with pytest.raises(Fault) as trap:
        memory.reserve(0, (0, 4, 8))
    assert (trap.value.status, trap.value.values) == (Status.MEMORY_LIMIT, (8,))


def test_a_word_that_is_read_cannot_be_written_through() -> None:
    memory = Memory(8)
    with pytest.raises(TypeError):
        memory.read_word(0, 0)[0] = 1  # type: ignore[index]
