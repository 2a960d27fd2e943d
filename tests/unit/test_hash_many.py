"""Hashing the rows of numpy matrices, with and without the core."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

import miden
from miden import hashing

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

P = 2**64 - 2**32 + 1


@pytest.fixture(params=["as built", "without the core"])
def door(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`miden.hashing` as it is here, and as it is where the core is not built."""
    if request.param == "as built":
        return hashing
    monkeypatch.setitem(sys.modules, "miden._core", None)
    spec = importlib.util.spec_from_file_location("hashing_without_core", hashing.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not module.HAVE_CORE
    return module


def words(digests: NDArray[np.uint64]) -> list[tuple[int, ...]]:
    return [tuple(row) for row in digests.tolist()]


@pytest.mark.parametrize("shape", [(1, 1), (3, 8), (9, 5), (0, 4), (4, 0), (0, 0)])
def test_each_row_of_the_result_is_a_digest(door: ModuleType, shape: tuple[int, int]) -> None:
    rows = np.arange(shape[0] * shape[1], dtype=np.uint64).reshape(shape)
    digests = door.hash_many(rows)
    assert digests.shape == (shape[0], 4)
    assert digests.dtype == np.uint64
    assert words(digests) == [tuple(miden.hash_elements(row)) for row in rows.tolist()]


def test_a_view_that_is_not_contiguous_is_hashed_as_it_reads() -> None:
    cells = np.arange(64, dtype=np.uint64).reshape(8, 8)
    for view in (cells.T, cells[:, ::2], cells[::-1], np.asfortranarray(cells)):
        assert words(miden.hash_many(view)) == [tuple(miden.hash_elements(row)) for row in view.tolist()]


def test_a_read_only_array_is_accepted() -> None:
    rows = np.ones((3, 4), dtype=np.uint64)
    rows.flags.writeable = False
    assert miden.hash_many(rows).shape == (3, 4)


@pytest.mark.parametrize(
    "rows",
    [
        np.zeros(8, dtype=np.uint64),
        np.zeros((2, 2, 2), dtype=np.uint64),
        np.zeros((2, 2), dtype=np.int64),
        np.zeros((2, 2), dtype=np.float64),
        np.zeros((2, 2), dtype=">u8"),
        [[1, 2], [3, 4]],
        None,
    ],
)
def test_anything_but_a_matrix_of_felts_is_an_input_error(rows: object) -> None:
    with pytest.raises(miden.InputError, match="must be a numpy matrix of uint64, found"):
        miden.hash_many(rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [P, 2**64 - 1])
def test_a_value_that_is_not_below_p_is_an_input_error(door: ModuleType, value: int) -> None:
    rows = np.zeros((3, 3), dtype=np.uint64)
    rows[2, 1] = value
    with pytest.raises(miden.InputError) as caught:
        door.hash_many(rows)
    assert caught.value.kind == "InvalidFelt"
    assert str(value) in str(caught.value)


@pytest.mark.parametrize("threads", [0, 3, -1, "two"])
def test_other_numbers_of_threads_are_an_input_error(threads: object) -> None:
    with pytest.raises(miden.InputError, match="threads must be 1, 2 or None"):
        miden.hash_many(np.zeros((1, 1), dtype=np.uint64), threads=threads)  # type: ignore[arg-type]
