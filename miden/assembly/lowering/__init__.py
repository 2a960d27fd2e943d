"""Lowering: which operations each instruction becomes. One module per family, all of them tables.

`FIXED` maps an instruction without immediates to its sequence, `FORMS` one with immediates to the function that
makes the sequence from them. Keys are names of `miden.assembly.mnemonics`; a test asserts that every row of that
table is either here or in `BODY_INSTRUCTIONS`, which make nodes or decorators and belong to the body compiler.
(assembly.md section 4.)
"""

from __future__ import annotations

from miden.assembly.lowering import advice, assertions, comparison, crypto, environment, ext2, field, memory, stack, u32
from miden.assembly.lowering.sequences import Frame, NotLoweredError, sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.lowering.sequences import Lowering, Sequence

__all__ = ["BODY_INSTRUCTIONS", "FIXED", "FORMS", "Frame", "NotLoweredError"]

FAMILIES = (assertions, field, comparison, ext2, u32, stack, memory, advice, crypto, environment)


class _Fixed(dict[str, "Sequence"]):
    """Sequences by name, compiled from their notation when they are first asked for."""

    __slots__ = ()

    def __missing__(self, name: str) -> Sequence:
        row = self[name] = sequence(NOTATION[name])
        return row


NOTATION: dict[str, str] = {name: text for family in FAMILIES for name, text in family.FIXED.items()}
"""Instruction without immediates -> notation of its operations."""

FIXED = _Fixed()

FORMS: dict[str, Lowering] = {name: form for family in FAMILIES for name, form in family.FORMS.items()}

BODY_INSTRUCTIONS = frozenset(
    (
        *("exec", "call", "syscall", "dynexec", "dyncall", "procref"),
        *("breakpoint", "trace", "debug.stack", "debug.mem", "debug.local", "debug.adv_stack"),
    )
)
"""Instructions that the body compiler handles: they make nodes, decorators or depend on other procedures."""
