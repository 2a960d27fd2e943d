"""Random programs that call several procedures of the core library, of all its modules, with what they need to run.

A program is some calls, one after the other: each with the inputs of a case (`tests.corelib.cases`) or with what the calls
before have left, and each made in one of the ways in which a program calls: directly, in a context of its own, by its root,
under a condition, again and again, from a procedure with locals. What one call leaves in memory, on the stack, in the advice is
what the next one finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from miden.field import P
from tests.support import corelib
from tests.support.corelib import NAMESPACE, TRUNCATE, Case, Failure

if TYPE_CHECKING:
    import random

PROCEDURES = {module: sorted(corelib.makers(module)) for module in corelib.modules()}

ON_THE_STACK = ("math::u64", "math::u256", "word")
"""Modules whose procedures take their inputs from the stack alone, so from whatever is there."""

SLOW = {
    "crypto::dsa::falcon512rpo": 0.1,
    "crypto::dsa::ecdsa_k256_keccak": 0.3,
    "crypto::hashes::sha512": 0.3,
    "crypto::hashes::sha256": 0.5,
}
"""How often a module is taken when it is drawn, if its procedures or their cases take long."""

U32 = "repeat.16 movup.15 u32split drop end"
"""Makes 32-bit numbers of the elements on the stack."""

ROOT = 3_000_000
"""Where the root of a procedure lies that is called by it."""


class CoreProgram(NamedTuple):
    """A program, its inputs, and the procedures it calls."""

    source: str
    stack: list[int]
    """Top first."""
    advice: dict[str, Any]
    calls: list[str]


class Step(NamedTuple):
    """One call: MASM before it, the procedure, MASM after it, and how the program was put together."""

    text: str
    case: Case | None
    called: str


def draw(rng: random.Random) -> CoreProgram:
    """Draw a program."""
    steps = [_step(rng) for _ in range(rng.randint(2, 6))]
    advice: dict[str, Any] = {"advice_stack": [], "advice_map": {}, "merkle_store": []}
    definitions: list[str] = []
    bodies: list[str] = []
    calls: list[str] = []
    for number, step in enumerate(steps):
        if step.case is not None and not _fits(advice, definitions, step.case):
            continue
        calls.append(step.called)
        kind = rng.random()
        if kind < 0.15:
            value = rng.randrange(P)
            kept = f"push.{value} loc_store.0 {step.text} loc_load.0 push.{value} assert_eq"
            definitions.append(f"@locals({rng.choice((4, 8, 20))}) proc step{number} {kept} end")
            bodies.append(f"exec.step{number}")
        elif kind < 0.25:
            other = rng.choice(("swap", "dup.3", "push.9", "movup.5", TRUNCATE))
            bodies.append(f"push.{int(rng.random() < 0.8)} if.true {step.text} else {other} end")
        elif kind < 0.3 and step.case is None:
            bodies.append(f"repeat.{rng.randint(2, 4)} {U32} {step.text} end")
        else:
            bodies.append(step.text)
    source = f"{' '.join(definitions)} begin {' '.join(bodies)} {TRUNCATE} end"
    return CoreProgram(source, [rng.randrange(P) for _ in range(16)], {name: part for name, part in advice.items() if part}, calls)


def _fits(advice: dict[str, Any], definitions: list[str], case: Case) -> bool:
    """Add what a case needs to the advice and the definitions of a program, if it does not contradict what is there."""
    given = case.advice or {}
    table = {str(key): values for key, values in (given.get("advice_map") or {}).items()}
    if (case.definitions and case.definitions in definitions) or any(
        advice["advice_map"].get(key, table[key]) != table[key] for key in table
    ):
        return False
    if case.definitions:
        definitions.append(case.definitions)
    advice["advice_map"] |= table
    advice["advice_stack"] += given.get("advice_stack") or []
    advice["merkle_store"] += given.get("merkle_store") or []
    return True


def choose(rng: random.Random) -> tuple[str, str]:
    """Choose a module and a procedure of it."""
    module = rng.choice(list(PROCEDURES))
    while module in SLOW and rng.random() > SLOW[module]:
        module = rng.choice(list(PROCEDURES))
    return module, rng.choice(PROCEDURES[module])


def _step(rng: random.Random) -> Step:
    """Draw a call."""
    module, name = choose(rng)
    path = f"::{NAMESPACE}{module}::{name}"
    call = f"exec.{path}"
    if rng.random() < 0.1:
        root = f"procref.{path} mem_storew_be.{ROOT} dropw"
        call = f"{root} push.{ROOT} dynexec padw mem_storew_le.{ROOT} dropw"
    elif module in ON_THE_STACK and rng.random() < 0.2:
        call = f"call.{path}"
    if module in ON_THE_STACK and rng.random() < 0.5:
        mended = U32 if module != "word" and rng.random() < 0.97 else ""
        moved = f"push.{rng.randrange(70)}" if name in ("shl", "shr", "rotl", "rotr") else ""
        return Step(f"{mended} {moved} {call}", None, path)
    case = corelib.makers(module)[name](rng, rng.randrange(400))
    while isinstance(case.expect, Failure) and rng.random() < 0.95:
        case = corelib.makers(module)[name](rng, rng.randrange(400))
    stack = " ".join(f"push.{value}" for value in reversed(case.stack))
    return Step(f"{stack} {case.setup} {call} {case.teardown}", case, path)
