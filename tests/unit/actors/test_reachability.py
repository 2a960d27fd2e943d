"""What an actor can get at: nothing that it was not given, did not open, and did not link.

Each test is an attempt to get more, from inside an actor, and asks for the error number that the network gives.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miden.actors.codes import ErrorNumber, OutOfGas, SyscallError
from miden.actors.context import MachineContext
from miden.actors.gas import GasTracker
from miden.actors.prices import NV21
from miden.actors.reach import FVM, MIDEN
from miden.actors.registry import Block, BlockRegistry
from miden.actors.runtimes.native import Actor, constructor, method, native_code
from miden.ipld import dagcbor
from miden.ipld.cid import CBOR, DAG_CBOR, DAG_PB, MAST_FOREST, RAW, Cid
from miden.ipld.multihash import BLAKE2B_256, IDENTITY, RPO_256, SHA2_256
from tests.support.actor_machines import call, deploy, kernel_of, machine_with, returned, state_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.actors.kernel import Kernel


LINKS_MODULE = import_module("miden.ipld.links")
"""The module; the package has a function of that name."""


def refused(function: Callable[..., Any], *args: Any) -> ErrorNumber:
    """Return the error number that a call of the kernel ends with."""
    with pytest.raises(SyscallError) as error:
        function(*args)
    return error.value.number


def a_kernel(**options: Any) -> Kernel:
    machine = machine_with(**options)
    machine.create_account(10**24)
    return kernel_of(machine)


def put(kernel: Kernel, value: Any, codec: int = DAG_CBOR) -> Cid:
    """Put a block into the store behind the kernel's back."""
    data = dagcbor.encode(value) if codec == DAG_CBOR else value
    cid = Cid.of(data, codec)
    kernel.machine.blocks.put(cid, data)
    return cid


def identity(data: bytes, codec: int = DAG_CBOR) -> Cid:
    return Cid(1, codec, IDENTITY, data)


# the kernel alone


def test_a_foreign_cid_cannot_be_opened() -> None:
    kernel = a_kernel()
    foreign = put(kernel, ["secret"])
    assert refused(kernel.block_open, foreign) == ErrorNumber.NOT_FOUND
    assert refused(kernel.set_root, foreign) == ErrorNumber.NOT_FOUND
    assert refused(kernel.block_create, DAG_CBOR, dagcbor.encode([foreign])) == ErrorNumber.NOT_FOUND


def test_a_handle_cannot_be_guessed() -> None:
    kernel = a_kernel()
    for handle in (0, 1, 2, -1, (1 << 31) - 1, 1 << 31, 1 << 40):
        assert refused(kernel.block_read, handle, 0, 10) == ErrorNumber.INVALID_HANDLE
        assert refused(kernel.block_stat, handle) == ErrorNumber.INVALID_HANDLE
        assert refused(kernel.block_link, handle, BLAKE2B_256, 32) == ErrorNumber.INVALID_HANDLE
        if handle:
            assert refused(kernel.send, b"\0\x64", 2, handle) == ErrorNumber.INVALID_HANDLE
    assert kernel.block_create(RAW, b"one") == 1
    assert refused(kernel.block_read, 2, 0, 1) == ErrorNumber.INVALID_HANDLE
    assert kernel.block_read(1, 0, 10) == (b"one", -7)


def test_an_identity_cid_hides_no_links() -> None:
    kernel = a_kernel()
    foreign = put(kernel, ["secret"])
    hiding = identity(dagcbor.encode([foreign]))
    assert refused(kernel.block_create, DAG_CBOR, dagcbor.encode({"inlined": hiding})) == ErrorNumber.NOT_FOUND
    # inlined data without links is as good as any other, but is no block: it cannot be opened, and is no root
    harmless = identity(dagcbor.encode([1]))
    handle = kernel.block_create(DAG_CBOR, dagcbor.encode([harmless]))
    kernel.block_link(handle, BLAKE2B_256, 32)
    assert refused(kernel.block_open, harmless) == ErrorNumber.NOT_FOUND
    assert refused(kernel.set_root, harmless) == ErrorNumber.NOT_FOUND
    # and nesting it does not help
    twice = identity(dagcbor.encode([identity(b"\xd8\x2a\x45\x00" + identity(b"\xff").to_bytes())]))
    assert refused(kernel.block_create, DAG_CBOR, dagcbor.encode([twice])) == ErrorNumber.SERIALIZATION


