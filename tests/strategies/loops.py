"""Random programs for tier two: loops, splits and joins of blocks that keep their operands in order, faults included.

`tests.strategies.forests` draws any nodes and operations; here every program runs the same blocks many times, so that they
are translated, entered from loops, left by faults in some later pass, by calls of all kinds, and by operations that are
executed as they are. Callees are small or not, call others, fail, return with too much, and use the memory of their context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from miden.assembly.lowering.comparison import FIXED
from tests.strategies.forests import EDGES, Forest, P, block_text, store_digest
from tests.support.columns import Columns

if TYPE_CHECKING:
    from random import Random

_SHUFFLES = (
    *("swap", "swap", "swapw", "swapw2", "swapw3", "swapdw", "noop"),
    *(f"movup{n}" for n in range(2, 9)),
    *(f"movdn{n}" for n in range(2, 9)),
)
_DUPS = tuple(f"dup{n}" for n in (0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15))
_FIELD = ("add", "mul", "neg", "incr", "eq", "eqz", "expacc", "ext2mul", "u32split", "eqz not", "eq not", "neg add", "dup0 mul")
_TO_U32 = ("u32split drop", "u32split swap drop", "dup0 u32split drop", "push.4294967295 u32and")
_U32 = ("u32add", "u32sub", "u32mul", "u32and", "u32xor", "u32assert2.9", "u32add3", "u32madd", "u32div", "u32add drop", "u32sub swap drop")
_RARE = (
    "inv",
    "hperm",
    "sdepth",
    "clk",
    "caller",
    "advpop",
    "advpopw",
    "mstream",
    "assert.3",
    "not",
    "and",
    "or",
    "cswap",
    "cswapw",
    "emit",
)
FRAME = 2**32 - 2
_COMPARISONS = (*(FIXED[name].lower() for name in ("lt", "lte", "gt", "gte")), "u32split drop swap u32split drop u32sub swap drop")
_AFTER_COMPARISONS = ("noop", "not", "not not", "eqz", "cswap", "dup0 not or", "dup0 not and", "push.1 or", "pad or")
_CHAINS = (
    "mul dup2 add",
    "mul add",
    "mul push.{} add",
    "add neg",
    "neg add",
    "swap neg add",
    "mul swap push.{} add add",
    "swap",
    "mul",
    "dup0 mul",
)
_MASKS = (1, 3, 15, 63, 252, 255, 4092, 4095)


_TESTS = ("eqz", "u32split drop push.1 u32and", "dup1 eq not", *(f"dup1 dup1 {text}" for text in _COMPARISONS))


def _constant(rng: Random) -> int:
    kind = rng.randrange(5)
    if kind == 0:
        return 1 << rng.randrange(33)
    if kind == 1:
        return rng.choice(EDGES)
    if kind == 2:
        return rng.randrange(P)
    return rng.randrange(10)


def _piece(rng: Random, *, wild: float) -> str:
    """Draw some operations; with probability `wild`, ones that may well fail."""
    if rng.random() < wild:
        return rng.choice((*_RARE, *_U32, "mload", "mstore", "mloadw", "mstorew", f"push.{_constant(rng)}"))
    kind = rng.randrange(34)
    if kind < 5:
        return rng.choice(_SHUFFLES)
    if kind < 8:
        return rng.choice(_DUPS)
    if kind < 11:
        return rng.choice(_FIELD)
    if kind < 13:
        return f"push.{_constant(rng)} {rng.choice(('add', 'mul', 'eq', 'swap', 'drop'))}"
    if kind < 16:
        return f"{rng.choice(_TO_U32)} swap {rng.choice(_TO_U32)} movup2 {rng.choice(_TO_U32)} {rng.choice(_U32)}"
    if kind == 16:
        return f"{rng.choice(_TO_U32)} push.{1 << rng.randrange(1, 32)} u32mul add"
    if kind == 17:
        return f"{rng.choice(_TO_U32)} swap {rng.choice(_TO_U32)} u32xor push.{1 << rng.randrange(1, 32)} u32mul add"
    if kind == 18:
        return f"{rng.choice(_TO_U32)} push.{rng.choice((1, 2, 3, 10, 2**31, 2**32 - 1))} {rng.choice(_U32[:6] + _U32[8:])}"
    if kind == 19:
        return f"u32split drop push.{rng.choice(_MASKS)} u32and {rng.choice(('mload', 'mload', 'swap dup1 mstore'))}"
    if kind == 20:
        return f"u32split drop push.{rng.choice((252, 4092))} u32and {rng.choice(('mloadw', 'mstorew'))}"
    if kind == 21:
        address = rng.choice((0, 4, 64, 100, 2**32 - 4, 2**32 - 2, 2**32 - 1))
        return f"push.{address} {rng.choice(('mload', 'mstore'))}"
    if kind == 22:
        return f"eqz {rng.choice(('cswap', 'cswapw', 'not', 'swap eqz and', 'swap eqz or'))}"
    if kind == 23:
        return rng.choice(("pad", "drop", "drop drop", "pad pad"))
    if kind == 24:
        return rng.choice(
            ("clk", "sdepth drop", "caller", "advpop", "hperm" if rng.random() < 0.2 else "pad inv incr drop" if wild else "clk")
        )
    if kind == 25:
        # an address that is known to be constant only at run time
        address = rng.choice((0, 64, 65, 100, 2**32 - 4, 2**32 - 2, 5000))
        return f"dup0 dup0 neg add push.{address} add {rng.choice(('mload', 'mstore', 'mload', 'mstore', 'mloadw', 'mstorew'))}"
    if kind == 26:
        # procedures with locals: move the frame pointer, use cells below it, move it back
        moved = f"push.{FRAME} mload push.{{}} add push.{FRAME} mstore drop"
        cells = [
            f"push.{FRAME} mload push.{P - rng.randrange(1, 9)} add {rng.choice(('mload', 'mstore'))}" for _ in range(rng.randint(1, 5))
        ]
        return " ".join((moved.format(8), *cells, *([_piece(rng, wild=wild)] if rng.random() < 0.3 else []), moved.format(P - 8)))
    if kind == 28:
        # one cell by two addresses
        address = rng.choice((64, 100, 2**32 - 2))
        other = f"dup0 dup0 neg add push.{address} add {rng.choice(('mload add', 'mstore drop', 'mstore'))}"
        return f"dup0 push.{address} mstore drop incr {other} push.{address} {rng.choice(('mload', 'mload', 'mstore'))}"
    if kind == 27:
        # cells at known distances from one another
        cells = [f"dup{rng.randrange(3)} push.{rng.randrange(4)} add {rng.choice(('mload', 'mstore', 'mload incr'))}" for _ in range(4)]
        return f"u32split drop push.63 u32and dup0 dup0 {' '.join(cells)}"
    if kind >= 32:
        return " ".join(f"dup{rng.randrange(4)} {rng.choice(_CHAINS).format(_constant(rng))}" for _ in range(rng.randint(1, 4)))
    if kind >= 30:
        # comparisons as they are assembled, and 32-bit ones
        narrow = rng.choice(_TO_U32)
        operands = rng.choice(("dup1 dup1", "dup0", "swap", f"push.{_constant(rng)}", f"dup2 {narrow}", f"{narrow} dup1"))
        return f"{operands} {rng.choice(_COMPARISONS)} {rng.choice(_AFTER_COMPARISONS)}"
    return f"dup0 dup0 {rng.choice(('eq', 'neg add eqz', 'u32split drop movup2 u32split drop eq'))} {rng.choice(('drop', 'assert.4'))}"


def _text(rng: Random, pieces: int, wild: float) -> str:
    return " ".join(_piece(rng, wild=wild) for _ in range(rng.randint(1, pieces)))


def _balanced(rng: Random, pieces: int, wild: float) -> str:
    """Draw a block that mostly leaves the depth near where it was: it ends with some drops or pads."""
    return f"{_text(rng, pieces, wild)} {rng.choice(('noop', 'drop', 'drop drop', 'pad', 'drop*4'))}"


class _Procedures:
    """The procedures that a program calls, its kernel among them."""

    def __init__(self, rng: Random, columns: Columns, pieces: int, wild: float) -> None:
        self.columns = columns
        self.kernel: list[int] = []
        self.callees: list[int] = []
        for _ in range(rng.choice((0, 0, 1, 2, 4))):
            if rng.random() < 0.3:
                callee = columns.join(_tree(rng, self, 1, pieces, wild), columns.block("drop*40"))
            else:
                callee = self.small(rng, wild)
            self.callees.append(callee)
            if rng.random() < 0.3:
                self.kernel.append(callee)

    def small(self, rng: Random, wild: float) -> int:
        """Add a procedure of a few blocks, perhaps with a call between them; most leave 16 elements."""
        first = self.columns.block(_text(rng, 3, wild))
        if self.callees and rng.random() < 0.4:
            first = self.columns.join(first, self.call(rng))
        end = self.columns.block(f"{_text(rng, 3, wild)} {rng.choice(('drop*16', 'drop*16', 'drop*16', 'drop'))}")
        return self.columns.join(first, end)

    def call(self, rng: Random) -> int:
        """Add a call of some kind; a dyn may lead here or there."""
        columns, kind, callee = self.columns, rng.randrange(6), rng.choice(self.callees)
        if kind < 3:
            return columns.call(callee)
        if kind == 3:
            return columns.syscall(rng.choice(self.kernel) if self.kernel and rng.random() < 0.99 else callee)
        site = columns.dyncall() if kind == 4 else columns.dyn()
        store, other = (self._store(rng, target) for target in (callee, rng.choice(self.callees)))
        if rng.random() < 0.5:
            store = columns.join(
                columns.block(f"clk push.3 mul u32split drop push.{rng.choice((1, 4, 32, 128))} u32and eqz"), columns.split(store, other)
            )
        return columns.join(store, site)

    def _store(self, rng: Random, target: int) -> int:
        """Add a block that stores the digest of a procedure and leaves its address."""
        if target not in self.columns.root_ids:
            self.columns.root(target)
        return self.columns.block(store_digest(self.columns.digest(target), rng.choice((8, 40, 256))))


def _tree(rng: Random, procedures: _Procedures, depth: int, pieces: int, wild: float) -> int:
    """Add a node with blocks below it."""
    columns, kind = procedures.columns, rng.randrange(12) if depth else 0
    if kind < 3:
        return columns.block(block_text(rng, 3) if rng.random() < 0.05 else _balanced(rng, pieces, wild))
    if kind < 6:
        first = _tree(rng, procedures, depth - 1, pieces, wild)
        return columns.join(first, _tree(rng, procedures, depth - 1, pieces, wild))
    if kind < 8:
        test = "push.1 u32and eqz" if rng.random() < wild else "dup0 eqz"
        condition = columns.block(f"{_text(rng, 2, wild)} {rng.choice((*_TESTS, test))}")
        on_true = _tree(rng, procedures, depth - 1, pieces, wild)
        return columns.join(condition, columns.split(on_true, _tree(rng, procedures, depth - 1, pieces, wild)))
    if kind == 8 or not procedures.callees:
        return _loop(rng, columns, _tree(rng, procedures, depth - 1, pieces, wild), rng.randint(0, 4))
    return procedures.call(rng)


def _loop(rng: Random, columns: Columns, body: int, passes: int) -> int:
    """Add a loop that counts down in memory, whatever its body does to the stack; sometimes its condition is anything."""
    cell = rng.choice((5000, 5004, 5009, 9001))
    if rng.random() < 0.1:
        end = columns.block(rng.choice(("dup0", "eqz", "dup3 u32split drop push.1 u32and", "swap")))
    else:
        end = columns.block(f"push.{cell} mload push.{P - 1} add push.{cell} mstore eqz not")
    start = columns.block(f"push.{passes} push.{cell} mstore {'drop' if rng.random() < 0.9 else 'noop'} push.{int(rng.random() < 0.95)}")
    return columns.join(start, columns.loop(columns.join(body, end)))


def looping_forest(rng: Random, pieces: int = 8, depth: int = 3) -> Forest:
    """Draw a program: a loop over a tree of blocks. The last node is the entrypoint."""
    columns = Columns()
    wild = rng.choice((0.0, 0.0, 0.01, 0.05, 0.2))
    procedures = _Procedures(rng, columns, pieces, wild)
    body = _tree(rng, procedures, depth, pieces, wild)
    if procedures.callees and rng.random() < 0.5:
        body = columns.join(body, procedures.call(rng))
    entrypoint = _loop(rng, columns, body, rng.choice((1, 2, 3, 7, 20)))
    if rng.random() < 0.3:
        entrypoint = columns.join(_tree(rng, procedures, 2, pieces, wild), entrypoint)
    entrypoint = columns.join(entrypoint, columns.block("drop*150"))
    kernel = b"".join(columns.digest_bytes(node) for node in procedures.kernel)
    return Forest(columns, entrypoint, kernel, bytes(len(columns.records)))
