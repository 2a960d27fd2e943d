"""An append-only Merkle tree of what was published, with proofs. (RFC 9162 section 2, SHA-256.)

A client that keeps the checkpoint it saw last can tell whether a later one only added to it, and whether what it was
served is in it. So a registry whose keys were stolen cannot show one history to some and another to the rest without
leaving evidence.
"""

from __future__ import annotations

from hashlib import sha256

from miden.errors import FormatError, IntegrityError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    Nodes = MutableMapping[tuple[int, int], bytes]

EMPTY_ROOT = sha256().digest()
"""Root of the tree without leaves."""

MAX_SIZE = 2**48
"""Leaves of a tree, far beyond what is ever published: sizes from outside are checked against it."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf; the prefix keeps leaves and inner nodes apart."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


class MerkleLog:
    """A tree that grows at its right edge.

    `nodes` holds the hash of every complete subtree by (level, index), leaves at level 0: appending writes two of them
    on average, every proof reads O(log² n). Give a mapping that writes to a file or a database to keep them there.

    >>> log = MerkleLog()
    >>> first = [log.append(leaf_hash(text)) for text in (b"a", b"b", b"c")]
    >>> old = Checkpoint("demo", log.size, log.root())
    >>> index = log.append(leaf_hash(b"d"))
    >>> verify_inclusion(leaf_hash(b"d"), index, log.size, log.inclusion_proof(index, log.size), log.root())
    >>> verify_consistency(old.size, log.size, old.root, log.root(), log.consistency_proof(old.size, log.size))
    """

    __slots__ = ("nodes", "size")

    def __init__(self, nodes: Nodes | None = None, size: int = 0) -> None:
        self.nodes: Nodes = {} if nodes is None else nodes
        self.size = size

    def append(self, leaf: bytes) -> int:
        """Add the hash of a leaf and return its index."""
        index = self.size
        level, position, value = 0, index, leaf
        self.nodes[level, position] = value
        while position & 1:
            value = node_hash(self.nodes[level, position - 1], value)
            level, position = level + 1, position >> 1
            self.nodes[level, position] = value
        self.size += 1
        return index

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves, of all of them by default."""
        size = self.size if size is None else self._known(size)
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Return the audit path of a leaf in the tree of the first `size` leaves, from the leaf upwards."""
        if not 0 <= index < self._known(size):
            raise IndexError(f"there is no leaf {index} among {size}")
        proof: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            split = start + _split(end - start)
            if index < split:
                proof.append(self._range(split, end))
                end = split
            else:
                proof.append(self._range(start, split))
                start = split
        return proof[::-1]

    def consistency_proof(self, first: int, second: int) -> list[bytes]:
        """Return the proof that the tree of `first` leaves is the start of the tree of `second`."""
        if not 0 <= first <= self._known(second):
            raise IndexError(f"{first} leaves are not the start of {second}")
        if first in (0, second):
            return []
        proof: list[bytes] = []
        start, end, whole = 0, second, True
        while first != end:
            split = start + _split(end - start)
            if first <= split:
                proof.append(self._range(split, end))
                end = split
            else:
                proof.append(self._range(start, split))
                start, whole = split, False
        if not whole:
            proof.append(self._range(start, end))
        return proof[::-1]

    def _known(self, size: int) -> int:
        if size > self.size:
            raise IndexError(f"the log has {self.size} leaves, not {size}")
        return size

    def _range(self, start: int, end: int) -> bytes:
        """Return the root of the leaves from `start`, a multiple of the largest power of two in the range, to `end`."""
        parts: list[bytes] = []
        while start < end:
            level = (end - start).bit_length() - 1
            parts.append(self.nodes[level, start >> level])
            start += 1 << level
        value = parts[-1]
        for left in reversed(parts[:-1]):
            value = node_hash(left, value)
        return value

    def __len__(self) -> int:
        return self.size


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf is in the tree with this root. (RFC 9162 section 2.1.3.2.)

    Raises `IntegrityError` of kind ``NotInLog``.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise IntegrityError(f"there is no leaf {index} in a log of {size}", kind="NotInLog")
    number, last, value = index, size - 1, leaf
    for part in proof:
        if last == 0:
            raise IntegrityError("a proof of the log is longer than the log is high", kind="NotInLog")
        if number & 1 or number == last:
            value = node_hash(part, value)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            value = node_hash(value, part)
        number, last = number >> 1, last >> 1
    if last or value != root:
        raise IntegrityError(
            "what was served is not in the log of the registry", expected=root.hex(), found=value.hex(), kind="NotInLog"
        )


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the later tree only added to the earlier. (RFC 9162 section 2.1.4.2.)

    Raises `IntegrityError` of kind ``LogRewritten``.
    """
    if not 0 <= first <= second <= MAX_SIZE:
        raise _rewritten(f"it shrank from {first} entries to {second}")
    if first == second:
        if first_root != second_root or proof:
            raise _rewritten(f"its {first} entries are others than before", first_root, second_root)
        return
    if first == 0:
        if first_root != EMPTY_ROOT or proof:
            raise _rewritten("it was not empty", EMPTY_ROOT, first_root)
        return
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        raise _rewritten("the proof is empty")
    number, last = first - 1, second - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = path[0]
    for part in path[1:]:
        if last == 0:
            raise _rewritten("the proof is longer than the log is high")
        if number & 1 or number == last:
            old, new = node_hash(part, old), node_hash(part, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node_hash(new, part)
        number, last = number >> 1, last >> 1
    if old != first_root or new != second_root or last:
        raise _rewritten("earlier entries were changed or left out", first_root, old)


def _rewritten(reason: str, expected: bytes | None = None, found: bytes | None = None) -> IntegrityError:
    return IntegrityError(
        f"the log of the registry does not go on from what was seen before: {reason}",
        expected=None if expected is None else expected.hex(),
        found=None if found is None else found.hex(),
        kind="LogRewritten",
        hint="the registry shows different histories to different clients, or was replaced; ask its operator before you go on",
    )


class Checkpoint:
    """The state of a log: whose it is, how many leaves, which root.

    >>> checkpoint = Checkpoint("example", 0, EMPTY_ROOT)
    >>> Checkpoint.from_bytes(checkpoint.to_bytes()) == checkpoint
    True
    """

    __slots__ = ("origin", "root", "size")

    def __init__(self, origin: str, size: int, root: bytes) -> None:
        self.origin = origin
        self.size = size
        self.root = root

    def to_bytes(self) -> bytes:
        """Write three lines: origin, size, root in hexadecimal."""
        return f"{self.origin}\n{self.size}\n{self.root.hex()}\n".encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Checkpoint:
        """Read what `to_bytes` writes; `FormatError` of kind ``InvalidCheckpoint`` for anything else."""
        try:
            origin, size, root, end = data.decode().split("\n")
            if not size.isascii() or not size.isdigit() or len(size) > 15:
                raise ValueError("the size is no number")
            checkpoint = cls(origin, int(size), bytes.fromhex(root))
        except ValueError as error:
            raise FormatError(f"the checkpoint of the log does not decode: {error}", kind="InvalidCheckpoint") from None
        if end or checkpoint.to_bytes() != data or len(checkpoint.root) != 32 or checkpoint.size > MAX_SIZE:
            raise FormatError("a checkpoint has an origin, a size and a root of 32 bytes", kind="InvalidCheckpoint")
        return checkpoint

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Checkpoint) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def __repr__(self) -> str:
        return f"<Checkpoint {self.origin} {self.size} 0x{self.root.hex()[:16]}>"
