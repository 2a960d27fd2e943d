"""The advice map of a forest: data that is loaded into the advice provider before the forest runs."""

from __future__ import annotations

from _collections_abc import Mapping  # what collections.abc hands on, without the rest of collections

from miden.errors import InputError
from miden.field import Word, check_felt, montgomery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def montgomery_key(word: Sequence[int]) -> tuple[int, ...]:
    """Return the key that sorts words as the reference's ordered maps do (mast.md section 1.3).

    >>> sorted([(1, 0, 0, 0), (2**32 + 1, 0, 0, 0)], key=montgomery_key)
    [(4294967297, 0, 0, 0), (1, 0, 0, 0)]
    """
    return tuple(map(montgomery, word))


class AdviceMap(Mapping[Word, tuple[int, ...]]):
    """An immutable mapping of words to felts, which iterates in the order of the file format.

    Raises `InputError` for keys that are not words and values that are not felts.

    >>> AdviceMap({(1, 2, 3, 4): [5, 6]})
    AdviceMap({Word(1, 2, 3, 4): (5, 6)})
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[Sequence[int], Iterable[int]] | Iterable[tuple[Sequence[int], Iterable[int]]] = ()) -> None:
        pairs = entries.items() if isinstance(entries, Mapping) else entries
        unsorted = {Word(key): tuple(check_felt(value, "advice map value") for value in values) for key, values in pairs}
        self._entries = {key: unsorted[key] for key in sorted(unsorted, key=montgomery_key)}

    @classmethod
    def from_felts(cls, entries: dict[Word, tuple[int, ...]]) -> AdviceMap:
        """Make a map of entries that are known to be words and tuples of felts, in any order."""
        result = cls.__new__(cls)
        result._entries = {key: entries[key] for key in sorted(entries, key=montgomery_key)}
        return result

    def __getitem__(self, key: Sequence[int]) -> tuple[int, ...]:
        return self._entries[key]  # type: ignore[index]  # a tuple of four ints equals its Word

    def __iter__(self) -> Iterator[Word]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return self._entries == other._entries if isinstance(other, AdviceMap) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._entries.items()))

    def __repr__(self) -> str:
        return f"AdviceMap({self._entries!r})"

    def merge(self, other: AdviceMap) -> AdviceMap:
        """Return a map with the entries of both; the maps themselves stay as they are.

        Raises `InputError` of kind ``AdviceMapKeyCollisionOnMerge`` if they hold different values under one key.
        (mast.md section 6.6.)
        """
        for key, values in other._entries.items():
            if self._entries.get(key, values) != values:
                raise InputError(f"advice maps have different values under key {key.to_hex()}", kind="AdviceMapKeyCollisionOnMerge")
        return AdviceMap.from_felts({**self._entries, **other._entries})

    def extend(self, other: AdviceMap) -> AdviceMap:
        """Return a map with the entries of both, where those of `other` win."""
        return AdviceMap.from_felts({**self._entries, **other._entries})


EMPTY_ADVICE_MAP = AdviceMap()
