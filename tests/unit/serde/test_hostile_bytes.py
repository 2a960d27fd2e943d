"""Bytes that lie: only `FormatError` and `IntegrityError` come out, soon, and without much memory."""

from __future__ import annotations

import random
import struct
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import FormatError, IntegrityError
from miden.hashing import HAVE_CORE
from miden.mast import checks
from miden.mast.digests import block_digest
from miden.mast.forest import MastForest
from miden.mast.library import KernelLibrary, Library
from miden.mast.program import Program
from miden.mast.types import TYPE_DEPTH_LIMIT
from miden.serde import debug_section, forest
from miden.serde.program import program_from_bytes, stack_from_bytes
from miden.serde.reader import Reader
from miden.serde.types import read_signature, read_type
from miden.serde.writer import vint
from tests.support.mast_vectors import FILES, VECTORS

if TYPE_CHECKING:
    from collections.abc import Callable

FOREST1, FOREST2 = bytes.fromhex(VECTORS["forest1_hex"]), bytes.fromhex(VECTORS["forest2_hex"])
LIBRARY = bytes.fromhex(VECTORS["library"]["bytes_hex"])
PROGRAM = bytes.fromhex(VECTORS["kernel_program_hex"])
KERNEL = min((data for _, kind, data, _ in FILES if kind == "kernel"), key=len)
DECODERS: list[tuple[str, Callable[[bytes], Any], bytes]] = [
    ("forest1", MastForest.from_bytes, FOREST1),
    ("forest2", MastForest.from_bytes, FOREST2),
    ("program", Program.from_bytes, PROGRAM),
    ("library", Library.from_bytes, LIBRARY),
    ("kernel", KernelLibrary.from_bytes, KERNEL),
]
BY_NAME = pytest.mark.parametrize(("decode", "data"), [row[1:] for row in DECODERS], ids=[row[0] for row in DECODERS])


def outcome(decode: Callable[[bytes], Any], data: bytes) -> Any:
    """Return what was decoded, or None if it was refused as it should be."""
    try:
        decoded = decode(data)
    except FormatError as error:
        if error.offset is None or not 0 <= error.offset <= len(data):
            pytest.fail(f"no offset in the input: {error}")
        return None
    except IntegrityError:
        return None
    return decoded


def touch(decoded: Any) -> None:
    """Ask for everything that is decoded late."""
    found = decoded if isinstance(decoded, MastForest) else decoded.forest
    repr(found.debug_info)
    decoded.to_bytes()


@BY_NAME
def test_every_truncation_is_refused(decode: Callable[[bytes], Any], data: bytes) -> None:
    for size in range(len(data)):
        assert outcome(decode, data[:size]) is None


@BY_NAME
def test_every_flipped_bit_is_refused_or_harmless(decode: Callable[[bytes], Any], data: bytes) -> None:
    original = decode(data)
    whole = original if isinstance(original, MastForest) else original.forest
    known = {digest for digest in whole.digests if digest != (1, 2, 3, 4)}
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        decoded = outcome(decode, bytes(changed))
        if decoded is not None:
            touch(decoded)
            found = decoded if isinstance(decoded, MastForest) else decoded.forest
            # What no digest covers: roots and externals, advice, kernel, names, debug information.
            kept = [digest for node, digest in enumerate(found.digests) if found.kind(node) != 8]
            assert set(kept) <= known


def damaged(generator: random.Random, data: bytes) -> bytes:
    """Return bytes with one to four random changes."""
    changed = bytearray(data)
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(changed) + 1)
        action = generator.randrange(4)
        if action == 0 and at < len(changed):
            changed[at] = generator.choice((0, 1, 0x7F, 0x80, 0xFF, generator.randrange(256)))
        elif action == 1:
            del changed[at : at + generator.randint(1, 9)]
        elif action == 2:
            changed[at:at] = vint(generator.choice((0, 1, 2**31, 2**32, 2**63, 2**64 - 1)))
        else:
            start = generator.randrange(len(data))
            changed[at : at + 8] = data[start : start + 8]
    return bytes(changed)


