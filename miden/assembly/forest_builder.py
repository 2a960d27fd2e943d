"""The assembler's builder of a forest: shares equal nodes, merges neighbouring blocks, joins, numbers.

Which nodes exist and under which ids is observable, so the rules are those of the reference, oddities included
(mast.md section 6.5, assembly.md sections 6.1 to 6.3 and 6.6):

* A node is shared if its *fingerprint* is known: its digest, and what decorates it and everything below it. Equal
  digests of blocks that differ in trailing NOOPs are equal, so such blocks collapse into the first one.
* Lists of nodes are run-length encoded, `(node id, count)`, so that a `repeat` of a billion loops is a handful of
  joins. A `repeat` of a block is unrolled into one block; `max_operations` bounds how much is unrolled.
"""

from __future__ import annotations

from miden.errors import LoweringError
from miden.hashing import error_code
from miden.isa import ERROR_CODE_OPS, IMMEDIATE_OPS, PUSH, NodeKind
from miden.mast.digests import node_digest_bytes
from miden.mast.packing import block_digest_bytes, packed, pad_operations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    from miden.assembly.body import ProcedureContext

    Column: TypeAlias = tuple[int, ...] | list[int] | array[int]
    """Numbers of a block: a list as they come from the text; an array, which is smaller, where blocks were merged."""
    Ids: TypeAlias = tuple[int, ...]
    Runs: TypeAlias = list[tuple[int, int]]

MAX_OPERATIONS = 2**25
"""Default limit on the operations and operation decorators that a builder makes; see `MastForestBuilder`."""

INLINE_BATCHES = 32
"""A procedure root with this many batches is not merged into its callers."""

SMALLEST_BATCH = 7
"""A batch that is full has at least so many raw operations: seven PUSH and their values fill it."""

_LARGE_KEY = 1 << 16
_NO_IDS: Ids = ()


class Block:
    """The raw operations of a basic block and the decorators at their indices."""

    __slots__ = ("decorator_ids", "decorator_indices", "immediates", "opcodes")

    def __init__(self, opcodes: bytes, immediates: Column = (), indices: Column = (), ids: Column = ()) -> None:
        self.opcodes = opcodes
        self.immediates = immediates
        self.decorator_indices = indices
        self.decorator_ids = ids

    def padding(self) -> list[int]:
        """Return the padded indices of inserted NOOPs that have operations behind them, and perhaps of more."""
        return pad_operations(self.opcodes)[1] if PUSH in self.opcodes else []

    def is_inlined(self) -> bool:
        """Whether a procedure that is this block is merged into its callers."""
        opcodes = self.opcodes
        if len(opcodes) < SMALLEST_BATCH * (INLINE_BATCHES - 1):
            return True
        from miden.assembly.lowering.batching import count_batches

        return count_batches(opcodes) < INLINE_BATCHES


