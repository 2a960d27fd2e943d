"""Events of the integer modules: quotients that a program checks rather than computes. (processor.md section 8.3.)"""

from __future__ import annotations

from miden.errors import ExecutionError
from miden.field import U32_MAX
from miden.vm.mutations import ExtendStack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.vm.state import ProcessState


def divide_u64(state: ProcessState) -> list[ExtendStack]:
    """[id, b_hi, b_lo, a_hi, a_lo, ...]: push quotient and remainder of a / b, low limbs first."""
    b_hi, b_lo = _limb(state, 1, "divisor_hi"), _limb(state, 2, "divisor_lo")
    if b_hi == b_lo == 0:
        raise ExecutionError("division by zero", kind="DivideByZero")
    a_hi, a_lo = _limb(state, 3, "dividend_hi"), _limb(state, 4, "dividend_lo")
    quotient, remainder = divmod(a_hi << 32 | a_lo, b_hi << 32 | b_lo)
    return [ExtendStack.popped_first([quotient & U32_MAX, quotient >> 32, remainder & U32_MAX, remainder >> 32])]


def _limb(state: ProcessState, position: int, name: str) -> int:
    value = state.stack_get(position)
    if value > U32_MAX:
        raise ExecutionError(f"value {value} at {name} is not a valid u32", kind="NotU32Values", facts={"values": [value]})
    return value
