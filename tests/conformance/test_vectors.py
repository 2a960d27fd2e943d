"""Both backends give what the reference gives, row by row, on every vector.

A test covers a slice of one file, so that a failure names a few rows and workers can share the load. The pure
backend replays a fixed sample by default and everything under the marker `slow`.
"""

from __future__ import annotations

import pytest

from tests.support.programs import require_backend
from tests.support.vectors import VECTORS, differences, rows

SLICE = 50
PURE_SAMPLE = 5
NAMES = ("hashing", "instructions", "advice", "syntax", "special", "hot", "programs", "formats")


def slices() -> list[tuple[str, int]]:
    return [(name, start) for name in NAMES for start in range(0, len(rows(name)), SLICE)]


def check(name: str, start: int, stop: int, step: int, backend: str) -> None:
    require_backend(backend)
    problems = []
    for number, row in list(enumerate(rows(name), 1))[start:stop:step]:
        problems += [f"{name}:{number}: {line}" for line in differences(row, backend)]
    assert not problems, "\n".join(["", *problems[:10]])


def test_every_file_of_vectors_is_replayed() -> None:
    assert {path.name.split(".")[0] for path in VECTORS.glob("*.gz")} == set(NAMES)


@pytest.mark.parametrize(("name", "start"), slices())
def test_core_agrees_with_the_reference(name: str, start: int) -> None:
    check(name, start, start + SLICE, 1, "core")


@pytest.mark.parametrize(("name", "start"), slices())
def test_pure_agrees_with_the_reference_on_a_sample(name: str, start: int) -> None:
    check(name, start, start + SLICE, PURE_SAMPLE, "pure")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "start"), slices())
def test_pure_agrees_with_the_reference(name: str, start: int) -> None:
    check(name, start, start + SLICE, 1, "pure")
