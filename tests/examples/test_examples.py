"""Every example gives what plain Python computes by another way, on both backends and on more inputs than its own."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

import miden
from tests.support.programs import BACKENDS, EXAMPLES, example_inputs, example_source, run_source
from tests.support.rpo_by_definition import P, hash_elements, merkle_levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

pytestmark = pytest.mark.parametrize("backend", BACKENDS)


def outputs(name: str, backend: str, stack: Sequence[int], advice: Mapping[str, object] | None = None) -> list[int]:
    return [int(value) for value in run_source(example_source(name), backend=backend, stack=stack, advice=advice).stack]


def shipped(name: str) -> tuple[list[int], dict[str, list[object]]]:
    """Return the stack (top first) and the advice of the example's own inputs file."""
    document = example_inputs(name)
    return [int(str(value)) for value in reversed(document.pop("operand_stack"))], document


def padded(*values: int) -> list[int]:
    return [*values, *[0] * (16 - len(values))]


def hex_word(word: Sequence[int]) -> str:
    return "0x" + b"".join(element.to_bytes(8, "little") for element in word).hex()


# --- add, fibonacci, primes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [(3, 5), (P - 1, 1), (P - 1, P - 1), (0, 0)])
def test_add_adds_in_the_field(backend: str, pair: tuple[int, int]) -> None:
    assert outputs("add", backend, pair) == padded(sum(pair) % P)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 90, 93, 94, 150])
def test_fibonacci_agrees_with_integers_modulo_p(backend: str, n: int) -> None:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    assert outputs("fibonacci", backend, [n]) == padded(a % P)


def test_fibonacci_refuses_a_step_count_that_is_not_u32(backend: str) -> None:
    with pytest.raises(miden.ExecutionError) as caught:
        outputs("fibonacci", backend, [2**32])
    assert caught.value.kind == "NotU32Values"


@pytest.mark.parametrize("limit", [3, 4, 30, 121, 122, 1000])
def test_primes_agree_with_trial_division(backend: str, limit: int) -> None:
    primes = [n for n in range(2, limit) if all(n % d for d in range(2, math.isqrt(n) + 1))]
    assert outputs("primes", backend, [limit]) == padded(len(primes), primes[-1])


@pytest.mark.parametrize("limit", [0, 2, 100_001, P - 1])
def test_primes_refuse_a_limit_out_of_range(backend: str, limit: int) -> None:
    with pytest.raises(miden.ExecutionError) as caught:
        outputs("primes", backend, [limit])
    assert caught.value.kind == "FailedAssertion"


# --- hashing --------------------------------------------------------------------------------------------------


def file_elements(data: bytes) -> list[int]:
    """Return the elements of a file as the example defines them: seven bytes each, a 1, zeros up to a block."""
    elements = [int.from_bytes(data[i : i + 7], "little") for i in range(0, len(data), 7)] + [1]
    return elements + [0] * (-len(elements) % 8)


