"""Decorators and debug information."""

from __future__ import annotations

import pytest

from miden.mast.debug_info import DebugInfo
from miden.mast.decorators import AsmOp, DebugKind, DebugOp, TraceOp, fingerprint_digest
from miden.mast.forest import MastForest
from tests.support.mast_vectors import VECTORS

FINGERPRINTS: dict[str, str] = VECTORS["decorator_fingerprints_forest2"]
DECORATORS = MastForest.from_bytes(bytes.fromhex(VECTORS["forest2_hex"])).debug_info.decorators


@pytest.mark.parametrize("number", sorted(FINGERPRINTS))
def test_fingerprints_are_those_of_the_reference(number: str) -> None:
    assert fingerprint_digest(DECORATORS[int(number)]).hex() == FINGERPRINTS[number]


@pytest.mark.parametrize(
    ("decorator", "text"),
    [
        (DebugOp(DebugKind.STACK_ALL), "stack"),
        (DebugOp(DebugKind.STACK_TOP, 5), "stack.5"),
        (DebugOp(DebugKind.MEM_ALL), "mem"),
        (DebugOp(DebugKind.MEM_INTERVAL, 1, 2), "mem.1.2"),
        (DebugOp(DebugKind.LOCAL_INTERVAL, 1, 2, 3), "local.1.2"),
        (DebugOp(DebugKind.ADV_STACK_TOP, 7), "adv_stack.7"),
    ],
)
def test_a_debug_request_prints_as_in_the_reference(decorator: DebugOp, text: str) -> None:
    assert str(decorator) == text


def test_parts_of_an_instruction_are_joined_without_separators() -> None:
    assert AsmOp(None, "ab", "c").fingerprint == AsmOp(None, "a", "bc").fingerprint
    assert AsmOp(None, "ab", "c") != AsmOp(None, "a", "bc")


def test_the_number_of_locals_is_not_in_the_fingerprint() -> None:
    assert DebugOp(DebugKind.LOCAL_INTERVAL, 1, 2, 3).fingerprint == DebugOp(DebugKind.LOCAL_INTERVAL, 1, 2, 4).fingerprint


def test_cycles_are_kept_in_a_byte() -> None:
    assert AsmOp(None, "p", "op", 257).cycles == 1
    assert AsmOp(None, "p", "op").with_cycles(3).cycles == 3


def test_decorators_are_values() -> None:
    one, two = AsmOp(("f", 1, 2), "p", "op", 1, True), AsmOp(("f", 1, 2), "p", "op", 1, True)
    assert len({one, two, TraceOp(1), TraceOp(1), DebugOp(DebugKind.MEM_ALL), DebugOp(DebugKind.MEM_ALL)}) == 3
    assert repr(one) == "AsmOp(('f', 1, 2), 'p', 'op', cycles=1, should_break=True)"
    assert repr(DebugOp(DebugKind.STACK_TOP, 5)) == "DebugOp(DebugKind.STACK_TOP, 5)"
    assert repr(TraceOp(7)) == "TraceOp(7)"


def test_debug_information_drops_empty_lists_and_sorts_nodes() -> None:
    info = DebugInfo([TraceOp(1)], {3: [(0, 0)], 1: []}, {2: [0], 0: [0]}, {4: []}, {9: "b", 1: "a"})
    assert (dict(info.op_decorators), list(info.before_enter), dict(info.after_exit)) == ({3: ((0, 0),)}, [0, 2], {})
    assert list(info.error_codes) == [1, 9]
    assert not info.is_empty
    assert repr(info) == "<DebugInfo 1 decorators, 2 error codes>"


def test_lazy_debug_information_is_made_once_when_asked() -> None:
    calls: list[int] = []

    def load() -> DebugInfo:
        calls.append(1)
        return DebugInfo([TraceOp(1)])

    info = DebugInfo.lazy(load)
    assert calls == []
    assert info == DebugInfo([TraceOp(1)])
    assert (info.decorators, info.is_empty, calls) == ((TraceOp(1),), False, [1])


def test_empty_debug_information_is_empty() -> None:
    assert DebugInfo().is_empty
    assert DebugInfo() == DebugInfo()
    assert DebugInfo() != DebugInfo(error_codes={1: "a"})
    assert hash(DebugInfo()) == hash(DebugInfo())
