"""Events of the collections: what is in a sparse Merkle tree, and where something is in a sorted array. (processor.md section 8.3.)"""

from __future__ import annotations

from itertools import chain

from miden.errors import ExecutionError
from miden.field import Word
from miden.vm.advice_error import AdviceError
from miden.vm.merkle import MAX_DEPTH, show_word
from miden.vm.mutations import ExtendStack
from miden.vm.state import memory_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.vm.state import ProcessState

PAIR = 8
"""Elements of a key and its value."""

LONG = 4096
"""Words of an array from which on only those that were written are looked at: all others are zero."""

ZERO = Word((0, 0, 0, 0))


def peek_smt(state: ProcessState) -> list[ExtendStack]:
    """[id, KEY, ROOT, ...]: push the value of a key, zeros if it has none."""
    key = state.stack_word(1)
    try:
        node = state.advice.get_node(state.stack_word(5), MAX_DEPTH, key[3])
    except AdviceError as error:
        text = f"advice provider error: Failed to get tree node: {error.message}"
        raise ExecutionError(text, kind="SmtPeek", facts=error.facts) from error
    return [ExtendStack.popped_first(_value(state, node, key) if any(node) else ZERO)]


def _value(state: ProcessState, leaf: Word, key: Word) -> Word:
    pairs = state.advice.get(leaf)
    if pairs is None:
        raise ExecutionError(f"SMT node not found: {show_word(leaf.to_bytes())}", kind="SmtPeek")
    if len(pairs) % PAIR:
        text = f"invalid SMT node preimage length for node {show_word(leaf.to_bytes())}: got {len(pairs)}, expected multiple of {PAIR}"
        raise ExecutionError(text, kind="SmtPeek")
    for at in range(0, len(pairs), PAIR):
        if pairs[at : at + 4] == tuple(key):
            return Word(pairs[at + 4 : at + PAIR])
    return ZERO


def find_word(state: ProcessState) -> list[ExtendStack]:
    """[id, WORD, start, end, ...]: push the address of the first word that is not smaller, and whether it is equal."""
    return _find(state, 4, half=False)


def find_key(state: ProcessState) -> list[ExtendStack]:
    """[id, KEY, start, end, whole, ...]: push the address of the first key that is not smaller, and whether it is equal.

    If `whole` is 0, the first two elements of the keys in the array count as zero.
    """
    whole = state.stack_get(7)
    if whole > 1:
        raise ExecutionError(f"use_full_key must be 0 or 1, was {whole}", kind="SortedArray")
    return _find(state, PAIR, half=not whole)


def _find(state: ProcessState, stride: int, *, half: bool) -> list[ExtendStack]:
    key = state.stack_word(1)[::-1]
    addresses = state.memory_range(5, 6)
    if addresses.start % 4:
        text = f"word access at memory address {addresses.start} in context {state.ctx} is unaligned"
        raise memory_error(text, "UnalignedWordAccess", address=addresses.start)
    if len(addresses) % stride:
        what = "array size must be divisible by 4" if stride == 4 else "key-value array must have size divisible by 4 or 8"
        raise ExecutionError(f"{what}, but was {len(addresses)}", kind="SortedArray")
    place, found = addresses.stop, False
    last: tuple[int, ...] = (0, 0, 0, 0)
    for address in _telling(state, addresses[::stride]):
        # the last element is the most significant one
        word = tuple((state.memory_word(address) or ZERO)[::-1])
        if half:
            word = (*word[:2], 0, 0)
        if word < last:
            text = f"element at index {address} ({_hex(word)}) is smaller than the predecessor ({_hex(last)})"
            raise ExecutionError(text, kind="SortedArray")
        if word >= tuple(key) and place == addresses.stop:
            place, found = address, word == tuple(key)
        last = word
    return [ExtendStack.popped_first([place, int(found)])]


def _telling(state: ProcessState, addresses: range) -> Iterable[int]:
    """Return the addresses to look at: in a long range the first, those that were written and those after them."""
    if len(addresses) < LONG:
        return addresses
    written = [address for address in state.memory() if address in addresses]
    after = (address + addresses.step for address in written if address + addresses.step in addresses)
    return sorted({addresses.start, *chain(written, after)})


def _hex(word: tuple[int, ...]) -> str:
    return "0x" + Word(word[::-1]).to_bytes().hex()
