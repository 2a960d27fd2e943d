"""Precompile requests are verified after a run; signatures are valid or refused, whatever bit is changed."""

from __future__ import annotations

import random
from hashlib import sha512
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import miden
from miden.corelib import core_library
from miden.corelib.handlers import CORE_EVENTS
from miden.corelib.handlers.hashes import keccak256
from miden.corelib.handlers.signatures import verify_ecdsa, verify_eddsa
from miden.corelib.precompiles import PrecompileTranscript, transcript_of, verify_precompiles
from miden.hashing import event_id, hash_elements
from miden.vm.advice import PrecompileRequest
from tests.support import corelib
from tests.support.hashed import packed
from tests.support.programs import BACKENDS, require_backend
from tests.support.signed import ORDER, G, compressed, sign, times

if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.vm.outputs import ExecutionOutput

MESSAGE = miden.Word((1, 2**40, 3, 4))

ECDSA = "miden::core::crypto::dsa::ecdsa_k256_keccak"
EDDSA = "miden::core::crypto::dsa::eddsa_ed25519"


def ecdsa() -> tuple[bytes, bytes, bytes]:
    """Return key, digest and signature of MESSAGE."""
    rng = random.Random(7)
    secret = rng.randrange(1, ORDER)
    digest = keccak256(MESSAGE.to_bytes())
    return compressed(times(secret, G)), digest, sign(secret, digest, rng.randrange(1, ORDER))


def eddsa() -> tuple[bytes, bytes, bytes]:
    """Return key, challenge and signature of MESSAGE."""
    secret = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    key, signature = secret.public_key().public_bytes_raw(), secret.sign(MESSAGE.to_bytes())
    return key, sha512(signature[:32] + key + MESSAGE.to_bytes()).digest(), signature


def run(module: str, parts: tuple[bytes, bytes, bytes], backend: str) -> ExecutionOutput:
    """Verify a signature of MESSAGE in a program."""
    key, _, signature = parts
    stack = [*hash_elements(packed(key))[::-1], *MESSAGE[::-1]]
    advice = {"advice_stack": [str(value) for value in packed(key) + packed(signature)]}
    ours = corelib.Ours(core_library(), backend)
    return ours._run(f"begin exec.::{module}::verify end", corelib.Case(stack, advice=advice)).output()


def test_ids_are_those_of_the_names() -> None:
    assert all(event_id(row.name) == number == row.event_id for number, row in CORE_EVENTS.items())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("module", "made"), [(ECDSA, ecdsa), (EDDSA, eddsa)])
def test_a_run_is_verified(module: str, made: Callable[[], tuple[bytes, bytes, bytes]], backend: str) -> None:
    require_backend(backend)
    output = run(module, made(), backend)
    assert len(output.precompile_requests) == 2
    assert verify_precompiles(output).finalize() != PrecompileTranscript().finalize()


def test_requests_that_were_changed_give_another_transcript() -> None:
    output = run(ECDSA, ecdsa(), BACKENDS[0])
    hashed, signed = output.precompile_requests
    changed = PrecompileRequest(hashed.event_id, hashed.calldata[:-1] + b"x")
    assert transcript_of([changed, signed]).state != output.transcript
    assert transcript_of([signed, hashed]).state != output.transcript
    assert transcript_of([hashed, signed]).state == output.transcript


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (PrecompileRequest(5, b""), "VerifierNotFound"),
        (PrecompileRequest(14153021663962350784, b""), "VerifierNotFound"),
        (PrecompileRequest(443020094570876606, b"short"), "PrecompileError"),
        (PrecompileRequest(443020094570876606, bytes(130)), "PrecompileError"),
        (PrecompileRequest(14438193807695912212, bytes(159)), "PrecompileError"),
        (PrecompileRequest(14438193807695912212, b"\x02" + bytes(159)), "PrecompileError"),
    ],
)
def test_requests_that_cannot_be_verified(request_: PrecompileRequest, kind: str) -> None:
    with pytest.raises(miden.ExecutionError) as caught:
        transcript_of([request_])
    assert caught.value.kind == kind
    assert caught.value.facts["index"] == 0


@pytest.mark.parametrize(
    ("verify", "made", "ignored"), [(verify_ecdsa, ecdsa, {8 * 64, 8 * 64 + 1}), (verify_eddsa, eddsa, set())], ids=["ecdsa", "eddsa"]
)
def test_every_bit_counts(
    verify: Callable[[bytes, bytes, bytes], bool], made: Callable[[], tuple[bytes, bytes, bytes]], ignored: set[int]
) -> None:
    parts = made()
    assert verify(*parts)
    for which, part in enumerate(parts):
        for bit in range(8 * len(part)):
            changed = bytearray(part)
            changed[bit // 8] ^= 1 << bit % 8
            spoiled = (*parts[:which], bytes(changed), *parts[which + 1 :])
            try:
                valid = verify(*spoiled)
            except miden.ExecutionError as error:
                assert error.kind == "InvalidSignatureData"
                continue
            # nobody reads the recovery id
            assert valid == (which == 2 and bit in ignored)
