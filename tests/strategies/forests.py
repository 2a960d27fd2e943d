"""Random forests for bare machines: any operations, any nodes, conditions that are mostly bits, addresses that mostly exist.

A forest that traps at once tests little, so most of a block is made of snippets that bring the operands an operation
wants; the rest are bare operations on whatever is there. Node digests say which node it is (`Columns`), which lets a
snippet store the digest of a procedure for DYN to find.

`forest(rng, ...)` and `inputs(rng)` draw from a `random.Random`, which spreads better over programs than drawing choice by
choice; the strategies draw seed and sizes, and shrink the sizes.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from miden.isa import IMMEDIATE_OPS, OPERATIONS, NodeKind
from tests.support.columns import Columns

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

P = 2**64 - 2**32 + 1
EDGES = (0, 1, 2, 3, 7, 2**16, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**32 + 1, P - 2, P - 1)
ADDRESSES = (0, 1, 4, 40, 44, 48, 100, 252, 256, 2**31, 2**32 - 16, 2**32 - 8, 2**32 - 4, 2**32 - 2)

LIBRARY_DIGESTS = [(500 + i, 1, 2, 3) for i in range(3)]
"""Digests that only another forest has; the last one nobody has."""

_BARE = tuple(
    name if opcode not in IMMEDIATE_OPS else f"{name}.5"
    for opcode, row in OPERATIONS.items()
    if row.family != "control"
    for name in (row.name.lower(),)
)

_SAFE = (
    *("add", "mul", "neg", "incr", "eq", "eqz", "expacc", "ext2mul", "u32split", "pad", "drop", "noop", "clk", "sdepth", "caller"),
    *("swap", "swapw", "swapw2", "swapw3", "swapdw", "hperm", "logprecompile"),
    *(f"dup{n}" for n in (0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15)),
    *(f"movup{n}" for n in range(2, 9)),
    *(f"movdn{n}" for n in range(2, 9)),
)

_U32 = ("u32add", "u32sub", "u32mul", "u32div", "u32and", "u32xor", "u32assert2.9", "u32add3", "u32madd")

_FIXED = (
    "drop*6",
    "pad*5",
    "push.1*8 drop*8",
    "emit",
    "advpop",
    "advpopw",
    "eqz not",
    "push.1 assert.3",
    "pad not",
    "pad*10 mpverify.2 drop*6",
    "pad*14 mrupdate drop*8",
    "pad*15 frie2f4",
    "push.40 movdn8 movup5 drop pad movdn5 drop",
    " ".join(f"push.{5 << 30 | 5} push.{1004 + i} mstore drop" for i in range(4)) + " push.4 push.2 push.1000 evalcircuit drop*3",
    "noop*70",
)

_STREAMS = (0, 8, 40, 64, 100, 256, 2**31, 2**32 - 16)

BUDGETS = (1, 2, 3, 5, 17, 100, 10_000)


def _felt(rng: Random) -> int:
    return rng.choice(EDGES) if rng.random() < 0.5 else rng.randrange(P)


def _snippet(rng: Random) -> str:
    """Draw operations that belong together."""
    kind = rng.randrange(40)
    if kind < 14:
        return rng.choice(_SAFE)
    if kind < 18:
        return f"push.{_felt(rng)}"
    if kind < 22:
        # three operands, now and then one that is too large
        a, b, c = (rng.choice(EDGES) if rng.random() < 0.01 else rng.randrange(2**32) for _ in range(3))
        return f"push.{a} push.{b} push.{c} {rng.choice(_U32)}"
    if kind < 25:
        return f"push.{rng.randrange(2)} {rng.choice(('cswap', 'cswapw', 'pad and', 'pad or', 'not'))}"
    if kind < 28:
        word = rng.random() < 0.5
        address = rng.choice(ADDRESSES)
        if word and rng.random() < 0.9:
            address -= address % 4
        return f"push.{address} {rng.choice(('mloadw', 'mstorew') if word else ('mload', 'mstore'))}"
    if kind < 31:
        # the pointer of MSTREAM and PIPE is element 12, of HORNER* 13; those of CRYPTOSTREAM are both
        operation = rng.choice(("mstream", "mstream", "pipe", "cryptostream", "hornerbase", "hornerext"))
        return f"push.{rng.choice(_STREAMS)} push.{rng.choice(_STREAMS)} pad*12 {operation}"
    if kind < 33:
        return f"{rng.choice(_SAFE)}*{rng.randint(2, 40)}"
    if kind < 39:
        return rng.choice(_FIXED)
    return rng.choice(_BARE)


def block_text(rng: Random, max_snippets: int = 8) -> str:
    """Draw the operations of a block."""
    return " ".join(_snippet(rng) for _ in range(rng.randint(1, max_snippets)))


class Forest:
    """A program for a bare machine, and what it needs to run.

    Attributes
    ----------
    columns, entrypoint, kernel
        The program.
    flags
        Decorator flags, one byte a node.
    """

    def __init__(self, columns: Columns, entrypoint: int, kernel: bytes, flags: bytes) -> None:
        self.columns = columns
        self.entrypoint = entrypoint
        self.kernel = kernel
        self.flags = flags

    def __repr__(self) -> str:
        nodes = [f"{i}: {NodeKind(record[0]).name} {record[1]} {record[2]}" for i, record in enumerate(self.columns.records)]
        return f"Forest(entrypoint={self.entrypoint}, {'; '.join(nodes)}, roots={self.columns.root_ids})"


def store_digest(digest: tuple[int, ...], address: int) -> str:
    """Return operations that store a digest at an aligned address and leave the address on top."""
    pushes = " ".join(f"push.{element}" for element in digest)
    return f"{pushes} push.{address} mstorew drop*4 push.{address}"


def forest(rng: Random, max_nodes: int, max_snippets: int = 8, *, library: bool = False) -> Forest:
    """Draw a forest whose last node is the entrypoint; a library's roots are the `LIBRARY_DIGESTS` but the last one."""
    columns = Columns()
    kernel: list[int] | None = None if library else []
    nodes = [columns.block(block_text(rng, max_snippets))]
    nodes += (_node(rng, columns, nodes, kernel, max_snippets) for _ in range(max_nodes))
    if library:
        for digest in LIBRARY_DIGESTS[:-1]:
            columns.root(columns.join(rng.choice(nodes), rng.choice(nodes), digest=digest))
    entrypoint = nodes[-1]
    for node in rng.sample(nodes, min(len(nodes), 3)):
        entrypoint = columns.join(entrypoint, node)
    # most programs should not end in OUTPUT_STACK_OVERFLOW
    if rng.random() < 0.9:
        entrypoint = columns.join(entrypoint, columns.block("drop*200"))
    flags = bytes(rng.choice((0, 0, 0, 1, 2, 3, 4, 7)) for _ in columns.records)
    return Forest(columns, entrypoint, b"".join(columns.digest_bytes(node) for node in kernel or ()), flags)


