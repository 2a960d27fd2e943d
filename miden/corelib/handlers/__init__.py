"""THE registry of the core library's events: who answers which. (processor.md section 8.1.)

A row names the event and the function that answers it; the module of the function is imported when its first event
comes, so that a program that only divides loads no elliptic curve.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from miden.field import Word
    from miden.vm.host import Handler

    Verifier: TypeAlias = Callable[[bytes], tuple[Word, Word]]
    """Calldata of a precompile request to the tag and the commitment that must have been logged."""


class CoreEvent:
    """One row: the id on the stack, the name whose hash it is, and where its handler lives (``module:function``).

    A precompile has a function besides that verifies what it was asked, after the run.
    """

    __slots__ = ("_handler", "event_id", "home", "name", "verifier_home")

    def __init__(self, event_id: int, name: str, home: str, verifier_home: str = "") -> None:
        self.event_id = event_id
        self.name = name
        self.home = home
        self.verifier_home = verifier_home
        self._handler: Handler | None = None

    @property
    def handler(self) -> Handler:
        """The function that answers the event; its module is imported now, if it was not before."""
        if self._handler is None:
            self._handler = _load(self.home)
        return self._handler

    @property
    def verifier(self) -> Verifier | None:
        """The function that verifies requests of a precompile; None for an event that makes none."""
        return _load(self.verifier_home) if self.verifier_home else None

    def __repr__(self) -> str:
        return f"<CoreEvent {self.name}>"


def _load(home: str) -> Any:
    from importlib import import_module

    module, _, function = home.partition(":")
    return getattr(import_module(f"{__name__}.{module}"), function)


_ROWS = (
    CoreEvent(14153021663962350784, "miden::core::math::u64::u64_div", "integers:divide_u64"),
    CoreEvent(15409227627783267185, "miden::core::hash::keccak256::hash_bytes", "hashes:hash_keccak256", "hashes:verify_keccak256"),
    CoreEvent(18006925272611184819, "miden::core::hash::sha512::hash_bytes", "hashes:hash_sha512", "hashes:verify_sha512"),
    CoreEvent(
        443020094570876606,
        "miden::core::crypto::dsa::ecdsa_k256_keccak::verify",
        "signatures:check_ecdsa",
        "signatures:verify_ecdsa_request",
    ),
    CoreEvent(14438193807695912212, "miden::core::dsa::eddsa_ed25519::verify", "signatures:check_eddsa", "signatures:verify_eddsa_request"),
    CoreEvent(14396174813150195219, "miden::core::crypto::dsa::falcon512rpo::falcon_div", "falcon:divide"),
    CoreEvent(12034814376348458125, "stdlib::crypto::aead::decrypt", "aead:decrypt"),
    CoreEvent(8594990866026041322, "miden::core::collections::smt::smt_peek", "collections:peek_smt"),
    CoreEvent(10187706227858647885, "miden::core::collections::sorted_array::lowerbound_array", "collections:find_word"),
    CoreEvent(5802503004314289270, "miden::core::collections::sorted_array::lowerbound_key_value", "collections:find_key"),
)

CORE_EVENTS: Mapping[int, CoreEvent] = {row.event_id: row for row in _ROWS}
"""The table by event id."""
