"""What a program starts with: stack inputs and advice inputs. The files they come in are `miden.vm.inputs_file`."""

from __future__ import annotations

from miden.errors import InputError
from miden.field import P, Word, check_felt
from miden.isa import MIN_STACK_DEPTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from os import PathLike
    from typing import Any, Self, TypeAlias

    from miden.vm.merkle import MergeMany, MerkleNodes, MerkleTree, Node, PartialMerkleTree, SparseMerkleTree

    StoreSource: TypeAlias = MerkleTree | SparseMerkleTree | PartialMerkleTree | MerkleNodes


class StackInputs:
    """The operand stack at the start: at most 16 felts, the rest is zero.

    Indexing and iteration go from the top. (processor.md section 1.2.)

    Raises
    ------
    InputError
        Of kind ``NotFieldElement`` for a value outside [0, p), ``InputLengthExceeded`` for more than 16 values.

    Examples
    --------
    >>> StackInputs.from_bottom([1, 2, 3])
    StackInputs.from_top([3, 2, 1])
    """

    __slots__ = ("_values",)

    def __init__(self, values: Iterable[int] = ()) -> None:
        """Take values top first."""
        checked = tuple(values)
        for value in checked:
            if type(value) is not int or not 0 <= value < P:  # nearly never, and a look at all of them is quick
                checked = tuple(_stack_value(value, position) for position, value in enumerate(checked))
                break
        if len(checked) > MIN_STACK_DEPTH:
            text = f"the stack takes at most {MIN_STACK_DEPTH} inputs, found {len(checked)}"
            raise InputError(text, kind="InputLengthExceeded")
        self._values = checked

    @classmethod
    def from_top(cls, values: Iterable[int]) -> Self:
        """Take values top first: values[0] is the top."""
        return cls(values)

    @classmethod
    def from_bottom(cls, values: Iterable[int]) -> Self:
        """Take values in the order they are pushed, as `.inputs` files list them: values[-1] is the top."""
        return cls(reversed(list(values)))

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> StackInputs:
        """Read the ``operand_stack`` of an `.inputs` file."""
        from miden.vm.inputs_file import InputFile

        return InputFile.read(path).stack

    @property
    def values(self) -> tuple[int, ...]:
        """The values, top first."""
        return self._values

    def __getitem__(self, position: int) -> int:
        return self._values[position]

    def __iter__(self) -> Iterator[int]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, StackInputs) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values)

    def __repr__(self) -> str:
        return f"StackInputs.from_top({list(self._values)})"


def _stack_value(value: object, position: int) -> int:
    try:
        return check_felt(value, f"stack input {position}")
    except InputError as error:
        raise InputError(error.message, kind="NotFieldElement") from None


class AdviceInputs:
    """The advice provider at the start: stack, map, and trees for the Merkle store.

    Attributes
    ----------
    stack
        Felts, first popped first.
    map
        Word -> tuple of felts.
    store
        Trees: `MerkleTree`, `SparseMerkleTree`, `PartialMerkleTree`, `MerkleNodes` of `miden.vm.merkle`, which are hashed
        when a run starts, by the backend that runs; and those of `miden.vm.trees` and `miden.vm.partial_tree`, which know
        their nodes.

    Raises
    ------
    InputError
        For a value that is not a felt or a key that is not a word.

    Examples
    --------
    >>> AdviceInputs(stack=[1, 2], map={Word((1, 0, 0, 0)): [3]})
    <AdviceInputs 2 stack elements, 1 map entry, 0 trees>
    """

    __slots__ = ("map", "stack", "store")

    def __init__(
        self,
        stack: Iterable[int] = (),
        map: Mapping[Word, Sequence[int]] | None = None,
        store: Iterable[StoreSource] = (),
    ) -> None:
        self.stack: tuple[int, ...] = tuple(check_felt(value, f"advice stack value {i}") for i, value in enumerate(stack))
        self.map: dict[Word, tuple[int, ...]] = {}
        for key, values in (map or {}).items():
            word = Word(key)
            self.map[word] = tuple(check_felt(value, f"advice map value {i} of {word.to_hex()}") for i, value in enumerate(values))
        self.store: tuple[StoreSource, ...] = tuple(store)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AdviceInputs:
        """Read the keys ``advice_stack``, ``advice_map`` and ``merkle_store`` of a parsed `.inputs` file.

        Values may be integers or strings of digits; other keys are ignored. `InputError` names the place of a value
        that is not accepted.

        >>> AdviceInputs.from_json({"advice_stack": ["5", 6]}).stack
        (5, 6)
        """
        from miden.vm.inputs_file import read_advice

        return read_advice(data, strict=False)

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> AdviceInputs:
        """Read the advice of an `.inputs` file."""
        from miden.vm.inputs_file import InputFile

        return InputFile.read(path).advice

    def inner_nodes(self, merge_many: MergeMany) -> Iterator[Node]:
        """Yield the inner nodes of all trees, hashed with `merge_many`, a level at a time."""
        for tree in self.store:
            yield from tree.inner_nodes(merge_many)

    def __repr__(self) -> str:
        entries = "entry" if len(self.map) == 1 else "entries"
        trees = "tree" if len(self.store) == 1 else "trees"
        return f"<AdviceInputs {len(self.stack)} stack elements, {len(self.map)} map {entries}, {len(self.store)} {trees}>"


NO_ADVICE = AdviceInputs()
"""What a run gets that is given no advice."""
