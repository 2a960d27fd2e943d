"""A signature that verifies does not with any other bit: of the message, the key, or the signature as it lies on the advice stack.

MIDEN_EXAMPLES sets how many bits of each scheme are tried (60 otherwise): 100,000 are all.
"""

from __future__ import annotations

import os
import random
from typing import NamedTuple

import pytest

from miden.corelib import core_library
from miden.field import P
from tests.support import corelib
from tests.support.programs import require_backend

BITS = int(os.environ.get("MIDEN_EXAMPLES", "60"))
SEED = int(os.environ.get("MIDEN_SEED", "0"))


class Scheme(NamedTuple):
    """A module with `verify`, whose first case is valid, and how many bytes key and signature have, each packed by fours.

    None for elements that are numbers of their own. The last byte of an ECDSA signature says which point it was made with; the
    reference does not look at it, and no more do we.
    """

    module: str
    parts: tuple[int, ...] | None


SCHEMES = (
    Scheme("crypto::dsa::ecdsa_k256_keccak", (33, 64)),
    Scheme("crypto::dsa::eddsa_ed25519", (32, 64)),
    Scheme("crypto::dsa::falcon512rpo", None),
)


def advice_widths(scheme: Scheme, count: int) -> list[int]:
    """Return how many bits of each element of the advice stack belong to the signature or the key."""
    if scheme.parts is None:
        return [64, 64, *[32] * (count - 10), *[64] * 8]
    widths = []
    for size in scheme.parts:
        widths += [8 * min(4, size - at) for at in range(0, size, 4)]
    return widths


def flips(scheme: Scheme, case: corelib.Case) -> list[tuple[str, int, int]]:
    """Return all bits that can be another: where, which element, which bit; elements stay below p."""
    assert case.advice is not None
    values = [int(value) for value in case.advice["advice_stack"]]
    stack = [("stack", place, bit) for place in range(8) for bit in range(64)]
    widths = advice_widths(scheme, len(values))
    found = stack + [("advice", place, bit) for place, width in enumerate(widths) for bit in range(width)]
    given = {"stack": list(case.stack), "advice": values}
    return [(where, place, bit) for where, place, bit in found if given[where][place] ^ 1 << bit < P]


def flipped(case: corelib.Case, where: str, place: int, bit: int) -> corelib.Case:
    assert case.advice is not None
    if where == "stack":
        stack = list(case.stack)
        stack[place] ^= 1 << bit
        return case._replace(stack=stack)
    values = [int(value) for value in case.advice["advice_stack"]]
    values[place] ^= 1 << bit
    return case._replace(advice={"advice_stack": [str(value) for value in values]})


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.module.rpartition(":")[2])
def test_no_other_bit_verifies(scheme: Scheme) -> None:
    require_backend("core")
    ours = corelib.Ours(core_library(), "core")
    [case] = corelib.cases(scheme.module, "verify", 1)
    assert ours.outcome(scheme.module, "verify", case).failure is None
    bits = flips(scheme, case)
    if len(bits) > BITS:
        bits = random.Random(SEED).sample(bits, BITS)
    kinds = set()
    for bit in bits:
        failure = ours.outcome(scheme.module, "verify", flipped(case, *bit)).failure
        assert failure is not None, bit
        kinds.add(failure.kind)
    assert kinds <= {"FailedAssertion", "EventError", "NotU32Values"}
    print(f"{scheme.module}: {len(bits)} bits, none verifies: {sorted(kinds)}")  # noqa: T201
