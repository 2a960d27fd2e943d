"""The library of actors in Miden assembly: bytes and CBOR against Python's own, maps against `miden.ipld.hamt`."""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from struct import unpack
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miden.actors.runtimes.masm import MasmRuntime
from miden.actors.runtimes.masm.build import actor_modules, assemble_actor_library, assemble_kernel
from miden.actors.runtimes.masm.library import actor_assembler, actor_library, assemble_actor, kernel_library
from miden.field import P
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks
from miden.ipld.cid import Cid
from miden.ipld.hamt import Hamt
from miden.vm.inputs import AdviceInputs
from miden.vm.processor import execute
from tests.support.actor_world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from miden.mast.program import Program
    from miden.vm.outputs import ExecutionOutput

SIZE = 128
"""Bytes of memory that a program here starts with, from address 0 on."""
BACKENDS = ("core", "pure")
EXAMPLES = settings(max_examples=60)


@functools.cache
def program(call: str) -> Program:
    body = f"push.{SIZE}.0 exec.::miden::actor::bytes::pipe exec.::miden::actor::{call} exec.sys::truncate_stack"
    return actor_assembler().assemble_program(f"use miden::core::sys begin {body} end")


def run(call: str, stack: Sequence[int], data: bytes = b"", backend: str | None = None) -> ExecutionOutput:
    """Run one procedure of the library on a stack, top first, with `data` in memory."""
    advice = AdviceInputs(unpack(f"<{SIZE // 4}I", data.ljust(SIZE, b"\0")))
    return execute(program(call), stack=stack, advice=advice, backend=backend)


