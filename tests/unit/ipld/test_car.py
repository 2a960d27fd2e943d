"""CAR files: fixtures of others, round trips, hostile bytes."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import FormatError, InputError, IntegrityError, MidenError, NotFoundError
from miden.ipld.car import CarFile, CarIndex, CarReader, CarWriter, write_car
from miden.ipld.cid import RAW, Cid
from tests.support.ipld_data import DATA, files, needs_data

BROKEN = {
    "badheaderlength": "InvalidHeader",
    "badsectionlength": "InvalidSection",
    "sample-corrupt-pragma": "UnexpectedEnd",
    "sample-rootless-v42": "UnsupportedVersion",
    "sample-v1-tailing-corrupt-section": "UnexpectedEnd",
    "sample-v1-with-zero-len-section": "InvalidSection",
    "sample-v1-with-zero-len-section2": "InvalidSection",
    "sample-v2-corrupt-data-and-index": "InvalidHeader",
}
BLOCKS = st.lists(st.binary(max_size=40), max_size=6, unique=True)


def pairs(blocks: list[bytes]) -> list[tuple[Cid, bytes]]:
    return [(Cid.of(data, RAW), data) for data in blocks]


def car(blocks: list[bytes], version: int = 1) -> bytes:
    file = io.BytesIO()
    entries = pairs(blocks)
    assert write_car(file, [cid for cid, _ in entries[:2]], entries, version=version) == len(blocks)
    return file.getvalue()


@needs_data
def test_good_files_are_read_and_broken_ones_refused() -> None:
    good = 0
    for path in files("car", "*.car"):
        data = path.read_bytes()
        if path.stem in BROKEN:
            with pytest.raises(FormatError) as caught:
                list(CarReader(io.BytesIO(data)))
            assert (caught.value.kind, caught.value.offset is not None) == (BROKEN[path.stem], True), path.stem
            continue
        sections = list(CarReader(io.BytesIO(data)))
        by_cid = CarFile(io.BytesIO(data))
        assert all(by_cid.get(section.cid) == section.data for section in sections)
        if by_cid.version == 1:
            again = io.BytesIO()
            write_car(again, by_cid.roots, [(section.cid, section.data) for section in sections])
            assert again.getvalue() == data
        good += 1
    assert (good, len(files("car", "*.car"))) == (11, 19)


@needs_data
def test_the_described_file_is_as_described() -> None:
    description = json.loads((DATA / "car" / "carv1-basic.json").read_text(encoding="utf-8"))
    reader = CarReader(io.BytesIO((DATA / "car" / "carv1-basic.car").read_bytes()))
    assert [str(root) for root in reader.roots] == [root["/"] for root in description["header"]["roots"]]
    found = [(str(section.cid), section.offset, len(section.data)) for section in reader]
    assert found == [(block["cid"]["/"], block["offset"], block["blockLength"]) for block in description["blocks"]]


@needs_data
def test_our_index_is_that_of_others() -> None:
    for name in ("sample-rw-bs-v2", "sample-unixfs-v2"):
        data = (DATA / "car" / f"{name}.car").read_bytes()
        reader = CarReader(io.BytesIO(data))
        ours = CarIndex.build((section.cid, section.offset) for section in reader)
        assert ours.to_bytes() == data[reader.index_offset :]


@given(BLOCKS, st.sampled_from([1, 2]))
def test_what_is_written_is_read(blocks: list[bytes], version: int) -> None:
    data = car(blocks, version)
    reader = CarReader(io.BytesIO(data))
    assert (reader.version, reader.roots) == (version, [cid for cid, _ in pairs(blocks)[:2]])
    assert [(section.cid, section.data) for section in reader] == pairs(blocks)
    by_cid = CarFile(io.BytesIO(data))
    assert all(cid in by_cid and by_cid.get(cid) == block for cid, block in pairs(blocks))
    with pytest.raises(NotFoundError):
        by_cid.get(Cid.of(b"x" * 41, RAW))


@pytest.mark.parametrize("version", [1, 2])
def test_every_flipped_bit_and_every_cut_is_noticed_or_changes_nothing_that_was_promised(version: int) -> None:
    blocks = [b"one", b"", b"three" * 5]
    data = car(blocks, version)
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            try:
                found = list(CarReader(io.BytesIO(bytes(changed))))
            except MidenError:
                continue
            assert all(section.cid.matches(section.data) for section in found)
    for size in range(len(data)):
        try:
            found = list(CarReader(io.BytesIO(data[:size])))
        except FormatError:
            continue
        assert [section.data for section in found] == blocks[: len(found)]


def test_a_block_that_is_not_its_cid_is_refused_unless_told_otherwise() -> None:
    file = io.BytesIO()
    write_car(file, [], [(Cid.of(b"right", RAW), b"wrong")])
    with pytest.raises(IntegrityError):
        list(CarReader(io.BytesIO(file.getvalue())))
    assert [section.data for section in CarReader(io.BytesIO(file.getvalue()), verify=False)] == [b"wrong"]
    with pytest.raises(IntegrityError):
        CarFile(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize("place", [27, 35, 43])
def test_offsets_behind_the_end_of_any_file_are_refused(place: int) -> None:
    data = bytearray(car([b"x"], version=2))
    data[place : place + 8] = b"\xff" * 8
    with pytest.raises(FormatError) as caught:
        CarFile(io.BytesIO(bytes(data)))
    assert caught.value.kind == "InvalidHeader"


def test_a_file_is_read_in_bounded_memory() -> None:
    data = car([b"x" * 1000])
    with pytest.raises(FormatError) as caught:
        list(CarReader(io.BytesIO(data), max_block=999))
    assert caught.value.kind == "InvalidSection"


def test_a_writer_is_closed_once_and_then_takes_nothing() -> None:
    file = io.BytesIO(b"before")
    file.seek(6)
    writer = CarWriter(file, version=2)
    writer.write(*pairs([b"hi"])[0])
    writer.close()
    writer.close()
    with pytest.raises(InputError):
        writer.write(*pairs([b"hi"])[0])
    with pytest.raises(InputError):
        CarWriter(file, version=3)
    assert [section.data for section in CarReader(io.BytesIO(file.getvalue()[6:]))] == [b"hi"]


@given(st.binary(max_size=80))
def test_any_bytes_are_an_index_or_a_typed_error(raw: bytes) -> None:
    for prefix in (b"", b"\x80\x08", b"\x81\x08"):
        try:
            index = CarIndex.from_bytes(prefix + raw)
        except FormatError:
            continue
        assert index.to_bytes() is not None
        assert len(list(index)) == sum(len(bucket) // (size + 8) for (_, size), bucket in index.buckets.items())
