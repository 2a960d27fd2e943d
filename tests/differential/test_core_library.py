"""The reference's own core library is read, verified, written again, and run through external nodes.

Needs the reference harness (`../shared/reference`, built) named by MIDEN_REFERENCE. MIDEN_EXAMPLES and MIDEN_SEED
choose the programs.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest

import miden
from tests.support.reference import PATH, SKIP_REASON, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from miden.vm.state import ProcessState

PROGRAMS = int(os.environ.get("MIDEN_EXAMPLES", "150"))
SEED = int(os.environ.get("MIDEN_SEED", "0"))
U32 = 2**32
DIV_EVENT = "miden::core::math::u64::u64_div"

SHIFTS = ("shl", "shr", "rotl", "rotr")
U64 = (
    "overflowing_add", "wrapping_add", "wrapping_sub", "overflowing_sub", "wrapping_mul", "overflowing_mul", "lt", "gt", "lte",
    "gte", "eq", "neq", "eqz", "min", "max", "div", "mod", "divmod",
    "and", "or", "xor", "clz", "ctz", "clo", "cto",
)
U256 = ("wrapping_add", "wrapping_sub", "and", "or", "xor", "eqz", "eq", "wrapping_mul")

pytestmark = [pytest.mark.oracle, pytest.mark.skipif(not PATH, reason=SKIP_REASON)]


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with Reference() as harness:
        yield harness


@pytest.fixture(scope="module")
def answer(reference: Reference) -> dict[str, Any]:
    return reference.ask("corelib", bytes=True)


@pytest.fixture(scope="module")
def library(answer: dict[str, Any]) -> miden.Library:
    return miden.Library.from_bytes(bytes.fromhex(answer["bytes"]))


def divide(state: ProcessState) -> list[miden.ExtendStack]:
    """Do what the reference's handler of the division event does: advise quotient and remainder, low limbs first."""
    b_hi, b_lo, a_hi, a_lo = (state.stack_get(index) for index in range(1, 5))
    if max(b_hi, b_lo, a_hi, a_lo) >= U32:
        raise ValueError("a limb is no u32")
    quotient, remainder = divmod(a_hi << 32 | a_lo, b_hi << 32 | b_lo)
    return [miden.ExtendStack.popped_first([quotient % U32, quotient >> 32, remainder % U32, remainder >> 32])]


def test_the_file_is_read_verified_and_written_again(answer: dict[str, Any], library: miden.Library) -> None:
    assert library.to_bytes().hex() == answer["bytes"]
    assert miden.Library.from_trusted_bytes(bytes.fromhex(answer["bytes"])) == library


def test_every_node_and_export_is_the_references(answer: dict[str, Any], library: miden.Library) -> None:
    assert [digest.to_hex()[2:] for digest in library.forest.digests] == [node[1] for node in answer["nodes"]]
    assert library.digest.to_hex()[2:] == answer["digest"]
    ours = {path: digest and digest.to_hex()[2:] for path, digest in library.exports.items()}
    assert ours == answer["exports"]


def draw(rng: random.Random) -> tuple[str, list[int]]:
    """Draw a program that calls a few procedures, and its stack of limbs, top first."""
    steps = []
    for _ in range(rng.randint(1, 5)):
        how = rng.choice(("exec", "exec", "call"))
        kind = rng.random()
        if kind < 0.2:
            steps.append(f"{how}.u256::{rng.choice(U256)}")
        elif kind < 0.4:
            steps.append(f"push.{rng.choice((0, 1, 31, 32, 33, 63, rng.randrange(64)))} exec.u64::{rng.choice(SHIFTS)}")
        else:
            steps.append(f"{how}.u64::{rng.choice(U64)}")
    source = f"use miden::core::math::u64 use miden::core::math::u256 begin {' '.join(steps)} push.0 exec.u64::shl end"
    limb = (0, 1, 2, 2**16, 2**31, U32 - 1)
    if rng.random() < 0.03:
        limb = (*limb, U32, 2**63)
    return source, [rng.choice(limb) if rng.random() < 0.4 else rng.randrange(U32) for _ in range(16)]


@pytest.mark.parametrize("name", ["core", "pure"])
def test_programs_that_call_it_through_external_nodes_agree(reference: Reference, library: miden.Library, name: str) -> None:
    host = miden.Host([library], {DIV_EVENT: divide})
    assembler = miden.Assembler()
    assembler.link_library(library, kind="dynamic")
    ends = {"ran": 0, "failed": 0}
    for seed in range(SEED, SEED + PROGRAMS):
        source, stack = draw(random.Random(seed))
        expect = reference.ask("program", source=source, corelib="dynamic", run={"stack": stack[::-1]})
        program = assembler.assemble_program(source)
        assert program.hash.to_hex()[2:] == expect["hash"], source
        assert "external" in program.forest.summary(), source
        try:
            output = miden.execute(program, stack=stack, host=host, backend=name)
        except miden.ExecutionError as error:
            assert error.kind == expect.get("run_error_kind"), (seed, source, expect, error)
            ends["failed"] += 1
            continue
        assert (list(output.stack), output.cycles) == (expect.get("stack"), expect["cycles"]), (seed, source, expect)
        ends["ran"] += 1
    print(f"{ends['ran']} programs ran, {ends['failed']} failed, as with the reference")  # noqa: T201
    assert ends["ran"] > PROGRAMS // 2
