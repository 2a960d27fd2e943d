"""The kernel in Miden assembly: every procedure, what it leaves on the stack, its errors, and what it does not touch."""

from __future__ import annotations

import hashlib
import re
from struct import pack, unpack
from typing import TYPE_CHECKING, Any

import pytest

from miden.actors.address import Address
from miden.actors.codes import ErrorNumber
from miden.actors.context import MachineContext
from miden.actors.externs import Externs
from miden.actors.kernel import SYSCALLS
from miden.actors.runtimes.masm import MasmRuntime
from miden.actors.runtimes.masm.boundary import CALLS
from miden.actors.runtimes.masm.library import SOURCES, assemble_actor, kernel_library
from miden.actors.state import EMPTY_LIST_CID, INIT_ID, ActorState
from miden.field import P
from miden.hashing import event_id, hash_elements
from miden.ipld import dagcbor
from miden.ipld.blocks import store_block
from miden.ipld.cid import DAG_CBOR, MAST_FOREST, RAW, Cid
from miden.ipld.multihash import BLAKE2B_256, MAST_RPO_256, RPO_256, SHA2_256
from tests.support.actor_world import ALICE, FIRST_ACTOR, World
from tests.support.kernel_probe import probe

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = (SOURCES / "kernel.masm").read_text()
NOTHING = assemble_actor("pub proc invoke push.0 swap drop end")
TIPSET = Cid.of(b"tipset")


