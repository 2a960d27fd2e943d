"""THE table of the kernel's events: what each asks the actor machine, and how the answer lies on the advice stack.

The stack is that of `asm/kernel.masm`, whose comments say what goes in and out: element 0 of a call is stack position 1, since the
id of the event is on top. An answer is popped word by word, the deepest element of each word first, so a function returns
``(third, second, first, error)`` for a word.
"""

from __future__ import annotations

from struct import Struct, pack, unpack

from miden.actors.address import Address
from miden.actors.codes import ErrorNumber, SyscallError
from miden.errors import FormatError
from miden.field import U32_MAX, P
from miden.hashing import event_id
from miden.ipld.cid import RAW, Cid, cid_prefix
from miden.ipld.multihash import MAST_RPO_256, RPO_256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from miden.actors.runtimes.masm.invocation import Invocation

    Answer: TypeAlias = "tuple[int, ...]"
    Function: TypeAlias = Callable[[Invocation], Answer]

GIVE = event_id("miden::actor::give")
"""The one event that an actor emits itself: memory for its next call."""

MAX_GIVES = 4
MAX_BLOCK = 1 << 20
MAX_ADDRESS = 128
MAX_TEXT = 1 << 16

MAX_ENTRIES = 256

_ENTRY_HEAD = Struct("<4I")
"""Flags, codec, size of the key and size of the value of an entry of an event."""
_WORD_HASHES = (RPO_256, MAST_RPO_256)


class Call:
    """A row: the name of a procedure of the kernel, the words of its answer, and the function that answers."""

    __slots__ = ("name", "serve", "words")

    def __init__(self, name: str, words: int, serve: Function) -> None:
        self.name = name
        self.words = words
        self.serve = serve

    def refuse(self, error: ErrorNumber) -> Answer:
        """Return the answer for an error."""
        return (0, 0, 0, error, *(0,) * (4 * self.words - 4))

    def __repr__(self) -> str:
        return f"<Call {self.name}>"


# -- numbers, CIDs, amounts


def _element(value: int) -> int:
    if not 0 <= value < P:
        raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, f"{value} is no element")
    return value


def _limbs(amount: int) -> Answer:
    """Return a number of 128 bits as a word, lowest limb deepest."""
    if not amount:
        return 0, 0, 0, 0
    return amount & U32_MAX, amount >> 32 & U32_MAX, amount >> 64 & U32_MAX, amount >> 96


def _amount(run: Invocation, position: int) -> int:
    """Return the number whose highest limb is at a stack position."""
    limbs = [run.stack_get(position + index) for index in range(4)]
    if max(limbs) > U32_MAX:
        raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, "the limbs of an amount have 32 bits")
    return limbs[0] << 96 | limbs[1] << 64 | limbs[2] << 32 | limbs[3]


def _cid(run: Invocation) -> Cid:
    """Return the CID on the stack."""
    codec, hash_code = run.stack_get(2), run.stack_get(3)
    low, high = run.stack_word(5), run.stack_word(9)
    if hash_code in _WORD_HASHES:
        if any(high):
            raise SyscallError(ErrorNumber.ILLEGAL_CID, "the digest of a word-hash is one word")
        digest = low
    else:
        parts = unpack("<8Q", low + high)
        if max(parts) > U32_MAX:
            raise SyscallError(ErrorNumber.ILLEGAL_CID, "four bytes of a digest are an element below 2^32")
        digest = pack("<8I", *parts)
    return Cid.from_checked(cid_prefix(codec, hash_code, len(digest)) + digest)


def _cid_answer(cid: Cid) -> Answer:
    """Return the three words of a CID."""
    codec, hash_code, digest = cid.codec, cid.hash_code, cid.digest
    if cid.version != 1 or len(digest) != 32 or max(codec, hash_code) > U32_MAX:
        raise SyscallError(ErrorNumber.ILLEGAL_CID, f"{cid} has another form than actors in Miden assembly know")
    if hash_code in _WORD_HASHES:
        return 0, hash_code, codec, 0, *unpack("<4Q", digest), 0, 0, 0, 0
    return 0, hash_code, codec, 0, *unpack("<8I", digest)


# -- blocks


def _block_open(run: Invocation) -> Answer:
    handle, codec, size = run.kernel.block_open(_cid(run))
    return size, codec, handle, 0


def _block_create(run: Invocation) -> Answer:
    return 0, 0, run.kernel.block_create(run.stack_get(2), run.given(0, MAX_BLOCK)), 0


