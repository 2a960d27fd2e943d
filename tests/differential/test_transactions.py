"""Recorded transactions of a real kernel, replayed: state at every event, forests asked for, everything at the end.

The recordings are in ``../shared/data/transactions`` (FORMAT.md there). The host has no logic: it hands out recorded
forests and answers the n-th event as it was answered when the recording was made.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import miden
from miden.vm.merkle import MerkleNodes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.vm.mutations import Mutation
    from miden.vm.state import ProcessState

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "transactions"
NAMES = sorted(path.name.removesuffix(".json.gz") for path in RECORDINGS.glob("*.json.gz") if path.name != "libs.json.gz")
SHORT = ("ecdsa_p2id_consume", "fail_p2id_wrong_target", "p2id_consume")

pytestmark = pytest.mark.skipif(not NAMES, reason="needs the recordings of ../shared/data/transactions")


def word(digits: str) -> miden.Word:
    return miden.Word.from_hex("0x" + digits)


def fnv(chunks: Iterable[bytes]) -> str:
    """Return the 64-bit FNV-1a hash of the chunks, in hex."""
    value = 0xCBF29CE484222325
    for chunk in chunks:
        for byte in chunk:
            value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def u64(value: int) -> bytes:
    return value.to_bytes(8, "little")


def mutation(recorded: dict[str, Any]) -> Mutation:
    match recorded["t"]:
        case "stack":
            return miden.ExtendStack(recorded["values"])
        case "map":
            return miden.ExtendMap({word(key): values for key, values in recorded["entries"]})
        case "store":
            return miden.ExtendMerkleStore((word(a), word(b), word(c)) for a, b, c in recorded["nodes"])
        case _:
            return miden.ExtendPrecompileRequests((made["event_id"], bytes.fromhex(made["calldata"])) for made in recorded["requests"])


class ReplayHost(miden.Host):
    """Answers as recorded and compares the state at every event."""

    def __init__(self, recording: dict[str, Any]) -> None:
        super().__init__()
        self.forests = [miden.MastForest.from_bytes(bytes.fromhex(forest["hex"])) for forest in recording["forests"]]
        self.served: dict[str, int] = {digest: index for digest, index, _ in recording["forest_requests"]}
        self.events_left = iter(recording["events"])
        self.seen = 0
        self.asked: list[str] = []

    def get_forest(self, digest: miden.Word) -> miden.MastForest:
        self.asked.append(digest.to_hex()[2:])
        return self.forests[self.served[self.asked[-1]]]

    def on_event(self, state: ProcessState) -> list[Mutation]:
        recorded = next(self.events_left)
        self.seen += 1
        assert state.stack()[:16] == recorded["stack"]
        assert (state.clk, state.ctx, state.depth) == (recorded["clk"], recorded["ctx"], recorded["depth"])
        assert state.advice_depth == recorded["advice_depth"]
        return [mutation(change) for change in recorded["mutations"]]


def cases() -> list[Any]:
    return [
        pytest.param(name, backend, marks=() if name in SHORT else pytest.mark.slow)
        for name in NAMES
        for backend in (("core", "pure") if name in SHORT else ("core",))
    ]


@pytest.mark.parametrize(("name", "chosen"), cases())
def test_a_recorded_transaction_replays(name: str, chosen: str) -> None:
    try:
        miden.get_backend(chosen)
    except miden.BackendError as error:
        pytest.skip(str(error))
    with gzip.open(RECORDINGS / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        recording = json.load(file)
    given, result = recording["advice"], recording["result"]
    nodes = MerkleNodes((word(a), word(b), word(c)) for a, b, c in given["store_nodes"])
    advice = miden.AdviceInputs(given["stack"], {word(key): values for key, values in given["map"]}, [nodes])
    program = miden.Program.from_bytes(bytes.fromhex(recording["program"]["hex"]))
    host = ReplayHost(recording)
    processor = miden.Processor(program, miden.StackInputs.from_top(recording["stack_inputs"]), advice, host, chosen)
    if "error" in result:
        with pytest.raises(miden.ExecutionError) as failed:
            processor.run()
        assert (failed.value.kind, failed.value.clk) == (result["error"]["kind"], result["error"]["clk"])
        assert failed.value.facts["code"] == result["error"]["err_code"]
    else:
        processor.run()
        check_output(processor.output(), result)
    assert host.seen == len(recording["events"])
    assert host.asked == list(dict.fromkeys(digest for digest, _, _ in recording["forest_requests"]))


def check_output(output: miden.ExecutionOutput, result: dict[str, Any]) -> None:
    assert output.stack == result["stack_outputs"]
    assert output.cycles == result["cycles"]
    assert output.advice_stack == result["advice_stack"]
    entries = sorted((key.to_bytes(), values) for key, values in output.advice_map.items())
    assert len(entries) == result["advice_map_entries"]
    assert fnv(key + u64(len(values)) + b"".join(map(u64, values)) for key, values in entries) == result["advice_map_fnv"]
    nodes = sorted(output.merkle_store.nodes())
    assert len(nodes) == result["store_nodes"]
    assert fnv(b"".join(node) for node in nodes) == result["store_fnv"]
    memory = output.memory()
    assert len(memory) == result["memory"]["root_ctx_elements"]
    assert fnv(u64(address) + u64(value) for address, value in memory.items()) == result["memory"]["root_ctx_fnv"]
    assert len(output.precompile_requests) == result["precompile_requests"]
    assert output.transcript.to_hex()[2:] == result["precompile_transcript_state"]
