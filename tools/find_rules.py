"""Find rules for shorter operation sequences: run all short sequences on symbols, and keep those that a shorter one can replace.

usage: python tools/find_rules.py [--length N] [--check]

Writes `miden/optimize/rule_table.py`; with --check it writes nothing and exits 1 if the table is out of date. A sequence that
contains another one that has a rule needs none of its own. The default length takes a minute.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from miden.isa import OP  # noqa: E402  (the path has to be set first)
from miden.optimize.effects import Runner, same_effect  # noqa: E402
from miden.optimize.values import Values  # noqa: E402

TABLE = ROOT / "miden" / "optimize" / "rule_table.py"

ALPHABET = (
    *("SWAP", "DROP", "PAD", "DUP0", "DUP1", "DUP2", "DUP3", "MOVUP2", "MOVUP3", "MOVUP4", "MOVDN2", "MOVDN3", "MOVDN4"),
    *("ADD", "MUL", "NEG", "INCR", "EQ", "EQZ", "NOT", "AND", "OR", "CSWAP", "SWAPW", "SWAPDW"),
    *("U32SPLIT", "U32ADD", "U32ADD3", "U32SUB", "U32MUL", "U32MADD", "U32AND", "U32XOR", "U32ASSERT2"),
)
WINDOW = 40
"""Elements that effects are compared on."""


def effect_key(names: tuple[str, ...], values: Values) -> object:
    """Return something equal for sequences whose effects are likely to be the same; the proof comes after."""
    effect = Runner(values).run(operations(names)).effect()
    return effect.padded(WINDOW, values), effect.checks, len(effect.stack) - effect.depth


def operations(names: tuple[str, ...]) -> list[tuple[int, int | None]]:
    """Return operations by their names."""
    return [(OP[name], 0 if name == "U32ASSERT2" else None) for name in names]


def find(length: int) -> list[tuple[str, str]]:
    """Return rules for all sequences up to a length, shortest first."""
    values = Values()
    shortest: dict[object, tuple[str, ...]] = {effect_key((), values): ()}
    rules: dict[tuple[str, ...], tuple[str, ...]] = {}
    level: list[tuple[str, ...]] = [()]
    for _ in range(length):
        following = []
        for start in level:
            for name in ALPHABET:
                names = (*start, name)
                if any(names[first:] in rules for first in range(1, len(names))):
                    continue
                known = shortest.setdefault(effect_key(names, values), names)
                if len(known) < len(names) and same_effect(operations(names), operations(known)):
                    rules[names] = known
                else:
                    following.append(names)
        level = following
    return [(" ".join(longer), " ".join(shorter)) for longer, shorter in rules.items()]


def main() -> int:
    """Write or check the table and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=int, default=3, help="longest sequences to try")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the table is out of date")
    arguments = parser.parse_args()
    rules = find(arguments.length)
    text = "# GENERATED from tools/find_rules.py - do not edit.\n"
    text += '"""Rules for shorter sequences: operations, and fewer with the same effect."""\n\n'
    text += "RULES = (\n" + "".join(f'    ("{longer}", "{shorter}"),\n' for longer, shorter in rules) + ")\n"
    print(f"{len(rules)} rules for sequences of up to {arguments.length} operations")
    if arguments.check:
        return int(text != TABLE.read_text(encoding="utf-8"))
    TABLE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
