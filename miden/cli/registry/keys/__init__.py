"""`miden registry keys`: the keys of a registry and of its publishers."""

from __future__ import annotations

from miden.cli.verb import Group

VERBS = {
    "new": "Make a key for a publisher.",
    "list": "List roles, their keys, and how long they hold.",
    "claim": "Give a namespace or a name to publishers.",
    "rotate": "Replace the keys of a role.",
}
"""Verb -> short help."""

command = Group(
    "keys",
    "miden.cli.registry.keys",
    VERBS,
    "Keys: root and targets are kept offline, the others beside the registry, those of publishers with them.",
)
