"""Keys, envelopes and code objects: what is stored, byte for byte, and what is refused."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.assembly import Assembler, assemble
from miden.errors import FormatError, InputError, IntegrityError, NotFoundError
from miden.field import P, Word
from miden.isa import NodeKind
from miden.mast.builder import ForestBuilder
from miden.mast.commitments import roots_commitment
from miden.package.package import Package, PackageKind
from miden.store.envelope import CHECKSUM_SIZE, HEAD_SIZE, Codec, Envelope, object_id, read_head
from miden.store.keys import KEY_SIZE, ObjectKey, as_key
from miden.store.objects import decode_object, envelopes_of
from miden.store.provider import open_provider
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from tests.strategies.mast import mast_forests
from tests.support.objects import block_forest, calling_forest, key_of, root_of, stored

FELTS = st.integers(0, P - 1)
KEYS = st.builds(lambda space, felts: ObjectKey(space, Word(felts).to_bytes()), st.integers(0, 2**32 - 1), st.tuples(*[FELTS] * 4))


@given(KEYS)
def test_a_key_is_its_text_and_its_bytes(key: ObjectKey) -> None:
    assert ObjectKey.parse(str(key)) == as_key(str(key)) == as_key(key) == key
    assert ObjectKey.from_bytes(key.to_bytes()) == key
    assert len(key.to_bytes()) == KEY_SIZE


@given(st.lists(KEYS, min_size=2))
def test_keys_sort_as_their_bytes_do(keys: list[ObjectKey]) -> None:
    assert [key.to_bytes() for key in sorted(keys)] == sorted(key.to_bytes() for key in keys)


@pytest.mark.parametrize(
    "wrong", ["", "0x", "0x12", "12" * 31, "zz" * 32, "-1:" + "00" * 32, "99999999999:" + "00" * 32, "ff" * 32, "4294967296:" + "00" * 32]
)
def test_text_that_is_no_key_is_refused(wrong: str) -> None:
    with pytest.raises(InputError) as caught:
        ObjectKey.parse(wrong)
    assert caught.value.kind == "InvalidRoot"


@pytest.mark.parametrize(
    "wrong", [None, 7, b"\0" * 32, (1, 2, 3), (P, 0, 0, 0), ObjectKey(0, b"short"), ObjectKey(-1, bytes(32)), ObjectKey(2**32, bytes(32))]
)
def test_what_is_no_root_is_refused(wrong: object) -> None:
    store = ObjectStore([MemoryProvider()])
    for ask in (store.get, store.contains, store.remove, store.pin, store.get_program):
        with pytest.raises(InputError):
            ask(wrong)  # type: ignore[arg-type]


ENVELOPES = st.builds(
    Envelope,
    st.integers(0, 255),
    st.sets(KEYS, min_size=1, max_size=5).map(lambda keys: tuple(sorted(keys))),
    st.sets(KEYS, max_size=5).map(lambda keys: tuple(sorted(keys))),
    st.binary(max_size=255),
    st.binary(max_size=300),
)


@given(ENVELOPES, st.sampled_from(Codec))
def test_an_envelope_comes_back_as_it_was(envelope: Envelope, codec: Codec) -> None:
    data = envelope.to_bytes(codec)
    assert Envelope.from_bytes(data) == envelope
    assert read_head(data).keys == envelope.keys
    assert envelope.to_bytes(codec) == data
    if codec == Codec.RAW:
        assert (
            len(data)
            == HEAD_SIZE
            + KEY_SIZE * (len(envelope.keys) + len(envelope.links))
            + len(envelope.facts)
            + len(envelope.payload)
            + CHECKSUM_SIZE
        )


@given(st.binary(max_size=400), st.integers(0, 40))
def test_bytes_that_are_no_envelope_are_refused(data: bytes, start: int) -> None:
    good = stored(block_forest(1)).data
    for bad in (data, good[:start] + data, good + data + b"\0"):
        if bad != good:
            with pytest.raises((FormatError, IntegrityError)):
                Envelope.from_bytes(bad)


def test_hostile_envelopes_end_in_errors_of_ours() -> None:
    rng = random.Random(4)
    good = [stored(block_forest(number, number + 50, length=9)).data for number in range(4)]
    good += [envelopes_of(calling_forest(3, [root_of(block_forest(1))]))[0].to_bytes(Codec.ZSTD)]
    for _ in range(3000):
        data = bytearray(rng.choice(good))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            size = rng.choice((1, 4, 8))
            data[at : at + size] = rng.choice((rng.randbytes(size), bytes(size), b"\xff" * size))
        if bytes(data) in good:
            continue
        for checked in (False, True):  # without the checksum it is the decoders' turn
            try:
                decode_object(Envelope.from_bytes(bytes(data), checked=checked), verify=True)
            except (FormatError, IntegrityError):
                continue
            assert checked
            assert bytes(data)[:-CHECKSUM_SIZE] in {one[:-CHECKSUM_SIZE] for one in good}


def test_an_object_that_is_too_large_is_refused() -> None:
    data = stored(block_forest(1, length=500)).data
    with pytest.raises(FormatError) as caught:
        Envelope.from_bytes(data, max_payload=100)
    assert caught.value.kind == "ObjectTooLarge"
    store = ObjectStore([MemoryProvider()], max_payload=100)
    store.insert(block_forest(1, length=500))
    with pytest.raises(IntegrityError):
        store.get(root_of(block_forest(1, length=500)))


LIBRARY = """
pub proc double dup.0 add end
pub proc quadruple call.double call.double end
pub proc nine push.9 add end
"""


def test_the_policies_keep_the_same_roots() -> None:
    library = Assembler().assemble_library({"demo::math": LIBRARY})
    whole, parts = ObjectStore([MemoryProvider()]), ObjectStore([MemoryProvider()], policy="procedures")
    assert whole.insert(library) == parts.insert(library) == sorted(set(library.forest.procedure_digests), key=lambda root: root.to_bytes())
    assert whole.stat()["memory"].objects == 1
    assert parts.stat()["memory"].objects == 3
    for root in library.forest.procedure_digests:
        assert whole.get(root) == library.forest
        part = parts.get(root)
        assert list(part.procedure_digests) == [root]
    quadruple = library.find_procedure("demo::math::quadruple")
    assert quadruple is not None
    assert parts.get(quadruple).summary()["external"] >= 1
    assert parts.get_object(quadruple).roots == roots_commitment(parts.get(quadruple)).to_bytes()


def test_libraries_share_the_procedures_that_both_have() -> None:
    one = Assembler().assemble_library({"demo::math": LIBRARY})
    two = Assembler().assemble_library({"other::math": LIBRARY + "pub proc ten push.10 add end"})
    store = ObjectStore([MemoryProvider()], policy="procedures")
    store.insert(one.strip_debug_info())
    before = store.stat()["memory"]
    store.insert(two.strip_debug_info())
    after = store.stat()["memory"]
    assert (before.objects, after.objects) == (3, 4)
    assert after.bytes - before.bytes < before.bytes / 2


@given(mast_forests())
def test_every_procedure_is_found_under_both_policies(forest: object) -> None:
    try:
        [envelope] = envelopes_of(forest)  # type: ignore[arg-type]
    except InputError as error:
        assert error.kind == "NoRoots"
        return
    assert decode_object(envelope, verify=True).forest == forest
    parts = envelopes_of(forest, "procedures")  # type: ignore[arg-type]
    assert {key for part in parts for key in part.keys} == set(envelope.keys)
    for part in parts:
        found = decode_object(Envelope.from_bytes(part.to_bytes()), verify=True)
        assert found.forest.find_procedure_root(part.keys[0].digest) is not None
        assert set(part.links) <= set(envelope.links) | set(envelope.keys)


def test_an_external_root_is_nobody_s_key() -> None:
    builder = ForestBuilder()
    elsewhere = root_of(block_forest(5))
    builder.add_root(builder.add_node(NodeKind.EXTERNAL, digest=elsewhere.to_bytes()))
    with pytest.raises(InputError) as caught:
        envelopes_of(builder.build())
    assert caught.value.kind == "NoRoots"
    builder.add_root(builder.add_block(bytes([91]), [6]))
    store = ObjectStore([MemoryProvider()])
    assert len(store.insert(builder.build())) == 1
    with pytest.raises(NotFoundError):
        store.get(elsewhere)


def test_a_forest_with_a_wrong_digest_is_not_taken() -> None:
    good = block_forest(1)
    bad = type(good)(good.node_bytes[:-1] + bytes([good.node_bytes[-1] ^ 1]), good.operation_bytes, good.immediate_bytes, good.root_bytes)
    store = ObjectStore([MemoryProvider()])
    with pytest.raises(IntegrityError):
        store.insert(bad)
    for wrong in ("text", 7, None):
        with pytest.raises(InputError):
            store.insert(wrong)  # type: ignore[arg-type]
    assert list(store.roots()) == []
    with pytest.raises(InputError):
        ObjectStore([], policy="halves")
    with pytest.raises(InputError):
        ObjectStore([MemoryProvider(), MemoryProvider()])
    with pytest.raises(NotFoundError) as caught:
        ObjectStore([MemoryProvider(local=False)]).insert(good)
    assert caught.value.kind == "NoHome"


def test_a_program_comes_back_with_its_kernel() -> None:
    kernel = Assembler().assemble_kernel("pub proc one push.1 add end")
    program = Assembler(kernel=kernel).assemble_program("begin syscall.one end")
    package = Package("demo", program, kind=PackageKind.EXECUTABLE)
    for content in (program, package):
        for policy in ("whole", "procedures"):
            store = ObjectStore([MemoryProvider()], policy=policy)
            store.insert(content)
            again = store.get_program(program.hash)
            assert again.hash == program.hash
            assert again.kernel == program.kernel
    plain = ObjectStore([MemoryProvider()])
    plain.insert(program.forest)
    assert len(plain.get_program(program.hash).kernel) == 0


def test_ids_depend_on_every_byte() -> None:
    one, two = assemble("begin push.1 end"), assemble("begin push.1 end").strip_debug_info()
    assert one.hash == two.hash
    assert len({object_id(stored(forest).data) for forest in (one.forest, two.forest)}) == 2


def test_an_unknown_provider_is_told_of() -> None:
    with pytest.raises(InputError) as caught:
        open_provider("floppy", "a:")
    assert caught.value.kind == "UnknownProvider"
    assert "filesystem" in caught.value.message
    assert key_of(block_forest(1)) not in ObjectStore([open_provider("memory", "here")])


def test_the_example_of_the_document_is_the_object_it_says() -> None:
    text = (Path(__file__).parents[3] / "docs" / "internals" / "store.md").read_text(encoding="utf-8")
    [dump] = re.findall(r"```hex\n(.*?)```", text, re.DOTALL)
    data = b"".join(bytes.fromhex(line[4:]) for line in dump.splitlines())
    builder = ForestBuilder()
    builder.add_root(builder.add_block(bytes([34])))
    assert data == stored(builder.build()).data
    assert HEAD_SIZE == 40