def test_links_inside_an_identity_cid_become_reachable_with_it() -> None:
    kernel = a_kernel()
    child = put(kernel, ["child"])
    parent = put(kernel, [identity(dagcbor.encode([child]))])
    kernel.registry.mark_reachable(parent.to_bytes())
    kernel.block_open(parent)
    assert kernel.block_open(child)[1] == DAG_CBOR


@pytest.mark.parametrize(
    ("link", "number"),
    [
        (Cid.of(b"", DAG_PB), ErrorNumber.NOT_FOUND),
        (Cid.of(b"", 0x0129), ErrorNumber.NOT_FOUND),
        (Cid.of(b"", MAST_FOREST), ErrorNumber.NOT_FOUND),
        (Cid.of(b"", DAG_CBOR, SHA2_256), ErrorNumber.NOT_FOUND),
        (Cid(1, DAG_CBOR, BLAKE2B_256, bytes(20)), ErrorNumber.NOT_FOUND),
        (Cid(0, DAG_PB, SHA2_256, bytes(32)), ErrorNumber.NOT_FOUND),
        (identity(b"x", DAG_PB), ErrorNumber.NOT_FOUND),
        (identity(b"\xff"), ErrorNumber.SERIALIZATION),
        (identity(b""), ErrorNumber.SERIALIZATION),
        (identity(dagcbor.encode([Cid.of(b"", DAG_PB)])), ErrorNumber.NOT_FOUND),
    ],
)
def test_an_illegal_codec_or_hash_is_no_link(link: Cid, number: ErrorNumber) -> None:
    kernel = a_kernel()
    assert refused(kernel.block_create, DAG_CBOR, dagcbor.encode([link])) == number
    assert len(kernel.registry) == 0


def test_commitments_and_inlined_bytes_are_passed_over() -> None:
    kernel = a_kernel()
    harmless = [Cid(1, 0xF101, 0x1012, bytes(32)), Cid(1, 0xF102, 0xB401, bytes(64)), identity(b"\xff", RAW), identity(b"\xff", CBOR)]
    assert kernel.block_create(DAG_CBOR, dagcbor.encode(harmless)) == 1
    assert refused(kernel.block_open, harmless[0]) == ErrorNumber.NOT_FOUND


@pytest.mark.parametrize("codec", [0, DAG_PB, 0x0129, 0xF101, MAST_FOREST, 1 << 63])
def test_an_illegal_codec_makes_no_block(codec: int) -> None:
    assert refused(a_kernel().block_create, codec, b"\x80") == ErrorNumber.ILLEGAL_CODEC


def test_create_does_not_make_reachable_but_link_does() -> None:
    kernel = a_kernel()
    data = dagcbor.encode(["child"])
    child = Cid.of(data)
    handle = kernel.block_create(DAG_CBOR, data)
    assert refused(kernel.block_open, child) == ErrorNumber.NOT_FOUND
    assert refused(kernel.block_create, DAG_CBOR, dagcbor.encode([child])) == ErrorNumber.NOT_FOUND
    assert kernel.block_link(handle, BLAKE2B_256, 32) == child
    assert kernel.block_create(DAG_CBOR, dagcbor.encode([child])) == 2
    assert kernel.block_open(child)[0] == 3


def test_a_link_that_finds_no_room_is_made_nevertheless() -> None:
    kernel = a_kernel()
    handle = kernel.block_create(RAW, b"data")
    assert refused(kernel.block_link, handle, BLAKE2B_256, 32, 37) == ErrorNumber.BUFFER_TOO_SMALL
    assert kernel.block_open(Cid.of(b"data", RAW)) == (2, RAW, 4)


