"""Parts of forests: the minimal forest of some procedures, and what two forests have in common.

Digests stay: a procedure is the same whatever else is in its forest. (mast.md section 6.)
"""

from __future__ import annotations

from miden.errors import InputError
from miden.isa import ERROR_CODE_OPS, NodeKind
from miden.mast.builder import ForestBuilder
from miden.mast.forest import check_node_id
from miden.mast.traversal import postorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from miden.field import Word
    from miden.mast.forest import MastForest


def split_forest(forest: MastForest, roots: Iterable[int], *, external: Iterable[Word] = ()) -> tuple[MastForest, dict[int, int]]:
    """Return the minimal forest of some procedures, and old node id -> new id of the nodes in it.

    It has the nodes reachable from `roots`, which become its procedure roots, and the decorators and error messages
    that they use. A node below the roots whose digest is in `external` becomes an external node and what is only
    below it is left out. The advice map stays whole: nothing tells which procedure reads an entry.

    Raises `InputError` for ids that are no nodes.

    >>> from miden.mast.builder import ForestBuilder
    >>> builder = ForestBuilder()
    >>> add, mul = builder.add_block(bytes([34])), builder.add_block(bytes([35]))
    >>> builder.add_root(builder.add_join(add, mul))
    >>> forest = builder.build()
    >>> split_forest(forest, [1])
    (<MastForest 1 nodes, 1 roots, 1 operations>, {1: 0})
    >>> split_forest(forest, [2], external=[forest.digests[0]])[0].summary()
    {'join': 1, 'block': 1, 'external': 1}
    """
    wanted = [check_node_id(root, len(forest)) for root in roots]
    if not wanted:
        raise InputError("a forest is split by at least one procedure", kind="NoRoots")
    cut = {word.to_bytes() for word in external}
    kept = _closure(forest, wanted, cut)
    info = forest.debug_info
    builder = ForestBuilder()
    builder.advice_map = forest.advice_map
    decorator_ids: dict[int, int] = {}
    codes: set[int] = set()

    def decorators(old: Iterable[int]) -> list[int]:
        return [decorator_ids[decorator_id] for decorator_id in old]

    for old in _used_decorators(forest, kept):
        decorator_ids.setdefault(old, len(decorator_ids))
    builder.decorators += [info.decorators[old] for old in decorator_ids]
    new_ids: dict[int, int] = {}
    for node_id in (node for node in postorder(forest, wanted) if node in kept):
        kind, digest = forest.kind(node_id), forest.digest_bytes(node_id)
        before, after = decorators(info.before_enter.get(node_id, ())), decorators(info.after_exit.get(node_id, ()))
        if kind == NodeKind.EXTERNAL or not kept[node_id]:
            new_ids[node_id] = builder.add_node(NodeKind.EXTERNAL, before_enter=before, after_exit=after, digest=digest)
        elif kind == NodeKind.BLOCK:
            opcodes, immediates = forest.block_code(node_id)
            codes.update(value for opcode, value in forest.block_operations(node_id) if opcode in ERROR_CODE_OPS and value is not None)
            links = [(index, decorator_ids[old]) for index, old in info.op_decorators.get(node_id, ())]
            new_ids[node_id] = builder.add_block(
                opcodes, immediates, op_decorators=links, before_enter=before, after_exit=after, digest=digest
            )
        else:
            children = [new_ids[child] for child in forest.children(node_id)]
            new_ids[node_id] = builder.add_node(kind, children, before_enter=before, after_exit=after, digest=digest)
    for root in wanted:
        builder.add_root(new_ids[root])
    builder.error_codes = {code: message for code, message in info.error_codes.items() if code in codes}
    return builder.build(), new_ids


def _closure(forest: MastForest, roots: list[int], cut: set[bytes]) -> dict[int, bool]:
    """Return node id -> whether its children are kept as well, for the nodes of the part."""
    kept = dict.fromkeys(roots, True)
    stack = list(roots)
    while stack:
        for child in forest.children(stack.pop()):
            if child not in kept:
                kept[child] = forest.digest_bytes(child) not in cut
                if kept[child]:
                    stack.append(child)
    return kept


def _used_decorators(forest: MastForest, kept: dict[int, bool]) -> Iterator[int]:
    """Iterate over the decorators of the nodes of a part, in the order of their ids."""
    info = forest.debug_info
    used: set[int] = set()
    for node_id, whole in kept.items():
        used.update(info.before_enter.get(node_id, ()))
        used.update(info.after_exit.get(node_id, ()))
        if whole:
            used.update(decorator_id for _, decorator_id in info.op_decorators.get(node_id, ()))
    return iter(sorted(used))


class ForestDiff:
    """What distinguishes two forests, by digest.

    Attributes
    ----------
    added_procedures, removed_procedures
        Digests of the procedure roots that only the second, only the first forest has, in their order there.
    added_nodes, removed_nodes
        Ids, in the second and in the first forest, of nodes whose digest the other one does not have at all.
    advice_map, debug_info
        Whether these differ.
    """

    __slots__ = ("added_nodes", "added_procedures", "advice_map", "debug_info", "removed_nodes", "removed_procedures")

    def __init__(self, first: MastForest, second: MastForest) -> None:
        self.removed_procedures = _missing_procedures(first, second)
        self.added_procedures = _missing_procedures(second, first)
        self.removed_nodes = _missing_nodes(first, second)
        self.added_nodes = _missing_nodes(second, first)
        self.advice_map = first.advice_map != second.advice_map
        self.debug_info = first.debug_info != second.debug_info

    @property
    def same_code(self) -> bool:
        """Whether both forests have the same procedures, which means the same code below them."""
        return not (self.added_procedures or self.removed_procedures)

    def __bool__(self) -> bool:
        """Tell whether there is any difference."""
        return not self.same_code or bool(self.added_nodes or self.removed_nodes) or self.advice_map or self.debug_info

    def __repr__(self) -> str:
        return (
            f"<ForestDiff procedures +{len(self.added_procedures)} -{len(self.removed_procedures)}, "
            f"nodes +{len(self.added_nodes)} -{len(self.removed_nodes)}>"
        )


def diff_forests(first: MastForest, second: MastForest) -> ForestDiff:
    """Compare two forests by structure; ids and the order of nodes do not matter.

    >>> from miden.mast.builder import ForestBuilder
    >>> builder = ForestBuilder()
    >>> builder.add_root(builder.add_block(bytes([34])))
    >>> small = builder.build()
    >>> builder.add_root(builder.add_loop(0))
    >>> diff_forests(small, builder.build())
    <ForestDiff procedures +1 -0, nodes +1 -0>
    """
    return ForestDiff(first, second)


def _missing_procedures(ours: MastForest, theirs: MastForest) -> list[Word]:
    return [digest for digest in ours.procedure_digests if theirs.find_procedure_root(digest) is None]


def _missing_nodes(ours: MastForest, theirs: MastForest) -> list[int]:
    known = {theirs.digest_bytes(node_id) for node_id in range(len(theirs))}
    return [node_id for node_id in range(len(ours)) if ours.digest_bytes(node_id) not in known]
