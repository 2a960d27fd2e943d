"""Find the shortest order of moves, copies and computations that has a given effect.

The effect says which computations there are (`effects.Node`) and which stack they must leave. What is free is their order,
and every move, copy and drop between them. The search goes forward, one operation at a time, over all such sequences, and
keeps the best `width` states of each length: those that need the fewest operations more, by a bound that counts the
computations, copies and drops that are left, and an estimate of the moves. A state is a stack and the set of computations that
have been done. With a width that no length reaches the result is the shortest there is among sequences that copy and drop
nothing in vain; otherwise it is the best that was found.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from heapq import nsmallest

from miden.isa import OP, OPERATIONS
from miden.optimize.meanings import ALWAYS, MOVES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from miden.optimize.effects import Effect, Node, Operation

    Stack: TypeAlias = tuple[int, ...]
    State: TypeAlias = tuple[Stack, int]
    """What is on the stack, and a bit for every computation that has been done."""
    Trail: TypeAlias = tuple["Trail | None", tuple[Operation, ...]]

DEFAULT_WIDTH = 1000
"""States of each length that are kept: some seconds for sixteen operations."""

_SHUFFLES = tuple((OP[name], *MOVES[name]) for name in MOVES if not name.startswith(("DUP", "DROP")))
_COPIES = tuple((OP[name], MOVES[name][1][0]) for name in MOVES if name.startswith("DUP"))
_COPIED = frozenset(index for _, index in _COPIES)
_REACH = 8
"""Deepest element that one operation moves to the top."""
_DROP = ((OP["DROP"], None),)


class Problem:
    """What is to be done: computations, the stack before and the stack after."""

    def __init__(self, effect: Effect, start: Stack) -> None:
        self.start = start
        self.target = effect.stack
        self.makers = _makers(effect.nodes)
        self.nodes = _needed(effect, self.makers)
        self.all_done = (1 << len(self.nodes)) - 1
        self._balances: dict[int, dict[int, int]] = {}
        position = {id(node): index for index, node in enumerate(self.nodes)}
        self.after = [self._before(effect, node, position) for node in self.nodes]
        self.target_rank = _ranks(self.target)

    @staticmethod
    def _before(effect: Effect, node: Node, position: dict[int, int]) -> int:
        """Return the bit of the node that must come first, or 0."""
        return 0 if node.after is None else 1 << position[id(effect.nodes[node.after])]

    def balance(self, done: int) -> dict[int, int]:
        """Return value -> copies that what is left to do will make, less those it needs."""
        found = self._balances.get(done)
        if found is None:
            counts: Counter[int] = Counter()
            counts.subtract(self.target)
            for index, node in enumerate(self.nodes):
                if not done >> index & 1:
                    counts.subtract(node.inputs)
                    counts.update(node.outputs)
            found = self._balances[done] = dict(counts)
        return found

    def supply(self, stack: Stack, done: int) -> dict[int, int]:
        """Return value -> copies there are and will be made, less those that are needed."""
        supply = dict(self.balance(done))
        for value in stack:
            supply[value] = supply.get(value, 0) + 1
        return supply

    def estimate(self, stack: Stack, done: int) -> tuple[int, float]:
        """Return how many operations are left at least (computations, copies, drops), and how many more moves we expect."""
        supply = self.supply(stack, done)
        left = sum(map(abs, supply.values())) + (self.all_done & ~done).bit_count()
        if done == self.all_done:
            return left, self._disorder(stack)
        return left, self._next_moves(stack, done, supply)

    def _next_moves(self, stack: Stack, done: int, supply: dict[int, int]) -> float:
        """Estimate the moves until the computation that is nearest to being possible."""
        costs: dict[int, float] = {}
        for index in range(len(stack) - 1, -1, -1):
            value = stack[index]
            if supply[value] < 0:  # it is copied, which is counted already, if it can be reached
                costs[value] = 0.0 if index in _COPIED else 1.0
            else:
                costs[value] = 1.0 if index <= _REACH else 2.0
        best = 99.0
        for number, node in enumerate(self.nodes):
            if done >> number & 1 or self.after[number] & ~done:
                continue
            for order in node.orders:
                cost = 0.0
                for place, value in enumerate(order):
                    if place >= len(stack) or stack[place] != value:
                        cost += costs.get(value, 0.0 if value in self.makers else 99.0)
                best = min(best, cost)
        return best

    def _disorder(self, stack: Stack) -> int:
        """Return how many elements are not part of the longest run that is in the order of the target already."""
        tails: list[int] = []
        rank = self.target_rank
        for value in stack:
            places = rank.get(value)
            if places is None:
                continue
            for place in places:
                at = bisect_left(tails, place)
                if at == len(tails):
                    tails.append(place)
                elif tails[at] > place:
                    tails[at] = place
        return max(len(stack), len(self.target)) - len(tails)


def _ranks(target: Stack) -> dict[int, tuple[int, ...]]:
    places: dict[int, list[int]] = {}
    for index in range(len(target) - 1, -1, -1):
        places.setdefault(target[index], []).append(index)
    return {value: tuple(found) for value, found in places.items()}


def _makers(nodes: Sequence[Node]) -> dict[int, tuple[Operation, ...]]:
    """Return value -> operations that make it from nothing: constants, which may be made as often as one likes."""
    makers: dict[int, tuple[Operation, ...]] = {}
    for node in nodes:
        if not node.inputs and len(node.outputs) == 1 and OPERATIONS[node.operations[0][0]].name in ("PUSH", "PAD"):
            makers.setdefault(node.outputs[0], node.operations)
    return makers


def _needed(effect: Effect, makers: dict[int, tuple[Operation, ...]]) -> list[Node]:
    """Return the computations that the effect cannot do without."""
    made: set[tuple[object, ...]] = set()
    unique: list[Node] = []
    for node in effect.nodes:
        key = (node.operations, node.inputs)
        always = OPERATIONS[node.operations[0][0]].name in ALWAYS
        if (always or key not in made) and (node.inputs or node.outputs[0] not in makers):
            unique.append(node)
        made.add(key)
    wanted = set(effect.stack)
    kept: list[Node] = []
    for node in reversed(unique):
        if node.required or wanted & set(node.outputs):
            kept.append(node)
            wanted |= set(node.inputs)
    kept.reverse()
    return kept


def search(problem: Problem, limit: int, width: int = DEFAULT_WIDTH, size_weight: float = 0.0) -> list[Operation] | None:
    """Return the shortest sequence found that has fewer than `limit` operations, or None.

    `size_weight` is what an element on the stack counts when states are ranked: for long sequences some weight keeps the
    search from making all copies first.
    """
    limit -= sum(len(node.operations) - 1 for node in problem.nodes)  # a node is one step, whatever it is written with
    start: State = (problem.start, 0)
    level: dict[State, Trail] = {start: (None, ())}
    goal: State = (problem.target, problem.all_done)
    for length in range(limit):
        if goal in level:
            return _operations(level[goal])
        room = limit - 1 - length
        following: dict[State, Trail] = {}
        for state, trail in level.items():
            for new, operations in _steps(problem, state):
                if new not in following:
                    following[new] = (trail, operations)
        ranked: list[tuple[float, int, State]] = []
        for number, (stack, done) in enumerate(following):
            left, moves = problem.estimate(stack, done)
            if left < room:
                ranked.append((left + 0.75 * moves + size_weight * len(stack), number, (stack, done)))
        if len(ranked) > width:
            ranked = nsmallest(width, ranked)
        level = {state: following[state] for _, _, state in ranked}
        if not level:
            return None
    return None


def _steps(problem: Problem, state: State) -> list[tuple[State, tuple[Operation, ...]]]:
    """Return every state that one operation leads to, and the operation."""
    stack, done = state
    size = len(stack)
    balance = problem.supply(stack, done)
    found: list[tuple[State, tuple[Operation, ...]]] = []
    for opcode, count, order in _SHUFFLES:
        if count <= size:
            moved = (*(stack[index] for index in order), *stack[count:])
            if moved != stack:
                found.append(((moved, done), ((opcode, None),)))
    for opcode, index in _COPIES:
        if index < size and balance[stack[index]] < 0:
            found.append((((stack[index], *stack), done), ((opcode, None),)))
    if stack and balance[stack[0]] > 0:
        found.append(((stack[1:], done), _DROP))
    for value, operations in problem.makers.items():
        if balance.get(value, 0) < 0:
            found.append((((value, *stack), done), operations))
    for index, node in enumerate(problem.nodes):
        if done >> index & 1 or problem.after[index] & ~done:
            continue
        count = len(node.inputs)
        if stack[:count] in node.orders:
            found.append((((*node.outputs, *stack[count:]), done | 1 << index), node.operations))
    return found


def _operations(trail: Trail | None) -> list[Operation]:
    parts: list[tuple[Operation, ...]] = []
    while trail is not None:
        parts.append(trail[1])
        trail = trail[0]
    return [operation for part in reversed(parts) for operation in part]
