"""CAR files and places of blocks: write what is reachable, check a whole file, take one in."""

from __future__ import annotations

from typing import NamedTuple

from miden.errors import FormatError, IntegrityError
from miden.ipld.blocks import reachable
from miden.ipld.car.index import CarIndex
from miden.ipld.car.reader import CarReader
from miden.ipld.car.writer import CarWriter
from miden.ipld.links import COMMITMENTS, LINK_FUNCTIONS, links

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from miden.ipld.blocks import Blockstore
    from miden.ipld.cid import Cid
    from miden.ipld.objects import StoreBlocks

    Progress = Callable[[int, int], None]
    """Called with how much is done, and of how much."""


class Contents(NamedTuple):
    """What is in a CAR file.

    `missing` are CIDs that its roots or blocks name and that are not in it; `repeated` counts blocks that came before, `unknown`
    those whose codec is not known, so that what they link to is not either. `indexed` tells whether there is an index, which has
    been compared with the blocks.
    """

    version: int
    roots: tuple[Cid, ...]
    blocks: int
    bytes: int
    missing: tuple[Cid, ...]
    repeated: int
    unknown: int
    indexed: bool


def export_car(
    blocks: Blockstore, roots: Iterable[Cid], file: BinaryIO, *, version: int = 1, partial: bool = False, progress: Progress | None = None
) -> int:
    """Write all blocks that roots reach, verified, parents first, and return how many.

    With `partial` what is not there is left out. Version 2 has an index, and needs a file that can seek.

    Raises what `miden.ipld.blocks.reachable` raises.
    """
    wanted = list(roots)
    with CarWriter(file, wanted, version=version) as writer:
        for cid, data in reachable(blocks, wanted, missing=partial, ahead=getattr(blocks, "get_many", None)):
            writer.write(cid, data)
            if progress is not None:
                progress(writer.count, writer.count)
    return writer.count


def check_car(file: BinaryIO, *, progress: Progress | None = None) -> Contents:
    """Read a CAR file to its end and verify everything in it; the file must be one that can seek.

    Every block is hashed, its links are read, the index is compared with the blocks.

    Raises
    ------
    FormatError
        For what is no CAR file, a block that is not of its codec, and an index that is none, with an offset.
    IntegrityError
        For a block that does not hash to its CID, and an index that says something else than the blocks.
    InputError
        For a hash function that is not known.
    """
    size = file.seek(0, 2)
    file.seek(0)
    reader = CarReader(file)
    seen: set[Cid] = set()
    needed: dict[Cid, None] = dict.fromkeys(reader.roots)
    places: set[tuple[int, bytes, int]] = set()
    count = total = repeated = unknown = 0
    for section in reader:
        cid = section.cid
        count += 1
        total += len(section.data)
        repeated += cid in seen
        seen.add(cid)
        if reader.index_offset:
            places.add((cid.hash_code, cid.digest, section.offset))
        if cid.codec in LINK_FUNCTIONS:
            try:
                found = links(cid.codec, section.data)
            except FormatError as problem:
                text = f"block {cid}: {problem.message}"
                raise FormatError(text, offset=reader.data_offset + section.offset, kind=problem.kind) from problem
            needed.update(dict.fromkeys(child for child in found if child.codec not in COMMITMENTS))
        else:
            unknown += 1
        if progress is not None:
            progress(file.tell(), size)
    if reader.index_offset:
        file.seek(reader.index_offset)
        _check_index(CarIndex.from_bytes(file.read()), places)
    missing = tuple(cid for cid in needed if cid not in seen and not cid.is_identity)
    return Contents(reader.version, tuple(reader.roots), count, total, missing, repeated, unknown, bool(reader.index_offset))


def _check_index(index: CarIndex, places: set[tuple[int, bytes, int]]) -> None:
    """Compare an index with the sections; one that leaves out identity CIDs and repeated blocks is right too."""
    known = {(digest, offset): code for code, digest, offset in places}
    named = set()
    for code, digest, offset in index:
        found = known.get((digest, offset))
        if found is None or code not in (None, found):
            raise IntegrityError(
                f"the index says that a block with digest {digest.hex()} is at {offset}, which is not so", kind="WrongIndex"
            )
        named.add(digest)
    for code, digest, offset in places:
        if code and digest not in named:
            raise IntegrityError(f"the index does not name the block at {offset}", expected=digest.hex(), kind="WrongIndex")


class Imported(NamedTuple):
    """What came out of a CAR file: what `check_car` says of it, and the CIDs that are needed and in no provider."""

    contents: Contents
    missing: tuple[Cid, ...]


def import_car(blocks: StoreBlocks, file: BinaryIO, *, pin: bool | str = False, progress: Progress | None = None) -> Imported:
    """Put the blocks of a CAR file into a store, and pin its roots, those that are there then.

    The whole file is checked before anything is put; the file must be one that can seek. Raises what `check_car` raises,
    `InputError` for a block whose codec is not known, `StorageError` if the blocks cannot be kept.
    """
    contents = check_car(file, progress=progress)
    file.seek(0)

    def told() -> Iterator[tuple[Cid, bytes]]:
        for number, section in enumerate(CarReader(file, verify=False)):  # which putting does
            yield section.cid, section.data
            if progress is not None:
                progress(number + 1, contents.blocks)

    blocks.put_many(told())
    missing = tuple(cid for cid in contents.missing if cid not in blocks)
    here = [root for root in contents.roots if root not in missing and not root.is_identity]
    if pin and here:
        blocks.pin(*here, owner=pin if isinstance(pin, str) else None)
    return Imported(contents, missing)


def index_car(source: BinaryIO, target: BinaryIO, *, progress: Progress | None = None) -> int:
    """Write the blocks of a CAR file, verified, as version 2 with an index, and return how many; both files must be able to seek."""
    size = source.seek(0, 2)
    source.seek(0)
    reader = CarReader(source)
    with CarWriter(target, reader.roots, version=2) as writer:
        for section in reader:
            writer.write(section.cid, section.data)
            if progress is not None:
                progress(source.tell(), size)
    return writer.count
