"""The verbs of the command line, those of groups too."""

from __future__ import annotations

from miden.cli.app import VERBS, load_verb
from miden.cli.verb import Group, Verb


def all_verbs() -> dict[str, Verb]:
    """Return every verb by what is typed for it, those of groups too."""
    found: dict[str, Verb] = {}
    pending: list[tuple[str, Verb | Group]] = [(name, load_verb(name)) for name in VERBS]
    while pending:
        name, item = pending.pop()
        if isinstance(item, Group):
            pending += [(f"{name} {below}", item.load(below)) for below in item.verbs]
        else:
            found[name] = item
    return found
