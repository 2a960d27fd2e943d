"""Operation sequences: the notation the family tables are written in, and what it compiles to.

A `Sequence` is a pair (opcodes, immediates): one byte per operation, and one integer per operation of
`miden.isa.IMMEDIATE_OPS` in order. Lowering an instruction is then two appends, never a loop over operations.
The notation is the one of assembly.md section 4: ``EQ ASSERT(0)``, ``DROP*4``, and the macros of that section.
"""

from __future__ import annotations

from miden.field import P
from miden.isa import FMP_ADDR, IMMEDIATE_OPS, OP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Sequence: TypeAlias = tuple[bytes, tuple[int, ...]]

EVENT_IDS = {
    "merkle_node_merge": 7243907139105902342,
    "merkle_node_to_stack": 6873007751276594108,
    "map_value_to_stack": 17843484659000820118,
    "map_value_count_to_stack": 3470274154276391308,
    "map_value_to_stack_n_0": 11775886982554463322,
    "map_value_to_stack_n_4": 3443305460233942990,
    "map_value_to_stack_n_8": 1741586542981559489,
    "has_map_key": 5642583036089175977,
    "ext2_inv": 9660728691489438960,
    "u32_clz": 1503707361178382932,
    "u32_ctz": 10656887096526143429,
    "u32_clo": 12846584985739176048,
    "u32_cto": 6773574803673468616,
    "ilog2": 7444351342957461231,
    "mem_to_map": 5768534446586058686,
    "hdword_to_map": 5988159172915333521,
    "hdword_to_map_with_domain": 6143777601072385586,
    "hqword_to_map": 11723176702659679401,
    "hperm_to_map": 6190830263511605775,
}
"""System events by name (assembly.md appendix A): the first element of the hash of ``sys::<name>``."""

MACROS = {
    "RW": "MOVDN3 SWAP MOVUP2",
    "P2": "PUSH(2) PAD INCR SWAP PAD EXPACC*6 DROP DROP SWAP EQZ ASSERT(0)",
    "FMP": f"PUSH({FMP_ADDR}) MLOAD ADD",
}
"""Names that stand for several operations: reverse the top word, 2**top, add the frame pointer."""

PUSH = OP["PUSH"]
_PAD = (bytes([OP["PAD"]]), ())
_PAD_INCR = (bytes([OP["PAD"], OP["INCR"]]), ())
_PUSH = bytes([PUSH])


def sequence(text: str) -> Sequence:
    """Compile the notation.

    >>> sequence("EQ ASSERT(7) DROP*2")
    (b'! ))', (7,))
    """
    opcodes = bytearray()
    immediates: list[int] = []
    for token in text.split():
        name, _, count = token.partition("*")
        name, _, operand = name.rstrip(")").partition("(")
        if name == "EV":
            opcodes += bytes([PUSH, OP["EMIT"], OP["DROP"]])
            immediates.append(EVENT_IDS[operand])
        elif name in MACROS:
            inner = sequence(MACROS[name])
            opcodes += inner[0]
            immediates.extend(inner[1])
        else:
            times = int(count) if count else 1
            opcodes += bytes([OP[name]]) * times
            if OP[name] in IMMEDIATE_OPS:
                immediates.extend([int(operand)] * times)
    return bytes(opcodes), tuple(immediates)


def push(value: int) -> Sequence:
    """Push an element: ``PAD`` for 0, ``PAD INCR`` for 1, ``PUSH`` otherwise.

    >>> push(1), push(7)
    ((b'0\\x04', ()), (b'[', (7,)))
    """
    value %= P
    if value > 1:
        return _PUSH, (value,)
    return _PAD_INCR if value else _PAD


def push_exact(value: int) -> Sequence:
    """Push an element with ``PUSH``, whatever it is."""
    return _PUSH, (value % P,)


def push_all(values: tuple[int, ...]) -> Sequence:
    """Push elements one after the other; the last ends on top."""
    return join(*map(push, values))


def join(*parts: Sequence) -> Sequence:
    """Concatenate sequences."""
    return b"".join([part[0] for part in parts]), tuple([value for part in parts for value in part[1]])


class Frame:
    """What a procedure's locals mean for lowering: how many are declared, and the size of the frame.

    `size` is `declared` rounded up to a multiple of 4 in 16 bits, as the reference computes it: for 65533 and more it
    is 0, and the locals lie over those of the caller (assembly.md section 5).
    """

    __slots__ = ("declared", "size")

    def __init__(self, declared: int) -> None:
        self.declared = declared
        self.size = (declared + 3) // 4 * 4 % 2**16

    def offset(self, index: int) -> int:
        """Return the distance from local `index` up to the frame pointer."""
        return (self.size - index) % 2**16


class NotLoweredError(Exception):
    """An instruction that cannot be lowered with these operands; the body compiler adds the place.

    `note` says what would be acceptable. `at_procedure` is a remark to show at the procedure's name.
    """

    def __init__(self, kind: str, message: str, note: str = "", at_procedure: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.note = note
        self.at_procedure = at_procedure


if TYPE_CHECKING:
    Lowering: TypeAlias = Callable[[tuple[Any, ...], Frame], Sequence]
