"""Packs: many objects in one immutable file, compressed with a dictionary of their own where that pays.

Objects lie in the order of their ids, so equal objects make equal packs. The file is named by the hash of all its bytes; its
index carries a checksum, and each object is checked by its id.
"""

from __future__ import annotations

import os
from struct import Struct
from typing import NamedTuple

from blake3 import blake3

from miden.errors import FormatError, IntegrityError
from miden.store.providers.filesystem.segments import ID_SIZE
from miden.store.zstd import ZstdDict, compress, decompress, train_dictionary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from miden.store.system import Disk

MAGIC = b"\x89MIPAK\r\n"
VERSION = 1
_HEAD = Struct("<8sIII")
_ENTRY = Struct("<32sQII")
_FOOT = Struct("<QII32s")
_CHECKSUM = 32

LEVEL = 12
"""Packs are written once and read often."""

DICTIONARY_SIZE = 2**15
"""Bytes of a trained dictionary."""

MAX_DICTIONARY = 2**20
"""Bytes of the largest dictionary that is read."""

MIN_SAMPLES = 64
"""Objects below which no dictionary is trained."""

MAX_TRIED = 256
"""Objects on which it is measured whether a dictionary pays."""

MAX_SAMPLED = 2**22
"""Bytes that a dictionary is trained on."""


class Packed(NamedTuple):
    """Where an object is in a pack; stored as it is if `stored` equals `size`."""

    offset: int
    stored: int
    size: int


class Pack:
    """An open pack. It stays readable when its file is removed, as long as somebody holds on to it."""

    __slots__ = ("_disk", "_end", "_fd", "_index", "_zdict", "name")

    def __init__(self, disk: Disk, path: str, name: bytes) -> None:
        """Open a file; `IntegrityError` of kind ``DamagedPack`` if its index or its dictionary is not whole."""
        self._disk = disk
        self.name = name
        self._fd = -1
        self._fd = disk.fs.open(path)
        size = disk.fs.size(self._fd)
        if size < _HEAD.size + _FOOT.size:
            raise self._damaged("it is too short")
        head = disk.read_at(self._fd, _HEAD.size, 0)
        foot = disk.read_at(self._fd, _FOOT.size, size - _FOOT.size)
        magic, version, dictionary_size, dictionary_content = _HEAD.unpack(head)
        start, count, reserved, checksum = _FOOT.unpack(foot)
        if start + count * _ENTRY.size + _FOOT.size != size or _HEAD.size + dictionary_size > start or dictionary_content > MAX_DICTIONARY:
            raise self._damaged("its parts do not fit in it")
        dictionary = disk.read_at(self._fd, dictionary_size, _HEAD.size)
        index = disk.read_at(self._fd, count * _ENTRY.size, start)
        found = blake3(head + dictionary + index + foot[:-_CHECKSUM]).digest()
        if found != checksum:
            raise self._damaged("its index is not what it was", checksum, found)
        if magic != MAGIC or version != VERSION or reserved:
            raise self._damaged(f"it is of version {version}, only {VERSION} is known")
        self._index = index
        self._end = start
        try:
            self._zdict = ZstdDict(decompress(dictionary, dictionary_content)) if dictionary else None
        except (ValueError, IntegrityError) as error:
            raise self._damaged(f"its dictionary is none: {error}") from error

    def find(self, own_id: bytes) -> Packed | None:
        """Return where an object is, or None."""
        index = self._index
        low, high = 0, len(index) // _ENTRY.size
        while low < high:
            middle = (low + high) >> 1
            at = middle * _ENTRY.size
            found = index[at : at + ID_SIZE]
            if found == own_id:
                return Packed(*_ENTRY.unpack_from(index, at)[1:])
            if found < own_id:
                low = middle + 1
            else:
                high = middle
        return None

    def read(self, place: Packed) -> bytes:
        """Return the bytes of an object; `IntegrityError` of kind ``DamagedPack`` if they cannot be had."""
        if place.offset + place.stored > self._end:
            raise self._damaged("an object goes beyond it")
        data = self._disk.read_at(self._fd, place.stored, place.offset)
        if place.stored == place.size:
            return data
        try:
            return decompress(data, place.size, self._zdict)
        except (FormatError, IntegrityError) as error:
            raise self._damaged(error.message) from error

    def entries(self) -> Iterator[tuple[bytes, Packed]]:
        """Iterate over ids and places, in the order of the ids."""
        for own_id, *place in _ENTRY.iter_unpack(self._index):
            yield own_id, Packed(*place)

    def hash(self) -> bytes:
        """Return the hash of the whole file: its name, if it is undamaged."""
        hasher, offset = blake3(), 0
        while chunk := self._disk.read_at(self._fd, 2**20, offset):
            hasher.update(chunk)
            offset += len(chunk)
        return hasher.digest()

    def __len__(self) -> int:
        return len(self._index) // _ENTRY.size

    def __del__(self) -> None:
        if self._fd >= 0:  # whoever still reads from it holds a reference
            os.close(self._fd)  # nothing was written: whether this works does not matter

    def _damaged(self, why: str, expected: bytes = b"", found: bytes = b"") -> IntegrityError:
        return IntegrityError(
            f"the pack {self.name.hex()[:16]} is damaged: {why}",
            expected=expected.hex() or None,
            found=found.hex() or None,
            kind="DamagedPack",
            hint="`miden store fsck --repair` saves what is whole, and fetches the rest again where it can",
        )


