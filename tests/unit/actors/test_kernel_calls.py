"""The calls of the kernel one by one: what they give, what they refuse, and what they cost on the network."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from miden.actors.address import Address
from miden.actors.codes import ErrorNumber, Exit, ExitCode, Fatal, OutOfGas, SyscallError
from miden.actors.context import MachineContext
from miden.actors.events import Entry
from miden.actors.externs import Externs
from miden.actors.kernel import SYSCALLS, Kernel
from miden.actors.kernel.digests import keccak256
from miden.actors.prices import NV18, NV21
from miden.actors.registry import Block
from miden.ipld import dagcbor
from miden.ipld.cid import CBOR, DAG_CBOR, RAW, Cid
from miden.ipld.multihash import BLAKE2B_256, SHA2_256
from tests.support.actor_machines import kernel_of, machine_with

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KEY = Address(b"\x01" + bytes(20))


class World(Externs):
    """Answers everything."""

    def __init__(self) -> None:
        self.artifacts: dict[str, bytes] = {}

    def get_chain_randomness(self, epoch: int) -> bytes:
        return bytes((epoch,)) * 32

    def get_beacon_randomness(self, epoch: int) -> bytes:
        return bytes((255 - epoch,)) * 32

    def get_tipset_cid(self, epoch: int) -> Cid:
        return Cid.of(b"tipset %d" % epoch)

    def verify_signature(self, signature_type: int, signature: bytes, signer: Address, text: bytes) -> bool:
        return signature == text

    def verify_bls_aggregate(self, signature: bytes, keys: Sequence[bytes], texts: Sequence[bytes]) -> bool:
        return signature == b"|".join(texts)

    def recover_secp_public_key(self, digest: bytes, signature: bytes) -> bytes:
        return digest + signature

    def verify_consensus_fault(self, first: bytes, second: bytes, extra: bytes) -> tuple[int, int, int] | None:
        return (1, 2, 3) if first != second else None

    def verify_seals(self, seals: Sequence[Any]) -> list[bool]:
        return [seal == 1 for seal in seals]

    def verify_proof(self, kind: str, proof: Any) -> bool:
        return kind == "post"

    def compute_unsealed_sector_cid(self, proof_type: int, pieces: Any) -> Cid:
        return Cid.of(bytes((proof_type, len(pieces))))

    def store_artifact(self, name: str, data: bytes) -> None:
        self.artifacts[name] = data


def a_kernel(version: int = 21, externs: Externs | None = None, **options: Any) -> Kernel:
    context = MachineContext(
        epoch=50, timestamp=1500, base_fee=9, network_version=version, chain_id=314, circulating_supply=77, debugging=True
    )
    machine = machine_with(context=context, externs=World() if externs is None else externs)
    machine.create_account(10**24)
    return kernel_of(machine, **options)


def refused(function: Callable[..., Any], *args: Any) -> ErrorNumber:
    with pytest.raises(SyscallError) as error:
        function(*args)
    return error.value.number


def cost(kernel: Kernel, function: Callable[..., Any], *args: Any) -> int:
    before = kernel.gas.used
    function(*args)
    return kernel.gas.used - before


def test_reading_blocks_ends_where_they_end() -> None:
    kernel = a_kernel()
    handle = kernel.block_create(RAW, b"0123456789")
    for offset, size, data, rest in (
        (0, 10, b"0123456789", 0),
        (0, 4, b"0123", 6),
        (8, 10, b"89", -8),
        (10, 1, b"", -1),
        (99, 0, b"", -89),
    ):
        assert kernel.block_read(handle, offset, size) == (data, rest)
    assert kernel.block_stat(handle) == (RAW, 10)
    assert refused(kernel.block_read, handle, 1 << 30, 1 << 30) == ErrorNumber.ILLEGAL_ARGUMENT
    # the sum is checked before the handle
    assert refused(kernel.block_read, 99, 1 << 31, 0) == ErrorNumber.ILLEGAL_ARGUMENT
    assert kernel.block_read(handle, (1 << 31) - 2, 1)[1] == 10 - ((1 << 31) - 1)


def test_a_block_has_at_most_a_mebibyte() -> None:
    kernel = a_kernel()
    assert kernel.block_create(RAW, bytes(1 << 20)) == 1
    assert refused(kernel.block_create, RAW, bytes((1 << 20) + 1)) == ErrorNumber.LIMIT_EXCEEDED
    # before the codec is looked at
    assert refused(kernel.block_create, 7, bytes((1 << 20) + 1)) == ErrorNumber.LIMIT_EXCEEDED


def test_blocks_cost_what_they_cost_on_the_network() -> None:
    kernel = a_kernel()
    data = dagcbor.encode([Cid.of(b"child", RAW), "text"])
    kernel.registry.mark_reachable(Cid.of(b"child", RAW).to_bytes())
    size, gas = len(data), 1000
    scan = 35 * 3 * gas + 400 * gas
    assert cost(kernel, kernel.block_create, DAG_CBOR, data) == scan + max(2400 * size + 300 * gas, 10 * gas * size)
    assert cost(kernel, kernel.block_link, 1, BLAKE2B_256, 32) == 12_400 * size + 300 * gas + (172_000 + 334_000 + 3340 * size) * gas
    assert cost(kernel, kernel.block_open, Cid.of(data)) == (300 + 187_440) * gas + scan + max(300 * gas + 2400 * size, 10 * gas * size)
    assert cost(kernel, kernel.block_read, 1, 0, 1000) == 400 * size
    assert cost(kernel, kernel.block_stat, 1) == 0
    assert cost(kernel, kernel.enter) == 14_000 * gas
    assert cost(kernel, kernel.root) == 300 * gas
    assert cost(kernel, kernel.set_root, Cid.of(data)) == 300 * gas
    before = a_kernel(18)
    before.machine.blocks.put(Cid.of(data), data)
    assert cost(before, before.block_open, Cid.of(data)) == 187_440 * gas + 10 * gas * size


def test_the_state_is_set_and_found_again() -> None:
    kernel = a_kernel()
    link = kernel.block_link(kernel.block_create(DAG_CBOR, dagcbor.encode([1])), BLAKE2B_256, 32)
    kernel.set_root(link)
    assert kernel.root() == link
    assert refused(kernel.root, 37) == ErrorNumber.BUFFER_TOO_SMALL
    reader = kernel_of(kernel.machine, read_only=True)
    # asking for the root makes it reachable, even if there was no room for it
    assert refused(reader.root, 0) == ErrorNumber.BUFFER_TOO_SMALL
    assert reader.block_open(link)[2] == 2
    assert refused(reader.set_root, link) == ErrorNumber.READ_ONLY


def test_an_actor_ends_itself() -> None:
    kernel = a_kernel()
    assert refused(kernel_of(kernel.machine, read_only=True).self_destruct, True) == ErrorNumber.READ_ONLY
    assert kernel.current_balance() == 10**24
    assert refused(kernel.self_destruct) == ErrorNumber.ILLEGAL_OPERATION
    kernel.self_destruct(True)
    assert kernel.balance_of(99) == 10**24
    assert kernel.current_balance() == 0
    assert refused(kernel.root) == ErrorNumber.ILLEGAL_OPERATION
    assert refused(kernel.balance_of, 100) == ErrorNumber.NOT_FOUND
    kernel.self_destruct()
    assert refused(kernel.set_root, Cid.of(b"\x80")) == ErrorNumber.NOT_FOUND
    kernel.registry.mark_reachable(Cid.of(b"\x80").to_bytes())
    assert refused(kernel.set_root, Cid.of(b"\x80")) == ErrorNumber.ILLEGAL_OPERATION


def test_before_version_21_an_actor_names_its_heir() -> None:
    kernel = a_kernel(18)
    assert refused(kernel.self_destruct, False, KEY) == ErrorNumber.NOT_FOUND
    assert refused(kernel.self_destruct, False, Address.of(100)) == ErrorNumber.FORBIDDEN
    kernel.self_destruct(False, Address.of(2))
    assert kernel.balance_of(2) == 10**24


def test_funds_that_cannot_be_burnt_are_fatal() -> None:
    kernel = a_kernel()
    kernel.machine.tree.delete(99)
    with pytest.raises(Fatal):
        kernel.self_destruct(True)


def test_facts_of_the_invocation_and_of_the_network() -> None:
    kernel = a_kernel(read_only=True)
    assert kernel.message_context() == (100, 0, 100, 100, 2, 0, 0, 1)
    assert kernel.network_context() == (50, 1500, 9, 314, 21)
    assert kernel.total_fil_circ_supply() == 77
    assert (kernel.origin, kernel.nonce, kernel.premium) == (100, 0, 0)
    assert repr(kernel) == "<Kernel f0100 -> f0100 method 2>"


def test_other_actors_are_looked_up() -> None:
    kernel = a_kernel()
    manifest = kernel.machine.manifest
    assert kernel.resolve_address(Address.of(5)) == 5
    assert refused(kernel.resolve_address, KEY) == ErrorNumber.NOT_FOUND
    assert kernel.get_actor_code_cid(1) == manifest.code("init")
    assert refused(kernel.get_actor_code_cid, 1, 3) == ErrorNumber.BUFFER_TOO_SMALL
    assert kernel.lookup_delegated_address(1) is None
    for call in (kernel.get_actor_code_cid, kernel.balance_of, kernel.lookup_delegated_address):
        assert refused(call, 999) == ErrorNumber.NOT_FOUND
    assert kernel.get_builtin_actor_type(manifest.code("init")) == 2
    assert kernel.get_builtin_actor_type(Cid.of(b"")) == 0
    assert kernel.get_code_cid_for_type(2) == manifest.code("init")
    assert refused(kernel.get_code_cid_for_type, 99) == ErrorNumber.ILLEGAL_ARGUMENT
    assert kernel.next_actor_address() == Address.for_creation(Address.of(100), 0, 0)


def test_only_init_creates_actors() -> None:
    kernel = a_kernel()
    code = Cid.of(b"code", RAW)
    assert refused(kernel.create_actor, code, 500) == ErrorNumber.FORBIDDEN
    init = kernel_of(kernel.machine, 1)
    assert refused(kernel_of(kernel.machine, 1, read_only=True).create_actor, code, 500) == ErrorNumber.READ_ONLY
    assert refused(init.create_actor, code, 100) == ErrorNumber.FORBIDDEN
    placeholder = kernel.machine.manifest.code("placeholder")
    assert refused(init.create_actor, placeholder, 500) == ErrorNumber.FORBIDDEN
    assert cost(init, init.create_actor, code, 500) == NV21.actor_lookup + NV21.actor_update + NV21.actor_create
    assert init.get_actor_code_cid(500) == code
    # a placeholder gets its code, if it is who it should be
    name, other = Address.delegated(10, b"a"), Address.delegated(10, b"b")
    made = kernel.machine.tree.get(500)
    assert made is not None
    kernel.machine.tree.set(501, made._replace(code=placeholder, delegated=name, balance=3))
    assert refused(init.create_actor, code, 501, other) == ErrorNumber.FORBIDDEN
    init.create_actor(code, 501, name)
    assert (init.balance_of(501), init.lookup_delegated_address(501)) == (3, name)
    kernel.machine.tree.set(502, made._replace(code=placeholder))
    with pytest.raises(Fatal):
        init.create_actor(code, 502, name)
    assert init.next_actor_address() == Address.for_creation(Address.of(100), 0, 2)


def test_randomness_is_of_the_past() -> None:
    kernel = a_kernel()
    assert kernel.get_chain_randomness(7) == b"\x07" * 32
    assert kernel.get_beacon_randomness(7) == b"\xf8" * 32
    assert refused(kernel.get_chain_randomness, 51) == ErrorNumber.ILLEGAL_ARGUMENT
    assert cost(kernel, kernel.get_chain_randomness, 40) == (146_200 + 75 * 10) * 1000
    before = a_kernel(18)
    drawn = hashlib.blake2b((5).to_bytes(8) + b"\x07" * 32 + (7).to_bytes(8) + b"salt", digest_size=32).digest()
    assert before.get_chain_randomness(7, 5, b"salt") == drawn
    assert cost(before, before.get_beacon_randomness, 7, 5, b"salt") == (21_000 + 10 * 52) * 1000


def test_tipsets_are_of_the_past() -> None:
    kernel = a_kernel()
    assert kernel.tipset_cid(49) == Cid.of(b"tipset 49")
    assert refused(kernel.tipset_cid, 49, 3) == ErrorNumber.BUFFER_TOO_SMALL
    for epoch in (-1, 50, 51):
        assert refused(kernel.tipset_cid, epoch) == ErrorNumber.ILLEGAL_ARGUMENT


def test_an_outside_world_that_is_not_there_refuses() -> None:
    kernel = a_kernel(externs=Externs())
    calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (kernel.get_chain_randomness, (1,)),
        (kernel.get_beacon_randomness, (1,)),
        (kernel.verify_signature, (1, b"", KEY, b"")),
        (kernel.verify_bls_aggregate, (b"", [], b"", [])),
        (kernel.recover_secp_public_key, (b"", b"")),
        (kernel.verify_consensus_fault, (b"", b"", b"")),
        (kernel.batch_verify_seals, (b"\x80",)),
        (kernel.verify_replica_update, (b"\x80",)),
        (kernel.compute_unsealed_sector_cid, (8, b"\x80")),
    ]
    for call, args in calls:
        assert refused(call, *args) == ErrorNumber.ILLEGAL_ARGUMENT
    with pytest.raises(Fatal):
        kernel.tipset_cid(1)
    kernel.store_artifact("name", b"")


HASHES: dict[int, str] = {
    SHA2_256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    BLAKE2B_256: "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319",
    0xB240: "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
    0x1B: "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    0x1053: "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
}


@pytest.mark.parametrize("code", HASHES)
def test_hashes_are_those_of_the_books(code: int) -> None:
    kernel = a_kernel()
    assert kernel.hash(code, b"abc").hex() == HASHES[code]
    assert cost(kernel, kernel.hash, code, bytes(100)) == 100 * NV21.hashing[code]


def test_other_hashes_are_refused() -> None:
    for code in (0, 0x11, 0x13, 0x300000, 1 << 63):
        assert refused(a_kernel().hash, code, b"") == ErrorNumber.ILLEGAL_ARGUMENT


@given(st.integers(0, 600))
@example(135)
@example(136)
@example(272)
def test_keccak_is_that_of_a_library(size: int) -> None:
    keccak = pytest.importorskip("Crypto.Hash.keccak", reason="pycryptodome is not installed")
    data = bytes(index % 251 for index in range(size))
    assert keccak256(data) == keccak.new(digest_bits=256, data=data).digest()


def test_signatures_are_priced_and_judged() -> None:
    kernel = a_kernel()
    assert kernel.verify_signature(1, b"x", KEY, b"x")
    assert not kernel.verify_signature(2, b"x", KEY, b"y")
    assert refused(kernel.verify_signature, 3, b"", KEY, b"") == ErrorNumber.ILLEGAL_ARGUMENT
    assert refused(kernel.verify_signature, 1, b"", Address.of(5), b"") == ErrorNumber.ILLEGAL_ARGUMENT
    assert cost(kernel, kernel.verify_signature, 1, b"", KEY, bytes(10)) == (1_637_292 + 100) * 1000
    assert kernel.verify_bls_aggregate(b"a|bc", [b"", b""], b"abc", [1, 2])
    assert refused(kernel.verify_bls_aggregate, b"", [b""], b"abc", [1, 2]) == ErrorNumber.ILLEGAL_ARGUMENT
    assert refused(kernel.verify_bls_aggregate, b"", [b"", b""], b"abc", [1, 1]) == ErrorNumber.ILLEGAL_ARGUMENT
    assert kernel.recover_secp_public_key(b"ab", b"c") == b"abc"


def test_proofs_are_priced_and_judged() -> None:
    kernel = a_kernel(18)
    assert kernel.verify_post(dagcbor.encode([b"", [], [1, 2], 5]))
    assert cost(kernel, kernel.verify_post, dagcbor.encode([b"", [], [1, 2], 5])) == NV18.post.of(2)
    assert not kernel.verify_aggregate_seals(dagcbor.encode([5, 8, 0, b"", [1, 2, 3, 4]]))
    assert cost(kernel, kernel.verify_aggregate_seals, dagcbor.encode([5, 9, 0, b"", [1] * 4])) == (4 * 359_272 + 102_581_240) * 1000
    assert not kernel.verify_replica_update(b"\x80")
    assert kernel.batch_verify_seals(b"\x82\x01\x02") == [True, False]
    assert kernel.verify_consensus_fault(b"a", b"b", b"") == (1, 2, 3)
    assert kernel.verify_consensus_fault(b"a", b"a", b"") == (0, 0, 0)
    assert kernel.compute_unsealed_sector_cid(8, b"\x82\x01\x02") == Cid.of(b"\x08\x02")
    for wrong in (b"", b"\x01", b"\x84\x01\x02\x03\x04", b"\x85\x01\x61a\x02\x03\x04"):
        assert refused(kernel.verify_post, wrong) == ErrorNumber.ILLEGAL_ARGUMENT
        assert refused(kernel.verify_aggregate_seals, wrong) == ErrorNumber.ILLEGAL_ARGUMENT


def test_events_are_checked_as_on_the_network() -> None:
    kernel = a_kernel()
    emit = kernel.emit_event
    emit([(3, CBOR, 3, 1), (0, RAW, 2, 0)], b"keyk2", b"\x07")
    assert kernel.calls.events[0].entries == (Entry(3, "key", CBOR, b"\x07"), Entry(0, "k2", RAW, b""))
    emit([], b"", b"")
    emit([(0, RAW, 0, 0)] * 255, b"", b"")
    emit([(0, RAW, 31, 8192)], b"k" * 31, bytes(8192))
    cases: list[tuple[list[tuple[int, int, int, int]], bytes, bytes, ErrorNumber]] = [
        ([(0, RAW, 0, 0)] * 256, b"", b"", ErrorNumber.LIMIT_EXCEEDED),
        ([(0, RAW, 0, 8193)], b"", bytes(8193), ErrorNumber.LIMIT_EXCEEDED),
        ([(0, RAW, 32, 0)], b"k" * 32, b"", ErrorNumber.LIMIT_EXCEEDED),
        ([(4, RAW, 1, 0)], b"k", b"", ErrorNumber.ILLEGAL_ARGUMENT),
        ([(0, DAG_CBOR, 1, 0)], b"k", b"", ErrorNumber.ILLEGAL_CODEC),
        ([(0, RAW, 1, 0)], b"", b"", ErrorNumber.ILLEGAL_ARGUMENT),
        ([(0, RAW, 0, 1)], b"", b"", ErrorNumber.ILLEGAL_ARGUMENT),
        ([(0, RAW, 0, 9000)], b"", b"", ErrorNumber.ILLEGAL_ARGUMENT),
        ([(0, RAW, 0, 0)], b"k", b"", ErrorNumber.ILLEGAL_ARGUMENT),
        ([(0, RAW, 0, 0)], b"", b"v", ErrorNumber.ILLEGAL_ARGUMENT),
        ([(0, RAW, 1, 0)], b"\xff", b"", ErrorNumber.ILLEGAL_ARGUMENT),
        ([(0, RAW, 1, 0), (0, RAW, 1, 0)], "é".encode(), b"", ErrorNumber.ILLEGAL_ARGUMENT),
    ]
    for headers, keys, values, number in cases:
        assert refused(emit, headers, keys, values) == number, headers
    assert len(kernel.calls.events) == 4
    assert refused(kernel_of(kernel.machine, read_only=True).emit_event, [], b"", b"") == ErrorNumber.READ_ONLY


def test_before_version_21_events_are_cbor() -> None:
    kernel = a_kernel(18)
    kernel.emit_event_cbor(dagcbor.encode([[3, "key", RAW, b"v"]]))
    assert kernel.calls.events[0].entries == (Entry(3, "key", RAW, b"v"),)
    cases = [
        (b"\xff", ErrorNumber.ILLEGAL_ARGUMENT),
        (dagcbor.encode([[0, "", RAW, b""]] * 257), ErrorNumber.ILLEGAL_ARGUMENT),
        (dagcbor.encode([[0, "k" * 33, RAW, b""]]), ErrorNumber.ILLEGAL_ARGUMENT),
        (dagcbor.encode([[0, "", CBOR, b""]]), ErrorNumber.ILLEGAL_CODEC),
        (dagcbor.encode([[0, "", RAW, bytes(8193)]]), ErrorNumber.ILLEGAL_ARGUMENT),
        (bytes((1 << 20) + 1), ErrorNumber.ILLEGAL_ARGUMENT),
    ]
    for data, number in cases:
        assert refused(kernel.emit_event_cbor, data) == number
    reader = kernel_of(kernel.machine, read_only=True)
    assert refused(reader.emit_event_cbor, b"\x80") == ErrorNumber.READ_ONLY


def test_an_exit_says_why() -> None:
    kernel = a_kernel()
    for code, expected in ((0, 0), (1, 9), (15, 9), (16, 16), (1 << 31, 1 << 31)):
        with pytest.raises(Exit) as end:
            kernel.exit(code, 3, "because")
        assert (end.value.code, end.value.block) == (expected, 3)
    with pytest.raises(Exit) as end:
        kernel.exit(16, 0, b"a" * 1000 + b"\xff" * 1000)
    assert end.value.message.startswith("a" * 512 + " ... (skipped 976 bytes) ... ")
    assert end.value.code != ExitCode.OK
    with pytest.raises(Exit, match="actor aborted"):
        kernel.exit(16)


def test_help_for_those_who_debug() -> None:
    kernel = a_kernel()
    world = kernel.machine.externs
    assert isinstance(world, World)
    assert kernel.enabled()
    kernel.log("hello")
    kernel.store_artifact("name.txt", b"data")
    assert world.artifacts == {"name.txt": b"data"}
    for name in ("", ".hidden", "a/b", "a\\b", "x" * 257):
        assert refused(kernel.store_artifact, name, b"") == ErrorNumber.ILLEGAL_ARGUMENT


def test_gas_is_seen_and_spent() -> None:
    kernel = a_kernel(gas_limit=100)
    kernel.charge("mine", 30)
    assert kernel.available() == 70
    kernel.gas.charge("a bit", 1)
    assert kernel.available() == 69
    with pytest.raises(OutOfGas):
        kernel.charge("mine", 1 << 63)
    assert kernel.available() == 0


def test_the_last_error_is_that_of_the_last_call() -> None:
    kernel = a_kernel()
    refused(kernel.block_stat, 9)
    assert str(kernel.last_error) == "ipld::block_stat: INVALID_HANDLE: no block has handle 9"
    with pytest.raises(Exit):
        kernel.exit(16)
    assert kernel.last_error is not None
    kernel.message_context()
    assert kernel.last_error is None


def test_a_full_registry_takes_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    from miden.actors import registry

    kernel = a_kernel()
    kernel.registry.put_reachable(Block(RAW, b""))
    monkeypatch.setattr(registry, "MAX_BLOCKS", 1)
    assert refused(kernel.block_create, RAW, b"") == ErrorNumber.LIMIT_EXCEEDED
    assert refused(kernel.send, Address.of(100), 0) == ErrorNumber.LIMIT_EXCEEDED
    data = dagcbor.encode([Cid.of(b"nowhere")])
    assert refused(kernel.block_create, DAG_CBOR, data) == ErrorNumber.LIMIT_EXCEEDED


def test_every_call_has_the_module_of_the_network() -> None:
    assert set(SYSCALLS.values()) == {"ipld", "self", "send", "vm", "actor", "network", "crypto", "event", "gas", "rand", "debug"}
    assert all(callable(getattr(Kernel, name)) for name in SYSCALLS)