@BY_NAME
def test_random_damage_is_refused_or_harmless(decode: Callable[[bytes], Any], data: bytes) -> None:
    generator = random.Random(4)
    for _ in range(1500):
        decoded = outcome(decode, damaged(generator, data))
        if decoded is not None:
            touch(decoded)


@BY_NAME
def test_the_readable_decoder_accepts_the_same_bytes(decode: Callable[[bytes], Any], data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = random.Random(6)
    cases = [data, *(damaged(generator, data) for _ in range(1500))]
    fast = [outcome(decode, case) for case in cases]
    monkeypatch.setattr(debug_section, "walk_debug_info", None)
    monkeypatch.setattr(forest, "decode_columns", None)
    monkeypatch.setattr(checks, "find_wrong_digest", None)
    readable = [outcome(decode, case) for case in cases]
    assert readable == fast


@BY_NAME
def test_trusted_damage_is_typed_too(decode: Callable[..., Any], data: bytes) -> None:
    generator = random.Random(5)
    for _ in range(500):
        changed = bytearray(data)
        changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
        try:
            decoded = decode.__self__.from_trusted_bytes(bytes(changed))  # type: ignore[attr-defined]
            touch(decoded)
        except (FormatError, IntegrityError):
            pass


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(data: bytes) -> None:
    for _, decode, _ in DECODERS:
        assert outcome(decode, data) is None
    for decode in (lambda raw: read_type(Reader(raw)), lambda raw: read_signature(Reader(raw)), stack_from_bytes):
        outcome(decode, data)


@given(st.binary(max_size=60))
def test_any_bytes_behind_a_good_start_are_refused(data: bytes) -> None:
    for _, decode, good in DECODERS:
        assert outcome(decode, good + b"\0" + data) is None


def test_more_bytes_behind_the_end_are_refused() -> None:
    with pytest.raises(FormatError) as caught:
        program_from_bytes(PROGRAM + b"\0")
    assert (caught.value.kind, caught.value.offset) == ("TrailingBytes", len(PROGRAM))


HEADER = b"MAST" + bytes(4)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"MASP" + FOREST1[4:], "InvalidMagic"),
        (b"MAST\0\0\0\1" + FOREST1[8:], "UnsupportedVersion"),
        (HEADER + vint(2**63) + b"\x01" * 11, "UnexpectedEOF"),
        (HEADER + b"\x01" + vint(2**63) + b"\x01" * 10, "UnexpectedEOF"),
        (HEADER + b"\x01\x01" + vint(2**64 - 1) + b"\x01" * 9, "UnexpectedEOF"),
        (HEADER + b"\x01\x01\x03" + bytes(4) + b"\x01" * 9, "InvalidNodeId"),
        (HEADER + b"\x01\x01\x01" + vint(10**15) + b"\x01" * 8, "UnexpectedEOF"),
    ],
)
def test_lies_in_the_header_are_refused(data: bytes, kind: str) -> None:
    with pytest.raises(FormatError) as caught:
        MastForest.from_bytes(data)
    assert caught.value.kind == kind


def forest_bytes(infos: list[tuple[int, int]], blocks: bytes, roots: bytes = b"\x01", rest: bytes = b"\x01" * 8) -> bytes:
    """Return a forest of nodes (kind, payload) with digests of zeros."""
    nodes = b"".join(struct.pack("<Q", kind << 60 | payload) + bytes(32) for kind, payload in infos)
    return HEADER + vint(len(infos)) + b"\x01" + roots + vint(len(blocks)) + blocks + nodes + rest


