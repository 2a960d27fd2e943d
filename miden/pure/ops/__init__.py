"""The operations of a basic block: one function each, in a module for each family of `miden.isa`.

Every function takes the `State` and the operation's immediate (0 where there is none), raises `Fault` or `Request`
before it has changed anything, and leaves the clock to the caller. `OPERATIONS` is built from the table in
`miden.isa`: a row without a function is an error on import.
"""

from __future__ import annotations

from miden import isa
from miden.pure.ops import crypto, field, memory, stack, system, u32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miden.pure.state import State

    OperationBody = Callable[[State, int], None]

_FAMILIES = {"system": system, "field": field, "u32": u32, "stack": stack, "memory": memory, "crypto": crypto}

OPERATIONS: Mapping[int, OperationBody] = {
    row.opcode: getattr(_FAMILIES[row.family], f"op_{row.name.lower()}") for row in isa.OPERATIONS.values() if row.family != "control"
}
"""Body of every operation that may stand in a basic block, by opcode."""
