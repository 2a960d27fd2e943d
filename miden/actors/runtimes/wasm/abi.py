"""THE tables of what a Wasm guest may import, by network version. (fvm.md sections 2.4, 2.6 and 2.7.)

Every import returns 0 or an error number. One with a result takes the place for it as a first argument more, and the result is
packed there in little-endian. Arguments are checked in the order in which upstream does: bounds of memory first, most of the time.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from miden.actors.codes import ErrorNumber, Fatal, SyscallError
from miden.actors.runtimes.wasm.guest import Guest, refuse
from miden.errors import FormatError
from miden.ipld import dagcbor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from miden.ipld.cid import Cid

    Handler = Callable[..., tuple[Any, ...] | None]

_ALL_GAS = (1 << 64) - 1
_U64 = (1 << 64) - 1
_ADDRESS_SIZE = 21
_HEADER = Struct("<QQII")


class Import(NamedTuple):
    """A function that guests import: `params` has a letter of `struct` for each argument, `out` is the packed result."""

    module: str
    name: str
    params: str
    out: Struct | None
    call: Handler


_SHARED: list[Import] = []
_ONLY_NV18: list[Import] = []
_ONLY_NV21: list[Import] = []


def _imported(module: str, name: str, params: str, out: str = "", table: list[Import] = _SHARED) -> Callable[[Handler], Handler]:
    def add(function: Handler) -> Handler:
        table.append(Import(module, name, params, Struct("<" + out) if out else None, function))
        return function

    return add


def _u128(value: int) -> tuple[int, int]:
    if value >> 128:
        raise Fatal(f"an amount of {value} does not fit 128 bits", kind="AmountTooLarge")
    return value & _U64, value >> 64


def _write_cid(guest: Guest, offset: int, cid: Cid) -> tuple[int]:
    return (guest.write(offset, cid.to_bytes()),)


def _verdict(valid: bool) -> tuple[int]:
    return (0 if valid else -1,)


# vm


@_imported("vm", "exit", "IIII")
def _exit(guest: Guest, code: int, handle: int, offset: int, size: int) -> None:
    try:
        message = guest.read(offset, size) if size else b""
    except SyscallError as problem:
        message = f"failed to extract error message: {problem.message}".encode()
    guest.kernel.exit(code, handle, message)


@_imported("vm", "message_context", "", "QQQQQQQQQQ")
def _message_context(guest: Guest) -> tuple[int, ...]:
    facts = guest.kernel.message_context()
    return (*facts[:5], *_u128(facts.value), *_u128(facts.premium), facts.flags)


# network


@_imported("network", "context", "", "qQQQQI")
def _network_context(guest: Guest) -> tuple[int, ...]:
    facts = guest.kernel.network_context()
    return (facts.epoch, facts.timestamp, *_u128(facts.base_fee), facts.chain_id, facts.network_version)


@_imported("network", "tipset_cid", "qII", "I")
def _tipset_cid(guest: Guest, epoch: int, offset: int, room: int) -> tuple[int]:
    guest.check(offset, room)
    return _write_cid(guest, offset, guest.kernel.tipset_cid(epoch, room))


@_imported("network", "total_fil_circ_supply", "", "QQ")
def _circulating_supply(guest: Guest) -> tuple[int, ...]:
    return _u128(guest.kernel.total_fil_circ_supply())


# ipld


@_imported("ipld", "block_open", "I", "QII")
def _block_open(guest: Guest, cid: int) -> tuple[int, ...]:
    handle, codec, size = guest.kernel.block_open(guest.read_cid(cid))
    return codec, handle, size


@_imported("ipld", "block_create", "QII", "I")
def _block_create(guest: Guest, codec: int, offset: int, size: int) -> tuple[int]:
    return (guest.kernel.block_create(codec, guest.read(offset, size)),)


@_imported("ipld", "block_read", "IIII", "i")
def _block_read(guest: Guest, handle: int, start: int, offset: int, size: int) -> tuple[int]:
    guest.check(offset, size)
    data, rest = guest.kernel.block_read(handle, start, size)
    guest.write(offset, data)
    return (rest,)


@_imported("ipld", "block_stat", "I", "QI")
def _block_stat(guest: Guest, handle: int) -> tuple[int, int]:
    return guest.kernel.block_stat(handle)


@_imported("ipld", "block_link", "IQIII", "I")
def _block_link(guest: Guest, handle: int, hash_code: int, hash_size: int, offset: int, room: int) -> tuple[int]:
    guest.check(offset, room)
    return _write_cid(guest, offset, guest.kernel.block_link(handle, hash_code, hash_size, room))


# self


@_imported("self", "root", "II", "I")
def _root(guest: Guest, offset: int, room: int) -> tuple[int]:
    guest.check(offset, room)
    return _write_cid(guest, offset, guest.kernel.root(room))


@_imported("self", "set_root", "I")
def _set_root(guest: Guest, cid: int) -> None:
    guest.kernel.set_root(guest.read_cid(cid))


@_imported("self", "current_balance", "", "QQ")
def _current_balance(guest: Guest) -> tuple[int, ...]:
    return _u128(guest.kernel.current_balance())


@_imported("self", "self_destruct", "II", table=_ONLY_NV18)
def _self_destruct_to(guest: Guest, offset: int, size: int) -> None:
    guest.kernel.self_destruct(beneficiary=guest.read_address(offset, size))


@_imported("self", "self_destruct", "I", table=_ONLY_NV21)
def _self_destruct(guest: Guest, burn: int) -> None:
    guest.kernel.self_destruct(burn=burn > 0)


# send


@_imported("send", "send", "IIQIQQQQ", "IIQI")
def _send(
    guest: Guest, offset: int, size: int, method: int, params: int, value_high: int, value_low: int, gas_limit: int, flags: int
) -> tuple[int, ...]:
    to = guest.read_address(offset, size)
    limit = None if gas_limit == _ALL_GAS else gas_limit
    return guest.kernel.send(to, method, params, value_high << 64 | value_low, limit, flags)


# actor


@_imported("actor", "resolve_address", "II", "Q")
def _resolve_address(guest: Guest, offset: int, size: int) -> tuple[int]:
    return (guest.kernel.resolve_address(guest.read_address(offset, size)),)


@_imported("actor", "lookup_delegated_address", "QII", "I")
def _lookup_delegated_address(guest: Guest, actor_id: int, offset: int, room: int) -> tuple[int]:
    guest.check(offset, room)
    address = guest.kernel.lookup_delegated_address(actor_id, room)
    return (0 if address is None else guest.write(offset, address.to_bytes()),)


@_imported("actor", "get_actor_code_cid", "QII", "I")
def _get_actor_code_cid(guest: Guest, actor_id: int, offset: int, room: int) -> tuple[int]:
    guest.check(offset, room)
    return _write_cid(guest, offset, guest.kernel.get_actor_code_cid(actor_id, room))


@_imported("actor", "next_actor_address", "II", "I")
def _next_actor_address(guest: Guest, offset: int, room: int) -> tuple[int]:
    guest.check(offset, room)
    if room < _ADDRESS_SIZE:
        raise SyscallError(ErrorNumber.BUFFER_TOO_SMALL, f"an address of {_ADDRESS_SIZE} bytes does not fit a buffer of {room}")
    return (guest.write(offset, guest.kernel.next_actor_address().to_bytes()),)


@_imported("actor", "create_actor", "QIII")
def _create_actor(guest: Guest, actor_id: int, code: int, offset: int, size: int) -> None:
    cid = guest.read_cid(code)
    guest.kernel.create_actor(cid, actor_id, guest.read_address(offset, size) if size else None)


@_imported("actor", "get_builtin_actor_type", "I", "i")
def _get_builtin_actor_type(guest: Guest, code: int) -> tuple[int]:
    return (guest.kernel.get_builtin_actor_type(guest.read_cid(code)),)


@_imported("actor", "get_code_cid_for_type", "III", "I")
def _get_code_cid_for_type(guest: Guest, number: int, offset: int, room: int) -> tuple[int]:
    guest.check(offset, room)
    return _write_cid(guest, offset, guest.kernel.get_code_cid_for_type(number, room))


@_imported("actor", "balance_of", "Q", "QQ")
def _balance_of(guest: Guest, actor_id: int) -> tuple[int, ...]:
    return _u128(guest.kernel.balance_of(actor_id))


# crypto


@_imported("crypto", "hash", "QIIII", "I")
def _hash(guest: Guest, code: int, offset: int, size: int, digest: int, room: int) -> tuple[int]:
    guest.check(digest, room)
    return (guest.write(digest, guest.kernel.hash(code, guest.read(offset, size))[:room]),)


@_imported("crypto", "verify_signature", "IIIIIII", "i")
def _verify_signature(
    guest: Guest, kind: int, signature: int, signature_size: int, signer: int, signer_size: int, text: int, size: int
) -> tuple[int]:
    if kind not in guest.kernel.prices.signatures:
        refuse(f"no kind of signature has number {kind}")
    read = guest.read
    raw = read(signature, signature_size)
    return _verdict(guest.kernel.verify_signature(kind, raw, guest.read_address(signer, signer_size), read(text, size)))


@_imported("crypto", "recover_secp_public_key", "II", "65s")
def _recover_secp_public_key(guest: Guest, digest: int, signature: int) -> tuple[bytes]:
    return (guest.kernel.recover_secp_public_key(guest.read(digest, 32), guest.read(signature, 65)),)


@_imported("crypto", "verify_bls_aggregate", "IIIII", "i", table=_ONLY_NV21)
def _verify_bls_aggregate(guest: Guest, count: int, signature: int, keys: int, texts: int, sizes: int) -> tuple[int]:
    if count * 48 > 0xFFFFFFFF:
        refuse(f"{count} signers are too many")
    raw = guest.read(signature, 96)
    all_keys = guest.read(keys, count * 48)
    lengths = Struct(f"<{count}I").unpack(guest.read(sizes, count * 4))
    data = guest.read(texts, sum(lengths) & 0xFFFFFFFF)
    parts = [all_keys[index : index + 48] for index in range(0, len(all_keys), 48)]
    return _verdict(guest.kernel.verify_bls_aggregate(raw, parts, data, lengths))


@_imported("crypto", "compute_unsealed_sector_cid", "qIIII", "I")
def _compute_unsealed_sector_cid(guest: Guest, proof_type: int, offset: int, size: int, cid: int, room: int) -> tuple[int]:
    pieces = guest.read(offset, size)
    guest.check(cid, room)
    return _write_cid(guest, cid, guest.kernel.compute_unsealed_sector_cid(proof_type, pieces, room))


@_imported("crypto", "verify_post", "II", "i")
def _verify_post(guest: Guest, offset: int, size: int) -> tuple[int]:
    return _verdict(guest.kernel.verify_post(guest.read(offset, size)))


@_imported("crypto", "verify_consensus_fault", "IIIIII", "qQI")
def _verify_consensus_fault(
    guest: Guest, first: int, first_size: int, second: int, second_size: int, extra: int, extra_size: int
) -> tuple[int, ...]:
    headers = guest.read(first, first_size), guest.read(second, second_size), guest.read(extra, extra_size)
    kind, epoch, culprit = guest.kernel.verify_consensus_fault(*headers)
    return epoch, culprit, kind


@_imported("crypto", "verify_aggregate_seals", "II", "i")
def _verify_aggregate_seals(guest: Guest, offset: int, size: int) -> tuple[int]:
    return _verdict(guest.kernel.verify_aggregate_seals(guest.read(offset, size)))


@_imported("crypto", "verify_replica_update", "II", "i")
def _verify_replica_update(guest: Guest, offset: int, size: int) -> tuple[int]:
    return _verdict(guest.kernel.verify_replica_update(guest.read(offset, size)))


@_imported("crypto", "batch_verify_seals", "III")
def _batch_verify_seals(guest: Guest, offset: int, size: int, results: int) -> None:
    batch = guest.read(offset, size)
    try:
        value = dagcbor.decode(batch)
    except FormatError as problem:
        refuse(problem.message)
    if type(value) is not list:
        refuse("expected a list of seals")
    guest.check(results, len(value))
    guest.write(results, bytes(guest.kernel.batch_verify_seals(batch)))


# event


@_imported("event", "emit_event", "II", table=_ONLY_NV18)
def _emit_event_cbor(guest: Guest, offset: int, size: int) -> None:
    guest.kernel.emit_event_cbor(guest.read(offset, size))


@_imported("event", "emit_event", "IIIIII", table=_ONLY_NV21)
def _emit_event(guest: Guest, headers: int, count: int, keys: int, keys_size: int, values: int, values_size: int) -> None:
    size = count * _HEADER.size
    if size > 0xFFFFFFFF:
        refuse(f"an event of {count} entries is too large")
    raw = guest.read(headers, size)
    guest.kernel.emit_event(list(_HEADER.iter_unpack(raw)), guest.read(keys, keys_size), guest.read(values, values_size))


# rand


@_imported("rand", "get_chain_randomness", "qqII", "32s", table=_ONLY_NV18)
def _draw_from_chain(guest: Guest, purpose: int, epoch: int, offset: int, size: int) -> tuple[bytes]:
    return (guest.kernel.get_chain_randomness(epoch, purpose, guest.read(offset, size)),)


@_imported("rand", "get_beacon_randomness", "qqII", "32s", table=_ONLY_NV18)
def _draw_from_beacon(guest: Guest, purpose: int, epoch: int, offset: int, size: int) -> tuple[bytes]:
    return (guest.kernel.get_beacon_randomness(epoch, purpose, guest.read(offset, size)),)


@_imported("rand", "get_chain_randomness", "q", "32s", table=_ONLY_NV21)
def _get_chain_randomness(guest: Guest, epoch: int) -> tuple[bytes]:
    return (guest.kernel.get_chain_randomness(epoch),)


@_imported("rand", "get_beacon_randomness", "q", "32s", table=_ONLY_NV21)
def _get_beacon_randomness(guest: Guest, epoch: int) -> tuple[bytes]:
    return (guest.kernel.get_beacon_randomness(epoch),)


# gas


@_imported("gas", "charge", "IIQ")
def _charge(guest: Guest, offset: int, size: int, gas: int) -> None:
    guest.kernel.charge(guest.read_text(offset, size), gas)


@_imported("gas", "available", "", "Q")
def _available(guest: Guest) -> tuple[int]:
    return (guest.kernel.available(),)


# debug


@_imported("debug", "enabled", "", "i")
def _enabled(guest: Guest) -> tuple[int]:
    return _verdict(guest.kernel.enabled())


@_imported("debug", "log", "II")
def _log(guest: Guest, offset: int, size: int) -> None:
    if guest.kernel.enabled():
        guest.kernel.log(guest.read_text(offset, size))


@_imported("debug", "store_artifact", "IIII")
def _store_artifact(guest: Guest, name: int, name_size: int, data: int, size: int) -> None:
    if guest.kernel.enabled():
        content = guest.read(data, size)
        guest.kernel.store_artifact(guest.read_text(name, name_size), content)


NV18 = (*_SHARED, *_ONLY_NV18)
"""What guests import before network version 21."""

NV21 = (*_SHARED, *_ONLY_NV21)
"""What guests import from network version 21 on."""
