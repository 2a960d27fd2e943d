"""MAST as blocks: the digest of a CID is the MAST root; explode and implode."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

import miden
from miden.errors import FormatError, IntegrityError
from miden.field import P
from miden.ipld import mast
from miden.ipld.car import CarReader, write_car
from miden.ipld.cid import MAST_FOREST, MAST_NODE, RAW, Cid
from miden.ipld.links import links
from miden.isa import PUSH, NodeKind
from miden.mast.builder import ForestBuilder
from tests.strategies.mast import mast_forests

CODE = st.lists(st.sampled_from([0, 0, PUSH, PUSH, 34, 35]), min_size=1, max_size=90).map(bytes)


@given(CODE, st.integers(0, P - 1))
def test_the_groups_of_a_block_give_operations_with_the_same_groups(code: bytes, value: int) -> None:
    builder = ForestBuilder()
    builder.add_root(builder.add_block(code, [value] * code.count(PUSH)))
    forest = builder.build()
    block = mast.node_block(forest, 0)
    assert mast.node_digest(block) == forest.digest_bytes(0)
    shortest, values = mast.block_code(block)
    assert len(shortest) <= len(code)
    assert values == (value,) * code.count(PUSH)


@given(mast_forests())
def test_a_forest_is_exploded_and_imploded(forest: miden.MastForest) -> None:
    blocks = dict(mast.explode(forest))
    for cid, block in blocks.items():
        cid.verify(block)
        assert mast.node_root(cid).to_bytes() == mast.node_digest(block) == cid.digest
        assert all(mast.node_root(link) for link in links(MAST_NODE, block))
    roots = list(dict.fromkeys(forest.digests[root] for root in forest.roots))
    again = mast.implode(roots, blocks.get)
    assert [again.digests[root] for root in again.roots] == roots
    assert dict(mast.explode(again)) == blocks


def test_every_node_of_a_program_by_way_of_a_file() -> None:
    program = miden.assemble("proc double dup add end begin push.7 exec.double if.true call.double else push.1 end swap drop end")
    file = io.BytesIO()
    write_car(file, [mast.node_cid(program.hash)], mast.explode(program.forest))
    blocks = {section.cid: section.data for section in CarReader(io.BytesIO(file.getvalue()))}
    forest = mast.implode([program.hash], blocks.get)
    again = miden.Program(forest, forest.roots[0])
    assert again.hash == program.hash
    source = "begin push.1 if.true push.7 dup add else push.1 end swap drop end"
    other = miden.assemble(source)
    blocks = dict(mast.explode(other.forest))
    forest = mast.implode([other.hash], blocks.get)
    assert miden.execute(miden.Program(forest, forest.roots[0])).stack == miden.execute(other).stack


def test_what_is_missing_becomes_external_and_what_is_wrong_is_refused() -> None:
    program = miden.assemble("begin if.true push.1 else push.2 end end")
    blocks = dict(mast.explode(program.forest))
    root = mast.node_cid(program.hash)
    forest = mast.implode([program.hash], {root: blocks[root]}.get)
    kinds = [forest.kind(node) for node in range(len(forest))]
    assert kinds.count(NodeKind.EXTERNAL) >= 1
    assert forest.digests[forest.roots[0]] == program.hash
    first, second = list(blocks)[:2]
    with pytest.raises((IntegrityError, FormatError)):
        mast.implode([mast.node_root(first)], {first: blocks[second]}.get)
    with pytest.raises(FormatError) as caught:
        mast.implode([program.hash], blocks.get, max_nodes=1)
    assert caught.value.kind == "ForestTooLarge"


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\x08",
        b"\xff",
        b"\x00",
        b"\x00" + bytes(63),
        b"\x00" + bytes(65),
        b"\x02" + b"\xff" * 32,
        b"\x06\x00",
        b"\x03",
        b"\x03" + bytes(63),
        b"\x03" + b"\xff" * 64,
        b"\x03" + (1 << 63).to_bytes(8, "little") + bytes(56),
        b"\x03" + bytes([87]) + bytes(63),
        b"\x03" + (sum(PUSH << 7 * index for index in range(8))).to_bytes(8, "little") + bytes(56),
        b"\x03" + (PUSH << 56).to_bytes(8, "little") + bytes(56),
    ],
)
def test_bytes_that_are_no_node_are_refused(block: bytes) -> None:
    with pytest.raises(FormatError):
        mast.node_digest(block)


@given(st.binary(max_size=130), st.sampled_from([b"", b"\x03", b"\x00"]))
def test_any_bytes_are_a_node_or_a_typed_error(raw: bytes, prefix: bytes) -> None:
    for size in (len(raw), 64, 128):
        block = prefix + raw[:size].ljust(size, b"\0")
        try:
            digest = mast.node_digest(block)
        except FormatError:
            continue
        assert len(digest) == 32
        assert mast.node_links(block) is not None


def test_an_artifact_is_a_block_whose_links_are_what_it_needs() -> None:
    library = miden.Assembler().assemble_library({"lib": "pub proc two push.2 end"})
    assembler = miden.Assembler()
    assembler.link_library(library)
    program = assembler.assemble_program("begin exec.::lib::two end")
    data = program.to_bytes()
    cid = mast.forest_cid(data)
    cid.verify(data)
    assert links(MAST_FOREST, data) == [mast.node_cid(next(iter(library.forest.procedure_digests)))]
    with pytest.raises(FormatError):
        mast.node_root(Cid.of(b"", RAW))
    with pytest.raises(FormatError):
        mast.node_block(program.forest, next(n for n in range(len(program.forest)) if program.forest.kind(n) == NodeKind.EXTERNAL))