@pytest.mark.parametrize(("hash_code", "size"), [(SHA2_256, 32), (BLAKE2B_256, 20), (IDENTITY, 4), (RPO_256, 32), (BLAKE2B_256, 0)])
def test_only_one_hash_makes_links(hash_code: int, size: int) -> None:
    kernel = a_kernel()
    assert refused(kernel.block_link, kernel.block_create(RAW, b"data"), hash_code, size) == ErrorNumber.ILLEGAL_CID


def test_the_profile_of_this_package_links_by_rpo_and_keeps_mast() -> None:
    kernel = a_kernel(profile="miden")
    handle = kernel.block_create(RAW, bytes(16))
    link = kernel.block_link(handle, RPO_256, 32)
    assert link == Cid.of(bytes(16), RAW, RPO_256)
    assert kernel.block_open(link) == (2, RAW, 16)
    assert kernel.block_create(DAG_CBOR, dagcbor.encode([link])) == 3
    assert refused(kernel.block_link, kernel.block_create(RAW, b"odd"), RPO_256, 32) == ErrorNumber.SERIALIZATION
    assert refused(kernel.block_create, MAST_FOREST, b"no forest") == ErrorNumber.SERIALIZATION


def test_before_network_version_21_nothing_is_checked() -> None:
    kernel = a_kernel(context=MachineContext(network_version=18))
    foreign = put(kernel, ["anything"])
    assert kernel.block_open(foreign)[0] == 1
    assert kernel.block_create(0x999, b"anything") == 2


# actors against each other


class Keeper(Actor):
    """Keeps a secret in its state, and hands out what it is told to."""

    name = "keeper"

    @constructor
    def start(self) -> None:
        self.state = [self.store(["secret"])]

    @method
    def name_it(self) -> bytes:
        """Return the secret's CID as bytes, which is no link."""
        link: Cid = self.state[0]
        return link.to_bytes()

    @method
    def lend(self) -> list[Cid]:
        """Return the secret as a link."""
        return [self.state[0]]

    @method
    def ask(self, other: int, name: str) -> list[Any]:
        """Open the secret, and call another actor with a link to it."""
        reply = self.send(other, name, [self.state[0]])
        return [reply.exit_code, reply.value]

    @method
    def ask_plainly(self, other: int, name: str) -> list[Any]:
        """Open the secret, and call another actor with its bytes only."""
        self.load(self.state[0])
        reply = self.send(other, name, dagcbor.encode([self.state[0].to_bytes()]))
        return [reply.exit_code, reply.value]


class Thief(Actor):
    """Tries to get at what others keep."""

    name = "thief"

    @constructor
    def start(self) -> None:
        self.state = []

    def attempt(self, function: Callable[..., Any], *args: Any) -> int:
        try:
            function(*args)
        except SyscallError as error:
            return error.number.value
        return 0

    @method
    def by_name(self, keeper: int) -> list[int]:
        """Ask for the name of the secret; then open it, link to it, make it the root."""
        link = Cid.from_bytes(self.send(keeper, "NameIt").value)
        kernel = self.kernel
        return [
            self.attempt(kernel.block_open, link),
            self.attempt(kernel.block_create, DAG_CBOR, dagcbor.encode([link])),
            self.attempt(kernel.set_root, link),
        ]

    @method
    def borrow(self, keeper: int) -> list[Any]:
        """Ask for a link to the secret, which may be opened, kept and made the root."""
        link = self.send(keeper, "Lend").value[0]
        found = self.load(link)
        self.state = [link]
        return [found]

    @method
    def given(self, link: Cid) -> list[Any]:
        """Open what came as a link."""
        return [self.load(link)]

    @method
    def told(self, name: bytes) -> list[int]:
        """Open what came as bytes."""
        return [self.attempt(self.kernel.block_open, Cid.from_bytes(name))]

    @method
    def take(self, name: bytes) -> list[int]:
        """Open what a message from outside names, as bytes or as a link in disguise."""
        return [self.attempt(self.kernel.block_open, Cid.from_bytes(name))]

    @method
    def again(self) -> list[int]:
        """Open what an earlier invocation of the same actor got at, without asking for its own state."""
        return [self.attempt(self.kernel.block_open, Cid.of(dagcbor.encode(["secret"])))]

    @method
    def handles(self, keeper: int) -> list[int]:
        """Read handles that other invocations have had, and may have now."""
        self.send(keeper, "Lend")
        return [self.attempt(self.kernel.block_stat, handle) for handle in (1, 2, 3, 4, 5)]

    @method
    def nested(self, depth: int) -> list[int]:
        """Make blocks, call itself, and look for the blocks of the invocation above."""
        kernel = self.kernel
        seen = [self.attempt(kernel.block_stat, handle) for handle in (2, 3, 4)]
        for text in (b"one", b"two", b"three"):
            kernel.block_create(RAW, text)
        if depth:
            seen += self.send(self.receiver, "Nested", [depth - 1]).value
        return seen

    @method
    def failing(self) -> None:
        """Put a block, make it the root, and fail."""
        self.state = ["rolled back"]
        self.abort(50)

    @method
    def after(self) -> list[int]:
        """Call what fails, then open the block that it had put; ask for the own root."""
        reply = self.send(self.receiver, "Failing")
        opened = self.attempt(self.kernel.block_open, Cid.of(dagcbor.encode(["rolled back"])))
        root = self.attempt(self.kernel.set_root, Cid.of(dagcbor.encode(["rolled back"])))
        return [reply.exit_code, opened, root, len(self.state)]