class Outside(Externs):
    """A world that answers, and tells what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def get_chain_randomness(self, epoch: int) -> bytes:
        return hashlib.sha256(b"chain%d" % epoch).digest()

    def get_beacon_randomness(self, epoch: int) -> bytes:
        return hashlib.sha256(b"beacon%d" % epoch).digest()

    def get_tipset_cid(self, epoch: int) -> Cid:
        return TIPSET if epoch != 3 else Cid.of(b"short", RAW, 0)

    def verify_signature(self, signature_type: int, signature: bytes, signer: Address, text: bytes) -> bool:
        self.asked.append((signature_type, signature, signer, text))
        return signature == b"right"

    def recover_secp_public_key(self, digest: bytes, signature: bytes) -> bytes:
        self.asked.append((digest, signature))
        return bytes(range(65))

    def store_artifact(self, name: str, data: bytes) -> None:
        self.asked.append((name, data))


CONTEXT = MachineContext(epoch=77, timestamp=1_700_000_000, base_fee=(1 << 100) + 5, chain_id=314, debugging=True)


@pytest.fixture(params=["core", "pure"])
def world(request: pytest.FixtureRequest) -> World:
    return World([MasmRuntime(request.param)], context=CONTEXT, externs=Outside())


def elements(cid: Cid) -> list[int]:
    """Return a CID as the slots of a call take it."""
    if cid.hash_code in (RPO_256, MAST_RPO_256):
        low, high = list(unpack("<4Q", cid.digest)), [0, 0, 0, 0]
    else:
        parts = list(unpack("<8I", cid.digest))
        low, high = parts[:4], parts[4:]
    return [cid.codec, cid.hash_code, 0, *reversed(low), *reversed(high)]


def documented() -> Iterator[tuple[str, str]]:
    for match in re.finditer(r"((?:^#!.*\n)+)pub proc (\w+)", TEXT, re.MULTILINE):
        yield match[2], match[1]


# -- the table


def test_every_procedure_has_a_row_and_every_row_a_procedure() -> None:
    exported = {path.rpartition("::")[2] for path in kernel_library().exports}
    assert {call.name for call in CALLS.values()} == exported
    assert set(CALLS) == {event_id(f"miden::actor::{name}") for name in exported}
    assert len(kernel_library().kernel) <= 255


def test_every_procedure_says_what_goes_in_and_out() -> None:
    comments = dict(documented())
    assert set(comments) == {call.name for call in CALLS.values()}
    for name, text in comments.items():
        assert "#! Inputs:  [_," in text, name
        assert "#! Outputs: [error," in text or name == "exit", name
        errors = text.partition("#! Errors:")[2].partition("#!\n")[0]
        for number in re.findall(r"(?:^|, |#! {10})\s*(\d+) ", errors):
            assert int(number) in ErrorNumber._value2member_map_, (name, number)


def test_calls_of_the_machine_that_actors_cannot_make() -> None:
    """Proofs of storage and calls of earlier networks are left out; all else is there, under its own name or one beside it."""
    here = {call.name for call in CALLS.values()}
    renamed = {
        "root": "self_root",
        "set_root": "self_set_root",
        "current_balance": "self_current_balance",
        "charge": "gas_charge",
        "available": "gas_available",
        "enabled": "debug_enabled",
        "log": "debug_log",
        "store_artifact": "debug_store_artifact",
    }
    left_out = {name for name in SYSCALLS if renamed.get(name, name) not in here}
    assert left_out == {
        "batch_verify_seals",
        "compute_unsealed_sector_cid",
        "emit_event_cbor",
        "total_fil_circ_supply",
        "verify_aggregate_seals",
        "verify_bls_aggregate",
        "verify_consensus_fault",
        "verify_post",
        "verify_replica_update",
    }


# -- blocks


def test_blocks_are_made_read_and_named(world: World) -> None:
    data = bytes(range(41))
    made = probe(world, "block_create", [RAW], data)
    assert made.stack[:4] == [0, 1, 0, 0]
    assert made.stack[4:] == list(range(9003, 9015))
    create = f"push.{unpack('<I', b'abcd')[0]} mem_store.0x2000 push.3.0x8001 exec.bytes::give push.0.0.{RAW}.0 syscall.block_create dropw"
    assert probe(world, "block_stat", [1], before=create).stack[:4] == [0, RAW, 3, 0]
    read = probe(world, "block_read", [1, 1, 100], before=create, advice=8)
    assert read.stack[:4] == [0, 2, 0, 0]
    assert read.advice == b"cd" + bytes(30)
    assert probe(world, "block_read", [1, 0, 1], before=create, advice=8).stack[:4] == [0, 1, 2, 0]
    assert probe(world, "block_read", [1, 9, 5], before=create).stack[:4] == [0, 0, 0, 0]
    link = probe(world, "block_link", [1, BLAKE2B_256, 0, *range(8)], before=create)
    assert link.stack[:12] == [0, *elements(Cid.of(b"bcd", RAW))]
    assert link.stack[12:] == [9001, 9002, 9003, 9004]


def test_elements_are_blocks_that_rpo_hashes(world: World) -> None:
    values = [5, P - 1, 0, 7, 8]
    store = " ".join(f"push.{value} mem_store.{0x2000 + index}" for index, value in enumerate(values))
    create = f"{store} push.5.0x2000 exec.bytes::give padw syscall.block_create_elements dropw"
    assert probe(world, "block_stat", [1], before=create).stack[:4] == [0, RAW, 40, 0]
    link = probe(world, "block_link", [1, RPO_256, 0, *range(8)], before=create)
    cid = Cid(1, RAW, RPO_256, hash_elements(values).to_bytes())
    assert link.stack[:12] == [0, *elements(cid)]
    assert probe(world, "block_read_elements", [1, 3, 9], before=create).stack[:4] == [0, 2, 0, 0]
    assert probe(world, "block_read_elements", [1, 0, 2], before=create).stack[:4] == [0, 2, 3, 0]
    assert world.machine.blocks.get(cid) == pack("<5Q", *values)


def test_blocks_that_are_no_elements(world: World) -> None:
    for data in (bytes(7), pack("<2Q", 1, P)):
        create = probe(world, "block_create", [RAW], data)
        assert create.error == 0
        words = unpack(f"<{len(data.ljust(16, bytes(1))) // 4}I", data.ljust(16, b"\0"))
        store = " ".join(f"push.{word} mem_store.{0x2000 + index}" for index, word in enumerate(words))
        before = f"{store} push.{len(data)}.0x8000 exec.bytes::give push.0.0.{RAW}.0 syscall.block_create dropw"
        assert probe(world, "block_read_elements", [1, 0, 100], before=before).stack[:4] == [10, 0, 0, 0]
        assert probe(world, "block_link", [1, RPO_256, 0], before=before).error == 10


def test_blocks_are_opened_if_they_are_reachable(world: World) -> None:
    child = store_block(world.blocks, b"child", RAW)
    parent = store_block(world.blocks, dagcbor.encode([child]))
    assert probe(world, "block_open", elements(parent)).stack[:4] == [6, 0, 0, 0]
    actor = world.put(assemble_actor(OPENS))
    for root, code in ((parent, 0), (child, 20)):
        world.set_state(actor, root)
        assert world.call(actor, 2).exit_code == code


OPENS = f"""
# opens the root, reads the link in it, opens that, and expects five bytes
use miden::actor::cbor
use miden::actor::message
use miden::actor::state
use miden::core::sys
pub proc invoke
    push.64.0x1000 exec.state::load
    dup eq.44 push.20 exec.message::require
    drop
    push.1.0x1000 exec.cbor::expect_list
    # the link is to raw bytes: patch its codec to read it as one to dag-cbor
    push.0x71 dup.1 add.6 exec.::miden::actor::bytes::store
    exec.cbor::read_link
    push.32 swap push.0x2000 swap exec.::miden::actor::bytes::copy drop
    padw mem_loadw_be.0x804 padw mem_loadw_be.0x800 push.0.{BLAKE2B_256}.{RAW}.0
    syscall.block_open
    assertz.err="open" drop drop eq.5 assert.err="five bytes"
    push.0 exec.sys::truncate_stack