def _node(rng: Random, columns: Columns, nodes: list[int], kernel: list[int] | None, max_snippets: int) -> int:
    """Add one node, or a few that belong together, over the ones there are; a library has no kernel and makes no syscalls."""
    kind = rng.randrange(12)
    if kind < 3:
        return columns.block(block_text(rng, max_snippets))
    if kind < 5:
        return columns.join(rng.choice(nodes), rng.choice(nodes))
    if kind == 5:
        condition = columns.block(f"{block_text(rng, max_snippets)} push.{2 if rng.random() < 0.04 else rng.randrange(2)}")
        return columns.join(condition, columns.split(rng.choice(nodes), rng.choice(nodes)))
    if kind == 6:
        # the body ends with a condition of its own: never again, or as the advice has it, or whatever is there
        end = columns.block(
            rng.choice(("pad", "pad", "pad", "eqz", "advpop eqz", "pad pad eqz swap drop", *(["advpop"] if rng.random() < 0.1 else [])))
        )
        body = columns.join(rng.choice(nodes), end)
        return columns.join(columns.block(f"push.{rng.choice((0, 1, 1, 1))}"), columns.loop(body))
    if kind == 7 or (kind == 8 and kernel is None):
        return columns.call(_returning(rng, columns, nodes))
    if kind == 8 and kernel is not None:
        procedure = _returning(rng, columns, nodes)
        if rng.random() < 0.95:
            kernel.append(procedure)
        return columns.syscall(procedure)
    if kind < 11:
        dyncall = rng.random() < 0.5
        target = _returning(rng, columns, nodes) if dyncall else rng.choice(nodes)
        digest = columns.digest(target)
        if rng.random() < 0.3:
            digest = _foreign(rng)
        elif target not in columns.root_ids:
            columns.root(target)
        store = columns.block(store_digest(digest, rng.choice((0, 40, 256, 2**31))))
        return columns.join(store, columns.dyncall() if dyncall else columns.dyn())
    return columns.external(_foreign(rng))


def _foreign(rng: Random) -> tuple[int, int, int, int]:
    """Choose a digest that the library has, or now and then one that nobody has."""
    return LIBRARY_DIGESTS[-1] if rng.random() < 0.04 else rng.choice(LIBRARY_DIGESTS[:-1])


def _returning(rng: Random, columns: Columns, nodes: list[int]) -> int:
    """Choose a node to be called; most return at depth 16."""
    node = rng.choice(nodes)
    return columns.join(node, columns.block("drop*80")) if rng.random() < 0.95 else node


def forests(*, library: bool = False) -> SearchStrategy[Forest]:
    """Draw forests from seeds and sizes."""

    def build(seed: int, max_nodes: int, max_snippets: int) -> Forest:
        return forest(Random(seed), max_nodes, max_snippets, library=library)

    return st.builds(build, st.integers(0, 2**64 - 1), st.sampled_from((0, 2, 6) if library else (1, 5, 10, 20)), st.integers(1, 8))


class Inputs:
    """What a run gets besides its forests: stack, advice, limits, budgets, answers to events."""

    def __init__(self, stack: list[int], advice: list[int], limits: dict[str, int], budgets: list[int], debug: bool) -> None:
        self.stack = stack
        self.advice = advice
        self.limits = limits
        self.budgets = budgets
        self.debug = debug

    def __repr__(self) -> str:
        return f"Inputs(stack={self.stack}, advice={self.advice}, limits={self.limits}, budgets={self.budgets}, debug={self.debug})"


def inputs(rng: Random) -> Inputs:
    """Draw inputs and limits; most limits are far away, some are close."""
    limits = {
        "max_cycles": rng.choice((*[5000] * 19, rng.randrange(400))),
        "max_stack": rng.choice((*[2**20] * 19, rng.randrange(16, 100))),
        "max_memory": rng.choice((*[2**20] * 19, rng.randrange(60))),
        "max_continuations": rng.choice((*[2**20] * 19, rng.randrange(1, 20))),
    }
    return Inputs(
        stack=[_felt(rng) for _ in range(rng.randint(0, 16))],
        advice=[rng.randrange(2) if rng.random() < 0.5 else _felt(rng) for _ in range(rng.choice((4, 100, 100)))],
        limits=limits,
        budgets=[rng.choice(BUDGETS) for _ in range(rng.randint(1, 4))],
        debug=rng.random() < 0.25,
    )


def run_inputs() -> SearchStrategy[Inputs]:
    """Draw inputs from seeds."""
    return st.builds(lambda seed: inputs(Random(seed)), st.integers(0, 2**64 - 1))
