"""Random structured Miden assembly programs that mostly run to their end.

`program(rng)` draws one program and its inputs from a `random.Random`; `programs()` is the hypothesis strategy
over seeds. A program has procedures with and without locals, straight code over nearly every instruction,
if/else, bounded while loops, repeat, exec, call, dynexec and dyncall, memory in a small window, advice and
events. The generator tracks an upper bound of the stack depth and drops the excess at the end of every body,
so that calls return at depth 16. Operands are prepared (u32cast, a bit) most of the time, and left raw sometimes,
so that traps of every kind occur too.
"""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

P = 2**64 - 2**32 + 1

EDGE_FELTS = (0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 255, 256, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63, P - 2, P - 1)

_PLAIN: dict[str, int] = {
    "add": -1, "sub": -1, "mul": -1, "neg": 0, "eq": -1, "neq": -1, "eqw": 1, "lt": -1, "lte": -1, "gt": -1, "gte": -1,
    "is_odd": 0, "ext2add": -2, "ext2sub": -2, "ext2mul": -2, "ext2neg": 0,
    "drop": -1, "dropw": -4, "padw": 4, "swapdw": 0, "reversew": 0, "reversedw": 0, "sdepth": 1, "clk": 1, "caller": 0,
    "hperm": 0, "hash": 0, "hmerge": -4, "u32split": 1, "u32cast": 0, "u32test": 1, "u32testw": 1, "nop": 0,
}  # fmt: skip

_U32_UNARY = ("u32not", "u32popcnt", "u32clz", "u32ctz", "u32clo", "u32cto")
_U32_BINARY = {
    "u32wrapping_add": -1, "u32overflowing_add": 0, "u32wrapping_sub": -1, "u32overflowing_sub": 0, "u32wrapping_mul": -1,
    "u32overflowing_mul": 0, "u32div": -1, "u32mod": -1, "u32divmod": 0, "u32and": -1, "u32or": -1, "u32xor": -1,
    "u32lt": -1, "u32lte": -1, "u32gt": -1, "u32gte": -1, "u32min": -1, "u32max": -1,
}  # fmt: skip
_U32_TERNARY = {"u32overflowing_add3": -1, "u32wrapping_add3": -2, "u32overflowing_madd": -1, "u32wrapping_madd": -2}
_SHIFTS = ("u32shl", "u32shr", "u32rotl", "u32rotr")
_IMMEDIATE_FIELD = ("add", "sub", "mul", "eq", "neq")
_IMMEDIATE_COMPARE = ("lt", "lte", "gt", "gte")


class Body:
    """Text of one body and an upper bound of how much deeper than 16 the stack can be."""

    def __init__(self, excess: int = 0) -> None:
        self.lines: list[str] = []
        self.excess = excess

    def emit(self, text: str, delta: int = 0) -> None:
        self.lines.append(text)
        self.excess = max(0, self.excess + delta)

    def settle(self, target: int = 0) -> None:
        """Drop what may be too much."""
        while self.excess > target:
            self.emit("drop", -1)

    def text(self) -> str:
        return " ".join(self.lines)


