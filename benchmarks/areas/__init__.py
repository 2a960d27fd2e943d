"""What `compare.py` measures, one module an area.

An area has a `TITLE` and `collect(setting)`, which yields cases, figures and series after it has compared their results;
`summary(rows)`, if there, adds rows made of the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

NAMES = (
    *("hot", "cold", "hashing", "loading", "assembly", "start", "threads", "many", "transactions", "store", "ipld", "memory", "growth"),
    *("actors", "masm_actors"),
)
"""All areas, in the order of the report."""


def load(name: str) -> ModuleType:
    """Return the module of an area."""
    return import_module(f"areas.{name}")
