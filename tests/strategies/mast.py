"""Random MAST: blocks of any operations, forests with all kinds of nodes, roots, decorators and advice maps.

These are for what does not execute: batching, hashing, formats. Forests that run come from `tests.strategies.forests`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from miden.field import P, Word
from miden.isa import IMMEDIATE_OPS, OP, NodeKind
from miden.mast.advice_map import AdviceMap
from miden.mast.builder import ForestBuilder
from miden.mast.decorators import AsmOp, DebugKind, DebugOp, TraceOp
from miden.mast.digests import BLOCK_OPS

if TYPE_CHECKING:
    from miden.mast.forest import MastForest

FELTS = st.one_of(st.sampled_from([0, 1, 2**32 - 1, 2**32, P - 1]), st.integers(0, P - 1))
WORDS = st.tuples(FELTS, FELTS, FELTS, FELTS).map(Word)
BYTES4 = st.integers(0, 2**32 - 1)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)

# PUSH decides how operations are packed: it must come often, between runs of every length.
OPCODES = st.one_of(st.sampled_from(sorted(BLOCK_OPS)), st.just(OP["PUSH"]), st.just(OP["ADD"]))


@st.composite
def block_codes(draw: st.DrawFn, max_size: int = 90) -> tuple[bytes, list[int]]:
    """Draw raw opcodes of a block and its immediates."""
    opcodes = bytes(draw(st.lists(OPCODES, min_size=1, max_size=max_size)))
    count = sum(opcode in IMMEDIATE_OPS for opcode in opcodes)
    return opcodes, draw(st.lists(FELTS, min_size=count, max_size=count))


DECORATORS = st.one_of(
    st.builds(
        AsmOp,
        st.none() | st.tuples(TEXTS, BYTES4, BYTES4),
        TEXTS,
        TEXTS,
        st.integers(0, 255),
        st.booleans(),
    ),
    st.builds(TraceOp, BYTES4),
    st.builds(DebugOp, st.sampled_from([DebugKind.STACK_ALL, DebugKind.MEM_ALL])),
    st.builds(DebugOp, st.just(DebugKind.STACK_TOP), st.integers(0, 255)),
    st.builds(DebugOp, st.just(DebugKind.MEM_INTERVAL), BYTES4, BYTES4),
    st.builds(DebugOp, st.just(DebugKind.LOCAL_INTERVAL), *[st.integers(0, 2**16 - 1)] * 3),
    st.builds(DebugOp, st.just(DebugKind.ADV_STACK_TOP), st.integers(0, 2**16 - 1)),
)

ARITY = {NodeKind.JOIN: 2, NodeKind.SPLIT: 2, NodeKind.LOOP: 1, NodeKind.CALL: 1, NodeKind.SYSCALL: 1}


@st.composite
def mast_forests(draw: st.DrawFn, max_nodes: int = 12) -> MastForest:
    """Draw a forest with at least one node and one root."""
    builder = ForestBuilder()
    for decorator in draw(st.lists(DECORATORS, max_size=5)):
        builder.add_decorator(decorator)
    ids = st.lists(st.integers(0, len(builder.decorators) - 1), max_size=2) if builder.decorators else st.just([])
    for node_id in range(draw(st.integers(1, max_nodes))):
        kind = draw(st.sampled_from(list(NodeKind))) if node_id else NodeKind.BLOCK
        before, after = draw(ids), draw(ids)
        if kind == NodeKind.BLOCK:
            opcodes, immediates = draw(block_codes(30))
            places = sorted(draw(st.lists(st.integers(0, len(opcodes)), max_size=3)))
            links = [(index, decorator_id) for index in places for decorator_id in draw(ids)]
            builder.add_block(opcodes, immediates, op_decorators=links, before_enter=before, after_exit=after)
            continue
        children = [draw(st.integers(0, node_id - 1)) for _ in range(ARITY.get(kind, 0))]
        digest = draw(WORDS).to_bytes() if kind == NodeKind.EXTERNAL else None
        builder.add_node(kind, children, before_enter=before, after_exit=after, digest=digest)
    for root in draw(st.lists(st.integers(0, len(builder) - 1), min_size=1, max_size=4)):
        builder.add_root(root)
    builder.advice_map = AdviceMap(draw(st.dictionaries(WORDS, st.lists(FELTS, max_size=5), max_size=3)))
    builder.error_codes = draw(st.dictionaries(FELTS, TEXTS, max_size=3))
    return builder.build()