JOIN, LOOP, BLOCK, DYN = 0, 2, 3, 6
ADD = b"\x03\x22"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (forest_bytes([(9, 0)], b""), "InvalidNode"),
        (forest_bytes([(15, 0)], b""), "InvalidNode"),
        (forest_bytes([(BLOCK, 0)], b""), "UnexpectedEOF"),
        (forest_bytes([(BLOCK, 3)], ADD), "InvalidSpan"),
        (forest_bytes([(BLOCK, 2**60 - 1)], ADD), "InvalidSpan"),
        (forest_bytes([(BLOCK, 0)], b"\x01"), "EmptyBasicBlock"),
        (forest_bytes([(BLOCK, 0)], b"\x03\x06"), "InvalidOperation"),
        (forest_bytes([(BLOCK, 0)], b"\x03\x54"), "InvalidOperation"),
        (forest_bytes([(BLOCK, 0)], b"\x03\x5b" + b"\xff" * 8), "InvalidFelt"),
        (forest_bytes([(BLOCK, 0)], b"\x03\x5b" + b"\0" * 7), "UnexpectedEOF"),
        (forest_bytes([(BLOCK, 0)] * 2, ADD), "InvalidSpan"),
        (forest_bytes([(LOOP, 0)], b""), "CyclicForest"),
        (forest_bytes([(LOOP, 1), (LOOP, 0)], b""), "CyclicForest"),
        (forest_bytes([(JOIN, 1 << 30 | 1), (BLOCK, 0), (JOIN, 2)], ADD), "CyclicForest"),
        (forest_bytes([(LOOP, 1)], b""), "InvalidNodeId"),
        (forest_bytes([(LOOP, 1 << 32)], b""), "InvalidNodeId"),
        (forest_bytes([(BLOCK, 0), (JOIN, 1 << 30)], ADD), "CyclicForest"),
        (forest_bytes([(BLOCK, 0), (JOIN, 2 << 30)], ADD), "InvalidNodeId"),
        (forest_bytes([(DYN, 1)], b""), "InvalidNode"),
        (forest_bytes([(DYN, 0)], b""), "InvalidNode"),
        (forest_bytes([(BLOCK, 0)], ADD, roots=b"\x05" + bytes(8)), "DuplicateRoot"),
        (forest_bytes([(BLOCK, 0)], ADD, roots=b"\x03\x01\0\0\0"), "InvalidNodeId"),
    ],
)
def test_nodes_that_lie_are_refused(data: bytes, kind: str) -> None:
    with pytest.raises(FormatError) as caught:
        MastForest.from_bytes(data)
    assert caught.value.kind == kind
    assert caught.value.offset is not None


def test_blocks_may_be_stored_in_any_order() -> None:
    made = MastForest.from_trusted_bytes(forest_bytes([(BLOCK, 2), (BLOCK, 0)], ADD + b"\x03\x23"))
    assert [made.block_code(node)[0] for node in (0, 1)] == [b"\x23", b"\x22"]


def debug_bytes(section: bytes, decorators: int = 1) -> bytes:
    """Return a forest of one block ``add add`` with a debug section."""
    node = struct.pack("<Q", BLOCK << 60) + block_digest(b"\x22\x22").to_bytes()
    return HEADER + b"\x03" + vint(decorators) + b"\x01" + vint(3) + b"\x05\x22\x22" + node + b"\x01" + section


