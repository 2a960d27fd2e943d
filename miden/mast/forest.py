"""`MastForest`: immutable code, as four columns of bytes that both backends and numpy share without a copy.

A node id is a handle that means something only inside its forest; a digest means the same everywhere. Forests are
made by `miden.mast.builder.ForestBuilder`, by the assembler and by readers of files. (mast.md section 6.)
"""

from __future__ import annotations

from struct import unpack_from

from miden.errors import InputError, NotFoundError
from miden.field import Word
from miden.hashing import DIGEST_SIZE
from miden.isa import IMMEDIATE_OPS, NodeKind
from miden.mast.advice_map import EMPTY_ADVICE_MAP, AdviceMap
from miden.mast.debug_info import EMPTY_DEBUG_INFO, DebugInfo
from miden.mast.nodes import DIGEST_OFFSET, NODE_CHILDREN, NODE_HEAD, NODE_SIZE, Node, node_dtype

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    import numpy as np

    from miden.mast.decorators import AsmOp


class MastForest:
    """Immutable nodes with their operations, procedure roots, advice map and debug information.

    The constructor takes columns as they are and is for code that has just made them; columns from elsewhere go
    through `from_arrays`, files through `from_bytes`.

    Parameters
    ----------
    nodes
        Records of 64 bytes: see `miden.mast.nodes`. Spans of blocks follow each other in node order.
    operations
        Raw opcodes of all blocks, one byte each.
    immediates
        Values of the operations of `miden.isa.IMMEDIATE_OPS`, u64 little-endian, in order.
    root_ids
        Node ids of the procedures, u32 little-endian, no duplicates.
    advice_map, debug_info
        None stands for an empty one.

    Examples
    --------
    >>> from miden.mast.builder import ForestBuilder
    >>> builder = ForestBuilder()
    >>> builder.add_root(builder.add_block(bytes([34])))
    >>> forest = builder.build()
    >>> forest
    <MastForest 1 nodes, 1 roots, 1 operations>
    >>> forest.digests[0] == next(forest.procedure_digests)
    True
    """

    __slots__ = (
        "_procedures",
        "advice_map",
        "compiled",
        "debug_info",
        "immediate_bytes",
        "node_bytes",
        "operation_bytes",
        "root_bytes",
        "roots",
    )

    def __init__(
        self,
        nodes: bytes,
        operations: bytes,
        immediates: bytes,
        root_ids: bytes,
        advice_map: AdviceMap | None = None,
        debug_info: DebugInfo | None = None,
    ) -> None:
        self.node_bytes = nodes
        self.operation_bytes = operations
        self.immediate_bytes = immediates
        self.root_bytes = root_ids
        self.roots: tuple[int, ...] = unpack_from(f"<{len(root_ids) // 4}I", root_ids)
        self.advice_map = EMPTY_ADVICE_MAP if advice_map is None else advice_map
        self.debug_info = EMPTY_DEBUG_INFO if debug_info is None else debug_info
        self.compiled: dict[str, object] = {}
        """Cache of the backends: what they made of this forest, by name of the backend."""
        self._procedures: dict[bytes, int] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the columns, and not what a backend made of them."""
        columns = self.node_bytes, self.operation_bytes, self.immediate_bytes, self.root_bytes
        return MastForest, (*columns, self.advice_map, self.debug_info)

    # construction from and to other forms

    @classmethod
    def from_arrays(
        cls,
        nodes: object,
        operations: object,
        immediates: object,
        roots: object,
        advice_map: AdviceMap | None = None,
        debug_info: DebugInfo | None = None,
        *,
        verify: bool = True,
    ) -> MastForest:
        """Make a forest of four columns, copied from bytes or from arrays with items of 64, 1, 8 and 4 bytes.

        Everything is checked: sizes, ids, spans, opcodes, felts, order, that nothing is its own descendant and,
        unless `verify` is False, every digest.

        Raises `FormatError` for columns that are no forest, `IntegrityError` for a wrong digest.
        """
        from miden.mast.checks import check_forest, column_bytes, verify_digests

        forest = cls(
            column_bytes(nodes, NODE_SIZE, "nodes"),
            column_bytes(operations, 1, "operations"),
            column_bytes(immediates, 8, "immediates"),
            column_bytes(roots, 4, "roots"),
            advice_map,
            debug_info,
        )
        check_forest(forest)
        if verify:
            verify_digests(forest)
        return forest

    @classmethod
    def from_bytes(cls, data: bytes) -> MastForest:
        """Read bytes from anywhere in the file format: check everything and recompute every digest. (mast.md section 7.)

        Raises `FormatError` with an offset for bytes that are no forest, `IntegrityError` for a wrong digest.
        """
        from miden.serde.forest import forest_from_bytes

        return forest_from_bytes(data, verify=True)

    @classmethod
    def from_trusted_bytes(cls, data: bytes) -> MastForest:
        """Read bytes that this machine has verified before: as `from_bytes`, but no digest is recomputed.

        Raises `FormatError` with an offset for bytes that are no forest; what is wrong with a decorator shows when it is
        first asked for.
        """
        from miden.serde.forest import forest_from_bytes

        return forest_from_bytes(data, verify=False)

    def to_bytes(self) -> bytes:
        """Write the file format, byte for byte as the reference does. (mast.md section 7.)"""
        from miden.serde.forest import forest_to_bytes

        return forest_to_bytes(self)

    def strip_debug_info(self) -> MastForest:
        """Return the same code without decorators and error messages."""
        return self.replace(debug_info=EMPTY_DEBUG_INFO)

    def replace(self, *, advice_map: AdviceMap | None = None, debug_info: DebugInfo | None = None) -> MastForest:
        """Return the same code with another advice map or other debug information."""
        return MastForest(
            self.node_bytes,
            self.operation_bytes,
            self.immediate_bytes,
            self.root_bytes,
            self.advice_map if advice_map is None else advice_map,
            self.debug_info if debug_info is None else debug_info,
        )

    # nodes

    def __len__(self) -> int:
        return len(self.node_bytes) // NODE_SIZE

    def _record(self, node_id: int) -> int:
        """Return the offset of a record."""
        if not 0 <= node_id < len(self):
            raise NotFoundError(f"the forest has {len(self)} nodes, there is no node {node_id}", kind="NodeNotFound")
        return node_id * NODE_SIZE

    def kind(self, node_id: int) -> NodeKind:
        """Return the kind of a node."""
        return NodeKind(self.node_bytes[self._record(node_id)])

    def children(self, node_id: int) -> tuple[int, ...]:
        """Return the ids of the children: join first, second; split on_true, on_false; loop body; callee."""
        at = self._record(node_id)
        children: tuple[int, ...] = unpack_from("<II", self.node_bytes, at + 4)
        return children[: NODE_CHILDREN[self.node_bytes[at]]]

    def digest_bytes(self, node_id: int) -> bytes:
        """Return the digest of a node as 32 bytes."""
        at = self._record(node_id) + DIGEST_OFFSET
        return self.node_bytes[at : at + DIGEST_SIZE]

    @property
    def digests(self) -> Digests:
        """Digests of all nodes as a sequence of `Word`, by node id."""
        return Digests(self)

    def block_code(self, node_id: int) -> tuple[bytes, tuple[int, ...]]:
        """Return the raw opcodes of a block and the values of those that have one; both empty for other nodes."""
        _, _, _, op_start, op_count, imm_start, imm_count, _ = NODE_HEAD.unpack_from(self.node_bytes, self._record(node_id))
        values = unpack_from(f"<{imm_count}Q", self.immediate_bytes, 8 * imm_start)
        return self.operation_bytes[op_start : op_start + op_count], values

    def block_operations(self, node_id: int) -> list[tuple[int, int | None]]:
        """Return the raw operations of a block as pairs (opcode, value); the value is None where there is none."""
        opcodes, values = self.block_code(node_id)
        remaining = iter(values)
        return [(opcode, next(remaining) if opcode in IMMEDIATE_OPS else None) for opcode in opcodes]

    def node(self, node_id: int) -> Node:
        """Return a view of a node."""
        self._record(node_id)
        return Node(self, node_id)

    @property
    def nodes(self) -> np.ndarray[Any, Any]:
        """The records as a read-only structured numpy array, without a copy."""
        import numpy as np

        return np.frombuffer(self.node_bytes, dtype=node_dtype())

    @property
    def operations(self) -> np.ndarray[Any, Any]:
        """The raw opcodes of all blocks as a read-only numpy array, without a copy."""
        import numpy as np

        return np.frombuffer(self.operation_bytes, dtype=np.uint8)

    @property
    def immediates(self) -> np.ndarray[Any, Any]:
        """The immediates of all blocks as a read-only numpy array, without a copy."""
        import numpy as np

        return np.frombuffer(self.immediate_bytes, dtype="<u8")

    @property
    def nbytes(self) -> int:
        """Bytes of the four columns, of the advice map (8 for a felt, 32 for a key), and of the debug information if it came in a file."""
        columns = len(self.node_bytes) + len(self.operation_bytes) + len(self.immediate_bytes) + len(self.root_bytes)
        return columns + sum(32 + 8 * len(values) for values in self.advice_map.values()) + self.debug_info.nbytes

    # procedures

    def find_procedure_root(self, digest: Word | bytes) -> int | None:
        """Return the id of the first procedure root with this digest, or None."""
        procedures = self._procedures
        if procedures is None:
            procedures = self._procedures = {self.digest_bytes(root): root for root in reversed(self.roots)}
        return procedures.get(digest if isinstance(digest, bytes) else Word(digest).to_bytes())

    @property
    def procedure_digests(self) -> Iterator[Word]:
        """Digests of all procedure roots, in their order."""
        return (Word.from_bytes(self.digest_bytes(root)) for root in self.roots)

    @property
    def local_procedure_digests(self) -> Iterator[Word]:
        """Digests of the procedure roots that are not external nodes, in their order."""
        return (Word.from_bytes(self.digest_bytes(root)) for root in self.roots if self.kind(root) != NodeKind.EXTERNAL)

    # debug information

    def asm_op_for(self, node_id: int, op_index: int | None = None) -> AsmOp | None:
        """Return the instruction that an operation comes from: the first whose operations include it.

        `op_index` counts padded operations, as the machine does; None asks for the first instruction of the node.
        """
        from miden.mast.decorators import AsmOp

        info = self.debug_info
        decorators = info.decorators
        links: list[tuple[int, int]] = [(0, decorator_id) for decorator_id in info.before_enter.get(node_id, ())]
        end = 0
        if self.kind(node_id) == NodeKind.BLOCK:
            from miden.mast.batches import padded_index
            from miden.mast.packing import pad_operations

            padded, positions = pad_operations(self.block_code(node_id)[0])
            links += [(padded_index(raw, positions), decorator_id) for raw, decorator_id in info.op_decorators.get(node_id, ())]
            end = len(padded)
        links += [(end, decorator_id) for decorator_id in info.after_exit.get(node_id, ())]
        for start, decorator_id in links:
            decorator = decorators[decorator_id]
            if isinstance(decorator, AsmOp) and (op_index is None or start <= op_index < start + decorator.cycles):
                return decorator
        return None

    def error_message(self, code: int) -> str | None:
        """Return the message of an error code, if the forest has it."""
        return self.debug_info.error_codes.get(code)

    # values

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, MastForest):
            return NotImplemented
        return (
            self.node_bytes == other.node_bytes
            and self.operation_bytes == other.operation_bytes
            and self.immediate_bytes == other.immediate_bytes
            and self.root_bytes == other.root_bytes
            and self.advice_map == other.advice_map
            and self.debug_info == other.debug_info
        )

    def __hash__(self) -> int:
        return hash((self.node_bytes, self.root_bytes))

    def __repr__(self) -> str:
        return f"<MastForest {len(self)} nodes, {len(self.roots)} roots, {len(self.operation_bytes)} operations>"

    def __rich_repr__(self) -> Iterator[tuple[str, object]]:
        yield "nodes", len(self)
        yield "roots", self.roots
        yield "operations", len(self.operation_bytes)
        yield "advice_map", len(self.advice_map)
        yield "debug_info", self.debug_info

    def summary(self) -> Mapping[str, int]:
        """Return how many nodes of each kind there are, by lower-case name, those that occur."""
        counts = [0] * len(NodeKind)
        for kind in self.node_bytes[::NODE_SIZE]:
            counts[kind] += 1
        return {kind.name.lower(): counts[kind] for kind in NodeKind if counts[kind]}


class Digests:
    """Sequence of the digests of a forest's nodes; makes each `Word` when it is asked for."""

    __slots__ = ("_forest",)

    def __init__(self, forest: MastForest) -> None:
        self._forest = forest

    def __len__(self) -> int:
        return len(self._forest)

    def __getitem__(self, index: int | slice) -> Any:
        size = len(self)
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(size))]
        if not -size <= index < size:
            raise IndexError(f"node id {index} is out of range for {size} nodes")
        return Word.from_bytes(self._forest.digest_bytes(index % size))

    def __iter__(self) -> Iterator[Word]:
        return (Word.from_bytes(self._forest.digest_bytes(node_id)) for node_id in range(len(self)))

    def __contains__(self, word: object) -> bool:
        return isinstance(word, tuple) and any(word == digest for digest in self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (Digests, list, tuple)):
            return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Digests of {len(self)} nodes>"


def root_column(root_ids: Iterator[int] | tuple[int, ...] | list[int]) -> bytes:
    """Return the column of roots for node ids."""
    return b"".join(root.to_bytes(4, "little") for root in root_ids)


def check_node_id(node_id: object, count: int) -> int:
    """Return `node_id` if it is one of a forest with `count` nodes; `InputError` otherwise."""
    if not isinstance(node_id, int) or isinstance(node_id, bool) or not 0 <= node_id < count:
        raise InputError(f"node id {node_id!r} is not one of the {count} nodes of the forest", kind="NodeIdOverflow")
    return node_id
