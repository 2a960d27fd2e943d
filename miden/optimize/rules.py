"""The library of short sequences found so far: which few operations others may stand in place of.

`rule_table` is made by `tools/find_rules.py`, which runs all short sequences on symbols; every row of it is proved again by a test.
"""

from __future__ import annotations

from functools import cache

from miden.isa import ERROR_CODE_OPS, OP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from miden.optimize.effects import Operation


@cache
def rules() -> Mapping[bytes, bytes]:
    """Return opcodes -> fewer opcodes with the same effect."""
    from miden.optimize.rule_table import RULES

    return {_opcodes(longer): _opcodes(shorter) for longer, shorter in RULES}


def _opcodes(names: str) -> bytes:
    return bytes(OP[name] for name in names.split())


def apply_rules(operations: list[Operation]) -> list[Operation]:
    """Return the operations with every rule applied that fits, until none does."""
    table = rules()
    longest = max(map(len, table), default=0)
    done: list[Operation] = []
    pending = list(reversed(operations))
    while pending:
        done.append(pending.pop())
        for size in range(min(longest, len(done)), 0, -1):
            window = done[-size:]
            shorter = table.get(bytes(opcode for opcode, _ in window))
            if shorter is not None and not any(value for opcode, value in window if opcode in ERROR_CODE_OPS):
                del done[-size:]
                pending += [(opcode, 0 if opcode in ERROR_CODE_OPS else None) for opcode in reversed(shorter)]
                # what was there before may now be part of another rule
                pending += [done.pop() for _ in range(min(longest - 1, len(done)))]
                break
    return done
