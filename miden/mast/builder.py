"""`ForestBuilder`: append nodes, children first, and build an immutable `MastForest`.

It adds what it is told to, twice if told twice; `miden.mast.fingerprint` tells nodes apart for those who want each
once. (mast.md sections 5 and 6.)
"""

from __future__ import annotations

from struct import pack

from miden.errors import InputError
from miden.field import Word
from miden.hashing import error_code
from miden.isa import NodeKind
from miden.mast.advice_map import AdviceMap
from miden.mast.debug_info import DebugInfo
from miden.mast.digests import check_operations, node_digest_bytes
from miden.mast.forest import MastForest, check_node_id, root_column
from miden.mast.nodes import NODE_CHILDREN, NODE_COUNT_LIMIT, NODE_HEAD
from miden.mast.packing import block_digest_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from miden.mast.decorators import Decorator


class ForestBuilder:
    """A forest under construction.

    Node ids are given in the order of the calls and children must exist before their parents. Decorators are named
    by the ids of `add_decorator`; those of operations are pairs (raw operation index, decorator id), ascending,
    where the number of operations is the end of the block.

    Raises `InputError` for operations, ids and felts that no forest may hold.

    Examples
    --------
    >>> from miden.isa import OP
    >>> builder = ForestBuilder()
    >>> three = builder.add_block(bytes([OP["PUSH"]]), [3])
    >>> add = builder.add_block(bytes([OP["ADD"]]))
    >>> builder.add_root(builder.add_join(three, add))
    >>> builder.build().summary()
    {'join': 1, 'block': 2}
    """

    __slots__ = (
        "_after_exit",
        "_before_enter",
        "_blocks",
        "_digests",
        "_kinds",
        "_left",
        "_op_decorators",
        "_right",
        "_roots",
        "advice_map",
        "decorators",
        "error_codes",
    )

    def __init__(self) -> None:
        self._kinds = bytearray()
        self._left: list[int] = []
        self._right: list[int] = []
        self._digests: list[bytes] = []
        self._blocks: dict[int, tuple[bytes, tuple[int, ...]]] = {}
        self._roots: dict[int, None] = {}
        self._op_decorators: dict[int, tuple[tuple[int, int], ...]] = {}
        self._before_enter: dict[int, tuple[int, ...]] = {}
        self._after_exit: dict[int, tuple[int, ...]] = {}
        self.decorators: list[Decorator] = []
        """Decorators by id; entries may be replaced until `build`."""
        self.advice_map = AdviceMap()
        """Advice map of the forest: replace it to change it."""
        self.error_codes: dict[int, str] = {}
        """Messages by error code."""

    # nodes

    def add_block(
        self,
        opcodes: bytes,
        immediates: Sequence[int] = (),
        *,
        op_decorators: Iterable[tuple[int, int]] = (),
        before_enter: Iterable[int] = (),
        after_exit: Iterable[int] = (),
        digest: bytes | None = None,
    ) -> int:
        """Append a basic block and return its id.

        `opcodes` are raw operations, `immediates` the values of those that have one. A `digest` that the caller
        has computed already is taken as it is.
        """
        check_operations(opcodes, immediates)
        links = tuple(op_decorators)
        if links:
            self._check_links(links, len(opcodes))
        node_id = self._append(NodeKind.BLOCK, 0, 0, digest or block_digest_bytes(opcodes, immediates), before_enter, after_exit)
        self._blocks[node_id] = bytes(opcodes), tuple(immediates)
        if links:
            self._op_decorators[node_id] = links
        return node_id

    def add_node(
        self,
        kind: NodeKind,
        children: Sequence[int] = (),
        *,
        before_enter: Iterable[int] = (),
        after_exit: Iterable[int] = (),
        digest: bytes | None = None,
    ) -> int:
        """Append a node that is not a block and return its id; an external node needs its `digest`."""
        if kind == NodeKind.BLOCK or len(children) != NODE_CHILDREN[kind]:
            raise InputError(f"a node of kind {NodeKind(kind).name} does not have {len(children)} children", kind="InvalidNode")
        for child in children:
            check_node_id(child, len(self))
        if digest is None:
            if kind == NodeKind.EXTERNAL:
                raise InputError("an external node needs a digest", kind="InvalidNode")
            digest = node_digest_bytes(kind, *(self._digests[child] for child in children))
        left, right = (*children, 0, 0)[:2]
        return self._append(kind, left, right, digest, before_enter, after_exit)

    def add_join(self, first: int, second: int) -> int:
        """Append a node that runs `first`, then `second`."""
        return self.add_node(NodeKind.JOIN, (first, second))

    def add_split(self, on_true: int, on_false: int) -> int:
        """Append a node that pops a condition and runs one of its children."""
        return self.add_node(NodeKind.SPLIT, (on_true, on_false))

    def add_loop(self, body: int) -> int:
        """Append a node that pops a condition before each run of its body."""
        return self.add_node(NodeKind.LOOP, (body,))

    def add_call(self, callee: int) -> int:
        """Append a node that runs its child in a new context."""
        return self.add_node(NodeKind.CALL, (callee,))

    def add_syscall(self, callee: int) -> int:
        """Append a node that runs its child, a kernel procedure, in the root context."""
        return self.add_node(NodeKind.SYSCALL, (callee,))

    def add_dyn(self) -> int:
        """Append a node that runs the procedure whose digest lies at the address it pops."""
        return self.add_node(NodeKind.DYN)

    def add_dyncall(self) -> int:
        """Append a node that runs the procedure whose digest lies at the address it pops, in a new context."""
        return self.add_node(NodeKind.DYNCALL)

    def add_external(self, digest: Word | bytes) -> int:
        """Append a node that stands for a procedure of another forest."""
        word = Word.from_bytes(digest) if isinstance(digest, bytes) else Word(digest)
        return self.add_node(NodeKind.EXTERNAL, digest=word.to_bytes())

    def _append(self, kind: int, left: int, right: int, digest: bytes, before_enter: Iterable[int], after_exit: Iterable[int]) -> int:
        node_id = len(self._kinds)
        if node_id >= NODE_COUNT_LIMIT:
            raise InputError(f"a forest has at most {NODE_COUNT_LIMIT} nodes", kind="TooManyNodes")
        before, after = tuple(before_enter), tuple(after_exit)
        if before or after:
            self._check_decorators(before)
            self._check_decorators(after)
            if before:
                self._before_enter[node_id] = before
            if after:
                self._after_exit[node_id] = after
        self._kinds.append(kind)
        self._left.append(left)
        self._right.append(right)
        self._digests.append(digest)
        return node_id

    # what was added

    def __len__(self) -> int:
        return len(self._kinds)

    def kind(self, node_id: int) -> NodeKind:
        """Return the kind of a node."""
        return NodeKind(self._kinds[node_id])

    def children(self, node_id: int) -> tuple[int, ...]:
        """Return the ids of a node's children."""
        return (self._left[node_id], self._right[node_id])[: NODE_CHILDREN[self._kinds[node_id]]]

    def digest_bytes(self, node_id: int) -> bytes:
        """Return the digest of a node as 32 bytes."""
        return self._digests[node_id]

    def block_code(self, node_id: int) -> tuple[bytes, tuple[int, ...]]:
        """Return raw opcodes and immediates of a block."""
        return self._blocks[node_id]

    def op_decorators(self, node_id: int) -> tuple[tuple[int, int], ...]:
        """Return (raw operation index, decorator id) pairs of a block."""
        return self._op_decorators.get(node_id, ())

    def before_enter(self, node_id: int) -> tuple[int, ...]:
        """Return the decorators that run before a node."""
        return self._before_enter.get(node_id, ())

    def after_exit(self, node_id: int) -> tuple[int, ...]:
        """Return the decorators that run after a node."""
        return self._after_exit.get(node_id, ())

    @property
    def roots(self) -> tuple[int, ...]:
        """Ids of the procedure roots, in the order they were added."""
        return tuple(self._roots)

    def is_root(self, node_id: int) -> bool:
        """Tell whether a node is a procedure root."""
        return node_id in self._roots

    # roots, decorators, messages

    def add_root(self, node_id: int) -> None:
        """Make a node a procedure root; once is enough."""
        self._roots.setdefault(check_node_id(node_id, len(self)))

    def add_decorator(self, decorator: Decorator) -> int:
        """Append a decorator and return its id."""
        self.decorators.append(decorator)
        return len(self.decorators) - 1

    def append_before_enter(self, node_id: int, decorator_ids: Iterable[int]) -> None:
        """Put more decorators before a node, after those it has."""
        self._append_links(self._before_enter, node_id, decorator_ids)

    def append_after_exit(self, node_id: int, decorator_ids: Iterable[int]) -> None:
        """Put more decorators after a node."""
        self._append_links(self._after_exit, node_id, decorator_ids)

    def _append_links(self, links: dict[int, tuple[int, ...]], node_id: int, decorator_ids: Iterable[int]) -> None:
        added = tuple(decorator_ids)
        self._check_decorators(added)
        if added:
            links[check_node_id(node_id, len(self))] = links.get(node_id, ()) + added

    def register_error(self, message: str) -> int:
        """Store a message under its error code and return the code."""
        code = error_code(message)
        self.error_codes[code] = message
        return code

    def _check_decorators(self, ids: Iterable[int]) -> None:
        count = len(self.decorators)
        for decorator_id in ids:
            if not 0 <= decorator_id < count:
                raise InputError(f"decorator id {decorator_id} is not one of the {count} decorators", kind="DecoratorIdOverflow")

    def _check_links(self, links: Sequence[tuple[int, int]], op_count: int) -> None:
        self._check_decorators(decorator_id for _, decorator_id in links)
        previous = 0
        for index, _ in links:
            if not previous <= index <= op_count:
                raise InputError(
                    f"decorators must ascend by operation up to {op_count}, found {index} after {previous}", kind="InvalidDecorator"
                )
            previous = index

    # the whole

    def remove_nodes(self, node_ids: AbstractSet[int]) -> dict[int, int]:
        """Drop nodes that are no roots and no children; return the new ids of those that stay, by old id.

        Nothing is renumbered and the map is empty if there is nothing to drop.
        """
        if not node_ids:
            return {}
        used = {child for node_id in range(len(self)) if node_id not in node_ids for child in self.children(node_id)}
        if not node_ids.isdisjoint(used) or any(root in node_ids for root in self._roots):
            raise InputError("a node that is a root or a child cannot be removed", kind="InvalidNode")
        kept = [node_id for node_id in range(len(self)) if node_id not in node_ids]
        moved = {old: new for new, old in enumerate(kept)}
        arity = [NODE_CHILDREN[self._kinds[node_id]] for node_id in kept]
        self._left = [moved[self._left[old]] if count > 0 else 0 for old, count in zip(kept, arity, strict=True)]
        self._right = [moved[self._right[old]] if count > 1 else 0 for old, count in zip(kept, arity, strict=True)]
        self._kinds = bytearray(self._kinds[old] for old in kept)
        self._digests = [self._digests[old] for old in kept]
        self._blocks = {moved[old]: block for old, block in self._blocks.items() if old in moved}
        self._roots = {moved[old]: None for old in self._roots}
        self._op_decorators = {moved[old]: links for old, links in self._op_decorators.items() if old in moved}
        self._before_enter = {moved[old]: ids for old, ids in self._before_enter.items() if old in moved}
        self._after_exit = {moved[old]: ids for old, ids in self._after_exit.items() if old in moved}
        return moved

    def build(self) -> MastForest:
        """Return the forest; the builder can go on and build again."""
        records: list[bytes] = []
        operations: list[bytes] = []
        immediates: list[int] = []
        op_start = 0
        for node_id, (kind, left, right, digest) in enumerate(zip(self._kinds, self._left, self._right, self._digests, strict=True)):
            if kind == NodeKind.BLOCK:
                opcodes, values = self._blocks[node_id]
                head = NODE_HEAD.pack(kind, 0, 0, op_start, len(opcodes), len(immediates), len(values), 0)
                operations.append(opcodes)
                immediates += values
                op_start += len(opcodes)
            else:
                head = NODE_HEAD.pack(kind, left, right, 0, 0, 0, 0, 0)
            records += (head, digest)
        return MastForest(
            b"".join(records),
            b"".join(operations),
            pack(f"<{len(immediates)}Q", *immediates),
            root_column(tuple(self._roots)),
            self.advice_map,
            DebugInfo(self.decorators, self._op_decorators, self._before_enter, self._after_exit, self.error_codes),
        )
