"""Machines with actors, for tests: one with the samples in Python, and ways to call them."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miden.actors.call_manager import CallManager
from miden.actors.kernel import Kernel
from miden.actors.machine import Machine
from miden.actors.messages import Message
from miden.actors.methods import CONSTRUCTOR, method_number
from miden.actors.registry import BlockRegistry
from miden.actors.runtimes.native import Actor, NativeRuntime, native_code
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks
from miden.ipld.car import write_car

if TYPE_CHECKING:
    from miden.actors.address import Address
    from miden.actors.messages import Receipt

EXAMPLES = Path(__file__).parents[2] / "examples" / "actors"
SAMPLES = ("Counter", "Approvals", "Token")
FOUNDINGS: list[tuple[int, Any, int]] = [
    (0, [100], 16),
    (2, [100], 16),
    (1, [], 16),
    (1, [101, 100], 16),
    (1, [100, 100], 16),
    (1, list(range(100, 117)), 16),
    (1, list(range(1000)), 16),
    (16, list(range(100, 116)), 0),
    (1, [b""], 21),
    (1, 5, 21),
    (2**63 - 1, [1], 16),
]
"""Threshold and signers that approvals are founded with, and the exit code."""


def sample(name: str) -> type[Actor]:
    """Return a sample actor's class by its name."""
    path = EXAMPLES / f"{name.lower()}.py"
    spec = importlib.util.spec_from_file_location(f"sample_{name.lower()}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[Actor] = getattr(module, name)
    return found


def machine_with(*actors: type[Actor], blocks: MemoryBlocks | None = None, **options: Any) -> Machine:
    """Return a machine with a new state that runs these actors."""
    return Machine.genesis(MemoryBlocks() if blocks is None else blocks, runtimes=[NativeRuntime(actors)], **options)


def deploy(machine: Machine, actor: type[Actor], *params: Any, **options: Any) -> Address:
    """Create an actor with parameters for its constructor."""
    return machine.deploy(native_code(actor), dagcbor.encode(list(params)) if params else b"", **options)


def call(
    machine: Machine, sender: Address, to: Address, method: str | int, *params: Any, raw: bytes | None = None, **fields: Any
) -> Receipt:
    """Apply a message with the sender's next nonce; parameters become a list of dag-cbor unless `raw`."""
    actor_id = machine.tree.lookup(sender)
    assert actor_id is not None
    state = machine.tree.get(actor_id)
    assert state is not None
    number = method if isinstance(method, int) else CONSTRUCTOR if method == "Constructor" else method_number(method)
    encoded = raw if raw is not None else dagcbor.encode(list(params)) if params else b""
    return machine.apply(Message(sender, to, method=number, params=encoded, nonce=state.nonce, **fields))


def returned(receipt: Receipt) -> Any:
    """Return the value of a receipt that says success."""
    assert receipt.exit_code == 0, receipt.failure
    return dagcbor.decode(receipt.return_data) if receipt.return_codec else None


def state_of(machine: Machine, address: Address) -> Any:
    """Return the value of an actor's state."""
    actor_id = machine.tree.lookup(address)
    assert actor_id is not None
    state = machine.tree.get(actor_id)
    assert state is not None
    data = machine.blocks.get(state.state)
    assert data is not None
    return dagcbor.decode(data)


def kernel_of(machine: Machine, receiver: int = 100, *, gas_limit: int = 10_000_000_000, read_only: bool = False) -> Kernel:
    """Return a kernel as an invocation of an actor would have it, without an invocation."""
    from miden.actors.address import Address

    origin = Address.of(100)
    calls = CallManager(machine, gas_limit=gas_limit, origin=100, origin_address=origin, to=Address.of(receiver), nonce=0, premium=0)
    return Kernel(calls, BlockRegistry(), caller=100, receiver=receiver, method=2, value=0, read_only=read_only)


def small_vector() -> dict[str, Any]:
    """A vector with one transfer between two accounts, made by our own machine."""
    blocks = MemoryBlocks()
    machine = machine_with(blocks=blocks)
    sender, to = machine.create_account(10**20), machine.create_account()
    before = machine.flush()
    car = io.BytesIO()
    write_car(car, [before], [(cid, blocks.get(cid) or b"") for cid in blocks])
    message = Message(sender, to, value=5, gas_limit=10**7)
    receipt = machine.apply(message)
    return {
        "class": "message",
        "car": base64.b64encode(gzip.compress(car.getvalue())).decode(),
        "preconditions": {"variants": [{"epoch": 0, "nv": 21}], "state_tree": {"root_cid": {"/": str(before)}}, "basefee": 0},
        "apply_messages": [{"bytes": base64.b64encode(message.to_cbor()).decode()}],
        "postconditions": {
            "state_tree": {"root_cid": {"/": str(machine.flush())}},
            "receipts": [{"exit_code": receipt.exit_code, "return": "", "gas_used": receipt.gas_used}],
        },
    }
