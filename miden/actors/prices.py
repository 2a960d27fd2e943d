"""What everything costs: price lists as data, and the charges that follow from them. (fvm.md section 2.8.)

Numbers are in milligas, ten thousand for each nanosecond that the operation may take on the network's reference machine; sizes in
bytes. `PRICES` holds the lists by name:

``nv21``
    Network versions 21 to 24 (ref-fvm 4): links that are scanned, tracked and checked cost something.
``nv18``
    Network versions 18 to 20 (ref-fvm 3): they do not; events are priced by the size of their CBOR.
``unit``
    One gas for each clock cycle or Wasm instruction, nothing for all else: counts what programs do.

Where a charge is zero in one list and absent in the network's own rules, it is charged as zero, so that sums agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from miden.actors.gas import MILLIGAS, GasCharge
from miden.errors import InputError
from miden.ipld.multihash import BLAKE2B_256, MAST_RPO_256, RPO_256, SHA2_256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

BLAKE2B_512 = 0xB240
KECCAK_256 = 0x1B
RIPEMD_160 = 0x1053

SECP256K1 = 1
BLS = 2

_EVENT_SIZE = 12
"""Bytes of an event as CBOR, besides its entries."""
_EVENT_ENTRY_SIZE = 9
"""Bytes of an entry as CBOR, besides its key and value."""
_TABLE_ELEMENT_SIZE = 8
_RANDOMNESS_PREFIX = 48
"""Bytes hashed for a draw of randomness, besides the entropy: tag, digest, epoch."""


class Scaling(NamedTuple):
    """A price with a flat part and one that grows."""

    flat: int = 0
    scale: int = 0

    def of(self, count: int) -> int:
        """Return the price for a count."""
        return self.flat + self.scale * count


class Steps(NamedTuple):
    """A price for each item, and one that depends on the range in which their number falls: pairs (first number, price)."""

    each: int
    steps: tuple[tuple[int, int], ...]

    def of(self, count: int) -> int:
        """Return the price for a count."""
        return self.each * count + next((price for first, price in reversed(self.steps) if first <= count), 0)


@dataclass(frozen=True)
class PriceList:
    """Prices in milligas. Methods return the `GasCharge` of an operation.

    >>> NV21.on_block_read(1000)
    GasCharge(name='OnBlockRead', compute=400000, other=0)
    """

    name: str
    cycle: int
    """A clock cycle of a Miden VM. No network has this price; it is that of a Wasm instruction."""
    instruction: int
    """A Wasm instruction that is not free."""
    memory_byte: int
    """A byte of guest memory grown, filled or copied."""
    syscall: int

    message_compute: int
    message_storage: Scaling
    return_byte: int
    transfer: int
    invocation: int

    actor_lookup: int
    actor_update: int
    actor_create: int
    address_lookup: int
    address_assignment: int
    preloaded_actors: frozenset[int]
    """Actors that cost nothing to look up and to update."""

    signatures: Mapping[int, Scaling]
    """Type of a signature -> price by bytes signed."""
    recover: int
    bls_pairing: int
    bls_hashing_byte: int
    hashing: Mapping[int, int]
    """Multihash code -> price of a byte."""

    randomness: int
    randomness_epoch: int
    """For each epoch of lookback."""
    randomness_byte: int
    """For each byte of entropy."""
    tipset: int
    tipset_epoch: int
    tipset_historical: int
    """On top for a tipset that is not the latest."""

    block_copy_byte: int
    block_allocate_byte: int
    block_retain_byte: int
    """The least that a byte of a block costs that is kept in memory."""
    block_open: int
    block_persist: Scaling
    block_flush: int

    scan_field: int
    scan_link: int
    link_tracked: int
    link_checked: int

    event_entry: Scaling
    utf8: Scaling
    event_validation: Scaling
    """By bytes of CBOR, where events are passed as such."""

    unsealed_cid: int
    seal: int
    aggregate_seals: Mapping[int, Steps]
    """Type of a seal proof -> price by number of seals; the first is that of all others."""
    replica_update: int
    post: Scaling
    """By sectors challenged."""
    consensus_fault: int

    # messages, calls and actors

    def on_chain_message(self, size: int) -> GasCharge:
        """A message in a block: kept, checked, and its sender updated."""
        return GasCharge("OnChainMessage", self.message_compute, self.actor_update + self.message_storage.of(size))

    def on_value_transfer(self) -> GasCharge:
        """Value moved to another actor."""
        return GasCharge("OnValueTransfer", self.transfer)

    def on_method_invocation(self, links: int) -> GasCharge:
        """A method called with parameters that hold so many links."""
        return GasCharge("OnMethodInvocation", self.invocation + self.link_tracked * links)

    def on_method_return(self, depth: int, size: int, links: int) -> GasCharge:
        """A return value: kept in the chain at depth 1, its links tracked by the caller at others."""
        if depth == 1:
            return GasCharge("OnChainReturnValue", 0, self.return_byte * size)
        return GasCharge("OnReturnValue", self.link_tracked * links)

    def on_syscall(self) -> GasCharge:
        """The way from a guest to the kernel and back."""
        return GasCharge("OnSyscall", self.syscall)

    def on_create_actor(self, new_address: bool) -> GasCharge:
        """An actor made, with or without an address that is new to the network."""
        assigned = self.address_assignment + self.address_lookup if new_address else 0
        return GasCharge("OnCreateActor", 0, self.actor_create + assigned)

    def on_delete_actor(self) -> GasCharge:
        """An actor removed."""
        return GasCharge("OnDeleteActor", 0)

    def on_actor_lookup(self) -> GasCharge:
        """An actor read for the first time in a message."""
        return GasCharge("OnActorLookup", 0, self.actor_lookup)

    def on_actor_update(self) -> GasCharge:
        """An actor changed for the first time in a message."""
        return GasCharge("OnActorUpdate", 0, self.actor_update)

    # state

    def on_get_root(self) -> GasCharge:
        """The root of the state asked for."""
        return GasCharge("OnActorGetRoot", self.link_tracked)

    def on_set_root(self) -> GasCharge:
        """The root of the state set."""
        return GasCharge("OnActorSetRoot", self.link_checked)

    def on_scan_links(self, fields: int, links: int) -> GasCharge:
        """A block scanned for links."""
        return GasCharge("OnScanIpldLinks", self.scan_field * fields + self.scan_link * links)

    def on_block_open_base(self) -> GasCharge:
        """A block asked for, whatever its size."""
        return GasCharge("OnBlockOpenBase", self.link_checked, self.block_open)

    def on_block_open(self, size: int, links: int) -> GasCharge:
        """A block read from the store, by its size and its links."""
        tracked = self.link_tracked * links
        read = (self.block_allocate_byte + self.block_copy_byte) * size
        kept = self.block_retain_byte * size - tracked
        return GasCharge("OnBlockOpen", tracked, max(kept, read))

    def on_block_read(self, size: int) -> GasCharge:
        """Bytes of a block copied to a guest."""
        return GasCharge("OnBlockRead", self.block_copy_byte * size)

    def on_block_create(self, size: int, links: int) -> GasCharge:
        """A block made by a guest."""
        compute = (self.block_copy_byte + self.block_allocate_byte) * size + self.link_checked * links
        kept = self.block_retain_byte * size - compute
        return GasCharge("OnBlockCreate", compute, max(0, kept))

    def on_block_link(self, hash_code: int, size: int) -> GasCharge:
        """A block hashed and kept; raises `KeyError` for a hash function without a price."""
        compute = (self.block_copy_byte + self.block_allocate_byte + self.hashing[hash_code]) * size + self.link_tracked
        return GasCharge("OnBlockLink", compute, self.block_flush + self.block_persist.of(size))

    def on_block_stat(self) -> GasCharge:
        """The size and codec of a block asked for."""
        return GasCharge("OnBlockStat", 0)

    # what costs nothing but has a name

    def on_free(self, name: str) -> GasCharge:
        """A question that costs nothing, such as ``OnResolveAddress`` or ``OnSelfBalance``."""
        return GasCharge(name, 0)

    # cryptography

    def on_hashing(self, hash_code: int, size: int) -> GasCharge:
        """Bytes hashed for a guest; raises `KeyError` for a hash function without a price."""
        return GasCharge("OnHashing", self.hashing[hash_code] * size)

    def on_verify_signature(self, signature_type: int, size: int) -> GasCharge:
        """A signature checked over so many bytes; raises `KeyError` for a type without a price."""
        return GasCharge("OnVerifySignature", self.signatures[signature_type].of(size))

    def on_verify_aggregate_signature(self, count: int, size: int) -> GasCharge:
        """One BLS signature checked for `count` signers of `size` bytes together."""
        return GasCharge("OnVerifyBlsAggregateSignature", self.bls_pairing * (count + 1) + self.bls_hashing_byte * size)

    def on_recover_secp_public_key(self) -> GasCharge:
        """A key recovered from a signature."""
        return GasCharge("OnRecoverSecpPublicKey", self.recover)

    # chain and events

    def on_get_randomness(self, lookback: int, entropy: int) -> GasCharge:
        """Randomness drawn, of `lookback` epochs ago, with so many bytes of entropy."""
        price = self.randomness + self.randomness_epoch * lookback + self.randomness_byte * entropy
        return GasCharge("OnGetRandomness", 0, price)

    def on_tipset_cid(self, lookback: int) -> GasCharge:
        """The name of the tipset of `lookback` epochs ago."""
        price = self.tipset + self.tipset_epoch * lookback + (self.tipset_historical if lookback > 1 else 0)
        return GasCharge("OnTipsetCid", 0, price)

    def on_actor_event(self, entries: int, key_size: int, value_size: int) -> GasCharge:
        """An event, by the number of its entries and the bytes of all keys and all values."""
        size = _EVENT_SIZE + _EVENT_ENTRY_SIZE * entries + key_size + value_size
        copy = (self.block_copy_byte + self.block_allocate_byte) * size
        compute = 2 * copy + self.event_entry.of(entries) + self.utf8.of(key_size)
        return GasCharge("OnActorEvent", compute, self.hashing[BLAKE2B_256] * size + copy)

    def on_actor_event_validate(self, size: int) -> GasCharge:
        """An event that comes as CBOR (network versions before 21), before it is decoded."""
        price = (self.block_copy_byte + self.block_allocate_byte) * size + self.event_validation.of(size)
        return GasCharge("OnActorEventValidate", price)

    def on_actor_event_accept(self, size: int) -> GasCharge:
        """An event that came as CBOR and was accepted."""
        stamped = size + _EVENT_SIZE
        copy, allocate = self.block_copy_byte * stamped, self.block_allocate_byte * stamped
        return GasCharge("OnActorEventAccept", copy + allocate, 2 * copy + allocate + self.hashing[BLAKE2B_256] * stamped)

    # proofs: priced here, checked by who has a verifier

    def on_compute_unsealed_sector_cid(self) -> GasCharge:
        """The commitment of a sector computed from its pieces."""
        return GasCharge("OnComputeUnsealedSectorCid", self.unsealed_cid)

    def on_verify_seal(self) -> GasCharge:
        """One seal of a batch checked."""
        return GasCharge("OnVerifySeal", self.seal)

    def on_verify_aggregate_seals(self, proof_type: int, count: int) -> GasCharge:
        """So many seals checked at once."""
        found = self.aggregate_seals.get(proof_type) or next(iter(self.aggregate_seals.values()))
        return GasCharge("OnVerifyAggregateSeals", found.of(count))

    def on_verify_replica_update(self) -> GasCharge:
        """The update of a replica checked."""
        return GasCharge("OnVerifyReplicaUpdate", self.replica_update)

    def on_verify_post(self, challenged: int) -> GasCharge:
        """A proof of spacetime checked, for so many sectors."""
        return GasCharge("OnVerifyPost", self.post.of(challenged))

    def on_verify_consensus_fault(self) -> GasCharge:
        """Two block headers checked against each other."""
        return GasCharge("OnVerifyConsensusFault", 0, self.consensus_fault)

    # Wasm

    def memory_gas(self, size: int) -> int:
        """Return milligas for guest memory that grows by `size` bytes."""
        return self.memory_byte * size

    def table_gas(self, elements: int) -> int:
        """Return milligas for a table of so many elements."""
        return self.memory_byte * _TABLE_ELEMENT_SIZE * elements


def _gas(amount: float) -> int:
    return round(amount * MILLIGAS)


def _scaling(flat: float, scale: float = 0) -> Scaling:
    return Scaling(_gas(flat), _gas(scale))


def _steps(each: int, first: tuple[int, ...], prices: tuple[int, ...]) -> Steps:
    return Steps(_gas(each), tuple(zip(first, map(_gas, prices), strict=True)))


_STEPS = (4, 7, 13, 26, 52, 103, 205, 410)

NV21 = PriceList(
    name="nv21",
    cycle=_gas(4),
    instruction=_gas(4),
    memory_byte=_gas(0.4),
    syscall=_gas(14_000),
    message_compute=_gas(38_863),
    message_storage=_scaling(36 * 1300, 1300),
    return_byte=_gas(1300),
    transfer=_gas(6000),
    invocation=_gas(75_000),
    actor_lookup=_gas(500_000),
    actor_update=_gas(475_000),
    actor_create=_gas(650_000),
    address_lookup=_gas(1_050_000),
    address_assignment=_gas(1_000_000),
    preloaded_actors=frozenset((0, 1, 2, 3, 4, 5, 6, 7, 10, 99)),
    signatures={SECP256K1: _scaling(1_637_292, 10), BLS: _scaling(16_598_605, 26)},
    recover=_gas(1_637_292),
    bls_pairing=_gas(8_299_302),
    bls_hashing_byte=_gas(7),
    hashing={
        SHA2_256: _gas(7),
        BLAKE2B_256: _gas(10),
        BLAKE2B_512: _gas(10),
        KECCAK_256: _gas(33),
        RIPEMD_160: _gas(35),
        # not of the network: 64 bytes are one permutation, about a microsecond
        RPO_256: _gas(160),
        MAST_RPO_256: _gas(160),
    },
    randomness=_gas(5800 * 19 + 15_000 + 21_000),
    randomness_epoch=_gas(75),
    randomness_byte=0,
    tipset=_gas(5800 * 19 + 15_000 + 21_000),
    tipset_epoch=_gas(75),
    tipset_historical=0,
    block_copy_byte=_gas(0.4),
    block_allocate_byte=_gas(2),
    block_retain_byte=_gas(10),
    block_open=_gas(187_440),
    block_persist=_scaling(334_000, 3340),
    block_flush=_gas(172_000),
    scan_field=_gas(35),
    scan_link=_gas(400),
    link_tracked=_gas(300),
    link_checked=_gas(300),
    event_entry=_scaling(2000, 1400),
    utf8=_scaling(500, 16),
    event_validation=Scaling(),
    unsealed_cid=_gas(98_647),
    seal=_gas(2000),
    aggregate_seals={
        8: _steps(
            449_900,
            _STEPS,
            (103_994_170, 112_356_810, 122_912_610, 137_559_930, 162_039_100, 210_960_780, 318_351_180, 528_274_980),
        ),
        9: _steps(
            359_272,
            _STEPS,
            (102_581_240, 110_803_030, 120_803_700, 134_642_130, 157_357_890, 203_017_690, 304_253_590, 509_880_640),
        ),
    },
    replica_update=_gas(36_316_136),
    post=_scaling(117_680_921, 43_780),
    consensus_fault=_gas(516_422),
)
"""Network versions 21 to 24."""

NV18 = replace(
    NV21,
    name="nv18",
    randomness=_gas(21_000 + 10 * _RANDOMNESS_PREFIX),
    randomness_epoch=0,
    randomness_byte=_gas(10),
    tipset=_gas(50_000),
    tipset_epoch=0,
    tipset_historical=_gas(165_000),
    scan_field=0,
    scan_link=0,
    link_tracked=0,
    link_checked=0,
    event_entry=Scaling(),
    utf8=Scaling(),
    event_validation=_scaling(1750, 25),
)
"""Network versions 18 to 20."""

_NOTHING: dict[str, Any] = {
    field: 0 if type(value) is int else Scaling() for field, value in vars(NV21).items() if type(value) in (int, Scaling)
}

UNIT = replace(
    NV21,
    **{**_NOTHING, "name": "unit", "cycle": MILLIGAS, "instruction": MILLIGAS},
    signatures=dict.fromkeys(NV21.signatures, Scaling()),
    hashing=dict.fromkeys(NV21.hashing, 0),
    aggregate_seals=dict.fromkeys(NV21.aggregate_seals, Steps(0, ())),
)
"""Cycles and instructions only."""

PRICES = {prices.name: prices for prices in (NV18, NV21, UNIT)}
"""Price lists by name."""


def price_list(name: str) -> PriceList:
    """Return a price list by its name; raises `InputError`.

    >>> price_list("nv18").block_open
    187440000
    """
    if name not in PRICES:
        raise InputError(f"no price list {name!r}; there are {', '.join(PRICES)}", kind="UnknownPrices")
    return PRICES[name]
