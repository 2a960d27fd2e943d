"""Both backends give what the reference gives, row by row, on every vector.

A test covers a slice of one file, so that a failure names a few rows and workers can share the load.
"""

from __future__ import annotations

import pytest

from tests.support.vectors import VECTORS, differences, rows

SLICE = 50
NAMES = ("hashing", "instructions", "advice", "syntax", "special", "hot", "programs", "formats")


def slices() -> list[tuple[str, int]]:
    return [(name, start) for name in NAMES for start in range(0, len(rows(name)), SLICE)]


def test_every_file_of_vectors_is_replayed() -> None:
    assert {path.name.split(".")[0] for path in VECTORS.glob("*.gz")} == set(NAMES)


@pytest.mark.parametrize(("name", "start"), slices())
def test_rows_agree_with_the_reference(backend: str, name: str, start: int) -> None:
    problems = []
    for number, row in enumerate(rows(name)[start : start + SLICE], start + 1):
        problems += [f"{name}:{number}: {line}" for line in differences(row, backend)]
    assert not problems, "\n".join(["", *problems[:10]])
