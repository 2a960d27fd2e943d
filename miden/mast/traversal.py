"""Orders in which to walk a forest, without recursion and each node once.

A forest is a graph: nodes are shared, so that walking it as a tree may take exponential time.
"""

from __future__ import annotations

from miden.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from miden.mast.forest import MastForest


def preorder(forest: MastForest, roots: Iterable[int] | None = None) -> Iterator[int]:
    """Iterate over the nodes reachable from `roots`, parents first; from all procedure roots if None.

    >>> from miden.mast.builder import ForestBuilder
    >>> builder = ForestBuilder()
    >>> block = builder.add_block(bytes([34]))
    >>> builder.add_root(builder.add_loop(block))
    >>> list(preorder(builder.build()))
    [1, 0]
    """
    seen: set[int] = set()
    for root in forest.roots if roots is None else roots:
        stack = [root]
        while stack:
            node_id = stack.pop()
            if node_id not in seen:
                seen.add(node_id)
                yield node_id
                stack.extend(reversed(forest.children(node_id)))


def postorder(forest: MastForest, roots: Iterable[int] | None = None) -> Iterator[int]:
    """Iterate over the nodes reachable from `roots`, children first, first child first.

    Raises `FormatError` of kind ``CyclicForest`` if a node is its own descendant.
    """
    done: set[int] = set()
    entered: set[int] = set()
    for root in forest.roots if roots is None else roots:
        stack = [root]
        while stack:
            node_id = stack[-1]
            if node_id in done:
                stack.pop()
            elif node_id in entered:
                done.add(node_id)
                stack.pop()
                yield node_id
            else:
                entered.add(node_id)
                for child in reversed(forest.children(node_id)):
                    if child in entered and child not in done:
                        raise FormatError(f"node {child} is its own descendant", kind="CyclicForest")
                    if child not in done:
                        stack.append(child)


def copy_order(forest: MastForest, root: int) -> Iterator[int]:
    """Iterate over the nodes of a procedure in the order in which the reference copies them into a program.

    Nodes without children first, the last child's before the first child's; then the others, children first.
    (mast.md section 6.5.)
    """
    seen: set[int] = set()
    stack = [root]
    while stack:
        node_id = stack.pop()
        if node_id in seen:
            continue
        seen.add(node_id)
        children = forest.children(node_id)
        if not children:
            yield node_id
        stack.extend(children)
    for node_id in postorder(forest, [root]):
        if forest.children(node_id):
            yield node_id
