"""How often anybody may ask: a bucket of tokens for each client, refilled all the time, the least used forgotten first."""

from __future__ import annotations

import time
from collections import OrderedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CLIENTS = 10_000


class Rates:
    """Allow each client `rate` requests a second, and `burst` at once; a rate of 0 allows everything.

    >>> rates = Rates(1, 2, clock=iter([0.0, 0.0, 0.0, 1.0]).__next__)
    >>> [rates.take("a") for _ in range(4)]
    [0.0, 0.0, 1.0, 0.0]
    """

    __slots__ = ("_buckets", "_clock", "burst", "rate")

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, cost: float = 1) -> float:
        """Take from the bucket of a client; return 0, or the seconds to wait if there is not enough in it."""
        if not self.rate:
            return 0
        now = self._clock()
        left, then = self._buckets.pop(client, (self.burst, now))
        left = min(self.burst, left + (now - then) * self.rate)
        wait = 0.0 if left >= cost else (cost - left) / self.rate
        self._buckets[client] = (left - cost if not wait else left, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return wait