class MastForestBuilder:
    """Builds the nodes of one program or library.

    Attributes
    ----------
    kinds, first, second, digests
        By node id: `NodeKind`, children (0 where there is none), digest of 32 bytes.
    blocks
        Node id -> `Block`, for basic blocks.
    before, after
        Node id -> ids of the decorators before and after the node; absent if none.
    roots
        Ids of the procedure roots, in order (the values mean nothing).
    items, cycles
        By decorator id: what the decorator is (see `miden.assembly.lowering.output`) and its number of operations
        modulo 256.
    contexts
        Pairs of a decorator id and the procedure that decorators belong to from there on.
    error_codes
        Error code -> message.
    """

    __slots__ = (
        "_codes",
        "_decorator_roots",
        "_interned",
        "_joins",
        "_merged",
        "_node_by_fingerprint",
        "_registered",
        "after",
        "before",
        "blocks",
        "contexts",
        "cycles",
        "decorator_by_key",
        "digests",
        "error_codes",
        "first",
        "items",
        "kinds",
        "max_operations",
        "operations",
        "roots",
        "second",
    )

    def __init__(self, max_operations: int = MAX_OPERATIONS) -> None:
        self.kinds = bytearray()
        self.first: list[int] = []
        self.second: list[int] = []
        self.digests: list[bytes] = []
        self.blocks: dict[int, Block] = {}
        self.before: dict[int, Ids] = {}
        self.after: dict[int, Ids] = {}
        self.roots: dict[int, None] = {}
        self.items: list[object] = []
        self.contexts: list[tuple[int, ProcedureContext]] = []
        self.cycles = bytearray()
        self.decorator_by_key: dict[object, int] = {}
        self.error_codes: dict[int, str] = {}
        self.max_operations = max_operations
        self.operations = 0
        self._codes: dict[str, int] = {}
        self._decorator_roots: list[int] = []
        self._interned: dict[object, int] = {}
        self._joins: dict[tuple[int, int], int] = {}
        self._merged: set[int] = set()
        self._node_by_fingerprint: dict[tuple[bytes, int], int] = {}
        self._registered: dict[int, tuple[Ids, Ids]] = {}

    def __len__(self) -> int:
        return len(self.kinds)

    # --- decorators and error codes -----------------------------------------------------------------------------

    def begin_context(self, context: ProcedureContext) -> None:
        """Let the decorators that follow belong to a procedure."""
        self.contexts.append((len(self.items), context))

    def add_decorator(self, item: object, cycles: int = 0) -> int:
        """Append a decorator that is known to be new, and return its id."""
        self.items.append(item)
        self.cycles.append(cycles & 0xFF)
        return len(self.items) - 1

    def ensure_decorator(self, key: object, item: object, cycles: int = 0) -> int:
        """Return the id of the decorator known by `key`, appending it if it is new."""
        known = self.decorator_by_key.get(key)
        if known is None:
            known = self.decorator_by_key[key] = self.add_decorator(item, cycles)
        return known

    def register_error(self, message: str) -> int:
        """Record an error message and return its code."""
        code = self._codes.get(message)
        if code is None:
            code = self._codes[message] = error_code(message)
            self.error_codes[code] = message
        return code

    # --- fingerprints -------------------------------------------------------------------------------------------

    def _intern(self, key: object) -> int:
        """Return a number for what decorates a node: equal for equal keys, never 0."""
        return self._interned.setdefault(key, len(self._interned) + 1)

    def _decorator_root(self, children: Iterable[int], before: Ids, after: Ids) -> int:
        """Return the decorator root of a node that is not a block; 0 if nothing is decorated.

        The lists are joined without separators, as in the reference. Decorators are negative in the key, the roots of
        children positive.
        """
        roots = self._decorator_roots
        key = tuple([~decorator for decorator in before + after] + [roots[child] for child in children if roots[child]])
        return self._intern(key) if key else 0

    def _block_root(self, block: Block, before: Ids, after: Ids) -> int:
        """Return the decorator root of a block; 0 if it has neither decorators nor error codes.

        As in the reference, the index that counts for a decorator is its raw index less the padding in front of that
        index taken as a padded one, while error codes count with their padded index.
        """
        indices = block.decorator_indices
        has_codes = len(block.immediates) != block.opcodes.count(PUSH)
        padding = block.padding() if indices or has_codes else []
        if padding and indices and padding[0] < indices[-1]:
            from bisect import bisect_left

            indices = [index - bisect_left(padding, index) for index in indices]
        if not indices:
            before, after = before + after, _NO_IDS  # nothing between the two marks where one ends
        parts = [packed("I", ids) for ids in (before, indices, block.decorator_ids, after)]
        if has_codes:
            parts.append(packed("Q", _error_facts(block, padding)))
        if not any(parts):
            return 0
        key = packed("I", [len(part) for part in parts]) + b"".join(parts)
        if len(key) > _LARGE_KEY:
            from hashlib import blake2b

            key = blake2b(key).digest()
        return self._intern(key)

    def _ensure(self, digest: bytes, root: int, kind: int, first: int, second: int, before: Ids, after: Ids) -> int:
        fingerprint = (digest, root)
        known = self._node_by_fingerprint.get(fingerprint)
        if known is not None:
            return known
        node = len(self.kinds)
        self.kinds.append(kind)
        self.first.append(first)
        self.second.append(second)
        self.digests.append(digest)
        self._decorator_roots.append(root)
        self._node_by_fingerprint[fingerprint] = node
        if before:
            self.before[node] = before
        if after:
            self.after[node] = after
        return node

    # --- nodes --------------------------------------------------------------------------------------------------

    def ensure_block(self, block: Block, before: Ids = _NO_IDS, after: Ids = _NO_IDS) -> int:
        """Return the node of a basic block."""
        self.reserve(len(block.opcodes) + len(block.decorator_ids))
        count = len(self.kinds)
        root = self._block_root(block, before, after)
        digest = block_digest_bytes(block.opcodes, block.immediates)
        node = self._ensure(digest, root, NodeKind.BLOCK, 0, 0, before, after)
        if node == count:
            self.blocks[node] = block
        return node

    def ensure_control(self, kind: NodeKind, children: Sequence[int] = (), before: Ids = _NO_IDS, after: Ids = _NO_IDS) -> int:
        """Return the join, split, loop, call, syscall, dyn or dyncall node with these children."""
        digest = node_digest_bytes(kind, *[self.digests[child] for child in children])
        root = self._decorator_root(children, before, after)
        first, second = (*children, 0, 0)[:2]
        return self._ensure(digest, root, kind, first, second, before, after)

    def ensure_external(self, digest: bytes, before: Ids = _NO_IDS, after: Ids = _NO_IDS) -> int:
        """Return the external node for a digest."""
        return self._ensure(digest, self._decorator_root((), before, after), NodeKind.EXTERNAL, 0, 0, before, after)

    def ensure_join(self, first: int, second: int) -> int:
        """Return the undecorated join of two nodes."""
        pair = (first, second)
        node = self._joins.get(pair)
        if node is None:
            node = self._joins[pair] = self.ensure_control(NodeKind.JOIN, pair)
        return node

    def decorate(self, node: int, before: Ids = _NO_IDS, after: Ids = _NO_IDS) -> None:
        """Append decorators to an existing node, and thereby to every other user of it.

        The reference keeps such additions beside its tables and forgets them when it has no node to remove in the
        end; `miden.assembly.lowering.output` does the same.
        """
        old_before, old_after = self.before.get(node, _NO_IDS), self.after.get(node, _NO_IDS)
        self._registered.setdefault(node, (old_before, old_after))
        before, after = old_before + before, old_after + after
        if before:
            self.before[node] = before
        if after:
            self.after[node] = after
        block = self.blocks.get(node)
        root = self._block_root(block, before, after) if block else self._decorator_root(self.children(node), before, after)
        self._decorator_roots[node] = root
        self._node_by_fingerprint[self.digests[node], root] = node
        self._joins.clear()  # a join of this node now has another fingerprint

    def with_before(self, node: int, before: Ids) -> int:
        """Return a copy of a node with other decorators in front of it."""
        block = self.blocks.get(node)
        after = self.after.get(node, _NO_IDS)
        if block is not None:
            return self.ensure_block(block, before, after)
        if self.kinds[node] == NodeKind.EXTERNAL:
            return self.ensure_external(self.digests[node], before, after)
        return self.ensure_control(NodeKind(self.kinds[node]), self.children(node), before, after)

    def children(self, node: int) -> Ids:
        """Return the children of a node."""
        kind = self.kinds[node]
        if kind <= NodeKind.SPLIT:  # join and split
            return self.first[node], self.second[node]
        return (self.first[node],) if kind in _ONE_CHILD else _NO_IDS

    def make_root(self, node: int) -> None:
        """Make a node a procedure root, once."""
        self.roots.setdefault(node)

    def reserve(self, count: int) -> None:
        """Account for operations and decorators before they are made."""
        self.operations += count
        if self.operations > self.max_operations:
            raise self._too_large()

    def _too_large(self) -> LoweringError:
        return LoweringError(
            f"the program unrolls to more than {self.max_operations} operations and decorators",
            kind="ProgramTooLarge",
            hint="use a loop instead of `repeat`, or raise the limit `max_operations` of the assembler",
        )

    # --- joining ------------------------------------------------------------------------------------------------

    def join_nodes(self, runs: Runs) -> int:
        """Combine nodes into one: merge neighbouring blocks, then pair neighbours into joins, level by level.

        A node that is left over at a level is carried to the end of the next one. (assembly.md section 6.2.)
        """
        runs = self._merge_blocks(runs)
        total = sum(count for _, count in runs)
        while total > 1:
            last = None
            if total % 2:
                node, count = runs.pop()
                last = node
                if count > 1:
                    runs.append((node, count - 1))
            runs = self._pair(runs)
            if last is not None:
                _append(runs, last, 1)
            total = (total + 1) // 2
        return runs[0][0]

    def _pair(self, runs: Runs) -> Runs:
        result: Runs = []
        left = -1
        for node, count in runs:
            if left >= 0:
                _append(result, self.ensure_join(left, node), 1)
                count -= 1
            if count >= 2:
                _append(result, self.ensure_join(node, node), count // 2)
            left = node if count % 2 else -1
        return result

    def _merge_blocks(self, runs: Runs) -> Runs:
        result: Runs = []
        start = 0
        kinds = self.kinds
        while start < len(runs):
            end = start
            while end < len(runs) and kinds[runs[end][0]] == NodeKind.BLOCK:
                end += 1
            if end == start:
                result.append(runs[start])
                start += 1
            else:
                self._merge_run(runs[start:end], result)
                start = end
        return result

    def _merge_run(self, run: Runs, result: Runs) -> None:
        """Append to `result` what a run of blocks merges to."""
        if len(run) == 1 and run[0][1] == 1:
            result.append(run[0])
            return
        self._merged.update(node for node, _ in run)
        merger = _Merger()
        for node, count in run:
            block = self.blocks[node]
            if node in self.roots and not block.is_inlined():
                if merger:
                    _append(result, self.ensure_block(merger.take()), 1)
                _append(result, node, count)
                continue
            before, after = self.before.get(node, _NO_IDS), self.after.get(node, _NO_IDS)
            size = len(block.opcodes) + len(before) + len(block.decorator_ids) + len(after)
            # `ensure_block` accounts for the result; this stops before the memory is used
            if self.operations + len(merger) + size * count > self.max_operations:
                raise self._too_large()
            merger.add(block, before, after, count)
        if merger:
            _append(result, self.ensure_block(merger.take()), 1)

    # --- the end ------------------------------------------------------------------------------------------------

    def removable(self) -> set[int]:
        """Return the merged blocks that nothing refers to: neither a procedure nor another node."""
        unused = self._merged.difference(self.roots)
        if unused:
            kinds = self.kinds
            for node, child in enumerate(self.first):
                if child in unused and kinds[node] in _WITH_CHILDREN:
                    unused.discard(child)
            for node, child in enumerate(self.second):
                if child in unused and kinds[node] <= NodeKind.SPLIT:
                    unused.discard(child)
        return unused

    def registered_lists(self) -> tuple[dict[int, Ids], dict[int, Ids]]:
        """Return `before` and `after` without what `decorate` added."""
        before, after = dict(self.before), dict(self.after)
        for node, (old_before, old_after) in self._registered.items():
            before[node], after[node] = old_before, old_after
        return before, after


_ONE_CHILD = frozenset({NodeKind.LOOP, NodeKind.CALL, NodeKind.SYSCALL})
_WITH_CHILDREN = _ONE_CHILD | {NodeKind.JOIN, NodeKind.SPLIT}


def _append(runs: Runs, node: int, count: int) -> None:
    if runs and runs[-1][0] == node:
        count += runs.pop()[1]
    runs.append((node, count))


def _error_facts(block: Block, padding: list[int]) -> list[int]:
    """Return opcode, padded index and code of every operation with an error code."""
    facts: list[int] = []
    if padding:
        from miden.mast.batches import padded_index
    values = iter(block.immediates)
    for index, opcode in enumerate(block.opcodes):
        if opcode in IMMEDIATE_OPS:
            value = next(values)
            if opcode in ERROR_CODE_OPS:
                facts += (opcode, padded_index(index, padding) if padding else index, value)
    return facts


def _shifted_copies(indices: Sequence[int], base: int, size: int, count: int) -> array[int]:
    """Return `count` copies of the indices, the first shifted by `base`, each by `size` more than the one before."""
    from array import array

    copies = array("I", [index + base for index in indices])
    length = len(indices)
    done = 1
    while done < count:
        step = min(done, count - done)
        copies.extend(array("I", map((size * done).__add__, copies[: step * length])))
        done += step
    return copies


class _Merger:
    """Accumulates blocks into one."""

    __slots__ = ("ids", "immediates", "indices", "opcodes")

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        from array import array

        self.opcodes = bytearray()
        self.immediates = array("Q")
        self.indices = array("I")
        self.ids = array("I")

    def __len__(self) -> int:
        return len(self.opcodes) + len(self.ids)

    def add(self, block: Block, before: Ids, after: Ids, count: int) -> None:
        from array import array

        size = len(block.opcodes)
        base = len(self.opcodes)
        self.opcodes += block.opcodes * count
        self.immediates.extend(array("Q", block.immediates) * count)
        ids = array("I", block.decorator_ids)
        indices: Sequence[int] = block.decorator_indices
        if before or after:
            ids = array("I", [*before, *ids, *after])
            indices = [0] * len(before) + list(indices) + [size] * len(after)
        if ids:
            self.ids.extend(ids * count)
            self.indices.extend(_shifted_copies(indices, base, size, count))

    def take(self) -> Block:
        block = Block(bytes(self.opcodes), self.immediates, self.indices, self.ids)
        self._reset()
        return block
