"""How a machine stops: THE table of statuses that `Machine.run` returns, shared by both backends.

A *request* asks the driver for something the machine does not own; the driver serves it and calls `run` again.
A *fault* ends the run; `kind` is the reference's name of the error (processor.md section 6.3). `miden.vm.faults`
turns faults into exceptions. The core's `status.h` is generated from this table.
"""

from __future__ import annotations

from miden.numbered import Numbered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(Numbered):
    """What `Machine.run` returns."""

    DONE = 0
    # requests: served by the driver, then `run` goes on
    BUDGET = 1
    EVENT = 2
    EXTERNAL = 3
    DYN = 4
    MERKLE_VERIFY = 5
    MERKLE_UPDATE = 6
    DECORATOR = 7
    # faults
    FAILED_ASSERTION = 16
    NOT_BINARY_IF = 17
    NOT_BINARY_LOOP = 18
    NOT_BINARY_OP = 19
    NOT_U32 = 20
    DIVIDE_BY_ZERO = 21
    ADDRESS_OUT_OF_BOUNDS = 22
    UNALIGNED_WORD_ACCESS = 23
    ILLEGAL_MEMORY_ACCESS = 24
    ADVICE_STACK_EMPTY = 25
    MERKLE_PATH_FAILED = 26
    FRI_DOMAIN_SEGMENT = 27
    FRI_LAYER_FOLDING = 28
    ACE_TOO_MANY_WIRES = 29
    ACE_BAD_VARIABLE_COUNT = 30
    ACE_BAD_EVAL_COUNT = 31
    ACE_DECODE_FAILED = 32
    ACE_WIRE_NOT_READ = 33
    ACE_NOT_ZERO = 34
    STACK_DEPTH_ON_RETURN = 35
    OUTPUT_STACK_OVERFLOW = 36
    SYSCALL_NOT_IN_KERNEL = 37
    # limits: ours, the reference has no such error or dies
    CYCLE_LIMIT = 64
    STACK_LIMIT = 65
    MEMORY_LIMIT = 66
    CONTINUATION_LIMIT = 67
    NO_MEMORY = 68


FIRST_FAULT = 16
FIRST_LIMIT = 64


class StatusRow:
    """Facts about one status.

    `kind` is the reference's error name; `operands` names the values of `Machine.fault_values`, in order (a name
    that ends in ``...`` takes all the rest); `template` is the reference's message over those names and ``clk``,
    ``ctx``; `inner` is the text of the inner error where the reference wraps one.
    """

    __slots__ = ("kind", "operands", "template")

    def __init__(self, kind: str, operands: tuple[str, ...], template: str) -> None:
        self.kind = kind
        self.operands = operands
        self.template = template


_ACE = "failed to execute arithmetic circuit evaluation operation: "

