"""The event of the authenticated cipher: the plaintext, which the program encrypts again to check it. (processor.md section 8.3.)"""

from __future__ import annotations

from miden.errors import ExecutionError
from miden.field import U32_MAX, P
from miden.hashing import permute
from miden.vm.mutations import ExtendStack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.field import Word
    from miden.vm.state import ProcessState

BLOCK = 8
"""Elements of a block; one more than the message has is encrypted, a one and seven zeros."""


def decrypt(state: ProcessState) -> list[ExtendStack]:
    """[id, NONCE, KEY, source, destination, blocks, ...]: push the plaintext of so many blocks in memory and one of padding."""
    source, blocks = state.stack_get(9), state.stack_get(11)
    length = (blocks + 1) * BLOCK
    cipher = _region(state, source, length)
    tag = _region(state, source + length, 4)
    plain, expected = open_box(state.stack_word(5), state.stack_word(1), cipher)
    if expected != tag:
        raise ExecutionError("authentication tag verification failed", kind="Decryption")
    if 1 not in plain[-BLOCK:]:
        raise ExecutionError("malformed padding", kind="Decryption")
    return [ExtendStack.popped_first(plain[: blocks * BLOCK])]


def open_box(key: Word, nonce: Word, cipher: list[int]) -> tuple[list[int], list[int]]:
    """Return the plaintext of whole blocks, padding included, and the tag that they must have."""
    plain: list[int] = []
    hasher = permute([0, 0, 0, 0, *key, *nonce])
    hasher = [(hasher[0] + 1) % P, *hasher[1:4], 1, 0, 0, 0, 0, 0, 0, 0]
    for at in range(0, len(cipher), BLOCK):
        hasher = permute(hasher)
        block = cipher[at : at + BLOCK]
        plain += [(value - mask) % P for value, mask in zip(block, hasher[4:], strict=True)]
        hasher[4:] = block
    return plain, permute(hasher)[4:8]


def _region(state: ProcessState, start: int, length: int) -> list[int]:
    values: list[int] = []
    if start % 4 == 0 and start + length <= U32_MAX:
        for address in range(start, start + length):
            value = state.memory_get(address)
            if value is None:
                break
            values.append(value)
    if len(values) != length:
        raise ExecutionError(f"failed to read memory region at addr={start}, len={length}", kind="Decryption")
    return values
