"""How large an artifact is, and what makes it so: by section of its file and by procedure."""

from __future__ import annotations

from miden.isa import NodeKind
from miden.package.naming import procedure_names
from miden.serde.debug_info import encode_debug_info
from miden.serde.forest import encode_advice_map
from miden.serde.operations import encode_operations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.mast.forest import MastForest
    from miden.package.artifacts import Loaded

NODE_BYTES = 40
"""Bytes of a node in a file, operations aside."""

MAX_VISITS = 20_000_000
"""Visits of nodes after which the totals of procedures are not counted any more."""


class ProcedureSize:
    """Nodes, operations and bytes of a procedure: all it reaches, and what no procedure before it has.

    `total_nodes`, `total_operations` and `total_bytes` are None where counting them would take too long.
    """

    __slots__ = ("name", "node", "own_bytes", "own_nodes", "own_operations", "total_bytes", "total_nodes", "total_operations")

    def __init__(self, name: str, node: int) -> None:
        self.name = name
        self.node = node
        self.own_nodes = self.own_operations = self.own_bytes = 0
        self.total_nodes: int | None = 0
        self.total_operations: int | None = 0
        self.total_bytes: int | None = 0

    def to_dict(self) -> dict[str, object]:
        """Return it ready for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def section_sizes(loaded: Loaded) -> dict[str, int]:
    """Return the bytes of the parts of a file; they add up to its size.

    "envelope" is what a container or a package puts around the code, "interface" the kernel and entrypoint of a program
    or the exports of a library.
    """
    forest = loaded.forest
    operations = sum(len(encode_operations(*forest.block_code(node))) for node in range(len(forest)) if forest.kind(node) == NodeKind.BLOCK)
    parts = {
        "nodes": NODE_BYTES * len(forest),
        "operations": operations,
        "roots": 4 * len(forest.roots),
        "advice map": len(encode_advice_map(forest.advice_map)),
        "debug information": len(encode_debug_info(forest)[1]),
    }
    code = len(forest.to_bytes())
    parts["head"] = code - sum(parts.values())
    inner = len(loaded.artifact.to_bytes())
    parts["interface"] = inner - code
    parts["envelope"] = len(loaded.data) - inner
    return parts


def procedure_sizes(loaded: Loaded) -> list[ProcedureSize]:
    """Return the sizes of all procedure roots, in their order; a shared node is owned by the first that reaches it."""
    forest = loaded.forest
    weights = _Weights(forest)
    sizes: list[ProcedureSize] = []
    owned = bytearray(len(forest))
    visits = 0
    for root, names in procedure_names(loaded).items():
        size = ProcedureSize(names[0] if names else "0x" + forest.digest_bytes(root).hex(), root)
        sizes.append(size)
        _walk(forest, root, owned, size, weights)
        if visits > MAX_VISITS:
            size.total_nodes = size.total_operations = size.total_bytes = None
        else:
            visits += _total(forest, root, size, weights)
    return sizes


class _Weights:
    """Operations and bytes of each node."""

    __slots__ = ("bytes", "operations")

    def __init__(self, forest: MastForest) -> None:
        codes = [forest.block_code(node) for node in range(len(forest))]
        self.operations = [len(opcodes) for opcodes, _ in codes]
        self.bytes = [NODE_BYTES + (len(encode_operations(*code)) if code[0] else 0) for code in codes]


def _walk(forest: MastForest, root: int, owned: bytearray, size: ProcedureSize, weights: _Weights) -> None:
    stack = [root]
    while stack:
        node = stack.pop()
        if not owned[node]:
            owned[node] = 1
            size.own_nodes += 1
            size.own_operations += weights.operations[node]
            size.own_bytes += weights.bytes[node]
            stack += forest.children(node)


def _total(forest: MastForest, root: int, size: ProcedureSize, weights: _Weights) -> int:
    seen = {root}
    stack = [root]
    while stack:
        for child in forest.children(stack.pop()):
            if child not in seen:
                seen.add(child)
                stack.append(child)
    size.total_nodes = len(seen)
    size.total_operations = sum(weights.operations[node] for node in seen)
    size.total_bytes = sum(weights.bytes[node] for node in seen)
    return len(seen)
