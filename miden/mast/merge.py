"""Merging forests into one, each node once, as the reference does it. (mast.md section 6.6.)

The reference rebuilds every node it merges. Two things change on the way, here as there, because program hashes
depend on them: a block is rebuilt from its *padded* operations, so that inserted NOOPs become operations, and
external nodes are replaced by nodes that have their digest. A third is a mistake: a dyncall node is rebuilt as a dyn
node, which runs in another context. That is done only with ``compat="0.20.6"``; otherwise it stays what it is.
"""

from __future__ import annotations

from miden.errors import FormatError, InputError
from miden.isa import NodeKind
from miden.mast.batches import padded_index
from miden.mast.builder import ForestBuilder
from miden.mast.digests import node_digest_bytes
from miden.mast.fingerprint import Fingerprints
from miden.mast.packing import pad_operations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from miden.mast.fingerprint import Fingerprint
    from miden.mast.forest import MastForest

COMPAT_VERSIONS = (None, "0.20.6")
"""What `compat` may be: None keeps the meaning of code, a version does what that release of the reference does."""


def merge_forests(forests: Iterable[MastForest], *, compat: str | None = None) -> tuple[MastForest, list[dict[int, int]]]:
    """Merge forests; return the new forest and, for each input, its procedure roots' ids -> new ids.

    Nodes that the reference takes for the same one become one, unreachable ones are dropped, children come before
    parents. Roots, advice maps, decorators and error codes are united.

    Raises `InputError` of kind ``AdviceMapKeyCollisionOnMerge`` if two advice maps disagree about a key.

    >>> from miden.mast.builder import ForestBuilder
    >>> builder = ForestBuilder()
    >>> builder.add_root(builder.add_block(bytes([34])))
    >>> forest = builder.build()
    >>> merge_forests([forest, forest])
    (<MastForest 1 nodes, 1 roots, 1 operations>, [{0: 0}, {0: 0}])
    """
    if compat not in COMPAT_VERSIONS:
        raise InputError(f"compat must be one of {COMPAT_VERSIONS}, found {compat!r}", kind="InvalidCompat")
    merger = _Merger(list(forests), keep_dyncall=compat is None)
    return merger.merge()


def compact_forest(forest: MastForest, *, compat: str | None = None) -> tuple[MastForest, dict[int, int]]:
    """Drop unreachable nodes and make equal nodes one; return the new forest and root id -> new id.

    As nodes with different decorators differ, stripping debug information first drops more.
    """
    compacted, [roots] = merge_forests([forest], compat=compat)
    return compacted, roots


def rebuilt_block(forest: MastForest, node_id: int) -> tuple[bytes, tuple[int, ...], list[tuple[int, int]]]:
    """Return a block as merging and static linking rebuild it: opcodes, immediates, decorators by operation.

    These are its padded operations, with decorators at padded indices, to be given to a builder as raw ones. The
    digest stays; batching them anew may insert more padding.
    """
    opcodes, immediates = forest.block_code(node_id)
    links = list(forest.debug_info.op_decorators.get(node_id, ()))
    opcodes, positions = pad_operations(opcodes)
    if positions:
        links = [(padded_index(index, positions), decorator_id) for index, decorator_id in links]
    return opcodes, immediates, links


