"""Message vectors of the Filecoin network: messages with the state before, and the receipts and the state after.

A vector is a JSON file with a CAR file in it. What it leaves out is what its own network answers from elsewhere: the code of
actors, which comes from a bundle (another CAR file), and checks of signatures and proofs, which `VectorWorld` says hold.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import zlib
from dataclasses import dataclass

from miden.actors.address import SECP256K1
from miden.actors.commitments import unsealed_commitment
from miden.actors.context import MachineContext
from miden.actors.externs import Externs
from miden.actors.machine import Machine
from miden.actors.messages import Message, Receipt
from miden.errors import FormatError, MidenError
from miden.ipld.blocks import BufferedBlocks, MemoryBlocks
from miden.ipld.car import CarReader
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from miden.actors.address import Address
    from miden.actors.runtimes import Runtime
    from miden.actors.trace import Observer
    from miden.ipld.blocks import Blockstore
    from miden.ipld.dagcbor import Value

EPOCH_SECONDS = 30
BASE_FEE = 100
CIRCULATING_SUPPLY = 2 * 10**27
"""Both where a vector does not say: the least fee, and all tokens there are."""
NO_RANDOMNESS = b"i_am_random_____i_am_random_____"
"""What is drawn where a vector has recorded nothing."""
_SIGNATURE_SIZE = 65 + 4
MAX_CAR = 1 << 30
MAX_FILE = 1 << 28


@dataclass(frozen=True)
class Expected:
    """What a vector says of one message."""

    exit_code: int
    return_data: bytes
    gas_used: int


@dataclass(frozen=True)
class Vector:
    """One vector: `blocks` hold the state before, `root` names it."""

    name: str
    epoch: int
    network_version: int
    base_fee: int
    circulating_supply: int
    root: Cid
    blocks: dict[Cid, bytes]
    messages: tuple[bytes, ...]
    receipts: tuple[Expected, ...]
    root_after: Cid
    randomness: dict[tuple[str, int], bytes]

    @classmethod
    def load(cls, path: Path) -> Vector:
        """Read a file; raises `FormatError` for what is no message vector with one variant, `OSError` if it cannot be read."""
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise FormatError(f"{path.name} has more than {MAX_FILE} bytes", kind="InvalidVector")
        return cls.from_json(data, path.stem)

    @classmethod
    def from_json(cls, data: bytes, name: str = "vector") -> Vector:
        """Read the text of a vector; raises `FormatError`."""
        try:
            return cls._from_dict(json.loads(data), name)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError, binascii.Error, zlib.error) as problem:
            if isinstance(problem, MidenError):
                raise
            what = f"field {problem}" if isinstance(problem, KeyError) else str(problem)
            raise FormatError(f"{name} is no message vector: {what}", kind="InvalidVector") from problem

    @classmethod
    def _from_dict(cls, facts: dict[str, Any], name: str) -> Vector:
        before, after = facts["preconditions"], facts["postconditions"]
        variant = before["variants"][0]
        base_fee, supply = before.get("basefee"), before.get("circ_supply")
        receipts = tuple(
            Expected(int(entry["exit_code"]), _base64(entry["return"]), int(entry["gas_used"])) for entry in after["receipts"]
        )
        messages = tuple(_base64(entry["bytes"]) for entry in facts["apply_messages"])
        if len(messages) != len(receipts):
            raise FormatError(f"{name} has {len(messages)} messages and {len(receipts)} receipts", kind="InvalidVector")
        return cls(
            name=name,
            epoch=int(variant["epoch"]),
            network_version=int(variant["nv"]),
            base_fee=BASE_FEE if base_fee is None else int(base_fee),
            circulating_supply=CIRCULATING_SUPPLY if supply is None else int(supply),
            root=_cid(before["state_tree"]["root_cid"]),
            blocks=_unpack(_base64(facts["car"])),
            messages=messages,
            receipts=receipts,
            root_after=_cid(after["state_tree"]["root_cid"]),
            randomness={_rule(entry): _base64(entry["ret"]) for entry in facts.get("randomness") or ()},
        )


def _rule(entry: dict[str, Any]) -> tuple[str, int]:
    kind, epoch = entry["on"]
    return str(kind), int(epoch)


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _cid(value: dict[str, str]) -> Cid:
    return Cid.parse(value["/"])


def _unpack(packed: bytes) -> dict[Cid, bytes]:
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    data = unpacker.decompress(packed, MAX_CAR)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise FormatError(f"the state of a vector is cut short, or has more than {MAX_CAR} bytes", kind="InvalidVector")
    return {section.cid: section.data for section in CarReader(io.BytesIO(data))}


def load_bundle(path: Path) -> MemoryBlocks:
    """Read the code of built-in actors from a CAR file, every digest checked; raises `FormatError`, `IntegrityError`, `OSError`."""
    with path.open("rb") as file:
        return MemoryBlocks({section.cid: section.data for section in CarReader(file)})


class VectorWorld(Externs):
    """The world of a vector: randomness as it was recorded; signatures hold, no miner is at fault, and proofs hold unless told."""

    def __init__(self, randomness: dict[tuple[str, int], bytes], *, proofs_hold: bool = True) -> None:
        self._randomness = randomness
        self._proofs_hold = proofs_hold

    def get_chain_randomness(self, epoch: int) -> bytes:
        """Return what was recorded, or what stands for all else."""
        return self._randomness.get(("chain", epoch), NO_RANDOMNESS)

    def get_beacon_randomness(self, epoch: int) -> bytes:
        """Return what was recorded, or what stands for all else."""
        return self._randomness.get(("beacon", epoch), NO_RANDOMNESS)

    def verify_signature(self, signature_type: int, signature: bytes, signer: Address, text: bytes) -> bool:
        """Say that it holds."""
        return True

    def verify_consensus_fault(self, first: bytes, second: bytes, extra: bytes) -> None:
        """Say that there is none."""

    def verify_seals(self, seals: Sequence[Value]) -> list[bool]:
        """Say of all what holds for proofs."""
        return [self._proofs_hold] * len(seals)

    def verify_proof(self, kind: str, proof: Value) -> bool:
        """Say what holds for proofs."""
        return self._proofs_hold

    def compute_unsealed_sector_cid(self, proof_type: int, pieces: Value) -> Cid:
        """Return the commitment, as the network computes it."""
        return unsealed_commitment(proof_type, pieces)


@dataclass(frozen=True)
class Outcome:
    """What became of a vector: the receipts and the root found, beside it."""

    vector: Vector
    receipts: tuple[Receipt, ...]
    root: Cid

    @property
    def exact(self) -> bool:
        """Whether exit codes, return values, gas and state root are those that the vector says."""
        return not self.differences()

    def differences(self) -> list[tuple[str, object, object]]:
        """Return what differs, as (name, expected, found)."""
        rows: list[tuple[str, object, object]] = []
        for expected, found in zip(self.vector.receipts, self.receipts, strict=True):
            rows += (
                ("exit code", expected.exit_code, found.exit_code),
                ("return", expected.return_data.hex(), found.return_data.hex()),
                ("gas", expected.gas_used, found.gas_used),
            )
        rows.append(("state root", str(self.vector.root_after), str(self.root)))
        return [row for row in rows if row[1] != row[2]]


def machine_for(
    vector: Vector,
    bundle: Blockstore,
    runtimes: Sequence[Runtime],
    *,
    observers: Sequence[Observer] = (),
    proofs_hold: bool = True,
) -> Machine:
    """Make the machine that a vector's messages are applied to; its blocks stay in memory, in front of those of the bundle."""
    blocks = BufferedBlocks(bundle)
    for cid, data in vector.blocks.items():
        blocks.put(cid, data)
    context = MachineContext(
        epoch=vector.epoch,
        timestamp=vector.epoch * EPOCH_SECONDS,
        base_fee=vector.base_fee,
        network_version=vector.network_version,
        circulating_supply=vector.circulating_supply,
    )
    world = VectorWorld(vector.randomness, proofs_hold=proofs_hold)
    return Machine(blocks, vector.root, context=context, runtimes=runtimes, externs=world, observers=observers)


def apply_vector(vector: Vector, machine: Machine) -> Outcome:
    """Apply the messages of a vector in order, and write the state; raises as `Machine.apply` does."""
    receipts = []
    for raw in vector.messages:
        message = Message.from_cbor(raw)
        size = len(raw) + (_SIGNATURE_SIZE if message.sender.protocol == SECP256K1 else 0)
        receipts.append(machine.apply(message, size))
    return Outcome(vector, tuple(receipts), machine.flush())


def replay(vector: Vector, bundle: Blockstore, runtimes: Sequence[Runtime], *, proofs_hold: bool = True) -> Outcome:
    """Run a vector from the state before to the state after."""
    return apply_vector(vector, machine_for(vector, bundle, runtimes, proofs_hold=proofs_hold))
