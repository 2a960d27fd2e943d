"""A state to begin with, and ways to put accounts and actors into it without a network."""

from __future__ import annotations

from hashlib import blake2b

from miden.actors.address import HASH_SIZE, SECP256K1, Address
from miden.actors.builtin import EXEC, builtin_codes
from miden.actors.codes import exit_name
from miden.actors.executor import REWARD_ID
from miden.actors.messages import Message
from miden.actors.runtimes.native import NativeRuntime, native_block
from miden.actors.state import BURNT_FUNDS_ID, FIRST_ID, INIT_ID, SYSTEM_ID, ActorState, InitState, StateTree
from miden.errors import FormatError, InputError, MidenError
from miden.ipld import dagcbor
from miden.ipld.blocks import store_block
from miden.ipld.hamt import Hamt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.actors.machine import Machine
    from miden.actors.messages import Receipt
    from miden.ipld.blocks import Blockstore
    from miden.ipld.cid import Cid

NETWORK = "miden"
"""The name of the network in a new state."""
DEPLOY_GAS = 10_000_000_000


class DeployError(MidenError):
    """An actor could not be created; `receipt` says how the message ended."""

    def __init__(self, message: str, receipt: Receipt) -> None:
        super().__init__(message, kind=exit_name(receipt.exit_code))
        self.receipt = receipt


def make_genesis(blocks: Blockstore) -> Cid:
    """Write a state with the builtin actors only, and return its root."""
    codes = builtin_codes(blocks)
    by_name = dict(codes)
    manifest = store_block(blocks, dagcbor.encode([[name, code] for name, code in codes]))
    system = store_block(blocks, dagcbor.encode([manifest]))
    init = store_block(blocks, dagcbor.encode(InitState(Hamt(blocks).flush(), FIRST_ID, NETWORK).form()))
    tree = StateTree(blocks)
    tree.set(SYSTEM_ID, ActorState(by_name["system"], system))
    tree.set(INIT_ID, ActorState(by_name["init"], init))
    tree.set(REWARD_ID, ActorState(by_name["purse"]))
    tree.set(BURNT_FUNDS_ID, ActorState(by_name["purse"]))
    return tree.flush()


def add_account(machine: Machine, balance: int, address: Address | None) -> Address:
    """Put an account into the state; see `Machine.create_account`."""
    tree = machine.tree
    if address is None:
        name = f"account {tree.init_state().next_id} without a key".encode()
        address = Address(bytes((SECP256K1,)) + blake2b(name, digest_size=HASH_SIZE).digest())
    if not address.is_key or balance < 0:
        raise InputError(f"an account has the address of a key and no debts, not {address} and {balance}", kind="InvalidAccount")
    if tree.lookup(address) is not None:
        raise InputError(f"there is an account {address} already", kind="AccountExists")
    state = store_block(machine.blocks, dagcbor.encode([address.to_bytes()]))
    actor_id = tree.register(address)
    tree.set(actor_id, ActorState(machine.manifest.code("account"), state, balance=balance))
    return Address.of(actor_id)


def deploy(machine: Machine, code: Cid, params: bytes, value: int, sender: Address) -> Address:
    """Create an actor; see `Machine.deploy`. The code of a Python actor, which is its name, is put into the store."""
    for runtime in machine.runtimes:
        if isinstance(runtime, NativeRuntime) and code in runtime.actors:
            machine.blocks.put(code, native_block(runtime.actors[code]))
    # the nonce goes into the f2 address of what is created; system messages have none, so that of the next actor makes it another
    nonce = machine.tree.init_state().next_id
    params = dagcbor.encode([code, params])
    message = Message(sender, Address.of(INIT_ID), method=EXEC, params=params, value=value, nonce=nonce, gas_limit=DEPLOY_GAS)
    receipt = machine.implicit(message)
    if not receipt.ok:
        raise DeployError(f"an actor of code {code} cannot be created: {exit_name(receipt.exit_code)}", receipt)
    made = dagcbor.decode(receipt.return_data)
    if type(made) is not list or not made or type(made[0]) is not bytes:
        raise FormatError("expected addresses from the Init actor", kind="InvalidReturn")
    return Address.from_bytes(made[0])
