"""Debug information of a forest: decorators, where they sit, and the texts of error codes.

Kept apart from the code: digests do not cover it and stripping removes it. It is decoded only when someone asks.
Operation indices are *raw* here, as in files; the machine's padded indices come from `MastForest.asm_op_for` and
`miden.mast.batches`. (mast.md sections 4.5 and 6.2.)
"""

from __future__ import annotations

from miden.mast.decorators import AsmOp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from miden.mast.decorators import Decorator

    OpLinks: TypeAlias = tuple[tuple[int, int], ...]
    NodeLinks: TypeAlias = tuple[int, ...]


class DebugInfo:
    """Immutable debug information.

    Attributes
    ----------
    decorators
        All decorators; a decorator id is an index into them.
    op_decorators
        Node id of a block -> pairs (raw operation index, decorator id), ascending by index. The index that equals
        the number of raw operations is the end of the block. Nodes without any are absent.
    before_enter, after_exit
        Node id -> decorator ids. Nodes without any are absent.
    error_codes
        Error code -> message, ascending by code.
    nbytes
        Size in the file it was read from, 0 if it was made here.
    """

    __slots__ = ("_load", "_tables", "nbytes")

    def __init__(
        self,
        decorators: Iterable[Decorator] = (),
        op_decorators: Mapping[int, Sequence[tuple[int, int]]] | None = None,
        before_enter: Mapping[int, Sequence[int]] | None = None,
        after_exit: Mapping[int, Sequence[int]] | None = None,
        error_codes: Mapping[int, str] | None = None,
    ) -> None:
        self.nbytes = 0
        self._load: Callable[[], DebugInfo] | None = None
        self._tables: _Tables | None = _Tables(
            tuple(decorators),
            {node: tuple(links) for node, links in sorted((op_decorators or {}).items()) if links},
            {node: tuple(ids) for node, ids in sorted((before_enter or {}).items()) if ids},
            {node: tuple(ids) for node, ids in sorted((after_exit or {}).items()) if ids},
            dict(sorted((error_codes or {}).items())),
        )

    @classmethod
    def lazy(cls, load: Callable[[], DebugInfo], nbytes: int = 0) -> DebugInfo:
        """Make debug information that `load` returns when it is first needed."""
        result = cls.__new__(cls)
        result.nbytes = nbytes
        result._load = load
        result._tables = None
        return result

    def _get(self) -> _Tables:
        tables = self._tables
        if tables is None:
            assert self._load is not None
            tables = self._tables = self._load()._get()
            self._load = None
        return tables

    @property
    def decorators(self) -> tuple[Decorator, ...]:
        """All decorators, by id."""
        return self._get().decorators

    @property
    def op_decorators(self) -> Mapping[int, OpLinks]:
        """Node id -> ((raw operation index, decorator id), ...)."""
        return self._get().op_decorators

    @property
    def before_enter(self) -> Mapping[int, NodeLinks]:
        """Node id -> ids of the decorators that run before the node."""
        return self._get().before_enter

    @property
    def after_exit(self) -> Mapping[int, NodeLinks]:
        """Node id -> ids of the decorators that run after the node."""
        return self._get().after_exit

    @property
    def error_codes(self) -> Mapping[int, str]:
        """Error code -> message."""
        return self._get().error_codes

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all."""
        return not any(self._get().parts())

    def asm_op_of_node(self, node_id: int) -> AsmOp | None:
        """Return the first `AsmOp` before or after a control-flow node, if it has one."""
        for links in (self.before_enter.get(node_id, ()), self.after_exit.get(node_id, ())):
            for decorator_id in links:
                decorator = self.decorators[decorator_id]
                if isinstance(decorator, AsmOp):
                    return decorator
        return None

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, DebugInfo) and self._get().parts() == other._get().parts())

    def __hash__(self) -> int:
        return hash(self.decorators)

    def __repr__(self) -> str:
        return f"<DebugInfo {len(self.decorators)} decorators, {len(self.error_codes)} error codes>"


class _Tables:
    __slots__ = ("after_exit", "before_enter", "decorators", "error_codes", "op_decorators")

    def __init__(
        self,
        decorators: tuple[Decorator, ...],
        op_decorators: dict[int, OpLinks],
        before_enter: dict[int, NodeLinks],
        after_exit: dict[int, NodeLinks],
        error_codes: dict[int, str],
    ) -> None:
        self.decorators = decorators
        self.op_decorators = op_decorators
        self.before_enter = before_enter
        self.after_exit = after_exit
        self.error_codes = error_codes

    def parts(self) -> tuple[object, ...]:
        return self.decorators, self.op_decorators, self.before_enter, self.after_exit, self.error_codes


EMPTY_DEBUG_INFO = DebugInfo()
