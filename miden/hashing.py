"""The one Python door to RPO-256 and to the hashes of names: through the core when it is built, else `miden.rpo`.

Functions that end in ``_digest`` take and return digests as 32 bytes and never make a `Word`; the others return
`Word`. (mast.md sections 2 and 3.3.)
"""

from __future__ import annotations

from miden.errors import InputError
from miden.field import P, Word, check_felt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    elements_digest: Callable[[Sequence[int]], bytes]
    packed_digest: Callable[[bytes], bytes]
    bytes_digest: Callable[[bytes], bytes]
    merge_digest: Callable[[bytes, bytes, int], bytes]
    permute_state: Callable[[Sequence[int]], list[int]]
    rows_digests: Callable[[Any, int | None], bytes]

DIGEST_SIZE = 32
"""Bytes of a digest."""

try:
    from miden._core import rpo as _core
except ImportError:
    from miden import rpo as _pure

    HAVE_CORE = False

    def elements_digest(elements: Sequence[int]) -> bytes:
        """Return the digest of felts as 32 bytes."""
        return _pure.hash_elements(elements).to_bytes()

    def packed_digest(data: bytes) -> bytes:
        """Return the digest of felts that are given as little-endian bytes, eight each."""
        return elements_digest([int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)])

    def bytes_digest(data: bytes) -> bytes:
        """Return the digest of bytes as 32 bytes."""
        return _pure.hash_bytes(data).to_bytes()

    def merge_digest(left: bytes, right: bytes, domain: int) -> bytes:
        """Merge two digests in a domain; all three digests are 32 bytes."""
        return _pure.merge_in_domain(Word.from_bytes(left), Word.from_bytes(right), domain).to_bytes()

    def rows_digests(rows: NDArray[np.uint64], _threads: int | None) -> bytes:
        """Return the digests of the rows of a matrix, 32 bytes each."""
        return b"".join(elements_digest([check_felt(value, "element") for value in row]) for row in rows.tolist())

    permute_state = _pure.permute
else:
    HAVE_CORE = True
    elements_digest = _core.hash_elements
    packed_digest = _core.hash_packed
    bytes_digest = _core.hash_bytes
    merge_digest = _core.merge_in_domain
    permute_state = _core.permute
    rows_digests = _core.hash_many


def hash_elements(elements: Iterable[int]) -> Word:
    """Hash felts to a word; no felts give the zero word.

    Raises `InputError` for a value that is not a felt.

    >>> hash_elements([0])[0]
    18126731724905382595
    """
    return Word.from_bytes(elements_digest([check_felt(value, "element") for value in elements]))


def hash_many(rows: NDArray[np.uint64], *, threads: int | None = None) -> NDArray[np.uint64]:
    """Hash every row of a numpy matrix of felts; the rows of the result are the digests.

    Many hashes at once take a third of the time of as many calls of `hash_elements`, or less, and none of them holds the
    GIL.

    Parameters
    ----------
    rows
        Shape (n, k), dtype uint64, every value below p. Taken as it lies in memory if it is C-contiguous, else copied.
    threads
        1 or 2; None takes a second one if the machine has it and there is enough to do.

    Returns
    -------
    numpy.ndarray
        Shape (n, 4), dtype uint64, read-only: row i is ``hash_elements(rows[i])``. Zeros if k is 0.

    Raises
    ------
    InputError
        The array has another shape or type, or holds a value that is not a felt.

    Examples
    --------
    >>> import numpy
    >>> digests = hash_many(numpy.arange(16, dtype=numpy.uint64).reshape(2, 8))
    >>> tuple(digests[0].tolist()) == hash_elements(range(8))
    True
    """
    import numpy as np

    if getattr(rows, "ndim", None) != 2 or getattr(rows, "dtype", None) != np.uint64:
        found = f"{rows.dtype} in {rows.ndim} dimensions" if hasattr(rows, "dtype") else type(rows).__name__
        raise InputError(f"felts to hash must be a numpy matrix of uint64, found {found}", kind="InvalidMatrix")
    if threads not in (None, 1, 2):
        raise InputError(f"threads must be 1, 2 or None, found {threads!r}", kind="InvalidThreads")
    try:
        data = rows_digests(np.ascontiguousarray(rows), threads)
    except ValueError as error:
        raise InputError(str(error), kind="InvalidFelt") from error
    return np.frombuffer(data, dtype="<u8").astype(np.uint64, copy=False).reshape(-1, 4)


def hash_bytes(data: bytes) -> Word:
    """Hash bytes with RPO, seven to an element; no bytes give the zero word.

    >>> hash_bytes(bytes(range(7)))[0]
    11668490470889099026
    """
    return Word.from_bytes(bytes_digest(bytes(data)))


def merge(left: Iterable[int], right: Iterable[int]) -> Word:
    """Hash two words to one.

    >>> merge((1, 2, 3, 4), (5, 6, 7, 8))[0]
    15975159621759139720
    """
    return merge_in_domain(left, right, 0)


def merge_in_domain(left: Iterable[int], right: Iterable[int], domain: int) -> Word:
    """Hash two words to one in a domain, a felt; domain 0 is `merge`.

    >>> merge_in_domain((1, 2, 3, 4), (5, 6, 7, 8), 87)[0]
    4516052034307490073
    """
    return Word.from_bytes(merge_digest(Word(left).to_bytes(), Word(right).to_bytes(), check_felt(domain, "domain")))


def merge_with_int(seed: Iterable[int], value: int) -> Word:
    """Hash a word and an unsigned 64-bit integer, which need not be below p.

    >>> merge_with_int((1, 2, 3, 4), 42)[0]
    6249416385416154021
    """
    if not 0 <= value < 2**64:
        raise InputError(f"value must be in [0, 2**64), found {value}", kind="InvalidFelt")
    high, low = divmod(value, P)
    return Word(permute_state([6 if high else 5, 0, 0, 0, *Word(seed), low, high, 0, 0])[4:8])


def permute(state: Iterable[int]) -> list[int]:
    """Apply the permutation to twelve felts: capacity 0..3, rate 4..11.

    >>> permute(range(12))[4]
    7670128982698747483
    """
    values = [check_felt(value, "state element") for value in state]
    if len(values) != 12:
        raise InputError(f"the state has 12 elements, found {len(values)}", kind="InvalidState")
    return list(permute_state(values))


def string_to_word(text: str) -> Word:
    """Hash a string with BLAKE3 and reduce each 8 bytes, little-endian, modulo p: word constants, event ids.

    Raises `InputError` for text with lone surrogates, which has no UTF-8 form.

    >>> string_to_word("foo")[0]
    4546959913057509380
    """
    from blake3 import blake3

    try:
        data = blake3(text.encode()).digest()
    except UnicodeEncodeError as error:
        raise InputError(f"text cannot be encoded as UTF-8: {error.reason}", kind="InvalidText") from error
    return Word(int.from_bytes(data[i : i + 8], "little") % P for i in (0, 8, 16, 24))


def error_code(message: str) -> int:
    """Return the felt that stands for an error message in ``assert.err="..."`` and its relatives.

    >>> error_code("oops")
    1375171781993115700
    """
    return string_to_word(message)[0]


def event_id(name: str) -> int:
    """Return the felt that names an event on the stack.

    >>> event_id("miden::test")
    9855431799793360255
    """
    return string_to_word(name)[0]
