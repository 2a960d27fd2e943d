"""Interfaces of actors: which methods they have, what these take and give, how they fail.

An interface is a block: types as an IPLD schema, methods, errors and events. People write it as text (`text`), machines find it by
the code of an actor (`directory`), calls are checked against it (`interface`), and Python calls methods by name (`client`).

``schema``: types. ``values``: what they accept, from Python and to it.
"""

from __future__ import annotations

from miden.actors.interfaces.interface import Interface, Method
from miden.actors.interfaces.text import parse_interface, print_interface

__all__ = ["Interface", "Method", "parse_interface", "print_interface"]
