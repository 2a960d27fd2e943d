"""Cases of `miden::core::collections::mmr`; the oracle is the trees built anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miden.field import P, Word
from miden.hashing import hash_elements, merge
from miden.vm.trees import Mmr
from tests.support.corelib import TRUNCATE, Case, Failure, set_memory

if TYPE_CHECKING:
    import random

LEAVES = (1, 2, 3, 4, 5, 7, 8, 11, 15, 16, 31)
NUMBERS = (0, 1, 2, 3, 7, 8, 15, 2**16 - 1, 2**17 - 1, 2**31, 2**32 - 1, 2**32, 2**33 - 1, 2**63, P - 1)


def word(rng: random.Random) -> Word:
    """Draw a word."""
    return Word(rng.randrange(P) for _ in range(4))


def rest(rng: random.Random, count: int) -> list[int]:
    """Draw elements that must stay as they are."""
    return [rng.randrange(P) for _ in range(count)]


def number(rng: random.Random, index: int) -> int:
    """Return number of leaves number `index`."""
    return NUMBERS[index] if index < len(NUMBERS) else rng.randrange(P) >> rng.randrange(64)


def trees(leaves: list[Word]) -> list[list[Word]]:
    """Cut leaves into those of the full trees, the largest first."""
    found, at = [], 0
    for bit in range(len(leaves).bit_length() - 1, -1, -1):
        if len(leaves) >> bit & 1:
            found.append(leaves[at : at + (1 << bit)])
            at += 1 << bit
    return found


def cells(address: int, count: int, peaks: list[Word]) -> dict[int, int]:
    """Return a range as it is in memory."""
    elements = [element for one in peaks for element in one]
    return {address: count} | dict(enumerate(elements, address + 4))


def store(leaves: list[Word]) -> dict[str, Any]:
    """Return the advice with all nodes."""
    return {"merkle_store": [{"merkle_tree": [leaf.to_hex() for leaf in tree]} for tree in trees(leaves) if len(tree) > 1]}


def num_leaves_to_num_peaks(rng: random.Random, index: int) -> Case:
    """Count bits."""
    leaves, below = number(rng, index), rest(rng, 15)
    return Case([leaves, *below], expect=[leaves.bit_count(), *below])


def num_peaks_to_message_size(rng: random.Random, index: int) -> Case:
    """Round up; what is no 32-bit number is refused."""
    peaks = index if index < 40 else number(rng, index - 40)
    below = rest(rng, 15)
    expect: list[int] | Failure = [4 * (max(peaks, 16) + max(peaks, 16) % 2), *below]
    return Case([peaks, *below], expect=expect if peaks < 2**32 else Failure("NotU32Values"))


def get(rng: random.Random, index: int) -> Case:
    """Get a leaf; now and then one that is not there."""
    count = LEAVES[index % len(LEAVES)]
    leaves = [word(rng) for _ in range(count)]
    position, address, below = rng.randrange(count), 4 * rng.randrange(100), rest(rng, 12)
    setup = set_memory(cells(address, count, Mmr(leaves).peaks))
    expect: list[int] | Failure | None = [*leaves[position][::-1], *below]
    advice = store(leaves)
    match index % 16:
        case 13:
            position, expect = count + rng.randrange(20), None
        case 14:
            position, expect = rng.choice((2**32, P - 1)), Failure("NotU32Values")
        case 15:
            advice, expect = {}, None
    return Case([position, address, *below], setup, TRUNCATE, advice=advice, expect=expect)


def add(rng: random.Random, index: int) -> Case:
    """Append a leaf; the trees may be larger than anybody built."""
    leaf, address, below = word(rng), 4 * rng.randrange(100), rest(rng, 11)
    count = number(rng, index)
    peaks = [word(rng) for _ in range(count.bit_count())]
    setup = set_memory(cells(address, count, peaks))
    node, left, rests = leaf, list(peaks), count
    while rests & 1:
        node, rests = merge(left.pop(), node), rests >> 1
    after = [*left, node, *[Word((0, 0, 0, 0))] * (len(peaks) - len(left) - 1)]
    memory = cells(address, (count + 1) % P, [*after, *[Word((0, 0, 0, 0))] * (count & 1)])
    if index % 16 == 15:
        address, memory = address + rng.randrange(1, 4), {}
    return Case([*leaf[::-1], address, *below], setup, expect=None if index % 16 == 15 else below, memory=memory or None)


def hashed(rng: random.Random, index: int) -> tuple[int, list[int], Word]:
    """Return number of leaves, elements that are hashed and their hash."""
    count = number(rng, index)
    elements = [element for _ in range(count.bit_count()) for element in word(rng)]
    size = max(16, count.bit_count() + count.bit_count() % 2)
    elements += [0] * (4 * size - len(elements))
    return count, elements, hash_elements(elements)


def unpack(rng: random.Random, index: int) -> Case:
    """Copy a range to memory; now and then one that is wrong."""
    count, elements, digest = hashed(rng, index)
    address, below, values = 4 * rng.randrange(100), rest(rng, 11), [count, 0, 0, 0, *elements]
    memory: dict[int, int] | None = {address: count} | dict(enumerate(elements, address + 4))
    expect: list[int] | Failure | None = below
    key = digest
    match index % 16:
        case 12:
            place = rng.randrange(4, len(values))
            values[place] = (values[place] + 1) % P
            expect, memory = Failure("FailedAssertion", 0), None
        case 13:
            key, expect, memory = word(rng), Failure("AdviceError"), None
        case 14:
            values, expect, memory = values[: 4 + rng.randrange(40)], Failure("AdviceError"), None
        case 15:
            address, expect, memory = address + 1, Failure("MemoryError"), None
    return Case([*digest[::-1], address, *below], advice={"advice_map": {key.to_hex(): values}}, expect=expect, memory=memory)


def pack(rng: random.Random, index: int) -> Case:
    """Hash a range in memory, and see that the advice map has it."""
    count, elements, digest = hashed(rng, index)
    address, below = 4 * rng.randrange(100), rest(rng, 12)
    setup = set_memory({address: count} | dict(enumerate(elements[: 4 * count.bit_count()], address + 4)))
    if index % 16 == 15:
        return Case([address + 4, *below, 0, 0, 0], setup, TRUNCATE)
    if index % 16 == 14:
        return Case([address + 1, *below, 0, 0, 0], setup, expect=Failure("MemoryError"))
    again = f"dupw push.800 movdn.4 exec.::miden::core::collections::mmr::unpack mem_load.800 eq.{count} assert {TRUNCATE}"
    return Case([address, *below, 0, 0, 0], setup, again, expect=[*digest[::-1], *below])


PROCEDURES = {
    "add": add,
    "get": get,
    "num_leaves_to_num_peaks": num_leaves_to_num_peaks,
    "num_peaks_to_message_size": num_peaks_to_message_size,
    "pack": pack,
    "unpack": unpack,
}
