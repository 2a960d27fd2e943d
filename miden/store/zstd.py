"""zstd, from the standard library or its backport, with bounds on what comes out."""

from __future__ import annotations

import sys

from miden.errors import FormatError, IntegrityError

if sys.version_info >= (3, 14):
    from compression import zstd as _zstd
else:
    from backports import zstd as _zstd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_RATIO = 200
"""Content may be this many times as large as its compressed form, and a little more: code never is."""

SLACK = 2**16
"""Bytes that content may have whatever its compressed size: small things of one repeated byte are no attack."""

LEVEL = 3

WINDOW_LOG = 23
"""A frame may ask its reader for a window of 8 MiB; more is for other uses."""

ZstdDict = _zstd.ZstdDict
_BOUNDS: dict[int, int] = {_zstd.DecompressionParameter.window_log_max: WINDOW_LOG}


def compress(data: bytes, dictionary: _zstd.ZstdDict | None = None, level: int = LEVEL) -> bytes:
    """Return one frame."""
    return _zstd.compress(data, level, zstd_dict=dictionary)


def decompress(data: bytes, size: int, dictionary: _zstd.ZstdDict | None = None) -> bytes:
    """Return the content of a frame, which must have `size` bytes.

    No more than that is ever held. Raises `FormatError` of kind ``CompressionBomb`` for a size that no code needs,
    `IntegrityError` for bytes that are no frame of that size.
    """
    if size > SLACK + MAX_RATIO * len(data):
        raise FormatError(f"{len(data)} compressed bytes claim to hold {size}, more than {MAX_RATIO} times as many", kind="CompressionBomb")
    decompressor = _zstd.ZstdDecompressor(zstd_dict=dictionary, options=_BOUNDS)
    try:
        found = decompressor.decompress(data, max_length=size + 1)
    except (_zstd.ZstdError, EOFError) as error:
        raise IntegrityError(f"the compressed bytes are damaged: {error}", kind="DamagedFrame") from error
    if len(found) != size or not decompressor.eof or decompressor.unused_data:
        raise IntegrityError(f"the compressed bytes should hold {size}, and they end there", kind="DamagedFrame")
    return found


def train_dictionary(samples: Sequence[bytes], size: int) -> _zstd.ZstdDict | None:
    """Return a dictionary of about `size` bytes for things like the samples, or None if they have too little in common."""
    try:
        return _zstd.train_dict(samples, size)
    except _zstd.ZstdError:
        return None
