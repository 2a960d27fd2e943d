"""From the assembler's builder to an immutable `MastForest`: removal of merged blocks, columns, debug information.

Debug information is made of what the builder recorded only when someone asks for it: most programs run without.

An item of the builder is one of: an `Instruction`; a pair of it and its resolved arguments; a triple of text, start
and end for an `if` or `while`; a decorator taken over from a library.
"""

from __future__ import annotations

from miden.assembly.ast import Instruction
from miden.isa import NodeKind
from miden.mast.debug_info import DebugInfo
from miden.mast.forest import MastForest
from miden.mast.nodes import NODE_HEAD
from miden.mast.packing import packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from miden.assembly.body import ProcedureContext
    from miden.assembly.forest_builder import Block, Ids, MastForestBuilder
    from miden.mast.advice_map import AdviceMap
    from miden.mast.decorators import Decorator


def finish_forest(builder: MastForestBuilder, advice_map: AdviceMap) -> tuple[MastForest, Mapping[int, int]]:
    """Return the forest, and old id -> new id of every node that stays.

    Blocks that were merged into others go, if nothing refers to them; ids close up. The decorators that `decorate`
    appended are in the tables only if some block goes: see there.
    """
    removed = builder.removable()
    new_ids: Mapping[int, int]
    if removed:
        kept = [node for node in range(len(builder)) if node not in removed]
        new_ids = {old: new for new, old in enumerate(kept)}
        before, after = builder.before, builder.after
    else:
        kept = list(range(len(builder)))
        new_ids = dict(zip(kept, kept, strict=True))
        before, after = builder.registered_lists()
    nodes = bytearray()
    opcodes: list[bytes] = []
    immediates = bytearray()
    op_start = 0
    for old in kept:
        kind = builder.kinds[old]
        if kind == NodeKind.BLOCK:
            block = builder.blocks[old]
            op_count, imm_count = len(block.opcodes), len(block.immediates)
            nodes += NODE_HEAD.pack(kind, 0, 0, op_start, op_count, len(immediates) // 8, imm_count, 0)
            opcodes.append(block.opcodes)
            immediates += packed("Q", block.immediates)
            op_start += op_count
        else:
            first, second = (*[new_ids[child] for child in builder.children(old)], 0, 0)[:2]
            nodes += NODE_HEAD.pack(kind, first, second, 0, 0, 0, 0, 0)
        nodes += builder.digests[old]
    roots = packed("I", [new_ids[root] for root in builder.roots])
    facts = _DebugFacts(builder, kept, before, after)
    forest = MastForest(bytes(nodes), b"".join(opcodes), bytes(immediates), roots, advice_map, DebugInfo.lazy(facts.load))
    return forest, new_ids


class _DebugFacts:
    """What the builder knows about decorators, kept until someone asks; the builder itself is not kept."""

    __slots__ = ("_after", "_before", "_blocks", "_contexts", "_cycles", "_error_codes", "_items")

    def __init__(self, builder: MastForestBuilder, kept: list[int], before: Mapping[int, Ids], after: Mapping[int, Ids]) -> None:
        self._items = builder.items
        self._cycles = builder.cycles
        self._contexts = builder.contexts
        self._error_codes = builder.error_codes
        self._blocks: dict[int, Block] = {new: builder.blocks[old] for new, old in enumerate(kept) if old in builder.blocks}
        self._before = {new: before[old] for new, old in enumerate(kept) if old in before}
        self._after = {new: after[old] for new, old in enumerate(kept) if old in after}

    def load(self) -> DebugInfo:
        links = {
            node: tuple(zip(block.decorator_indices, block.decorator_ids, strict=True))
            for node, block in self._blocks.items()
            if block.decorator_ids
        }
        return DebugInfo(self._decorators(), links, self._before, self._after, self._error_codes)

    def _decorators(self) -> list[Decorator]:
        from miden.assembly.printer import instruction_text
        from miden.mast.decorators import AsmOp

        result: list[Decorator] = []
        contexts = iter([*self._contexts, (len(self._items), None)])
        next_start, next_context = next(contexts)
        context: ProcedureContext | None = None
        for decorator_id, item in enumerate(self._items):
            while decorator_id >= next_start and next_context is not None:
                context = next_context
                next_start, next_context = next(contexts)
            if isinstance(item, tuple):
                if isinstance(item[0], Instruction):
                    text, place = instruction_text(item[0], item[1]), item[0]
                    start, end = place.start, place.end
                else:
                    text, start, end = item
                name = item[0].name if isinstance(item[0], Instruction) else ""
            elif isinstance(item, Instruction):
                text, start, end, name = instruction_text(item, item.args), item.start, item.end, item.name
            else:
                result.append(item)  # type: ignore[arg-type]
                continue
            assert context is not None
            source = context.source
            location = (source.name, source.byte_offset(start), source.byte_offset(end))
            result.append(AsmOp(location, context.path, text, self._cycles[decorator_id], name == "breakpoint"))
        return result
