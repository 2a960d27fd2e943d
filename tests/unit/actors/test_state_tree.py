"""The state tree: against a dictionary with copies, the states of mainnet, broken blocks."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from miden.actors.address import Address
from miden.actors.codes import Fatal
from miden.actors.messages import Message
from miden.actors.state import EMPTY_LIST_CID, FIRST_ID, INIT_ID, ActorState, InitState, StateTree, read_actor, read_init
from miden.errors import FormatError, InputError, NotFoundError
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks, reachable, store_block
from miden.ipld.cid import RAW, Cid
from miden.ipld.hamt import Hamt
from tests.support.ipld_data import files, needs_data, state_files

CODE = Cid.of(b"code", codec=RAW)


def with_init(blocks: MemoryBlocks) -> StateTree:
    """Return a tree with an Init actor that knows no address."""
    tree = StateTree(blocks)
    tree.set(INIT_ID, ActorState(CODE))
    tree.set_init(InitState(Hamt(blocks).flush(), FIRST_ID, "test"))
    return tree


class Tree(RuleBasedStateMachine):
    """A tree against dictionaries that are copied when a transaction begins."""

    @initialize()
    def start(self) -> None:
        self.blocks = MemoryBlocks()
        self.tree = with_init(self.blocks)
        self.actors: dict[int, int] = {}
        self.names: dict[Address, int] = {}
        self.next = FIRST_ID
        self.kept: list[tuple[dict[int, int], dict[Address, int], int]] = []

    @rule(actor_id=st.integers(2, 9), balance=st.integers(0, 3))
    def set(self, actor_id: int, balance: int) -> None:
        self.tree.set(actor_id, ActorState(CODE, balance=balance))
        self.actors[actor_id] = balance

    @rule(actor_id=st.integers(2, 9))
    def delete(self, actor_id: int) -> None:
        self.tree.delete(actor_id)
        self.actors.pop(actor_id, None)

    @rule(name=st.integers(0, 5).map(lambda number: Address.for_actor(bytes((number,)))))
    def register(self, name: Address) -> None:
        assert self.tree.register(name) == self.next
        self.names[name] = self.next
        self.next += 1

    @rule()
    def begin(self) -> None:
        self.tree.begin()
        self.kept.append((dict(self.actors), dict(self.names), self.next))

    @precondition(lambda self: self.kept)
    @rule(revert=st.booleans())
    def end(self, revert: bool) -> None:
        self.tree.end(revert=revert)
        kept = self.kept.pop()
        if revert:
            self.actors, self.names, self.next = kept

    @precondition(lambda self: not self.kept)
    @rule(again=st.booleans())
    def flush(self, again: bool) -> None:
        root = self.tree.flush()
        assert self.tree.flush() == root
        fresh = with_init(self.blocks)
        for actor_id, balance in self.actors.items():
            fresh.set(actor_id, ActorState(CODE, balance=balance))
        fresh.set(INIT_ID, self.tree.get(INIT_ID) or ActorState(CODE))
        assert fresh.flush() == root, "equal states have equal roots"
        if again:
            self.tree = StateTree(self.blocks, root)

    @invariant()
    def same(self) -> None:
        for actor_id in range(2, 10):
            found = self.tree.get(actor_id)
            assert (found.balance if found else None) == self.actors.get(actor_id)
        for number in range(6):
            name = Address.for_actor(bytes((number,)))
            assert self.tree.lookup(name) == self.names.get(name)
        assert self.tree.depth == len(self.kept)
        assert {key: actor.balance for key, actor in self.tree.items() if key != INIT_ID} == self.actors


Tree.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
test_tree = Tree.TestCase


@needs_data
def test_states_of_mainnet_are_read_and_written_back() -> None:
    """20 states: the sender and the receiver of the message are found, and an unchanged tree has the root it was read from."""
    messages = [
        Message.from_cbor(base64.b64decode(json.loads(path.read_text(encoding="utf-8"))["apply_messages"][0]["bytes"]))
        for path in files("fvm-vectors", "*.json")
    ]
    assert len(messages) >= 20
    for (root, reader), message in zip(state_files(), messages, strict=True):
        blocks = MemoryBlocks({section.cid: section.data for section in reader})
        tree = StateTree(blocks, root)
        sender, to = tree.lookup(message.sender), tree.lookup(message.to)
        assert sender is not None
        actor = tree.get(sender)
        assert actor is not None
        assert actor.nonce == message.nonce
        assert actor.balance >= message.value
        assert to is None or to in tree
        state = tree.init_state()
        assert state.network == "mainnet"
        assert state.next_id > sender
        tree.set(sender, actor._replace(nonce=actor.nonce + 1))
        assert tree.flush() != root
        tree.set(sender, actor)
        assert tree.flush() == root


def test_a_lookup_is_forgotten_with_the_transaction_that_made_it_true() -> None:
    """An actor may change the map itself: what was found in it inside the transaction is not there afterwards."""
    blocks = MemoryBlocks()
    tree = with_init(blocks)
    name = Address.for_actor(b"n")
    tree.begin()
    table = Hamt(blocks, tree.init_state().addresses)
    table.set(name.to_bytes(), 777)
    tree.set_init(tree.init_state()._replace(addresses=table.flush()))
    assert tree.lookup(name) == 777
    tree.end(revert=True)
    assert tree.lookup(name) is None


def test_an_id_stands_for_itself() -> None:
    assert StateTree(MemoryBlocks()).lookup(Address.of(12345)) == 12345


def test_what_a_flush_writes_is_complete() -> None:
    blocks = MemoryBlocks()
    tree = with_init(blocks)
    for actor_id in range(200, 400):
        tree.set(actor_id, ActorState(EMPTY_LIST_CID, nonce=actor_id, delegated=Address.delegated(10, bytes((actor_id % 256,)))))
    root = tree.flush()
    store_block(blocks, b"code", RAW)
    assert {cid for cid, _ in reachable(blocks, [root])} <= set(blocks)
    again = StateTree(blocks, root)
    actor = again.get(300)
    assert actor is not None
    assert (actor.nonce, actor.delegated) == (300, Address.delegated(10, bytes((44,))))


def test_transactions_and_flush_know_each_other() -> None:
    tree = StateTree(MemoryBlocks())
    with pytest.raises(InputError, match="no transaction"):
        tree.end(revert=False)
    tree.begin()
    with pytest.raises(Fatal) as caught:
        tree.flush()
    assert caught.value.kind == "FlushInTransaction"
    tree.end(revert=True)
    tree.flush()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([4, CODE, CODE], "StateTreeVersion"),
        ([5, CODE], "InvalidStateTree"),
        ([5, 1, 2], "InvalidStateTree"),
        ({}, "InvalidStateTree"),
    ],
)
def test_roots_that_are_none(value: object, kind: str) -> None:
    blocks = MemoryBlocks()
    with pytest.raises(FormatError) as caught:
        StateTree(blocks, store_block(blocks, dagcbor.encode(value)))
    assert caught.value.kind == kind
    with pytest.raises(NotFoundError):
        StateTree(blocks, CODE)


def test_broken_blocks_below_the_root_are_fatal_and_leave_the_tree_usable() -> None:
    blocks = MemoryBlocks()
    tree = StateTree(blocks)
    with pytest.raises(Fatal, match="no Init actor"):
        tree.lookup(Address.for_actor(b"x"))
    tree.set(INIT_ID, ActorState(CODE, CODE))
    with pytest.raises(Fatal, match="state of the Init actor"):
        tree.lookup(Address.for_actor(b"x"))
    tree.set_init(InitState(CODE, 100, "test"))
    with pytest.raises(Fatal, match="map of addresses cannot be read"):
        tree.lookup(Address.for_actor(b"x"))
    with pytest.raises(Fatal, match="map of addresses cannot be changed"):
        tree.register(Address.for_actor(b"x"))
    table = Hamt(blocks)
    table.set(Address.for_actor(b"x").to_bytes(), "one")
    tree.set_init(InitState(table.flush(), 2**64 - 1, "test"))
    with pytest.raises(Fatal, match="has no ID for f2"):
        tree.lookup(Address.for_actor(b"x"))
    with pytest.raises(Fatal, match="no ID left"):
        tree.register(Address.for_actor(b"y"))
    actors = Hamt(blocks)
    actors.set(Address.of(5).to_bytes(), ["no", "actor"])
    broken = StateTree(blocks, store_block(blocks, dagcbor.encode([5, actors.flush(), EMPTY_LIST_CID])))
    with pytest.raises(Fatal, match="record of actor 5"):
        broken.get(5)
    assert broken.get(6) is None


def test_records_that_are_none() -> None:
    good = ActorState(CODE).form()
    assert read_actor(good) == ActorState(CODE)
    for index, value in ((0, 1), (1, None), (2, -1), (2, "x"), (3, b"\7"), (4, 3), (4, b"\x09")):
        with pytest.raises(FormatError):
            read_actor([*good[:index], value, *good[index + 1 :]])
    with pytest.raises(FormatError):
        read_actor(good[:4])
    for state in ([], [1, 2, "n"], [CODE, "2", "n"], [CODE, 2, 3], [CODE, -1, "n"], [CODE, 2]):
        with pytest.raises(FormatError):
            read_init(dagcbor.encode(state))
    kept = read_init(dagcbor.encode([CODE, 2, "n", CODE]))
    assert kept.form() == [CODE, 2, "n", CODE]
