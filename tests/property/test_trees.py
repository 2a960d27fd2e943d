"""Merkle structures against a dictionary or a list, changed step by step; roots against trees that are built anew."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from miden.errors import InputError
from miden.field import P, Word
from miden.vm.backends import get_backend
from miden.vm.merkle import MerkleTree, SparseMerkleTree
from miden.vm.partial_tree import PartialTree
from miden.vm.trees import FullTree, Mmr, Opening, Openings, SimpleSmt, Smt

MERGE_MANY = get_backend(None).merge_many
ZERO = Word((0, 0, 0, 0))

elements = st.integers(0, P - 1) | st.sampled_from((0, 1, 2))
words = st.builds(lambda *parts: Word(parts), elements, elements, elements, elements)
keys = st.builds(lambda first, last: Word((first, 0, 0, last)), st.integers(0, 3), st.sampled_from((0, 1, 2, 2**63, P - 1)))
STEPS = settings(max_examples=12, stateful_step_count=12, deadline=None)


def word(n: int) -> Word:
    return Word((n, 1, 2, 3))


class SmtMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.tree, self.plain = Smt(), dict[Word, Word]()

    @rule(key=keys, value=words)
    def set(self, key: Word, value: Word) -> None:
        assert self.tree.set(key, value) == self.plain.get(key, ZERO)
        self.plain[key] = value
        if value == ZERO:
            del self.plain[key]

    @rule(key=keys)
    def open(self, key: Word) -> None:
        opening = self.tree.open(key)
        assert opening.verify(self.tree.root)
        assert opening.get(key) == self.tree.get(key) == self.plain.get(key, ZERO)

    @invariant()
    def is_what_is_built_anew(self) -> None:
        anew = Smt(self.plain)
        assert self.tree.root == anew.root
        assert dict(self.tree.items()) == self.plain
        assert len(self.tree) == len(self.plain)
        assert set(self.tree.inner_nodes(MERGE_MANY)) == set(anew.inner_nodes(MERGE_MANY))


class SimpleSmtMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.tree, self.plain = SimpleSmt(), dict[int, Word]()

    @rule(index=st.sampled_from((0, 1, 2, 7, 2**32, 2**64 - 1)), leaf=words)
    def set(self, index: int, leaf: Word) -> None:
        assert self.tree.set(index, leaf) == self.plain.get(index, ZERO)
        self.plain[index] = leaf
        assert self.tree.open(index).verify(self.tree.root)

    @invariant()
    def has_the_root_of_the_leaves(self) -> None:
        assert self.tree.root.to_bytes() == SparseMerkleTree(self.plain.items()).root(MERGE_MANY)


class MmrMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.mmr, self.plain = Mmr(), list[Word]()

    @rule(leaf=words)
    def add(self, leaf: Word) -> None:
        self.mmr.add(leaf)
        self.plain.append(leaf)

    @invariant()
    def is_the_list(self) -> None:
        assert [self.mmr.get(position) for position in range(len(self.mmr))] == self.plain
        assert self.mmr.peaks == Mmr(self.plain).peaks
        assert len(self.mmr.peaks) == len(self.plain).bit_count()
        for position in range(len(self.plain)):
            opening = self.mmr.open(position)
            assert opening.leaf == self.plain[position]
            assert opening.root in self.mmr.peaks


class FullTreeMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.plain = [word(n) for n in range(8)]
        self.tree = FullTree(self.plain)

    @rule(index=st.integers(0, 7), leaf=words)
    def set(self, index: int, leaf: Word) -> None:
        assert self.tree.set(index, leaf) == self.plain[index]
        self.plain[index] = leaf

    @invariant()
    def has_the_root_of_the_leaves(self) -> None:
        assert self.tree.root.to_bytes() == MerkleTree(self.plain).root(MERGE_MANY)
        assert self.tree.inner_nodes(MERGE_MANY) == MerkleTree(self.plain).inner_nodes(MERGE_MANY)
        assert all(self.tree.open(index).verify(self.tree.root) for index in range(8))


class PartialTreeMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.whole = FullTree([word(n) for n in range(16)])
        self.part = PartialTree(self.whole.root)
        self.known: set[int] = set()

    @rule(index=st.integers(0, 15))
    def add(self, index: int) -> None:
        self.part.add(self.whole.open(index))
        self.known.add(index)

    @rule(index=st.integers(0, 15), leaf=words)
    def set(self, index: int, leaf: Word) -> None:
        if index in self.known:
            assert self.part.set(4, index, leaf) == self.whole.set(index, leaf)
        else:
            with pytest.raises(InputError, match="not known"):
                self.part.set(4, index, leaf)

    @invariant()
    def is_a_part_of_the_whole(self) -> None:
        assert self.part.root == self.whole.root
        assert set(self.part) == {(4, index) for index in self.known}
        assert all(self.part.open(4, index) == self.whole.open(index) for index in self.known)
        assert set(self.part.inner_nodes(MERGE_MANY)) == set(self.part.openings().inner_nodes(MERGE_MANY))
        assert set(self.part.inner_nodes(MERGE_MANY)) <= set(self.whole.inner_nodes(MERGE_MANY))


TestSmt = SmtMachine.TestCase
TestSimpleSmt = SimpleSmtMachine.TestCase
TestMmr = MmrMachine.TestCase
TestFullTree = FullTreeMachine.TestCase
TestPartialTree = PartialTreeMachine.TestCase
for case in (TestSmt, TestSimpleSmt, TestMmr, TestFullTree, TestPartialTree):
    case.settings = STEPS


@pytest.mark.parametrize("index", [0, 3, 7])
def test_an_opening_that_was_changed_proves_nothing(index: int) -> None:
    tree = FullTree([word(n) for n in range(8)])
    opening = tree.open(index)
    assert not Opening(index ^ 1, opening.leaf, opening.path).verify(tree.root)
    assert not Opening(index, word(99), opening.path).verify(tree.root)
    for level in range(3):
        path = [*opening.path[:level], word(99), *opening.path[level + 1 :]]
        assert not Opening(index, opening.leaf, path).verify(tree.root)


def test_openings_are_a_set() -> None:
    tree = FullTree([word(n) for n in range(8)])
    some, others = Openings(tree.root, map(tree.open, (1, 2, 3))), Openings(tree.root, map(tree.open, (3, 4)))
    assert sorted(opening.index for opening in some | others) == [1, 2, 3, 4]
    assert [opening.index for opening in some & others] == [3]
    assert [opening.index for opening in some - others] == [1, 2]
    assert some[3, 2] == tree.open(2)
    assert set((some | others).inner_nodes(MERGE_MANY)) <= set(tree.inner_nodes(MERGE_MANY))
    with pytest.raises(InputError, match="roots"):
        some | Openings(word(1))
    with pytest.raises(InputError, match="the root"):
        Openings(word(1), [tree.open(1)])


def test_leaves_of_a_partial_tree_may_be_at_any_depth() -> None:
    whole = FullTree([word(n) for n in range(8)])
    opening = whole.open(4)
    inner = Opening(1, Word.from_bytes(list(opening.nodes())[1][0]), opening.path[2:])
    part = PartialTree(whole.root, [inner])
    assert part.get(1, 1) == inner.leaf
    changed = PartialTree(whole.root, [inner])
    assert changed.set(1, 1, word(9)) == inner.leaf
    part.add(whole.open(4))
    with pytest.raises(InputError, match="below it"):
        part.set(1, 1, word(9))
    part.set(3, 4, word(9))
    whole.set(4, word(9))
    assert part.root == whole.root
    assert part.get(1, 1) != inner.leaf


def test_what_cannot_be() -> None:
    with pytest.raises(InputError):
        FullTree([word(1)] * 3)
    with pytest.raises(InputError):
        FullTree([word(1)] * 2).open(2)
    with pytest.raises(InputError):
        SimpleSmt(65)
    with pytest.raises(InputError):
        SimpleSmt(3, {8: word(1)})
    with pytest.raises(InputError):
        Smt({Word((n, 0, 0, 5)): word(1) for n in range(1025)})
    with pytest.raises(InputError):
        Opening(2, word(1), [word(1)])
    with pytest.raises(InputError, match="not"):
        PartialTree(word(1), [FullTree([word(1)] * 2).open(1)])
    with pytest.raises(InputError):
        Mmr().get(0)
    with pytest.raises(InputError):
        Smt({word(1): word(1)}).open(word(1)).get(Word((1, 1, 1, 1)))
