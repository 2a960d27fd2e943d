"""Promises about source text and depth. (ecosystem.md section 4.2, R20, R23 to R25.)

MIDEN_EXAMPLES gives the number of damaged sources (the promise is 100,000), MIDEN_DEPTH the depth of forests (10^6).
"""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import miden
from miden.errors import AssemblyError, LimitError
from miden.isa import OP
from tests.strategies.masm import program as draw_program

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
TEXTS = int(os.environ.get("MIDEN_EXAMPLES", "1500"))
DEPTH = int(os.environ.get("MIDEN_DEPTH", "30000"))
SEED = int(os.environ.get("MIDEN_SEED", "0"))


# --- R20: the reference's digests


def rows(name: str) -> list[dict[str, Any]]:
    with gzip.open(VECTORS / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_r20_recorded_programs_have_the_references_nodes_and_bytes() -> None:
    """`tools/check_reference.py` and `tests/differential` do the same for as many programs as one likes."""
    nodes = files = 0
    for row in rows("programs") + rows("formats"):
        expect = row["expect"]
        if set(row) & {"kernel", "libraries", "corelib", "kernel_source"} or "nodes" not in expect:
            continue
        program = miden.assemble(row["source"])
        assert [digest.to_hex()[2:] for digest in program.forest.digests] == [node[1] for node in expect["nodes"]]
        nodes += len(expect["nodes"])
        if "bytes" in expect:
            assert program.to_bytes().hex() == expect["bytes"]
            files += 1
    print(f"{nodes} nodes and {files} files are the reference's")  # noqa: T201
    assert nodes > 1000


# --- R23: any text

_PIECES = """
begin end proc pub use const if.true if.false else while.true repeat.3 push.1 exec. call. syscall. procref. :: -> . , ( ) [ ] { } @ #
#! ; = + - * / // " "a" 0x 0x12 18446744069414584321 99999999999999999999 $kernel $exec type enum struct ptr< > felt u32 @locals(4)
event("a") adv_push.17 mem_load.4294967296 err= trace. debug.stack.256 u32shl.32 dup.16
"""
PIECES = (*_PIECES.split(), "\u00e9", "\u2028", "\0", "\r\n", "\t", "\ufeff")


def damaged_text(rng: random.Random, text: str) -> str:
    """Change a source in a few places: cut, repeat, exchange, insert."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        size = rng.choice((1, 2, 5, 30))
        match rng.randrange(4):
            case 0:
                text = text[:at] + text[at + size :]
            case 1:
                text = text[:at] + text[at : at + size] * rng.choice((2, 3, 20)) + text[at:]
            case 2:
                text = text[:at] + rng.choice(PIECES) + text[at + size :]
            case _:
                text = text[:at] + rng.choice((" ", "\n", "")) + rng.choice(PIECES) + rng.choice((" ", "")) + text[at:]
    return text


def sources(rng: random.Random) -> list[str]:
    """Return good sources to damage."""
    examples = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").glob("*.masm"))]
    syntax = [row["source"] for row in rows("syntax") if isinstance(row.get("source"), str)]
    return [*examples, *rng.sample(syntax, min(60, len(syntax))), *(draw_program(rng, 12)["source"] for _ in range(40))]


def test_r23_any_text_is_assembled_or_refused_with_a_typed_error() -> None:
    rng = random.Random(SEED)
    good = sources(rng)
    counts = {"assembled": 0, "refused": 0}
    for _ in range(TEXTS):
        text = damaged_text(rng, rng.choice(good))
        try:
            miden.Assembler(max_operations=2**16).assemble_program(text)
            counts["assembled"] += 1
        except AssemblyError as error:
            assert error.kind, text
            assert str(error), text
            counts["refused"] += 1
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {text!r}") from error
    print(counts)  # noqa: T201
    assert min(counts.values()) > 0


# --- R24: depth


@pytest.mark.parametrize("depth", [10, 256, 1000])
@pytest.mark.parametrize("opening", ["if.true ", "while.true ", "repeat.1 "])
def test_r24_deep_source_goes_all_the_way(opening: str, depth: int) -> None:
    program = miden.assemble(f"begin push.0 drop {opening * depth} push.0 {'end ' * depth} end")
    assert miden.Program.from_bytes(program.to_bytes()) == program
    try:
        assert miden.execute(program).cycles > 0
    except miden.ExecutionError as error:
        assert error.kind == "OutputStackOverflow"
    repr(program.forest)


def test_r24_depth_is_a_limit_with_a_typed_error() -> None:
    depth = 65_536
    text = f"begin {'if.true ' * depth} nop {'end ' * depth} end"
    with pytest.raises(AssemblyError) as caught:
        miden.assemble(text, max_depth=256)
    assert caught.value.kind == "NestingLimitExceeded"
    with pytest.raises(AssemblyError) as caught:
        miden.assemble(f"begin if.true {'if.true ' * depth} nop {'end ' * depth} end end")
    assert caught.value.kind == "NestingLimitExceeded"


def joins(builder: miden.ForestBuilder, inner: int, leaf: int) -> int:
    return builder.add_join(inner, leaf)


def calls(builder: miden.ForestBuilder, inner: int, leaf: int) -> int:
    return builder.add_call(inner)


def loops(builder: miden.ForestBuilder, inner: int, leaf: int) -> int:
    return builder.add_loop(inner)


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [joins, calls, loops])
def test_r24_deep_forests_go_all_the_way(wrap: Callable[[miden.ForestBuilder, int, int], int], backend: str) -> None:
    depth = DEPTH if backend == "core" else min(DEPTH, 3000)
    builder = miden.ForestBuilder()
    leaf = node = builder.add_block(bytes([OP["NOOP"]]))
    for _ in range(depth):
        node = wrap(builder, node, leaf)
    builder.add_root(node)
    forest = builder.build()
    program = miden.Program(forest, node)
    assert miden.Program.from_bytes(program.to_bytes()) == program
    assert forest.strip_debug_info() == forest
    repr(forest)
    limits = miden.Limits(max_continuations=4 * depth + 100)
    assert miden.execute(program, backend=backend, limits=limits).cycles > 0
    with pytest.raises(LimitError) if wrap is not loops else pytest.raises(miden.ExecutionError) as caught:
        miden.execute(program, stack=[1] * 16, backend=backend, limits=miden.Limits(max_continuations=10))
    assert caught.value.kind == "ContinuationLimitExceeded"


# --- R25: expansion bombs

BOMBS = {
    "repeat": ("begin " + "repeat.1024 " * 4 + "add " + "end " * 5, "ProgramTooLarge"),
    "one large repeat": ("begin repeat.4294967295 add end end", "ProgramTooLarge"),
    "constants that refer to each other": ("const A = B*2\nconst B = A*2\nbegin push.A end", "ConstEvalCycle"),
    "procedures that call each other": ("proc a exec.b end proc b exec.a end begin exec.a end", None),
}


@pytest.mark.parametrize(("source", "kind"), BOMBS.values(), ids=BOMBS)
def test_r25_a_small_source_that_asks_for_much_fails_soon(source: str, kind: str | None) -> None:
    miden.assemble("begin add end")  # load everything
    assert len(source) < 2048
    times = []
    for _ in range(3):  # the best of three: other programs run here too
        began = time.process_time()
        with pytest.raises(AssemblyError) as caught:
            miden.assemble(source)
        times.append(time.process_time() - began)
    seconds = min(times)
    print(f"{caught.value.kind} after {seconds:.4f} s")  # noqa: T201
    assert kind is None or caught.value.kind == kind
    assert seconds < 0.25  # 0.1 on a machine that does nothing else; these tests share theirs


def test_r25_procedures_that_double_share_their_nodes() -> None:
    procedures = "\n".join(f"proc p{n} exec.p{n - 1} exec.p{n - 1} end" for n in range(1, 200))
    program = miden.assemble(f"proc p0 add end\n{procedures}\nbegin exec.p199 end")
    assert len(program.forest) < 400
    with pytest.raises(LimitError) as caught:
        miden.execute(program, limits=miden.Limits(max_cycles=100_000))
    assert caught.value.kind == "CycleLimitExceeded"


def test_r25_imports_in_a_circle_fail_soon() -> None:
    modules = {f"m::a{n}": f"use m::a{(n + 1) % 50}::f->g\npub proc f exec.g end" for n in range(50)}
    began = time.process_time()
    with pytest.raises(AssemblyError):
        miden.Assembler().assemble_library(modules)
    assert time.process_time() - began < 1


def test_r25_reexports_in_a_circle_fail_soon() -> None:
    modules = {f"m::a{n}": f"pub use m::a{(n + 1) % 50}::f" for n in range(50)}
    began = time.process_time()
    with pytest.raises(AssemblyError):
        miden.Assembler().assemble_library(modules)
    assert time.process_time() - began < 1