class PackWriter:
    """Makes the bytes of a pack, piece by piece: no more than one object is held.

    Parameters
    ----------
    ids
        Ids of the objects; they are written sorted.
    read
        Returns the bytes of an object.
    packed
        Whether to compress, and to train a dictionary for that.
    """

    __slots__ = ("_hasher", "_ids", "_packed", "_read")

    def __init__(self, ids: Iterable[bytes], read: Callable[[bytes], bytes], *, packed: bool) -> None:
        self._ids = sorted(ids)
        self._read = read
        self._packed = packed
        self._hasher = blake3()

    def chunks(self) -> Iterator[bytes]:
        """Iterate over the bytes of the file."""
        for chunk in self._chunks():
            self._hasher.update(chunk)
            yield chunk

    @property
    def name(self) -> bytes:
        """The name of the pack, once all chunks were made."""
        return self._hasher.digest()

    def _chunks(self) -> Iterator[bytes]:
        zdict = best_dictionary(self._samples()) if self._packed else None
        content = b"" if zdict is None else zdict.dict_content
        dictionary = compress(content, level=LEVEL) if content else b""
        head = _HEAD.pack(MAGIC, VERSION, len(dictionary), len(content))
        yield head + dictionary
        offset = len(head) + len(dictionary)
        entries = []
        pieces: list[bytes] = []
        waiting = 0
        for own_id in self._ids:
            data = self._read(own_id)
            stored = compress(data, zdict, LEVEL) if self._packed else data
            if len(stored) >= len(data):
                stored = data
            entries.append(_ENTRY.pack(own_id, offset, len(stored), len(data)))
            pieces.append(stored)
            offset += len(stored)
            waiting += len(stored)
            if waiting >= 2**20:
                yield b"".join(pieces)
                pieces, waiting = [], 0
        index = b"".join(entries)
        foot = _FOOT.pack(offset, len(entries), 0, bytes(_CHECKSUM))[:-_CHECKSUM]
        yield b"".join((*pieces, index, foot, blake3(head + dictionary + index + foot).digest()))

    def _samples(self) -> list[bytes]:
        """Return objects that stand for all: the same ones whatever order they came in."""
        samples, taken = [], 0
        step = 1 + len(self._ids) // 4096
        for own_id in self._ids[::step]:
            data = self._read(own_id)
            taken += len(data)
            if taken > MAX_SAMPLED:
                break
            samples.append(data)
        return samples


def best_dictionary(samples: Sequence[bytes]) -> ZstdDict | None:
    """Return a dictionary that makes the samples smaller by more than it takes itself, or None.

    >>> best_dictionary([b"too few"]) is None
    True
    """
    if len(samples) < MIN_SAMPLES:
        return None
    found = train_dictionary(samples, DICTIONARY_SIZE)
    if found is None:
        return None
    trial = samples[:: 1 + len(samples) // MAX_TRIED]
    without, with_it = (sum(len(compress(sample, zdict, LEVEL)) for sample in trial) for zdict in (None, found))
    saved = (without - with_it) * len(samples) // len(trial)
    return found if saved > len(found.dict_content) else None
