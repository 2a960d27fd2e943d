"""The door to hashing: through the core or not, the reference's results."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from miden import hashing, rpo
from miden.errors import InputError
from miden.field import P

if TYPE_CHECKING:
    from types import ModuleType

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "mast_vectors.json").read_text(encoding="utf-8"))
RPO: dict[str, list[str]] = VECTORS["rpo"]


@pytest.fixture(params=["core", "python"])
def door(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`miden.hashing` as it is with the core, and as it is without one."""
    if request.param == "core":
        if not hashing.HAVE_CORE:
            pytest.skip("the core is not built")
        return hashing
    if not hashing.HAVE_CORE:
        return hashing
    monkeypatch.setitem(sys.modules, "miden._core.rpo", None)
    monkeypatch.setattr("miden._core.rpo", None, raising=False)
    monkeypatch.delattr("miden._core.rpo", raising=False)
    spec = importlib.util.find_spec("miden.hashing")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not module.HAVE_CORE
    return module


def reference(name: str) -> list[int]:
    return [int(value) for value in RPO[name]]


@pytest.mark.parametrize(
    ("name", "size"),
    [("hash_bytes empty", 0), *((f"hash_bytes 0..{size}", size) for size in (7, 8, 56, 57, 113))],
)
def test_hash_of_bytes_is_that_of_the_reference(door: ModuleType, name: str, size: int) -> None:
    assert list(door.hash_bytes(bytes(range(size)))) == reference(name)


def test_hash_of_three_bytes_is_that_of_the_reference(door: ModuleType) -> None:
    assert list(door.hash_bytes(b"\x01\x02\x03")) == reference("hash_bytes [1,2,3]")


def test_merges_are_those_of_the_reference(door: ModuleType) -> None:
    left, right = (1, 2, 3, 4), (5, 6, 7, 8)
    assert list(door.merge(left, right)) == reference("merge(1..8)")
    assert list(door.merge_in_domain(left, right, 87)) == reference("merge_in_domain(1..8, 87)")
    assert list(door.merge((0, 0, 0, 0), (0, 0, 0, 0))) == reference("empty words merge")


@pytest.mark.parametrize(("name", "value"), [("merge_with_int(1..4, 42)", 42), ("merge_with_int(1..4, 2^64-1)", 2**64 - 1)])
def test_merges_with_integers_are_those_of_the_reference(door: ModuleType, name: str, value: int) -> None:
    assert list(door.merge_with_int((1, 2, 3, 4), value)) == list(rpo.merge_with_int((1, 2, 3, 4), value)) == reference(name)


@pytest.mark.parametrize("elements", [[], [0], list(range(9)), [P - 1] * 17])
def test_the_door_hashes_elements_as_the_readable_definition(door: ModuleType, elements: list[int]) -> None:
    assert door.hash_elements(elements) == rpo.hash_elements(elements)


def test_the_door_permutes_as_the_readable_definition(door: ModuleType) -> None:
    assert door.permute(range(12)) == rpo.permute(range(12))


def test_the_digest_functions_take_and_return_32_bytes(door: ModuleType) -> None:
    left, right = door.elements_digest([1]), door.bytes_digest(b"\x01")
    assert door.merge_digest(left, right, 3) == door.merge_in_domain(door.hash_elements([1]), door.hash_bytes(b"\x01"), 3).to_bytes()


@pytest.mark.parametrize(
    "call",
    [
        lambda: hashing.hash_elements([P]),
        lambda: hashing.hash_elements(["1"]),  # type: ignore[list-item]
        lambda: hashing.merge((1, 2, 3), (1, 2, 3, 4)),
        lambda: hashing.merge_in_domain((1, 2, 3, 4), (1, 2, 3, 4), P),
        lambda: hashing.merge_with_int((1, 2, 3, 4), 2**64),
        lambda: hashing.permute([0] * 11),
        lambda: hashing.string_to_word("\ud800"),
    ],
)
def test_what_cannot_be_hashed_is_an_input_error(call: Any) -> None:
    with pytest.raises(InputError):
        call()


def test_names_hash_as_in_the_reference() -> None:
    strings = VECTORS["string_hashes"]
    assert hashing.error_code("") == int(strings['error_code("")'])
    assert hashing.error_code("oops") == int(strings['error_code("oops")'])
    assert hashing.event_id("miden::test") == int(strings['event("miden::test")'])
    assert list(hashing.string_to_word("foo")) == [int(value) for value in strings['word("foo")']]


@pytest.mark.parametrize("name", sorted(VECTORS["system_events"]))
def test_ids_of_system_events_are_those_of_the_reference(name: str) -> None:
    assert hashing.event_id(name) == int(VECTORS["system_events"][name])
