"""Real transactions of the Miden protocol, recorded with the reference: everything it saw, we see.

The programs are a real kernel's; a run asks for up to 2,000 external forests and raises hundreds of events.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest

import miden
from tests.support import transactions

pytestmark = pytest.mark.skipif(not transactions.names(), reason="the recordings (../shared/data/transactions) are not here")

PURE = ("fail_p2id_wrong_target", "ecdsa_p2id_consume")
"""Recordings short enough for the pure backend."""

CASES = [(name, "core") for name in transactions.names()] + [(name, "pure") for name in PURE if name in transactions.names()]


def u64s(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def first_requests(digests: list[str]) -> list[str]:
    return list(dict.fromkeys(digests))


def check_outputs(out: miden.ExecutionOutput, result: dict[str, Any]) -> None:
    assert list(out.stack) == result["stack_outputs"]
    assert out.cycles == result["cycles"]
    assert list(out.advice_stack) == result["advice_stack"]
    entries = sorted((key.to_bytes(), values) for key, values in out.advice_map.items())
    assert len(entries) == result["advice_map_entries"]
    assert transactions.fnv(key + u64s(len(values), *values) for key, values in entries) == result["advice_map_fnv"]
    nodes = sorted(digest + children for digest, children in _nodes(out))
    assert len(nodes) == result["store_nodes"]
    assert transactions.fnv(nodes) == result["store_fnv"]
    memory = out.memory(0)
    assert len(memory) == result["memory"]["root_ctx_elements"]
    assert transactions.fnv(u64s(address, value) for address, value in memory.items()) == result["memory"]["root_ctx_fnv"]
    assert len(out.precompile_requests) == result["precompile_requests"]
    assert out.transcript.to_hex()[2:] == result["precompile_transcript_state"]


def _nodes(out: miden.ExecutionOutput) -> list[tuple[bytes, bytes]]:
    """Return digest and children of every node beyond those of a fresh store."""
    return [(digest, left + right) for digest, left, right in out.merkle_store.nodes()]


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_a_recorded_transaction_replays_exactly(name: str, backend: str) -> None:
    recording = transactions.read(name)
    program, stack, advice = transactions.inputs(recording)
    assert program.hash.to_hex()[2:] == recording["program"]["hash"]
    host = transactions.RecordedHost(recording)
    result = recording["result"]
    if "error" in result:
        with pytest.raises(miden.ExecutionError) as caught:
            miden.execute(program, stack, advice, host, backend=backend)
        assert (caught.value.kind, caught.value.clk) == (result["error"]["kind"], result["error"]["clk"])
        assert caught.value.facts["code"] == result["error"]["err_code"]
    else:
        check_outputs(miden.execute(program, stack, advice, host, backend=backend), result)
    assert host.event_count == result["num_events"]
    assert host.requested == first_requests([digest for digest, _, _ in recording["forest_requests"]])
