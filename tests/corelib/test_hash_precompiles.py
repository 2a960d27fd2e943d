"""The precompiles of Keccak-256 and SHA-512: what they commit to, and what they say when they cannot."""

from __future__ import annotations

import sys

import pytest

import miden
from miden.corelib import core_library
from miden.corelib.handlers import CORE_EVENTS
from miden.corelib.handlers.hashes import KECCAK256, SHA512, keccak256, sha512, verify_keccak256, verify_sha512
from miden.corelib.handlers.packed import pack
from miden.hashing import hash_elements, merge
from miden.vm.host import Host

HASHES = "::miden::core::crypto::hashes::"


def run(body: str) -> miden.ExecutionOutput:
    assembler = miden.Assembler()
    assembler.link_library(core_library())
    host = Host([core_library()], {row.name: row.handler for row in CORE_EVENTS.values()})
    return miden.execute(assembler.assemble_program(f"begin {body} end"), host=host)


def test_known_digests() -> None:
    assert keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
    assert sha512(b"").hex().startswith("cf83e1357eefb8bdf1542850d66d8007")


@pytest.mark.parametrize(("event", "verify", "digest"), [(KECCAK256, verify_keccak256, keccak256), (SHA512, verify_sha512, sha512)])
@pytest.mark.parametrize("length", [0, 1, 4, 31, 32, 100])
def test_tag_and_commitment_are_made_of_message_and_digest(event: int, verify, digest, length: int) -> None:
    data = bytes(range(length))
    tag, commitment = verify(data)
    assert tuple(tag) == (event, length, 0, 0)
    assert commitment == merge(hash_elements(pack(data)), hash_elements(pack(digest(data))))


def test_a_run_asks_for_what_it_hashed_in_order() -> None:
    message = "push.0x64636261 mem_store.40 push.101 mem_store.41"
    output = run(f"{message} push.5.40 exec.{HASHES}keccak256::hash_bytes push.5.40 exec.{HASHES}sha512::hash_bytes repeat.24 drop end")
    assert [(request.event_id, request.calldata) for request in output.precompile_requests] == [(KECCAK256, b"abcde"), (SHA512, b"abcde")]


def test_a_length_that_no_memory_has_fails_at_once() -> None:
    with pytest.raises(miden.ExecutionError, match="failed to read memory at address 44") as caught:
        run(f"push.1 mem_store.40 push.4000000000.40 exec.{HASHES}sha512::hash_bytes")
    assert caught.value.kind == "EventError"


def test_without_its_library_keccak_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "Crypto.Hash", None)
    with pytest.raises(miden.ExecutionError) as caught:
        keccak256(b"")
    assert caught.value.kind == "MissingLibrary"
    assert "miden[crypto]" in str(caught.value.hint)