end"""


@pytest.mark.parametrize(
    ("name", "arguments", "gives", "error"),
    [
        ("block_create", [0x70], (b"x",), ErrorNumber.ILLEGAL_CODEC),
        ("block_create", [DAG_CBOR], (b"\xff",), ErrorNumber.SERIALIZATION),
        ("block_create", [DAG_CBOR], (dagcbor.encode([TIPSET]),), ErrorNumber.NOT_FOUND),
        ("block_create", [RAW], (), ErrorNumber.ILLEGAL_ARGUMENT),
        ("block_read", [1, 0, 1], (), ErrorNumber.INVALID_HANDLE),
        ("block_read", [0, 0, 1], (), ErrorNumber.INVALID_HANDLE),
        ("block_read", [P - 1, 0, 1], (), ErrorNumber.INVALID_HANDLE),
        ("block_read", [1, 2**31, 1], (), ErrorNumber.ILLEGAL_ARGUMENT),
        ("block_read", [1, P - 1, P - 1], (), ErrorNumber.ILLEGAL_ARGUMENT),
        ("block_read_elements", [1, P - 1, P - 1], (), ErrorNumber.ILLEGAL_ARGUMENT),
        ("block_read_elements", [1, 0, 0], (), ErrorNumber.INVALID_HANDLE),
        ("block_stat", [7], (), ErrorNumber.INVALID_HANDLE),
        ("block_link", [1, BLAKE2B_256], (), ErrorNumber.INVALID_HANDLE),
        ("block_link", [1, SHA2_256], (), ErrorNumber.ILLEGAL_CID),
        ("block_open", elements(EMPTY_LIST_CID), (), ErrorNumber.NOT_FOUND),
        ("block_open", [RAW, BLAKE2B_256, 0, 2**32, 0, 0, 0, 0, 0, 0, 0], (), ErrorNumber.ILLEGAL_CID),
        ("block_open", [RAW, RPO_256, 0, 1, 2, 3, 4, 0, 0, 0, 1], (), ErrorNumber.ILLEGAL_CID),
        ("block_open", [P - 1, P - 1, 0, 1, 2, 3, 4, 0, 0, 0, 1], (), ErrorNumber.NOT_FOUND),
        ("self_set_root", elements(TIPSET), (), ErrorNumber.NOT_FOUND),
        ("send", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (b"",), ErrorNumber.ILLEGAL_ARGUMENT),
        ("send", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (), ErrorNumber.ILLEGAL_ARGUMENT),
        ("send", [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0], (b"\0\1",), ErrorNumber.ILLEGAL_ARGUMENT),
        ("send", [0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0], (b"\0\1",), ErrorNumber.INVALID_HANDLE),
        ("send", [0, 0, 0, 1, 0, 0, 0, 2**32 - 1, 2**32 - 1, 0, 0], (b"\0\1",), ErrorNumber.INSUFFICIENT_FUNDS),
        ("send", [0, 0, 0, 2**32, 0, 0, 0, 0, 0, 0, 0], (b"\0\1",), ErrorNumber.ILLEGAL_ARGUMENT),
        ("send", [0, 0, 0, 0, 0, 0, 0, 2**32, 0, 0, 0], (b"\0\1",), ErrorNumber.ILLEGAL_ARGUMENT),
        ("send", [0, 0, 0, 0, 0, 0, 0, 2**32 - 1, 2**32 - 1, 0, 0], (b"\0\xff\x7f",), ErrorNumber.NOT_FOUND),
        ("resolve_address", [], (b"\1",), ErrorNumber.ILLEGAL_ARGUMENT),
        ("resolve_address", [], (Address.for_actor(b"nobody").to_bytes(),), ErrorNumber.NOT_FOUND),
        ("resolve_address", [], (bytes(129),), ErrorNumber.LIMIT_EXCEEDED),
        ("lookup_delegated_address", [ALICE], (), ErrorNumber.NOT_FOUND),
        ("lookup_delegated_address", [5], (), ErrorNumber.NOT_FOUND),
        ("create_actor", [RAW, BLAKE2B_256, 5], (), ErrorNumber.FORBIDDEN),
        ("get_actor_code_cid", [5], (), ErrorNumber.NOT_FOUND),
        ("get_code_cid_for_type", [1], (), ErrorNumber.ILLEGAL_ARGUMENT),
        ("balance_of", [5], (), ErrorNumber.NOT_FOUND),
        ("tipset_cid", [77], (), ErrorNumber.ILLEGAL_ARGUMENT),
        ("tipset_cid", [3], (), ErrorNumber.ILLEGAL_CID),
        ("get_chain_randomness", [78], (), ErrorNumber.ILLEGAL_ARGUMENT),
        ("get_beacon_randomness", [78], (), ErrorNumber.ILLEGAL_ARGUMENT),
        ("hash", [0x99], (b"x",), ErrorNumber.ILLEGAL_ARGUMENT),
        ("verify_signature", [9], (b"s", Address.of(1).to_bytes(), b"t"), ErrorNumber.ILLEGAL_ARGUMENT),
        ("verify_signature", [1], (b"s", Address.of(1).to_bytes(), b"t"), ErrorNumber.ILLEGAL_ARGUMENT),
        ("emit_event", [1], (bytes(16), b"", b""), ErrorNumber.ILLEGAL_CODEC),
        ("emit_event", [2], (bytes(16), b"", b""), ErrorNumber.ILLEGAL_ARGUMENT),
        ("emit_event", [1], (pack("<4I", 4, RAW, 0, 0), b"", b""), ErrorNumber.ILLEGAL_ARGUMENT),
        ("emit_event", [1], (pack("<4I", 3, RAW, 1, 0), b"\xff", b""), ErrorNumber.ILLEGAL_ARGUMENT),
        ("emit_event", [257], (bytes(16), b"", b""), ErrorNumber.LIMIT_EXCEEDED),
        ("gas_charge", [2**32, 0], (), ErrorNumber.ILLEGAL_ARGUMENT),
        ("debug_store_artifact", [], (b"../up", b"data"), ErrorNumber.ILLEGAL_ARGUMENT),
    ],
)
def test_errors(name: str, arguments: list[int], gives: tuple[bytes, ...], error: ErrorNumber) -> None:
    world = World([MasmRuntime()], context=CONTEXT, externs=Outside())
    probed = probe(world, name, arguments, *gives)
    assert probed.error == error
    assert probed.stack[len(arguments) + 1 :][-4:] == list(range(9001, 9001 + 15 - len(arguments)))[-4:]


def test_too_much_memory_is_given(world: World) -> None:
    probed = probe(world, "block_create", [RAW], before="push.1048577.0 exec.bytes::give")
    assert probed.error == ErrorNumber.LIMIT_EXCEEDED
    for address, size in ((2**34, 1), (4 * (2**32 - 1), 5), (P - 1, 3)):
        assert probe(world, "block_create", [RAW], before=f"push.{size}.{address} exec.bytes::give").error == 1
    assert probe(world, "block_create", [RAW], before=f"push.{P - 1}.0 exec.bytes::give").error == ErrorNumber.LIMIT_EXCEEDED
    assert probe(world, "block_create", [RAW], before="push.4294967296 mem_store.0 push.1.0 exec.bytes::give").error == 1
    assert probe(world, "block_create", [RAW], before="push.0.0 exec.bytes::give").error == 0


def test_what_was_given_is_forgotten_by_the_next_call(world: World) -> None:
    probed = probe(world, "block_create", [RAW], before="push.1.0 exec.bytes::give padw syscall.debug_enabled dropw")
    assert probed.error == ErrorNumber.ILLEGAL_ARGUMENT


# -- this actor, and others


def test_the_state_is_set_and_read(world: World) -> None:
    assert probe(world, "self_root", range(11)).stack[:12] == [0, *elements(EMPTY_LIST_CID)]
    root = "padw padw padw syscall.self_root dropw dropw dropw"
    assert probe(world, "self_set_root", elements(EMPTY_LIST_CID), before=root).stack[:4] == [0, 0, 0, 0]


def test_states_under_rpo_are_read_back(world: World) -> None:
    values = [1, 2, 3]
    cid = Cid(1, RAW, RPO_256, hash_elements(values).to_bytes())
    world.blocks.put(cid, pack("<3Q", *values))
    node = Cid(1, RAW, MAST_RPO_256, hash_elements(values).to_bytes())
    for root in (cid, node):
        code = kernel_code("self_root")
        actor = world.put(code)
        world.set_state(actor, root)
        assert world.call(actor, 2).return_data == pack("<12Q", *reversed_words([0, *elements(root)]))


def kernel_code(name: str) -> Any:
    return assemble_actor(
        f"""use miden::core::sys
        pub proc invoke drop padw padw padw syscall.{name}
        mem_storew_be.0 dropw mem_storew_be.4 dropw mem_storew_be.8 dropw
        push.12.0 exec.::miden::actor::bytes::give padw syscall.block_create_elements drop exec.sys::truncate_stack end"""
    )


def reversed_words(stack: list[int]) -> list[int]:
    return [element for start in range(0, len(stack), 4) for element in reversed(stack[start : start + 4])]


def test_balances(world: World) -> None:
    rich = (1 << 127) + (3 << 70) + 12
    world.machine.tree.set(77, ActorState(EMPTY_LIST_CID, balance=rich))
    limbs = [rich >> 96, rich >> 64 & 0xFFFFFFFF, rich >> 32 & 0xFFFFFFFF, rich & 0xFFFFFFFF]
    probed = probe(world, "balance_of", [77])
    assert probed.stack[:8] == [0, 0, 0, 0, *limbs]
    assert probed.stack[8:] == list(range(9007, 9015))
    assert probe(world, "self_current_balance").stack[:8] == [0] * 8


def test_the_message(world: World) -> None:
    probed = probe(world, "message_context", range(15))
    actor = FIRST_ACTOR
    assert probed.stack == [0, 2, ALICE, actor, ALICE, 0, 0, 0, *[0] * 8]


def test_a_method_that_is_no_element_is_refused_and_not_cut() -> None:
    world = World([MasmRuntime()])
    code = assemble_actor("use miden::core::sys pub proc invoke padw padw padw padw syscall.message_context exec.sys::truncate_stack end")
    actor = world.put(code)
    for method, handle in ((P - 1, 0), (P, 1), (2**64 - 1, 1)):
        receipt = world.call(actor, method)
        assert receipt.exit_code == (0 if handle == 0 else 11), "the error, 1, is no handle of a block"


def test_addresses(world: World) -> None:
    key = Address.for_actor(b"somebody")
    actor_id = world.machine.tree.register(key)
    f4 = Address.delegated(10, bytes(20))
    world.machine.tree.set(actor_id, ActorState(EMPTY_LIST_CID, delegated=f4))
    assert probe(world, "resolve_address", [], key.to_bytes()).stack[:4] == [0, actor_id, 0, 0]
    assert probe(world, "resolve_address", [], Address.of(2**60).to_bytes()).stack[:2] == [0, 2**60]
    found = probe(world, "lookup_delegated_address", [actor_id], advice=8)
    assert found.stack[:4] == [0, 22, 0, 0]
    assert found.advice == f4.to_bytes() + bytes(10)
    size = len(Address.for_creation(Address.of(ALICE), 0, 0).to_bytes())
    made = probe(world, "next_actor_address", [], advice=8)
    assert made.stack[:2] == [0, size]
    assert made.advice[:size] == Address.for_creation(Address.of(ALICE), 0, 0).to_bytes()


def test_codes(world: World) -> None:
    cid = store_block(world.blocks, NOTHING.to_bytes(), MAST_FOREST)
    other = world.put(cid)
    assert probe(world, "get_actor_code_cid", [other]).stack[:12] == [0, *elements(cid)]
    assert probe(world, "get_builtin_actor_type", elements(cid)).stack[:4] == [0, 0, 0, 0]


def test_the_init_actor_creates_actors(world: World) -> None:
    cid = store_block(world.blocks, NOTHING.to_bytes(), MAST_FOREST)
    slots = elements(cid)
    slots[2] = 555
    pushes = ".".join(map(str, reversed([0, *slots])))
    source = f"use miden::core::sys pub proc invoke drop push.{pushes} syscall.create_actor assertz push.0 exec.sys::truncate_stack end"
    code = store_block(world.blocks, assemble_actor(source).to_bytes(), MAST_FOREST)
    init = world.machine.tree.get(INIT_ID)
    assert init is not None
    world.machine.tree.set(INIT_ID, init._replace(code=code))
    assert world.call(INIT_ID, 2).exit_code == 0
    assert world.machine.tree.get(555) == ActorState(cid)


def test_sends(world: World) -> None:
    receiver = world.put(assemble_actor(RETURNS))
    address = Address.of(receiver).to_bytes()
    everything = [2**32 - 1, 2**32 - 1, 0, 0]
    sent = probe(world, "send", [9, 0, 0, 0, 0, 0, 0, *everything], address)
    assert sent.stack[:8] == [0, 0, 1, RAW, 0, 0, 0, 4]
    assert sent.stack[8:12] == everything
    assert probe(world, "send", [5, 0, 0, 0, 0, 0, 0, *everything], address).stack[:4] == [0, 55, 0, 0]
    assert probe(world, "send", [9, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], address).stack[:4] == [0, 7, 0, 0], "one gas is not enough"


RETURNS = """
use miden::actor::message
use miden::core::sys
# method 9 returns four bytes, all others end with code 55
pub proc invoke
    exec.message::enter
    exec.message::method eq.9 push.55 exec.message::require
    push.4.0 exec.::miden::actor::bytes::give push.0.0.0x55.0 syscall.block_create drop
    exec.sys::truncate_stack
