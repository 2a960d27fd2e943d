"""Promise R13: whatever is installed, pinned, collected, repacked and killed, nothing that is needed is ever deleted."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from miden.errors import InputError, NotFoundError
from miden.store.opening import open_store
from tests.support.disks import Crash, CrashingDisk, HastyDisk
from tests.support.objects import calling_forest, root_of

if TYPE_CHECKING:
    from miden.field import Word
    from miden.mast.forest import MastForest
    from miden.store.store import ObjectStore

EXAMPLES = int(os.environ.get("MIDEN_EXAMPLES", "25"))
"""Runs of 40 steps; 250 make the 10,000 steps of the promise."""

MEMORY = Path("/dev/shm")  # noqa: S108 (only a place for folders of our own)
OWNERS = ("manual", "package one@1.0.0", "package two@0.1.0")


class Collection(RuleBasedStateMachine):
    """A store beside a model of what must be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(dir=MEMORY if os.access(MEMORY, os.W_OK) else None, prefix="miden-test-")
        self.forests: dict[Word, MastForest] = {}
        self.needs: dict[Word, list[Word]] = {}
        self.must: set[Word] = set()
        """Roots that were put and that nothing may have deleted."""
        self.pinned: dict[str, set[Word]] = {owner: set() for owner in OWNERS}
        self.number = 0

    @initialize()
    def create(self) -> None:
        open_store(self.folder, create=True, fs=HastyDisk())

    def store(self, at: int | None = None) -> ObjectStore:
        """Open the store as a new process does, one that dies at a call if told so."""
        return open_store(self.folder, fs=HastyDisk() if at is None else CrashingDisk(at))

    def closure(self) -> set[Word]:
        found: set[Word] = set()
        waiting = [root for roots in self.pinned.values() for root in roots]
        while waiting:
            root = waiting.pop()
            if root not in found:
                found.add(root)
                waiting += self.needs[root]
        return found

    def new_forest(self, data: st.DataObject) -> MastForest:
        self.number += 1
        known = sorted(self.must)
        callees = data.draw(st.lists(st.sampled_from(known), max_size=3, unique=True)) if known else []
        forest = calling_forest(self.number, callees)
        self.forests[root_of(forest)] = forest
        self.needs[root_of(forest)] = callees
        return forest

    @rule(data=st.data(), pin=st.sampled_from((None, *OWNERS)), at=st.none() | st.integers(1, 25))
    def install(self, data: st.DataObject, pin: str | None, at: int | None) -> None:
        forest = self.new_forest(data)
        root = root_of(forest)
        try:
            self.store(at).insert(forest, pin=pin or False)
        except Crash:
            return self.look_again()
        self.must.add(root)
        if pin:
            self.pinned[pin].add(root)
        return None

    @rule(count=st.integers(9, 14), at=st.none() | st.integers(1, 20))
    def install_many(self, count: int, at: int | None) -> None:
        from tests.support.objects import stored

        forests = []
        for _ in range(count):
            self.number += 1
            forest = calling_forest(self.number, [])
            self.forests[root_of(forest)] = forest
            self.needs[root_of(forest)] = []
            forests.append(forest)
        try:
            self.store(at).home.put_many(map(stored, forests))
        except Crash:
            return
        self.must.update(map(root_of, forests))

    @precondition(lambda self: self.must)
    @rule(data=st.data(), owner=st.sampled_from(OWNERS), at=st.none() | st.integers(1, 6))
    def pin(self, data: st.DataObject, owner: str, at: int | None) -> None:
        root = data.draw(st.sampled_from(sorted(self.must)))
        try:
            self.store(at).pin(root, owner=owner)
        except Crash:
            return self.look_again()
        self.pinned[owner].add(root)
        return None

    @precondition(lambda self: any(self.pinned.values()))
    @rule(data=st.data(), at=st.none() | st.integers(1, 6))
    def unpin(self, data: st.DataObject, at: int | None) -> None:
        owner, root = data.draw(st.sampled_from(sorted((owner, root) for owner, roots in self.pinned.items() for root in roots)))
        try:
            assert self.store(at).unpin(root, owner=owner)
        except Crash:
            return self.look_again()
        self.pinned[owner].discard(root)
        return None

    @rule(at=st.none() | st.integers(1, 40))
    def collect(self, at: int | None) -> None:
        self.must &= self.closure()
        try:
            done = self.store(at).gc(grace=0)
        except Crash:
            return
        assert done.missing == ()
        assert {key.root for key in self.store().roots()} == self.must

    @rule(at=st.none() | st.integers(1, 40))
    def collect_with_grace(self, at: int | None) -> None:
        try:
            assert self.store(at).gc(grace=3600).removed == 0
        except Crash:
            return

    @rule(full=st.booleans(), at=st.none() | st.integers(1, 30))
    def repack(self, full: bool, at: int | None) -> None:
        try:
            self.store(at).repack(full=full)
        except Crash:
            return

    @precondition(lambda self: self.must)
    @rule(data=st.data(), at=st.none() | st.integers(1, 15))
    def remove(self, data: st.DataObject, at: int | None) -> None:
        root = data.draw(st.sampled_from(sorted(self.must)))
        if root in self.closure():
            owners = [owner for owner, roots in self.pinned.items() if root in roots]
            if owners:
                with pytest.raises(InputError):
                    self.store().remove(root)
            return
        if any(root in needed for needed in self.needs.values()):
            return  # whoever removes what another one needs has to know
        try:
            assert self.store(at).remove(root)
        except Crash:
            self.must.discard(root)
            return
        self.must.discard(root)
        with pytest.raises(NotFoundError):
            self.store().get(root)

    def look_again(self) -> None:
        """After a crash a pin is set or not: ask which."""
        pins = self.store().pins.all()
        for owner in OWNERS:
            self.pinned[owner] = {key.root for key in pins.get(owner, ())}
        self.must |= self.closure()

    @invariant()
    def nothing_needed_is_lost(self) -> None:
        store = self.store()
        for root in self.must:
            assert store.get(root) == self.forests[root]

    def teardown(self) -> None:
        found = self.store().fsck()
        shutil.rmtree(self.folder)
        assert found.findings == ()


TestCollection = Collection.TestCase
TestCollection.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)
