"""THE table of VM operations: opcode, name, family, stack effect, immediate, one line of meaning.

Everything that lists operations is made from this table: the C enumeration of the core, the disassembler, the
decoders, the documentation, the tests. An *operation* is what the VM executes; an *instruction* is what MASM
writes (`miden.assembly.mnemonics`). (mast.md section 3; processor.md section 3.)
"""

from __future__ import annotations

from miden.numbered import Numbered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

BATCH_GROUPS = 8
"""Groups (field elements) of one operation batch."""

GROUP_OPS = 9
"""Operations packed into one group, seven bits each."""

MIN_STACK_DEPTH = 16
"""Elements of the operand stack that always exist; also the size of inputs and outputs."""

FMP_ADDR = 2**32 - 2
"""Memory cell of every context that holds the frame pointer."""

FMP_INIT = 2**31
"""Frame pointer of a fresh context: locals grow upwards from here."""

MAX_KERNEL_PROCEDURES = 255


class NodeKind(Numbered):
    """Kinds of MAST nodes, numbered as in the file format (mast.md section 7.2)."""

    JOIN = 0
    SPLIT = 1
    LOOP = 2
    BLOCK = 3
    CALL = 4
    SYSCALL = 5
    DYN = 6
    DYNCALL = 7
    EXTERNAL = 8


NODE_DOMAINS: Mapping[NodeKind, int] = {
    NodeKind.JOIN: 87,
    NodeKind.SPLIT: 84,
    NodeKind.LOOP: 85,
    NodeKind.CALL: 108,
    NodeKind.SYSCALL: 104,
    NodeKind.DYN: 88,
    NodeKind.DYNCALL: 92,
}
"""Domain in which the digest of a control-flow node is merged: its opcode."""


class Operation:
    """One row of the table.

    Attributes
    ----------
    opcode
        Seven bits, stored in a byte.
    name
        Upper case, as the reference and these documents write it: ``U32ADD3``.
    display
        What a disassembly prints, lower case: ``u32add3``.
    family
        ``system field u32 stack memory crypto control``; names the module that implements it.
    delta
        Change of the stack depth: -1, 0 or 1.
    immediate
        ``""`` none; ``"value"`` an element that is hashed; ``"error"`` an error code that is stored, not hashed.
    effect
        Stack before and after, top first, and when it fails.
    """

    __slots__ = ("delta", "display", "effect", "family", "immediate", "name", "opcode")

    def __init__(self, opcode: int, name: str, family: str, delta: int, effect: str, immediate: str = "", display: str = "") -> None:
        self.opcode = opcode
        self.name = name
        self.family = family
        self.delta = delta
        self.effect = effect
        self.immediate = immediate
        self.display = display or name.lower()

    def __repr__(self) -> str:
        return f"<Operation {self.opcode} {self.name}>"


