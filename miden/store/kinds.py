"""What objects can be: a table of kinds, each with the spaces of its keys and who decodes it.

The store knows code itself. What other kinds mean is known where their formats are; those modules are imported when the first
object of their kind passes the border.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

from miden.errors import FormatError
from miden.store.keys import BLOCK_SPACE, CODE_SPACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from typing import Protocol

    from miden.store.envelope import Envelope

    class Decoded(Protocol):
        """What is in an envelope."""

        @property
        def content(self) -> bytes:
            """Commitment to every byte of it, for whoever insists on one."""


class Kind(NamedTuple):
    """A kind of objects: its name, the spaces of its keys, and the function that decodes it, as module and name.

    The function takes an envelope and ``verify``; it raises `FormatError` or `IntegrityError` for what is not as it should be.
    """

    name: str
    spaces: Container[int]
    module: str
    function: str


KINDS = {
    0: Kind("forest", CODE_SPACES, "miden.store.objects", "decode_object"),
    1: Kind("program", CODE_SPACES, "miden.store.objects", "decode_object"),
    64: Kind("block", (BLOCK_SPACE,), "miden.ipld.objects", "decode_block"),
}
"""Number of a kind, as in the file -> what it is."""


def kind_name(number: int) -> str:
    """Return the name of a kind, or its number if it is not known here."""
    return KINDS[number].name if number in KINDS else str(number)


def decode(envelope: Envelope, *, verify: bool) -> Decoded:
    """Return what is in an envelope; without `verify`, all is known to have been verified before.

    Raises `FormatError` for a kind that is not known or has keys of another, `IntegrityError` for a lie.
    """
    kind = KINDS.get(envelope.kind)
    if kind is None or any(key.space not in kind.spaces for key in envelope.keys):
        text = f"there is no object of kind {envelope.kind} with the key {envelope.keys[0]}"
        raise FormatError(text, offset=10, kind="InvalidKind")
    function: Callable[..., Decoded] = getattr(import_module(kind.module), kind.function)
    return function(envelope, verify=verify)
