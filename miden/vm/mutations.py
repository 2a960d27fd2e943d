"""What an event handler may change: the advice provider, through these four (processor.md section 4.3)."""

from __future__ import annotations

from miden.errors import InputError
from miden.field import Word, check_felt
from miden.vm.advice import PrecompileRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

    from miden.vm.advice import AdviceProvider


class ExtendStack:
    """Push values on the advice stack in order: the last one becomes the top.

    >>> ExtendStack([1, 2]).values
    (1, 2)
    """

    __slots__ = ("values",)

    def __init__(self, values: Iterable[int]) -> None:
        self.values = tuple(check_felt(value, f"value {i}") for i, value in enumerate(values))

    @classmethod
    def popped_first(cls, values: Iterable[int]) -> ExtendStack:
        """Take values in the order they will be popped."""
        return cls(reversed(list(values)))

    def apply(self, advice: AdviceProvider) -> None:
        """Push the values."""
        advice.push(self.values[::-1])

    def __repr__(self) -> str:
        return f"ExtendStack({list(self.values)})"


class ExtendMap:
    """Insert entries into the advice map, all or none: a key that is there with another value is an error.

    >>> ExtendMap({Word((1, 2, 3, 4)): [5, 6]})
    ExtendMap(1 entries)
    """

    __slots__ = ("entries",)

    def __init__(self, entries: Mapping[Word, Sequence[int]]) -> None:
        self.entries: dict[Word, tuple[int, ...]] = {
            Word(key): tuple(check_felt(value, "map value") for value in values) for key, values in entries.items()
        }

    def apply(self, advice: AdviceProvider) -> None:
        """Insert the entries."""
        advice.merge(self.entries)

    def __repr__(self) -> str:
        return f"ExtendMap({len(self.entries)} entries)"


class ExtendMerkleStore:
    """Insert nodes (digest, left child, right child) into the Merkle store, unchecked.

    >>> left, right = Word((1, 0, 0, 0)), Word((2, 0, 0, 0))
    >>> from miden.hashing import merge
    >>> ExtendMerkleStore([(merge(left, right), left, right)])
    ExtendMerkleStore(1 nodes)
    """

    __slots__ = ("nodes",)

    def __init__(self, nodes: Iterable[tuple[Word, Word, Word]]) -> None:
        self.nodes = tuple((_digest(digest), _digest(left), _digest(right)) for digest, left, right in nodes)

    def apply(self, advice: AdviceProvider) -> None:
        """Insert the nodes."""
        advice.extend_store(self.nodes)

    def __repr__(self) -> str:
        return f"ExtendMerkleStore({len(self.nodes)} nodes)"


class ExtendPrecompileRequests:
    """Append requests, as `PrecompileRequest` or (event id, calldata).

    >>> ExtendPrecompileRequests([(7, b"what was claimed")])
    ExtendPrecompileRequests(1 requests)
    """

    __slots__ = ("requests",)

    def __init__(self, requests: Iterable[PrecompileRequest | tuple[int, bytes]]) -> None:
        self.requests = tuple(
            request if isinstance(request, PrecompileRequest) else PrecompileRequest(check_felt(request[0], "event id"), bytes(request[1]))
            for request in requests
        )

    def apply(self, advice: AdviceProvider) -> None:
        """Append the requests."""
        advice.add_requests(self.requests)

    def __repr__(self) -> str:
        return f"ExtendPrecompileRequests({len(self.requests)} requests)"


if TYPE_CHECKING:
    Mutation: TypeAlias = ExtendStack | ExtendMap | ExtendMerkleStore | ExtendPrecompileRequests

MUTATIONS = (ExtendStack, ExtendMap, ExtendMerkleStore, ExtendPrecompileRequests)


def checked_mutations(mutations: object) -> list[Mutation]:
    """Return what a handler returned as a list; `InputError` if it is anything but mutations or None."""
    if mutations is None:
        return []
    if not hasattr(mutations, "__iter__"):
        text = f"an event handler returns a list of mutations or None, found {type(mutations).__name__}"
        raise InputError(text, kind="InvalidMutation")
    result = list(mutations)
    for mutation in result:
        if not isinstance(mutation, MUTATIONS):
            raise InputError(f"an event handler returns mutations, found {type(mutation).__name__}", kind="InvalidMutation")
    return result


def _digest(word: Word) -> bytes:
    return Word(word).to_bytes()