class Generator:
    """Draws one program."""

    def __init__(self, rng: random.Random, size: int = 30) -> None:
        self.rng = rng
        self.size = size
        self.procedures: list[tuple[str, int]] = []
        self.next_cell = 1000

    def felt(self) -> int:
        rng = self.rng
        return rng.choice(EDGE_FELTS) if rng.random() < 0.6 else rng.randrange(P)

    def u32(self) -> int:
        rng = self.rng
        return rng.choice((0, 1, 2, 3, 31, 32, 255, 2**16, 2**31, 2**32 - 1)) if rng.random() < 0.5 else rng.randrange(2**32)

    def address(self) -> int:
        return self.rng.randrange(100, 160)

    def instruction(self, body: Body, locals_: int) -> None:
        rng = self.rng
        choice = rng.randrange(22)
        if choice < 3:
            name = rng.choice(tuple(_PLAIN))
            body.emit(name, _PLAIN[name])
        elif choice == 3:
            items = [self.felt() for _ in range(rng.choice((1, 1, 1, 2, 4)))]
            body.emit("push." + ".".join(map(str, items)), len(items))
        elif choice == 4:
            body.emit(f"dup.{rng.randrange(16)}", 1)
        elif choice == 5:
            name = rng.choice(("swap", "movup", "movdn"))
            body.emit(f"{name}.{rng.randrange(1 if name == 'swap' else 2, 16)}")
        elif choice == 6:
            name = rng.choice(("dupw", "swapw", "movupw", "movdnw"))
            low = {"dupw": 0, "swapw": 1}.get(name, 2)
            body.emit(f"{name}.{rng.randrange(low, 4)}", 4 if name == "dupw" else 0)
        elif choice == 7:
            self.bit(body)
            name, delta = rng.choice((("not", 0), ("cswap", -1), ("cswapw", -1), ("cdrop", -2), ("cdropw", -5)))
            body.emit(name, delta)
        elif choice == 8:
            self.bit(body)
            body.emit("swap")
            self.bit(body)
            body.emit(rng.choice(("and", "or", "xor")), -1)
        elif choice == 9:
            body.emit(f"{rng.choice(_IMMEDIATE_FIELD)}.{self.felt()}")
        elif choice == 10:
            body.emit(f"{rng.choice(_IMMEDIATE_COMPARE)}.{self.felt()}")
        elif choice in (11, 12):
            self.u32_ready(body, 1)
            body.emit(rng.choice(_U32_UNARY) if rng.random() < 0.5 else f"{rng.choice(_SHIFTS)}.{rng.randrange(32)}")
        elif choice in (13, 14):
            self.u32_ready(body, 2)
            name = rng.choice(tuple(_U32_BINARY))
            if rng.random() < 0.5:
                value = self.u32()
                if value == 0 and name in ("u32div", "u32mod", "u32divmod"):
                    value = 3
                body.emit(f"{name}.{value}", _U32_BINARY[name] + 1)
            else:
                body.emit(name, _U32_BINARY[name])
        elif choice == 15:
            self.u32_ready(body, 3)
            name = rng.choice(tuple(_U32_TERNARY))
            body.emit(name, _U32_TERNARY[name])
        elif choice in (16, 17):
            self.memory(body, locals_)
        elif choice == 18:
            name = rng.choice(("pow2", "exp", "ilog2", "inv", "div", "ext2inv", "ext2div", "exp.u8", "u32shl", "u32rotr"))
            shift = "u32cast u32and.31 swap u32cast swap"
            prefix = {"pow2": "u32cast u32and.31", "exp.u8": "swap u32cast u32and.127 swap swap", "u32shl": shift, "u32rotr": shift}
            guard = prefix.get(name, "add.1" if rng.random() < 0.9 else "")
            if guard:
                body.emit(guard)
            body.emit(name, {"exp": -1, "div": -1, "ext2div": -2, "exp.u8": -1, "u32shl": -1, "u32rotr": -1}.get(name, 0))
        elif choice == 19:
            if rng.random() < 0.5:
                body.emit(f"exp.{rng.randrange(12)}")
            else:
                body.emit(f"u32wrapping_add.{self.u32()}" if rng.random() < 0.2 else "neg")
        elif choice == 20:
            count = rng.randrange(1, 4)
            body.emit(f"adv_push.{count}", count)
        else:
            body.emit(rng.choice(("adv_loadw", "padw adv_loadw dropw", "swapdw")))

    def bit(self, body: Body) -> None:
        if self.rng.random() < 0.97:
            body.emit("is_odd")

    def u32_ready(self, body: Body, count: int) -> None:
        if self.rng.random() < 0.97:
            body.emit({1: "u32cast", 2: "u32cast swap u32cast swap", 3: "u32cast movup.2 u32cast movup.2 u32cast movup.2"}[count])

    def memory(self, body: Body, locals_: int) -> None:
        rng = self.rng
        if locals_ and rng.random() < 0.4:
            word_index = rng.randrange(0, max(1, locals_ - 3), 4) if locals_ >= 4 else None
            choices: list[tuple[str, int]] = [
                (f"loc_load.{rng.randrange(locals_)}", 1),
                (f"loc_store.{rng.randrange(locals_)}", -1),
                (f"locaddr.{rng.randrange(locals_)}", 1),
            ]
            if word_index is not None:
                choices += [(f"{name}.{word_index}", 0) for name in ("loc_loadw_be", "loc_loadw_le", "loc_storew_be", "loc_storew_le")]
            body.emit(*rng.choice(choices))
            return
        address, word = self.address(), self.rng.randrange(25, 40) * 4
        if rng.random() < 0.02:
            word += 1
        body.emit(
            *rng.choice(
                (
                    (f"mem_load.{address}", 1),
                    (f"mem_store.{address}", -1),
                    (f"push.{address} mem_load", 1),
                    (f"push.{address} mem_store", -1),
                    (f"mem_loadw_be.{word}", 0),
                    (f"mem_loadw_le.{word}", 0),
                    (f"mem_storew_be.{word}", 0),
                    (f"mem_storew_le.{word}", 0),
                    (f"push.{word} mem_storew_le", 0),
                    (f"push.{word} mem_loadw_be", 0),
                )
            )
        )

    def body(self, length: int, depth: int, locals_: int, excess: int = 0) -> Body:
        """Draw a body that settles at `excess`."""
        rng = self.rng
        body = Body(excess)
        for _ in range(max(1, length)):
            draw = rng.random()
            if depth and draw < 0.06:
                self.bit(body)
                body.excess = max(0, body.excess - 1)
                branches = [self.body(rng.randrange(1, 6), depth - 1, locals_, body.excess).text() for _ in range(2)]
                word = rng.choice(("true", "true", "false"))
                body.emit(f"if.{word} {branches[0]} else {branches[1]} end" if rng.random() < 0.7 else f"if.{word} {branches[0]} end")
            elif depth and draw < 0.09:
                inner = self.body(rng.randrange(1, 5), depth - 1, locals_, body.excess).text()
                cell = self.next_cell  # a counter of its own for every loop, so that every program ends
                self.next_cell += 1
                again = f"mem_load.{cell} sub.1 dup.0 mem_store.{cell} neq.0"
                body.emit(f"push.{rng.randrange(1, 4)} mem_store.{cell} push.1 while.true {inner} {again} end")
            elif depth and draw < 0.12:
                inner = self.body(rng.randrange(1, 4), depth - 1, locals_, body.excess).text()
                body.emit(f"repeat.{rng.choice((1, 2, 3, 7))} {inner} end")
            elif self.procedures and draw < 0.2:
                name = rng.choice(self.procedures)[0]
                body.emit(
                    rng.choice(
                        (
                            f"exec.{name}",
                            f"call.{name}",
                            f"procref.{name} mem_storew_be.240 dropw push.240 dynexec",
                            f"procref.{name} mem_storew_be.244 dropw push.244 dyncall",
                        )
                    )
                )
            else:
                self.instruction(body, locals_)
            if body.excess > 60:
                body.settle(20)
        body.settle(excess)
        return body

    def source(self) -> str:
        rng = self.rng
        parts = []
        for index in range(rng.randrange(4)):
            locals_ = rng.choice((0, 0, 1, 3, 4, 5, 8, 12))
            text = self.body(rng.randrange(1, self.size // 2), 2, locals_).text()
            attribute = f"@locals({locals_})\n" if locals_ else ""
            parts.append(f"{attribute}proc p{index}\n    {text}\nend\n")
            self.procedures.append((f"p{index}", locals_))
        parts.append(f"begin\n    {self.body(rng.randrange(2, self.size), 3, 0).text()}\nend\n")
        return "\n".join(parts)


def program(rng: random.Random, size: int = 30) -> dict[str, Any]:
    """Draw a program: {"source", "run": {"stack" (last on top), "advice_stack" (first popped first)}}."""
    generator = Generator(rng, size)
    source = generator.source()
    return {
        "source": source,
        "run": {
            "stack": [generator.felt() for _ in range(rng.randrange(17))],
            "advice_stack": [generator.felt() for _ in range(rng.choice((0, 100, 300)))],
        },
    }


def programs(size: int = 30) -> st.SearchStrategy[dict[str, Any]]:
    """Draw programs by seed."""
    return st.integers(0, 2**64 - 1).map(lambda seed: program(random.Random(seed), size))