def _block_create_elements(run: Invocation) -> Answer:
    return 0, 0, run.kernel.block_create(RAW, run.given_elements(0, MAX_BLOCK // 8)), 0


def _block_read(run: Invocation) -> Answer:
    data, left = run.kernel.block_read(run.stack_get(2), run.stack_get(3), run.stack_get(4))
    run.hand_over_bytes(data)
    return 0, max(left, 0), len(data), 0


def _block_read_elements(run: Invocation) -> Answer:
    handle, offset, count = (run.stack_get(position) for position in (2, 3, 4))
    if max(offset, count) > MAX_BLOCK // 8:
        raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, "no block has so many elements")
    _, size = run.kernel.block_stat(handle)
    data, left = run.kernel.block_read(handle, 8 * offset, 8 * count)
    if size % 8:
        raise SyscallError(ErrorNumber.SERIALIZATION, "the block is not elements of eight bytes")
    run.hand_over_elements(data)
    return 0, max(left, 0) // 8, len(data) // 8, 0


def _block_stat(run: Invocation) -> Answer:
    codec, size = run.kernel.block_stat(run.stack_get(2))
    return 0, size, codec, 0


def _block_link(run: Invocation) -> Answer:
    return _cid_answer(run.kernel.block_link(run.stack_get(2), run.stack_get(3), 32))


# -- this actor


def _self_root(run: Invocation) -> Answer:
    return _cid_answer(run.kernel.root())


def _self_set_root(run: Invocation) -> Answer:
    run.kernel.set_root(_cid(run))
    return 0, 0, 0, 0


def _self_current_balance(run: Invocation) -> Answer:
    return 0, 0, 0, 0, *_limbs(run.kernel.current_balance())


def _self_destruct(run: Invocation) -> Answer:
    run.kernel.self_destruct(run.stack_get(2) != 0)
    return 0, 0, 0, 0


# -- other actors


def _send(run: Invocation) -> Answer:
    method, params, flags, high, low = (run.stack_get(position) for position in (2, 3, 4, 9, 10))
    if max(high, low) > U32_MAX:
        raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, "halves of a gas limit have 32 bits")
    limit = None if high == low == U32_MAX else high << 32 | low
    value, to = _amount(run, 5), _address(run)
    code, handle, codec, size = run.kernel.send(to, method, params, value, limit, flags)
    return codec, handle, code, 0, size, 0, 0, 0


def _exit(run: Invocation) -> Answer:
    text = run.given(0, MAX_TEXT).decode(errors="replace") if run.pieces else ""
    run.kernel.exit(run.stack_get(2), run.stack_get(3), text)


def _message_context(run: Invocation) -> Answer:
    origin, nonce, caller, receiver, method, value, premium, flags = run.kernel.message_context()
    _element(max(origin, nonce, caller, receiver, method))
    return receiver, caller, method, 0, 0, flags, nonce, origin, *_limbs(value), *_limbs(premium)


def _address(run: Invocation, index: int = 0) -> Address:
    """Return the address that the actor gave."""
    try:
        return Address.from_bytes(run.given(index, MAX_ADDRESS))
    except FormatError as problem:
        raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, problem.message) from problem


def _resolve_address(run: Invocation) -> Answer:
    return 0, 0, _element(run.kernel.resolve_address(_address(run))), 0


def _bytes_answer(run: Invocation, data: bytes) -> Answer:
    run.hand_over_bytes(data)
    return 0, 0, len(data), 0


def _lookup_delegated_address(run: Invocation) -> Answer:
    address = run.kernel.lookup_delegated_address(run.stack_get(2))
    if address is None:
        raise SyscallError(ErrorNumber.NOT_FOUND, "the actor has no address of class 4")
    return _bytes_answer(run, address.to_bytes())


def _next_actor_address(run: Invocation) -> Answer:
    return _bytes_answer(run, run.kernel.next_actor_address().to_bytes())


def _create_actor(run: Invocation) -> Answer:
    delegated = _address(run) if run.pieces else None
    run.kernel.create_actor(_cid(run), run.stack_get(4), delegated)
    return 0, 0, 0, 0


def _get_actor_code_cid(run: Invocation) -> Answer:
    return _cid_answer(run.kernel.get_actor_code_cid(run.stack_get(2)))


def _get_builtin_actor_type(run: Invocation) -> Answer:
    return 0, 0, run.kernel.get_builtin_actor_type(_cid(run)), 0


def _get_code_cid_for_type(run: Invocation) -> Answer:
    return _cid_answer(run.kernel.get_code_cid_for_type(run.stack_get(2)))


def _balance_of(run: Invocation) -> Answer:
    return 0, 0, 0, 0, *_limbs(run.kernel.balance_of(run.stack_get(2)))


# -- the world


def _network_context(run: Invocation) -> Answer:
    context = run.kernel.network_context()
    epoch, time, version, chain = map(_element, (context.epoch, context.timestamp, context.network_version, context.chain_id))
    return version, time, epoch, 0, 0, 0, 0, chain, *_limbs(context.base_fee)


def _tipset_cid(run: Invocation) -> Answer:
    return _cid_answer(run.kernel.tipset_cid(run.stack_get(2)))


