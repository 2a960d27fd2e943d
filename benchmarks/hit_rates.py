"""Draw the hit rates of ARC and LRU beside the best that any cache could do, on three patterns of access.

usage: python benchmarks/hit_rates.py [--check] [FILE.svg]

The patterns are recorded: made from fixed seeds, the same on every machine. The best is Belady's: it knows the future, and drops
what is needed last. With ``--check`` nothing is written, and the exit code is 1 if the picture would be another one.
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from plot import line, text

from miden.store.cache import Loaded, make_cache

if TYPE_CHECKING:
    from collections.abc import Sequence

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "hit-rates.svg"
LOOKUPS = 15_000
SIZES = (50, 100, 200, 300, 400, 600, 800)
"""Entries that the cache may hold; all weigh the same here."""

WIDTH, HEIGHT, LEFT, TOP = 300, 210, 44, 30
COLOURS = {"Belady": "#9ca3af", "ARC": "#2563eb", "LRU": "#dc2626"}


def zipf() -> list[int]:
    """Return look-ups of 2,000 keys, few of them very often."""
    sums = list(itertools.accumulate(1 / (rank + 1) ** 0.9 for rank in range(2000)))
    rng = random.Random(1)
    return [bisect.bisect(sums, rng.random() * sums[-1]) for _ in range(LOOKUPS)]


def scan() -> list[int]:
    """Return the same, with every now and then a walk over 500 keys that nobody asks for again."""
    fresh = itertools.count(10_000)
    pattern: list[int] = []
    for number, key in enumerate(zipf()):
        pattern.append(key)
        if number % 1000 == 999:
            pattern += itertools.islice(fresh, 500)
    return pattern[:LOOKUPS]


def loop() -> list[int]:
    """Return a walk over 440 keys again and again: a little more than the middle cache holds."""
    return [number % 440 for number in range(LOOKUPS)]


PATTERNS = {
    "Zipf (2,000 keys, exponent 0.9)": zipf,
    "Zipf with scans (500 new keys in 1,500)": scan,
    "Loop over 440 keys": loop,
}


def policy_rate(policy: str, pattern: Sequence[int], size: int) -> float:
    """Return the hit rate of one of our caches."""
    cache = make_cache(policy, size)
    for key in pattern:
        cache.get_or_load(key, lambda key: Loaded(key, 1, (key,)))
    return cache.counters.hit_rate


def best_rate(pattern: Sequence[int], size: int) -> float:
    """Return the hit rate of a cache that drops what is needed last, or does not take in what is needed later than all it has."""
    never = len(pattern)
    following = [never] * len(pattern)
    seen: dict[int, int] = {}
    for position in range(len(pattern) - 1, -1, -1):
        following[position] = seen.get(pattern[position], never)
        seen[pattern[position]] = position
    held: dict[int, int] = {}
    order: list[tuple[int, int]] = []  # (next use, key), ascending; what is no longer true is skipped
    hits = 0
    for position, key in enumerate(pattern):
        hits += key in held
        if following[position] == never:
            held.pop(key, None)
            continue
        held[key] = following[position]
        bisect.insort(order, (following[position], key))
        while len(held) > size:
            use, last = order.pop()
            if held.get(last) == use:
                del held[last]
    return hits / len(pattern)


def rates(pattern: Sequence[int]) -> dict[str, list[float]]:
    """Return name -> hit rate at each size."""
    return {
        "Belady": [best_rate(pattern, size) for size in SIZES],
        "ARC": [policy_rate("arc", pattern, size) for size in SIZES],
        "LRU": [policy_rate("lru", pattern, size) for size in SIZES],
    }


def panel(title: str, curves: dict[str, list[float]], left: float) -> list[str]:
    """Return hit rate against size, a curve for each."""

    def x_of(size: int) -> float:
        return left + LEFT + (WIDTH - LEFT - 16) * size / SIZES[-1]

    def y_of(rate: float) -> float:
        return TOP + (HEIGHT - TOP - 40) * (1 - rate)

    parts = [text(left + LEFT, 18, title, weight="bold")]
    for rate in (0, 0.25, 0.5, 0.75, 1):
        parts.append(line(x_of(0), y_of(rate), x_of(SIZES[-1]), y_of(rate), "#e5e7eb"))
        parts.append(text(x_of(0) - 6, y_of(rate) + 4, f"{rate:.0%}", anchor="end"))
    for size in (0, 200, 400, 600, 800):
        parts.append(text(x_of(size), HEIGHT - 24, str(size), anchor="middle"))
    parts.append(text(left + LEFT + (WIDTH - LEFT) / 2, HEIGHT - 8, "entries that fit", anchor="middle"))
    for name, values in curves.items():
        points = " ".join(f"{x_of(size):.1f},{y_of(rate):.1f}" for size, rate in zip(SIZES, values, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
    return parts


def picture() -> tuple[str, list[str]]:
    """Return the picture, and its figures as lines of a table."""
    parts: list[str] = []
    lines = [f"{'':40}" + "".join(f"{size:>8}" for size in SIZES)]
    for index, (title, make) in enumerate(PATTERNS.items()):
        curves = rates(make())
        parts += panel(title, curves, index * WIDTH)
        for name, values in curves.items():
            lines.append(f"{title:<40}" + "".join(f"{value:>8.1%}" for value in values) + f"  {name}")
    for index, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + 90 * index
        parts += [f'<rect x="{x}" y="{HEIGHT + 4}" width="12" height="4" fill="{colour}"/>', text(x + 18, HEIGHT + 10, name)]
    width, height = WIDTH * len(PATTERNS), HEIGHT + 20
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
    body = 'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>\n'
    return head + body + "\n".join(parts) + "\n</svg>\n", lines


def main() -> int:
    """Write the picture, or compare it, and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=PICTURE)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    drawn, lines = picture()
    print("\n".join(lines))
    if options.check:
        return int(not options.file.exists() or options.file.read_text(encoding="utf-8") != drawn)
    options.file.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
