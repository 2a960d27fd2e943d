"""`miden registry keys`: the keys of a registry and of its publishers."""

from __future__ import annotations

import click

from miden.cli.app import LazyGroup

VERBS = {
    "new": "Make a key for a publisher.",
    "list": "List roles, their keys, and how long they hold.",
    "claim": "Give a namespace or a name to publishers.",
    "rotate": "Replace the keys of a role.",
}
"""Verb -> short help."""


class KeysGroup(LazyGroup):
    """The verbs about keys."""

    verbs = VERBS
    package = "miden.cli.registry.keys"


@click.group("keys", cls=KeysGroup)
def command() -> None:
    """Keys: root and targets are kept offline, the others beside the registry, those of publishers with them."""
