"""The advice provider: advice map, Merkle store, precompile requests, and the door to the advice stack.

The advice stack itself lives in the machine; what goes onto it at run time passes here, because this is where the
advice limit is kept. (processor.md section 5.)
"""

from __future__ import annotations

from array import array
from struct import unpack

from miden.errors import LimitError
from miden.field import Word
from miden.mast.advice_map import montgomery_key
from miden.vm.advice_error import AdviceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from miden.vm.backends import Backend
    from miden.vm.inputs import AdviceInputs
    from miden.vm.machine import Machine
    from miden.vm.merkle import MerkleStore, Node

ELEMENT_BYTES = 8
"""What an element of the advice stack or of a map value counts against the advice limit."""

ENTRY_BYTES = 128
"""What an entry of the advice map counts, apart from its elements."""

NODE_BYTES = 256
"""What a node of the Merkle store counts."""


class PrecompileRequest:
    """What a precompile has to check after the run: the id of its event and its calldata."""

    __slots__ = ("calldata", "event_id")

    def __init__(self, event_id: int, calldata: bytes) -> None:
        self.event_id = event_id
        self.calldata = calldata

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PrecompileRequest):
            return NotImplemented
        return self.event_id == other.event_id and self.calldata == other.calldata

    def __hash__(self) -> int:
        return hash((self.event_id, self.calldata))

    def __repr__(self) -> str:
        return f"PrecompileRequest({self.event_id}, {len(self.calldata)} bytes)"