class World:
    """A machine with a keeper and a thief."""

    def __init__(self) -> None:
        self.machine = machine_with(Keeper, Thief)
        self.account = self.machine.create_account(10**24)
        self.keeper, self.thief = deploy(self.machine, Keeper), deploy(self.machine, Thief)

    def ask(self, to: Any, name: str, *params: Any) -> Any:
        return returned(call(self.machine, self.account, to, name, *params))


NOT_FOUND, INVALID_HANDLE = ErrorNumber.NOT_FOUND.value, ErrorNumber.INVALID_HANDLE.value


def test_the_name_of_a_block_is_no_right_to_it() -> None:
    world = World()
    assert world.ask(world.thief, "ByName", world.keeper.id) == [NOT_FOUND] * 3
    assert world.ask(world.keeper, "AskPlainly", world.thief.id, "Told") == [0, [NOT_FOUND]]


def test_a_link_that_is_handed_over_is() -> None:
    world = World()
    assert world.ask(world.thief, "Borrow", world.keeper.id) == [["secret"]]
    assert world.ask(world.keeper, "Ask", world.thief.id, "Given") == [0, [["secret"]]]


def test_what_one_invocation_reached_the_next_does_not() -> None:
    world = World()
    assert world.ask(world.thief, "Borrow", world.keeper.id) == [["secret"]]
    assert world.ask(world.thief, "Again") == [NOT_FOUND]


def test_nothing_from_outside_is_a_link() -> None:
    world = World()
    secret = Cid.of(dagcbor.encode(["secret"]))
    assert world.ask(world.thief, "Take", secret.to_bytes()) == [NOT_FOUND]
    receipt = call(world.machine, world.account, world.thief, "Given", secret)
    assert receipt.exit_code == 24
    assert "NOT_FOUND" in receipt.failure


def test_handles_are_those_of_the_invocation() -> None:
    world = World()
    # the parameters, and what came back
    assert world.ask(world.thief, "Handles", world.keeper.id) == [0, 0] + [INVALID_HANDLE] * 3
    assert world.ask(world.thief, "Nested", 2) == [INVALID_HANDLE] * 9


def test_what_was_rolled_back_cannot_be_read() -> None:
    world = World()
    before = world.machine.tree.get(world.thief.id)
    assert world.ask(world.thief, "After") == [50, NOT_FOUND, NOT_FOUND, 0]
    assert world.machine.tree.get(world.thief.id) == before
    assert call(world.machine, world.account, world.thief, "Failing").exit_code == 50
    assert world.machine.tree.get(world.thief.id) == before
    assert state_of(world.machine, world.thief) == []
    # what was put and is not reachable does not go into the store
    world.machine.flush()
    assert Cid.of(dagcbor.encode(["rolled back"])) not in world.machine.blocks
    assert native_code(Thief) in world.machine.blocks.below


# the scan, against the network's own example and by definition


