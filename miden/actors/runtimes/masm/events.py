"""What events cost that a host answers besides those of the kernel: system events, and those of the core library.

A clock cycle is all that the VM counts for an event, however much the host has to do for it. An actor pays for that as for any way
out of a guest, for every element that is moved, and for the work on signatures and ciphers.
"""

from __future__ import annotations

from miden.actors.prices import SECP256K1
from miden.hashing import event_id
from miden.ipld.multihash import RPO_256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from miden.actors.prices import PriceList

    Look: TypeAlias = Callable[[int], int]

NAME = "OnVmEvent"
"""The charge for an event, as traces have it."""

_ELEMENT = 8
_MOST = 1 << 32
"""Elements of a memory: no event can have more to do with it."""


def _range(start: int, end: int) -> Callable[[Look], int]:
    """Return what counts the elements between two addresses on the stack."""
    return lambda stack_get: stack_get(end) - stack_get(start)


_ELEMENTS: dict[int, Callable[[Look], int]] = {
    event_id("sys::mem_to_map"): _range(5, 6),
    event_id("miden::core::hash::keccak256::hash_bytes"): lambda stack_get: stack_get(2) // 4,
    event_id("miden::core::hash::sha512::hash_bytes"): lambda stack_get: stack_get(2) // 4,
    event_id("miden::core::collections::sorted_array::lowerbound_array"): _range(5, 6),
    event_id("miden::core::collections::sorted_array::lowerbound_key_value"): _range(5, 6),
}
"""Event -> the elements of memory that it reads."""

_SIGNATURES = {event_id("miden::core::crypto::dsa::ecdsa_k256_keccak::verify"), event_id("miden::core::dsa::eddsa_ed25519::verify")}
_DECRYPT = event_id("stdlib::crypto::aead::decrypt")


def event_price(event: int, stack_get: Look, prices: PriceList) -> int:
    """Return the milligas of an event that is about to be answered."""
    price = prices.syscall
    if event in _ELEMENTS:
        price += moved_price(min(max(_ELEMENTS[event](stack_get), 0), _MOST), prices)
    elif event in _SIGNATURES:
        price += prices.signatures[SECP256K1].of(0)
    elif event == _DECRYPT:
        price += min(stack_get(11), _MOST) * _ELEMENT * _ELEMENT * prices.hashing[RPO_256]
    return price


def moved_price(elements: int, prices: PriceList) -> int:
    """Return the milligas of elements that are put on the advice stack, or into the advice map."""
    return elements * _ELEMENT * (prices.block_copy_byte + prices.block_allocate_byte + prices.block_retain_byte)