FAULTS: Mapping[Status, StatusRow] = {
    Status.FAILED_ASSERTION: StatusRow("FailedAssertion", ("code",), "assertion failed at clock cycle {clk} with {error}"),
    Status.NOT_BINARY_IF: StatusRow("NotBinaryValueIf", ("value",), "if statement expected a binary value on top of the stack, but got {value}"),
    Status.NOT_BINARY_LOOP: StatusRow("NotBinaryValueLoop", ("value",), "loop condition must be a binary value, but got {value}"),
    Status.NOT_BINARY_OP: StatusRow("NotBinaryValueOp", ("value",), "operation expected a binary value, but got {value}"),
    Status.NOT_U32: StatusRow("NotU32Values", ("code", "values..."), "operation expected u32 values, but got values: {values} (error code: {code})"),
    Status.DIVIDE_BY_ZERO: StatusRow("DivideByZero", (), "division by zero at clock cycle {clk}"),
    Status.ADDRESS_OUT_OF_BOUNDS: StatusRow("MemoryError", ("address",), "memory address cannot exceed 2^32 but was {address}"),
    Status.UNALIGNED_WORD_ACCESS: StatusRow("MemoryError", ("address",), "word memory access at address {address} in context {ctx} is unaligned at clock cycle {clk}"),
    Status.ILLEGAL_MEMORY_ACCESS: StatusRow("MemoryError", ("address",), "memory address {address} in context {ctx} was read and written, or written twice, in the same clock cycle {clk}"),
    Status.ADVICE_STACK_EMPTY: StatusRow("AdviceError", (), "advice provider error at clock cycle {clk}: advice stack read failed"),
    Status.MERKLE_PATH_FAILED: StatusRow("MerklePathVerificationFailed", ("code",), "merkle path verification failed for value {value} at index {index} in the Merkle tree with root {root} (error {error})"),
    Status.FRI_DOMAIN_SEGMENT: StatusRow("InvalidFriDomainSegment", ("value",), "FRI domain segment value cannot exceed 3, but was {value}"),
    Status.FRI_LAYER_FOLDING: StatusRow("InvalidFriLayerFolding", ("a0", "a1", "b0", "b1"), "degree-respecting projection is inconsistent: expected ({a0}, {a1}) but was ({b0}, {b1})"),
    Status.ACE_TOO_MANY_WIRES: StatusRow("AceChipError", ("count",), _ACE + "num of wires must be less than 2^30 but was {count}"),
    Status.ACE_BAD_VARIABLE_COUNT: StatusRow("AceChipError", ("count",), _ACE + "num of variables should be word aligned and non-zero but was {count}"),
    Status.ACE_BAD_EVAL_COUNT: StatusRow("AceChipError", ("count",), _ACE + "num of evaluation gates should be word aligned and non-zero but was {count}"),
    Status.ACE_DECODE_FAILED: StatusRow("AceChipError", (), _ACE + "failed to decode instruction"),
    Status.ACE_WIRE_NOT_READ: StatusRow("AceChipError", (), _ACE + "failed to read from the wiring bus"),
    Status.ACE_NOT_ZERO: StatusRow("AceChipError", (), _ACE + "circuit does not evaluate to zero"),
    Status.STACK_DEPTH_ON_RETURN: StatusRow("InvalidStackDepthOnReturn", ("depth",), "when returning from a call or dyncall, stack depth must be 16, but was {depth}"),
    Status.OUTPUT_STACK_OVERFLOW: StatusRow("OutputStackOverflow", ("depth",), "stack should have at most 16 elements at the end of program execution, but had {depth} elements"),
    Status.SYSCALL_NOT_IN_KERNEL: StatusRow("SyscallTargetNotInKernel", ("d0", "d1", "d2", "d3"), "syscall failed: procedure with root {digest} was not found in the kernel"),
    Status.CYCLE_LIMIT: StatusRow("CycleLimitExceeded", ("limit",), "exceeded the allowed number of max cycles {limit}"),
    Status.STACK_LIMIT: StatusRow("StackLimitExceeded", ("limit",), "the operand stack may hold at most {limit} elements"),
    Status.MEMORY_LIMIT: StatusRow("MemoryLimitExceeded", ("limit",), "memory of all contexts may hold at most {limit} elements"),
    Status.CONTINUATION_LIMIT: StatusRow("ContinuationLimitExceeded", ("limit",), "the continuation stack may hold at most {limit} records"),
    Status.NO_MEMORY: StatusRow("OutOfMemory", (), "the machine could not allocate memory"),
}
"""Every fault; requests have no row."""

CONTINUATIONS = (
    "START_NODE",
    "FINISH_JOIN",
    "FINISH_SPLIT",
    "FINISH_LOOP",
    "FINISH_CALL",
    "FINISH_DYN",
    "FINISH_EXTERNAL",
    "ENTER_FOREST",
    "IN_BLOCK",
    "SKIP_LOOP",
    "AFTER_BLOCK",
    "AFTER_EXIT",
)
"""Names of the kinds of records on the continuation stack (processor.md section 2.1; those behind ENTER_FOREST are ours)."""
