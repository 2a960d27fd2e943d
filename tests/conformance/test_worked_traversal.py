"""The worked traversal of two forests from the proposal that made MAST the object code, row by row.

The proposal (the source document on on-demand provisioning of MAST objects) walks a program through forest A, which has
two trees, and forest B, which has one, and shows for every step the position, the action, and the stack of
continuations, each written (forest, node, index). Two things were named otherwise then: a span could hold calls among
its operations, which a join does now, and there were no rows for the end of a node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import miden
from miden.isa import OP
from miden.mast.advice_map import AdviceMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.vm.processor import Processor

    Place = tuple[str, int, int]
    Row = tuple[Place, str, list[Place]]

SKIP = None
"""The table of the document; SKIP is where it says ``skip``."""
TABLE: list[Row | None] = [
    (("A", 0, 0), "Enter", []),
    (("A", 1, 0), "Enter", [("A", 0, 1)]),
    (("A", 2, 0), "Enter", [("A", 1, 1), ("A", 0, 1)]),
    (("A", 3, 0), "Enter", [("A", 2, 1), ("A", 1, 1), ("A", 0, 1)]),
    (("B", 0, 0), "Call", [("A", 2, 1), ("A", 1, 1), ("A", 0, 1)]),
    (("B", 1, 0), "Enter", [("B", 0, 1), ("A", 2, 1), ("A", 1, 1), ("A", 0, 1)]),
    SKIP,
    (("B", 5, 2), "Enter", [("A", 2, 1), ("A", 1, 1), ("A", 0, 1)]),
    (("A", 2, 1), "Enter", [("A", 1, 1), ("A", 0, 1)]),
    SKIP,
    (("A", 1, 1), "Enter", [("A", 0, 1)]),
    SKIP,
    (("A", 0, 1), "Enter", []),
]

ENTERED_BY_CALL = ("FINISH_CALL", "FINISH_DYN", "ENTER_FOREST")
KEY = miden.Word.from_hex("0x" + "07" * 32)


def operations(*names: str) -> bytes:
    return bytes(OP[name] for name in names)


class Forests:
    """Forests A and B, and the document's number of every node that it numbers."""

    def __init__(self) -> None:
        b = miden.ForestBuilder()
        b1 = b.add_block(operations("INCR", "INCR", "INCR"))
        b5 = b.add_block(operations("INCR", "INCR", "NEG"))
        b0 = b.add_join(b1, b5)
        b.add_root(b0)
        b.advice_map = AdviceMap({KEY: (1, 2, 3)})
        self.b = b.build()
        a = miden.ForestBuilder()
        a11 = a.add_block(operations("INCR", "NEG", "INCR"))
        a.add_root(a11)
        a3 = a.add_call(a.add_external(self.b.digest_bytes(b0)))
        a2 = a.add_join(a3, a.add_block(operations("NEG", "INCR")))  # the span 2 with children 3, 4 and 5
        a6 = a.add_block(operations("NEG", "NEG", "NEG"))
        a1 = a.add_join(a2, a6)
        a10 = a.add_call(a11)
        a0 = a.add_join(a1, a10)
        a.add_root(a0)
        self.program = miden.Program(a.build(), a0)
        self.numbers = {
            "A": {a0: 0, a1: 1, a2: 2, a3: 3, a6: 6, a10: 10, a11: 11},
            "B": {b0: 0, b1: 1, b5: 5},
        }

    def name(self, forest: miden.MastForest) -> str:
        return "B" if forest is self.b else "A"


def row_of(forests: Forests, processor: Processor) -> Row | None:
    """Return the row of the document for the row that runs next, None for the end of a node."""
    forest, node, op_index = processor.position
    records = processor.continuations()
    kind = records[0][0]
    names = [(kind, forests.name(forest), forests.numbers[forests.name(forest)].get(node)) for kind, forest, node in records]

    def resumed(index: int) -> Place | None:
        """Return the second child that record `index` stands for."""
        if names[index][0] == "START_NODE" and names[index + 1 : index + 2] and names[index + 1][0] == "FINISH_JOIN":
            _, where, number = names[index + 1]
            assert number is not None
            return where, number, 1
        return None

    stack = [place for place in (resumed(index) for index in range(1, len(names))) if place is not None]
    number = forests.numbers[forests.name(forest)].get(node, -1)
    if kind == "IN_BLOCK" and op_index >= 0:
        return (forests.name(forest), number, op_index), "Enter", stack
    if kind != "START_NODE":
        return None
    action = "Call" if len(names) > 1 and names[1][0] in ENTERED_BY_CALL else "Enter"
    return resumed(0) or (forests.name(forest), number, 0), action, stack


def walk(backend: str, hook: Callable[[Forests, Processor], None]) -> Forests:
    """Run the program one row at a time and call `hook` before each."""
    forests = Forests()
    processor = miden.Processor(forests.program, host=miden.Host([forests.b]), backend=backend)
    processor.run(0)
    while not processor.done:
        hook(forests, processor)
        processor.run(1)
    return forests


def traced(backend: str) -> list[Row]:
    rows: list[Row] = []

    def hook(forests: Forests, processor: Processor) -> None:
        row = row_of(forests, processor)
        if row is not None:
            rows.append(row)

    walk(backend, hook)
    return rows


def test_the_walk_over_both_forests_has_the_rows_of_the_document(backend: str) -> None:
    rows = iter(traced(backend))
    may_skip = False
    for expected in TABLE:
        if expected is SKIP:
            may_skip = True
            continue
        found = next(rows, None)
        while may_skip and found is not None and found != expected:
            found = next(rows, None)
        assert found == expected
        may_skip = False


def test_what_the_document_skips_are_the_operations_of_blocks(backend: str) -> None:
    places = [place for place, _, _ in traced(backend)]
    assert places.count(("B", 0, 1)) == 1
    assert [place for place in places if place[:2] == ("B", 5)] == [("B", 5, 0), ("B", 5, 1), ("B", 5, 2)]
    assert places[-4:] == [("A", 11, 0), ("A", 11, 0), ("A", 11, 1), ("A", 11, 2)]


def test_both_machines_hold_the_same_continuations_at_every_row() -> None:
    def record(into: list[object]) -> Callable[[Forests, Processor], None]:
        def hook(forests: Forests, processor: Processor) -> None:
            into.append([(kind, forests.name(forest), node) for kind, forest, node in processor.continuations()])

        return hook

    seen: dict[str, list[object]] = {"core": [], "pure": []}
    for name, into in seen.items():
        try:
            walk(name, record(into))
        except miden.BackendError as error:
            pytest.skip(str(error))
    assert seen["core"] == seen["pure"]


def test_a_forest_is_initialised_when_it_is_first_entered(backend: str) -> None:
    first_row_in_b: list[int] = []
    has_key: list[tuple[int, bool]] = []

    def hook(forests: Forests, processor: Processor) -> None:
        if forests.name(processor.position[0]) == "B" and not first_row_in_b:
            first_row_in_b.append(processor.clk)
        has_key.append((processor.clk, processor.state.advice.get(KEY) is not None))

    walk(backend, hook)
    assert next(clk for clk, there in has_key if there) == first_row_in_b[0] > 0


def test_nothing_is_left_to_do_at_the_end(backend: str) -> None:
    forests = Forests()
    processor = miden.Processor(forests.program, host=miden.Host([forests.b]), backend=backend)
    processor.run()
    assert processor.continuations() == []