class AdviceProvider:
    """What a program knows without having computed it.

    Keys and digests are 32 bytes; values are arrays of felts that must not be changed.

    Attributes
    ----------
    store
        The Merkle store.
    requests
        Precompile requests, in the order they were made.
    """

    __slots__ = ("_backend", "_budget", "_held", "_machine", "_map", "_max_advice", "requests", "store")

    def __init__(self, inputs: AdviceInputs, backend: Backend, machine: Machine, max_advice: int) -> None:
        self._backend = backend
        self._machine = machine
        self._max_advice = max_advice
        self._map: dict[bytes, array[int]] = {key.to_bytes(): array("Q", values) for key, values in inputs.map.items()}
        self.store: MerkleStore = backend.merkle_store(inputs.inner_nodes(backend.merge_many))
        self.requests: list[PrecompileRequest] = []
        self._held = sum(ENTRY_BYTES + ELEMENT_BYTES * len(values) for values in self._map.values())
        self._budget = max_advice + self._held + NODE_BYTES * len(self.store) + ELEMENT_BYTES * len(inputs.stack)

    # -- the stack

    def push(self, values: Sequence[int]) -> None:
        """Put values on the advice stack; values[0] is popped first."""
        self._reserve(ELEMENT_BYTES * len(values))
        self._machine.advice_push(values)

    def push_value(self, key: bytes, *, count: bool = False, multiple: int = 1) -> None:
        """Push the value of a key: its length first if `count`, then the elements, then zeros up to a `multiple`."""
        values = self.value(key)
        length = len(values)
        padding = -length % multiple
        self._reserve(ELEMENT_BYTES * (length + padding + 1))
        if count or padding:
            self._machine.advice_push([*([length] if count else ()), *values, *([0] * padding)])
        else:
            self._machine.advice_push(values)

    def stack(self) -> list[int]:
        """Return the advice stack, next popped first."""
        return self._machine.advice_stack()

    # -- the map

    def get(self, key: bytes) -> array[int] | None:
        """Return the value of a key, or None."""
        return self._map.get(key)

    def value(self, key: bytes) -> array[int]:
        """Return the value of a key; `AdviceError` if there is none."""
        values = self._map.get(key)
        if values is None:
            text = f"value for key 0x{key.hex()} not present in the advice map"
            raise AdviceError(text, reason="MapKeyNotFound", facts={"key": "0x" + key.hex()})
        return values

    def insert(self, key: bytes, values: Sequence[int]) -> None:
        """Set the value of a key; the same value again is fine, another one is an `AdviceError`."""
        new = array("Q", values)
        old = self._map.get(key)
        if old is None:
            self.reserve_entry(len(new))
            self._held += ENTRY_BYTES + ELEMENT_BYTES * len(new)
            self._map[key] = new
        elif old != new:
            raise _conflict(key, old, new)

    def merge(self, entries: Mapping[Word, Sequence[int]], *, given: bool = False) -> None:
        """Insert many entries or, if one of them conflicts, none; `given` ones do not count against the limit."""
        current = self._map
        fresh: dict[bytes, array[int]] = {}
        conflicts: dict[bytes, array[int]] = {}
        size = 0
        for word, values in entries.items():
            key, new = word.to_bytes(), array("Q", values)
            old = current.get(key)
            if old is None:
                fresh[key] = new
                size += ENTRY_BYTES + ELEMENT_BYTES * len(new)
            elif old != new:
                conflicts[key] = new
        if conflicts:
            first = min(conflicts, key=_order)
            raise _conflict(first, current[first], conflicts[first])
        if given:
            self._budget += size
        else:
            self._reserve(size)
        self._held += size
        current.update(fresh)

    def reserve_entry(self, length: int) -> None:
        """Raise `LimitError` if a map entry of `length` elements would not fit: asked before such a value is made."""
        self._reserve(ENTRY_BYTES + ELEMENT_BYTES * length)

    def map(self) -> dict[Word, tuple[int, ...]]:
        """Return a copy of the map, in the order of the reference's sorted maps (mast.md section 1.3)."""
        return {Word.from_bytes(key): tuple(self._map[key]) for key in sorted(self._map, key=_order)}

    def __len__(self) -> int:
        """Return the number of map entries."""
        return len(self._map)

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the keys of the map, in the order of their insertion."""
        return iter(self._map)

    # -- the Merkle store

    def node(self, root: bytes, depth: int, index: int) -> bytes:
        """Return a node of a tree; `AdviceError` if it cannot be reached."""
        return self.store.get_node(root, depth, index)

    def path(self, root: bytes, depth: int, index: int) -> bytes:
        """Return the siblings on the way from a node to the root, leaf first."""
        return self.store.get_path(root, depth, index)[1]

    def proves(self, root: bytes, depth: int, index: int, value: bytes) -> bool:
        """Return whether the store knows that `value` leads to `root`; else its path has to be hashed."""
        return self.store.proves(root, depth, index, value)

    def update_node(self, root: bytes, depth: int, index: int, old: bytes, value: bytes) -> tuple[bytes, bytes | None]:
        """Add the tree with another value at a node; return the path of that node and, if known, the new root.

        The root is known if the store knows that `old` leads to `root`; else the path has to be hashed.
        """
        self._reserve(NODE_BYTES * min(depth, 64))
        return self.store.replace(root, depth, index, old, value)

    def merge_roots(self, left: bytes, right: bytes) -> None:
        """Add the tree over two roots."""
        self._reserve(NODE_BYTES)
        self.store.merge_roots(left, right)

    def extend_store(self, nodes: Iterable[Node]) -> None:
        """Add nodes unchecked."""
        added = list(nodes)
        self._reserve(NODE_BYTES * len(added))
        self.store.extend(added)

    # -- precompiles

    def add_requests(self, requests: Sequence[PrecompileRequest]) -> None:
        """Append precompile requests."""
        size = sum(ENTRY_BYTES + len(request.calldata) for request in requests)
        self._reserve(size)
        self._held += size
        self.requests.extend(requests)

    # -- hashing with the backend of the run

    @property
    def backend(self) -> Backend:
        return self._backend

    def _reserve(self, size: int) -> None:
        held = self._held + NODE_BYTES * len(self.store) + ELEMENT_BYTES * self._machine.advice_depth
        if held + size > self._budget:
            raise LimitError(
                f"advice made by the run may take at most {self._max_advice} bytes",
                kind="AdviceLimitExceeded",
                facts={"limit": self._max_advice, "wanted": held + size - (self._budget - self._max_advice)},
                hint="raise Limits.max_advice",
            )

    def __repr__(self) -> str:
        return f"<AdviceProvider {len(self._map)} map entries, {len(self.store)} nodes, {len(self.requests)} requests>"


def _order(key: bytes) -> tuple[int, ...]:
    """Sort key of 32-byte words: the order of the reference's sorted maps."""
    return montgomery_key(unpack("<4Q", key))


def _conflict(key: bytes, old: Sequence[int], new: Sequence[int]) -> AdviceError:
    return AdviceError(
        f"value for key 0x{key.hex()} already present in the advice map",
        reason="MapKeyAlreadyPresent",
        facts={"key": "0x" + key.hex()},
        hint=f"previous values at key were {_show(old)}; the operation would have replaced them with {_show(new)}",
    )


def _show(values: Sequence[int]) -> str:
    shown = ", ".join(map(str, values[:16]))
    return f"[{shown}, ... {len(values) - 16} more]" if len(values) > 16 else f"[{shown}]"