def memory(output: ExecutionOutput, size: int = 2 * SIZE) -> bytes:
    cells = output.memory(0)
    return b"".join(cells.get(address, 0).to_bytes(4, "little") for address in range(size // 4))


memories = st.binary(min_size=SIZE, max_size=SIZE)
numbers = st.one_of(*(st.integers(0, 1 << bits) for bits in (4, 5, 8, 16, 32, 48))) | st.integers(0, 2**63 - 1)


# -- what is shipped is what the sources say


def test_the_files_are_those_of_the_sources() -> None:
    kernel = assemble_kernel()
    assert kernel.to_bytes() == kernel_library().to_bytes()
    assert assemble_actor_library(kernel).to_bytes() == actor_library().to_bytes()


def test_every_public_procedure_of_the_library_says_what_it_does() -> None:
    from miden.package.docs import source_docs

    for module in source_docs(actor_modules()):
        assert module.docs, module.path
        for item in module.items:
            if item.kind == "procedure":
                assert "Inputs:" in item.docs, item.path
                assert "Outputs:" in item.docs or "Fails:   always" in item.docs, item.path


# -- bytes


@EXAMPLES
@given(memories, st.data())
def test_bytes_are_copied(data: bytes, choose: st.DataObject) -> None:
    size = choose.draw(st.integers(0, 70))
    start = choose.draw(st.integers(0, SIZE - size))
    to = choose.draw(st.integers(SIZE, SIZE + 50) | st.integers(0, start))
    output = run("bytes::copy", [start, to, size], data)
    expected = bytearray(data.ljust(2 * SIZE, b"\0"))
    expected[to : to + size] = data[start : start + size]
    assert memory(output) == expected
    assert not any(output.stack)


@EXAMPLES
@given(memories, st.integers(0, SIZE - 8))
def test_bytes_are_loaded(data: bytes, at: int) -> None:
    assert run("bytes::load", [at], data).stack[0] == data[at]
    assert run("bytes::load_four", [at], data).stack[0] == int.from_bytes(data[at : at + 4], "little")
    assert run("bytes::load_eight_reversed", [at], data).stack[0] == int.from_bytes(data[at : at + 8]) % P


@EXAMPLES
@given(memories, st.integers(0, SIZE - 8), st.integers(0, P - 1))
def test_bytes_are_stored(data: bytes, at: int, number: int) -> None:
    for call, size in (("store", 1), ("store_four_reversed", 4), ("store_eight_reversed", 8)):
        value = number % 256**size
        output = run(f"bytes::{call}", [at, value], data)
        assert memory(output, SIZE) == data[:at] + value.to_bytes(size) + data[at + size :]
        assert not any(output.stack)


@EXAMPLES
@given(st.binary(max_size=SIZE // 2), st.binary(max_size=SIZE // 2), st.integers(0, 8))
def test_bytes_are_compared(first: bytes, second: bytes, size: int) -> None:
    data = first.ljust(SIZE // 2, b"\0") + second.ljust(SIZE // 2, b"\0")
    one, other = data[:size], data[SIZE // 2 : SIZE // 2 + size]
    assert run("bytes::compare", [0, SIZE // 2, size], data).stack[0] == (0 if one == other else 1 if one < other else 2)
    assert run("bytes::compare", [SIZE // 2, 0, size], data).stack[0] == (0 if one == other else 2 if one < other else 1)


@EXAMPLES
@given(st.integers(0, 2**32 - 1))
def test_four_bytes_are_reversed(number: int) -> None:
    assert run("bytes::reverse", [number]).stack[0] == int.from_bytes(number.to_bytes(4), "little")


# -- CBOR


@EXAMPLES
@given(st.sampled_from((0, 2, 3, 4)), numbers, st.integers(0, 9))
def test_heads_are_written_and_read(major: int, argument: int, at: int) -> None:
    head = dagcbor.head(major, argument)
    written = run("cbor::write_head", [at, major, argument])
    assert memory(written, SIZE)[at : at + len(head)] == head
    assert written.stack[0] == at + len(head)
    read = run("cbor::read_head", [at], bytes(at) + head)
    assert read.stack[:4] == [major, argument >> 32, argument & 0xFFFFFFFF, at + len(head)]
    assert not any(read.stack[4:])


@EXAMPLES
@given(numbers, st.integers(0, 9), st.sampled_from(BACKENDS))
def test_values_are_written_and_read(number: int, at: int, backend: str) -> None:
    data = bytes(at) + dagcbor.encode(number)
    assert run("cbor::read_uint", [at], data, backend).stack[:2] == [number, len(data)]
    written = run("cbor::write_uint", [at, number], b"", backend)
    assert memory(written, SIZE)[:SIZE] == data.ljust(SIZE, b"\0")
    assert written.stack[0] == len(data)


def test_links_and_bytes_are_written_and_read() -> None:
    cid = Cid.of(b"block")
    link = dagcbor.encode(cid)
    for at in range(5):
        assert run("cbor::read_link", [at], bytes(at) + link).stack[:2] == [at + 11, at + 43]
        output = run("cbor::write_link", [64 + at, 7], bytes(7) + cid.digest)
        assert memory(output)[64 + at : 107 + at] == link
        assert output.stack[0] == 107 + at
        output = run("cbor::write_bytes", [64 + at, 3, 40], bytes(range(64)))
        assert memory(output)[64 + at : 106 + at] == dagcbor.encode(bytes(range(3, 43)))
        data = bytes(at) + dagcbor.encode(bytes(50))
        assert run("cbor::read_bytes", [at], data).stack[:2] == [50, at + 2]
        assert run("cbor::read_list", [at], bytes(at) + dagcbor.encode([0] * 30)).stack[:2] == [30, at + 2]


READS = """
use miden::actor::bytes
use miden::actor::cbor
use miden::actor::message
use miden::core::sys
pub proc invoke
    push.64.0x1000 movup.2 exec.message::read_parameters drop
    push.0x1000 exec.cbor::{}
    push.0 exec.sys::truncate_stack
end"""


@pytest.mark.parametrize(
    ("call", "good", "bad"),
    [
        ("read_uint", ["00", "17", "1818", "190100", "1a00010000", "1b0000000100000000", "1b7fffffffffffffff"], ["20", "40", "80", "f6"]),
        ("read_uint", [], ["1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "1b8000000000000000", "1c", "1d", "1e", "1f"]),
        ("read_list", ["80", "9818"], ["00", "9f", "9817", "a0", "40"]),
        ("read_bytes", ["40", "5818", "59ffff", "5a00ffffff"], ["60", "00", "5817", "5a01000000", "5b0000000100000000", "5f"]),
        ("read_link", ["d82a5827000171a0e40220" + "00" * 32], ["d82a5827000155a0e40220", "d82b582700", "82", "d82a5827010171a0e40220"]),
    ],
)
def test_what_is_read_has_one_form(call: str, good: list[str], bad: list[str]) -> None:
    world = World([MasmRuntime()])
    actor = world.put(assemble_actor(READS.format(call)))
    for text, code in [*((text, 0) for text in good), *((text, 21) for text in bad)]:
        receipt = world.call(actor, 2, bytes.fromhex(text))
        assert receipt.exit_code == code, (text, receipt)


# -- maps


MAP = assemble_actor(
    """
    use miden::actor::cbor
    use miden::actor::hamt
    use miden::actor::message
    use miden::core::sys

    const PAIRS = 0x100000
    const ROOT = 0x2000
    const RESULT = 0x9000
    const READER = 0x3000
    const LEFT = 0x3001

    # sets keys and values, [key, value, key, value, ...], and returns the link of the map
    pub proc invoke
        push.0x100000.PAIRS movup.2 exec.message::read_parameters drop
        push.ROOT exec.hamt::new
        push.PAIRS exec.cbor::read_list u32div.2 mem_store.LEFT mem_store.READER
        mem_load.LEFT neq.0
        while.true
            mem_load.READER exec.cbor::read_uint swap exec.cbor::read_uint
            # [value, reader, key]
            swap mem_store.READER swap
            # what is looked up before and behind is what is there
            push.ROOT exec.hamt::set
            mem_load.LEFT sub.1 dup mem_store.LEFT neq.0
        end
        push.0x8000.RESULT exec.cbor::write_link sub.RESULT
        push.RESULT exec.message::make_block
        exec.sys::truncate_stack
    end"""
)


def expected_root(pairs: Iterable[tuple[int, int]]) -> Cid:
    table = Hamt(MemoryBlocks(), bit_width=8)
    for key, value in pairs:
        table.set(key.to_bytes(8), value.to_bytes(8))
    return table.flush()


def check_map(pairs: list[tuple[int, int]], backend: str = "core") -> None:
    world = World([MasmRuntime(backend)])
    receipt = world.call(world.put(MAP), 2, [number for pair in pairs for number in pair])
    assert receipt.exit_code == 0, receipt
    assert dagcbor.decode(receipt.return_data) == expected_root(pairs)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 40) | st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1)), max_size=40))
def test_maps_have_the_shape_that_all_have(pairs: list[tuple[int, int]]) -> None:
    check_map(pairs)


@pytest.mark.parametrize("backend", BACKENDS)
def test_keys_whose_hashes_start_alike_share_a_way_down(backend: str) -> None:
    """Four and five keys with two bytes of hash in common: a bucket spills through a level at which all of them stay together."""
    alike: dict[bytes, list[int]] = defaultdict(list)
    keys: list[int] = []
    for key in range(100_000):
        same = alike[hashlib.sha256(key.to_bytes(8)).digest()[:2]]
        same.append(key)
        if len(same) == 5:
            keys = same
            break
    assert len(keys) == 5
    for order in (keys, keys[::-1], keys[2:] + keys[:2]):
        for count in (4, 5):
            check_map([(key, 7 * key) for key in order[:count]] + [(9_999_999, 1), (order[0], 3)], backend)


def test_a_map_with_a_full_root() -> None:
    check_map([(key, key * key) for key in range(700)])


@pytest.mark.parametrize(
    "node", [[b"", [1]], [b"\x01"], [b"\1" * 33, []], b"", [b"\x80", []], [b"\x01", ["text"]], {"a": 1}, [b"\x01", [[b"x"] * 9]]]
)
def test_blocks_that_are_no_nodes_end_the_actor(node: object) -> None:
    """Hostile state: whatever a link leads to, the actor ends with an exit code, and soon."""
    world = World([MasmRuntime()])
    root = Cid.of(dagcbor.encode(node))
    world.blocks.put(root, dagcbor.encode(node))
    for key in range(8):
        source = f"""
        use miden::actor::hamt
        use miden::core::sys
        pub proc invoke
            drop padw padw padw syscall.self_root dropw mem_storew_be.0x2000 dropw mem_storew_be.0x2004 dropw
            push.{key}.0x2000 exec.hamt::get drop drop push.0 exec.sys::truncate_stack
        end"""
        actor = world.put(assemble_actor(source))
        world.set_state(actor, root)
        receipt = world.call(actor, 2, gas=10**7)
        assert receipt.exit_code in (0, 4, 21, 24), receipt
