"""Memory, procedure locals and streams (assembly.md sections 4.7 and 5).

A local lives below the frame pointer, which is kept in a memory cell: its address is computed by pushing the
negative offset and adding the cell. Only the declared number of locals may be used, not the rounded one.
"""

from __future__ import annotations

from miden.assembly.lowering.sequences import Frame, NotLoweredError, join, push, sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.lowering.sequences import Lowering, Sequence

WORD_SIZE = 4

FIXED = {
    "mem_load": "MLOAD",
    "mem_loadw_be": "MLOADW",
    "mem_loadw_le": "MLOADW RW",
    "mem_store": "MSTORE DROP",
    "mem_storew_be": "MSTOREW",
    "mem_storew_le": "MOVDN4 RW MOVUP4 MSTOREW RW",
    "mem_stream": "MSTREAM",
}

_AT_ADDRESS = {
    "load": ("", "MLOAD"),
    "loadw_be": ("", "MLOADW"),
    "loadw_le": ("", "MLOADW RW"),
    "store": ("", "MSTORE DROP"),
    "storew_be": ("", "MSTOREW"),
    "storew_le": ("RW", "MSTOREW RW"),
}
"""What comes before and after the address, for accesses to a given address."""

_FMP = sequence("FMP")


def local_address(index: int, frame: Frame, is_word: bool) -> Sequence:
    """Push the address of a local, after checking that the access stays inside the declared locals."""
    declared = frame.declared
    if not declared:
        raise NotLoweredError(
            "InvalidLocalReference",
            "invalid procedure local reference",
            "declare locals with @locals(N) before the procedure",
            "this procedure has no locals",
        )
    size = WORD_SIZE if is_word else 1
    if declared < size:
        raise NotLoweredError(
            "InvalidLocalReference",
            "invalid procedure local reference: a word takes 4 locals",
            "declare at least 4 locals",
            f"this procedure has {declared} locals",
        )
    if index > declared - size:
        raise NotLoweredError(
            "InvalidLocalIndex",
            f"invalid procedure local index: {index}",
            f"the index must be in 0..{declared - size}",
            f"this procedure has {declared} locals",
        )
    return join(push(-frame.offset(index)), _FMP)


def _at_address(access: str) -> Lowering:
    before, after = map(sequence, _AT_ADDRESS[access])

    def lower(args: tuple[int, ...], _frame: Frame) -> Sequence:
        return join(before, push(args[0]), after)

    return lower


def _at_local(access: str) -> Lowering:
    before, after = map(sequence, _AT_ADDRESS[access])
    is_word = "w_" in access

    def lower(args: tuple[int, ...], frame: Frame) -> Sequence:
        index = args[0]
        if is_word and index % WORD_SIZE:
            raise NotLoweredError("InvalidLocalWordIndex", f"invalid local word index: {index}", "it must be a multiple of 4")
        return join(before, local_address(index, frame, is_word), after)

    return lower


def _locaddr(args: tuple[int, ...], frame: Frame) -> Sequence:
    return local_address(args[0], frame, is_word=False)


FORMS: dict[str, Lowering] = {
    **{f"mem_{access}": _at_address(access) for access in _AT_ADDRESS},
    **{f"loc_{access}": _at_local(access) for access in _AT_ADDRESS},
    "locaddr": _locaddr,
}
