"""Static libraries: their forests merged into one, from which procedures are copied. (assembly.md section 7.6.)

Copying rebuilds blocks from their padded operations, as merging did before: inserted NOOPs become operations that
stay when the block is merged with its neighbours. That is the reference's way, and program hashes depend on it.
"""

from __future__ import annotations

from array import array

from miden.assembly.forest_builder import Block
from miden.assembly.linker.errors import link_error
from miden.errors import InputError
from miden.isa import NodeKind
from miden.mast.advice_map import montgomery_key
from miden.mast.decorators import AsmOp
from miden.mast.merge import merge_forests, rebuilt_block
from miden.mast.traversal import copy_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.assembly.forest_builder import MastForestBuilder
    from miden.mast.library import Library


class StaticLibraries:
    """The merged forest of libraries that are linked statically; it serves many assemblies."""

    __slots__ = ("compat", "forest")

    def __init__(self, libraries: Iterable[Library], compat: str | None) -> None:
        ordered = sorted(libraries, key=lambda library: montgomery_key(library.digest))
        try:
            self.forest, _ = merge_forests([library.forest for library in ordered], compat=compat)
        except InputError as error:
            raise link_error(error.kind, error.message) from None
        self.compat = compat


class StaticCopier:
    """Copies procedures of static libraries into one builder, each node once.

    `has_dyncall` tells whether some node was a dyncall: the reference does not copy such procedures.
    """

    __slots__ = ("_builder", "_compat", "_copied", "_forest", "has_dyncall")

    def __init__(self, libraries: StaticLibraries, builder: MastForestBuilder) -> None:
        self._forest = libraries.forest
        self._compat = libraries.compat
        self._builder = builder
        self._copied: dict[int, int] = {}
        self.has_dyncall = False

    def copy_procedure(self, digest: bytes) -> int | None:
        """Copy the procedure with a digest and return its node; None if there is none."""
        forest = self._forest
        root = forest.find_procedure_root(digest)
        if root is None:
            return None
        copied = self._copied
        if root not in copied:
            nodes = [node for node in copy_order(forest, root) if node not in copied]
            decorators = self._copy_decorators(nodes)
            for node in nodes:
                copied[node] = self._copy_node(node, decorators)
        return copied[root]

    def _copy_decorators(self, nodes: list[int]) -> dict[int, int]:
        """Copy what decorates the nodes, node by node; return old id -> new id."""
        info = self._forest.debug_info
        new_ids: dict[int, int] = {}
        for node in nodes:
            links = [*info.before_enter.get(node, ()), *info.after_exit.get(node, ())]
            links += [decorator for _, decorator in info.op_decorators.get(node, ())]
            for decorator_id in links:
                if decorator_id not in new_ids:
                    decorator = info.decorators[decorator_id]
                    cycles = decorator.cycles if isinstance(decorator, AsmOp) else 0
                    key = decorator if isinstance(decorator, AsmOp) else decorator.fingerprint
                    new_ids[decorator_id] = self._builder.ensure_decorator(key, decorator, cycles)
        return new_ids

    def _copy_node(self, node: int, decorators: dict[int, int]) -> int:
        forest, builder = self._forest, self._builder
        info = forest.debug_info
        kind = forest.kind(node)
        before = tuple([decorators[decorator] for decorator in info.before_enter.get(node, ())])
        after = tuple([decorators[decorator] for decorator in info.after_exit.get(node, ())])
        if kind == NodeKind.BLOCK:
            opcodes, immediates, links = rebuilt_block(forest, node)
            indices = array("I", [index for index, _ in links])
            ids = array("I", [decorators[decorator] for _, decorator in links])
            return builder.ensure_block(Block(opcodes, array("Q", immediates), indices, ids), before, after)
        if kind == NodeKind.EXTERNAL:
            return builder.ensure_external(forest.digest_bytes(node), before, after)
        if kind == NodeKind.DYNCALL:
            self.has_dyncall = True
            if self._compat is not None:
                kind = NodeKind.DYN
        return builder.ensure_control(kind, [self._copied[child] for child in forest.children(node)], before, after)