class _Merger:
    """State of one merge."""

    __slots__ = ("_builder", "_by_print", "_decorator_ids", "_forests", "_keep_dyncall", "_node_ids", "_node_prints", "_prints", "_targets")

    def __init__(self, forests: Sequence[MastForest], *, keep_dyncall: bool) -> None:
        self._forests = forests
        self._keep_dyncall = keep_dyncall
        self._builder = ForestBuilder()
        self._prints = Fingerprints(self._builder.decorators)
        self._by_print: dict[Fingerprint, int] = {}
        self._node_prints: list[Fingerprint] = []
        self._decorator_ids: list[list[int]] = []
        self._node_ids: list[dict[int, int]] = [{} for _ in forests]
        self._targets: dict[bytes, tuple[int, int]] = {}
        """Digest -> (input, node id) of the nodes that replace external ones: the last of equal ones."""

    def merge(self) -> tuple[MastForest, list[dict[int, int]]]:
        builder = self._builder
        for forest in self._forests:
            builder.advice_map = builder.advice_map.merge(forest.advice_map)
        self._merge_decorators()
        for forest in self._forests:
            builder.error_codes.update(forest.debug_info.error_codes)
        for index, forest in enumerate(self._forests):
            for node_id in range(len(forest)):
                if forest.kind(node_id) != NodeKind.EXTERNAL:
                    self._targets[forest.digest_bytes(node_id)] = index, node_id
        for index, forest in enumerate(self._forests):
            for root in forest.roots:
                for item in self._discover(index, root):
                    self._emit(*item)
        root_maps: list[dict[int, int]] = []
        for ids, forest in zip(self._node_ids, self._forests, strict=True):
            root_maps.append({root: ids[root] for root in forest.roots})
            for root in forest.roots:
                builder.add_root(ids[root])
        return builder.build(), root_maps

    def _merge_decorators(self) -> None:
        known: dict[bytes, int] = {}
        for forest in self._forests:
            ids: list[int] = []
            for decorator in forest.debug_info.decorators:
                key = decorator.fingerprint
                if key not in known:
                    known[key] = self._builder.add_decorator(decorator)
                ids.append(known[key])
            self._decorator_ids.append(ids)

    def _discover(self, index: int, root: int) -> Iterator[tuple[int, int]]:
        """Iterate over (input, node id) below a root, itself last: what a node needs comes before it."""
        entered: set[tuple[int, int]] = set()
        stack = [(index, root)]
        while stack:
            item = stack[-1]
            if item[1] in self._node_ids[item[0]]:
                stack.pop()
            elif item in entered:
                stack.pop()
                yield item
            else:
                entered.add(item)
                for needed in reversed(self._needs(*item)):
                    if needed[1] not in self._node_ids[needed[0]]:
                        if needed in entered:
                            raise FormatError(f"node {needed[1]} is its own descendant", kind="CyclicForest")
                        stack.append(needed)

    def _needs(self, index: int, node_id: int) -> list[tuple[int, int]]:
        forest = self._forests[index]
        if forest.kind(node_id) == NodeKind.EXTERNAL:
            target = self._targets.get(forest.digest_bytes(node_id))
            return [] if target is None else [target]
        return [(index, child) for child in forest.children(node_id)]

    def _emit(self, index: int, node_id: int) -> None:
        """Give a node its id in the new forest, where it becomes a node unless it is there already."""
        forest, ids = self._forests[index], self._node_ids[index]
        kind = forest.kind(node_id)
        if kind == NodeKind.EXTERNAL:
            target = self._targets.get(forest.digest_bytes(node_id))
            if target is not None:
                ids[node_id] = self._node_ids[target[0]][target[1]]
                return
        info, decorator_ids = forest.debug_info, self._decorator_ids[index]
        before = [decorator_ids[old] for old in info.before_enter.get(node_id, ())]
        after = [decorator_ids[old] for old in info.after_exit.get(node_id, ())]
        if kind == NodeKind.BLOCK:
            opcodes, immediates, old_links = rebuilt_block(forest, node_id)
            links = [(at, decorator_ids[old]) for at, old in old_links]
            mark = self._prints.of_block(opcodes, immediates, links, before, after)
            found = self._by_print.get(mark)
            if found is None:
                found = self._builder.add_block(
                    opcodes, immediates, op_decorators=links, before_enter=before, after_exit=after, digest=mark[0]
                )
                self._remember(found, mark)
        else:
            if kind == NodeKind.DYNCALL and not self._keep_dyncall:
                kind = NodeKind.DYN
            children = [ids[child] for child in forest.children(node_id)]
            if kind == NodeKind.EXTERNAL:
                digest = forest.digest_bytes(node_id)
            else:
                digest = node_digest_bytes(kind, *(self._builder.digest_bytes(child) for child in children))
            mark = self._prints.of_node(digest, (self._node_prints[child] for child in children), before, after)
            found = self._by_print.get(mark)
            if found is None:
                found = self._builder.add_node(kind, children, before_enter=before, after_exit=after, digest=digest)
                self._remember(found, mark)
        ids[node_id] = found

    def _remember(self, node_id: int, mark: Fingerprint) -> None:
        self._by_print[mark] = node_id
        self._node_prints.append(mark)
