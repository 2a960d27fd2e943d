"""Blocks and forests in C: padding and digests against the reference's vectors and the readable model; hostile columns."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.isa import IMMEDIATE_OPS, OPERATIONS, PUSH
from miden.mast.builder import ForestBuilder
from miden.pure.blocks import batches
from miden.status import FIRST_FAULT, Status
from tests.support.columns import Columns

forest_module: Any = pytest.importorskip("miden._core.forest", reason="the core is not built")
processor: Any = pytest.importorskip("miden._core.processor", reason="the core is not built")

VECTORS = Path(__file__).parents[2] / "vectors" / "mast_vectors.json"
BLOCKS = json.loads(VECTORS.read_text(encoding="utf-8"))["blocks"]
PLAIN = sorted(opcode for opcode, row in OPERATIONS.items() if row.family != "control")

operations = st.lists(st.sampled_from(PLAIN) | st.just(PUSH), min_size=1, max_size=300).map(bytes)


def immediates_of(opcodes: bytes, value: int = 7) -> list[int]:
    return [value + i for i, opcode in enumerate(opcodes) if opcode in IMMEDIATE_OPS]


@pytest.mark.parametrize("block", BLOCKS, ids=[block["name"] for block in BLOCKS])
def test_blocks_are_padded_and_hashed_as_the_reference_does(block: dict[str, Any]) -> None:
    opcodes = bytes(opcode for opcode, _ in block["raw_ops"])
    immediates = [int(value or 0) for opcode, value in block["raw_ops"] if opcode in IMMEDIATE_OPS]
    padded, inserted = forest_module.padded_operations(opcodes)
    assert list(padded) == [opcode for batch in block["batches"] for opcode, _ in batch["padded_ops"]]
    assert bytes(opcode for opcode, new in zip(padded, inserted, strict=True) if not new) == opcodes
    assert "0x" + forest_module.block_digest(opcodes, immediates).hex() == block["digest"]


@given(operations)
def test_padding_is_that_of_the_readable_model(opcodes: bytes) -> None:
    padded, inserted = forest_module.padded_operations(opcodes)
    assert list(padded) == [opcode for batch in batches(opcodes) for opcode in batch]
    assert bytes(opcode for opcode, new in zip(padded, inserted, strict=True) if not new) == opcodes


@given(operations)
def test_a_block_has_a_row_for_each_operation_batch_and_end(opcodes: bytes) -> None:
    columns = Columns()
    columns.raw_block(opcodes, immediates_of(opcodes))
    code = forest_module.Code(*columns.columns())
    assert code.padded_count(0) == sum(len(batch) for batch in batches(opcodes))


@pytest.mark.parametrize(
    ("opcodes", "immediates", "reason"),
    [
        (b"", [], "at least one"),
        (bytes([84]), [], "cannot stand"),
        (bytes([6]), [], "cannot stand"),
        (bytes([PUSH]), [], "take 1 immediates, found 0"),
        (bytes([PUSH]), [1, 2], "take 1 immediates, found 2"),
        (bytes([PUSH]), [2**64 - 2**32 + 1], "not below p"),
        (bytes([PUSH]), [-1], "not below p"),
    ],
)
def test_blocks_that_are_none_are_not_hashed(opcodes: bytes, immediates: list[int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        forest_module.block_digest(opcodes, immediates)


def forest_of_all_kinds() -> Any:
    builder = ForestBuilder()
    block = builder.add_block(bytes([PUSH, 34]), [5])
    other = builder.add_block(bytes([0]))
    external = builder.add_external(builder_digest(builder, block))
    nodes = [builder.add_join(block, other), builder.add_split(block, external), builder.add_loop(other), builder.add_call(block)]
    nodes += [builder.add_syscall(other), builder.add_dyn(), builder.add_dyncall()]
    last = nodes[0]
    for node in nodes[1:]:
        last = builder.add_join(last, node)
    builder.add_root(last)
    builder.add_root(block)
    return builder.build()


def builder_digest(builder: ForestBuilder, node: int) -> Any:
    from miden.field import Word

    probe = builder.build()
    return Word.from_bytes(probe.digest_bytes(node))


def test_all_digests_of_a_forest_are_recomputed() -> None:
    forest = forest_of_all_kinds()
    expected = b"".join(forest.digest_bytes(node) for node in range(len(forest)))
    assert forest_module.compute_digests(forest.node_bytes, forest.operation_bytes, forest.immediate_bytes) == expected


def test_a_node_that_is_its_own_child_has_no_digest() -> None:
    columns = Columns()
    columns.block("noop")
    columns.join(0, 1)
    nodes, opcodes, immediates, _ = columns.columns()
    with pytest.raises(ValueError, match="node 1"):
        forest_module.compute_digests(nodes, opcodes, immediates)


def test_digests_of_columns_that_are_no_forest_are_refused() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        forest_module.compute_digests(bytes(63), b"", b"")


def test_roots_are_found_among_many() -> None:
    columns = Columns()
    generator = random.Random(1)
    for _ in range(1000):
        columns.root(columns.dyn(digest=(generator.randrange(4), generator.randrange(4), generator.randrange(2**63), 0)))
    code = forest_module.Code(*columns.columns())
    for node in range(1000):
        found = code.find_root(columns.digest_bytes(node))
        assert columns.digest(found) == columns.digest(node)
        assert found <= node
    assert code.find_root(struct.pack("<4Q", 9, 9, 9, 9)) == -1


def run_to_a_limit(code: Any, entrypoint: int) -> int:
    """Run whatever this is, answering nothing; return the last status."""
    machine = processor.Machine(code, entrypoint, b"", [1] * 16, [1] * 64, 5000, 4096, 4096, 4096, True)
    for _ in range(6000):
        status: int = machine.run(700)
        if status == Status.DONE or status >= FIRST_FAULT:
            return status
        if status in (Status.EXTERNAL, Status.DYN):
            machine.enter(code, 0)
        elif status in (Status.MERKLE_VERIFY, Status.MERKLE_UPDATE):
            if machine.stack_get(4) > 64:
                return status
            machine.supply_path(bytes(32 * machine.stack_get(4)))
    raise AssertionError("neither an end nor a limit")


def mutate(generator: random.Random, columns: tuple[bytes, ...]) -> list[bytes]:
    changed = [bytearray(column) for column in columns]
    for _ in range(generator.randrange(1, 4)):
        column = generator.choice(changed)
        if not column:
            continue
        place = generator.randrange(len(column))
        kind = generator.randrange(5)
        if kind == 0:
            column[place] ^= 1 << generator.randrange(8)
        elif kind == 1:
            column[place] = generator.choice((0, 1, 2, 3, 127, 255, generator.randrange(256)))
        elif kind == 2:
            del column[place:]
        elif kind == 3:
            column[place:place] = column[: generator.randrange(70)]
        else:
            word = place & ~3
            column[word : word + 4] = struct.pack("<I", generator.choice((0, 1, 5, len(column), 2**31, 2**32 - 1)))
    return [bytes(column) for column in changed]


@given(st.integers(0, 2**32))
def test_hostile_columns_are_refused_or_end(seed: int) -> None:
    generator = random.Random(seed)
    forest = forest_of_all_kinds()
    columns = (forest.node_bytes, forest.operation_bytes, forest.immediate_bytes, forest.root_bytes)
    for _ in range(20):
        try:
            code = forest_module.Code(*mutate(generator, columns))
        except ValueError:
            continue
        for entrypoint in range(len(code)):
            run_to_a_limit(code, entrypoint)
