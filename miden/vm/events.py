"""THE table of system events: what EMIT does for the ids the machine knows itself (processor.md section 4.2).

Stack positions count from the event id, which is element 0. A function sees the machine and the advice provider; it
changes nothing but the latter. Errors carry no location; the driver adds it.
"""

from __future__ import annotations

import struct

from miden.errors import ExecutionError
from miden.field import U32_MAX, ext2_inv
from miden.vm.state import address_range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from miden.vm.advice import AdviceProvider
    from miden.vm.machine import Machine

    Handler: TypeAlias = Callable[[Machine, AdviceProvider], None]

_pack = struct.Struct("<4Q").pack
_unpack = struct.Struct("<4Q").unpack


# -- Merkle store


def merkle_node_merge(machine: Machine, advice: AdviceProvider) -> None:
    """[id, R, L, ...]: the store gets the node merge(L, R) -> (L, R)."""
    advice.merge_roots(machine.stack_word(5), machine.stack_word(1))


def merkle_node_to_stack(machine: Machine, advice: AdviceProvider) -> None:
    """[id, depth, index, ROOT, ...]: push the node, its element 0 popped first."""
    node = advice.node(machine.stack_word(3), machine.stack_get(1), machine.stack_get(2))
    advice.push(_unpack(node))


# -- advice map to advice stack


def map_value_to_stack(machine: Machine, advice: AdviceProvider) -> None:
    """[id, KEY, ...]: push the value of the key, its element 0 popped first."""
    advice.push_value(machine.stack_word(1))


def map_value_count_to_stack(machine: Machine, advice: AdviceProvider) -> None:
    """[id, KEY, ...]: push the length of the value of the key."""
    advice.push((len(advice.value(machine.stack_word(1))),))


def map_value_to_stack_n_0(machine: Machine, advice: AdviceProvider) -> None:
    """[id, KEY, ...]: push the length of the value, then the value."""
    advice.push_value(machine.stack_word(1), count=True)


def map_value_to_stack_n_4(machine: Machine, advice: AdviceProvider) -> None:
    """[id, KEY, ...]: push the length of the value, the value, and zeros up to a multiple of 4."""
    advice.push_value(machine.stack_word(1), count=True, multiple=4)


def map_value_to_stack_n_8(machine: Machine, advice: AdviceProvider) -> None:
    """[id, KEY, ...]: push the length of the value, the value, and zeros up to a multiple of 8."""
    advice.push_value(machine.stack_word(1), count=True, multiple=8)


def has_map_key(machine: Machine, advice: AdviceProvider) -> None:
    """[id, KEY, ...]: push 1 if the key is in the advice map, else 0."""
    advice.push((int(advice.get(machine.stack_word(1)) is not None),))


# -- arithmetic


def ext2_inverse(machine: Machine, advice: AdviceProvider) -> None:
    """[id, a1, a0, ...]: push b0, b1, the inverse of (a0, a1) in the extension; zero divides nothing."""
    element = (machine.stack_get(2), machine.stack_get(1))
    if element == (0, 0):
        raise ExecutionError(f"division by zero at clock cycle {machine.clk}", kind="DivideByZero")
    advice.push(ext2_inv(element))


def _u32_argument(machine: Machine) -> int:
    value = machine.stack_get(1)
    if value > U32_MAX:
        text = f"operation expected u32 values, but got values: [{value}] (error code: 0)"
        raise ExecutionError(text, kind="NotU32Values", facts={"code": 0, "values": [value]})
    return value


def u32_leading_zeros(machine: Machine, advice: AdviceProvider) -> None:
    """[id, n, ...]: push the leading zeros of n as 32 bits."""
    advice.push((32 - _u32_argument(machine).bit_length(),))


def u32_trailing_zeros(machine: Machine, advice: AdviceProvider) -> None:
    """[id, n, ...]: push the trailing zeros of n as 32 bits."""
    value = _u32_argument(machine) | 1 << 32
    advice.push(((value & -value).bit_length() - 1,))


def u32_leading_ones(machine: Machine, advice: AdviceProvider) -> None:
    """[id, n, ...]: push the leading ones of n as 32 bits."""
    advice.push((32 - (U32_MAX ^ _u32_argument(machine)).bit_length(),))


def u32_trailing_ones(machine: Machine, advice: AdviceProvider) -> None:
    """[id, n, ...]: push the trailing ones of n as 32 bits."""
    value = ~_u32_argument(machine) & U32_MAX | 1 << 32
    advice.push(((value & -value).bit_length() - 1,))