_ROWS = (
    # system
    Operation(0, "NOOP", "system", 0, "[...] -> [...]"),
    Operation(32, "ASSERT", "system", -1, "[a, ...] -> [...]; fails unless a is 1", "error"),
    Operation(62, "SDEPTH", "system", 1, "[...] -> [depth, ...]; the depth before the push"),
    Operation(9, "CALLER", "system", 0, "[a, b, c, d, ...] -> [f3, f2, f1, f0, ...]; f is the hash of the caller"),
    Operation(63, "CLK", "system", 1, "[...] -> [clk, ...]; the row of this operation"),
    Operation(31, "EMIT", "system", 0, "[id, ...] -> [id, ...]; raises event id with the host"),
    # field
    Operation(34, "ADD", "field", -1, "[b, a, ...] -> [a + b, ...]"),
    Operation(2, "NEG", "field", 0, "[a, ...] -> [-a, ...]"),
    Operation(35, "MUL", "field", -1, "[b, a, ...] -> [a * b, ...]"),
    Operation(3, "INV", "field", 0, "[a, ...] -> [1/a, ...]; fails on 0"),
    Operation(4, "INCR", "field", 0, "[a, ...] -> [a + 1, ...]"),
    Operation(36, "AND", "field", -1, "[b, a, ...] -> [a and b, ...]; both must be 0 or 1, b is tested first"),
    Operation(37, "OR", "field", -1, "[b, a, ...] -> [a or b, ...]; both must be 0 or 1, b is tested first"),
    Operation(5, "NOT", "field", 0, "[a, ...] -> [1 - a, ...]; a must be 0 or 1"),
    Operation(33, "EQ", "field", -1, "[b, a, ...] -> [a == b, ...]"),
    Operation(1, "EQZ", "field", 0, "[a, ...] -> [a == 0, ...]"),
    Operation(15, "EXPACC", "field", 0, "[_, b, acc, e, ...] -> [e & 1, b*b, acc * (b if e is odd else 1), e >> 1, ...]"),
    Operation(25, "EXT2MUL", "field", 0, "[b1, b0, a1, a0, ...] -> [b1, b0, c1, c0, ...]; c = a * b in the extension"),
    # u32
    Operation(72, "U32SPLIT", "u32", 1, "[a, ...] -> [hi, lo, ...]"),
    Operation(64, "U32ADD", "u32", 0, "[b, a, ...] -> [carry, lo, ...]"),
    Operation(76, "U32ADD3", "u32", -1, "[c, b, a, ...] -> [hi, lo, ...] of a + b + c"),
    Operation(66, "U32SUB", "u32", 0, "[b, a, ...] -> [borrow, (a - b) mod 2**32, ...]"),
    Operation(68, "U32MUL", "u32", 0, "[b, a, ...] -> [hi, lo, ...] of a * b"),
    Operation(78, "U32MADD", "u32", -1, "[b, a, c, ...] -> [hi, lo, ...] of a * b + c"),
    Operation(70, "U32DIV", "u32", 0, "[b, a, ...] -> [a mod b, a div b, ...]; fails on b = 0, after the u32 check"),
    Operation(38, "U32AND", "u32", -1, "[b, a, ...] -> [a & b, ...]"),
    Operation(39, "U32XOR", "u32", -1, "[b, a, ...] -> [a ^ b, ...]"),
    Operation(74, "U32ASSERT2", "u32", 0, "[b, a, ...] unchanged; fails unless both are below 2**32", "error"),
    # stack
    Operation(91, "PUSH", "stack", 1, "[...] -> [value, ...]", "value"),
    Operation(48, "PAD", "stack", 1, "[...] -> [0, ...]"),
    Operation(41, "DROP", "stack", -1, "[a, ...] -> [...]"),
    *(
        Operation(opcode, f"DUP{n}", "stack", 1, f"push a copy of element {n}")
        for opcode, n in zip(range(49, 61), (0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15), strict=True)
    ),
    Operation(8, "SWAP", "stack", 0, "[b, a, ...] -> [a, b, ...]"),
    Operation(24, "SWAPW", "stack", 0, "swap elements 0..3 with 4..7"),
    Operation(28, "SWAPW2", "stack", 0, "swap elements 0..3 with 8..11"),
    Operation(29, "SWAPW3", "stack", 0, "swap elements 0..3 with 12..15"),
    Operation(30, "SWAPDW", "stack", 0, "swap elements 0..7 with 8..15"),
    *(
        Operation(opcode, f"MOVUP{n}", "stack", 0, f"take element {n} out and put it on top")
        for opcode, n in zip((10, 12, 16, 18, 20, 22, 26), range(2, 9), strict=True)
    ),
    *(
        Operation(opcode, f"MOVDN{n}", "stack", 0, f"take the top out and put it back as element {n}")
        for opcode, n in zip((11, 13, 17, 19, 21, 23, 27), range(2, 9), strict=True)
    ),
    Operation(42, "CSWAP", "stack", -1, "[c, b, a, ...] -> [b, a, ...] or, if c is 1, [a, b, ...]; c must be 0 or 1"),
    Operation(43, "CSWAPW", "stack", -1, "[c, B, A, ...] -> [B, A, ...] or, if c is 1, [A, B, ...]; c must be 0 or 1"),
    # memory and advice
    Operation(7, "MLOAD", "memory", 0, "[addr, ...] -> [mem[addr], ...]"),
    Operation(45, "MSTORE", "memory", -1, "[addr, v, ...] -> [v, ...]; mem[addr] = v"),
    Operation(44, "MLOADW", "memory", -1, "[addr, x3, x2, x1, x0, ...] -> [w3, w2, w1, w0, ...]; w = mem[addr..addr+4]"),
    Operation(46, "MSTOREW", "memory", -1, "[addr, w3, w2, w1, w0, ...] -> [w3, w2, w1, w0, ...]; mem[addr..addr+4] = w"),
    Operation(83, "MSTREAM", "memory", 0, "elements 0..7 := two words at a = element 12; element 12 += 8"),
    Operation(82, "PIPE", "memory", 0, "as MSTREAM, but the words come from the advice stack and are stored at a as well"),
    Operation(61, "ADVPOP", "memory", 1, "[...] -> [v, ...]; v is popped from the advice stack"),
    Operation(14, "ADVPOPW", "memory", 0, "[x3, x2, x1, x0, ...] -> [e3, e2, e1, e0, ...]; e0 is popped first"),
    # crypto
    Operation(80, "HPERM", "crypto", 0, "RPO permutation of elements 11..0 (state element i is stack element 11 - i)"),
    Operation(81, "MPVERIFY", "crypto", 0, "[V, depth, index, R, ...] unchanged; fails unless V is at index under R", "error"),
    Operation(96, "MRUPDATE", "crypto", 0, "[V, depth, index, R, N, ...] -> [R', depth, index, R, N, ...]"),
    Operation(40, "FRIE2F4", "crypto", -1, "fold a FRI layer by 4 in the extension"),
    Operation(89, "HORNERBASE", "crypto", 0, "eight steps of Horner evaluation, base coefficients", display="horner_eval_base"),
    Operation(90, "HORNEREXT", "crypto", 0, "four steps of Horner evaluation, extension coefficients", display="horner_eval_ext"),
    Operation(93, "EVALCIRCUIT", "crypto", 0, "[ptr, n_read, n_eval, ...] unchanged; evaluates an arithmetic circuit", display="eval_circuit"),
    Operation(94, "LOGPRECOMPILE", "crypto", 0, "[COMM, TAG, _, ...] -> [R1, R0, CAP, ...]", display="log_precompile"),
    Operation(100, "CRYPTOSTREAM", "crypto", 0, "add 8 memory elements at src to elements 0..7, store them at dst", display="crypto_stream"),
    # control flow: rows of the trace, never inside a basic block
    Operation(84, "SPLIT", "control", -1, "pop the condition"),
    Operation(85, "LOOP", "control", -1, "pop the condition"),
    Operation(86, "SPAN", "control", 0, "start of a basic block"),
    Operation(87, "JOIN", "control", 0, "start of a join"),
    Operation(88, "DYN", "control", -1, "pop the address of the callee's digest"),
    Operation(92, "DYNCALL", "control", -1, "pop the address of the callee's digest, open a context"),
    Operation(104, "SYSCALL", "control", 0, "enter the kernel context"),
    Operation(108, "CALL", "control", 0, "open a context"),
    Operation(112, "END", "control", 0, "end of a node"),
    Operation(116, "REPEAT", "control", -1, "next iteration of a loop"),
    Operation(120, "RESPAN", "control", 0, "next batch of a basic block"),
    Operation(124, "HALT", "control", 0, "padding of the trace"),
)

OPERATIONS: Mapping[int, Operation] = {row.opcode: row for row in sorted(_ROWS, key=lambda row: row.opcode)}
"""The table by opcode."""

BY_NAME: Mapping[str, Operation] = {row.name: row for row in OPERATIONS.values()}
"""The table by name."""

OP: Mapping[str, int] = {row.name: row.opcode for row in OPERATIONS.values()}
"""Opcode by name: ``OP["ADD"]``."""

PUSH: int = OP["PUSH"]
NOOP: int = OP["NOOP"]
ERROR_CODE_OPS: frozenset[int] = frozenset(row.opcode for row in _ROWS if row.immediate == "error")
"""Operations that carry an error code, which is stored and fingerprinted but never hashed."""

IMMEDIATE_OPS: frozenset[int] = ERROR_CODE_OPS | {PUSH}
"""Operations followed by eight bytes in the file format, and by one entry in a forest's immediates."""
