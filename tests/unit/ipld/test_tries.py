"""HAMT and AMT: against a dictionary, canonical form, roots published by others, hostile nodes."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from miden.errors import FormatError, InputError, NotFoundError
from miden.ipld import dagcbor, hamt
from miden.ipld.amt import MAX_INDEX, Amt
from miden.ipld.blocks import BufferedBlocks, MemoryBlocks, load_block, reachable, store_block
from miden.ipld.cid import RAW, Cid
from miden.ipld.hamt import Hamt
from tests.support.ipld_data import needs_data, state_files

KEYS = st.integers(0, 40).map(lambda number: b"key %d" % number)
INDICES = st.integers(0, 80) | st.integers(0, MAX_INDEX)


class HamtMachine(RuleBasedStateMachine):
    @initialize(width=st.sampled_from([1, 2, 5, 8]))
    def start(self, width: int) -> None:
        self.width = width
        self.blocks = MemoryBlocks()
        self.trie = Hamt(self.blocks, bit_width=width)
        self.model: dict[bytes, int] = {}

    @rule(key=KEYS, value=st.integers(0, 5))
    def put(self, key: bytes, value: int) -> None:
        self.trie.set(key, value)
        self.model[key] = value

    @rule(key=KEYS)
    def drop(self, key: bytes) -> None:
        assert self.trie.delete(key) == (self.model.pop(key, None) is not None)

    @rule()
    def reopen(self) -> None:
        self.trie = Hamt(self.blocks, self.trie.flush(), bit_width=self.width)

    @invariant()
    def equal(self) -> None:
        assert dict(self.trie.items()) == self.model
        assert sorted(self.trie) == sorted(self.model)
        assert all(self.trie.get(key) == value and key in self.trie for key, value in self.model.items())

    def teardown(self) -> None:
        if hasattr(self, "model"):
            fresh = Hamt(self.blocks, bit_width=self.width)
            for key in sorted(self.model):
                fresh.set(key, self.model[key])
            assert fresh.flush() == self.trie.flush()


class AmtMachine(RuleBasedStateMachine):
    @initialize(width=st.sampled_from([1, 3, 5, 8]))
    def start(self, width: int) -> None:
        self.width = width
        self.blocks = MemoryBlocks()
        self.trie = Amt(self.blocks, bit_width=width)
        self.model: dict[int, int] = {}

    @rule(index=INDICES, value=st.integers(0, 5))
    def put(self, index: int, value: int) -> None:
        self.trie.set(index, value)
        self.model[index] = value

    @rule(index=INDICES, data=st.data())
    def drop(self, index: int, data: st.DataObject) -> None:
        if self.model and data.draw(st.booleans()):
            index = data.draw(st.sampled_from(sorted(self.model)))
        assert self.trie.delete(index) == (self.model.pop(index, None) is not None)

    @rule()
    def reopen(self) -> None:
        self.trie = Amt(self.blocks, self.trie.flush(), bit_width=self.width)

    @invariant()
    def equal(self) -> None:
        assert list(self.trie.items()) == sorted(self.model.items())
        assert len(self.trie) == len(self.model)
        assert all(self.trie.get(index) == value for index, value in self.model.items())

    def teardown(self) -> None:
        if hasattr(self, "model"):
            fresh = Amt(self.blocks, bit_width=self.width)
            for index in sorted(self.model):
                fresh.set(index, self.model[index])
            assert fresh.flush() == self.trie.flush()


STEPS = settings(max_examples=25, stateful_step_count=30)
TestHamt = HamtMachine.TestCase
TestHamt.settings = STEPS
TestAmt = AmtMachine.TestCase
TestAmt.settings = STEPS


def test_empty_roots_are_those_of_filecoin() -> None:
    blocks = MemoryBlocks()
    assert str(Hamt(blocks).flush()) == "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay"
    assert str(Amt(blocks).flush()) == "bafy2bzacedijw74yui7otvo63nfl3hdq2vdzuy7wx2tnptwed6zml4vvz7wee"


def test_a_list_grows_at_its_end() -> None:
    rows = Amt(MemoryBlocks())
    assert [rows.append(value) for value in "abc"] == [0, 1, 2]
    for index in (-1, MAX_INDEX + 1):
        with pytest.raises(InputError):
            rows.set(index, 0)
        with pytest.raises(InputError):
            rows.get(index)
    assert not rows.delete(-1)
    for width in (0, 9):
        with pytest.raises(InputError):
            Amt(MemoryBlocks(), bit_width=width)
        with pytest.raises(InputError):
            Hamt(MemoryBlocks(), bit_width=width)


@pytest.mark.parametrize(
    "node",
    [
        0,
        [],
        [b"", []],
        [b"\0", []],
        [b"\x01", []],
        [b"\x01", [[]]],
        [b"\x01", [[[b"a", 1], [b"a", 2]]]],
        [b"\x01", [[[b"b", 1], [b"a", 2]]]],
        [b"\x01", [[[b"a", 1], [b"b", 1], [b"c", 1], [b"d", 1]]]],
        [b"\x01", [[["a", 1]]]],
        [b"\x01", [7]],
        [b"\x01\0\0\0\0", [[[b"a", 1]]]],
        ["x", []],
    ],
)
def test_a_node_that_is_none_is_refused(node: object) -> None:
    blocks = MemoryBlocks()
    root = store_block(blocks, dagcbor.encode(node))
    if node == [b"", []]:
        assert list(Hamt(blocks, root)) == []
        return
    with pytest.raises(FormatError):
        Hamt(blocks, root)


ANYTHING = st.recursive(
    st.binary(max_size=2) | st.integers(0, 2) | st.just(Cid.of(b"", RAW)), lambda inner: st.lists(inner, max_size=4), max_leaves=8
)


@pytest.mark.skipif(hamt._core_freeze is None, reason="the core is not built: there is one check only")
@given(st.lists(ANYTHING | st.lists(st.tuples(st.binary(max_size=2), st.integers(0, 1)).map(list), max_size=4), max_size=3))
def test_both_ways_to_freeze_pointers_agree(pointers: list[object]) -> None:
    copies = deepcopy(pointers), deepcopy(pointers)
    results = [freeze(copy, Cid, hamt.BUCKET_SIZE) for freeze, copy in zip((hamt._core_freeze, hamt.readable_freeze), copies, strict=True)]
    assert results[0] == results[1]
    assert not results[0] or copies[0] == copies[1]


@given(st.binary(max_size=30))
def test_any_block_is_a_trie_or_a_typed_error(raw: bytes) -> None:
    blocks = MemoryBlocks()
    root = store_block(blocks, raw)
    for kind in (Hamt, Amt):
        try:
            list(kind(blocks, root).items())
        except FormatError:
            continue


@pytest.mark.parametrize(
    "root",
    [
        [3, 0, 0],
        [4, 0, 0, [b"\0\0", [], []]],
        [3, 30, 0, [b"\0", [], []]],
        [3, 0, 0, [b"\0\0", [], []]],
        [3, 0, 1, [b"\1", [], []]],
        [3, 0, 1, [b"\1", [1], [1]]],
        [3, 1, 1, [b"\1", [1], []]],
        [3, 1, 1, [b"\1", [], [1]]],
        [3, -1, 0, [b"\0", [], []]],
        [True, 0, 0, [b"\0", [], []]],
    ],
)
def test_a_root_that_is_none_is_refused(root: object) -> None:
    blocks = MemoryBlocks()
    cid = store_block(blocks, dagcbor.encode(root))
    with pytest.raises(FormatError):
        Amt(blocks, cid)


def test_a_trie_that_contains_itself_ends() -> None:
    class Circle:
        """A store that gives the same node for every CID: what a broken hash would allow."""

        def __init__(self) -> None:
            self.node = dagcbor.encode([b"\xff\xff\xff\xff", [Cid.of(b"", RAW)] * 32])

        def get(self, cid: Cid) -> bytes:
            return self.node

        def put(self, cid: Cid, data: bytes) -> None:
            raise AssertionError(cid)

        def __contains__(self, cid: Cid) -> bool:
            return True

    trie = Hamt(Circle(), Cid.of(b"", RAW))
    for act in (lambda: trie.get(b"x"), lambda: trie.set(b"x", 1), lambda: trie.delete(b"x"), lambda: next(trie.items())):
        with pytest.raises(FormatError) as caught:
            act()
        assert caught.value.kind == "HamtTooDeep"


def test_only_what_is_reachable_is_flushed() -> None:
    below = MemoryBlocks()
    buffer = BufferedBlocks(below)
    leaf, lost = store_block(buffer, b"leaf", RAW), store_block(buffer, b"lost", RAW)
    inline = Cid(1, 0x71, 0, dagcbor.encode([leaf]))
    root = store_block(buffer, dagcbor.encode([leaf, {"again": leaf, "inline": inline}]))
    assert leaf in buffer
    assert leaf not in below
    assert buffer.flush(root) == 2
    assert (set(below), len(buffer), buffer.get(lost)) == ({leaf, root}, 0, None)
    assert [cid for cid, _ in reachable(below, [root])] == [root, leaf]
    with pytest.raises(NotFoundError):
        load_block(below, lost)
    assert [cid for cid, _ in reachable(below, [root, lost], missing=True)] == [root, leaf]


def test_damage_below_a_root_is_noticed() -> None:
    blocks = MemoryBlocks()
    leaf = store_block(blocks, b"leaf", RAW)
    root = store_block(blocks, dagcbor.encode([leaf]))
    blocks.put(leaf, b"fake")
    with pytest.raises(Exception, match="does not hash") as caught:
        list(reachable(blocks, [root]))
    assert type(caught.value).__name__ == "IntegrityError"


@needs_data
def test_recorded_state_trees_are_read_and_written_again() -> None:
    """A state root is [version, actors, info]; actors that are set to what they are leave the root as it is."""
    count = 0
    for root, reader in state_files():
        blocks = MemoryBlocks({section.cid: section.data for section in reader})
        version, actors, _ = dagcbor.decode(load_block(blocks, root))
        assert version in (4, 5)
        tree = Hamt(blocks, actors)
        for actor_id in (0, 1, 4, 5):
            key = bytes((0, actor_id))
            try:
                actor = tree.get(key)
            except NotFoundError:  # the recordings hold what their message touched, not the whole tree
                continue
            assert len(actor) == version
            tree.set(key, None)
            assert tree.flush() != actors
            tree.set(key, actor)
            assert tree.flush() == actors
            count += 1
    assert count >= 20