def test_a_scan_costs_its_fields_and_links_and_stops_where_the_gas_ends() -> None:
    child = Cid.of(b"child", RAW)
    nested = identity(dagcbor.encode([child, 1]))
    data = dagcbor.encode(["x", nested, child])
    # a list, a text, two tags; a list, a tag and a number inside
    price = 7 * NV21.scan_field + 3 * NV21.scan_link
    gas = GasTracker(price)
    assert FVM.scan(DAG_CBOR, data, NV21, gas).links == [child.to_bytes()] * 2
    assert gas.used == price
    for limit in range(0, price, 5_000):
        short = GasTracker(limit)
        with pytest.raises(OutOfGas):
            FVM.scan(DAG_CBOR, data, NV21, short)
        assert short.used == limit


def test_a_scan_that_fails_costs_what_it_read() -> None:
    for data, fields, links in (
        (b"", 1, 0),
        (b"\x82\x01", 3, 0),
        (b"\x81\xd8\x2a\x01", 2, 1),
        (b"\x81\xd8\x2a\x41\x01", 2, 1),
        (b"\xd8", 1, 0),
    ):
        gas = GasTracker(10**12)
        with pytest.raises(SyscallError) as error:
            FVM.scan(DAG_CBOR, data, NV21, gas)
        assert error.value.number == ErrorNumber.SERIALIZATION
        assert gas.used == fields * NV21.scan_field + links * NV21.scan_link, data


LINKS = st.builds(Cid.of, st.binary(max_size=3), st.sampled_from([RAW, CBOR, DAG_CBOR]))
INLINED = st.builds(lambda links: identity(dagcbor.encode([*links])), st.lists(LINKS, max_size=1))
VALUES = st.recursive(
    st.integers(-5, 1000) | st.binary(max_size=30) | LINKS | INLINED,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def links_in(value: Any) -> list[bytes]:
    """Return links by walking over a value: the second witness."""
    if isinstance(value, Cid):
        return links_in(dagcbor.decode(value.digest)) if value.is_identity else [value.to_bytes()]
    if isinstance(value, (list, dict)):
        return [link for item in (value.values() if isinstance(value, dict) else value) for link in links_in(item)]
    return []


@settings(max_examples=200)
@given(VALUES)
def test_a_scan_finds_what_the_value_has(value: Any) -> None:
    data = dagcbor.encode(value)
    for profile in (FVM, MIDEN):
        assert list(profile.scan(DAG_CBOR, data, NV21, GasTracker(10**15)).links) == links_in(dagcbor.decode(data))


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(["give", "mark", "make"]), st.lists(st.integers(0, 9), max_size=3)), max_size=20))
def test_a_registry_knows_what_it_was_given_and_nothing_else(steps: list[tuple[str, list[int]]]) -> None:
    registry, known = BlockRegistry(), set()
    for kind, numbers in steps:
        names = [bytes((number,)) for number in numbers]
        if kind == "give":
            registry.put_reachable(Block(DAG_CBOR, b"", names))
            known |= set(names)
        elif kind == "mark":
            for name in names:
                registry.mark_reachable(name)
            known |= set(names)
        elif set(names) <= known:
            registry.put_checked(Block(DAG_CBOR, b"", names))
        else:
            assert refused(registry.put_checked, Block(DAG_CBOR, b"", names)) == ErrorNumber.NOT_FOUND
        assert {number for number in range(10) if registry.is_reachable(bytes((number,)))} == {name[0] for name in known}


@settings(max_examples=200)
@given(VALUES, st.binary(max_size=3))
def test_links_are_counted_as_they_are_found(value: Any, more: bytes) -> None:
    data = dagcbor.encode(value) + more
    counted = LINKS_MODULE.count_plain_links(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LINKS_MODULE, "_core", None)
        assert LINKS_MODULE.count_plain_links(data) == counted
    scan = LINKS_MODULE.scan_dagcbor(data)
    usual = [raw for raw, _ in scan.links if not Cid.from_bytes(raw).is_identity]
    if scan.error is not None or len(usual) != len(scan.links):
        assert counted is None
    else:
        assert counted == (len(usual), scan.fields)
        assert list(Block(DAG_CBOR, data, None, len(usual)).links) == usual