TRACE = vint(4) + b"\7\0\0\0"
STRINGS = b"\x01\x01"
INFO = b"\x07\0\0\0\0"
NO_LINKS = b"\x01\x01\x01"


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        (b"\x05" + bytes(8) + b"\x01" + bytes(8) + b"\x01" + TRACE + STRINGS + INFO + NO_LINKS, "DuplicateKey"),
        (b"\x03" + bytes(8) + b"\x03\xff" + TRACE + STRINGS + INFO + NO_LINKS, "InvalidText"),
        (b"\x01" + TRACE + STRINGS + b"\x08\0\0\0\0" + NO_LINKS, "InvalidDecorator"),
        (b"\x01" + TRACE + STRINGS + b"\x07\x05\0\0\0" + NO_LINKS, "InvalidDecorator"),
        (b"\x01" + TRACE + STRINGS + b"\x07\x01\0\0\0" + NO_LINKS, "UnexpectedEOF"),
        (b"\x01" + vint(4) + b"\1\2\0\0" + STRINGS + b"\0\0\0\0\0" + NO_LINKS, "InvalidValue"),
        (b"\x01" + vint(5) + b"\1\0\0\x01\x01" + STRINGS + b"\0\0\0\0\0" + NO_LINKS, "InvalidString"),
        (b"\x01" + vint(5) + b"\1\0\0\x01\x01" + b"\x03\x05\x01" + b"\0\0\0\0\0" + NO_LINKS, "InvalidString"),
        (b"\x01" + vint(5) + b"\1\0\0\x01\x03" + b"\x05\x01\x01" + b"\x05\x03a" + b"\0\0\0\0\0" + NO_LINKS, "InvalidString"),
        (b"\x01" + TRACE + STRINGS + INFO + b"\x03\x03\x01\x01\x01", "InvalidNodeId"),
        (b"\x01" + TRACE + STRINGS + INFO + b"\x03\x01\x03\x01\x01\0\0\0\x01\x01", "InvalidDecoratorId"),
        (b"\x01" + TRACE + STRINGS + INFO + b"\x03\x01\x03\x07\0\0\0\0\x01\x01", "InvalidValue"),
        (b"\x01" + TRACE + STRINGS + INFO + b"\x03\x01\x05\x05\0\0\0\0\x03\0\0\0\0\x01\x01", "InvalidValue"),
        (b"\x01" + TRACE + STRINGS + INFO + b"\x05\x01\x01\x01\x01\x01\x01", "DuplicateKey"),
        (b"\x01" + TRACE + STRINGS + INFO + b"\x01\x03\x03\x01\x01", "InvalidNodeId"),
        (b"\x01" + TRACE + STRINGS + INFO + b"\x01\x03\x01\x03\x01\0\0\0\x01", "InvalidDecoratorId"),
        (b"\x01" + TRACE + STRINGS + INFO + b"\x01\x05\x01\x01\x01\x01\x01", "DuplicateKey"),
        (b"\x01" + TRACE + STRINGS + INFO + b"\x01\x01" + vint(2**62) + bytes(8), "UnexpectedEOF"),
    ],
)
def test_debug_sections_that_lie_are_refused(section: bytes, kind: str) -> None:
    with pytest.raises(FormatError) as caught:
        MastForest.from_bytes(debug_bytes(section))
    assert caught.value.kind == kind


def test_a_good_debug_section_of_this_shape_is_read() -> None:
    links = b"\x03\x01\x05\x01\0\0\0\0\x05\0\0\0\0" + b"\x03\x01\x03\0\0\0\0" + b"\x01"
    made = MastForest.from_bytes(debug_bytes(b"\x01" + TRACE + STRINGS + INFO + links))
    assert (dict(made.debug_info.op_decorators), dict(made.debug_info.before_enter)) == ({0: ((0, 0), (2, 0))}, {0: (0,)})


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        (b"\x01", "NoExport"),
        (vint(2**40), "UnexpectedEOF"),
        (b"\x03\x03\x01\x00a\x00", "InvalidExport"),
        (b"\x03\x00\x01\x00a" + b"\x63\0\0\0\0\x01", "InvalidNodeId"),
        (b"\x03\x00\x02\x00a " + bytes(5), "InvalidPath"),
        (b"\x03\x00\x01\x00\xff" + bytes(5), "InvalidText"),
        (b"\x03\x01\x01\x00a\x01" + b"\xff" * 8, "InvalidFelt"),
        (b"\x03\x01\x01\x00a\x05\x03a", "InvalidConstant"),
        (b"\x03\x01\x01\x00a\x04\x02\x03a", "InvalidValue"),
        (b"\x03\x01\x01\x00a\x02\x03#", "InvalidIdentifier"),
        (b"\x03\x02\x01\x00a\x15", "InvalidType"),
        (b"\x03\x02\x01\x00a\x10\x02\x0f", "InvalidType"),
        (b"\x03\x02\x01\x00a\x11\x04\x00", "InvalidType"),
        (b"\x03\x02\x01\x00a\x11\x01\x00\x00\x00", "InvalidType"),
        (b"\x03\x02\x01\x00a\x11\x01\x03\x00\x00", "InvalidLayout"),
        (b"\x03\x02\x01\x00a\x11\x00\x01\x13\x0f", "InvalidLayout"),
        (b"\x03\x02\x01\x00a\x14\x06\x01\x01", "InvalidType"),
        (b"\x05" + b"\x02\x01\x00a\x0f" * 2, "DuplicateKey"),
        (b"\x03\x00\x01\x00a" + bytes(5) + b"\x03\x03\x03a", "InvalidAttribute"),
        (b"\x03\x00\x01\x00a" + bytes(5) + b"\x05\x00\x03b\x00\x03a", "InvalidAttribute"),
        (b"\x03\x00\x01\x00a" + bytes(5) + b"\x03\x01\x03a\x03\x04\x03a", "InvalidAttribute"),
        (b"\x03\x00\x01\x00a" + bytes(5) + b"\x03\x02\x03a\x05" + b"\x03k\x00\x03v" * 2, "DuplicateKey"),
    ],
)
def test_exports_that_lie_are_refused(tail: bytes, kind: str) -> None:
    start = MastForest.from_bytes(FOREST1).to_bytes()
    with pytest.raises(FormatError) as caught:
        Library.from_bytes(start + tail)
    assert caught.value.kind == kind
    assert caught.value.offset is not None
    assert caught.value.offset >= len(start)


