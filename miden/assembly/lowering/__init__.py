"""Lowering: which operations each instruction becomes. One module per family, all of them tables.

`FIXED` maps an instruction without immediates to its sequence, `FORMS` one with immediates to the function that
makes the sequence from them; both are None for `BODY_INSTRUCTIONS`, which make nodes or decorators and belong to the
body compiler. Keys are names of `miden.assembly.mnemonics`. The module of a family is imported when one of its
instructions is lowered. (assembly.md section 4.)
"""

from __future__ import annotations

from miden.assembly.lowering.sequences import Frame, NotLoweredError, sequence
from miden.assembly.mnemonics import MNEMONICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from miden.assembly.lowering.sequences import Lowering, Sequence

__all__ = ["BODY_INSTRUCTIONS", "FIXED", "FORMS", "Frame", "NotLoweredError"]

BODY_INSTRUCTIONS = frozenset(
    (
        *("exec", "call", "syscall", "dynexec", "dyncall", "procref"),
        *("breakpoint", "trace", "debug.stack", "debug.mem", "debug.local", "debug.adv_stack"),
    )
)
"""Instructions that the body compiler handles: they make nodes, decorators or depend on other procedures."""

_HOMES: Mapping[str, str] = {"constants": "environment", "events": "environment", "stark": "crypto", "control": "assertions"}
"""Family of instructions -> module with its lowering, where the two have different names."""


def home_of(name: str) -> ModuleType:
    """Return the module that lowers an instruction, which is none of `BODY_INSTRUCTIONS`; it has `FIXED` and `FORMS`."""
    family = MNEMONICS[name].family
    home: ModuleType = __import__(f"miden.assembly.lowering.{_HOMES.get(family, family)}", fromlist=["FIXED"])
    return home


class _Fixed(dict[str, "Sequence | None"]):
    """Sequences by name, compiled from their notation when they are first asked for."""

    __slots__ = ()

    def __missing__(self, name: str) -> Sequence | None:
        notation = None if name in BODY_INSTRUCTIONS else home_of(name).FIXED.get(name)
        row = self[name] = None if notation is None else sequence(notation)
        return row


class _Forms(dict[str, "Lowering | None"]):
    """Functions by name, looked up when they are first asked for."""

    __slots__ = ()

    def __missing__(self, name: str) -> Lowering | None:
        form = self[name] = None if name in BODY_INSTRUCTIONS else home_of(name).FORMS.get(name)
        return form


FIXED = _Fixed()
FORMS = _Forms()
