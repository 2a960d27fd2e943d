"""The assembler makes what the reference made of every source of the vectors: operations, children, roots, bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import miden
from miden.isa import IMMEDIATE_OPS, OPERATIONS, NodeKind
from miden.mast.packing import pad_operations
from tests.support.vectors import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.vectors import Row

NAMES = ("instructions", "advice", "special", "hot", "programs", "formats")
SLICE = 250


def slices() -> list[tuple[str, int]]:
    return [(name, start) for name in NAMES for start in range(0, len(rows(name)), SLICE)]


def nodes(forest: miden.MastForest) -> Iterator[list[Any]]:
    """Yield what the vectors hold of a node: kind, digest, padded operations or children."""
    for node in range(len(forest)):
        kind = forest.kind(node)
        detail: list[Any] = list(forest.children(node))
        if kind == NodeKind.BLOCK:
            opcodes, immediates = forest.block_code(node)
            values = iter(immediates)
            names = [(OPERATIONS[opcode].display, opcode in IMMEDIATE_OPS) for opcode in pad_operations(opcodes)[0]]
            detail = [f"{name}({next(values)})" if has_value else name for name, has_value in names]
        yield [kind.name.lower(), forest.digest_bytes(node).hex(), detail]


def artifacts(row: Row) -> Iterator[tuple[Any, Any]]:
    """Yield (what we make, what the reference made) of a row: kernel, libraries, program."""
    expect = row["expect"]
    kernel = miden.Assembler().assemble_kernel(row["kernel_source"]) if row.get("kernel_source") else None
    if kernel is not None and "source" not in row:
        yield kernel, expect
    assembler = miden.Assembler(kernel=kernel)
    libraries: list[Any] = []
    for spec, facts in zip(row.get("libraries", ()), expect.get("libraries", ()), strict=True):
        builder = miden.Assembler()
        for earlier in libraries:
            builder.link_library(earlier, kind="dynamic")
        libraries.append(builder.assemble_library(spec["modules"]))
        assembler.link_library(libraries[-1], kind=spec.get("link") or "dynamic")
        yield libraries[-1], facts
    if "source" in row:
        yield assembler.assemble_program(row["source"]), expect


@pytest.mark.parametrize(("name", "start"), slices())
def test_nodes_are_those_of_the_reference(name: str, start: int) -> None:
    for number, row in enumerate(rows(name)[start : start + SLICE], start + 1):
        if "error" in row["expect"]:
            continue
        for artifact, expect in artifacts(row):
            assert list(nodes(artifact.forest)) == expect["nodes"], f"{name}:{number}"
            assert list(artifact.forest.roots) == expect.get("roots", list(artifact.forest.roots)), f"{name}:{number}"


def test_bytes_are_those_of_the_reference() -> None:
    compared = 0
    for number, row in enumerate(rows("formats"), 1):
        for artifact, expect in artifacts(row):
            assert artifact.to_bytes().hex() == expect["bytes"], f"formats:{number}"
            compared += 1
    assert compared == 44


def test_what_the_reference_rejects_is_rejected() -> None:
    rejected = [row["source"] for name in ("instructions", "advice", "syntax") for row in rows(name) if "error" in row["expect"]]
    assert len(rejected) > 150
    for source in rejected:
        with pytest.raises(miden.AssemblyError):
            miden.assemble(source)