def _chain_randomness(run: Invocation) -> Answer:
    return 0, 0, 0, 0, *unpack("<8I", run.kernel.get_chain_randomness(run.stack_get(2)))


def _beacon_randomness(run: Invocation) -> Answer:
    return 0, 0, 0, 0, *unpack("<8I", run.kernel.get_beacon_randomness(run.stack_get(2)))


# -- cryptography


def _hash(run: Invocation) -> Answer:
    return _bytes_answer(run, run.kernel.hash(run.stack_get(2), run.given(0, MAX_BLOCK)))


def _verify_signature(run: Invocation) -> Answer:
    signature, signer, text = run.given(0, MAX_ADDRESS), _address(run, 1), run.given(2, MAX_BLOCK)
    return 0, 0, int(run.kernel.verify_signature(run.stack_get(2), signature, signer, text)), 0


def _recover_secp_public_key(run: Invocation) -> Answer:
    return _bytes_answer(run, run.kernel.recover_secp_public_key(run.given(0, 32), run.given(1, 65)))


# -- events, gas, debugging


def _emit_event(run: Invocation) -> Answer:
    count = run.stack_get(2)
    if count > MAX_ENTRIES:
        raise SyscallError(ErrorNumber.LIMIT_EXCEEDED, f"an event has at most {MAX_ENTRIES} entries")
    heads = run.given(0, _ENTRY_HEAD.size * count)
    if len(heads) != _ENTRY_HEAD.size * count:
        raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, f"{count} entries have {_ENTRY_HEAD.size * count} bytes of headers")
    run.kernel.emit_event(list(_ENTRY_HEAD.iter_unpack(heads)), run.given(1, MAX_TEXT), run.given(2, MAX_TEXT))
    return 0, 0, 0, 0


def _gas_charge(run: Invocation) -> Answer:
    name = run.given(0, MAX_TEXT).decode(errors="replace") if run.pieces else "OnActorCharge"
    high, low = run.stack_get(2), run.stack_get(3)
    if max(high, low) > U32_MAX:
        raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, "halves of an amount of gas have 32 bits")
    run.kernel.charge(name, high << 32 | low)
    return 0, 0, 0, 0


def _gas_available(run: Invocation) -> Answer:
    available = run.kernel.available()
    return 0, available & U32_MAX, available >> 32, 0


def _debug_enabled(run: Invocation) -> Answer:
    return 0, 0, int(run.kernel.enabled()), 0


def _debug_log(run: Invocation) -> Answer:
    run.kernel.log(run.given(0, MAX_TEXT).decode(errors="replace"))
    return 0, 0, 0, 0


def _debug_store_artifact(run: Invocation) -> Answer:
    run.kernel.store_artifact(run.given(0, MAX_TEXT).decode(errors="replace"), run.given(1, MAX_BLOCK))
    return 0, 0, 0, 0


_ROWS = (
    Call("block_open", 1, _block_open),
    Call("block_create", 1, _block_create),
    Call("block_create_elements", 1, _block_create_elements),
    Call("block_read", 1, _block_read),
    Call("block_read_elements", 1, _block_read_elements),
    Call("block_stat", 1, _block_stat),
    Call("block_link", 3, _block_link),
    Call("self_root", 3, _self_root),
    Call("self_set_root", 1, _self_set_root),
    Call("self_current_balance", 2, _self_current_balance),
    Call("self_destruct", 1, _self_destruct),
    Call("send", 2, _send),
    Call("exit", 1, _exit),
    Call("message_context", 4, _message_context),
    Call("resolve_address", 1, _resolve_address),
    Call("lookup_delegated_address", 1, _lookup_delegated_address),
    Call("next_actor_address", 1, _next_actor_address),
    Call("create_actor", 1, _create_actor),
    Call("get_actor_code_cid", 3, _get_actor_code_cid),
    Call("get_builtin_actor_type", 1, _get_builtin_actor_type),
    Call("get_code_cid_for_type", 3, _get_code_cid_for_type),
    Call("balance_of", 2, _balance_of),
    Call("network_context", 3, _network_context),
    Call("tipset_cid", 3, _tipset_cid),
    Call("get_chain_randomness", 3, _chain_randomness),
    Call("get_beacon_randomness", 3, _beacon_randomness),
    Call("hash", 1, _hash),
    Call("verify_signature", 1, _verify_signature),
    Call("recover_secp_public_key", 1, _recover_secp_public_key),
    Call("emit_event", 1, _emit_event),
    Call("gas_charge", 1, _gas_charge),
    Call("gas_available", 1, _gas_available),
    Call("debug_enabled", 1, _debug_enabled),
    Call("debug_log", 1, _debug_log),
    Call("debug_store_artifact", 1, _debug_store_artifact),
)

CALLS: dict[int, Call] = {event_id(f"miden::actor::{row.name}"): row for row in _ROWS}
"""The table by event id."""