def test_types_nested_beyond_the_limit_are_refused_at_once() -> None:
    assert read_type(Reader(b"\x13" * (TYPE_DEPTH_LIMIT - 1) + b"\x0f")).depth == TYPE_DEPTH_LIMIT
    with pytest.raises(FormatError) as caught:
        read_type(Reader(b"\x13" * 1_000_000 + b"\x0f"))
    assert (caught.value.kind, caught.value.offset) == ("TypeTooDeep", TYPE_DEPTH_LIMIT)


def test_a_kernel_out_of_order_is_refused() -> None:
    start = PROGRAM.rindex(b"\x02", 0, len(PROGRAM) - 4 - 64)
    words = PROGRAM[start + 1 : start + 65]
    swapped = PROGRAM[: start + 1] + words[32:] + words[:32] + PROGRAM[start + 65 :]
    with pytest.raises(FormatError) as caught:
        Program.from_bytes(swapped)
    assert caught.value.kind == "UnsortedKernel"


def test_an_entrypoint_that_is_no_root_is_refused() -> None:
    with pytest.raises(FormatError) as caught:
        Program.from_bytes(PROGRAM[:-4] + b"\0\0\0\0")
    assert caught.value.kind == "InvalidEntrypoint"


def big(kind: str) -> bytes:
    """Return about a megabyte that repeats one thing."""
    if kind == "one block":
        return forest_bytes([(BLOCK, 0)], vint(1_000_000) + b"\x22" * 1_000_000)
    if kind == "blocks":
        count = 20_000
        return forest_bytes([(BLOCK, 2 * index) for index in range(count)], ADD * count)
    if kind == "chain":
        count = 25_000
        return forest_bytes([(LOOP, index + 1) for index in range(count - 1)] + [(BLOCK, 0)], ADD)
    if kind == "roots":
        return forest_bytes([(BLOCK, 0)], ADD, roots=vint(250_000) + bytes(1_000_000))
    if kind == "strings":
        section = b"\x01" + vint(5 * 30_000) + b"\1\0\0\x01\x01" * 30_000 + vint(30_000) + b"\x01" * 30_000 + vint(600_001)
        return debug_bytes(section + vint(600_000 - 3) + b"a" * 600_000 + b"\0" * 5 * 30_000 + NO_LINKS, 30_000)
    if kind == "advice":
        return forest_bytes([], b"", rest=vint(30_000) + b"".join(struct.pack("<4Q", index, 0, 0, 0) + b"\x01" for index in range(30_000)))
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["one block", "blocks", "chain", "roots", "strings", "advice"])
def test_a_megabyte_of_anything_takes_little_time_and_memory(kind: str) -> None:
    if kind == "one block" and not HAVE_CORE:
        pytest.skip("hashing a megabyte in Python, traced, takes minutes")
    data = big(kind)
    tracemalloc.start()
    start = time.perf_counter()
    outcome(MastForest.from_bytes, data)
    seconds = time.perf_counter() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 20  # generous: tracing makes it several times slower, and other programs run here too
    assert peak < 30 * len(data) + 10_000_000
