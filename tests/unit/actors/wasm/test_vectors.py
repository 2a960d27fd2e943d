"""Message vectors: reading them, the commitments they need, and running them where the code of the built-in actors is at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from miden.actors.codes import SyscallError
from miden.actors.commitments import unsealed_commitment, zero_commitment
from miden.actors.runtimes.wasm.runtime import WasmRuntime
from miden.actors.vectors import Vector, VectorWorld, load_bundle, replay
from miden.errors import FormatError
from miden.ipld.blocks import MemoryBlocks, store_block
from miden.ipld.car import write_car
from miden.ipld.cid import Cid
from tests.support.actor_machines import small_vector
from tests.support.ipld_data import files

if TYPE_CHECKING:
    from collections.abc import Callable

BUNDLE = os.environ.get("MIDEN_ACTOR_BUNDLE", "")
VECTORS = files("fvm-vectors", "*.json")


@pytest.fixture(scope="module")
def runtime() -> WasmRuntime:
    return WasmRuntime(Path(BUNDLE).parent / "compiled")


@pytest.fixture(scope="module")
def bundle() -> MemoryBlocks:
    return load_bundle(Path(BUNDLE))


@pytest.mark.skipif(not BUNDLE, reason="MIDEN_ACTOR_BUNDLE names no CAR file with the code of the built-in actors, version 10")
@pytest.mark.skipif(not VECTORS, reason="the vectors of the Filecoin VM are not there")
@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_vector_is_exact(path: Path, bundle: MemoryBlocks, runtime: WasmRuntime) -> None:
    vector = Vector.load(path)
    # The one message that succeeded because a proof did not hold.
    proofs_hold = "DisputeWindowedPoSt-Ok" not in vector.name
    assert replay(vector, bundle, [runtime], proofs_hold=proofs_hold).differences() == []


def test_a_vector_of_our_own() -> None:
    facts = small_vector()
    vector = Vector.from_json(json.dumps(facts).encode())
    assert replay(vector, MemoryBlocks(), []).differences() == []
    facts["postconditions"]["receipts"][0]["gas_used"] += 1
    found = replay(Vector.from_json(json.dumps(facts).encode()), MemoryBlocks(), [])
    assert [name for name, _, _ in found.differences()] == ["gas"]
    assert not found.exact


def break_car(facts: dict[str, Any]) -> None:
    facts["car"] = facts["car"][: len(facts["car"]) // 8 * 4]


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.pop("car"),
        lambda facts: facts.update(car="!"),
        lambda facts: facts.update(car=""),
        break_car,
        lambda facts: facts["preconditions"].update(variants=[]),
        lambda facts: facts["preconditions"]["state_tree"].update(root_cid={"/": "nothing"}),
        lambda facts: facts["apply_messages"].append({"bytes": ""}),
        lambda facts: facts.update(apply_messages=5),
        lambda facts: facts.update(randomness=[{"on": ["chain"], "ret": ""}]),
        lambda facts: facts["postconditions"]["receipts"][0].update(gas_used="much"),
    ],
)
def test_what_is_no_vector_is_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    facts = small_vector()
    change(facts)
    with pytest.raises(FormatError):
        Vector.from_json(json.dumps(facts).encode())


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b"5"])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(FormatError) as refused:
        Vector.from_json(text)
    assert refused.value.kind == "InvalidVector"


def test_the_world_of_a_vector() -> None:
    world = VectorWorld({("chain", 7): b"seven"})
    assert world.get_chain_randomness(7) == b"seven"
    assert world.get_beacon_randomness(7) == world.get_chain_randomness(8)
    assert world.verify_seals([1, 2]) == [True, True]
    assert not VectorWorld({}, proofs_hold=False).verify_proof("post", [])


# What the network's tools print for sectors and pieces of zeros.
ZEROS = {3: "baga6ea4seaqao7s73y24kcutaosvacpdjgfe5pw76ooefnyqw4ynr3d2y6x2mpq"}


def test_commitments_to_zeros() -> None:
    for proof, text in ZEROS.items():
        assert str(unsealed_commitment(proof, [])) == text
        assert unsealed_commitment(proof + 5, []) == unsealed_commitment(proof, [])
    assert zero_commitment(32) == bytes(32)


def piece(size: int, node: bytes | None = None) -> list[Any]:
    return [size, Cid(1, 0xF101, 0x1012, zero_commitment(size) if node is None else node)]


def test_commitments_to_pieces() -> None:
    empty = unsealed_commitment(0, [])
    assert unsealed_commitment(0, [piece(128), piece(256), piece(1024)]) == empty
    assert unsealed_commitment(0, [piece(2048)]) == empty
    node = bytes(range(32))
    # A piece behind a smaller one stands at the next multiple of its size.
    assert unsealed_commitment(0, [piece(128), piece(1024, node)]) == unsealed_commitment(0, [piece(1024), piece(1024, node)])
    assert unsealed_commitment(0, [piece(1024, node)]) != unsealed_commitment(0, [piece(1024), piece(1024, node)])


@pytest.mark.parametrize(
    ("proof", "pieces"),
    [(-1, []), (15, []), (0, 5), (0, [5]), (0, [[128]]), (0, [piece(64)]), (0, [[192, piece(128)[1]]]), (0, [piece(2048), piece(128)]),
     (0, [[128, Cid.of(b"x")]]), (0, [[1 << 4000, piece(128)[1]]])],
)  # fmt: skip
def test_commitments_to_nothing(proof: int, pieces: Any) -> None:
    with pytest.raises(SyscallError):
        unsealed_commitment(proof, pieces)


def test_a_bundle_is_verified(tmp_path: Path) -> None:
    blocks = MemoryBlocks()
    cid = store_block(blocks, b"\x80")
    path = tmp_path / "bundle.car"
    with path.open("wb") as file:
        write_car(file, [cid], [(cid, b"\x80")])
    assert load_bundle(path).get(cid) == b"\x80"
