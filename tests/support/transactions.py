"""Replay of recorded transactions: a host without logic that answers from a recording and checks every event.

The recordings are not part of this project (`../shared/data/transactions`, format in FORMAT.md there).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import miden
from miden.field import Word
from miden.vm.merkle import MerkleNodes

if TYPE_CHECKING:
    from miden.vm.mutations import Mutation
    from miden.vm.state import ProcessState

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "transactions"
_FNV_PRIME = 0x100000001B3
_FNV_BASIS = 0xCBF29CE484222325


def word(digits: str) -> Word:
    return Word.from_bytes(bytes.fromhex(digits))


def names() -> list[str]:
    """Return the recordings there are, the short ones first."""
    return sorted((path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz") if path.name != "libs.json.gz"), key=_size)


def _size(name: str) -> int:
    return (FOLDER / f"{name}.json.gz").stat().st_size


def read(name: str) -> dict[str, Any]:
    with gzip.open(FOLDER / f"{name}.json.gz", "rt") as file:
        recording: dict[str, Any] = json.load(file)
    return recording


class RecordedHost(miden.Host):
    """Hands out the recorded forests by digest and the n-th recorded mutations for the n-th event."""

    def __init__(self, recording: dict[str, Any], *, check_state: bool = True) -> None:
        super().__init__()
        self._recorded = [miden.MastForest.from_bytes(bytes.fromhex(entry["hex"])) for entry in recording["forests"]]
        self._by_digest = {word(digest): self._recorded[index] for digest, index, _ in recording["forest_requests"]}
        self._events = recording["events"]
        self._check_state = check_state
        self.requested: list[str] = []
        self.event_count = 0

    def get_forest(self, digest: Word) -> miden.MastForest | None:
        self.requested.append(digest.to_hex()[2:])
        return self._by_digest.get(digest)

    def on_event(self, state: ProcessState) -> Iterable[Mutation]:
        event = self._events[self.event_count]
        self.event_count += 1
        assert state.stack_get(0) == event["id"], event["name"]
        if self._check_state:
            found = (state.clk, state.ctx, state.depth, state.stack()[:16], state.advice_depth)
            assert found == (event["clk"], event["ctx"], event["depth"], event["stack"], event["advice_depth"]), event["name"]
        return [_mutation(entry) for entry in event["mutations"]]


def _mutation(entry: dict[str, Any]) -> Mutation:
    match entry["t"]:
        case "stack":
            return miden.ExtendStack(entry["values"])
        case "map":
            return miden.ExtendMap({word(key): values for key, values in entry["entries"]})
        case "store":
            return miden.ExtendMerkleStore([(word(a), word(b), word(c)) for a, b, c in entry["nodes"]])
        case "precompile":
            return miden.ExtendPrecompileRequests([(made["event_id"], bytes.fromhex(made["calldata"])) for made in entry["requests"]])
        case kind:
            raise ValueError(f"the recording has a mutation of kind {kind!r}")


def inputs(recording: dict[str, Any]) -> tuple[miden.Program, miden.StackInputs, miden.AdviceInputs]:
    advice = recording["advice"]
    program = miden.Program.from_bytes(bytes.fromhex(recording["program"]["hex"]))
    stack = miden.StackInputs.from_top(recording["stack_inputs"])
    given = miden.AdviceInputs(
        advice["stack"],
        {word(key): values for key, values in advice["map"]},
        [MerkleNodes((word(a), word(b), word(c)) for a, b, c in advice["store_nodes"])],
    )
    return program, stack, given


def fnv(chunks: Iterable[bytes]) -> str:
    """Return the 64-bit FNV-1a of the chunks, as the recordings write it."""
    value = _FNV_BASIS
    for chunk in chunks:
        for byte in chunk:
            value = (value ^ byte) * _FNV_PRIME & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"
