"""Recordings of guests: played without their code they drive the kernel to the same end, and say where it differs."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miden.actors.builtin import builtin_runtime
from miden.actors.context import MachineContext
from miden.actors.machine import Machine
from miden.actors.messages import Message
from miden.actors.methods import method_number
from miden.actors.prices import NV18
from miden.actors.reach import Profile
from miden.actors.recording import RecordingRuntime, ReplayRuntime, read_log, write_log
from miden.actors.runtimes.native import Actor, NativeRuntime, constructor, method, native_code
from miden.actors.vectors import Vector, apply_vector, machine_for
from miden.errors import FormatError, IntegrityError, MidenError
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks
from tests.support.actor_machines import sample

if TYPE_CHECKING:
    from miden.actors.registry import Block

COUNTER = sample("Counter")


class Busy(Actor):
    """Does a bit of everything, and calls itself."""

    name = "busy"

    @constructor
    def start(self) -> None:
        self.state = [b"x" * 200, 0]

    @method
    def work(self, depth: int) -> list[int]:
        filler, count = self.state
        if depth == 0:
            self.abort(40, "deep enough")
        reply = self.send(self.receiver, "Work", [depth - 1], gas_limit=10**8)
        self.log(f"{reply.exit_code}")
        self.emit({"depth": depth})
        self.state = [filler, count + 1]
        self.kernel.gas.charge("guest work", 5_000)
        self.kernel.gas.refuel()
        self.kernel.gas.settle(self.kernel.gas.available - 777_000)
        return [count + 1]

    @method
    def hash(self, text: bytes) -> bytes:
        self.kernel.enter()
        return self.kernel.hash(0x12, text)

    @method
    def spend(self) -> None:
        while True:
            self.kernel.enter()

    @method
    def trap(self) -> None:
        raise ValueError("broken")


CALLS: list[tuple[str, Any, int]] = [
    ("Work", [3], 0),
    ("Work", [0], 40),
    ("Hash", [b"a" * 300], 0),
    ("Hash", ["text"], 21),
    ("Spend", None, 7),
    ("Trap", None, 24),
    ("Nothing", None, 22),
]


def messages(account: Any, actor: Any) -> list[Message]:
    return [
        Message(
            account,
            actor,
            method=method_number(name),
            params=b"" if params is None else dagcbor.encode(params),
            nonce=nonce,
            gas_limit=1_500_000 if name == "Spend" else 10**9,
        )
        for nonce, (name, params, _) in enumerate(CALLS)
    ]


def recorded() -> tuple[MemoryBlocks, Any, list[list[Any]], list[Message], list[Any], Any]:
    """Return blocks and root before the messages, the log, the messages, their receipts and the root after."""
    blocks = MemoryBlocks()
    log: list[list[Any]] = []
    runtimes = [RecordingRuntime(NativeRuntime([Busy]), log)]
    machine = Machine.genesis(blocks, runtimes=runtimes, context=MachineContext(debugging=True))
    account = machine.create_account(10**24)
    actor = machine.deploy(native_code(Busy))
    root = machine.flush()
    log.clear()
    sent = messages(account, actor)
    receipts = [machine.apply(message) for message in sent]
    assert [receipt.exit_code for receipt in receipts] == [code for _, _, code in CALLS]
    return blocks, root, log, sent, receipts, machine.flush()


def replay(blocks: Any, root: Any, log: list[list[Any]], sent: list[Message], **options: Any) -> tuple[list[Any], Any, bool]:
    player = ReplayRuntime(log)
    machine = Machine(blocks, root, runtimes=[player], context=MachineContext(debugging=True), **options)
    receipts = [machine.apply(message) for message in sent]
    return receipts, machine.flush(), player.finished


def test_a_recording_ends_where_the_guests_did() -> None:
    blocks, root, log, sent, receipts, after = recorded()
    text = write_log(log)
    assert "native" not in text
    found, found_root, finished = replay(blocks, root, read_log(text), sent)
    assert found == receipts
    assert [receipt.events for receipt in found] == [receipt.events for receipt in receipts]
    assert [receipt.failure for receipt in found] == [receipt.failure for receipt in receipts]
    assert found_root == after
    assert finished


def test_a_replay_says_where_the_machine_differs() -> None:
    blocks, root, log, sent, _, _ = recorded()
    with pytest.raises(IntegrityError) as differs:
        replay(blocks, root, log, sent, prices="unit")
    assert differs.value.kind == "ReplayDiffers"
    changed = copy.deepcopy(log)
    index = next(index for index, line in enumerate(changed) if line[:2] == ["s", "root"])
    changed[index][4] = {"c": "bafkqaaa"}
    with pytest.raises(IntegrityError, match=f"root of line {index + 1}"):
        replay(blocks, root, changed, sent)


def test_a_replay_may_be_used_again_after_it_differed() -> None:
    blocks, root, log, sent, receipts, _ = recorded()
    machine = Machine(blocks, root, runtimes=[ReplayRuntime(log[1:])], context=MachineContext(debugging=True))
    with pytest.raises(IntegrityError):
        machine.apply(sent[0])
    assert machine.tree.depth == 0
    machine = Machine(blocks, root, runtimes=[ReplayRuntime(log)], context=MachineContext(debugging=True))
    assert machine.apply(sent[0]) == receipts[0]


@pytest.mark.parametrize("text", ["{", "1", '{"a":1}', "[" * 100_000])
def test_a_log_is_lists(text: str) -> None:
    with pytest.raises(FormatError):
        read_log(text)


RECORDED = recorded()
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 1 << 65)
    | st.text(max_size=5)
    | st.just({"b": "00"})
    | st.just({"c": "x"})
    | st.just({"e": 3}),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_broken_log_is_a_typed_error(data: st.DataObject) -> None:
    blocks, root, log, sent, _, _ = RECORDED
    broken = copy.deepcopy(log)
    index = data.draw(st.integers(0, len(broken) - 1))
    if data.draw(st.booleans()):
        del broken[index:]
    else:
        line = broken[index]
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(JUNK)
    try:
        replay(blocks, root, broken, sent)
    except (FormatError, IntegrityError):
        pass
    except MidenError as problem:
        raise AssertionError(f"{type(problem).__name__}: {problem}") from problem


def test_the_samples_are_recorded_too() -> None:
    log: list[list[Any]] = []
    blocks = MemoryBlocks()
    runtimes = [RecordingRuntime(builtin_runtime(), log), RecordingRuntime(NativeRuntime([COUNTER]), log)]
    machine = Machine(blocks, Machine.genesis(blocks).flush(), runtimes=runtimes)
    start = machine.flush()
    machine.deploy(native_code(COUNTER), dagcbor.encode([3]))
    assert [line[1:3] for line in log if line[0] == "i"] == [[1, 2], [100, 1]]
    assert {line[0] for line in log} == {"i", "g", "s", "=", "r"}
    again = Machine(blocks, start, runtimes=[ReplayRuntime(log)])
    again.deploy(native_code(COUNTER), dagcbor.encode([3]))
    assert again.flush() == machine.flush()


RECORDINGS = sorted((Path(__file__).parents[2] / "vectors" / "actors").glob("*.json.gz"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_nothing_that_mainnet_did_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages from before links were checked end the same with the checks on: nothing is refused that is reachable."""
    text = gzip.decompress(path.read_bytes())
    vector, player = Vector.from_json(text, path.name), ReplayRuntime(json.loads(text)["log"])
    machine = machine_for(vector, MemoryBlocks(), [player])
    assert machine.prices is NV18
    monkeypatch.setattr(Machine, "guarded", property(lambda self: True))
    found: list[int] = []
    scan = Profile.scan

    def counting(profile: Profile, *args: Any) -> Block:
        block = scan(profile, *args)
        found.append(block.link_count)
        return block

    monkeypatch.setattr(Profile, "scan", counting)
    assert apply_vector(vector, machine).differences() == []
    assert player.finished
    assert bool(found) == any(line[:2] == ["s", "block_open"] for line in json.loads(text)["log"])
