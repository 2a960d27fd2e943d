"""Cases of `miden::core::collections::smt`; the oracle is a dictionary, and the tree that is built from it anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miden.field import P, Word
from miden.hashing import error_code, hash_elements
from miden.vm.trees import SimpleSmt, Smt
from tests.support.corelib import SPILL, TRUNCATE, Case, Failure, spill

if TYPE_CHECKING:
    import random

SIZES = (0, 1, 2, 3, 5, 9)
ZERO = Word((0, 0, 0, 0))
GET = "exec.::miden::core::collections::smt::get"

Pairs = dict[Word, Word]


def draw(rng: random.Random, last: int | None = None) -> Word:
    """Draw a word, never zero."""
    first = [rng.randrange(1, P) if rng.random() < 0.7 else rng.choice((1, 2, 2**32, P - 1)) for _ in range(4)]
    return Word((*first[:3], first[3] if last is None else last))


def leaves(pairs: Pairs) -> dict[int, list[int]]:
    """Return index -> elements of the leaves that are not empty."""
    found: dict[int, list[int]] = {}
    for key in sorted(pairs, key=lambda key: key[::-1]):
        found.setdefault(key[3], []).extend([*key, *pairs[key]])
    return found


def tree(pairs: Pairs) -> SimpleSmt:
    """Return the tree of leaves, which may be too large."""
    return SimpleSmt(64, {index: hash_elements(elements) for index, elements in leaves(pairs).items()})


def advice(pairs: Pairs) -> dict[str, Any]:
    """Return what a program must be given."""
    entries = [[index, leaf.to_hex()] for index, leaf in tree(pairs).items()]
    preimages = {hash_elements(elements).to_hex(): elements for elements in leaves(pairs).values()}
    return {"advice_map": preimages, "merkle_store": [{"sparse_merkle_tree": entries}]}


def spoil(given: dict[str, Any], pairs: Pairs, key: Word, rng: random.Random) -> dict[str, Any] | None:
    """Change what the advice says about the leaf of a key; None if it says nothing."""
    elements = leaves(pairs).get(key[3])
    if elements is None:
        return None
    name, wrong = hash_elements(elements).to_hex(), list(elements)
    match rng.randrange(5):
        case 0:
            del given["advice_map"][name]
            return given
        case 1:
            wrong = wrong[: -rng.randrange(1, 8)]
        case 2:
            wrong = [*wrong, *wrong[:8]]
        case 3:
            wrong += [0] * 4
        case _:
            place = rng.randrange(len(wrong))
            wrong[place] = (wrong[place] + 1) % P
    given["advice_map"][name] = wrong
    return given


def made(rng: random.Random, index: int) -> tuple[Pairs, Word]:
    """Return a map and a key: in an empty leaf, in one with one pair, or in one with several; there, or not."""
    last = rng.randrange(P)
    count = SIZES[index % len(SIZES)]
    pairs = {draw(rng, last): draw(rng) for _ in range(count)}
    key = rng.choice(list(pairs)) if pairs and index // len(SIZES) % 3 else draw(rng, last)
    for _ in range(rng.randrange(4)):
        pairs[draw(rng, (last + rng.randrange(1, 9)) % P)] = draw(rng)
    return pairs, key


def large(rng: random.Random, count: int) -> tuple[Pairs, Word]:
    """Return a map with so many pairs in one leaf, and a key that is not there."""
    return {Word((n, 5, 5, 9)): Word((n, 1, 1, 1)) for n in range(count)}, Word((rng.randrange(1024), 4, 5, 9))


def stack(*words: Word) -> list[int]:
    """Return words as they lie on the stack."""
    return [element for word in words for element in word[::-1]]


def get(rng: random.Random, index: int) -> Case:
    """Get the value of a key; now and then with advice that is not what it should be."""
    pairs, key = large(rng, (index - 29) * 600) if index in (30, 31) else made(rng, index)
    below, given, top = draw(rng), advice(pairs), tree(pairs).root
    leaf = [other for other in pairs if other[3] == key[3]]
    expect: list[int] | Failure | None = stack(pairs.get(key, ZERO), top, below)
    if len(leaf) == 1 and key not in pairs:
        expect = Failure("FailedAssertion", 0)
    if index == 31:
        expect = Failure("FailedAssertion", error_code("invalid leaf: larger than maximum size of 8192"))
    elif index % 8 == 7:
        spoilt = spoil(given, pairs, key, rng)
        if spoilt is not None:
            given, expect = spoilt, None
    if index % 40 == 29:
        top, expect = draw(rng), Failure("AdviceError")
    return Case(stack(key, top, below), teardown=TRUNCATE, advice=given, expect=expect)


def set_(rng: random.Random, index: int) -> Case:
    """Set the value of a key, or remove it, and see what the new tree has for it."""
    pairs, key = made(rng, index)
    if index in (30, 31):
        pairs, key = large(rng, (index - 29) * 512)
    value = ZERO if index // 3 % 4 == 3 and index not in (30, 31) else draw(rng)
    below, given, top = draw(rng), advice(pairs), tree(pairs).root
    full = index == 31
    changed = pairs if full else {other: old for other, old in (pairs | {key: value}).items() if old != ZERO}
    expect: list[int] | Failure | None
    teardown = ""
    if index % 2 and not (value == ZERO and len([other for other in changed if other[3] == key[3]]) == 1):
        # what the new tree has for the key
        teardown = f"dropw push.{'.'.join(map(str, key))} {GET}"
        expect = stack(value, Smt(changed).root, below)
    else:
        expect = stack(pairs.get(key, ZERO), Smt(changed).root, below)
    if full:
        expect = Failure("FailedAssertion", error_code("invalid insert: already at maximum size of 8192"))
    if index % 16 == 13:
        spoilt = spoil(given, pairs, key, rng)
        if spoilt is not None:
            given, expect, teardown = spoilt, None, ""
    if index % 40 == 29:
        top, expect = draw(rng), Failure("AdviceError")
    return Case(stack(value, key, top, below), teardown=f"{teardown} {TRUNCATE}", advice=given, expect=expect)


def peek(rng: random.Random, index: int) -> Case:
    """Peek at the value of a key."""
    pairs, key = made(rng, index)
    below, given, top = draw(rng), advice(pairs), tree(pairs).root
    expect: list[int] | Failure | None = stack(key, top, below)
    memory: dict[int, int] | None = dict(enumerate(pairs.get(key, ZERO)[::-1], SPILL))
    if index % 8 == 7:
        spoilt = spoil(given, pairs, key, rng)
        if spoilt is not None:
            return Case(stack(key, top, below), advice=spoilt)
    if index % 40 == 29:
        top, expect, memory = draw(rng), Failure("EventError"), None
    return Case(stack(key, top, below), teardown=f"adv_push.4 {spill(4)}", advice=given, expect=expect, memory=memory)


PROCEDURES = {"get": get, "peek": peek, "set": set_}
