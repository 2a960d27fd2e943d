"""Which nodes are the same for the reference, its habits included."""

from __future__ import annotations

import pytest

from miden.isa import OP
from miden.mast.decorators import AsmOp, DebugKind, DebugOp, TraceOp
from miden.mast.fingerprint import Fingerprints

ADD, PUSH, ASSERT, DROP = (bytes([OP[name]]) for name in ("ADD", "PUSH", "ASSERT", "DROP"))


@pytest.fixture
def prints() -> Fingerprints:
    """Fingerprints over two different decorators and a copy of the first."""
    return Fingerprints([TraceOp(1), TraceOp(2), TraceOp(1)])


def test_blocks_without_decorators_and_error_codes_are_their_digest(prints: Fingerprints) -> None:
    digest, root = prints.of_block(ADD, ())
    assert (len(digest), root) == (32, None)


def test_equal_decorators_are_the_same_whatever_their_ids(prints: Fingerprints) -> None:
    assert prints.of_block(ADD, (), [(0, 0)]) == prints.of_block(ADD, (), [(0, 2)])
    assert prints.of_block(ADD, (), [(0, 0)]) != prints.of_block(ADD, (), [(0, 1)])


def test_the_place_of_an_operation_decorator_counts(prints: Fingerprints) -> None:
    assert prints.of_block(ADD, (), [(0, 0)]) != prints.of_block(ADD, (), [(1, 0)])
    assert prints.of_block(ADD, (), [(0, 0)]) != prints.of_block(ADD, (), before_enter=[0])


def test_before_and_after_are_not_told_apart(prints: Fingerprints) -> None:
    assert prints.of_block(ADD, (), before_enter=[0]) == prints.of_block(ADD, (), after_exit=[0])
    assert prints.of_node(bytes(32), (), [0], [1]) == prints.of_node(bytes(32), (), [0, 1])


def test_error_codes_count_with_their_opcode_and_place(prints: Fingerprints) -> None:
    plain, other = prints.of_block(ASSERT, [0]), prints.of_block(ASSERT, [5])
    assert plain[0] == other[0]
    assert plain != other
    both = ASSERT + ASSERT
    assert prints.of_block(both, [1, 2]) != prints.of_block(both, [2, 1])


def test_an_error_code_is_placed_by_padded_index(prints: Fingerprints) -> None:
    # `P P` is followed by padding that shifts the assertion.
    shifted = prints.of_block(PUSH * 2 + ADD * 8 + ASSERT, [1, 2, 5])
    again = prints.of_block(PUSH * 2 + ADD * 8 + ASSERT, [1, 2, 5])
    assert shifted == again


def test_raw_indices_are_shifted_by_padding_as_if_they_were_padded(prints: Fingerprints) -> None:
    # P drop*6 P | P assert: seven operations, a PUSH at 7, one that must open a new group, so padding at 8.
    opcodes = PUSH + DROP * 6 + PUSH + PUSH + ASSERT
    at_8, at_9 = (prints.of_block(opcodes, [1, 2, 3, 0], [(index, 0)]) for index in (8, 9))
    assert at_8 == at_9
    assert at_8 != prints.of_block(opcodes, [1, 2, 3, 0], [(7, 0)])


def test_decorators_of_descendants_count_for_their_ancestors(prints: Fingerprints) -> None:
    plain, marked = prints.of_block(ADD, ()), prints.of_block(ADD, (), [(0, 0)])
    digest = bytes(32)
    assert prints.of_node(digest, [plain])[1] is None
    assert prints.of_node(digest, [marked])[1] is not None
    assert prints.of_node(digest, [marked, plain]) == prints.of_node(digest, [plain, marked])


def test_a_decorator_is_taken_as_it_is_at_the_time() -> None:
    decorators = [AsmOp(None, "p", "op")]
    prints = Fingerprints(decorators)
    before = prints.of_block(ADD, (), [(0, 0)])
    decorators[0] = decorators[0].with_cycles(1)
    assert prints.of_block(ADD, (), [(0, 0)]) != before


def test_decorators_with_equal_fingerprints_are_the_same() -> None:
    prints = Fingerprints([DebugOp(DebugKind.LOCAL_INTERVAL, 0, 1, 2), DebugOp(DebugKind.LOCAL_INTERVAL, 0, 1, 9)])
    assert prints.of_block(ADD, (), [(0, 0)]) == prints.of_block(ADD, (), [(0, 1)])
