"""MASM for forests: it assembles to the same roots, or says why not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import miden
from miden.isa import OP, OPERATIONS
from miden.mast.builder import ForestBuilder
from miden.mast.exports import ProcedureExport
from miden.package.artifacts import Loaded, load_artifact
from miden.package.decompile import decompile
from miden.package.phrases import InexpressibleError, block_text, phrases
from tests.support.mast_vectors import FILES

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.masm"))


def of_program(source: str) -> Loaded:
    return Loaded("program", miden.assemble(source), b"")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_come_back_with_the_same_root(path: Path) -> None:
    found = decompile(of_program(path.read_text(encoding="utf-8")))
    assert (found.problems, found.verified) == ([], True)


@pytest.mark.parametrize(
    "source",
    [
        "begin push.1 end",
        "begin repeat.5 push.1 if.true push.2 else push.3 end end end",
        "begin push.1 while.true push.0 if.true nop else add end push.0 end end",
        "proc f push.1 if.true push.2 else push.3 end end begin exec.f exec.f call.f exec.f dynexec dyncall end",
        "begin repeat.7 dynexec end end",
        "begin push.1 repeat.9 dynexec dyncall end push.2 end",
        "proc a dynexec dynexec dynexec end proc b exec.a exec.a exec.a end begin exec.b exec.a exec.b end",
        'begin push.1 assert.err="no good" push.2 push.2 assert_eq.err="differ" end',
        "begin u32div hperm mtree_get mtree_set adv_pipe emit mem_stream exp.u32 push.5 exp end",
        "proc big repeat.2300 add end end begin exec.big add exec.big end",
        "begin exec.0x" + "11" * 32 + " call.0x" + "22" * 32 + " end",
    ],
)
def test_programs_come_back_with_the_same_root(source: str) -> None:
    found = decompile(of_program(source))
    assert (found.problems, found.verified) == ([], True)
    assert miden.assemble(found.text).hash == miden.assemble(source).hash


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_come_back_with_the_same_root(seed: int) -> None:
    generator = random.Random(seed)
    simple = (
        "add",
        "mul",
        "push.3",
        "push.0",
        "push.1",
        "push.4294967299",
        "dup.3",
        "movup.4",
        "u32and",
        "eq",
        "inv",
        "clk",
        "hmerge",
        "swapw.2",
        "nop",
    )
    blocks = ("dynexec", "dyncall", "call.p0", "exec.p0", "exec.p1", "exec.p2")

    def body(depth: int) -> str:
        parts: list[str] = []
        for _ in range(generator.randint(1, 6)):
            roll = generator.random()
            if depth and roll < 0.15:
                parts.append(f"if.true {body(depth - 1)} else {body(depth - 1)} end")
            elif depth and roll < 0.25:
                parts.append(f"while.true {body(depth - 1)} end")
            elif depth and roll < 0.32:
                parts.append(f"repeat.{generator.randint(2, 9)} {body(depth - 1)} end")
            elif roll < 0.5:
                parts.append(generator.choice(blocks))
            else:
                parts.append(generator.choice(simple))
        return " ".join(parts)

    source = "proc p0 push.1 if.true dynexec else add end end\nproc p1 dynexec exec.p0 dyncall end\nproc p2 add mul end\n"
    found = decompile(of_program(f"{source}begin {body(3)} end"))
    # what the assembler itself built from several bodies may have neighbouring blocks only where it merged none
    assert found.problems == []
    assert found.verified


@pytest.mark.parametrize(("kind", "data"), [row[1:3] for row in FILES], ids=[row[0] for row in FILES])
def test_files_of_the_reference_come_back_or_say_why(kind: str, data: bytes) -> None:
    loaded = load_artifact(data)
    found = decompile(loaded)
    assert found.problems or found.unchecked or found.verified
    if found.verified and not found.problems and loaded.program:
        assert miden.assemble(found.text).hash == loaded.program.hash


def test_a_library_comes_back_with_every_root() -> None:
    library = miden.Assembler().assemble_library(
        {"a::b": "proc deep push.1 if.true add else mul end end pub proc f exec.deep end pub proc g exec.deep dynexec exec.f end"}
    )
    found = decompile(load_artifact(library.to_bytes()))
    assert found.verified
    assert "pub proc f" in found.text
    assert "pub proc g" in found.text


def test_one_procedure_can_be_asked_for() -> None:
    library = miden.Assembler().assemble_library({"a::b": "pub proc f add end pub proc g mul end"})
    node = next(item.node for item in library.items.values() if isinstance(item, ProcedureExport) and item.path.endswith("g"))
    found = decompile(load_artifact(library.to_bytes()), [node])
    assert found.verified
    assert "mul" in found.text
    assert "add" not in found.text


def test_a_syscall_is_written_but_not_checked() -> None:
    kernel = miden.Assembler().assemble_kernel("pub proc k caller end")
    program = miden.Assembler(kernel).assemble_program("begin syscall.k end")
    found = decompile(Loaded("program", program, b""))
    assert not found.verified
    assert "syscall.0x" in found.text
    assert found.problems == []
    assert "kernel" in found.unchecked


def forest_with(*blocks: bytes) -> Loaded:
    builder = ForestBuilder()
    root = builder.add_block(blocks[0])
    for block in blocks[1:]:
        root = builder.add_join(root, builder.add_block(block))
    builder.add_root(root)
    forest = builder.build()
    return Loaded("forest", forest, forest.to_bytes())


def test_neighbouring_blocks_are_said_to_be_inexpressible() -> None:
    found = decompile(forest_with(bytes([OP["ADD"]]), bytes([OP["MUL"]])))
    assert not found.verified
    assert "one block of two" in found.problems[0]


def test_an_operation_without_an_instruction_is_named() -> None:
    found = decompile(forest_with(bytes([OP["MRUPDATE"]])))
    assert "mrupdate" in found.problems[0]
    assert "# no instruction" in found.text


def test_depth_is_no_problem() -> None:
    builder = ForestBuilder()
    node = builder.add_block(bytes([OP["ADD"]]))
    for _ in range(2000):
        node = builder.add_loop(node)
    builder.add_root(node)
    forest = builder.build()
    found = decompile(Loaded("forest", forest, forest.to_bytes()))
    assert (found.problems, found.verified) == ([], True)


def test_nearly_every_operation_has_a_phrase() -> None:
    def operations(node: object, found: set[int]) -> None:
        if isinstance(node, dict):
            for item, below in node.items():
                if isinstance(item, tuple):
                    found.add(item[0])
                operations(below, found)

    found: set[int] = set()
    operations(phrases(), found)
    missing = {row.name for code, row in OPERATIONS.items() if row.family != "control" and code not in found}
    assert missing == {"PUSH"} - {OPERATIONS[code].name for code in found}


def test_blocks_become_few_instructions() -> None:
    program = miden.assemble("begin u32div hmerge push.5 mem_store end")
    operations = program.forest.block_operations(0)
    assert block_text(operations, {})[-4:] == ["u32div", "hmerge", "push.5", "mem_store"]


def test_a_push_of_what_has_its_own_operation_is_inexpressible() -> None:
    with pytest.raises(InexpressibleError, match="push\\(0\\)"):
        block_text([(OP["PUSH"], 0)], {})