def ilog2(machine: Machine, advice: AdviceProvider) -> None:
    """[id, n, ...]: push floor(log2 n) of the whole felt; 0 has none."""
    value = machine.stack_get(1)
    if value == 0:
        text = f"attempted to calculate integer logarithm with zero argument at clock cycle {machine.clk}"
        raise ExecutionError(text, kind="LogArgumentZero")
    advice.push((value.bit_length() - 1,))


# -- into the advice map


def memory_to_map(machine: Machine, advice: AdviceProvider) -> None:
    """[id, KEY, start, end, ...]: map[KEY] = memory[start..end) of the current context, 0 where nothing was written."""
    addresses = address_range(machine.stack_get(5), machine.stack_get(6))
    advice.reserve_entry(len(addresses))
    advice.insert(machine.stack_word(1), machine.memory_range(machine.ctx, addresses.start, len(addresses)))


def _two_words_to_map(machine: Machine, advice: AdviceProvider, domain: int) -> None:
    left, right = machine.stack_word(5), machine.stack_word(1)
    key = advice.backend.merge_in_domain(left, right, domain)
    advice.insert(key, (*_unpack(left), *_unpack(right)))


def two_words_to_map(machine: Machine, advice: AdviceProvider) -> None:
    """[id, B, A, ...]: map[merge(A, B)] = A, B."""
    _two_words_to_map(machine, advice, 0)


def two_words_to_map_with_domain(machine: Machine, advice: AdviceProvider) -> None:
    """[id, B, A, domain, ...]: map[merge_in_domain(A, B, domain)] = A, B."""
    _two_words_to_map(machine, advice, machine.stack_get(9))


def four_words_to_map(machine: Machine, advice: AdviceProvider) -> None:
    """[id, D, C, B, A, ...]: map[hash(A, B, C, D)] = A, B, C, D."""
    values = [machine.stack_get(position) for position in range(16, 0, -1)]
    advice.insert(advice.backend.hash_elements(values), values)


def permutation_to_map(machine: Machine, advice: AdviceProvider) -> None:
    """[id, B, A, C, ...]: map[digest of the permutation of C, A, B] = A, B."""
    state = [machine.stack_get(position) for position in range(12, 0, -1)]
    advice.insert(_pack(*advice.backend.permute(state)[4:8]), state[4:])


class SystemEvent:
    """One row: the id on the stack, the name whose hash it is, what the event does."""

    __slots__ = ("event_id", "handler", "name")

    def __init__(self, event_id: int, name: str, handler: Handler) -> None:
        self.event_id = event_id
        self.name = name
        self.handler = handler

    def __repr__(self) -> str:
        return f"<SystemEvent {self.name}>"


_ROWS = (
    SystemEvent(7243907139105902342, "sys::merkle_node_merge", merkle_node_merge),
    SystemEvent(6873007751276594108, "sys::merkle_node_to_stack", merkle_node_to_stack),
    SystemEvent(17843484659000820118, "sys::map_value_to_stack", map_value_to_stack),
    SystemEvent(3470274154276391308, "sys::map_value_count_to_stack", map_value_count_to_stack),
    SystemEvent(11775886982554463322, "sys::map_value_to_stack_n_0", map_value_to_stack_n_0),
    SystemEvent(3443305460233942990, "sys::map_value_to_stack_n_4", map_value_to_stack_n_4),
    SystemEvent(1741586542981559489, "sys::map_value_to_stack_n_8", map_value_to_stack_n_8),
    SystemEvent(5642583036089175977, "sys::has_map_key", has_map_key),
    SystemEvent(9660728691489438960, "sys::ext2_inv", ext2_inverse),
    SystemEvent(1503707361178382932, "sys::u32_clz", u32_leading_zeros),
    SystemEvent(10656887096526143429, "sys::u32_ctz", u32_trailing_zeros),
    SystemEvent(12846584985739176048, "sys::u32_clo", u32_leading_ones),
    SystemEvent(6773574803673468616, "sys::u32_cto", u32_trailing_ones),
    SystemEvent(7444351342957461231, "sys::ilog2", ilog2),
    SystemEvent(5768534446586058686, "sys::mem_to_map", memory_to_map),
    SystemEvent(5988159172915333521, "sys::hdword_to_map", two_words_to_map),
    SystemEvent(6143777601072385586, "sys::hdword_to_map_with_domain", two_words_to_map_with_domain),
    SystemEvent(11723176702659679401, "sys::hqword_to_map", four_words_to_map),
    SystemEvent(6190830263511605775, "sys::hperm_to_map", permutation_to_map),
)

SYSTEM_EVENTS: Mapping[int, SystemEvent] = {row.event_id: row for row in _ROWS}
"""The table by event id."""
