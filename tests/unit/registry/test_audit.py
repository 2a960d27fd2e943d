"""Advisories: which versions they are about, and which lists are none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from miden.errors import FormatError
from miden.registry.trust.audit import MAX_BYTES, Advisory, audit, read_advisories

if TYPE_CHECKING:
    from typing import Any

AFFECTED = ["<1.4.2", ">=2.0, <2.1.1"]
GOOD: dict[str, Any] = {"id": "X-1", "package": "acme/math", "affected": AFFECTED, "severity": "high", "summary": "wrong"}


def lists(*items: object) -> bytes:
    return json.dumps({"format": 1, "advisories": list(items)}).encode()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.4.1", True),
        ("1.4.2-rc.1", True),
        ("1.4.2", False),
        ("1.9.9", False),
        ("2.0.0", True),
        ("2.1.1-beta", True),
        ("2.1.1", False),
        ("0.0.1", True),
    ],
)
def test_which_versions_are_affected(version: str, expected: bool) -> None:
    [advisory] = read_advisories(lists(GOOD))
    assert advisory.affects("Acme/Math", version) is expected
    assert not advisory.affects("acme/maths", version)
    assert not Advisory("X-2", "acme/math", ["*"], "low", "", withdrawn=True).affects("acme/math", version)


def test_the_worst_comes_first() -> None:
    made = [Advisory(f"X-{level}", "math", ["*"], level, "") for level in ("low", "critical", "medium", "high")]
    found = audit([("math", "1.0.0", "old"), ("other", "1.0.0", None)], made)
    assert [None if item.advisory is None else item.advisory.severity for item in found] == ["critical", "high", "medium", "low", None]
    assert found[-1].yanked == "old"


def test_an_advisory_is_what_it_writes() -> None:
    advisory = Advisory("X-1", "acme/math", ["<2"], "high", "wrong", "https://acme.example/1")
    assert Advisory.from_json(advisory.to_json()).to_json() == advisory.to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"id": "a b"},
        {"id": "\x1b[31m"},
        {"id": 5},
        {"package": "../x"},
        {"affected": []},
        {"affected": ["~~1"]},
        {"affected": "<1"},
        {"affected": ["*"] * 1000},
        {"severity": "awful"},
        {"summary": None},
        {"summary": "x" * 2000},
        {"url": "javascript:alert(1)"},
        {"url": "https://x.example/\n"},
        {"withdrawn": "no"},
        {"more": 1},
    ],
    ids=str,
)
def test_what_is_no_advisory_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        read_advisories(lists({**GOOD, **change}))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": 2, "advisories": []}', b"[" * 100_000, b'{"format":1,"x":1}'], ids=repr)
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_advisories(data)


def test_two_of_one_id_are_refused_and_so_is_too_much() -> None:
    with pytest.raises(FormatError):
        read_advisories(lists(GOOD, GOOD))
    with pytest.raises(FormatError):
        read_advisories(b" " * (MAX_BYTES + 1))