end"""


def test_ends(world: World) -> None:
    def end(code: int, handle: int = 0, before: str = "") -> Any:
        source = f"pub proc invoke drop {before} push.0.{handle}.{code}.0 syscall.exit end"
        return world.call(world.put(assemble_actor(source)), 2, [1])

    assert end(16).exit_code == 16
    assert end(2**32 - 1).exit_code == 2**32 - 1
    assert end(5).exit_code == 9
    assert end(0).exit_code == 0
    assert end(33, 1).return_data == b"\x81\x01"
    assert end(33, 7).exit_code == 10
    said = f"push.{unpack('<I', b'help')[0]} mem_store.0 push.4.0 exec.::miden::actor::bytes::give"
    assert "help" in end(44, 0, said).failure


def test_self_destruct(world: World) -> None:
    source = "use miden::core::sys pub proc invoke push.0.0.1.0 syscall.self_destruct assertz push.0 exec.sys::truncate_stack end"
    actor = world.put(assemble_actor(source), balance=5)
    assert world.call(actor, 2).exit_code == 0
    assert world.machine.tree.get(actor) is None


# -- the world, cryptography, events, gas


def test_the_network(world: World) -> None:
    probed = probe(world, "network_context", range(11))
    fee = CONTEXT.base_fee
    assert probed.stack[:8] == [0, 77, 1_700_000_000, 21, 314, 0, 0, 0]
    assert probed.stack[8:12] == [fee >> 96, fee >> 64 & 0xFFFFFFFF, fee >> 32 & 0xFFFFFFFF, fee & 0xFFFFFFFF]
    assert probe(world, "tipset_cid", [5]).stack[:12] == [0, *elements(TIPSET)]
    for name, label in (("get_chain_randomness", b"chain"), ("get_beacon_randomness", b"beacon")):
        digest = unpack("<8I", hashlib.sha256(label + b"70").digest())
        assert probe(world, name, [70]).stack[:12] == [0, 0, 0, 0, *reversed(digest[:4]), *reversed(digest[4:])]


def test_cryptography(world: World) -> None:
    hashed = probe(world, "hash", [SHA2_256], b"hello", advice=8)
    assert hashed.stack[:4] == [0, 32, 0, 0]
    assert hashed.advice == hashlib.sha256(b"hello").digest()
    signer = Address.from_secp256k1(b"\4" + bytes(64))
    assert probe(world, "verify_signature", [1], b"right", signer.to_bytes(), b"text").stack[:4] == [0, 1, 0, 0]
    assert probe(world, "verify_signature", [1], b"wrong", signer.to_bytes(), b"text").stack[:4] == [0, 0, 0, 0]
    externs = world.machine.externs
    assert isinstance(externs, Outside)
    assert externs.asked == [(1, b"right", signer, b"text"), (1, b"wrong", signer, b"text")]
    key = probe(world, "recover_secp_public_key", [], bytes(32), bytes(65), advice=24)
    assert key.stack[:4] == [0, 65, 0, 0]
    assert key.advice[:65] == bytes(range(65))


def test_events(world: World) -> None:
    heads = pack("<8I", 3, 0x51, 5, 1, 1, RAW, 2, 3)
    probed = probe(world, "emit_event", [2], heads, b"countto", b"\x07abc")
    assert probed.stack[:4] == [0, 0, 0, 0]
    (event,) = probed.receipt.events
    assert [tuple(entry) for entry in event.entries] == [(3, "count", 0x51, b"\x07"), (1, "to", RAW, b"abc")]


def test_gas_and_debugging(world: World) -> None:
    before = probe(world, "gas_available").stack
    assert before[0] == 0
    left = before[1] << 32 | before[2]
    assert 0 < 10_000_000_000 - left < 1000
    charged = probe(world, "gas_available", before="push.0.500.1.0 syscall.gas_charge dropw").stack
    assert left - (charged[1] << 32 | charged[2]) - (2**32 + 500) < 100
    assert probe(world, "debug_enabled").stack[:4] == [0, 1, 0, 0]
    assert probe(world, "debug_log", [], b"hello").error == 0
    assert probe(world, "debug_store_artifact", [], b"name", b"data").error == 0
    externs = world.machine.externs
    assert isinstance(externs, Outside)
    assert externs.asked == [("name", b"data")]


# -- around the kernel


def test_only_the_kernel_emits_the_events_of_the_kernel(world: World) -> None:
    for name in sorted(call.name for call in CALLS.values()):
        receipt = world.call(world.put(assemble_actor(f'pub proc invoke emit.event("miden::actor::{name}") end')), 2)
        assert receipt.exit_code == 4, name
        assert "only the kernel" in receipt.failure
    for how in ("dynexec", "dyncall"):
        digest = kernel_library().find_procedure("$kernel::self_root")
        assert digest is not None
        source = f"pub proc invoke push.{list(digest)} mem_storew_be.0x100 dropw push.0x100 {how} end"
        assert world.call(world.put(assemble_actor(source)), 2).exit_code == 4


def test_unknown_events_break_an_actor(world: World) -> None:
    assert world.call(world.put(assemble_actor('pub proc invoke emit.event("nobody::knows") end')), 2).exit_code == 4


def test_an_actor_gives_a_few_pieces_and_no_more(world: World) -> None:
    source = "pub proc invoke {} push.0 swap drop end"
    for count, code in ((4, 0), (5, 4)):
        gives = 'emit.event("miden::actor::give") ' * count
        assert world.call(world.put(assemble_actor(source.format(gives))), 2).exit_code == code


def test_failures_are_told_apart(world: World) -> None:
    cases = {
        "push.0 assert": 24,
        'push.7 assertz.err="no"': 24,
        "push.1.2 assert_eq": 24,
        "push.0 inv": 4,
        "push.4294967296 u32assert": 4,
        "push.4294967296 mem_load": 4,
        "push.2 if.true nop else nop end": 4,
        "adv_push.1": 4,
        "push.1": 4,
    }
    for body, code in cases.items():
        receipt = world.call(world.put(assemble_actor(f"pub proc invoke {body} end")), 2)
        assert receipt.exit_code == code, (body, receipt)
    assert world.call(world.put(NOTHING), 2).exit_code == 0, "the machine goes on"


def test_a_handle_that_is_none_is_a_missing_return(world: World) -> None:
    for handle in (1, 2**32, P - 1):
        assert world.call(world.put(assemble_actor(f"pub proc invoke push.{handle} swap drop end")), 2).exit_code == 11


def test_a_host_that_lies_is_caught(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """What comes from the advice stack is checked: no answer of another shape gets past the kernel."""
    for name, lie in (("block_stat", (0, 2**32, 0, 0)), ("self_root", (0, RAW, BLAKE2B_256, 0, 2**32, *[0] * 7))):
        call = CALLS[event_id(f"miden::actor::{name}")]
        monkeypatch.setattr(call, "serve", lambda run, lie=lie: lie)
        slots = "padw padw padw"
        receipt = world.call(world.put(assemble_actor(f"pub proc invoke {slots} syscall.{name} dropw dropw dropw end")), 2)
        assert receipt.exit_code == 4, (name, receipt)
