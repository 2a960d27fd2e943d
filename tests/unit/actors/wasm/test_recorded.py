"""Recordings of the network's own messages: played without the code of the guests, the machine ends exactly where the network did."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from miden.actors.recording import ReplayRuntime
from miden.actors.trace import Recorder
from miden.actors.vectors import Vector, apply_vector, machine_for, replay
from miden.errors import IntegrityError
from miden.ipld.blocks import MemoryBlocks

RECORDINGS = sorted((Path(__file__).parents[3] / "vectors" / "actors").glob("*.json.gz"))


def load(path: Path) -> tuple[Vector, list[list[object]]]:
    text = gzip.decompress(path.read_bytes())
    return Vector.from_json(text, path.name), json.loads(text)["log"]


def test_there_are_twenty() -> None:
    assert len(RECORDINGS) == 20


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_recorded_message_is_exact(path: Path) -> None:
    vector, log = load(path)
    player = ReplayRuntime(log)
    outcome = replay(vector, MemoryBlocks(), [player])
    assert outcome.differences() == []
    assert player.finished


@pytest.mark.parametrize("path", RECORDINGS[::4], ids=lambda path: path.name.removesuffix(".json.gz"))
def test_the_charges_of_a_trace_are_the_gas_of_the_receipt(path: Path) -> None:
    vector, log = load(path)
    recorder = Recorder()
    outcome = apply_vector(vector, machine_for(vector, MemoryBlocks(), [ReplayRuntime(log)], observers=[recorder]))
    assert outcome.exact
    charges = [entry for receipt in outcome.receipts for entry in receipt.trace if hasattr(entry, "total")]
    assert -(-sum(charge.total for charge in charges) // 1000) == sum(receipt.gas_used for receipt in outcome.receipts)


def test_a_guest_that_uses_more_gas_is_seen() -> None:
    vector, log = load(RECORDINGS[0])
    first = next(line for line in log if line[0] == "u" and isinstance(line[1], int) and line[1] > 0)
    first[1] += 1000
    outcome = replay(vector, MemoryBlocks(), [ReplayRuntime(log)])
    assert [name for name, _, _ in outcome.differences()] == ["gas", "state root"]


def test_a_kernel_that_answers_otherwise_is_seen() -> None:
    vector, log = load(RECORDINGS[0])
    changed = next(line for line in log if line[0] == "s" and line[1] == "block_open")
    changed[-1][2] += 1
    with pytest.raises(IntegrityError) as failure:
        replay(vector, MemoryBlocks(), [ReplayRuntime(log)])
    assert failure.value.kind == "ReplayDiffers"
