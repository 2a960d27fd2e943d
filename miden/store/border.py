"""The trust border: nothing that a provider returns is believed before it has passed here."""

from __future__ import annotations

from typing import NamedTuple

from miden.errors import IntegrityError
from miden.store.envelope import MAX_PAYLOAD, Envelope
from miden.store.kinds import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.store.keys import ObjectKey
    from miden.store.kinds import Decoded
    from miden.store.seals import Seals


class Admitted(NamedTuple):
    """An object that may be used: what it is, all its keys, and whether it was verified just now rather than before."""

    value: Decoded
    keys: tuple[ObjectKey, ...]
    verified: bool


class Border:
    """Verifies objects, or recognises by their seals those that were verified before.

    Parameters
    ----------
    seals
        What was verified before.
    max_payload
        Bytes of content that an object may have.
    """

    __slots__ = ("max_payload", "seals")

    def __init__(self, seals: Seals, max_payload: int = MAX_PAYLOAD) -> None:
        self.seals = seals
        self.max_payload = max_payload

    def admit(self, key: ObjectKey, data: object, *, local: bool) -> Admitted:
        """Return what is in the bytes that a provider returned for a key.

        Seals count for local bytes only, and local bytes that pass get one.

        Raises `FormatError` or `IntegrityError` for bytes that are no object, lie about their content, or are another object
        than the one asked for.
        """
        if not isinstance(data, bytes):
            raise IntegrityError(f"a provider returns bytes, found {type(data).__name__}", kind="InvalidObject")
        mark = self.seals.mark(data) if local else b""
        known = local and self.seals.knows(mark)
        envelope = Envelope.from_bytes(data, max_payload=self.max_payload, checked=known)
        if key not in envelope.keys:
            raise IntegrityError(
                "the object found is another one than was asked for", expected=str(key), found=str(envelope.keys[0]), kind="WrongObject"
            )
        value = decode(envelope, verify=not known)
        if local and not known:
            self.seals.add((mark,))
        return Admitted(value, envelope.keys, not known)