def test_the_inputs_of_the_file_hash_are_the_words_of_the_file(backend: str) -> None:
    stack, advice = shipped("file_hash")
    elements = file_elements((EXAMPLES / "file_hash.txt").read_bytes())
    assert [int(str(value)) for value in advice["advice_stack"]] == elements
    assert stack == [len(elements) // 8]


@pytest.mark.parametrize("length", [0, 1, 48, 49, 300])
def test_file_hash_is_the_sponge_over_the_words_of_the_file(backend: str, length: int) -> None:
    elements = file_elements(random.Random(length).randbytes(length))
    got = outputs("file_hash", backend, [len(elements) // 8], {"advice_stack": [str(value) for value in elements]})
    assert got == padded(*reversed(hash_elements(elements)))


def test_merkle_membership_accepts_every_leaf_of_a_tree(backend: str) -> None:
    leaves = [(i, i * i, i + 7, P - 1 - i) for i in range(16)]
    root = merkle_levels(leaves)[-1][0]
    store = {"merkle_store": [{"merkle_tree": [hex_word(leaf) for leaf in leaves]}]}
    for index, leaf in enumerate(leaves):
        stack = [4, index, *reversed(root), *reversed(leaf)]
        assert outputs("merkle_membership", backend, stack, store) == padded(1), f"leaf {index}"


def test_merkle_membership_refuses_a_leaf_at_another_index(backend: str) -> None:
    stack, advice = shipped("merkle_membership")
    stack[1] += 1
    with pytest.raises(miden.ExecutionError, match="another leaf is at this index"):
        outputs("merkle_membership", backend, stack, advice)


def test_merkle_membership_ships_a_tree_of_eight_leaves(backend: str) -> None:
    leaves = [(100 + i, 200 + i, 300 + i, 400 + i) for i in range(8)]
    stack, advice = shipped("merkle_membership")
    assert stack == [3, 5, *reversed(merkle_levels(leaves)[-1][0]), *reversed(leaves[5])]
    assert outputs("merkle_membership", backend, stack, advice) == padded(1)


# --- u32, memory, locals, dynamic calls -----------------------------------------------------------------------


@pytest.mark.parametrize(("rounds", "seed"), [(0, 1), (1, 1), (2, 2**32 - 1), (100, 305419896)])
def test_u32_arithmetic_agrees_with_masked_integers(backend: str, rounds: int, seed: int) -> None:
    state, checksum, total = seed, 2166136261, 0
    for _ in range(rounds):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        checksum = (checksum ^ state) * 16777619 & 0xFFFFFFFF
        total += state
    assert outputs("u32_arithmetic", backend, [rounds, seed]) == padded(total >> 32, total & 0xFFFFFFFF, checksum, state)


@pytest.mark.parametrize("count", [1, 2, 5, 12, 15, 16])
def test_memory_sort_agrees_with_sorted(backend: str, count: int) -> None:
    numbers = [random.Random(count * 100 + i).choice([0, 1, 2**32, P - 1, i * 7919 % 101, i << 40]) for i in range(count)]
    got = outputs("memory_sort", backend, [count], {"advice_stack": [str(value) for value in numbers]})
    assert got == padded(*sorted(numbers))


@pytest.mark.parametrize("count", [0, 17, P - 1])
def test_memory_sort_refuses_a_count_that_does_not_fit(backend: str, count: int) -> None:
    with pytest.raises(miden.ExecutionError) as caught:
        outputs("memory_sort", backend, [count], {"advice_stack": ["1"] * 17})
    assert caught.value.kind == "FailedAssertion"


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (3, 4), (3000, 4000), (65535, 65535), (46340, 46341)])
def test_locals_compute_the_length_of_a_vector(backend: str, x: int, y: int) -> None:
    squares = x * x + y * y
    assert outputs("locals", backend, [x, y]) == padded(math.isqrt(squares), squares)


@pytest.mark.parametrize(("x", "y"), [(65536, 0), (0, 65536), (2**32, 1)])
def test_locals_refuse_numbers_out_of_range(backend: str, x: int, y: int) -> None:
    with pytest.raises(miden.ExecutionError):
        outputs("locals", backend, [x, y])


@pytest.mark.parametrize("choices", [(0, 1, 2, 1), (2, 2, 0, 0), (1, 0, 1, 2)])
def test_dynamic_calls_run_the_procedures_chosen(backend: str, choices: tuple[int, ...]) -> None:
    a, b = 12, 5
    results = [((a + b), (a * b), (a * a - b * b))[choice] % P for choice in choices]
    got = outputs("dynamic_calls", backend, [a, b], {"advice_stack": [str(choice) for choice in choices]})
    assert got == padded(results[-1], *reversed(results))


def test_dynamic_calls_refuse_a_choice_that_is_not_in_the_table(backend: str) -> None:
    with pytest.raises(miden.ExecutionError, match="three procedures"):
        outputs("dynamic_calls", backend, [1, 2], {"advice_stack": ["0", "3", "0", "0"]})


# --- all of them ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.masm")))
def test_every_example_runs_with_the_inputs_it_ships(backend: str, name: str) -> None:
    stack, advice = shipped(name)
    assert len(outputs(name, backend, stack, advice)) == 16
