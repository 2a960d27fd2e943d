"""Cases of `miden::core::sys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miden.field import P
from tests.support.corelib import Case

if TYPE_CHECKING:
    import random


def drop_stack_top(rng: random.Random, index: int) -> Case:
    """Sixteen elements are dropped: what was below them comes up."""
    below = [rng.randrange(P) for _ in range(index % 20)]
    return Case([rng.randrange(P) for _ in range(16)], f"{' '.join(f'push.{value} movdn.15' for value in below)}", expect=None)


def truncate_stack(rng: random.Random, index: int) -> Case:
    """However deep the stack is, the sixteen elements on top stay."""
    pushed = [rng.randrange(P) for _ in range(index % 40)]
    stack = [rng.randrange(P) for _ in range(16)]
    return Case(stack, " ".join(f"push.{value}" for value in pushed), expect=[*pushed[::-1], *stack][:16])


def log_precompile_request(rng: random.Random, index: int) -> Case:
    """Two words are taken; what they do to the transcript shows in the next word that is made from it."""
    stack = [rng.randrange(P) for _ in range(16)]
    return Case(stack, teardown="log_precompile" if index % 2 else "", expect=None if index % 2 else stack[8:])


PROCEDURES = {"drop_stack_top": drop_stack_top, "truncate_stack": truncate_stack, "log_precompile_request": log_precompile_request}
