"""The event of the Falcon signature: quotients by its prime, which the program checks. (processor.md section 8.3.)"""

from __future__ import annotations

from miden.errors import ExecutionError
from miden.field import U32_MAX
from miden.vm.mutations import ExtendStack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.vm.state import ProcessState

PRIME = 12289


def divide(state: ProcessState) -> list[ExtendStack]:
    """[id, a_hi, a_lo, ...]: push quotient, upper limb first, and remainder of a by the prime."""
    high, low = state.stack_get(1), state.stack_get(2)
    for value, name in ((low, "dividend_lo"), (high, "dividend_hi")):
        if value > U32_MAX:
            text = f"input value {value} at {name} is not a valid u32"
            raise ExecutionError(text, kind="NotU32Values", facts={"values": [value]})
    quotient, remainder = divmod(high << 32 | low, PRIME)
    return [ExtendStack.popped_first([quotient >> 32, quotient & U32_MAX, remainder])]
