"""`miden actor replay`: what it prints, and what it refuses."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from miden.ipld.car import write_car
from tests.support.actor_machines import small_vector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    car = io.BytesIO()
    write_car(car, [], [])
    path = tmp_path / "bundle.car"
    path.write_bytes(car.getvalue())
    return path


def write(path: Path, facts: Any) -> Path:
    path.write_text(json.dumps(facts), encoding="utf-8")
    return path


def test_exact(cli: Callable[..., Any], tmp_path: Path, bundle: Path) -> None:
    folder = tmp_path / "vectors" / "below"
    folder.mkdir(parents=True)
    write(folder / "one.json", small_vector())
    shown = cli("actor", "replay", folder.parent, "--bundle", bundle, "--no-cache")
    assert shown.code == 0
    assert shown.out.startswith("exact  one")
    assert "1 of 1 exact" in shown.out
    found = cli("actor", "replay", folder / "one.json", "--bundle", bundle, "--no-cache", "--json").json
    assert (found["exact"], found["total"]) == (1, 1)
    row = found["vectors"][0]
    assert row["messages"][0]["expected"] == row["messages"][0]["found"]
    assert row["state_root"]["expected"] == row["state_root"]["found"]


def test_different(cli: Callable[..., Any], tmp_path: Path, bundle: Path) -> None:
    facts = small_vector()
    facts["postconditions"]["receipts"][0]["gas_used"] += 1
    facts["postconditions"]["state_tree"] = facts["preconditions"]["state_tree"]
    shown = cli("actor", "replay", write(tmp_path / "one.json", facts), "--bundle", bundle, "--no-cache")
    assert shown.code == 1
    assert "differs  one" in shown.out
    assert "gas: expected" in shown.out
    assert "state root: expected" in shown.out


def test_refused(cli: Callable[..., Any], tmp_path: Path, bundle: Path) -> None:
    assert cli("actor", "replay", tmp_path / "none.json", "--bundle", bundle).code == 4
    assert cli("actor", "replay", write(tmp_path / "bad.json", {}), "--bundle", bundle, "--no-cache").code == 3
    vector = write(tmp_path / "one.json", small_vector())
    assert cli("actor", "replay", vector, "--bundle", vector, "--no-cache").code == 3
